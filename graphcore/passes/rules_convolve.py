"""Canonicalization of convolutions."""

from __future__ import annotations

from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.passes.match import Operands, RuleTable


def pointwise(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: a convolution with one filter place, stride 1 and no padding = a product of matrices."""
    attrs, shape, kernel = node.attrs, x[0].type.shape, x[1].type.shape
    plain = all(v == 0 for v in (*attrs["low"], *attrs["high"]))
    plain = plain and all(d == 1 for d in (*attrs["lhs_dilation"], *attrs["strides"]))
    if attrs["groups"] != 1 or not plain or any(k != 1 for k in kernel[:-2]):
        return None
    matrix = f.reshape(x[1], shape=kernel[-2:])
    return f.dot_general(x[0], matrix, contracting=((len(shape) - 1,), (0,)), batch=((), ()))


RULES: RuleTable = {"convolution": (pointwise,)}
"""Op name -> rules."""
