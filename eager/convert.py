"""tf.convert_to_tensor, and the rule by which operands of one op meet: tensors strictly, everything else adapts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager import nest
from eager.tensor import Tensor, _new, wrap
from eager.variable import Variable
from graphcore.dtypes import DType, as_dtype, bool_, complex128, float32, int32, int64, string
from graphcore.errors import DTypeError
from graphcore.handler import cast_array

_scalars: dict[tuple[float, type, str], np.ndarray[Any, Any]] = {}
"""Arrays of Python numbers, which expressions such as `x * 2` need again and again."""

_MAX_SCALARS = 512


class SymbolicInput(Exception):
    """A symbolic Keras tensor reached an op; the public function then becomes a layer of a functional model."""


def convert(value: Any, dtype: Any = None, like: DType | None = None, name: str = "") -> Tensor:
    """A tensor of `value` (tf.convert_to_tensor).

    Args:
        value: tensor, variable, array, Python number or string, or nested lists of them.
        dtype: the dtype that the result must have; a tensor of another dtype is an error.
        like: the dtype that a value without a dtype of its own takes (Python numbers, lists, arrays).
        name: what the value is, for messages.

    Raises:
        DTypeError: if a tensor has another dtype than `dtype`.
        TypeError, ValueError: if the value has no tensor form.
    """
    if type(value) is Tensor or isinstance(value, Variable):
        tensor = value if type(value) is Tensor else value.value()
        if dtype is not None and tensor.dtype is not as_dtype(dtype):
            wanted = as_dtype(dtype)
            raise DTypeError(
                f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {tensor.dtype.name}"
                f"{' (' + name + ')' if name else ''}; write tf.cast(x, {wanted!r})"
            )
        return tensor
    wanted = as_dtype(dtype) if dtype is not None else like
    kind = type(value)
    if kind is int or kind is float or kind is bool:
        return _scalar(value, wanted)
    if isinstance(value, np.ndarray | np.generic):
        return wrap(_adapt(np.array(value, copy=True, order="C"), wanted))
    return _other(value, wanted)


def _scalar(value: float, wanted: DType | None) -> Tensor:
    # A tensor of its own each time, because tapes and traces tell tensors apart by identity.
    tensor = _new(Tensor)
    tensor._array = _number(value, wanted) if wanted is None else scalar_array(value, wanted.name, wanted)
    return tensor


def scalar_array(value: float, key: str, wanted: DType) -> np.ndarray[Any, Any]:
    """The 0-d array of a Python number in a dtype, kept for the next time under a key that stands for the dtype."""
    found = _scalars.get((value, type(value), key))
    # -0.0 == 0.0, so a zero that is a float is not kept by value.
    if found is None or (not value and type(value) is float):
        found = _number(value, wanted)
        if len(_scalars) >= _MAX_SCALARS:
            _scalars.clear()
        _scalars[(value, type(value), key)] = found
    return found


def _number(value: Any, wanted: DType | None) -> np.ndarray[Any, Any]:
    if wanted is None:
        if isinstance(value, bool):
            wanted = bool_
        elif isinstance(value, float):
            wanted = float32
        elif isinstance(value, complex):
            wanted = complex128
        else:
            wanted = int32 if -(2**31) <= value < 2**31 else int64
    if wanted is string:
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype string; write str(x)")
    if isinstance(value, complex) and not wanted.is_complex:
        raise TypeError(
            f"Cannot convert {value!r} to a tensor of dtype {wanted.name}; write tf.cast(x, tf.complex128) on the "
            "other operand"
        )
    if isinstance(value, float) and not (wanted.is_floating or wanted.is_complex):
        raise TypeError(
            f"Cannot convert {value!r} to a tensor of dtype {wanted.name}; write tf.cast(x, tf.float32) on the other "
            "operand, or give an int"
        )
    if (isinstance(value, bool) and not wanted.is_bool) or (wanted.is_bool and not isinstance(value, bool)):
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {wanted.name}")
    try:
        if wanted.is_half:
            with np.errstate(over="ignore"):  # numbers beyond float16 are infinite, as in TensorFlow
                return np.asarray(value, dtype=wanted.numpy)
        return np.asarray(value, dtype=wanted.numpy)
    except OverflowError:
        raise ValueError(f"Cannot convert {value!r} to {wanted.name}: out of range") from None


def _adapt(array: np.ndarray[Any, Any], wanted: DType | None) -> np.ndarray[Any, Any]:
    """An array without a say of its own takes the wanted dtype, except that fractions never become integers."""
    have = as_dtype(array.dtype)
    if have is string:
        array = _strings(array)
    if wanted is None or wanted is have:
        return array.astype(have.numpy, copy=False)
    lossy = (have.is_floating and not (wanted.is_floating or wanted.is_complex)) or have.is_complex > wanted.is_complex
    if lossy or have is string or wanted is string or have.is_bool is not wanted.is_bool:
        raise DTypeError(
            f"Cannot convert an array of dtype {have.name} to a tensor of dtype {wanted.name}; write tf.cast(x, "
            f"{wanted!r}) to convert values"
        )
    return array.astype(wanted.numpy)


def _other(value: Any, wanted: DType | None) -> Tensor:
    if getattr(value, "_is_keras_tensor", False):
        raise SymbolicInput
    if isinstance(value, range):
        value = list(value)
    if isinstance(value, list | tuple):
        leaves = nest.flatten(value)
        if any(getattr(x, "_is_keras_tensor", False) for x in leaves):
            raise SymbolicInput
        if any(isinstance(x, Tensor | Variable) for x in leaves):
            return _stack(value, wanted)
        return wrap(_from_list(value, wanted))
    if hasattr(value, "as_tensor"):  # tf.IndexedSlices
        return convert(value.as_tensor(), wanted)
    if value is None:
        raise ValueError("Attempt to convert a value (None) with an unsupported type (NoneType) to a Tensor.")
    if hasattr(value, "as_list") and hasattr(value, "is_fully_defined"):
        if not value.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape {value} to a Tensor.")
        return wrap(np.asarray(value.as_list(), dtype=(wanted or int32).numpy))
    if isinstance(value, str | bytes):
        text = value.encode() if isinstance(value, str) else value
        array = np.empty((), dtype=object)
        array[()] = text
        return wrap(_adapt(array, wanted))
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return wrap(_adapt(np.array(value, copy=True, order="C"), wanted))
    if isinstance(value, int | float | complex):
        return wrap(_number(value, wanted))
    raise ValueError(f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor.")


def _from_list(value: Sequence[Any], wanted: DType | None) -> np.ndarray[Any, Any]:
    try:
        array = np.array(value)
    except ValueError:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
    if array.dtype.kind in "fO" and wanted is not None and wanted.is_integer and _all_ints(value):
        return _wide_integers(value, wanted)
    if array.dtype == object or array.dtype.kind in "SU":
        return _strings(value)
    if any(isinstance(x, np.ndarray | np.generic) for x in nest.flatten(value)):
        return _adapt(array, wanted)
    if array.size == 0 and wanted is None:
        return array.astype(np.float32)
    if wanted is None:
        if array.dtype.kind == "f":
            return array.astype(np.float32)
        fits = array.dtype.kind != "i" or ((array >= -(2**31)).all() and (array < 2**31).all())
        return array.astype(np.int32) if array.dtype.kind == "i" and fits else array
    if array.dtype.kind == "c" and not wanted.is_complex:
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {wanted.name}: it holds complex numbers")
    if array.size and array.dtype.kind == "f" and not (wanted.is_floating or wanted.is_complex):
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {wanted.name}: it holds fractions")
    if array.size and (array.dtype.kind == "b") is not wanted.is_bool:
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {wanted.name}")
    if array.size and wanted.is_integer and not (array.min() >= wanted.min and array.max() <= wanted.max):
        raise ValueError(f"Cannot convert {value!r} to {wanted.name}: out of range")
    return cast_array(array, wanted)


def _all_ints(value: Sequence[Any]) -> bool:
    return all(type(x) is int for x in nest.flatten(value))


def _wide_integers(value: Sequence[Any], wanted: DType) -> np.ndarray[Any, Any]:
    """A list of integers, some beyond int64: NumPy makes floats or objects of it unless it is told the dtype."""
    try:
        return np.array(value, dtype=wanted.numpy)
    except OverflowError:
        raise ValueError(f"Cannot convert {value!r} to {wanted.name}: out of range") from None


def _strings(value: Any) -> np.ndarray[Any, Any]:
    array = np.array(value, dtype=object)
    for i, x in np.ndenumerate(array):
        if not isinstance(x, str | bytes):
            raise ValueError(f"Can't convert Python sequence with mixed types to Tensor: {x!r} of {type(x).__name__}")
        array[i] = x.encode() if isinstance(x, str) else x
    return array


def _stack(value: Sequence[Any], wanted: DType | None) -> Tensor:
    """A list that holds tensors is stacked, as tf.stack; the others adapt to the first tensor's dtype."""
    from eager.ops.join import stack

    if wanted is None:
        wanted = next(x.dtype for x in nest.flatten(value) if isinstance(x, Tensor | Variable))
    return stack([convert(x, like=wanted) for x in value])


