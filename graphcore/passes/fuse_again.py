"""Values that every kernel computes again instead of reading them: fewer are written, and live on, in memory.

A gradient reads what the forward pass has computed on the way (a factor, a mask, a normalised value). Where that is one
cheap operation on values that lie in memory anyway, every reader does the operation itself. That reads no more
values of its size than would be written and read otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim
from graphcore.passes.fuse_cost import CHEAP, SOURCE
from graphcore.passes.fuse_groups import Group, Place, State

_AT_ITS_OWN = frozenset(("aligned", "rows", "once", "hoisted", "scalar"))
"""Accesses that compute an element no more often than a group of its own would."""

_DEPTH = 3
"""How many operations deep values that are not in memory may be."""


def computes_again(state: State, i: int, readers: Sequence[Place]) -> bool:
    """Whether these groups, all that read node `i` but its own, had better compute it."""
    own = state.group_of[i]
    if state.nodes[i].op.kind != "elementwise" or state.cost(i) > CHEAP:
        return False
    if not readers or any(r.access not in _AT_ITS_OWN for r in readers):
        return False
    if not all(_at_hand(state, p, i, own, _DEPTH) for p in state.operands(i)):
        return False
    saved = len(readers) + (own is not None)  # one write, and the reads of those that do not write it
    return sum(_further_reads(state, i, r.group) for r in readers) <= saved


def _further_reads(state: State, i: int, group: Group) -> int:
    """How many values of the size of a node's result a group must read to compute the node, and does not read yet."""
    size = state.nodes[i].result.type.size
    count = 0
    for v in dict.fromkeys(state.nodes[i].operands):
        p = state.position[v.node]
        if state.roles[p] != SOURCE and not group.allowed >> p & 1 and _as_large(v.type.size, size):
            count += all(q.group is not group for u, _ in state.users[p] if u != i for q in state.places[u])
    return count


def _as_large(size: Dim, other: Dim) -> bool:
    try:
        return not dims.less(size, other)
    except InconclusiveDim:
        return True


def _at_hand(state: State, p: int, reader: int, own: Group | None, depth: int) -> bool:
    """Whether node `p`, which `reader` in group `own` reads, is in memory anyway, or is cheap and made of what is."""
    if state.roles[p] == SOURCE or _is_stored(state, p, reader, own):
        return True
    if not depth or not (state.cloned(p) or (state.nodes[p].op.kind == "elementwise" and state.cost(p) <= CHEAP)):
        return False
    return all(_at_hand(state, q, p, own, depth - 1) for q in state.operands(p))


def _is_stored(state: State, p: int, reader: int, own: Group | None) -> bool:
    if state.cloned(p):
        return False
    if state.is_output[p] or p in state.standing or state.group_of[p] not in (None, own):
        return True
    others = [u for u, _ in state.users[p] if u != reader]
    return any(u in state.standing or any(q.group is not own for q in state.places[u]) for u in others)
