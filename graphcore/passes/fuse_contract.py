"""Groups around a contraction: the elementwise work on its result, done before the only store.

A convolution counts as one. Legal members downstream of it are elementwise nodes whose result has exactly its shape;
diamonds and several outputs are allowed. What they read besides is pulled at the output index (see `fuse_pull`). Two
contractions never share a group, and an epilogue holds no reduction.
"""

from __future__ import annotations

import heapq

from graphcore.passes.fuse_cost import CONTRACT
from graphcore.passes.fuse_groups import Candidate, Place, State

ALIGNED = "aligned"


def group_contractions(state: State) -> None:
    """Makes a group of every contraction, with its epilogue."""
    for i in range(len(state.nodes)):
        if state.free(i, CONTRACT):
            _group(state, i)


def _group(state: State, seed: int) -> None:
    members = _epilogue(state, seed).prune(frozenset((seed,)))
    group = state.start("contract", seed, state.shape(seed))
    for i in members:
        if i != seed:
            state.join(group, i)
        state.places[i].append(Place(group, ALIGNED, 0))


def _epilogue(state: State, seed: int) -> Candidate:
    found = Candidate(state, (seed,))
    shape = state.shape(seed)
    seen = {seed}
    heap: list[int] = []
    _push_users(state, seed, seen, heap)
    while heap:
        i = heapq.heappop(heap)
        node = state.nodes[i]
        fits = node.op.kind == "elementwise" and state.free(i) and node.result.type.shape == shape
        if fits and found.may_add(i):
            found.add(i)
            _push_users(state, i, seen, heap)
    return found


def _push_users(state: State, i: int, seen: set[int], heap: list[int]) -> None:
    for u, _ in state.users[i]:
        if u not in seen:
            seen.add(u)
            heapq.heappush(heap, u)
