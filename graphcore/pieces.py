"""The cotangent of a slice along one axis: a stretch of a tensor, all else zero.

Where a tensor is cut into parts, as gates are, the cotangents of the parts are one concatenation. Padding each to the
whole and adding them up would write and read zeros, so `autodiff.backward` keeps stretches as they are until something
needs the tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graphcore.ops.rules import Attrs
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions


class Pieces(NamedTuple):
    """Stretches of a tensor of type `type_`.

    Attributes:
        axis: along which they lie.
        parts: pairs (first index, values), ascending, without overlap.
        type_: what the tensor is.
    """

    axis: int
    parts: tuple[tuple[int, Any], ...]
    type_: TensorType


def piece_of(f: Functions, ct: Any, type_: TensorType, attrs: Attrs) -> Pieces | None:
    """The cotangent of what was sliced, if the slice is a stretch of known place and size along one axis."""
    cut = [a for a, (have, whole) in enumerate(zip(f.type(ct).shape, type_.shape, strict=True)) if have != whole]
    if len(cut) != 1 or any(s != 1 for s in attrs["strides"]):
        return None
    (axis,) = cut
    begin = attrs["begin"][axis]
    known = all(isinstance(d, int) for d in (begin, f.type(ct).shape[axis], type_.shape[axis]))
    return Pieces(axis, ((begin, ct),), type_) if known else None


def join_pieces(f: Functions, a: Pieces, b: Pieces) -> Pieces | None:
    """The sum of two, or None if it is no set of stretches."""
    parts = tuple(sorted((*a.parts, *b.parts), key=lambda p: p[0]))
    ends = [start + f.type(x).shape[a.axis] for start, x in parts]
    apart = a.axis == b.axis and all(end <= start for end, (start, _) in zip(ends, parts[1:], strict=False))
    return Pieces(a.axis, parts, a.type_) if apart else None


def whole_of(f: Functions, pieces: Pieces) -> Any:
    """The tensor, with zeros where no stretch is."""
    axis, shape = pieces.axis, pieces.type_.shape
    size = shape[axis]
    if len(pieces.parts) == 1:
        ((start, x),) = pieces.parts
        low = tuple(start if a == axis else 0 for a in range(len(shape)))
        high = tuple(size - start - f.type(x).shape[axis] if a == axis else 0 for a in range(len(shape)))
        return f.pad(x, f.constant(0, like=x), low=low, high=high, interior=(0,) * len(shape))
    found: list[Any] = []
    at = 0
    for start, x in (*pieces.parts, (size, None)):
        if start > at:
            gap = tuple(start - at if a == axis else d for a, d in enumerate(shape))
            found.append(f.full(pieces.type_.with_shape(gap), 0))
        if x is not None:
            found.append(x)
            at = start + f.type(x).shape[axis]
    return f.concatenate(*found, axis=axis)
