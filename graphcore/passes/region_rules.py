"""Simplification of control nodes: branches that are known, loops that do not run, captures that are known inside."""

from __future__ import annotations

from collections.abc import Sequence

from graphcore.graph import Const, Graph, Node, Value
from graphcore.ops.region import bound_inside
from graphcore.passes.regions import emit_region, is_region, rebuilt
from graphcore.passes.rewrite import Operands, Rewriter


def simplify(graph: Graph, notes: list[str]) -> Graph:
    """Applies the rules to every control node of a graph; notes how often each was applied."""
    counts: dict[str, int] = {}

    def visit(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
        if not is_region(node):
            return None
        for rule in (known_branch, no_iteration, known_captures, unchanged_carries):
            found = rule(r, node, operands)
            if found is not None:
                counts[rule.__name__] = counts.get(rule.__name__, 0) + 1
                return found
        return None

    after = Rewriter(graph, fold_bytes=0).run(visit)
    notes += [f"{name}: {count}" for name, count in sorted(counts.items())]
    return after if counts else graph


def known_branch(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
    """Law: cond(constant i, ...) is body i."""
    if node.op.name != "cond":
        return None
    index = operands[0].node.attrs["value"].array if operands[0].node.op.name == "constant" else None
    if index is None and len(node.bodies) > 1:
        return None
    body = node.bodies[int(index) if index is not None and 0 <= index < len(node.bodies) else -1]
    # What a loop inside finds out has a name; inlined twice, it would be taken twice.
    return None if bound_inside(body) else inline(r, body, operands[1:])


def inline(r: Rewriter, body: Graph, operands: Sequence[Value]) -> list[Value]:
    """Emits the nodes of a body where its control node stood; returns its outputs."""
    new: dict[Value, Value] = dict(zip(body.inputs, operands, strict=True))
    for node in body.nodes:
        if node.op.name == "input":
            continue
        if node.op.name == "constant":
            new[node.result] = r.builder.constant(node.attrs["value"], node.locations)
            continue
        given = [new[v] for v in node.operands]
        types = [v.type for v in node.results]
        results = r.builder.emit_node(node.op, given, node.attrs, node.locations, node.bodies, types)
        new.update(zip(node.results, results, strict=True))
    return [new[v] for v in body.outputs]


def no_iteration(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
    """Law: a scan of length 0, and a while whose condition is constantly false, give what they carry at the start."""
    if node.op.name == "scan" and node.attrs["length"] == 0:
        n = node.attrs["carried"]
        return [*operands[:n], *(r.f.full(v.type, 0) for v in node.results[n:])]
    if node.op.name == "while" and not node.attrs.get("save"):
        condition = node.bodies[0]
        test = condition.outputs[0].node
        pure = not any(n.effects for n in condition.nodes)
        if pure and test.op.name == "constant" and not bool(test.attrs["value"].array):
            return list(operands[: node.attrs["carried"]])
    return None


def known_captures(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
    """Law: a captured constant is a constant of the bodies, and what is captured twice is captured once."""
    first = _first_capture(node)
    given: dict[int, int | Const] = {}
    seen: dict[Value, int] = {}
    for i in range(first, len(operands)):
        value = operands[i]
        if value.node.op.name == "constant":
            given[i] = value.node.attrs["value"]
        elif value in seen:
            given[i] = seen[value]
        else:
            seen[value] = i
    return _with_given(r, node, operands, given) if given else None


def _first_capture(node: Node) -> int:
    if node.op.name == "cond":
        return 1
    return node.attrs["carried"] + node.attrs.get("scanned", 0)


def _with_given(
    r: Rewriter, node: Node, operands: Operands, given: dict[int, int | Const]
) -> Sequence[Value]:
    """The node without some captures, for each of which a constant stands, or the operand of another number."""
    lead = node.op.name == "cond"
    keep = [i for i in range(lead, len(operands)) if i not in given]
    bodies: list[Graph] = []
    for body in node.bodies:
        stand_ins = {
            body.inputs[i - lead]: body.inputs[g - lead] if isinstance(g, int) else g for i, g in given.items()
        }
        bodies.append(rebuilt(body, [body.inputs[i - lead] for i in keep], body.outputs, stand_ins))
    return emit_region(r, node, [*operands[:lead], *(operands[i] for i in keep)], tuple(bodies))


def unchanged_carries(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
    """Law: a carried value that the body gives back as it is, is a capture."""
    if node.op.name == "cond" or node.attrs.get("save"):
        return None
    n, body = node.attrs["carried"], node.bodies[-1]
    fixed = [i for i in range(n) if body.outputs[i] is body.inputs[i]]
    if not fixed:
        return None
    moving = [i for i in range(n) if i not in fixed]
    order = [*moving, *range(n, len(operands)), *fixed]
    bodies: list[Graph] = []
    for b in node.bodies:
        outputs = [b.outputs[i] for i in (*moving, *range(n, len(b.outputs)))] if b is body else b.outputs
        bodies.append(rebuilt(b, [b.inputs[i] for i in order], outputs))
    new = emit_region(r, node, [operands[i] for i in order], tuple(bodies), carried=len(moving))
    results = iter(new)
    carries = [operands[i] if i in fixed else next(results) for i in range(n)]
    return [*carries, *results]
