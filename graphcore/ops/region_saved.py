"""What a loop keeps of every iteration for its backward pass, beside what it carries.

Anything that the way back needs is either computed again from what the iteration started with, or was stacked by the
loop itself. Contractions, reductions and functions that cost more than to read their results are stacked; what follows
from those by cheap arithmetic is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphcore import dims
from graphcore.graph import Graph, Node, Value

_HEAVY = frozenset(("contract", "convolve", "window", "reduce", "random", "sort", "cumulative"))


def worth_saving(
    forward: Mapping[Value, Value], fixed: Iterable[Value], wanted: Sequence[Value], inside: set[str]
) -> list[Value]:
    """The values to stack.

    Args:
        forward: values that the loop computes, as the way back would compute them again.
        fixed: captures; what depends on them alone is the same in every iteration.
        wanted: what the way back gives.
        inside: names of sizes that only a run of the body finds out: no value of such a size can be stacked.
    """
    same = set(fixed)
    for v in forward:
        if all(x in same or x.node.op.name == "constant" for x in v.node.operands):
            same.add(v)
    found: dict[Value, None] = {}
    seen: set[Value] = set()
    work = list(wanted)
    while work:
        v = work.pop()
        if v in seen or v in same:
            continue
        seen.add(v)
        if v in forward and _is_heavy(v.node) and not inside & dims.free_symbols(v.type.shape):
            found[v] = None
        else:
            work.extend(v.node.operands)
    return [v for v in forward if v in found]


def _is_heavy(node: Node) -> bool:
    from graphcore.passes.fuse_cost import CHEAP, cost

    if len(node.results) != 1 or node.bodies or not node.result.type.dtype.is_native:
        return False
    return node.op.kind in _HEAVY or (node.op.kind == "elementwise" and cost(node) > CHEAP)


def given_inside(graph: Graph, values: Sequence[Value], at: int) -> Graph:
    """The graph with some of its values as inputs, which come at position `at`, without what only they need."""
    if not values:
        return graph
    from graphcore.passes.region_hoist import with_captures
    from graphcore.passes.regions import rebuilt

    made = with_captures(graph, values)
    count = len(made.inputs) - len(values)
    order = [*made.inputs[:at], *made.inputs[count:], *made.inputs[at:count]]
    return rebuilt(made, order, made.outputs)
