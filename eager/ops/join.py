"""tf.* functions that put tensors together, take them apart along an axis, and repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from eager import plain
from eager.convert import convert, dtype_clash
from eager.errors import InvalidArgumentError
from eager.ops.common import one_axis, op, pairs_argument, raw_shape, settled, shape_argument
from eager.ops.public import public
from eager.ops.shaping import expand_dims, reshape, squeeze
from eager.tensor import Tensor, concrete, type_of, wrap
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype


def same_dtype(values: Sequence[Any], name: str) -> list[Tensor]:
    """Operands as tensors of one dtype. Raises DTypeError if they differ, InvalidArgumentError if there are none."""
    if not values:
        raise InvalidArgumentError(f"{name}: needs at least one tensor, got an empty list")
    if all(type(v) is Tensor for v in values):
        tensors: list[Tensor] = list(values)
    else:
        tensors = _adapted(values)
    for t in tensors[1:]:
        if t.dtype is not tensors[0].dtype:
            raise dtype_clash(name, tensors[0].dtype, t.dtype)
    return tensors


def _adapted(values: Sequence[Any]) -> list[Tensor]:
    """Numbers, lists and arrays take the dtype of the first tensor among them, else of the first of all."""
    adapting = (np.ndarray, np.generic)
    known = next((v.dtype for v in values if hasattr(v, "dtype") and not isinstance(v, adapting)), None)
    first = convert(values[0], like=None if known is None else as_dtype(known))
    return [first, *(convert(v, like=first.dtype) for v in values[1:])]


@public("concat", short=plain.concat)
def concat(values: Any, axis: Any, name: str | None = None) -> Tensor:
    """Tensors joined along an axis that they have (tf.concat).

    Raises:
        ShapeError: if other sizes differ.
        DTypeError: if dtypes differ.
    """
    del name
    tensors = same_dtype(values if isinstance(values, list | tuple) else [values], "concat")
    at = one_axis(axis, tensors[0].ndim, "concat")
    return tensors[0] if len(tensors) == 1 else op("concatenate", *tensors, axis=at)


@public("stack")
def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis (tf.stack). Raises ShapeError if shapes differ."""
    del name
    given = list(values)
    if given and axis == 0 and not any(hasattr(v, "dtype") for v in given):
        return convert(given)  # numbers and lists decide on a dtype together
    tensors = same_dtype(given, "stack")
    at = one_axis(axis, tensors[0].ndim + 1, "stack")
    return concat([expand_dims(t, at) for t in tensors], at)


@public("unstack")
def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis, as a list (tf.unstack).

    Raises:
        ValueError: if that size is unknown, or is not `num`.
    """
    del name
    x = convert(value)
    at = one_axis(axis, x.ndim, "unstack")
    count = x.shape[at] if num is None else num
    if count is None:
        raise ValueError(f"Cannot infer argument `num` from shape {x.shape}")
    total = raw_shape(x)[at]
    if not settled(lambda: dims.equal(total, count)):
        raise InvalidArgumentError(f"unstack: num is {num}, but dimension {at} of {type_of(x)} is {total}")
    return [squeeze(_part(x, at, i, i + 1), at) for i in range(count)]


@public("split")
def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """Parts along an axis: a number of equal parts, or parts of given sizes of which one may be -1 (tf.split).

    Raises:
        InvalidArgumentError: if the sizes do not add up.
    """
    del num, name
    x = convert(value)
    at = one_axis(axis, x.ndim, "split")
    total = raw_shape(x)[at]
    given = num_or_size_splits
    if isinstance(given, int) or getattr(given, "ndim", 1) == 0:
        (parts,) = shape_argument((given,), "split")
        if not isinstance(parts, int) or parts < 1:
            raise InvalidArgumentError(f"split: number of parts is {parts}, expected a positive int")
        sizes: list[Dim] = [total // parts] * parts
    else:
        sizes = list(shape_argument(given, "split"))
        known: Dim = 0
        for s in sizes:
            known = known if s == -1 else known + s
        sizes = [total - known if s == -1 else s for s in sizes]
    starts: list[Dim] = [0]
    for s in sizes:
        starts.append(starts[-1] + s)
    if not settled(lambda: dims.equal(starts[-1], total)):
        raise InvalidArgumentError(
            f"split: sizes {sizes} do not add up to {total}, the size of dimension {at} of {type_of(x)}"
        )
    return [_part(x, at, a, b) for a, b in pairwise(starts)]


def _part(x: Tensor, axis: int, begin: Dim, end: Dim) -> Tensor:
    sizes = raw_shape(x)
    begins = tuple(begin if i == axis else 0 for i in range(len(sizes)))
    ends = tuple(end if i == axis else d for i, d in enumerate(sizes))
    return op("slice", x, begin=begins, end=ends, strides=(1,) * len(sizes))


@public("roll")
def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements moved `shift` places along an axis; what falls off the end comes in at the front (tf.roll).

    Raises:
        InvalidArgumentError: if `shift` and `axis`, ints or lists of ints, differ in number.
    """
    del name
    x = convert(input)
    shifts, axes = shape_argument(shift, "roll"), shape_argument(axis, "roll")
    if len(shifts) != len(axes):
        raise InvalidArgumentError(f"roll: {len(shifts)} shifts for {len(axes)} axes")
    for places, a in zip(shifts, axes, strict=True):
        at = one_axis(a, x.ndim, "roll")
        size = raw_shape(x)[at]
        if isinstance(size, int) and size == 0:
            continue
        cut = size - dims.mod(places, size)
        x = op("concatenate", _part(x, at, cut, size), _part(x, at, 0, cut), axis=at)
    return x


