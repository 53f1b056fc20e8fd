"""tf.keras.backend: array and math functions under Keras's names, thin over tf's own."""

from __future__ import annotations

from builtins import max as max_
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import eager as tf
from eager.tensor import Tensor
from eager.variable import Variable


def _reduction(function: Callable[..., Tensor], doc: str, *, of_bool: bool = False) -> Callable[..., Tensor]:
    """A reduction in Keras's signature (x, axis, keepdims); `of_bool` averages booleans as numbers."""

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        if of_bool and tf.convert_to_tensor(x).dtype == tf.bool:
            x = tf.cast(x, tf.keras.backend.floatx())
        return function(x, axis, keepdims)

    reduce.__doc__ = doc
    return reduce


sum = _reduction(tf.reduce_sum, "The sum over axes (tf.keras.backend.sum).")
prod = _reduction(tf.reduce_prod, "The product over axes (tf.keras.backend.prod).")
max = _reduction(tf.reduce_max, "The largest element over axes (tf.keras.backend.max).")
min = _reduction(tf.reduce_min, "The smallest element over axes (tf.keras.backend.min).")
mean = _reduction(tf.reduce_mean, "The mean over axes; booleans count as 0 and 1 (K.mean).", of_bool=True)
std = _reduction(tf.math.reduce_std, "The standard deviation over axes (K.std).", of_bool=True)
var = _reduction(tf.math.reduce_variance, "The variance over axes (K.var).", of_bool=True)
logsumexp = _reduction(tf.reduce_logsumexp, "log(sum(exp(x))) over axes (K.logsumexp).")


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element over axes is true; numbers count as true unless 0 (tf.keras.backend.any)."""
    return tf.reduce_any(tf.cast(x, tf.bool), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over axes are true; numbers count as true unless 0 (tf.keras.backend.all)."""
    return tf.reduce_all(tf.cast(x, tf.bool), axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The first position of the largest element (tf.keras.backend.argmax)."""
    return tf.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The first position of the smallest element (tf.keras.backend.argmin)."""
    return tf.argmin(x, axis)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """x limited to a range; None is no limit (tf.keras.backend.clip)."""
    if min_value is not None and max_value is not None and max_value < min_value:
        max_value = min_value
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else max_value
    return tf.clip_by_value(x, low, high)


def sqrt(x: Any) -> Tensor:
    """The square root, of negative numbers 0 (tf.keras.backend.sqrt)."""
    return tf.sqrt(tf.maximum(x, 0.0))


def cast(x: Any, dtype: Any) -> Tensor:
    """x in another dtype (tf.keras.backend.cast)."""
    return tf.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """x in the default float dtype; an array stays an array (tf.keras.backend.cast_to_floatx)."""
    kind = tf.keras.backend.floatx()
    return tf.cast(x, kind) if isinstance(x, Tensor | Variable) else np.asarray(x, dtype=kind)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A constant, in the default float dtype unless told otherwise (tf.keras.backend.constant)."""
    return tf.constant(value, tf.keras.backend.floatx() if dtype is None else dtype, shape, name or "Const")


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable, in the default float dtype unless told otherwise (tf.keras.backend.variable)."""
    kind = tf.keras.backend.floatx() if dtype is None else dtype
    return Variable(value, dtype=kind, name=name, constraint=constraint)


def _numpy(dtype: Any) -> Any:
    return tf.as_dtype(tf.keras.backend.floatx() if dtype is None else dtype).numpy


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros (tf.keras.backend.zeros)."""
    return variable(np.zeros(shape, _numpy(dtype)), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones (tf.keras.backend.ones)."""
    return variable(np.ones(shape, _numpy(dtype)), dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable with an identity matrix (tf.keras.backend.eye)."""
    rows, columns = size if isinstance(size, tuple) else (size, size)
    return variable(np.eye(rows, columns, dtype=_numpy(dtype)), dtype, name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of x's shape (tf.keras.backend.zeros_like)."""
    del name
    return tf.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of x's shape (tf.keras.backend.ones_like)."""
    del name
    return tf.ones_like(x, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    """Numbers from start (0 if only one bound is given) up to stop (tf.keras.backend.arange).

    With the default dtype floats stay floats, as in tf.keras.
    """
    if stop is None:
        start, stop = 0, max_(start, 0)
    numbers = tf.range(start, stop, step)
    return numbers if dtype == "int32" else tf.cast(numbers, dtype)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors one after another along an axis (tf.keras.backend.concatenate)."""
    return tf.concat([tf.convert_to_tensor(t) for t in tensors], axis)


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """x with a new axis of size 1 (tf.keras.backend.expand_dims)."""
    return tf.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """x without an axis of size 1 (tf.keras.backend.squeeze)."""
    return tf.squeeze(x, [axis])


def flatten(x: Any) -> Tensor:
    """x as a vector (tf.keras.backend.flatten)."""
    return tf.reshape(x, [-1])


def batch_flatten(x: Any) -> Tensor:
    """x as a matrix with the same first axis (tf.keras.backend.batch_flatten)."""
    return tf.reshape(x, [-1, tf.reduce_prod(tf.shape(x)[1:])])


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """x with its axes in another order (tf.keras.backend.permute_dimensions)."""
    return tf.transpose(x, pattern)


def repeat(x: Any, n: int) -> Tensor:
    """A matrix [b, d] repeated to [b, n, d] (tf.keras.backend.repeat). Raises ValueError unless x has rank 2."""
    x = tf.convert_to_tensor(x)
    if x.ndim != 2:
        raise ValueError(f"K.repeat: x has rank {x.ndim}, expected 2")
    return tf.tile(tf.expand_dims(x, 1), [1, n, 1])


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element repeated along an axis (tf.keras.backend.repeat_elements)."""
    return tf.repeat(x, rep, axis)


def tile(x: Any, n: Any) -> Tensor:
    """x repeated n times along each axis (tf.keras.backend.tile)."""
    return tf.tile(x, [n] if isinstance(n, int) else n)


def reverse(x: Any, axes: Any) -> Tensor:
    """x backwards along axes (tf.keras.backend.reverse)."""
    return tf.reverse(x, [axes] if isinstance(axes, int) else axes)


def gather(reference: Any, indices: Any) -> Tensor:
    """Rows of the reference (tf.keras.backend.gather)."""
    return tf.gather(reference, indices)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Indices as one-hot rows (tf.keras.backend.one_hot)."""
    return tf.one_hot(indices, num_classes, axis=-1)


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """Sums so far along an axis (tf.keras.backend.cumsum)."""
    return tf.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Tensor:
    """Products so far along an axis (tf.keras.backend.cumprod)."""
    return tf.math.cumprod(x, axis)


def dot(x: Any, y: Any) -> Tensor:
    """The last axis of x contracted with the last but one of y (tf.keras.backend.dot)."""
    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    if x.ndim <= 2 and y.ndim <= 2:
        return tf.matmul(x, y)
    return tf.tensordot(x, y, [[x.ndim - 1], [y.ndim - 2]])


def batch_dot(x: Any, y: Any, axes: Any = None) -> Tensor:
    """One axis of each contracted within each example; the result has rank of at least 2 (tf.keras.backend.batch_dot).

    Raises:
        ValueError: for an axis of 0, operands of rank 1, or sizes that differ.
    """
    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    if x.ndim < 2 or y.ndim < 2:
        raise ValueError(f"Cannot do batch_dot on inputs with rank < 2. Received shapes {x.shape} and {y.shape}.")
    default = [x.ndim - 1, y.ndim - 1 if y.ndim == 2 else y.ndim - 2]
    a, b = default if axes is None else ([axes, axes] if isinstance(axes, int) else list(axes))
    a, b = a % x.ndim, b % y.ndim
    if a == 0 or b == 0:
        raise ValueError("Cannot perform batch_dot over axis 0. If your inputs are not batched, add a batch axis of 1.")
    if x.shape[a] is not None and y.shape[b] is not None and x.shape[a] != y.shape[b]:
        raise ValueError(f"Cannot do batch_dot on inputs with shapes {x.shape} and {y.shape} with axes={[a, b]}.")
    left, right = _letters(x.ndim, 0), _letters(y.ndim, x.ndim)
    left[0] = right[0] = "z"
    right[b] = left[a]
    kept = [c for i, c in enumerate(left) if i != a] + [c for i, c in enumerate(right) if i not in (0, b)]
    result = tf.einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x, y)
    return tf.expand_dims(result, 1) if result.ndim == 1 else result


def _letters(count: int, start: int) -> list[str]:
    return [chr(ord("a") + start + i) for i in range(count)]


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors stacked along a new axis (tf.keras.backend.stack)."""
    return tf.stack(x, axis)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two expressions: by a scalar, or element by element (tf.keras.backend.switch)."""
    condition = tf.convert_to_tensor(condition)
    if condition.ndim == 0:
        yes, no = (e if callable(e) else lambda e=e: e for e in (then_expression, else_expression))
        return tf.cond(tf.cast(condition, tf.bool), yes, no)
    yes, no = (tf.convert_to_tensor(e() if callable(e) else e) for e in (then_expression, else_expression))
    shape = list(condition.shape) + [1] * (yes.ndim - condition.ndim)
    return tf.where(tf.reshape(tf.cast(condition, tf.bool), [-1 if n is None else n for n in shape]), yes, no)


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Zeros before and after the middle axis of [b, t, d] (tf.keras.backend.temporal_padding)."""
    return tf.pad(x, [[0, 0], list(padding), [0, 0]])


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Tensor:
    """Zeros around images (tf.keras.backend.spatial_2d_padding)."""
    return tf.pad(x, _around(padding, data_format))


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Tensor:
    """Zeros around volumes (tf.keras.backend.spatial_3d_padding)."""
    return tf.pad(x, _around(padding, data_format))


def _around(padding: Any, data_format: str | None) -> list[list[int]]:
    pairs = [list(p) for p in padding]
    if (data_format or tf.keras.backend.image_data_format()) == "channels_first":
        return [[0, 0], [0, 0], *pairs]
    return [[0, 0], *pairs, [0, 0]]
