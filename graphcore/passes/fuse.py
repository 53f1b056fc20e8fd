"""Fusion: the nodes of a graph divided into kernels.

After it every computing node is a `fusion` node with attrs `category` and `reason` and one body graph, whose
inputs are the node's operands in order:

- attention: contractions with the scores between them, which stay in the kernel (`fuse_attention`);
- contract: one dot_general or convolution, elementwise work on its result, and moves or cheap work on its operands
  (`fuse_contract`);
- row: reductions over trailing axes with what is computed before and after them in the same rows
  (`fuse_row`);
- reduce: reductions over one space and the same axes, with what is computed before them;
- loop: anything that is computed by pull, one output element at a time.

Bare stay inputs, constants, scatter, dynamic_update_slice, sort, cumulative, argmax and argmin, effects, ops
and dtypes that only the host has, and reshapes of values in memory, which rename a buffer.

Groups are seeded from contractions, then from reductions, and grow towards users; then one sweep from users
to producers places everything else (`fuse_pull`). The graph of groups stays free of cycles at every step
(`fuse_groups`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from graphcore.graph import Graph, Node
from graphcore.passes.fuse_attention import group_attention
from graphcore.passes.fuse_contract import group_contractions
from graphcore.passes.fuse_emit import emit, units_of
from graphcore.passes.fuse_groups import State
from graphcore.passes.fuse_order import Unit
from graphcore.passes.fuse_pull import place_producers
from graphcore.passes.fuse_row import group_reductions


def fuse(graph: Graph, notes: list[str] | None = None, budget: int | None = None) -> Graph:
    """A graph of the same meaning whose computing nodes are fusion nodes, in a topological order.

    Args:
        graph: a valid graph; it is not changed.
        notes: receives how many nodes became how many kernels.
        budget: bytes of intermediate values that should be enough: then values are computed again rather than kept
            (`remat`) as far as that takes; None keeps all.
    """
    said: list[str] = []
    state, units = group(graph, {})
    if budget is not None:
        from graphcore.passes.remat import remat

        state, units = group(*remat(graph, budget, group, said))
    fused = emit(state, units)
    if notes is not None:
        notes += [*said, summary(state.graph, fused)]
    return fused


def group(graph: Graph, after: Mapping[Node, Node]) -> tuple[State, list[Unit]]:
    """The nodes of a graph divided into kernels; keys of `after` must not be computed before their values."""
    state = State(graph, after)
    group_attention(state)
    group_contractions(state)
    group_reductions(state)
    place_producers(state)
    return state, units_of(state)


def summary(before: Graph, after: Graph) -> str:
    """One line: how many computing nodes became how many kernels of each category, and how many stay bare."""
    count = sum(n.op.name not in ("input", "constant") for n in before.nodes)
    kinds = Counter(n.attrs["category"] for n in after.nodes if n.op.name == "fusion")
    bare = sum(n.op.name not in ("input", "constant", "fusion") for n in after.nodes)
    kernels = ", ".join(f"{kinds[k]} {k}" for k in ("attention", "contract", "row", "reduce", "loop") if kinds[k])
    return f"{count} nodes became {sum(kinds.values())} kernels ({kernels or 'none'}) and {bare} bare nodes"
