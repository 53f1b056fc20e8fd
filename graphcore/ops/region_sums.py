"""Sums over the iterations of a backward pass that one contraction gives: the gradients of weights.

A capture's cotangent that is a product of two values of each iteration, summed over all iterations, is the product of
the stacked values contracted over the iterations too. So the loop need not read and write the sum every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphcore.functions import Functions
from graphcore.graph import Value


class Product(NamedTuple):
    """A dot_general of one iteration, and how its result is transposed.

    Attributes:
        lhs, rhs: its operands.
        contracting: its axes.
        perm: the transposition, or None.
    """

    lhs: Value
    rhs: Value
    contracting: tuple[tuple[int, ...], tuple[int, ...]]
    perm: tuple[int, ...] | None


def product_of(value: Value | None, fixed: Sequence[Value]) -> Product | None:
    """The product that a value is, if it has no batch axes and both operands differ between iterations."""
    if value is None:
        return None
    perm = None
    node = value.node
    if node.op.name == "transpose":
        perm, node = tuple(node.attrs["perm"]), node.operands[0].node
    if node.op.name != "dot_general" or node.attrs["batch"] != ((), ()):
        return None
    lhs, rhs = node.operands
    # Stacking what does not differ would only repeat it.
    if any(v in fixed or v.node.op.name in ("constant", "broadcast_to", "fill") for v in (lhs, rhs)):
        return None
    return Product(lhs, rhs, node.attrs["contracting"], perm)


def total(f: Functions, product: Product, stacked: Callable[[Value], Any]) -> Any:
    """The sum of a product over all iterations, from its stacked operands."""
    left, right = (tuple(a + 1 for a in axes) for axes in product.contracting)
    result = f.dot_general(
        stacked(product.lhs), stacked(product.rhs), contracting=((0, *left), (0, *right)), batch=((), ())
    )
    return result if product.perm is None else f.transpose(result, perm=product.perm)
