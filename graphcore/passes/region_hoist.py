"""Hoisting: what a loop's body computes from captures alone is computed once, before the loop.

Moves and cheap arithmetic stay inside: the kernels that read them compute them on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphcore.graph import Graph, Node, Value
from graphcore.ops.region import bound_inside
from graphcore.passes.fuse_cost import CHEAP, cost
from graphcore.passes.memory_donate import can_fail
from graphcore.passes.regions import LOOPS, emit_region, is_region, rebuilt
from graphcore.passes.rewrite import Operands, Rewriter

_HEAVY = frozenset(("contract", "convolve", "correlate", "window", "reduce", "random"))


def hoist(graph: Graph, notes: list[str]) -> Graph:
    """Moves what does not change out of every loop of a graph; notes how many values."""
    moved = 0

    def visit(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
        nonlocal moved
        if node.op.name not in LOOPS:
            return None
        found = worth_hoisting(node)
        if not found:
            return None
        moved += len(found)
        return _hoisted(r, node, operands, found)

    after = Rewriter(graph, fold_bytes=0).run(visit)
    if moved:
        notes.append(f"moved {moved} values out of loops")
    return after if moved else graph


def worth_hoisting(node: Node) -> list[Value]:
    """Values of a loop's body that depend on captures alone, cost something, and are read by what does change."""
    body = node.bodies[-1]
    first = node.attrs["carried"] + node.attrs.get("scanned", 0)
    fixed: set[Value] = set(body.inputs[first:])
    inside = bound_inside(body)
    heavy: set[Value] = set()
    for n in body.nodes:
        if n.op.name == "input" or not _may_move(n) or not all(v in fixed for v in n.operands):
            continue
        if inside and inside & n.sizes:  # known after a loop in there alone
            continue
        fixed.update(n.results)
        if _is_heavy(n) or any(v in heavy for v in n.operands if n.op.kind == "elementwise"):
            heavy.update(n.results)
    read = {v for n in body.nodes for v in n.operands if not any(x in heavy for x in n.results)}
    return [v for n in body.nodes for v in n.results if v in heavy and (v in read or v in body.outputs)]


def _may_move(node: Node) -> bool:
    """Whether a node may run although the loop may not: it has no effect and cannot fail."""
    return not node.effects and not is_region(node) and not can_fail(node) and len(node.results) == 1


def _is_heavy(node: Node) -> bool:
    return node.op.kind in _HEAVY or (node.op.kind == "elementwise" and cost(node) > CHEAP)


def _hoisted(r: Rewriter, node: Node, operands: Operands, found: Sequence[Value]) -> Sequence[Value]:
    body = node.bodies[-1]
    outside: dict[Value, Value] = dict(zip(body.inputs, operands, strict=True))
    needed = set(found)
    for n in reversed(body.nodes):
        if any(v in needed for v in n.results):
            needed.update(n.operands)
    for n in body.nodes:
        if n.op.name == "input" or not any(v in needed for v in n.results):
            continue
        if n.op.name == "constant":
            outside[n.result] = r.builder.constant(n.attrs["value"], n.locations)
            continue
        given = [outside[v] for v in n.operands]
        types = [v.type for v in n.results]
        results = r.builder.emit_node(n.op, given, n.attrs, n.locations, n.bodies, types)
        outside.update(zip(n.results, results, strict=True))
    bodies = [*(_with_inputs(b, found) for b in node.bodies[:-1]), with_captures(body, found)]
    return emit_region(r, node, [*operands, *(outside[v] for v in found)], tuple(bodies))


def _with_inputs(body: Graph, found: Sequence[Value]) -> Graph:
    """A condition that takes the new captures too."""
    r = Rewriter(body, fold_bytes=0)
    made = r.run()
    more = [r.builder.input(v.type, f"fixed{i}") for i, v in enumerate(found)]
    return Graph(made.name, r.builder.nodes, (*made.inputs, *more), made.outputs, (), made.output_names, made.guards)


def with_captures(body: Graph, found: Sequence[Value]) -> Graph:
    """A body that takes the found values as captures."""
    r = Rewriter(body, fold_bytes=0)
    given: dict[Value, Value] = {}

    def visit(inner: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
        if len(node.results) == 1 and node.result in given:
            return [given[node.result]]
        return None

    for i, v in enumerate(found):
        given[v] = r.builder.input(v.type, f"fixed{i}")
    made = r.run(visit)
    inputs = (*made.inputs, *(given[v] for v in found))
    whole = Graph(made.name, made.nodes, inputs, made.outputs, (), made.output_names, made.guards)
    return rebuilt(whole, whole.inputs, whole.outputs)
