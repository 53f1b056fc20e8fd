"""Categorical draws: class numbers by inversion of the cumulated probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.errors import DTypeError, InvalidArgumentError, ShapeError
from eager.ops.common import floating, op, raw_shape, shape_argument
from eager.ops.public import public
from eager.ops.random_exact import exp, number
from eager.ops.random_state import stateless_state
from eager.ops.random_streams import stream
from eager.ops.shaping import cast
from eager.ops.sorting import searchsorted
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float64, int32, int64


def _drawn(state: Tensor, logits: Tensor, samples: Dim, dtype: DType) -> Tensor:
    """The classes of the uniform numbers of a state, row after row, as TensorFlow's Multinomial on one thread."""
    wide = cast(logits, float64)
    finite = op("is_finite", wide)
    masked = op("select", finite, wide, number(np.finfo(logits.dtype.numpy).min if logits.dtype.size > 2 else -1e300))
    top = op("reduce_max", masked, axes=(1,), keepdims=True)
    weights = op("select", finite, exp(wide - top), number(0))
    rows = op("cumulative", weights, axis=1, combine="add", exclusive=False, reverse=False)
    total = rows[:, -1:]
    batch = raw_shape(logits)[0]
    wanted = op("random_uniform", state, shape=(batch, samples), dtype=float64) * total
    return cast(searchsorted(rows, wanted, "right", int32), dtype)


def _checked(logits: Any, num_samples: Any, dtype: Any, name: str) -> tuple[Tensor, Dim, DType]:
    given = floating(logits, name)
    if given.dtype.is_complex:
        raise DTypeError(f"{name}: logits are {given.dtype.name}, expected a real dtype")
    if given.ndim != 2 or raw_shape(given)[1] == 0:
        raise ShapeError(f"{name}: logits are {type_of(given)}, expected a matrix with one class at least")
    sizes = shape_argument((num_samples,), name)
    if isinstance(sizes[0], int) and sizes[0] < 0:
        raise InvalidArgumentError(f"{name}: num_samples is {num_samples}, expected a number that is not negative")
    kind = as_dtype(int64 if dtype is None else dtype)
    if kind not in (int32, int64):
        raise DTypeError(f"{name}: dtype is {kind.name}, expected int32 or int64")
    return given, sizes[0], kind


@public("random.categorical")
def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draws class numbers, each row from its own distribution (tf.random.categorical).

    Args:
        logits: [batch, classes], logarithms of the probabilities up to a constant; -inf excludes a class.
        num_samples: how many draws for each row.
        dtype: int64, or int32.
        seed: as in tf.random.normal.
        name: accepted for compatibility.

    Returns:
        [batch, num_samples].

    Raises:
        ShapeError: unless the logits are a matrix.
        DTypeError: for logits that are not floating, or another dtype of the result.
    """
    del name
    given, samples, kind = _checked(logits, num_samples, dtype, "random.categorical")
    reserved = raw_shape(given)[0] * dims.ceildiv(samples, 4) * 8
    state = stream(seed, f"categorical {given.dtype.name} {kind.name}").reserve(reserved)
    return _drawn(state, given, samples, kind)


@public("random.stateless_categorical")
def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = int64, name: str | None = None
) -> Tensor:
    """As categorical, from a pair of seeds alone (tf.random.stateless_categorical).

    The numbers are those of TensorFlow where one thread does the work: several start at places of their own.

    Raises:
        ShapeError: unless the logits are a matrix.
        DTypeError: for logits that are not floating, or another dtype of the result.
        InvalidArgumentError: for a seed of another shape.
    """
    del name
    given, samples, kind = _checked(logits, num_samples, dtype, "random.stateless_categorical")
    return _drawn(stateless_state(seed), given, samples, kind)


__all__ = ["categorical", "stateless_categorical"]
