"""The sweep from users to producers: where every value that is computed by pull gets computed.

Going backwards, a node's users are placed before the node. Each way in which a group reads the node's result
has an *access*:

- aligned: at the group's own index; rows: at the index of the row; scalar: one element for the whole kernel;
- hoisted: outside of the innermost loops; once: every element at most once, at some index;
- many: elements may be read repeatedly, so only cheap ops are computed there;
- operand: as a matrix of the contraction, through moves that strides express;
- prologue: as elements of such a matrix that are computed while it is packed;
- memory: as a matrix and otherwise too, so that it must be there before the kernel starts.

A node whose readers all lie in one group joins it if the access allows. If others need it too, it joins a
group that reads it aligned (or by rows) and becomes one more output of it, else it starts a loop group. Moves
are cheaper than memory: they are computed anew in every group that reads them.
"""

from __future__ import annotations

from graphcore import dims
from graphcore.passes.fuse_again import computes_again
from graphcore.passes.fuse_attention import ATTENTION, ONCE
from graphcore.passes.fuse_contract import ALIGNED
from graphcore.passes.fuse_cost import (
    CHEAP,
    CHEAP_CHAIN,
    CONTRACT,
    HOISTED,
    MOVED,
    PULL,
    REDUCE,
    SAME,
    STRIDED,
    TRIVIAL,
    is_scalar,
    read_kind,
    side_by_side,
)  # fmt: skip
from graphcore.passes.fuse_groups import Group, Place, State, bits
from graphcore.passes.fuse_row import ROWS

MANY, SCALAR = "many", "scalar"
OPERAND, PROLOGUE, MEMORY = "operand", "prologue", "memory"

PROLOGUE_READS = 64
"""An operand of a contraction is computed on the fly if each element is used at most this many times."""

_DENSE = ("contract", ATTENTION)

_MOVED: dict[tuple[str, str], str] = {
    (ALIGNED, TRIVIAL): ONCE, (ALIGNED, STRIDED): ONCE, (ALIGNED, MOVED): ONCE, (ALIGNED, HOISTED): HOISTED,
    (ROWS, TRIVIAL): ROWS,
    (ONCE, TRIVIAL): ONCE, (ONCE, STRIDED): ONCE, (ONCE, MOVED): ONCE, (ONCE, HOISTED): ONCE,
    (HOISTED, TRIVIAL): HOISTED, (HOISTED, STRIDED): ONCE, (HOISTED, MOVED): ONCE,
    (OPERAND, TRIVIAL): OPERAND, (OPERAND, STRIDED): OPERAND,
    (PROLOGUE, TRIVIAL): PROLOGUE, (PROLOGUE, STRIDED): PROLOGUE,
}  # fmt: skip


def place_producers(state: State) -> None:
    """Places every node that is computed by pull; the rest of the grouping."""
    for i in range(len(state.nodes) - 1, -1, -1):
        if state.roles[i] == PULL and state.live[i]:
            _place(state, i)


def _place(state: State, i: int) -> None:
    own = state.group_of[i]
    if own is not None and own.category == ATTENTION:
        return
    needed, readers = _readers(state, i)
    if state.cloned(i):
        _place_clone(state, i, needed, readers)
    elif state.nodes[i].op.name == "reshape":
        state.standing.add(i)
    elif state.group_of[i] is not None:
        _compute_again(state, i, needed, [r for r in readers if r.group is not state.group_of[i]])
    elif (needed or not _compute_inside(state, i, readers)) and not _compute_again(state, i, needed, readers):
        _materialise(state, i, readers)


def _compute_again(state: State, i: int, needed: bool, readers: list[Place]) -> bool:
    """Lets all groups that read a value compute it, if that is better than memory."""
    if needed or not computes_again(state, i, readers) or not all(_accepts(state, r.group, i) for r in readers):
        return False
    _clone(state, i, readers)
    return True


def _compute_inside(state: State, i: int, readers: list[Place]) -> bool:
    """Computes a value where it is read, if that multiplies no work that counts."""
    return (len(readers) == 1 and _absorb(state, i, readers[0])) or _repeat(state, i, readers)


