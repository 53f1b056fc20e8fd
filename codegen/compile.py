"""From a graph to native code: `compile_graph`."""

from __future__ import annotations

import time
from typing import Any

from codegen import debug, loopir
from codegen.compiled import CompiledGraph, GraphParts, KernelInfo
from codegen.emit.contract import is_contract
from codegen.emit.module import GraphModule
from codegen.layout import Layout, Place, Step
from codegen.lower.assertion import lower_assert
from codegen.lower.nodes import is_native, lower_node
from codegen.lower.view import Lowered
from codegen.packing import PackedInput, packable_input
from codegen.runtime.host import HostCall
from codegen.runtime.plan import symbol_order
from codegen.target import Target, host_target
from graphcore import dims
from graphcore.builder import evaluate_op
from graphcore.dims import Dim
from graphcore.graph import Const, Graph, Node, Value

__all__ = ["CompiledGraph", "KernelInfo", "compile_graph"]


def compile_graph(graph: Graph, *, isa: str | None = None) -> CompiledGraph:
    """Compiles a graph that went through the passes (or did not) to native code.

    Args:
        graph: the graph; its memory plan is used if it has one.
        isa: an instruction set below the host's; None takes LAYERJIT_ISA or the host's.

    Raises:
        InvalidArgumentError: for an unknown instruction set.
        CodegenError: if generated code is not valid (a bug).
    """
    with dims.assuming(graph.guards):
        return _compile(graph, host_target(isa))


def _compile(graph: Graph, target: Target) -> CompiledGraph:
    build = _Build(graph, target)
    started = time.perf_counter()
    for node in graph.nodes:
        if node.op.name not in ("input", "constant"):
            build.lower(node)
    build.copies()
    lower_seconds = time.perf_counter() - started
    build.emit()
    timings = {"lower": lower_seconds, "emit": time.perf_counter() - started - lower_seconds}
    parts = GraphParts(
        build.module.text, build.infos(), build.calls, tuple(build.packed), build.arena, tuple(build.messages),
        timings,
    )  # fmt: skip
    return CompiledGraph(graph, target, parts)


class _Build:
    """The steps of a graph under construction."""

    def __init__(self, graph: Graph, target: Target) -> None:
        self.graph, self.target = graph, target
        self.layout = Layout(graph)
        self.module = GraphModule(target, symbol_order([v.type for v in graph.inputs]))
        self.planned: list[tuple[Lowered | None, tuple[Place, ...], int]] = []
        self.calls: list[HostCall] = []
        self.messages: list[str] = []
        self.packed: list[PackedInput] = []
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

    def emit(self) -> None:
        """Emits every kernel and layerjit_main."""
        scratch: Dim = 0
        for part, places, number in self.planned:
            if part is None:
                self.steps.append((Step(places, host=number), None))
                continue
            packed, places = self._pack(part.kernel, places)
            emitted = self.module.kernel(part.kernel, packed=packed)
            scratch = dims.maximum(scratch, emitted.scratch)
            step = Step(places, emitted, can_fail=bool(part.kernel.messages), first_code=number)
            self.steps.append((step, part.kernel))
        start = self.layout.arena
        self.arena = start + scratch
        self.module.main([s for s, _ in self.steps], start, len(self.graph.inputs), len(self.graph.outputs))

    def _pack(self, kernel: loopir.Kernel, places: tuple[Place, ...]) -> tuple[bool, tuple[Place, ...]]:
        """Whether a kernel reads a packed copy of its right operand, and then its places with that copy."""
        item = packable_input(kernel, places, self.graph, self.target) if is_contract(kernel) else None
        if item is None:
            return False, places
        if item not in self.packed:
            self.packed.append(item)
        copy = Place("packed", self.packed.index(item))
        return True, tuple(copy if p == Place("input", item.number) else p for p in places)

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
