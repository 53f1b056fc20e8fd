"""dot_general, the one contraction: batch, free and contracted dimensions as in XLA.

attrs: `contracting` = (lhs axes, rhs axes), `batch` = (lhs axes, rhs axes); `dtype`, for integers: that in which they
are multiplied and summed, and of the result, by default their own. The result has the batch dimensions, then the free
ones of the left operand, then those of the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.dtypes import DType, as_dtype
from graphcore.errors import DTypeError, ShapeError
from graphcore.ops.rules import (
    NUMBER,
    Attrs,
    Types,
    check_axes,
    check_equal_dims,
    conj,
    require_kind,
    require_same_dtype,
    samples,
)  # fmt: skip
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

Axes = tuple[int, ...]
Pair = tuple[Axes, Axes]


def free_axes(rank: int, contracting: Axes, batch: Axes) -> Axes:
    """The axes of an operand that are neither contracted nor batch."""
    return tuple(i for i in range(rank) if i not in contracting and i not in batch)


def _infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    lhs, rhs = types
    dtype = require_same_dtype("dot_general", types)
    require_kind("dot_general", lhs, NUMBER)
    contracting, batch = attrs["contracting"], attrs["batch"]
    for what, (left, right) in (("contracted", contracting), ("batch", batch)):
        if len(left) != len(right):
            raise ShapeError(
                f"dot_general: {what} axes {tuple(left)} of {lhs!r} and {tuple(right)} of {rhs!r} differ in "
                "number; name one axis of the right operand for each of the left"
            )
        check_axes("dot_general", left, lhs.rank)
        check_axes("dot_general", right, rhs.rank)
        for i, j in zip(left, right, strict=True):
            check_equal_dims(
                "dot_general", f"{what} dimension {i} of the left and {j} of the right operand",
                lhs.shape[i], rhs.shape[j], types,
            )  # fmt: skip
    check_axes("dot_general", (*contracting[0], *batch[0]), lhs.rank)
    check_axes("dot_general", (*contracting[1], *batch[1]), rhs.rank)
    shape = [lhs.shape[i] for i in batch[0]]
    shape += [lhs.shape[i] for i in free_axes(lhs.rank, contracting[0], batch[0])]
    shape += [rhs.shape[i] for i in free_axes(rhs.rank, contracting[1], batch[1])]
    return (TensorType(_result_dtype(dtype, attrs), shape),)


def _result_dtype(dtype: DType, attrs: Attrs) -> DType:
    wanted = attrs.get("dtype", dtype)
    if wanted is not dtype and not (dtype.kind in "iu" and wanted.kind in "iu" and wanted.size > dtype.size):
        raise DTypeError(
            f"dot_general: {dtype.name} cannot be summed in {wanted.name}, only integers in wider ones: use cast"
        )
    return wanted


def _size(shape: Sequence[int], axes: Axes) -> int:
    total = 1
    for i in axes:
        total *= shape[i]
    return total


def _evaluate(lhs: Any, rhs: Any, contracting: Pair, batch: Pair = ((), ()), dtype: DType | None = None) -> Any:
    """As one (stacked) matrix product of batch, m, k with batch, k, n.

    Products of bytes go through float32 or float64, whichever holds their sums exactly: BLAS has nothing for integers.
    """
    if dtype is not None and dtype.numpy != lhs.dtype:
        if lhs.dtype.itemsize == 1:
            depth = _size(lhs.shape, contracting[0])
            exact = np.float32 if depth << 16 <= 1 << 24 else np.float64
            found = _evaluate(lhs.astype(exact), rhs.astype(exact), contracting, batch)
            return found.astype(np.int64).astype(dtype.numpy)
        lhs, rhs = lhs.astype(dtype.numpy), rhs.astype(dtype.numpy)
    if not batch[0] and lhs.ndim == rhs.ndim == 2 and contracting == ((1,), (0,)):
        return _matmul(lhs, rhs)
    left = free_axes(lhs.ndim, contracting[0], batch[0])
    right = free_axes(rhs.ndim, contracting[1], batch[1])
    stack = tuple(lhs.shape[i] for i in batch[0])
    k = _size(lhs.shape, contracting[0])
    a = lhs.transpose(batch[0] + left + contracting[0]).reshape((*stack, _size(lhs.shape, left), k))
    b = rhs.transpose(batch[1] + contracting[1] + right).reshape((*stack, k, _size(rhs.shape, right)))
    shape = stack + tuple(lhs.shape[i] for i in left) + tuple(rhs.shape[i] for i in right)
    return _matmul(a, b).reshape(shape)


def _matmul(a: Any, b: Any) -> Any:
    """np.matmul in the operands' dtype; 16-bit floats are multiplied and summed in float32, and rounded once."""
    if a.dtype.char in "fd" or not as_dtype(a.dtype).is_half:
        return np.matmul(a, b)
    return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)


def _operand_cotangent(
    f: Functions, ct: Any, other: Any, own_rank: int, own: Pair, others: Pair, first: bool
) -> Any:
    """The cotangent of one operand: `ct` contracted with the other operand over the other's free axes.

    `own` and `others` are (contracting, batch) of the operand and of the other one; `first` says which is the
    left.
    """
    own_free = free_axes(own_rank, *own)
    other_rank = f.type(other).rank
    other_free = free_axes(other_rank, *others)
    lead = len(own[1])
    start = lead + (len(own_free) if first else 0)
    ct_contracting = tuple(range(start, start + len(other_free)))
    # The result has batch, own free, then the other's contracted axes in ascending order: find them in `own`
    # order.
    order = sorted(range(len(others[0])), key=lambda i: others[0][i])
    folded = tuple(own[0][i] for i in order)
    contract, lead_axes = (ct_contracting, other_free), (tuple(range(lead)), tuple(others[1]))
    if own_free and own_free[-1] == own_rank - 1:
        # With the operands exchanged the result's innermost axis is the operand's: for the weights of a dense layer it
        # needs no transpose at all, for the values of an attention one that keeps rows together.
        result = f.dot_general(other, ct, contracting=contract[::-1], batch=lead_axes[::-1])
        places = (*own[1], *folded, *own_free)
    else:
        result = f.dot_general(ct, other, contracting=contract, batch=lead_axes)
        places = (*own[1], *own_free, *folded)
    perm = tuple(places.index(axis) for axis in range(own_rank))
    return result if perm == tuple(range(own_rank)) else f.transpose(result, perm=perm)


def _vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    lhs, rhs = inputs
    contracting, batch = attrs["contracting"], attrs["batch"]
    left, right = (contracting[0], batch[0]), (contracting[1], batch[1])
    return (
        lambda: _operand_cotangent(f, cts[0], conj(f, rhs), f.type(lhs).rank, left, right, True),
        lambda: _operand_cotangent(f, cts[0], conj(f, lhs), f.type(rhs).rank, right, left, False),
    )


dot_general = register(
    OpDef("dot_general", "contract", _infer, _evaluate, _vjp, samples=samples("contractions"))
)