def _readers(state: State, i: int) -> tuple[bool, list[Place]]:
    """Whether the value must lie in memory; and how each group reads it."""
    needed = state.is_output[i]
    found: dict[int, Place] = {}
    for u, slot in state.users[i]:
        needed = needed or u in state.standing
        for place in state.places[u]:
            new = _compose(state, i, u, slot, place)
            have = found.get(new.group.number)
            found[new.group.number] = new if have is None else _combine(have, new)
    return needed, list(found.values())


def _compose(state: State, i: int, u: int, slot: int, place: Place) -> Place:
    """How a group reads operand `slot` of a node that it computes at `place`."""
    group = place.group
    if state.roles[u] == CONTRACT:
        # A convolution reads elements again and again: whatever is cheap to compute is dear there.
        return Place(group, OPERAND if state.nodes[u].op.kind == "contract" else MEMORY, 0)
    if state.roles[u] == REDUCE:
        return Place(group, ALIGNED, 0)
    kind = SAME if u in state.joined else read_kind(state.nodes[u], slot)
    access = place.access if kind == SAME else _MOVED.get((place.access, kind), MANY)
    if place.access == OPERAND and state.nodes[u].op.name == "broadcast_to":
        access = OPERAND
    if access == HOISTED and group.category in ("contract", ATTENTION, "reduce"):
        access = MANY
    scalar = group.category not in _DENSE and is_scalar(state.nodes[i].result.type)
    if scalar and access not in (ALIGNED, ROWS):
        access = SCALAR
    return Place(group, access, place.chain if access in (MANY, PROLOGUE) else 0)


def _combine(one: Place, other: Place) -> Place:
    """Two reads of one value in one group: equal accesses at one index stay what they are."""
    access, both = one.access, {one.access, other.access}
    if both == {ROWS, HOISTED}:
        access = HOISTED
    elif MEMORY in both or (both & {OPERAND, PROLOGUE} and both != {OPERAND}):
        access = MEMORY
    elif len(both) > 1 or access == ONCE:
        access = MANY
    return Place(one.group, access, max(one.chain, other.chain))


def _accepts(state: State, group: Group, i: int) -> bool:
    """Contractions take elementwise work and simple moves only: no predicates and checks in epilogues."""
    op = state.nodes[i].op
    return group.category not in _DENSE or op.kind in ("elementwise", "create") or state.cloned(i)


def _join(state: State, i: int, place: Place) -> bool:
    if not (_accepts(state, place.group, i) and state.may_join(place.group, i)):
        return False
    state.join(place.group, i)
    state.places[i].append(place)
    return True


def _absorb(state: State, i: int, reader: Place) -> bool:
    """Joins the only group that reads the node, if no work is multiplied there."""
    return _may_compute(state, i, reader) and _join(state, i, _charged(state, i, reader))


def _may_compute(state: State, i: int, reader: Place) -> bool:
    cost = state.cost(i)
    if reader.access == OPERAND:
        return cost <= CHEAP and _is_prologue(state, i, reader.group)
    if reader.access in (MANY, PROLOGUE):
        return cost <= CHEAP and reader.chain + cost <= CHEAP_CHAIN
    return reader.access != MEMORY


def _charged(state: State, i: int, reader: Place) -> Place:
    if reader.access == OPERAND:
        return Place(reader.group, PROLOGUE, state.cost(i))
    if reader.access in (MANY, PROLOGUE):
        return reader._replace(chain=reader.chain + state.cost(i))
    return reader


def _is_prologue(state: State, i: int, group: Group) -> bool:
    """Whether the contraction reads each element of this operand only a few times."""
    node = state.nodes[i]
    if node.op.kind != "elementwise" or len(state.users[i]) != 1 or group.category == ATTENTION:
        return False
    total, own = dims.product(group.shape), node.result.type
    dot = state.nodes[min(j for j in group.members if state.roles[j] == CONTRACT)]
    contracted, batch = dot.attrs["contracting"][0], dot.attrs["batch"][0]
    lhs = dot.operands[0].type.shape
    folded = dims.product(lhs[a] for a in contracted)
    shared = dims.product(lhs[a] for a in batch)
    # own = batch * free * folded and total = batch * free * (free of the other side), which is what reads
    # repeat.
    reads = dims.floordiv(total * folded, own.size) if own.size != 0 and shared != 0 else 0
    return isinstance(reads, int) and reads <= PROLOGUE_READS