def convert_pair(x: Any, y: Any, op: str) -> tuple[Tensor, Tensor]:
    """Two operands of one dtype.

    Raises:
        DTypeError: if both are tensors of different dtypes; names both and the cast to write.
    """
    if type(x) is Tensor and type(y) is Tensor:
        # Arrays of one dtype share its object, as a rule; a traced tensor has no array.
        if x._array is not None and y._array is not None and x._array.dtype is y._array.dtype:
            return x, y
        a, b = x, y
    elif isinstance(x, Tensor | Variable):
        a = convert(x)
        b = convert(y, like=a.dtype)
    elif isinstance(y, Tensor | Variable):
        b = convert(y)
        a = convert(x, like=b.dtype)
    elif isinstance(x, np.ndarray | np.generic) or not isinstance(y, np.ndarray | np.generic):
        a = convert(x)
        b = convert(y, like=a.dtype)
    else:
        b = convert(y)
        a = convert(x, like=b.dtype)
    if a.dtype is not b.dtype:
        raise dtype_clash(op, a.dtype, b.dtype)
    return a, b


def dtype_clash(op: str, a: DType, b: DType) -> DTypeError:
    """The error for two tensors of different dtypes."""
    return DTypeError(
        f"{op}: dtypes differ: {a.name} and {b.name}. Tensors are never converted implicitly; write "
        f"tf.cast(x, {b!r}) on the first or tf.cast(y, {a!r}) on the second"
    )
