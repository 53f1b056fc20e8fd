"""The cotangent of a gather along the first axis: some rows of a tensor, all others zero.

A dense form of it may be many times larger than the rows, so `autodiff.backward` keeps it as it is until something
needs a whole tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graphcore import dims
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions


class Rows(NamedTuple):
    """Rows of a tensor of type `type_`; a row that is named twice counts twice.

    Attributes:
        indices: integers [n].
        values: [n, *type_.shape[1:]], of the tensor's dtype.
        type_: what the tensor is.
    """

    indices: Any
    values: Any
    type_: TensorType


def rows_of(f: Functions, indices: Any, values: Any, type_: TensorType) -> Rows:
    """Rows from indices of any shape and values of shape [*indices.shape, *type_.shape[1:]]."""
    count = dims.product(f.type(indices).shape)
    return Rows(
        f.reshape_to(indices, (count,)), f.reshape_to(values, (count, *type_.shape[1:])), type_
    )


def join(f: Functions, a: Rows, b: Rows) -> Rows:
    """The sum of two: the rows of both, in order."""
    x, y = a.indices, b.indices
    if f.type(x).dtype is not f.type(y).dtype:
        x, y = f.cast(x, dtype="int64"), f.cast(y, dtype="int64")
    return Rows(f.concatenate(x, y, axis=0), f.concatenate(a.values, b.values, axis=0), a.type_)


def dense(f: Functions, rows: Rows, onto: Any = None) -> Any:
    """The whole tensor, added to `onto` if that is given."""
    base = f.full(rows.type_, 0) if onto is None else onto
    (count,) = f.type(rows.indices).shape
    return f.scatter(base, f.reshape(rows.indices, shape=(count, 1)), rows.values, combine="add")
