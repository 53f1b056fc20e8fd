"""Groups of attention: the matrix of scores between two contractions, which no kernel writes to memory.

A *space* is (batch..., queries, keys). Scores are what lies in it: a product of queries and keys (a *source*),
elementwise work, folds over the keys and what is computed from them row by row, as in `fuse_row`, and masks and
random bits of the whole space. An *exit* is a contraction of a score with something else, over the keys (row by row:
the average of values) or over the queries (summed over blocks of rows: gradients of keys and values). One kernel goes
through blocks of rows and holds the scores of one block only.

The scores that an exit needs are computed again in every group that needs them: so do the gradients compute anew what
the forward pass has had. That is done only if then nobody reads scores from memory. What follows an exit, transposed
or element by element, happens before its only store.
"""

from __future__ import annotations

from typing import NamedTuple

from graphcore.dims import Dim
from graphcore.graph import Node
from graphcore.ops.contract import free_axes
from graphcore.passes.fuse_contract import ALIGNED
from graphcore.passes.fuse_cost import CONTRACT, PULL, REDUCE
from graphcore.passes.fuse_groups import Candidate, Group, Place, State
from graphcore.passes.fuse_row import FULL, ROWS, Rows, layout_of

ATTENTION = "attention"
ONCE = "once"
FEW_QUERIES = 8
"""Scores of fewer queries are a small matrix: as separate kernels they are no worse."""

_FREE_KINDS = frozenset(("elementwise", "create", "random"))


class _Exit(NamedTuple):
    """A contraction that reads scores, with the layout of every score that it needs."""

    node: int
    space: tuple[Dim, ...]
    scores: dict[int, str]
    masks: frozenset[int]

    @property
    def places(self) -> list[tuple[int, str]]:
        """Everything that its kernel computes, in order, with layouts."""
        return sorted([*self.scores.items(), *((i, FULL) for i in self.masks), (self.node, FULL)])


def group_attention(state: State) -> None:
    """Makes groups of the contractions of scores."""
    if sum(r == CONTRACT for r in state.roles) < 2:
        return
    exits = [e for i in range(len(state.nodes)) if state.free(i, CONTRACT) and (e := _exit(state, i)) is not None]
    above = list(state.above)  # of single nodes: once they are in groups, what is above them is above their groups
    groups: list[tuple[Group, list[_Exit]]] = []
    for one in _closed(state, exits):
        needs = _needs(state, above, one)
        found = next(
            ((g, others) for g, others in groups if not any(needs >> e.node & 1 for e in others) and _joins(state, g, one)),
            None,
        )
        if found is None and _is_convex(Candidate(state, _own(state, one))):
            found = (_start(state, one), [])
            groups.append(found)
        if found is not None:
            found[1].append(one)
            _finish(state, found[0], one.node)


# -- exits and the scores that they need


def _exit(state: State, i: int) -> _Exit | None:
    """What node `i` contracts of the scores, if it does."""
    node = state.nodes[i]
    for side in (0, 1):
        if exit_axis(node, side) is not None:
            space = node.operands[side].type.shape
            found = _scores(state, state.position[node.operands[side].node], space)
            if found is not None:
                return _Exit(i, space, *found)
    return None


def exit_axis(node: Node, side: int) -> int | None:
    """Which axis of the operand on that side a contraction folds, if that may be a score: -1 the keys, -2 the queries."""
    if node.op.kind != "contract" or node.op.name == "convolution":
        return None
    contracting, batch = node.attrs["contracting"], node.attrs["batch"]
    count, rank = len(batch[0]), node.operands[side].type.rank
    same = node.operands[0].type.rank == node.operands[1].type.rank == rank == count + 2
    if not same or not count or tuple(batch[side]) != tuple(range(count)) or len(contracting[0]) != 1:
        return None
    other = node.operands[1 - side].type.shape
    (free,) = free_axes(rank, tuple(contracting[1 - side]), tuple(batch[1 - side]))
    return None if other[free] == 1 else contracting[side][0] - rank


def _is_source(state: State, i: int, space: tuple[Dim, ...]) -> bool:
    """Whether a node is a stacked product of two matrices that gives scores."""
    node = state.nodes[i]
    if not state.free(i, CONTRACT) or node.op.kind != "contract" or state.shape(i) != space:
        return False
    ranks = {v.type.rank for v in node.operands}
    return ranks == {len(space)} and len(node.attrs["contracting"][0]) == 1


def _scores(state: State, last: int, space: tuple[Dim, ...]) -> tuple[dict[int, str], frozenset[int]] | None:
    """The scores that one of them needs, with their layouts, and masks; None if they are no attention."""
    *_, queries, keys = space
    if keys == 1 or 0 in space or (isinstance(queries, int) and queries < FEW_QUERIES):
        return None
    found = _ancestors(state, last, space)
    rows = Rows(space, 1)
    layouts: dict[int, str] = {}
    for i in sorted(found):
        if state.roles[i] == CONTRACT:
            layouts[i] = FULL
        elif any(p in layouts for p in state.operands(i)):
            layout = layout_of(state, i, rows, layouts)
            if layout is None:
                return None
            layouts[i] = layout
    folded = any(state.roles[i] == REDUCE for i in layouts)
    if not folded or layouts.get(last) != FULL:
        return None
    return layouts, _masks(state, found, layouts, space)


