"""tf.Tensor: an immutable array, or inside a trace the promise of one.

The array lies in the first slot, where native code reads it. A traced tensor has None there and its graph value in
`_value`. Operators are installed by `eager.operators`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from eager.context import thread
from eager.operator_types import Operators
from eager.tensor_shape import TensorShape
from graphcore.dtypes import DType, as_dtype
from graphcore.types import TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eager.operator_types import Operators
    from graphcore.graph import Value
else:
    Operators = object

_new = object.__new__
_SLICE_METHODS = frozenset(("assign", "assign_add", "assign_sub"))


@final
class Tensor(Operators):
    """An immutable multi-dimensional array of one dtype (tf.Tensor).

    Made by `tf.constant` and by ops, never directly. Supports arithmetic, comparison, logic, indexing with slices,
    ellipsis and newaxis, `len`, iteration over the first axis, and conversion to NumPy and Python numbers.
    """

    __slots__ = ("__weakref__", "_array", "_keras_history", "_keras_mask", "_origin", "_value")

    _array: np.ndarray[Any, Any] | None
    _value: Value
    _keras_mask: Any
    _keras_history: Any
    _origin: tuple[Any, Any]
    # Arrays leave arithmetic with tensors to the tensor, as in TensorFlow.
    __array_priority__ = 100

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Refused: use tf.constant."""
        raise TypeError("tf.Tensor is not made directly; use tf.constant(value) or tf.convert_to_tensor(value)")

    @property
    def dtype(self) -> DType:
        """The element type."""
        array = self._array
        return self._value.type.dtype if array is None else as_dtype(array.dtype)

    @property
    def shape(self) -> TensorShape:
        """The shape; sizes that a trace leaves open show as None."""
        array = self._array
        return TensorShape.of(self._value.type.shape if array is None else array.shape)

    def get_shape(self) -> TensorShape:
        """The shape (tf.Tensor.get_shape)."""
        return self.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        array = self._array
        return self._value.type.rank if array is None else array.ndim

    @property
    def device(self) -> str:
        """Where the tensor lies: always the CPU."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    @property
    def name(self) -> str:
        """The name of the graph value. Raises AttributeError outside a trace, as in TensorFlow."""
        if self._array is not None:
            raise AttributeError("Tensor.name is undefined when eager execution is enabled.")
        return f"{self._value.node.op.name}_{self._value.node.id}:{self._value.index}"

    def numpy(self) -> Any:
        """The value: a read-only array that shares memory, or a NumPy scalar for rank 0.

        Inside a trace this ends the trace: the function goes on eagerly (see DESIGN of tf.function's fallback).
        """
        array = concrete(self, "numpy()")
        if array.ndim == 0:
            return array[()]
        if array.flags.writeable:
            array = array.view()
            array.flags.writeable = False
        return array

    def ref(self) -> Any:
        """A hashable reference to this very tensor (tf.Tensor.ref)."""
        from eager.reference import Reference

        return Reference(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """The value as an array; ends a trace as numpy() does."""
        array = concrete(self, "np.asarray()").view()
        array.flags.writeable = False
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **kwargs: Any) -> Any:
        """The DLPack capsule of a copy-protected view (numpy's protocol)."""
        return concrete(self, "DLPack").__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The DLPack device: CPU."""
        return (1, 0)

    def __bool__(self) -> bool:
        """The truth of a single element. Raises ValueError for more than one."""
        array = concrete(self, "a Python truth value (if, while, and, or, not)")
        if array.size != 1:
            raise ValueError(
                f"The truth value of a tensor of shape {array.shape} is ambiguous; use tf.reduce_all or tf.reduce_any"
            )
        return bool(array)

    def __int__(self) -> int:
        """The value of a single element as int."""
        return int(self._scalar("int()"))

    def __float__(self) -> float:
        """The value of a single element as float."""
        return float(self._scalar("float()"))

    def __complex__(self) -> complex:
        """The value of a single element as complex."""
        return complex(self._scalar("complex()"))

    def __index__(self) -> int:
        """The value of an integer scalar, usable as an index."""
        if not self.dtype.is_integer:
            raise TypeError(f"only integer scalar tensors can be converted to an index, got {self.dtype.name}")
        return int(self._scalar("an index"))

    def _scalar(self, why: str) -> Any:
        array = concrete(self, why)
        if array.size != 1:
            raise TypeError(f"only tensors of one element convert to Python scalars, got shape {array.shape}")
        return array.reshape(())[()]

    def __format__(self, spec: str) -> str:
        """The value formatted: `f"{loss:.3f}"`, `f"{loss}"`; of a traced tensor its text form."""
        if self._array is None:
            return format(str(self), spec)
        return format(self._array[()] if self.ndim == 0 else self._array, spec)

    def __eq__(self, other: object) -> Any:
        """Elementwise comparison; False for None and for shapes that do not broadcast, as in TensorFlow."""
        from eager.operators import equal

        return equal(self, other)

    def __ne__(self, other: object) -> Any:
        """Elementwise comparison; True for None and for shapes that do not broadcast, as in TensorFlow."""
        from eager.operators import not_equal

        return not_equal(self, other)

    def __getitem__(self, key: Any) -> Tensor:
        """A part of the tensor, by ints, slices, `...` and tf.newaxis. Raises IndexError or TypeError for a bad key."""
        from eager.ops.indexing import getitem

        return getitem(self, key)

    def __len__(self) -> int:
        """The size of the first axis. Raises TypeError for a scalar or an open size."""
        if self.ndim == 0:
            raise TypeError("Scalar tensor has no `len()`")
        n = self.shape[0]
        if n is None:
            raise TypeError("len() of a tensor whose first dimension is open in this trace; use tf.shape(x)[0]")
        return n

    def __iter__(self) -> Iterator[Tensor]:
        """The slices along the first axis."""
        if self.ndim == 0:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[i] for i in range(len(self)))

    def __copy__(self) -> Tensor:
        """The tensor itself: it is immutable."""
        return self

    def __deepcopy__(self, memo: Any) -> Tensor:
        """The tensor itself: it is immutable."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the array."""
        return (_restore, (np.array(concrete(self, "pickle")),))

    def __getattr__(self, name: str) -> Any:
        """`assign`, `assign_add` and `assign_sub` of a slice of a variable; AttributeError for anything else."""
        if name in _SLICE_METHODS:
            from eager.variable_slice import slice_method

            variable, key = object.__getattribute__(self, "_origin")
            return slice_method(name, variable, key, self)
        raise AttributeError(f"'Tensor' object has no attribute {name!r}")

    def __repr__(self) -> str:
        """As TensorFlow prints it."""
        array = self._array
        if array is None:
            return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"
        text = repr(array[()] if array.ndim == 0 else array)
        if array.ndim == 0:
            text = str(array[()]) if array.dtype.kind != "O" else repr(array[()])
            return f"<tf.Tensor: shape=(), dtype={self.dtype.name}, numpy={text}>"
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={lines(text)}>"

    def __str__(self) -> str:
        """As TensorFlow prints it."""
        if self._array is None:
            return f'Tensor("{self.name}", shape={self.shape}, dtype={self.dtype.name})'
        return (
            f"tf.Tensor({self._array if self.ndim else self._array[()]}, shape={self.shape}, dtype={self.dtype.name})"
        )


def lines(text: str) -> str:
    """A text of several lines, starting on a line of its own."""
    return f"\n{text}" if "\n" in text else text


def wrap(array: Any) -> Tensor:
    """A tensor around an array that nothing else will change."""
    tensor = _new(Tensor)
    tensor._array = array if type(array) is np.ndarray else np.asarray(array)
    return tensor


def wrap_value(value: Value) -> Tensor:
    """A traced tensor."""
    tensor = _new(Tensor)
    tensor._array = None
    tensor._value = value
    return tensor


def type_of(tensor: Tensor) -> TensorType:
    """The TensorType of a tensor, symbolic sizes included."""
    array = tensor._array
    return tensor._value.type if array is None else TensorType(as_dtype(array.dtype), array.shape)


def concrete(tensor: Tensor, why: str) -> np.ndarray[Any, Any]:
    """The array of a tensor. For a traced tensor the trace must give it up, or refuse.

    Raises:
        UntraceableError: in a trace without real arguments.
    """
    array = tensor._array
    if array is None:
        frame = thread.frame
        if frame is None:
            raise TypeError(
                f"{tensor!r} belongs to a traced function that has ended; return it from the function instead of "
                "keeping it in an attribute or list"
            )
        array = frame.demand(tensor, why)
    return array


def _restore(array: np.ndarray[Any, Any]) -> Tensor:
    return wrap(array)
