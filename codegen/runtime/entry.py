"""Native call entries: their text, and the Python function that binds one to its objects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.emit.text import ModuleText
from codegen.engine import compile_object, load_object
from codegen.runtime.context import Context
from codegen.runtime.entry_text import ENTRY_NAME, write_entry
from codegen.runtime.host import raise_status
from codegen.runtime.layout import layout, native_entry_supported, slot_offset
from codegen.runtime.plan import EntryPlan
from codegen.runtime.recycle import recycler
from codegen.runtime.table import EntryTable, fill_plan
from graphcore.errors import LayerJitError

if TYPE_CHECKING:
    from codegen.engine import Library
    from codegen.target import Target

__all__ = [
    "ENTRY_NAME", "EntryBinding", "EntryPlan", "bind_entry", "emit_entry", "entry_library",
    "native_entry_supported",
]  # fmt: skip

_METH_FASTCALL_KEYWORDS = 0x82
# CPython reads a builtin's PyMethodDef for as long as the builtin exists, and callers may be inside its code
# while the last reference goes, so definitions and code are never freed.
_definitions: list[Any] = []
_lock = threading.Lock()
_libraries: dict[str, Library] = {}
_never_busy = np.zeros((), dtype=np.int64)


class EntryBinding:
    """What a native entry is bound to: its `__self__`.

    Attributes:
        plan: the plan of the entry.
        context: the table of addresses, and the objects they belong to.
    """

    # The code reads the context table's address through the slot _array.
    __slots__ = ("_array", "context", "plan")

    def __init__(self, plan: EntryPlan, context: Context) -> None:
        """Made by bind_entry."""
        self._array = context.table
        self.plan = plan
        self.context = context


def emit_entry(plan: EntryPlan, module: ModuleText, name: str = ENTRY_NAME) -> str:
    """Adds the native entry of a plan to a module (the graph's own, or another); returns the function's text.

    The text depends on the plan's form (types, sources, guards, structure) and on `layout().key()`, but on no
    object.

    Raises:
        UnsupportedError: where `native_entry_supported()` is False.
    """
    return write_entry(plan, module, slot_offset(EntryBinding), name)


def bind_entry(
    plan: EntryPlan, library: Library, *, main: int | None = None, name: str = ENTRY_NAME
) -> Callable[..., Any]:
    """Makes the builtin function that calls a loaded entry.

    Args:
        plan: the plan (or one of the same form) that the entry was emitted for.
        library: the loaded object that exports the entry; it is kept loaded for ever.
        main: the address of layerjit_main; None takes it from `library`.
        name: the entry's symbol.

    Returns:
        A builtin that does not bind as a method; its `__self__` is the EntryBinding.

    Raises:
        UnsupportedError: where `native_entry_supported()` is False, or a variable's array is not in a slot.
    """
    import ctypes

    library.keep()
    binding = EntryBinding(plan, _context(plan, library.address("layerjit_main") if main is None else main))

    # struct PyMethodDef { const char *name; PyCFunction function; int flags; const char *doc; }
    called = ctypes.c_char_p(plan.name.encode())
    definition = (ctypes.c_void_p * 4)(
        ctypes.cast(called, ctypes.c_void_p), library.address(name), _METH_FASTCALL_KEYWORDS, None
    )
    _definitions.append((definition, called))
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    return make(ctypes.addressof(definition), binding, None)


def entry_library(plan: EntryPlan, target: Target, known: str, graph: Library) -> Library:
    """A loaded object with an entry of the plan's form; entries of one form share one object in this process.

    Args:
        plan: what the entry does.
        target: the CPU.
        known: the text of the entry in the graph's own object, which is taken if the form is the same.
        graph: that object.

    Raises:
        UnsupportedError: where `native_entry_supported()` is False.
    """
    # An entry does no arithmetic worth a CPU's own instructions, so its text is the same for every CPU.
    module = ModuleText()
    text = emit_entry(plan, module)
    if text == known:
        return graph
    with _lock:
        library = _libraries.get(text)
        if library is None:
            code = compile_object(module.render(), target)
            library = _libraries[text] = load_object(code.data, (ENTRY_NAME,))
    return library


def _context(plan: EntryPlan, main: int) -> Context:
    """The filled context of a plan."""
    import ctypes

    at = layout()
    table = EntryTable(plan)
    context = Context(table.size)
    for name in (
        "empty", "generic_alloc", "incref", "decref", "vectorcall", "save_thread", "restore_thread",
        "from_long", "no_memory",
    ):  # fmt: skip
        context.set(name, at.functions[name])
    container = "tuple" if plan.result == "tuple" else "list"
    context.set("container_new", at.functions[f"{container}_new"])
    context.set("container_set", at.functions[f"{container}_set"])
    context.set("main", main)
    context.set("busy", _never_busy.ctypes.data if plan.busy is None else ctypes.addressof(plan.busy))
    context.set("ndarray", context.keep(np.ndarray))
    context.set("tensor", context.keep(plan.tensor_type))
    context.set("slow", context.keep(plan.slow))
    context.set("failed", context.keep(_raiser(plan)))
    context.set("none", context.keep(None))
    if callable(plan.result):
        context.set("pack", context.keep(plan.result))
    if plan.host is not None:
        context.set("host", plan.host.address)
    context.set("quiet", context.quiet())
    context.set("recycler", recycler().address)
    context.kept += [plan.busy, plan.host]
    fill_plan(context, table, plan, at)
    return context


def _raiser(plan: EntryPlan) -> Callable[[int], None]:
    """A function that raises for a status, whatever plan.on_error does."""
    on_error, name = plan.on_error or raise_status, plan.name

    def failed(status: int) -> None:
        on_error(status)
        raise LayerJitError(f"{name} failed with status {status}")

    return failed
