"""Canonicalization of contractions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from graphcore import dims
from graphcore.dims import Dim
from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.ops.contract import free_axes
from graphcore.passes.match import Operands, RuleTable, made_by

COPY_PAYS = 1 << 15
"""Multiplications from which on copying an operand costs little beside them."""


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
    extra = {k: v for k, v in node.attrs.items() if k == "dtype"}
    return f.dot_general(*operands, contracting=tuple(folded), batch=tuple(shared), **extra)


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


RULES: RuleTable = {"dot_general": (adjacent,)}
"""Op name -> rules."""
