"""Canonicalization of contractions: transposed operands are read as they lie."""

from __future__ import annotations

from collections.abc import Sequence

from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.ops.contract import free_axes
from graphcore.passes.match import Operands, RuleTable, made_by


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
    return f.dot_general(*operands, contracting=tuple(contracting), batch=tuple(batch))


def _together(axes: Sequence[int]) -> bool:
    """Whether axes follow each other: what lies apart is no row or column of a matrix, and better copied."""
    return all(b == a + 1 for a, b in zip(axes, axes[1:], strict=False))


RULES: RuleTable = {"dot_general": (transposed_operand,)}
"""Op name -> rules."""
