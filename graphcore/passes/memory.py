"""Memory: slots of one arena for all intermediate values, and which variables may be updated in place.

A value lives from the node that defines it to the last one that reads it, in the order of the graph; two
values share a slot if their lives do not overlap and the later fits for every size of the symbolic
dimensions. Larger values choose first, so that every slot has the size of its first value.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim
from graphcore.graph import Graph, Value
from graphcore.passes.memory_donate import donations
from graphcore.passes.memory_inplace import chains
from graphcore.passes.memory_plan import ALIGNMENT, MemoryPlan

TYPICAL_SIZE = 64
"""The size that symbolic dimensions are taken to have where values are only put in an order."""


def memory(graph: Graph, notes: list[str] | None = None) -> Graph:
    """Plans the memory of a graph that was fused; returns the same graph with `graph.memory` set.

    Args:
        graph: a graph in the order in which it will run.
        notes: receives the summary line.
    """
    graph.memory = plan(graph)
    if notes is not None:
        notes.append(graph.memory.text().splitlines()[0])
    return graph


def plan(graph: Graph) -> MemoryPlan:
    """The memory plan of a graph; the graph is not changed."""
    aliases = _aliases(graph)
    outputs, copies = _outputs(graph, aliases)
    sources = [n.result for n in graph.nodes if n.op.name in ("input", "constant")]
    found = {str(n.attrs["save"]) for n in graph.nodes if n.attrs.get("save")}
    owned = [
        v for n in graph.nodes for v in n.results
        if found and v not in aliases and dims.free_symbols(v.type.shape) & found
    ]  # fmt: skip
    elsewhere = {*aliases, *outputs, *sources, *owned}
    inner = [v for n in graph.nodes for v in n.results if v not in elsewhere]
    objects = [v for v in inner if v.type.dtype.kind == "O"]
    lives = live_ranges(graph, aliases)
    movable = [v for v in inner if v.type.dtype.kind != "O"]
    shared = chains(graph, aliases, lives, movable, outputs)
    slots, assignment = _assign_chains([v for v in movable if v not in outputs], shared, lives)
    donated, refused = donations(graph, aliases, outputs, copies)
    constants = [v for v in sources if v.node.op.name == "constant"]
    return MemoryPlan(slots, assignment, aliases, outputs, copies, constants, objects, donated, refused, owned)


def _aliases(graph: Graph) -> dict[Value, Value]:
    """Bare reshapes and the values whose buffers they rename."""
    found: dict[Value, Value] = {}
    for node in graph.nodes:
        if node.op.name == "reshape":
            found[node.result] = found.get(node.operands[0], node.operands[0])
    return found


def _outputs(
    graph: Graph, aliases: Mapping[Value, Value]
) -> tuple[dict[Value, int], list[tuple[int, Value]]]:
    """Which computed value is written straight to which output, and which outputs are copies."""
    direct: dict[Value, int] = {}
    copies: list[tuple[int, Value]] = []
    for position, v in enumerate(graph.outputs):
        root = aliases.get(v, v)
        if root in direct or root.node.op.name in ("input", "constant"):
            copies.append((position, root))
        else:
            direct[root] = position
    return direct, copies


def live_ranges(graph: Graph, aliases: Mapping[Value, Value]) -> dict[Value, tuple[int, int]]:
    """For every value that is no alias: the positions of its node and of the last node that reads it.

    Outputs and what outputs are copied from live to the end.
    """
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}
    for i, node in enumerate(graph.nodes):
        for v in node.results:
            if v not in aliases:
                first[v] = last[v] = i
        for v in node.operands:
            last[aliases.get(v, v)] = i
    for v in graph.outputs:
        last[aliases.get(v, v)] = len(graph.nodes)
    return {v: (first[v], last[v]) for v in first}


def _assign_chains(
    values: Sequence[Value], shared: Sequence[Sequence[Value]], lives: Mapping[Value, tuple[int, int]]
) -> tuple[list[Dim], dict[Value, int]]:
    """As `_assign`; values of one chain lie in one slot, from the first one's node to the last one's end."""
    followers = {v: chain[0] for chain in shared for v in chain[1:]}
    whole = {**lives, **{c[0]: (lives[c[0]][0], lives[c[-1]][1]) for c in shared}}
    slots, assignment = _assign([v for v in values if v not in followers], whole)
    return slots, assignment | {v: assignment[first] for v, first in followers.items()}


def _assign(
    values: Sequence[Value], lives: Mapping[Value, tuple[int, int]]
) -> tuple[list[Dim], dict[Value, int]]:
    """Sizes of slots, and the slot of every value in the order of definition."""
    sizes = {v: _aligned(v.type.bytes) for v in values}
    fits = _Fits()
    chosen: list[_Slot] = []
    slot_of: dict[Value, int] = {}
    for v in sorted(values, key=lambda v: (-typical(sizes[v]), lives[v][0])):
        at = _choose(lives[v], sizes[v], chosen, fits)
        if at is None:
            at = len(chosen)
            chosen.append(_Slot(sizes[v]))
        chosen[at].take(lives[v])
        slot_of[v] = at
    return [slot.size for slot in chosen], {v: slot_of[v] for v in values}


def _choose(live: tuple[int, int], size: Dim, slots: Sequence[_Slot], fits: _Fits) -> int | None:
    """A slot that is free during a live range: of the very size, or else the smallest that holds it."""
    best: int | None = None
    for i, slot in enumerate(slots):
        if not slot.free(live):
            continue
        if slot.size == size:
            return i
        if fits(size, slot.size):
            best = i  # slots come in falling order of size
    return best


class _Slot:
    """A piece of the arena, and the live ranges that it serves: disjoint ones, in order."""

    def __init__(self, size: Dim) -> None:
        self.size = size
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def free(self, live: tuple[int, int]) -> bool:
        """Whether no live range that it serves meets this one."""
        before = bisect_right(self._firsts, live[1])
        return before == 0 or self._lasts[before - 1] < live[0]

    def take(self, live: tuple[int, int]) -> None:
        """Serves a live range for which it is free."""
        at = bisect_right(self._firsts, live[0])
        self._firsts.insert(at, live[0])
        self._lasts.insert(at, live[1])


class _Fits:
    """Whether one size is at most another for all sizes of the symbols; remembers answers."""

    def __init__(self) -> None:
        self._known: dict[tuple[Dim, Dim], bool] = {}

    def __call__(self, size: Dim, room: Dim) -> bool:
        key = (size, room)
        found = self._known.get(key)
        if found is None:
            try:
                found = dims.less_equal(size, room)
            except InconclusiveDim:
                found = False
            self._known[key] = found
        return found


def _aligned(size: Dim) -> Dim:
    return dims.ceildiv(size, ALIGNMENT) * ALIGNMENT


def typical(size: Dim) -> int:
    """A number to sort sizes by."""
    if isinstance(size, int):
        return size
    return dims.evaluate(size, dict.fromkeys(dims.free_symbols(size), TYPICAL_SIZE))
