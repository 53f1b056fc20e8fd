"""Canonicalization of contractions: operands are read as they lie, or copied where that is better."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from graphcore import dims
from graphcore.dims import Dim
from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.ops.contract import free_axes
from graphcore.passes.match import Operands, RuleTable, made_by

COPY_PAYS = 1 << 15
"""Multiplications from which on copying an operand costs little beside them."""


def transposed_operand(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: dot_general(transpose(x, p), y) = dot_general(x, y) with x's own axes, if the free ones keep their order."""
    contracting, batch = list(node.attrs["contracting"]), list(node.attrs["batch"])
    operands = list(x)
    for side, value in enumerate(x):
        if made_by(value, "transpose"):
            perm = value.node.attrs["perm"]
            free = [perm[a] for a in free_axes(value.type.rank, contracting[side], batch[side])]
            folded = tuple(perm[a] for a in contracting[side])
            if _together(free) and _together(folded):
                operands[side] = value.node.operands[0]
                contracting[side], batch[side] = folded, tuple(perm[a] for a in batch[side])
    if operands == list(x):
        return None
    return f.dot_general(*operands, contracting=tuple(contracting), batch=tuple(batch), **_extra(node))


def _together(axes: Sequence[int]) -> bool:
    """Whether axes follow each other: what lies apart is no row or column of a matrix, and better copied."""
    return all(b == a + 1 for a, b in pairwise(axes))


def side_by_side(shape: Sequence[Dim], axes: Sequence[int]) -> bool:
    """Whether axes follow each other in memory in this order, but for axes of size 1: then they are as one."""
    large = [a for a in axes if shape[a] != 1]
    between = (range(a + 1, b) for a, b in pairwise(large))
    ascending = all(a < b for a, b in pairwise(large))
    return ascending and all(shape[c] == 1 for gap in between for c in gap)


def adjacent(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: dot_general(x, y) = dot_general(transpose(x), y): a copy brings contracted axes together that lie apart."""
    contracting, batch = node.attrs["contracting"], node.attrs["batch"]
    copies = [not side_by_side(v.type.shape, own) for v, own in zip(x, contracting, strict=True)]
    if not any(copies) or not _large(x, contracting, batch):
        return None
    operands, folded, shared = list(x), list(contracting), list(batch)
    for i, v in enumerate(x):
        if copies[i]:
            free, lead = free_axes(v.type.rank, contracting[i], batch[i]), len(batch[i])
            order = (*batch[i], *free, *contracting[i]) if i == 0 else (*batch[i], *contracting[i], *free)
            operands[i] = f.transpose(v, perm=order)
            folded[i] = tuple(order.index(a) for a in contracting[i])
            shared[i] = tuple(range(lead))
    return f.dot_general(*operands, contracting=tuple(folded), batch=tuple(shared), **_extra(node))


def _extra(node: Node) -> dict[str, Any]:
    """What else a contraction says than its axes."""
    return {k: v for k, v in node.attrs.items() if k == "dtype"}


def _large(x: Operands, contracting: Sequence[Sequence[int]], batch: Sequence[Sequence[int]]) -> bool:
    lhs, rhs = (v.type.shape for v in x)
    free = free_axes(len(rhs), tuple(contracting[1]), tuple(batch[1]))
    work = dims.product([*lhs, *(rhs[a] for a in free)])
    return not isinstance(work, int) or work >= COPY_PAYS


def brings_together(node: Node, user: Node) -> bool:
    """Whether a transpose brings axes together that a contraction sums over: then it is worth a copy in memory."""
    if not made_by(node.result, "transpose") or user.op.kind != "contract":
        return False
    source, perm = node.operands[0].type.shape, node.attrs["perm"]
    contracting, shape = user.attrs["contracting"], node.result.type.shape
    used = [axes for v, axes in zip(user.operands, contracting, strict=True) if v is node.result]
    together = (side_by_side(shape, axes) and not side_by_side(source, [perm[a] for a in axes]) for axes in used)
    return any(together) and _large(user.operands, contracting, user.attrs["batch"])


RULES: RuleTable = {"dot_general": (transposed_operand, adjacent)}
"""Op name -> rules."""