def _ancestors(state: State, last: int, space: tuple[Dim, ...]) -> set[int]:
    """The node, and what it needs, up to the sources and without what is not of the space."""
    rows = Rows(space, 1)
    shapes = (space, rows.kept, rows.outer)
    found: set[int] = set()
    work = [last]
    while work:
        i = work.pop()
        if i in found or state.group_of[i] is not None:
            continue
        if _is_source(state, i, space):
            found.add(i)
        elif _is_fold(state, i, space) or (state.roles[i] == PULL and state.shape(i) in shapes):
            found.add(i)
            work += state.operands(i)
    return found


def _is_fold(state: State, i: int, space: tuple[Dim, ...]) -> bool:
    node = state.nodes[i]
    if state.roles[i] != REDUCE or node.operands[0].type.shape != space:
        return False
    return tuple(node.attrs["axes"]) == (len(space) - 1,)


def _masks(state: State, found: set[int], layouts: dict[int, str], space: tuple[Dim, ...]) -> frozenset[int]:
    """What scores read that does not depend on a source but fills the space: masks, random bits."""
    masks: set[int] = set()
    for i in sorted(found - layouts.keys(), reverse=True):
        node = state.nodes[i]
        plain = node.op.kind in _FREE_KINDS or node.op.name == "broadcast_to"
        if plain and state.shape(i) == space and any(u in layouts or u in masks for u, _ in state.users[i]):
            masks.add(i)
    return frozenset(masks)


def _closed(state: State, exits: list[_Exit]) -> list[_Exit]:
    """The exits whose scores nobody else reads, with the masks that nobody else reads."""
    while True:
        inside = {i for e in exits for i, _ in e.places}
        kept = [e for e in exits if all(_is_inside(state, i, inside) for i in e.scores)]
        if len(kept) == len(exits):
            break
        exits = kept
    for i in sorted({i for e in exits for i in e.masks}, reverse=True):
        if not _is_inside(state, i, inside):
            inside.discard(i)
    return [e._replace(masks=e.masks & inside) for e in exits]


def _is_inside(state: State, i: int, inside: set[int]) -> bool:
    return not state.is_output[i] and all(u in inside for u, _ in state.users[i])


# -- groups


def _own(state: State, one: _Exit) -> list[int]:
    """What an exit needs that no group has yet."""
    return [i for i, _ in one.places if state.group_of[i] is None]


def _start(state: State, one: _Exit) -> Group:
    group = state.start(ATTENTION, _own(state, one)[0], one.space)
    _add(state, group, one)
    return group


def _is_convex(found: Candidate) -> bool:
    """Whether no path leaves a set of nodes and comes back."""
    return not found.above & found.below & ~found.allowed


def _needs(state: State, above: list[int], one: _Exit) -> int:
    """Bits of all that an exit, and what no group has yet of what it reads, depend on."""
    found = 0
    for i in _own(state, one):
        found |= above[i]
    return found


def _joins(state: State, group: Group, one: _Exit) -> bool:
    """Puts an exit into a group of the same space, if no path leaves the group for it."""
    if group.shape != one.space:
        return False
    found = Candidate(state, (*group.members, *_own(state, one)))
    found.allowed |= group.allowed
    if not _is_convex(found):
        return False
    _add(state, group, one)
    return True


def _add(state: State, group: Group, one: _Exit) -> None:
    """Makes what no group has yet members, and lets the group compute the rest anew."""
    for i, layout in one.places:
        if state.group_of[i] is None:
            state.join(group, i)
        group.allowed |= 1 << i
        if all(p.group is not group for p in state.places[i]):
            state.places[i].append(Place(group, ALIGNED if layout == FULL else ROWS, 0))


def _finish(state: State, group: Group, last: int) -> None:
    """Adds the transpositions and the elementwise work that an exit's only user, and its only user, do."""
    shape = state.shape(last)
    turned = False
    while not state.is_output[last] and len({u for u, _ in state.users[last]}) == 1:
        i = state.users[last][0][0]
        node = state.nodes[i]
        turns = node.op.name == "transpose" and not turned
        plain = node.op.kind == "elementwise" and node.result.type.shape == state.shape(last)
        if not state.free(i) or not (turns or plain) or not state.may_join(group, i) or _reads(state, group, i) != 1:
            return
        turned = turned or turns
        state.join(group, i)
        state.places[i].append(Place(group, ALIGNED if state.shape(i) == shape and not turned else ONCE, 0))
        last = i


def _reads(state: State, group: Group, i: int) -> int:
    """How many different values of the group a node reads."""
    return len({p for p in state.operands(i) if group.allowed >> p & 1})
