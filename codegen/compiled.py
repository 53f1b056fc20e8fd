"""What compile_graph gives: the code of one graph, made into an object when it is first needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from codegen import debug
from codegen.engine import assembly, compile_object
from codegen.native import MAIN_NAME, NativeGraph
from codegen.runtime.host import HostCalls
from graphcore import dims

if TYPE_CHECKING:
    from codegen.emit.text import ModuleText
    from codegen.packing import PackedInput
    from codegen.runtime.host import HostCall
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target
    from graphcore.dims import Dim
    from graphcore.graph import Graph

__all__ = ["MAIN_NAME", "CompiledGraph", "GraphParts", "KernelInfo"]


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


class CompiledGraph(NativeGraph):
    """Native code of one graph; made into one object, with its first call entry, when it is first run.

    Attributes:
        graph: what was compiled.
        kernels: one KernelInfo per kernel call, in order of execution.
        host_calls: what runs in Python, in order.
        on_object: called once, when the object has been made.
    """

    def __init__(self, graph: Graph, target: Target, parts: GraphParts) -> None:
        """Made by compile_graph."""
        known = dims.free_symbols([d for v in graph.inputs for d in v.type.shape])
        work = dims.substitute(parts.work, dict.fromkeys(dims.free_symbols(parts.work) - known, 1))
        # Who writes over variables cannot be interrupted, and a loop of unknown length must be.
        unbounded = any(n.op.name == "while" for n in graph.walk())
        super().__init__(
            [v.type for v in graph.inputs], [v.type for v in graph.outputs],
            host=HostCalls(parts.calls, parts.symbols) if parts.calls else None, packed=parts.packed, arena=parts.arena,
            donations=graph.memory.donations if graph.memory and not unbounded else (), work=work,
            messages=parts.messages, timings=parts.timings,
        )  # fmt: skip
        self.graph, self.kernels = graph, parts.kernels
        self.host_calls = [c.name for c in parts.calls]
        self.on_object: Callable[[CompiledGraph], None] | None = None
        self._target = target
        self._module = parts.module
        self._object: bytes | None = None

    @property
    def target(self) -> Target:
        """The CPU that the code is for."""
        return self._target

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
                if self.on_object is not None:
                    self.on_object(self)
            return self._object

    @property
    def entry_form(self) -> bytes:
        """The form of the call entry inside the object; empty if it has none."""
        return self._entry_form

    def _take_entry(self, plan: EntryPlan, form: bytes) -> None:
        if self._object is None and not self._entry_form:
            from codegen.runtime.entry import emit_entry

            emit_entry(plan, self._module)
            self._entry_form = form

    def assembly(self) -> str:
        """The machine code as text."""
        return assembly(self.llvm, self.target)
