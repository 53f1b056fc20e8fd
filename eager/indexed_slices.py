"""tf.IndexedSlices: rows of a tensor; what a tape gives as the gradient of a variable that was gathered from."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.dispatch import functions
from eager.errors import InvalidArgumentError
from eager.ops.common import size_tensor
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorShape
from graphcore.dtypes import DType, int32
from graphcore.rows import Rows, dense
from graphcore.types import TensorType


class IndexedSlices:
    """Rows `values` at `indices` of a tensor of shape `dense_shape`, all others zero (tf.IndexedSlices).

    A row that is named twice counts twice. Where a tensor is expected it becomes one.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        """Takes the rows.

        Args:
            values: [n, ...], any numeric dtype.
            indices: integers [n].
            dense_shape: the shape of the whole tensor; needed to make it one.

        Raises:
            InvalidArgumentError: if the indices are no integers, or there are not as many values as indices.
        """
        self._values, self._indices = convert(values), convert(indices)
        if not self._indices.dtype.is_integer:
            raise InvalidArgumentError(f"tf.IndexedSlices: indices are {self._indices!r}, expected integers")
        if not self._values.shape[: self._indices.ndim].is_compatible_with(self._indices.shape):
            raise InvalidArgumentError(
                f"tf.IndexedSlices: {self._values.shape} values for {self._indices.shape} indices; give one row each"
            )
        self._dense_shape = None if dense_shape is None else convert(dense_shape, like=int32)
        self._type: TensorType | None = None

    @classmethod
    def of_rows(cls, rows: Rows) -> IndexedSlices:
        """What a tape found."""
        made = cls.__new__(cls)
        made._values, made._indices, made._type, made._dense_shape = rows.values, rows.indices, rows.type_, None
        return made

    @property
    def values(self) -> Tensor:
        """The rows [n, ...]."""
        return self._values

    @property
    def indices(self) -> Tensor:
        """Where each row belongs, [n]."""
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        """The shape of the whole tensor as an integer tensor, None if it is unknown."""
        if self._dense_shape is None and self._type is not None:
            return convert([size_tensor(n) for n in self._type.shape])
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """The dtype of the values."""
        return self._values.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole tensor, as far as it is known."""
        if self._type is not None:
            return TensorShape.of(self._type.shape)
        if self._dense_shape is None:
            return TensorShape(None)
        return TensorShape(self._dense_shape.numpy().tolist())

    @property
    def device(self) -> str:
        """Where it lies: always the CPU."""
        return self._values.device

    @property
    def name(self) -> str:
        """A name, for messages."""
        return "IndexedSlices"

    @property
    def rows(self) -> Rows:
        """As gradient rules write it. Raises ValueError if the dense shape is unknown."""
        if self._type is None:
            if self._dense_shape is None:
                raise ValueError(
                    "Tensor conversion requested for IndexedSlices without dense_shape; give it, or use `values`"
                )
            self._type = TensorType(self.dtype, tuple(self._dense_shape.numpy().tolist()))
        return Rows(self._indices, self._values, self._type)

    def as_tensor(self) -> Tensor:
        """The whole tensor. Raises ValueError if the dense shape is unknown."""
        return dense(functions(), self.rows)

    def with_values(self, values: Any, indices: Any = None) -> IndexedSlices:
        """Other rows of a tensor of the same shape, at the same places unless others are given."""
        made = IndexedSlices(values, self._indices if indices is None else indices, self._dense_shape)
        made._type = self._type
        return made

    def __neg__(self) -> IndexedSlices:
        """The rows negated."""
        return self.with_values(-self._values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """The whole tensor as an array."""
        return self.as_tensor().__array__(dtype, copy)

    def __repr__(self) -> str:
        """Values, indices and shape."""
        return f"IndexedSlices(indices={self._indices!r}, values={self._values!r}, dense_shape={self.shape})"


def unique_rows(slices: IndexedSlices) -> IndexedSlices:
    """The same tensor with every row at most once: rows of one index are summed.

    Where fewer rows are left the rest are zeros at the smallest index, so that the size does not depend on data.
    """
    f = functions()
    (count,) = type_of(slices.indices).shape
    if count == 0 or count == 1:
        return slices
    ordered, order = f.sort(slices.indices, axis=0, descending=False)
    first = f.slice(ordered, begin=(0,), end=(count - 1,), strides=(1,))
    second = f.slice(ordered, begin=(1,), end=(count,), strides=(1,))
    steps = f.cast(f.not_equal(first, second), dtype="int32")
    group = f.cumulative(
        f.concatenate(f.constant(np.zeros(1, np.int32)), steps, axis=0),
        axis=0, combine="add", exclusive=False, reverse=False,
    )  # fmt: skip
    place = f.reshape(group, shape=(count, 1))
    values = f.gather(slices.values, order, axis=0)
    summed = f.scatter(f.zeros_like(values), place, values, combine="add")
    smallest = f.broadcast_to(f.slice(ordered, begin=(0,), end=(1,), strides=(1,)), shape=(count,))
    return slices.with_values(summed, f.scatter(smallest, place, ordered, combine="update"))