def _repeat(state: State, i: int, readers: list[Place]) -> bool:
    """Computes a cheap op anew in several groups, if all of them repeat it anyway."""
    for r in readers:
        scalar = r.access == SCALAR and state.cost(i) <= CHEAP
        repeated = r.access == MANY and _may_compute(state, i, r)
        if not (scalar or repeated) or not _accepts(state, r.group, i):
            return False
    _clone(state, i, readers)
    return True


def _clone(state: State, i: int, readers: list[Place]) -> None:
    for reader in readers:
        reader.group.allowed |= 1 << i
        state.places[i].append(_charged(state, i, reader) if reader.access == MANY else reader)


def _place_clone(state: State, i: int, needed: bool, readers: list[Place]) -> None:
    """Lets every group that can compute a move do so; what remains reads it from memory."""
    own = state.group_of[i]
    readers = [r for r in readers if own is None or r.group is not own]
    taken = [r for r in readers if _takes_clone(state, i, r)]
    if state.nodes[i].op.name == "transpose" and len([r for r in taken if r.access != OPERAND]) > 1:
        # Strided reads in many kernels cost more than one copy.
        taken = [r for r in taken if r.access == OPERAND]
    _clone(state, i, taken)
    if own is None and (needed or len(taken) < len(readers)):
        if state.nodes[i].op.name == "reshape":
            state.standing.add(i)
        else:
            _materialise(state, i, [r for r in readers if r not in taken])


def _takes_clone(state: State, i: int, reader: Place) -> bool:
    if reader.access == OPERAND:
        node = state.nodes[i]  # a matrix may be repeated: its stride is 0 there
        if node.op.name == "broadcast_to":
            return not is_scalar(node.operands[0].type)
        return node.op.kind != "create" and read_kind(node, 0) in (TRIVIAL, STRIDED)
    return reader.access != MEMORY and _accepts(state, reader.group, i)


def _materialise(state: State, i: int, readers: list[Place]) -> None:
    """Makes a value that several need: one more output of a group that computes it, or a loop of its own."""
    shape = state.shape(i)
    fitting = [r for r in readers if r.access == ROWS or (r.access == ALIGNED and r.group.shape == shape)]
    fitting = [r for r in fitting if r.group.category != ATTENTION]
    _merge_loops(state, [r.group for r in fitting if r.access == ALIGNED])
    for reader in fitting:
        # Groups that were merged are empty now; the one that holds their members is among the readers too.
        if reader.group.members and _join(state, i, reader):
            return
    parts = side_by_side(state.nodes[i])
    if parts is not None:
        state.joined.add(i)
    group = state.start("loop", i, parts or shape)
    state.places[i].append(Place(group, ALIGNED, 0))


def _merge_loops(state: State, groups: list[Group]) -> None:
    """Joins loop groups that read one value at one index with each other, or with a reduction over it."""
    groups = sorted(groups, key=lambda g: (g.category == "loop", g.number))
    for n, one in enumerate(groups):
        for other in groups[n + 1 :]:
            mergeable = one.category not in _DENSE and other.category == "loop" and one.shape == other.shape
            mergeable = mergeable and bool(one.members and other.members) and state.may_merge(one, other)
            if mergeable and not _reads_folds(state, one, other):
                state.merge(one, other)


def _reads_folds(state: State, one: Group, other: Group) -> bool:
    """Whether a loop needs what a reduction of group `one` folds: then it cannot run while that goes on."""
    folded = {i for i in one.members if state.roles[i] == REDUCE}
    if not folded:
        return False
    for i in bits(one.allowed | other.allowed):
        if i not in folded and any(p in folded for p in state.operands(i)):
            folded.add(i)
    return not folded.isdisjoint(other.members)

