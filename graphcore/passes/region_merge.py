"""One run for two: a loop and the same loop that also keeps more of what it computes, as gradients emit it.

Two control nodes are the same run if they have the same operands and bodies that compute the same, whatever of it they
give as stacked results. The first of them gives the results of both. It may have effects that the second lacks, as
the run that a gradient repeats does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphcore.graph import Graph, Node, Value
from graphcore.ops.region_grad import pure_values
from graphcore.passes.regions import emit_region, is_region
from graphcore.passes.rewrite import Operands, Rewriter


class _Pair(NamedTuple):
    """Two nodes that become one.

    Attributes:
        first, second: the nodes, in the graph's order.
        bodies: those of the one.
        save: its saved size, or "".
        extra: for every stacked result of the second, its number among the stacked results of the one.
    """

    first: Node
    second: Node
    bodies: tuple[Graph, ...]
    save: str
    extra: tuple[int, ...]


def merge_runs(graph: Graph, notes: list[str]) -> Graph:
    """Merges control nodes that are one run; the second of two has no effects."""
    merged = 0
    while (pair := _find(graph)) is not None:
        graph = _merge(graph, pair)
        merged += 1
    if merged:
        notes.append(f"merged {merged} control nodes with others of the same run")
    return graph


def _find(graph: Graph) -> _Pair | None:
    seen: dict[tuple[Any, ...], list[Node]] = {}
    for node in graph.nodes:
        if not is_region(node):
            continue
        attrs = tuple((k, v) for k, v in sorted(node.attrs.items()) if k != "save")
        key = (node.op.name, tuple(id(v) for v in node.operands), repr(attrs))
        for other in seen.setdefault(key, []):
            pair = None if node.effects else _pair(other, node)
            if pair is not None:
                return pair
        seen[key].append(node)
    return None


def _pair(first: Node, second: Node) -> _Pair | None:
    saves = [str(n.attrs.get("save") or "") for n in (first, second)]
    if all(saves):
        return None
    if len(first.bodies) != len(second.bodies):
        return None
    found: list[dict[Value, Value]] = []
    for a, b in zip(first.bodies, second.bodies, strict=True):
        plain, original = pure_values(a)
        match = same_nodes(plain, b)
        if match is None:
            return None
        found.append({v: original[x] for v, x in match.items()})
    fixed = len(second.bodies[-1].outputs) if first.op.name != "scan" else first.attrs["carried"]
    pairs = zip(first.bodies, second.bodies, found, strict=True)
    if any([m[v] for v in b.outputs[:fixed]] != list(a.outputs[:fixed]) for a, b, m in pairs):
        return None
    if first.op.name == "cond" and len(first.results) != len(second.results):
        return None
    body, match = first.bodies[-1], found[-1]
    outputs = list(body.outputs)
    extra: list[int] = []
    for v in second.bodies[-1].outputs[fixed:]:
        if match[v] not in outputs[fixed:]:
            outputs.append(match[v])
        extra.append(outputs.index(match[v], fixed) - fixed)
    whole = body
    if len(outputs) > len(body.outputs):
        whole = Graph(body.name, body.nodes, body.inputs, outputs, guards=body.guards)
    return _Pair(first, second, (*first.bodies[:-1], whole), saves[0] or saves[1], tuple(extra))


def same_nodes(a: Graph, b: Graph) -> dict[Value, Value] | None:
    """Value by value of `b` the equal one of `a`, if both graphs have the same nodes in the same order."""
    if len(a.nodes) != len(b.nodes) or len(a.inputs) != len(b.inputs):
        return None
    if all(x is y for x, y in zip(a.nodes, b.nodes, strict=True)) and a.inputs == b.inputs:
        return {v: v for n in a.nodes for v in n.results}
    match: dict[Value, Value] = dict(zip(b.inputs, a.inputs, strict=True))
    for x, y in zip(a.nodes, b.nodes, strict=True):
        if not _same_node(x, y, match):
            return None
        match.update(zip(y.results, x.results, strict=True))
    return match


def _same_node(x: Node, y: Node, match: dict[Value, Value]) -> bool:
    if x.op is not y.op or [v.type for v in x.results] != [v.type for v in y.results]:
        return False
    if x.op.name == "input":
        return match.get(y.result) is x.result
    if x.attrs != y.attrs or repr(x.attrs) != repr(y.attrs) or x.operands != tuple(match[v] for v in y.operands):
        return False
    if len(x.bodies) != len(y.bodies):
        return False
    for a, b in zip(x.bodies, y.bodies, strict=True):
        inner = same_nodes(a, b)
        if inner is None or [inner[v] for v in b.outputs] != list(a.outputs):
            return False
    return True


def _merge(graph: Graph, pair: _Pair) -> Graph:
    first, second = pair.first, pair.second
    made: list[Value] = []

    def visit(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
        if node is first:
            extra = {"save": pair.save} if pair.save else {}
            made.extend(emit_region(r, node, operands, pair.bodies, **extra))
            return made[: len(node.results)]
        if node is not second:
            return None
        if node.op.name != "scan":
            return made[: len(node.results)]
        n = node.attrs["carried"]
        return [*made[:n], *(made[n + i] for i in pair.extra)]

    return Rewriter(graph, fold_bytes=0).run(visit)
