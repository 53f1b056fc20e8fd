"""tf.TensorArray: a list of tensors of one dtype that loops read and write.

Where indices are numbers it is a Python list. In a trace, at an index that only the run will know, it becomes one
tensor with a leading axis, which reads slice and writes update; as a loop variable it always has that form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.context import executing_eagerly
from eager.convert import convert
from eager.errors import InvalidArgumentError, OutOfRangeError
from eager.ops.common import known_sizes, op, raw_shape, settled, size_tensor, sizes_of
from eager.ops.create import zeros
from eager.ops.join import concat, split, stack, unstack
from eager.ops.shaping import reshape
from eager.tensor import Tensor, concrete, type_of
from eager.tensor_shape import TensorShape
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, int32


class TensorArray:
    """An array of tensors of one dtype (tf.TensorArray).

    `write`, `unstack`, `scatter` and `split` return the array to go on with: eagerly this very one, in a traced
    function a new one, so always use what they return. An element that was never written reads as zeros.
    """

    def __init__(
        self, dtype: Any, size: Any = None, dynamic_size: bool | None = None, clear_after_read: bool | None = None,
        tensor_array_name: str | None = None, handle: Any = None, flow: Any = None, infer_shape: bool = True,
        element_shape: Any = None, colocate_with_first_write_call: bool = True, name: str | None = None,
    ) -> None:  # fmt: skip
        """An array of unwritten elements.

        Args:
            dtype: of all elements.
            size: the number of elements, an int or an int32 scalar.
            dynamic_size: whether writes past the end make it longer. In a traced loop this ends the trace.
            clear_after_read: whether an element can be read only once (eagerly); by default True.
            infer_shape: whether all elements must have the shape of the first one.
            element_shape: the shape of every element, with None for open sizes.
            tensor_array_name, handle, flow, colocate_with_first_write_call, name: accepted for compatibility.

        Raises:
            ValueError: without a size, or with a negative one.
        """
        del tensor_array_name, handle, flow, colocate_with_first_write_call, name
        if size is None:
            raise ValueError("TensorArray: give its size; 0 with dynamic_size=True for one that grows as it is written")
        self._dtype = as_dtype(dtype)
        self._dynamic = bool(dynamic_size)
        self._clear = clear_after_read is None or bool(clear_after_read)
        self._infer = infer_shape
        self._shape = TensorShape(element_shape)
        self._cleared: set[int] = set()
        self._buffer: Tensor | None = None
        self._items: list[Tensor | None] | None = None
        # A tensor, since the end of a trace turns an open size into a number.
        self._size = convert(size, like=int32)
        length = self._length()
        if isinstance(length, int):
            if length < 0:
                raise InvalidArgumentError(f"TensorArray: size is {length}, expected at least 0")
            self._items = [None for _ in range(length)]

    # What it is ------------------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._dtype

    @property
    def dynamic_size(self) -> bool:
        """Whether writes past the end make it longer."""
        return self._dynamic

    @property
    def element_shape(self) -> TensorShape:
        """The shape of the elements, as far as it is known."""
        return self._shape

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, an int32 scalar."""
        del name
        return size_tensor(self._length())

    def identity(self) -> TensorArray:
        """The same array as another object."""
        return self._copy()

    def close(self, name: str | None = None) -> None:
        """Forgets the elements."""
        del name
        self._items, self._buffer = [], None

    def _length(self) -> Dim:
        if self._buffer is not None:
            return raw_shape(self._buffer)[0]
        return sizes_of(self._size)[0] if self._items is None else len(self._items)

    def _copy(self) -> TensorArray:
        new = object.__new__(TensorArray)
        new.__dict__.update(self.__dict__)
        new._items = None if self._items is None else list(self._items)
        new._cleared = set(self._cleared)
        return new

    def _next(self) -> TensorArray:
        """What a change is made on: eagerly the array itself, in a trace a copy, as graphs have it."""
        return self if executing_eagerly() else self._copy()

    def __repr__(self) -> str:
        """Dtype, size and shape of the elements."""
        return f"<tf.TensorArray of {self._length()} {self._dtype.name} elements of shape {self._shape}>"

    # Reading ---------------------------------------------------------------------------------------------------------

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at an index.

        Raises:
            OutOfRangeError: for an index outside of the array.
            InvalidArgumentError: if it was read before and `clear_after_read` is on; InvalidArgumentError from the
                run for an index outside that only the run knows.
        """
        del name
        at = _number(index)
        if at is None:
            at = self._index(index)
        if isinstance(at, int) and self._items is not None:
            return self._read_item(at)
        buffer = self._whole("read")
        sizes = raw_shape(buffer)
        row = op("dynamic_slice", buffer, _start(at, len(sizes)), sizes=(1, *sizes[1:]))
        return reshape(row, sizes[1:])

    def _read_item(self, at: int) -> Tensor:
        assert self._items is not None
        if at < 0:
            raise OutOfRangeError(f"Reading from negative indices (index {at}) is not allowed.")
        if at >= len(self._items):
            raise OutOfRangeError(f"Tried to read from index {at} but array size is: {len(self._items)}")
        if at in self._cleared:
            raise InvalidArgumentError(
                f"Could not read index {at} twice because it was cleared after a previous read (perhaps try setting "
                "clear_after_read = false?)"
            )
        item = self._item(at)
        if self._clear and executing_eagerly():
            self._items[at] = None
            self._cleared.add(at)
        return item

    def _item(self, at: int) -> Tensor:
        """An element of the list; unwritten ones are zeros."""
        assert self._items is not None
        item = self._items[at]
        return zeros(self._zero_shape("read"), self._dtype) if item is None else item

    def _zero_shape(self, what: str) -> tuple[Dim, ...]:
        shape = self._known_shape()
        if shape is None:
            raise InvalidArgumentError(
                f"TensorArray.{what}: an element was never written and its shape {self._shape} is not known; write "
                "it first, or give element_shape"
            )
        return shape

    def _known_shape(self) -> tuple[Dim, ...] | None:
        if self._buffer is not None:
            return raw_shape(self._buffer)[1:]
        first = next((t for t in self._items or () if t is not None), None)
        if first is not None:
            return raw_shape(first)
        return tuple(self._shape.raw) if self._shape.is_fully_defined() else None

    def stack(self, name: str | None = None) -> Tensor:
        """All elements along a new first axis. Raises ValueError if their shapes differ."""
        del name
        return self._whole("stack")

    def _whole(self, what: str) -> Tensor:
        buffer = self.buffer()
        if buffer is None:
            buffer = zeros((self._length(), *self._zero_shape(what)), self._dtype)
        return buffer

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at some indices along a new first axis."""
        del name
        at = convert(indices, like=int32)
        if self._items is not None and at._array is not None:
            return stack([self._item(self._inside(int(i), "read from")) for i in at._array.reshape(-1)])
        return op("gather", self._whole("gather"), at, axis=0)

    def concat(self, name: str | None = None) -> Tensor:
        """All elements one after the other along their first axis; that may differ in size."""
        del name
        if self._items is not None:
            return concat([self._item(i) for i in range(len(self._items))], 0)
        whole = self._whole("concat")
        n, rows, *rest = raw_shape(whole)
        return op("reshape", whole, shape=(n * rows, *rest))

    # Writing ---------------------------------------------------------------------------------------------------------

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Sets the element at an index; returns the array to go on with. A second write replaces the first.

        Raises:
            OutOfRangeError: for an index outside of the array.
            InvalidArgumentError: for a value of another dtype.
            ValueError: for a value of another shape.
        """
        del name
        tensor = self._fitting(value)
        new = self._next()
        at = _number(index)
        if at is None:
            at = new._index(index)
        if isinstance(at, int) and new._items is not None:
            new._write_item(at, tensor)
            return new
        whole = new._formed(raw_shape(tensor))
        row = op("reshape", tensor, shape=(1, *raw_shape(tensor)))
        new._become(op("dynamic_update_slice", whole, row, _start(at, len(raw_shape(whole)))))
        return new

    def _fitting(self, value: Any) -> Tensor:
        tensor = convert(value, like=self._dtype)
        if tensor.dtype is not self._dtype:
            raise InvalidArgumentError(
                f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype {tensor.dtype.name}"
            )
        if not self._shape.is_compatible_with(tensor.shape):
            raise ValueError(f"Incompatible shape for value ({tensor.shape}), expected ({self._shape})")
        return tensor

    def _write_item(self, at: int, tensor: Tensor) -> None:
        assert self._items is not None
        if at < 0:
            raise OutOfRangeError(f"Writing to negative indices (index {at}) is not allowed.")
        if at >= len(self._items):
            self._inside(at, "write to")
            self._items.extend([None] * (at + 1 - len(self._items)))
        self._items[at] = tensor
        self._cleared.discard(at)

    def _inside(self, at: int, what: str) -> int:
        length = self._length()
        if isinstance(length, int) and not 0 <= at < length and not (self._dynamic and what == "write to"):
            raise OutOfRangeError(
                f"Tried to {what} index {at} but array is not resizeable and size is: {length}; make it larger, or "
                "with dynamic_size=True"
            )
        return at

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Takes the slices of a tensor along its first axis as elements. Raises ValueError if they are too many."""
        del name
        tensor = self._typed_rows(value, "unstack")
        new, count, length = self._next(), raw_shape(tensor)[0], self._length()
        if not self._dynamic and not settled(lambda: dims.less_equal(count, length)):
            raise ValueError(f"Cannot unstack {count} tensors into a TensorArray of static size {length}")
        if tensor._array is None:
            new._become(tensor)
        else:
            new._items, new._buffer = list(unstack(tensor)), None
        new._cleared.clear()
        return new

    def _typed_rows(self, value: Any, what: str) -> Tensor:
        tensor = convert(value, like=self._dtype)
        if not tensor.ndim:
            raise ValueError(f"TensorArray.{what}: the value is a scalar, expected a tensor with a first axis")
        if tensor.dtype is not self._dtype:
            raise InvalidArgumentError(
                f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype {tensor.dtype.name}"
            )
        return tensor

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Sets the elements at some indices to the slices of a tensor along its first axis."""
        del name
        at, tensor = convert(indices, like=int32), self._typed_rows(value, "scatter")
        if at._array is not None and self._items is not None:
            if at.shape.num_elements() != tensor.shape[0]:
                raise InvalidArgumentError(f"TensorArray.scatter: {at.shape} indices for values {type_of(tensor)}")
            new = self
            for i, row in zip(at._array.reshape(-1).tolist(), unstack(tensor), strict=True):
                new = new.write(i, row)
            return new
        new, row_shape = self._next(), raw_shape(tensor)[1:]
        rows = reshape(at, (-1, 1))
        new._become(op("scatter", new._formed(row_shape), rows, tensor, combine="update"))
        return new

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Takes pieces of a tensor along its first axis, of the given lengths, as elements."""
        del name
        tensor = self._typed_rows(value, "split")
        sizes = list(sizes_of(convert(lengths, like=int32)))
        length = self._length()
        if not self._dynamic and isinstance(length, int) and len(sizes) > length:
            raise ValueError(f"TensorArray's size is not equal to the size of lengths ({length} vs. {len(sizes)})")
        new = self._next()
        new._items, new._buffer = list(split(tensor, sizes)), None
        new._cleared.clear()
        return new

    # As one tensor ---------------------------------------------------------------------------------------------------

    def buffer(self) -> Tensor | None:
        """All elements as one tensor; None as long as the shape of an element is not known."""
        if self._buffer is not None:
            return self._buffer
        shape = self._known_shape()
        if shape is None:
            return None
        if not self._items or all(t is None for t in self._items):
            return zeros((self._length(), *shape), self._dtype)
        blank = zeros(shape, self._dtype) if None in [t if t is None else 0 for t in self._items] else None
        return stack([t if t is not None else blank for t in self._items])

    def with_buffer(self, tensor: Tensor) -> TensorArray:
        """An array like this one whose elements are the slices of a tensor."""
        new = self._copy()
        new._become(tensor)
        return new

    def with_elements_of(self, shape: Sequence[Dim]) -> TensorArray:
        """This array with unwritten elements of a shape, where none is known yet."""
        return self if self.buffer() is not None else self.with_buffer(zeros((self._length(), *shape), self._dtype))

    def _become(self, tensor: Tensor) -> None:
        self._items, self._buffer = None, tensor

    def _formed(self, shape: tuple[Dim, ...]) -> Tensor:
        """All elements as one tensor, those not written yet as zeros of a shape."""
        known = self._known_shape()
        if known is None:
            return zeros((self._length(), *shape), self._dtype)
        if len(known) != len(shape) or not all(
            settled(lambda a=a, b=b: dims.equal(a, b)) for a, b in zip(known, shape, strict=True)
        ):
            shown, wanted = TensorShape.of(shape), TensorShape.of(tuple(known))
            raise ValueError(f"Incompatible shape for value ({shown}), expected ({wanted})")
        return self._whole("write")

    def _index(self, index: Any) -> Any:
        """A traced index as it is; an array that grows needs its value, which ends the trace."""
        tensor = convert(index, like=int32)
        if self._dynamic:
            return int(concrete(tensor, "the index of a TensorArray with dynamic_size=True (give its size instead)"))
        return tensor


def _number(index: Any) -> int | None:
    """An index as a number; None if only the run knows it."""
    if isinstance(index, int | np.integer):
        return int(index)
    tensor = convert(index, like=int32)
    if not tensor.dtype.is_integer or tensor.ndim:
        raise InvalidArgumentError(f"TensorArray: an index is {tensor!r}, expected an integer scalar")
    known = known_sizes(tensor)
    return known[0] if known is not None and isinstance(known[0], int) else None


def _start(at: Any, rank: int) -> Tensor:
    """The start [at, 0, 0, ...] of a slice."""
    first = reshape(convert(at, like=int32), (1,))
    return first if rank == 1 else concat([first, np.zeros(rank - 1, first.dtype.numpy)], 0)
