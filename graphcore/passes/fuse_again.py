"""Members of a kernel that others compute again instead of reading: fewer values are written, and live on, in memory.

A gradient reads what the forward pass has computed on the way (a factor, a mask, a normalised value). Where that is one
cheap operation on values that lie in memory anyway, every reader does the operation itself. Nothing is read that was
not: of the operands at most one has the value's own size.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphcore import dims
from graphcore.errors import InconclusiveDim
from graphcore.passes.fuse_cost import CHEAP, SOURCE
from graphcore.passes.fuse_groups import Group, Place, State

_AT_ITS_OWN = frozenset(("aligned", "rows", "once", "hoisted", "scalar"))
"""Accesses that compute an element no more often than a group of its own would."""

_DEPTH = 3
"""How many operations deep values that are not in memory may be."""


def computes_again(state: State, i: int, readers: Sequence[Place]) -> bool:
    """Whether all groups that read member `i` of another group had better compute it."""
    own = state.group_of[i]
    if own is None or state.nodes[i].op.kind != "elementwise" or state.cost(i) > CHEAP:
        return False
    if not readers or any(r.access not in _AT_ITS_OWN for r in readers):
        return False
    return _is_narrow(state, i, len(readers)) and all(_at_hand(state, p, i, own, _DEPTH) for p in state.operands(i))


def _is_narrow(state: State, i: int, readers: int) -> bool:
    """Whether computing the value reads no more than reading it: one operand of its size, or two instead of two."""
    size = state.nodes[i].result.type.size
    wide = {v for v in state.nodes[i].operands if state.roles[state.position[v.node]] != SOURCE and _as_large(v.type.size, size)}
    return len(wide) <= 1 or readers == 1


def _as_large(size: dims.Dim, other: dims.Dim) -> bool:
    try:
        return not dims.less(size, other)
    except InconclusiveDim:
        return True


def _at_hand(state: State, p: int, reader: int, own: Group, depth: int) -> bool:
    """Whether node `p`, which `reader` in group `own` reads, is in memory anyway, or is cheap and made of what is."""
    if state.roles[p] == SOURCE or _is_stored(state, p, reader, own):
        return True
    if not depth or not (state.cloned(p) or (state.nodes[p].op.kind == "elementwise" and state.cost(p) <= CHEAP)):
        return False
    return all(_at_hand(state, q, p, own, depth - 1) for q in state.operands(p))


def _is_stored(state: State, p: int, reader: int, own: Group) -> bool:
    if state.cloned(p):
        return False
    if state.is_output[p] or p in state.standing or state.group_of[p] not in (None, own):
        return True
    others = [u for u, _ in state.users[p] if u != reader]
    return any(u in state.standing or any(q.group is not own for q in state.places[u]) for u in others)
