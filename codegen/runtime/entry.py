"""Native call entries: their text, and the Python function that binds one to its objects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.cache.entry_objects import entry_object
from codegen.cache.form import dump
from codegen.engine import load_object
from codegen.runtime.context import Context
from codegen.runtime.host import raise_status
from codegen.runtime.layout import layout, native_entry_supported, slot_offset
from codegen.runtime.plan import EntryPlan
from codegen.runtime.recycle import recycler
from codegen.runtime.table import EntryTable, fill_plan
from graphcore.errors import LayerJitError

if TYPE_CHECKING:
    from codegen.emit.text import ModuleText
    from codegen.engine import Library

__all__ = [
    "ENTRY_NAME", "EntryBinding", "EntryPlan", "bind_entry", "emit_entry", "entry_library",
    "native_entry_supported", "plan_form",
]  # fmt: skip

ENTRY_NAME = "layerjit_entry"
"""The symbol of a graph's entry in its object."""

_METH_FASTCALL_KEYWORDS = 0x82
# CPython reads a builtin's PyMethodDef for as long as the builtin exists, and callers may be inside its code
# while the last reference goes, so definitions and code are never freed.
_definitions: list[Any] = []
_lock = threading.Lock()
_libraries: dict[bytes, Library] = {}
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

    The text depends on `plan_form`, but on no object.

    Raises:
        UnsupportedError: where `native_entry_supported()` is False.
    """
    from codegen.runtime.entry_text import write_entry

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


def entry_library(plan: EntryPlan, form: bytes) -> Library:
    """A loaded object with an entry of the plan's form; entries of one form share one object in this process.

    Args:
        plan: what the entry does.
        form: its plan_form.

    Raises:
        UnsupportedError: where `native_entry_supported()` is False.
    """
    with _lock:
        library = _libraries.get(form)
        if library is None:
            library = _libraries[form] = load_object(entry_object(form, lambda: _compile(plan)), (ENTRY_NAME,))
    return library


def _compile(plan: EntryPlan) -> bytes:
    """An object that holds the entry of a plan only."""
    from codegen.emit.text import ModuleText
    from codegen.engine import compile_object
    from codegen.target import host_target

    module = ModuleText()
    emit_entry(plan, module)
    # An entry does no arithmetic worth a CPU's own instructions, so it is the same for every CPU.
    return compile_object(module.render(), host_target("portable")).data


def plan_form(plan: EntryPlan) -> bytes:
    """What the text of a plan's entry depends on: all of the plan but its objects, and where objects keep their fields.

    Raises:
        UnsupportedError: where `native_entry_supported()` is False.
    """
    return dump((
        plan.arguments, len(plan.keywords), tuple(number for number, _ in plan.constants),
        tuple(source[:2] if source[0] == "arg" else source[0] for source in plan.inputs),
        plan.input_types, plan.output_types, plan.symbols, plan.guards,
        plan.result if isinstance(plan.result, str) else ("pack",), plan.returned,
        tuple(update[:2] for update in plan.updates), tuple(item.number for item in plan.packed),
        plan.arena, plan.work, plan.host is not None,
        layout().key(), slot_offset(plan.tensor_type), slot_offset(EntryBinding),
    ))  # fmt: skip


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
