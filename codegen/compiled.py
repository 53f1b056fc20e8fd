"""What compile_graph gives: the code of one graph, made into an object when it is first needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from codegen import debug
from codegen.engine import assembly, compile_object, load_object
from codegen.runtime.host import HostCalls
from codegen.runtime.plan import symbol_order
from graphcore import dims
from graphcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from codegen.emit.text import ModuleText
    from codegen.engine import Library
    from codegen.packing import PackedInput
    from codegen.runtime.call import GraphCall
    from codegen.runtime.host import HostCall
    from codegen.runtime.packed import PackedSource
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target
    from graphcore.dims import Dim
    from graphcore.graph import Graph

MAIN_NAME = "layerjit_main"
"""The symbol of a graph's code in its object."""


class KernelInfo(NamedTuple):
    """One kernel, for people.

    Attributes:
        name: its name in the module; kernels that compute alike share one.
        node_ids: the graph's nodes that it computes.
        category: the kind of fusion.
        loops: its loop IR.
        llvm: its LLVM function.
    """

    name: str
    node_ids: tuple[int, ...]
    category: str
    loops: str
    llvm: str


class GraphParts(NamedTuple):
    """What a graph was lowered and emitted to.

    Attributes:
        module: the module's text, which still takes functions.
        kernels: one KernelInfo per kernel call, in order of execution.
        calls: what runs in Python, in order.
        packed: the inputs of which layerjit_main takes packed copies.
        arena: bytes of scratch memory that a run needs.
        messages: what failure code i + 1 means.
        timings: seconds of lower and emit.
        symbols: names of all sizes, those that the run finds out included.
        work: about how many picoseconds a run takes.
    """

    module: ModuleText
    kernels: list[KernelInfo]
    calls: list[HostCall]
    packed: tuple[PackedInput, ...]
    arena: Dim
    messages: tuple[str, ...]
    timings: dict[str, float]
    symbols: tuple[str, ...]
    work: Dim = 0


class CompiledGraph:
    """Native code of one graph; made into one object, with its first call entry, when it is first run.

    Attributes:
        graph: what was compiled.
        target: the CPU.
        symbols: names of the sizes that layerjit_main takes, in order.
        kernels: one KernelInfo per kernel call, in order of execution.
        host_calls: what runs in Python, in order.
        packed: the lasting inputs of which layerjit_main takes packed copies, after the outputs.
        arena: bytes of scratch memory that a run needs.
        timings: seconds of lower, emit, llvm, load; the last two once they have happened.
        messages: what failure code i + 1 means.
        work: about how many picoseconds a run takes, by the sizes of the inputs.
        unbounded: whether there is a loop whose length only the run finds out.
    """

    def __init__(self, graph: Graph, target: Target, parts: GraphParts) -> None:
        """Made by compile_graph."""
        self.graph, self.target = graph, target
        self.symbols = symbol_order([v.type for v in graph.inputs])
        self.kernels, self.packed, self.arena = parts.kernels, parts.packed, parts.arena
        self.messages, self.timings = parts.messages, parts.timings
        found = dims.free_symbols(parts.work) - set(self.symbols)
        self.work: Dim = dims.substitute(parts.work, dict.fromkeys(found, 1))
        self.unbounded = any(n.op.name == "while" for n in graph.walk())
        self.host_calls = [c.name for c in parts.calls]
        self.host = HostCalls(parts.calls, parts.symbols) if parts.calls else None
        self._module = parts.module
        self._entry_text = ""  # of the entry inside the object
        self._object: bytes | None = None
        self._library: Library | None = None
        self._call: GraphCall | None = None
        self._sources: tuple[PackedSource, ...] = ()
        self._lock = threading.RLock()

    @property
    def llvm(self) -> str:
        """The module's text."""
        return self._module.render()

    @property
    def object_bytes(self) -> bytes:
        """The relocatable object; compiled on first use."""
        with self._lock:
            if self._object is None:
                text = self.llvm
                debug.show("llvm", text)
                started = time.perf_counter()
                self._object = compile_object(text, self.target).data
                self.timings["llvm"] = time.perf_counter() - started
                if debug.wants("asm"):
                    debug.show("asm", self.assembly())
            return self._object

    @property
    def library(self) -> Library:
        """The loaded object; loaded on first use."""
        with self._lock:
            if self._library is None:
                data = self.object_bytes
                started = time.perf_counter()
                self._library = load_object(data, (MAIN_NAME, *self._entry_names()))
                self.timings["load"] = time.perf_counter() - started
            return self._library

    def _entry_names(self) -> tuple[str, ...]:
        from codegen.runtime.entry_text import ENTRY_NAME

        return (ENTRY_NAME,) if self._entry_text else ()

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Computes all outputs from all inputs, in order.

        Raises:
            InvalidArgumentError: for a wrong number of arrays, a failed assertion, or an index out of range.
            ShapeError, DTypeError: if an array has not the type of its input.
        """
        if self._call is None:
            from codegen.runtime.call import GraphCall

            graph = self.graph
            self._call = GraphCall(
                self.library.address(MAIN_NAME), [v.type for v in graph.inputs], [v.type for v in graph.outputs],
                symbols=self.symbols, arena=self.arena, host=self.host, on_error=self.fail, keep=self.library,
                packed=self._packed_arrays if self.packed else None,
            )  # fmt: skip
        return self._call.run(arrays)

    def _packed_arrays(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        from codegen.runtime.packed import arrays_for

        return arrays_for(self.packed, self._sources, arrays)

    def fail(self, status: int) -> None:
        """Raises what a non-zero status of layerjit_main means.

        Raises:
            InvalidArgumentError: for a failed assertion or an index out of range; whatever a host call raised.
        """
        if 0 < status <= len(self.messages):
            raise InvalidArgumentError(self.messages[status - 1])
        from codegen.runtime.host import raise_status

        raise_status(status)

    def entry(self, plan: EntryPlan) -> Any:
        """The native entry (a METH_FASTCALL builtin) for one traced signature that runs this graph.

        The first one becomes part of the graph's object; others of another form are small objects of their own.

        Raises:
            UnsupportedError: where `native_entry_supported()` is False.
            InvalidArgumentError: if a packed input is an argument, or a variable without version counter.
        """
        from codegen.runtime.entry import bind_entry, emit_entry, entry_library
        from codegen.runtime.packed import PackedSource

        self._sources = tuple(PackedSource(p, plan.inputs[p.number]) for p in self.packed)
        with self._lock:
            if self._object is None and not self._entry_text:
                self._entry_text = emit_entry(plan, self._module)
                return bind_entry(plan, self.library)
            library = entry_library(plan, self.target, self._entry_text, self.library)
        return bind_entry(plan, library, main=self.library.address(MAIN_NAME))

    def assembly(self) -> str:
        """The machine code as text."""
        return assembly(self.llvm, self.target)
