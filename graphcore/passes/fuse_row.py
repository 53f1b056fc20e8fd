"""Groups around reductions.

A group folds one iteration space F along one set of axes. If these are trailing, F = outer + row, and what
follows may stay in the kernel as long as every value that depends on a reduction has one of three *layouts*:

- full: shape F, read at the kernel's own index;
- kept: shape outer + (1, ..., 1), one element per row;
- squeezed: shape outer, one element per row.

An edge is legal if it reads the element of the row at hand: NumPy's broadcasting lines up trailing
dimensions, so a kept value may meet full ones, a squeezed one only after a reshape to kept (or if outer is
empty: then it is a scalar). A further reduction must read a full value and fold the same axes. The group is
of category "row" if some reduction's result is computed with inside, else "reduce", as are folds of other
axes. Everything else that members read does not depend on the group's reductions and is pulled (see
`fuse_pull`).
"""

from __future__ import annotations

import heapq
from typing import TypeAlias

from graphcore.dims import Dim
from graphcore.passes.fuse_contract import ALIGNED
from graphcore.passes.fuse_cost import PULL, REDUCE
from graphcore.passes.fuse_groups import Candidate, Place, State

ROWS = "rows"
FULL, KEPT, SQUEEZED = "full", "kept", "squeezed"
_SEARCH = 256
"""How many nodes around a reduction are searched for others that fold the same data."""

_Key: TypeAlias = tuple[tuple[Dim, ...], tuple[int, ...]]


def group_reductions(state: State) -> None:
    """Makes groups of all reductions: siblings over the same data, and what follows in the same rows."""
    for i in range(len(state.nodes)):
        if state.free(i, REDUCE):
            _group(state, i)


def _key(state: State, i: int) -> _Key:
    node = state.nodes[i]
    return node.operands[0].type.shape, tuple(node.attrs["axes"])


def _group(state: State, seed: int) -> None:
    shape, axes = _key(state, seed)
    found, layouts = _grow(state, seed)
    reduces = frozenset(i for i in found.members if state.roles[i] == REDUCE)
    members = found.prune(reduces)
    row = any(state.roles[i] == PULL for i in members) or _feeds(state, reduces)
    group = state.start("row" if row else "reduce", members[0], shape, axes)
    for i in members:
        if i != members[0]:
            state.join(group, i)
        state.places[i].append(Place(group, ALIGNED if layouts[i] == FULL else ROWS, 0))


def _feeds(state: State, reduces: frozenset[int]) -> bool:
    return any(u in reduces for i in reduces for u, _ in state.users[i])


def _reduced(state: State, i: int) -> str:
    return KEPT if state.nodes[i].attrs["keepdims"] else SQUEEZED


def _siblings(state: State, seed: int) -> list[int]:
    """The reductions of the seed's key that are linked with it by values of the iteration shape.

    Links go up to operands and down to users, through nodes that are in no group yet.
    """
    key = _key(state, seed)
    seen = {seed}
    work = [seed]
    for i in work:
        near = [u for u, _ in state.users[i] if state.group_of[u] is None]
        if state.roles[i] == REDUCE or state.free(i):
            near += state.operands(i)
        for p in near:
            if p not in seen and len(seen) < _SEARCH and _is_near(state, p, key):
                seen.add(p)
                work.append(p)
    return sorted(i for i in seen if state.roles[i] == REDUCE)


def _is_near(state: State, i: int, key: _Key) -> bool:
    if state.roles[i] == REDUCE:
        return state.free(i, REDUCE) and _key(state, i) == key
    return len(state.nodes[i].results) == 1 and state.shape(i) == key[0]


class Rows:
    """The shapes that values of a row group may have."""

    def __init__(self, full: tuple[Dim, ...], count: int) -> None:
        """Of an iteration shape whose last `count` axes are folded."""
        self.full = full
        self.outer = full[: len(full) - count]
        self.kept = self.outer + (1,) * count


def _grow(state: State, seed: int) -> tuple[Candidate, dict[int, str]]:
    """Siblings, and what computes with their results, in order, as far as it is legal; with the layouts."""
    shape, axes = _key(state, seed)
    rows = Rows(shape, len(axes))
    follow = bool(axes) and axes == tuple(range(len(shape) - len(axes), len(shape)))
    found = Candidate(state, ())
    layouts: dict[int, str] = {}
    heap = _siblings(state, seed)
    seen = set(heap)
    while heap:
        i = heapq.heappop(heap)
        if not (state.free(i) or (state.free(i, REDUCE) and _key(state, i) == (shape, axes))):
            continue
        layout = layout_of(state, i, rows, layouts)
        if layout is not None and found.may_add(i):
            found.add(i)
            layouts[i] = layout
            if follow:
                _push_users(state, i, seen, heap)
    return found, layouts


def _push_users(state: State, i: int, seen: set[int], heap: list[int]) -> None:
    for u, _ in state.users[i]:
        if u not in seen:
            seen.add(u)
            heapq.heappush(heap, u)


def layout_of(state: State, i: int, rows: Rows, layouts: dict[int, str]) -> str | None:
    """The layout of a node's result, or None if it does not read its operands at their own row."""
    node = state.nodes[i]
    have = {layouts[p] for p in state.operands(i) if p in layouts}
    shape = node.result.type.shape
    if state.roles[i] == REDUCE:
        return _reduced(state, i) if have <= {FULL} else None
    if not rows.outer:  # one row: its values are scalars, which broadcast to anything
        have = {KEPT if h == SQUEEZED else h for h in have}
    if node.op.name == "reshape":
        return _per_row(shape, rows) if FULL not in have else None
    if node.op.kind != "elementwise" and node.op.name != "broadcast_to":
        return None
    if SQUEEZED in have:
        return SQUEEZED if have == {SQUEEZED} and shape == rows.outer else None
    if have == {KEPT} and (per_row := _per_row(shape, rows)):
        return per_row
    return FULL if shape == rows.full else None


def _per_row(shape: tuple[Dim, ...], rows: Rows) -> str | None:
    if shape == rows.kept:
        return KEPT
    return SQUEEZED if shape == rows.outer else None
