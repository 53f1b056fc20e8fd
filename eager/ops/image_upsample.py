"""Enlarging an axis by a whole factor, which needs no size to be known: every phase weighs the same neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.common import op, raw_shape
from eager.ops.image_filters import METHODS as _METHODS
from eager.ops.image_filters import matrix
from eager.ops.shaping import cast
from eager.tensor import Tensor
from graphcore.dims import Dim
from graphcore.dtypes import float32, float64

METHODS = tuple(sorted(_METHODS))
"""The names of the methods, those of tf.image.resize."""

Phase = tuple[tuple[int, float], ...]

_REACH = 6
"""No method looks further: lanczos5 weighs elements up to five places away."""


def upsample(x: Tensor, first: int, factors: Sequence[int], method: str = "nearest") -> Tensor:
    """The tensor with `factors[i]` elements for each one along axis `first` + i.

    The values are those of tf.image.resize to as many times the sizes, borders included. Floating dtypes stay, 16-bit
    ones are computed in float32; others become float32, except that nearest keeps every dtype.

    Raises:
        InvalidArgumentError: for an unknown method.
    """
    if method not in METHODS:
        raise InvalidArgumentError(f"upsample: method is {method!r}, expected one of {', '.join(METHODS)}")
    if method == "nearest":
        return _repeated(x, first, factors)
    kept = x.dtype if x.dtype.is_floating else float32
    wide = x if x.dtype is float64 else cast(x, float32)
    if method == "area":
        return cast(_repeated(wide, first, factors), kept)
    for axis, factor in enumerate(factors, first):
        wide = _along(wide, axis, factor, method)
    return cast(wide, kept)


def _repeated(x: Tensor, first: int, factors: Sequence[int]) -> Tensor:
    """Every element several times along neighbouring axes, in one pass."""
    sizes, end = raw_shape(x), first + len(factors)
    pairs = list(zip(sizes[first:end], factors, strict=True))
    spread, wide = ([d for n, f in pairs for d in (n, k or f)] for k in (1, 0))
    y = op("reshape", x, shape=(*sizes[:first], *spread, *sizes[end:]))
    y = op("broadcast_to", y, shape=(*sizes[:first], *wide, *sizes[end:]))
    return op("reshape", y, shape=(*sizes[:first], *(n * f for n, f in pairs), *sizes[end:]))


def _along(x: Tensor, axis: int, factor: int, method: str) -> Tensor:
    """One axis enlarged: weighted sums, divided by the weights that lie within the borders."""
    one = tuple(n if i == axis else 1 for i, n in enumerate(raw_shape(x)))
    ones = op("broadcast_to", convert(1.0, like=x.dtype), shape=one)
    phases = _phases(method, factor)
    return op("div", _weighted(x, axis, phases), _weighted(ones, axis, phases))


def _weighted(x: Tensor, axis: int, phases: Sequence[Phase]) -> Tensor:
    """The weighted sums of neighbours, of which those beyond the border count as zero."""
    sizes = raw_shape(x)
    reach = max(abs(offset) for phase in phases for offset, _ in phase)
    around = tuple(reach if i == axis else 0 for i in range(len(sizes)))
    padded = op("pad", x, convert(0.0, like=x.dtype), low=around, high=around, interior=(0,) * len(sizes))
    parts = [_combined(padded, around, sizes, axis, phase) for phase in phases]
    shape = (*sizes[: axis + 1], 1, *sizes[axis + 1 :])
    joined = op("concatenate", *[op("reshape", p, shape=shape) for p in parts], axis=axis + 1)
    return op("reshape", joined, shape=(*sizes[:axis], sizes[axis] * len(phases), *sizes[axis + 1 :]))


def _combined(padded: Tensor, around: tuple[int, ...], sizes: tuple[Dim, ...], axis: int, phase: Phase) -> Tensor:
    """The sum for one of the places between two elements."""
    total: Tensor | None = None
    for offset, weight in phase:
        begin = tuple(r + offset if i == axis else 0 for i, r in enumerate(around))
        end = tuple(b + n for b, n in zip(begin, sizes, strict=True))
        part = op("slice", padded, begin=begin, end=end, strides=(1,) * len(sizes)) * weight
        total = part if total is None else total + part
    assert total is not None
    return total


@lru_cache(256)
def _phases(method: str, factor: int) -> tuple[Phase, ...]:
    """For each place between two elements the offsets of the neighbours and their weights, far from the borders."""
    middle = _REACH
    dense = matrix(method, 2 * middle + 1, (2 * middle + 1) * factor, False)
    rows = dense[middle * factor : (middle + 1) * factor]
    return tuple(tuple((j - middle, float(w)) for j, w in enumerate(row) if w != 0) for row in rows)
