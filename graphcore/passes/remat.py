"""remat: forward values that the backward pass computes again, so that less memory is needed where most is.

A graph with its gradient needs most memory where the forward pass ends: there live all values that the backward pass
reads. Of these, and of what they are computed from, a minimum cut keeps the fewest bytes from which the rest can be
computed again (`graphcore.analysis.minimum_cut`; the method is that of Griewank and Walther 2008, and of the
partitioners of JAX and PyTorch). Only what is computed element by element or folded is computed again, never a
contraction, first only cheap ops, then any. Results keep their bits: the same ops meet the same operands.

The nodes that compute anew are placed before their first reader. They must come after the kernel of the peak, or else
they would become part of the kernels that computed the values first; `fuse_groups.State` is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from graphcore.analysis import minimum_cut
from graphcore.graph import Graph, Node, Value
from graphcore.passes.fuse_cost import CHEAP, PULL, REDUCE, SOURCE, cost, role
from graphcore.passes.fuse_groups import State
from graphcore.passes.fuse_order import Unit, Work
from graphcore.passes.memory_donate import can_fail
from graphcore.passes.rewrite import Rewriter

ROUNDS = 8
"""How often, for cheap ops and then for all, the peak is looked for and lowered."""

After: TypeAlias = Mapping[Node, Node]
"""Node -> a node before which it must not be computed."""


class _Cut(NamedTuple):
    """A point of time: a kernel before it, and positions of nodes after it.

    Attributes:
        barrier: the kernel's last node, of all before the point one with most ancestors.
        late: the nodes after it that may read values computed anew after the barrier.
        bound: the other nodes after it.
    """

    barrier: int
    late: frozenset[int]
    bound: frozenset[int]


class _Peak(NamedTuple):
    """The most bytes that live at any time, and the points just before and after that."""

    bytes: int
    cuts: tuple[_Cut, ...]


def remat(
    graph: Graph, budget: int, units: Callable[[Graph, After], tuple[State, list[Unit]]], notes: list[str]
) -> tuple[Graph, After]:
    """The graph with values computed anew until its kernels need at most `budget` bytes, or nothing more helps.

    Args:
        graph: a graph without fusion nodes; it is not changed.
        budget: bytes of intermediate values; symbolic sizes count as `analysis.TYPICAL_SIZE`.
        units: groups a graph's nodes into kernels.
        notes: receives what was done.

    Returns:
        The graph, and for the new nodes what they must come after.
    """
    after: After = {}
    first = peak = _find_peak(*units(graph, after))
    count = len(graph.nodes)
    for may in (_is_cheap, _is_light):
        for _ in range(ROUNDS):
            if peak.bytes <= budget:
                break
            tried = [found for cut in peak.cuts if (found := _lower(graph, after, cut, may)) is not None]
            peaks = [_find_peak(*units(*found)) for found in tried]
            best = min(range(len(tried)), key=lambda i: peaks[i].bytes, default=0)
            if not tried or peaks[best].bytes >= peak.bytes:
                break
            (graph, after), peak = tried[best], peaks[best]
    again = len(graph.nodes) - count
    notes.append(f"{again} nodes computed again: {first.bytes} bytes became {peak.bytes}, of {budget} allowed")
    return graph, after


def _find_peak(state: State, units: list[Unit]) -> _Peak:
    work = Work(state, units)
    order = work.best()
    profile = work.profile(order)
    at = max(range(len(profile)), key=profile.__getitem__, default=0)
    cuts = [_cut(state, units, order, p) for p in (at, at + 1) if 0 < p < len(order)]
    return _Peak(max(profile, default=0), tuple(cuts))


def _cut(state: State, units: Sequence[Unit], order: Sequence[int], at: int) -> _Cut:
    next_one = units[order[at]].last
    before = [i for n in order[:at] if (i := units[n].last) < next_one]
    barrier = max(before, key=lambda i: state.above[i].bit_count(), default=-1)
    if barrier < 0:
        return _Cut(0, frozenset(), frozenset())
    early = {i for n in order[:at] for i in units[n].inside}
    behind = {i for n in order[at:] for i in units[n].inside} - early
    late = frozenset(i for i in behind if i > barrier)
    return _Cut(barrier, late, frozenset(behind - late))


def _is_cheap(node: Node) -> bool:
    """Whether computing a value again costs less than reading it."""
    return _is_light(node) and role(node) == PULL and node.op.kind != "random" and cost(node) <= CHEAP


def _is_light(node: Node) -> bool:
    """Whether a node is no contraction, and can be run twice: random bits depend on a counter that it reads."""
    return role(node) in (PULL, REDUCE) and not can_fail(node)


# -- one round


def _lower(graph: Graph, after: After, cut: _Cut, may: Callable[[Node], bool]) -> tuple[Graph, After] | None:
    """The graph with less to keep over a point of time; None if all that is read later must be kept."""
    nodes = graph.nodes
    sources = {v for n in nodes if role(n) == SOURCE for v in n.results}
    late = {nodes[i] for i in cut.late}
    bound = {v for i in cut.bound for v in nodes[i].operands}
    free = {*sources, *graph.outputs, *bound}
    crossing = [v for v in _operands(nodes[i] for i in sorted(cut.late)) if v.node not in late and v not in sources]
    needed = [v for v in crossing if v not in free]
    if not needed:
        return None
    _, kept = minimum_cut(_above(graph, needed), needed, free, again=may)
    gone = set(needed) - set(kept)
    if not gone:
        return None
    return _rewrite(graph, after, cut, gone, {*kept, *free})


def _operands(nodes: Iterable[Node]) -> list[Value]:
    return list(dict.fromkeys(v for n in nodes for v in n.operands))


def _above(graph: Graph, needed: Sequence[Value]) -> Graph:
    """The part of a graph that its values `needed` depend on."""
    wanted = {v.node for v in needed}
    for node in reversed(graph.nodes):
        if node in wanted:
            wanted.update(v.node for v in node.operands)
    return Graph(graph.name, [n for n in graph.nodes if n in wanted], [], needed)


def _rewrite(graph: Graph, after: After, cut: _Cut, gone: set[Value], there: set[Value]) -> tuple[Graph, After]:
    """Copies the graph; for values that are `gone` late nodes read others, computed anew from what is `there`."""
    r = Rewriter(graph, fold_bytes=0)
    position = {n: i for i, n in enumerate(graph.nodes)}
    clones: dict[Value, Value] = {}
    later: dict[Node, Node] = {}
    barrier = graph.nodes[cut.barrier]

    def apart(node: Node, operands: Sequence[Value], first: Node) -> tuple[Value, ...]:
        results = r.builder.emit_apart(node, operands)
        later[results[0].node] = first
        return results

    def again(value: Value) -> Value:
        for i in sorted(_needs(value, there, clones, position)):
            node = graph.nodes[i]
            operands = [r.values[v] if v in there else clones[v] for v in node.operands]
            clones.update(zip(node.results, apart(node, operands, _copy_of(r, barrier)), strict=True))
        return clones[value]

    for i, node in enumerate(graph.nodes):
        if i not in cut.late and node not in after:
            r.step(node)
            continue
        operands = [again(v) if v in gone and i in cut.late else r.values[v] for v in node.operands]
        first = after.get(node)
        new = r.copy(node, tuple(operands)) if first is None else apart(node, operands, _copy_of(r, first))
        r.values.update(zip(node.results, new, strict=True))
    return r.finish(), later


def _copy_of(r: Rewriter, node: Node) -> Node:
    return r.values[node.results[0]].node


def _needs(value: Value, there: set[Value], clones: Mapping[Value, Value], position: Mapping[Node, int]) -> set[int]:
    """Positions of the nodes that compute a value from what is there and what is computed anew already."""
    found: set[int] = set()
    work = [value]
    while work:
        v = work.pop()
        if v not in there and v not in clones and position[v.node] not in found:
            found.add(position[v.node])
            work.extend(v.node.operands)
    return found