@public("tile")
def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeated `multiples[i]` times along axis i (tf.tile). Raises InvalidArgumentError if their number differs."""
    del name
    x = convert(input)
    times = shape_argument(multiples, "tile")
    sizes = raw_shape(x)
    if len(times) != len(sizes):
        raise InvalidArgumentError(f"tile: {len(times)} multiples for {type_of(x)}; expected {len(sizes)}")
    spread = op("reshape", x, shape=tuple(d for n in sizes for d in (1, n)))
    wide = op("broadcast_to", spread, shape=tuple(d for t, n in zip(times, sizes, strict=True) for d in (t, n)))
    return op("reshape", wide, shape=tuple(t * n for t, n in zip(times, sizes, strict=True)))


@public("repeat")
def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element repeated in place, along an axis or of the flat tensor (tf.repeat).

    Args:
        input: a tensor.
        repeats: one number for all, or one for each element of the axis; several that are computed in a trace end it.
        axis: the axis; None takes the tensor flat.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if there is not one number per element.
    """
    del name
    x = reshape(input, (-1,)) if axis is None else convert(input)
    at = one_axis(axis or 0, x.ndim, "repeat")
    sizes = raw_shape(x)
    counts = convert(repeats)
    if counts.ndim == 0 or counts.shape.num_elements() == 1:
        (times,) = shape_argument(reshape(counts, (1,)), "repeat")
        spread = op("reshape", x, shape=(*sizes[: at + 1], 1, *sizes[at + 1 :]))
        wide = op("broadcast_to", spread, shape=(*sizes[: at + 1], times, *sizes[at + 1 :]))
        return op("reshape", wide, shape=(*sizes[:at], sizes[at] * times, *sizes[at + 1 :]))
    numbers = concrete(counts, "tf.repeat, whose result is as large as the repeats say; one number for all is traced")
    if numbers.ndim != 1 or numbers.size != sizes[at]:
        raise InvalidArgumentError(f"repeat: {numbers.size} repeats for dimension {at} of {type_of(x)}")
    return op("gather", x, wrap(np.repeat(np.arange(numbers.size), numbers)), axis=at)


@public("pad")
def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Tensor:
    """Elements added around: `paddings[i]` = (before, after) along axis i (tf.pad).

    Args:
        tensor: a tensor.
        paddings: one pair of sizes per axis.
        mode: CONSTANT fills with `constant_values`; REFLECT mirrors without and SYMMETRIC with the border.
        constant_values: a scalar.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for another mode, paddings of another rank, or a mirror larger than the tensor.
    """
    del name
    x = convert(tensor)
    pairs = pairs_argument(paddings, "pad")
    if len(pairs) != x.ndim:
        raise InvalidArgumentError(f"pad: {len(pairs)} paddings for {type_of(x)}; expected {x.ndim}")
    if mode.upper() in ("REFLECT", "SYMMETRIC"):
        for axis, (before, after) in enumerate(pairs):
            x = _mirrored(x, axis, before, after, 1 if mode.upper() == "REFLECT" else 0)
        return x
    if mode.upper() != "CONSTANT":
        raise InvalidArgumentError(f"pad: mode is {mode!r}, expected CONSTANT, REFLECT or SYMMETRIC")
    low, high = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    if isinstance(constant_values, int) and x.dtype.is_bool:
        constant_values = bool(constant_values)
    return op("pad", x, convert(constant_values, like=x.dtype), low=low, high=high, interior=(0,) * x.ndim)


def _mirrored(x: Tensor, axis: int, before: Dim, after: Dim, border: int) -> Tensor:
    size = raw_shape(x)[axis]
    if not settled(lambda: dims.less_equal(dims.maximum(before, after), size - border)):
        raise InvalidArgumentError(
            f"pad: mirror padding ({before}, {after}) of dimension {axis} of {type_of(x)} exceeds {size - border}"
        )
    pieces: list[Tensor] = []
    if before != 0:
        pieces.append(op("reverse", _part(x, axis, border, border + before), axes=(axis,)))
    pieces.append(x)
    if after != 0:
        pieces.append(op("reverse", _part(x, axis, size - border - after, size - border), axes=(axis,)))
    return x if len(pieces) == 1 else op("concatenate", *pieces, axis=axis)
