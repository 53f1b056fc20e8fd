"""From a graph to native code: `compile_graph`, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from codegen import debug, loopir
from codegen.emit.module import GraphModule
from codegen.engine import assembly, compile_object, load_object
from codegen.layout import Layout, Place, Step
from codegen.lower.assertion import lower_assert
from codegen.lower.nodes import is_native, lower_node
from codegen.lower.view import Lowered
from codegen.runtime.host import HostCall, HostCalls
from codegen.runtime.plan import symbol_order
from codegen.target import host_target
from graphcore import dims
from graphcore.builder import evaluate_op
from graphcore.errors import InvalidArgumentError
from graphcore.graph import Const, Graph, Node, Value

if TYPE_CHECKING:
    from codegen.engine import Library
    from codegen.runtime.call import GraphCall
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target
    from graphcore.dims import Dim


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


class CompiledGraph:
    """Native code of one graph.

    Attributes:
        graph: what was compiled.
        target: the CPU.
        symbols: names of the sizes that layerjit_main takes, in order.
        kernels: one KernelInfo per kernel call, in order of execution.
        host_calls: what runs in Python, in order.
        llvm: the module's text.
        object_bytes: the relocatable object.
        arena: bytes of scratch memory that a run needs.
        timings: seconds of lower, emit, llvm, load.
        messages: what failure code i + 1 means.
    """

    def __init__(
        self, graph: Graph, target: Target, llvm: str, object_bytes: bytes, kernels: Sequence[KernelInfo],
        calls: Sequence[HostCall], arena: Dim, messages: Sequence[str], timings: dict[str, float],
    ) -> None:  # fmt: skip
        """Made by compile_graph."""
        self.graph, self.target, self.llvm, self.object_bytes = graph, target, llvm, object_bytes
        self.symbols = symbol_order([v.type for v in graph.inputs])
        self.kernels = list(kernels)
        self.arena, self.messages, self.timings = arena, tuple(messages), timings
        self.host_calls = [c.name for c in calls]
        self.host = HostCalls(calls, self.symbols) if calls else None
        self._library: Library | None = None
        self._call: GraphCall | None = None

    @property
    def library(self) -> Library:
        """The loaded object; loaded on first use."""
        if self._library is None:
            started = time.perf_counter()
            self._library = load_object(self.object_bytes)
            self.timings["load"] = time.perf_counter() - started
        return self._library

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
                self.library.address("layerjit_main"), [v.type for v in graph.inputs], [v.type for v in graph.outputs],
                symbols=self.symbols, arena=self.arena, host=self.host, on_error=self.fail, keep=self.library,
            )  # fmt: skip
        return self._call.run(arrays)

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
        """The native entry (a METH_FASTCALL builtin) for one traced signature that runs this graph."""
        from codegen.runtime.entry import make_entry

        return make_entry(self, plan)

    def assembly(self) -> str:
        """The machine code as text."""
        return assembly(self.llvm, self.target)


def compile_graph(graph: Graph, *, isa: str | None = None, fast_math: bool = False) -> CompiledGraph:
    """Compiles a graph that went through the passes (or did not) to native code.

    Args:
        graph: the graph; its memory plan is used if it has one.
        isa: an instruction set below the host's; None takes LAYERJIT_ISA or the host's.
        fast_math: permits reassociation; the code generator makes no use of it yet, so results are the same.

    Raises:
        InvalidArgumentError: for an unknown instruction set.
        CodegenError: if generated code is not valid (a bug).
    """
    with dims.assuming(graph.guards):
        return _compile(graph, host_target(isa))


def _compile(graph: Graph, target: Target) -> CompiledGraph:
    build = _Build(graph, target)
    started = time.perf_counter()
    lowered = [build.lower(node) for node in graph.nodes if node.op.name not in ("input", "constant")]
    build.copies()
    lower_seconds = time.perf_counter() - started
    del lowered
    text = build.emit()
    emitted = time.perf_counter()
    debug.show("llvm", text)
    code = compile_object(text, target)
    timings = {
        "lower": lower_seconds, "emit": emitted - started - lower_seconds, "llvm": time.perf_counter() - emitted,
    }  # fmt: skip
    if debug.wants("asm"):
        debug.show("asm", assembly(text, target))
    return CompiledGraph(
        graph, target, text, code.data, build.infos(), build.calls, build.arena, build.messages, timings
    )


class _Build:
    """The steps of a graph under construction."""

    def __init__(self, graph: Graph, target: Target) -> None:
        self.graph, self.target = graph, target
        self.layout = Layout(graph)
        self.module = GraphModule(target, symbol_order([v.type for v in graph.inputs]))
        self.planned: list[tuple[Lowered | None, tuple[Place, ...], int]] = []
        self.calls: list[HostCall] = []
        self.messages: list[str] = []
        self.steps: list[tuple[Step, loopir.Kernel | None]] = []
        self.arena: Dim = 0
        self._names: dict[str, int] = {}

    def lower(self, node: Node) -> None:
        """Adds what computes one node."""
        if any(self.layout.is_alias(v) for v in node.results):
            return
        if "fail" in node.op.effects and not node.results:
            self._add(lower_assert(node, self._name(node)))
        elif not is_native(node):
            self._host(node)
        else:
            for part in lower_node(node, self._name(node)):
                self._add(part)

    def copies(self) -> None:
        """Outputs that are inputs, constants, or other outputs are copied last."""
        for i, (value, place) in enumerate(self.layout.copies):
            self._copy(value, place, f"copy{i}")

    def _copy(self, value: Value, place: Place, name: str) -> None:
        size = value.type.size
        index = dims.symbol("i", 0, size - 1)
        source = loopir.Buffer("in0", value.type.dtype, size, "in")
        target = loopir.Buffer("out1", value.type.dtype, size, "out")
        load = loopir.Load("x", value.type.dtype, "in0", index)
        body = [loopir.Loop("i", size, "vector", True, [load, loopir.Store("out1", index, "x")])]
        kernel = loopir.Kernel(name, "copy", (value.node.id,), (source, target), body, size)
        self.planned.append((Lowered(kernel, ()), (self.layout.place(value), place), 0))

    def _name(self, node: Node) -> str:
        stem = str(node.attrs.get("category", node.op.name)) if node.bodies else node.op.name
        number = self._names[stem] = self._names.get(stem, -1) + 1
        return f"{stem}_{number}"

    def _add(self, part: Lowered) -> None:
        places = tuple(
            Place("const", 0, v) if isinstance(v, Const) else self.layout.place(v) for v in part.args
        )
        self.planned.append((part, places, len(self.messages)))
        self.messages.extend(part.kernel.messages)
        debug.show("loops", str(part.kernel))

    def _host(self, node: Node) -> None:
        places = tuple(self.layout.place(v) for v in (*node.operands, *node.results))
        call = host_call(node)
        self.planned.append((None, places, len(self.calls)))
        self.calls.append(call)

    def emit(self) -> str:
        """Emits every kernel and layerjit_main; returns the module's text."""
        scratch: Dim = 0
        for part, places, number in self.planned:
            if part is None:
                self.steps.append((Step(places, host=number), None))
                continue
            emitted = self.module.kernel(part.kernel)
            scratch = dims.maximum(scratch, emitted.scratch)
            step = Step(places, emitted, can_fail=bool(part.kernel.messages), first_code=number)
            self.steps.append((step, part.kernel))
        start = self.layout.arena
        self.arena = start + scratch
        self.module.main([s for s, _ in self.steps], start, len(self.graph.inputs))
        return self.module.text.render()

    def infos(self) -> list[KernelInfo]:
        """What each kernel call is."""
        return [
            KernelInfo(
                step.emitted.name, kernel.node_ids, kernel.category, str(kernel), step.emitted.function.render()
            )
            for step, kernel in self.steps if kernel is not None and step.emitted is not None
        ]  # fmt: skip


def host_call(node: Node) -> HostCall:
    """The Python function that computes a node without native lowering."""
    inputs, outputs = [v.type for v in node.operands], [v.type for v in node.results]
    name = getattr(node.attrs.get("call"), "name", node.op.name)
    if not node.bodies:
        # Sizes of symbols reach attributes through the shapes of the operands when the call is made.
        def run(*arrays: Any) -> list[Any]:
            from graphcore.interpret import bind_dims

            env = bind_dims(inputs, [a.shape for a in arrays]) if dims.free_symbols(node.attrs) else {}
            return evaluate_op(node.op, arrays, dims.substitute(node.attrs, env))
    else:
        from graphcore.interpret import interpret

        def run(*arrays: Any) -> list[Any]:
            return interpret(node.bodies[0], arrays)

    return HostCall(str(name), run, inputs, outputs)
