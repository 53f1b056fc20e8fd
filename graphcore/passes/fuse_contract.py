"""Groups around a contraction: the elementwise work on its result, done before the only store.

A convolution counts as one. Legal members downstream of it are elementwise nodes whose result has exactly its shape;
diamonds and several outputs are allowed. What they read besides is pulled at the output index (see `fuse_pull`). Two
contractions never share a group, and an epilogue holds no reduction.

Where the result is cut into blocks of columns that meet again, an epilogue may take the blocks together: then its
members are as wide as one block or some.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

from graphcore import dims
from graphcore.graph import Node
from graphcore.passes.fuse_cost import CONTRACT
from graphcore.passes.fuse_groups import Candidate, Place, State

ALIGNED = "aligned"

MOST_BLOCKS = 8
"""Into how many blocks of columns an epilogue may take a result apart: each has its tile of sums in the first cache."""

_SEARCH = 64


def group_contractions(state: State) -> None:
    """Makes a group of every contraction, with its epilogue."""
    for i in range(len(state.nodes)):
        if state.free(i, CONTRACT):
            _group(state, i)


def _group(state: State, seed: int) -> None:
    members = _blocked(state, seed) or _epilogue(state, seed, _same_shape(state, seed)).prune(frozenset((seed,)))
    group = state.start("contract", seed, state.shape(seed))
    for i in members:
        if i != seed:
            state.join(group, i)
        state.places[i].append(Place(group, ALIGNED, 0))


def _same_shape(state: State, seed: int) -> Callable[[int], bool]:
    shape = state.shape(seed)
    return lambda i: state.nodes[i].op.kind == "elementwise" and state.shape(i) == shape


def _epilogue(state: State, seed: int, fits: Callable[[int], bool]) -> Candidate:
    found = Candidate(state, (seed,))
    seen = {seed}
    heap: list[int] = []
    _push_users(state, seed, seen, heap)
    while heap:
        i = heapq.heappop(heap)
        if state.free(i) and fits(i) and found.may_add(i):
            found.add(i)
            _push_users(state, i, seen, heap)
    return found


def _blocked(state: State, seed: int) -> list[int]:
    """An epilogue that takes blocks of columns together, as a recurrent layer does its gates; [] if none is better.

    Its members may also be slices of whole blocks, and elementwise nodes as wide as some blocks. It is better if
    nothing wider than one block need then be stored.
    """
    width = _block_width(state, _epilogue(state, seed, _same_shape(state, seed)))
    if not width:
        return []
    shape = state.shape(seed)

    def fits(i: int) -> bool:
        node, own = state.nodes[i], state.shape(i)
        if own[:-1] != shape[:-1] or len(own) != len(shape) or dims.mod(own[-1], width) != 0:
            return False
        return node.op.kind == "elementwise" or _cuts(node, width)

    members = _epilogue(state, seed, fits).prune(frozenset((seed,)))
    inside = set(members)
    for i in members:
        outside = state.is_output[i] or any(u not in inside for u, _ in state.users[i])
        if outside and (state.shape(i)[-1] != width or state.cloned(i)):
            return []
    return members if len(members) > 1 else []


def _has_columns(node: Node) -> bool:
    """Whether a node is a contraction of floats whose result's last axis is the right operand's only free one."""
    if node.op.kind != "contract" or not node.result.type.dtype.is_floating:
        return False
    return node.operands[1].type.rank - len(node.attrs["contracting"][1]) - len(node.attrs["batch"][1]) == 1


def _cuts(node: Node, width: int) -> bool:
    """Whether a node is a slice that takes whole blocks of a known width of the last axis, and all else."""
    if node.op.name != "slice" or any(s != 1 for s in node.attrs["strides"]):
        return False
    begin, end = node.attrs["begin"], node.attrs["end"]
    every = zip(begin[:-1], end[:-1], node.operands[0].type.shape, strict=False)
    if any(b != 0 or e != d for b, e, d in every):
        return False
    return all(isinstance(d, int) and d % width == 0 for d in (begin[-1], end[-1]))


def _block_width(state: State, found: Candidate) -> int:
    """The largest width of which every slice of the last axis takes whole blocks; 0 if that makes no few blocks."""
    seed = state.nodes[found.members[0]]
    whole = seed.result.type.shape
    if not whole or not isinstance(whole[-1], int) or not _has_columns(seed):
        return 0
    width, work = 0, list(found.members)
    for i in work:
        for u, _ in state.users[i]:
            node = state.nodes[u]
            if _cuts(node, 1) and state.free(u) and u not in work:
                width = math.gcd(width, node.attrs["begin"][-1], node.attrs["end"][-1])
                work.append(u)
            elif node.op.kind == "elementwise" and state.free(u) and u not in work and len(work) < _SEARCH:
                work.append(u)
    return width if width > 1 and whole[-1] % width == 0 and 1 < whole[-1] // width <= MOST_BLOCKS else 0


def _push_users(state: State, i: int, seen: set[int], heap: list[int]) -> None:
    for u, _ in state.users[i]:
        if u not in seen:
            seen.add(u)
            heapq.heappush(heap, u)
