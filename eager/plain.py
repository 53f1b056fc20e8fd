"""The short ways of the commonest calls: one NumPy call on the arrays of tensors, while nothing records.

A short way gives None for arguments that it does not know, and whatever NumPy refuses; the general way, which says what
is wrong in the user's words, is taken then. Both give the same numbers: those of the op's `evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.dispatch import accepted, silent
from eager.tensor import Tensor, _new
from eager.variable import Variable
from graphcore.optable import OpDef, get_op

HOLDERS = frozenset((Tensor, Variable))
"""The types whose `_array` is their value, or None in a trace."""

_FLOATS = "fd"
_DOT = get_op("dot_general").evaluate
_CONCATENATE = get_op("concatenate").evaluate
_ROWS_BY_COLUMNS = ((1,), (0,))


def _tensor(result: Any) -> Tensor:
    tensor = _new(Tensor)
    tensor._array = result if type(result) is np.ndarray else np.asarray(result)
    return tensor


def unary(op: OpDef) -> Callable[..., Tensor | None]:
    """Of an elementwise op: a tensor of float32 or float64."""
    evaluate = op.evaluate

    def short(x: Any = None, *others: Any) -> Tensor | None:
        if type(x) is not Tensor or others or (array := x._array) is None or array.dtype.char not in _FLOATS:
            return None
        try:
            return _tensor(silent.run(evaluate, array))
        except RuntimeError:  # called from within another op
            return None

    return short


def binary(op: OpDef) -> Callable[..., Tensor | None]:
    """Of an elementwise op: two tensors of one dtype that the op has taken before."""
    evaluate = op.evaluate

    def short(x: Any = None, y: Any = None, *others: Any) -> Tensor | None:
        if others or type(x) not in HOLDERS or type(y) not in HOLDERS:
            return None
        a, b = x._array, y._array
        if a is None or b is None or a.dtype is not b.dtype:
            return None
        char = a.dtype.char
        if (op, char, char) not in accepted:
            return None
        try:
            return _tensor(silent.run(evaluate, a, b))
        except (ValueError, TypeError, ArithmeticError, RuntimeError):
            return None

    return short


def matmul(a: Any = None, b: Any = None, *flags: Any) -> Tensor | None:
    """Two matrices of float32 or float64."""
    if flags or type(a) not in HOLDERS or type(b) not in HOLDERS:
        return None
    x, y = a._array, b._array
    if x is None or y is None or not x.ndim == y.ndim == 2:
        return None
    dtype = x.dtype
    if dtype is not y.dtype or dtype.char not in _FLOATS or x.shape[1] != y.shape[0]:
        return None
    try:
        return _tensor(silent.run(_DOT, x, y, _ROWS_BY_COLUMNS))
    except RuntimeError:
        return None


def concat(values: Any = None, axis: Any = None, *others: Any) -> Tensor | None:
    """A list of two or more tensors of one dtype and rank, and an int."""
    if others or type(axis) is not int or type(values) is not list or len(values) < 2:
        return None
    arrays: list[Any] = []
    dtype = None
    for value in values:
        if type(value) is not Tensor or (array := value._array) is None:
            return None
        if dtype is not array.dtype and arrays:
            return None
        dtype = array.dtype
        arrays.append(array)
    try:
        return _tensor(_CONCATENATE(*arrays, axis=axis))
    except ValueError:
        return None
