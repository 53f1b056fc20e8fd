"""Passes on control nodes: every pass runs on their bodies too, and what only control nodes have happens here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from graphcore.graph import Const, Graph, Node, Value
from graphcore.passes.dce import live_nodes
from graphcore.passes.rewrite import Operands, Rewriter

LOOPS = frozenset(("while", "scan"))
REGIONS = LOOPS | {"cond"}
"""Ops whose bodies are graphs that run by themselves."""

Pass = Callable[[Graph, list[str]], Graph]


def is_region(node: Node) -> bool:
    """Whether a node is a control node with bodies of its own."""
    return bool(node.bodies) and node.op.name in REGIONS


def has_regions(graph: Graph) -> bool:
    """Whether a graph holds a control node."""
    return any(is_region(n) for n in graph.nodes)


def run_pass(name: str, function: Pass, graph: Graph, notes: list[str]) -> Graph:
    """Runs a pass over a graph and over the bodies of its control nodes, with what the pass does to those nodes."""
    if not has_regions(graph):
        return function(graph, notes)
    if name == "memory":
        return _plan_memory(graph, notes)
    for step in _BEFORE.get(name, ()):
        graph = step()(graph, notes)
    graph = on_bodies(graph, lambda node, body: run_pass(name, function, _prepared(name, node, body), []))
    for step in _AFTER.get(name, ()):
        graph = step()(graph, notes)
    return function(graph, notes)


def _prepared(name: str, node: Node, body: Graph) -> Graph:
    """Before fusion a loop's body says what it carries, so that it may be computed in place."""
    if name != "fuse" or node.op.name not in LOOPS or body is not node.bodies[-1]:
        return body
    updates = [(i, i) for i in range(node.attrs["carried"])]
    return Graph(body.name, body.nodes, body.inputs, body.outputs, updates, body.output_names, body.guards)


def _plan_memory(graph: Graph, notes: list[str]) -> Graph:
    from graphcore.passes.memory import memory

    for node in graph.nodes:
        if is_region(node):
            for body in node.bodies:
                plan_body(body)
    return memory(graph, notes)


def plan_body(body: Graph) -> None:
    """Plans the memory of a body and of the bodies in it; what a loop carries may be written over."""
    from graphcore.passes.memory import plan

    for node in body.nodes:
        if is_region(node):
            for inner in node.bodies:
                plan_body(inner)
    body.memory = plan(body)


def on_bodies(graph: Graph, change: Callable[[Node, Graph], Graph]) -> Graph:
    """The graph with changed bodies of control nodes; the same graph if none changes. A body is changed once."""
    known: dict[int, Graph] = {}

    def changed(node: Node, body: Graph) -> Graph:
        if id(body) not in known:
            known[id(body)] = change(node, body)
        return known[id(body)]

    bodies = {n: tuple(changed(n, b) for b in n.bodies) for n in graph.nodes if is_region(n)}
    if all(new == n.bodies for n, new in bodies.items()):
        return graph

    def visit(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
        if node not in bodies:
            return None
        return emit_region(r, node, operands, bodies[node])

    return Rewriter(graph, fold_bytes=0).run(visit)


def emit_region(
    r: Rewriter, node: Node, operands: Sequence[Value], bodies: tuple[Graph, ...], **attrs: object
) -> tuple[Value, ...]:
    """Emits a control node again with other operands, bodies or attributes; its types come from its bodies."""
    every = {**node.attrs, **attrs}
    types = node.op.infer([v.type for v in operands], {**every, "bodies": bodies})
    return r.builder.emit_node(node.op, operands, every, node.locations, bodies, types)


def rebuilt(
    body: Graph, keep: Sequence[Value], outputs: Sequence[Value], given: Mapping[Value, Value | Const] | None = None
) -> Graph:
    """A body with some of its inputs and other outputs, without what neither these nor effects need.

    Args:
        body: the graph; it stays as it is.
        keep: its inputs that stay, in order.
        outputs: its values that become the outputs.
        given: inputs that go, and what stands for them: another input, or a constant.
    """
    r = Rewriter(body, fold_bytes=0)
    inputs: list[Value] = []
    for v in keep:
        attrs = v.node.attrs
        inputs.append(r.builder.input(v.type, attrs["name"], attrs["role"], v.node.locations))
        r.values[v] = inputs[-1]
    for v, stand_in in (given or {}).items():
        r.values[v] = r.builder.constant(stand_in) if isinstance(stand_in, Const) else r.values[stand_in]
    live = live_nodes(Graph(body.name, body.nodes, body.inputs, outputs))
    for node in body.nodes:
        if node.op.name != "input" and node in live:
            r.step(node)
    names = [f"out{i}" for i in range(len(outputs))]
    return Graph(body.name, r.builder.nodes, inputs, [r.values[v] for v in outputs], (), names, body.guards)


def _lazily(module: str, name: str) -> Callable[[], Pass]:
    def load() -> Pass:
        from importlib import import_module

        return getattr(import_module(f"graphcore.passes.{module}"), name)

    return load


_BEFORE: dict[str, tuple[Callable[[], Pass], ...]] = {
    "canonicalize": (_lazily("region_merge", "merge_runs"), _lazily("region_rules", "simplify")),
    "dce": (_lazily("region_prune", "prune"),),
}
_AFTER: dict[str, tuple[Callable[[], Pass], ...]] = {
    "canonicalize": (_lazily("region_rules", "simplify"),),
    "cse": (_lazily("region_hoist", "hoist"),),
    "dce": (_lazily("region_prune", "prune"),),
}
