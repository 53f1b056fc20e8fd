"""tf.image.resize and its kin: along each axis a weighted sum of source pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, size_tensor
from eager.ops.image_common import as_batch, image_tensor, known_size, size_pair
from eager.ops.image_filters import METHODS, matrix, taps
from eager.ops.image_geometry import pad_to_bounding_box
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of, wrap
from graphcore.dims import Dim
from graphcore.dtypes import float32, float64, int32

_FEW_TAPS = 4
"""With at most so many source pixels per output pixel they are gathered; with more, a matrix multiplies the axis."""


class ResizeMethod:
    """Names of the methods (tf.image.ResizeMethod)."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


_NUMBERS = {0: "bilinear", 1: "nearest", 2: "bicubic", 3: "area"}


def _method(method: Any, name: str) -> str:
    found = _NUMBERS.get(method, method)
    if found not in METHODS:
        raise InvalidArgumentError(f"{name}: method is {method!r}, expected one of {', '.join(METHODS)}")
    return found


@public("image.resize")
def resize(
    images: Any, size: Any, method: Any = "bilinear", preserve_aspect_ratio: bool = False, antialias: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Images of another size (tf.image.resize), with half-pixel centers.

    Args:
        images: [height, width, channels], or a batch of them.
        size: (height, width).
        method: bilinear, nearest, bicubic, area, lanczos3, lanczos5, gaussian or mitchellcubic.
        preserve_aspect_ratio: whether `size` is a limit, within which the image keeps its proportions.
        antialias: whether a smaller image is filtered; nearest and area are not.
        name: accepted for compatibility.

    Returns:
        float32 (float64 for float64 images); for nearest the images' dtype.

    Raises:
        ShapeError: unless the rank is 3 or 4.
        InvalidArgumentError: for another method, or a size that is no pair of positive integers.
    """
    del name
    shown = "image.resize"
    x, word = image_tensor(images, shown), _method(method, shown)
    target = size_pair(size, shown)
    return as_batch(x, lambda y: _resized(y, target, word, preserve_aspect_ratio, antialias))


def _resized(x: Tensor, target: tuple[int, int], method: str, keep: bool, antialias: bool) -> Tensor:
    height, width = (known_size(d) for d in raw_shape(x)[1:3])
    if min(height, width) < 1:
        raise ShapeError(f"image.resize: image is {type_of(x)}, which has no pixels to resize")
    if keep:
        target = _proportional((height, width), target)
    if method != "nearest":
        x = _floating(x)
    for axis, size, out in sorted(((1, height, target[0]), (2, width, target[1])), key=lambda a: a[2] / a[1]):
        x = _along(x, axis, size, out, method, antialias)
    return x


def _floating(x: Tensor) -> Tensor:
    return x if x.dtype is float64 else cast(x, float32)


def _proportional(have: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    one = np.float32
    scale = min(one(target[0]) / one(have[0]), one(target[1]) / one(have[1]))
    height, width = (int(np.rint(scale * one(n))) for n in have)
    return height, width


def _along(x: Tensor, axis: int, size: int, out: int, method: str, antialias: bool) -> Tensor:
    """One axis of [batch, height, width, channels] resized."""
    places, weights = taps(method, size, out, antialias)
    if method == "nearest":
        return _pick(x, places[:, 0], axis)
    if places.shape[1] <= _FEW_TAPS:
        shape = (out, 1) if axis == 2 else (out, 1, 1)
        total: Tensor | None = None
        for k in range(places.shape[1]):
            part = _pick(x, places[:, k], axis) * _constant(weights[:, k].reshape(shape), x)
            total = part if total is None else total + part
        return x if total is None else total
    dense = _constant(matrix(method, size, out, antialias), x)
    y = op("dot_general", dense, x, contracting=((1,), (axis,)), batch=((), ()))
    return op("transpose", y, perm=(1, 0, 2, 3) if axis == 1 else (1, 2, 0, 3))


def _constant(array: Any, like: Tensor) -> Tensor:
    return wrap(np.ascontiguousarray(array.astype(like.dtype.numpy)))


def _pick(x: Tensor, places: Any, axis: int) -> Tensor:
    return op("gather", x, wrap(np.ascontiguousarray(places)), axis=axis)


@public("image.resize_with_pad")
def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: Any = "bilinear", antialias: bool = False
) -> Tensor:
    """The image resized within a size, its proportions kept, and filled with zeros evenly (tf.image.resize_with_pad).

    Raises:
        ShapeError: unless the rank is 3 or 4.
        InvalidArgumentError: for a target below 1, or another method.
    """
    shown = "image.resize_with_pad"
    x = image_tensor(image, shown)
    target_height, target_width = size_pair((target_height, target_width), shown)
    height, width = (known_size(d) for d in raw_shape(x)[-3:-1])
    have, want = np.array([height, width], np.float32), np.array([target_height, target_width], np.float32)
    exact = have / np.max(have / want)
    # As in TensorFlow the margin is half of what the exact size leaves, not of what the whole size leaves.
    top, left = np.maximum(np.floor((want - exact) / 2), 0).astype(int).tolist()
    y = resize(x, np.floor(exact).astype(int).tolist(), method, antialias=antialias)
    return pad_to_bounding_box(y, top, left, target_height, target_width)


@public("image.crop_and_resize")
def crop_and_resize(
    image: Any, boxes: Any, box_indices: Any, crop_size: Any, method: str = "bilinear",
    extrapolation_value: float = 0.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Boxes of images, each resized to one size (tf.image.crop_and_resize); differentiable in image and boxes.

    Args:
        image: [batch, height, width, channels].
        boxes: [n, 4]: y1, x1, y2, x2 from 0 (first pixel) to 1 (last pixel); reversed ones flip.
        box_indices: n integers: which image of the batch each box is of.
        crop_size: (height, width).
        method: bilinear or nearest.
        extrapolation_value: what is outside the image.
        name: accepted for compatibility.

    Returns:
        float32 [n, crop height, crop width, channels] (float64 for float64 images).

    Raises:
        ShapeError: for operands of another rank.
        InvalidArgumentError: for another method or size, or a box index out of range.
    """
    del name
    shown = "image.crop_and_resize"
    x = _floating(image_tensor(image, shown, (4,)))
    b = cast(convert(boxes, like=x.dtype), x.dtype)
    which = convert(box_indices, dtype=int32 if isinstance(box_indices, list | tuple) else None)
    if b.ndim != 2 or raw_shape(b)[1] != 4 or which.ndim != 1 or not which.dtype.is_integer:
        raise ShapeError(f"{shown}: boxes are {type_of(b)} and box_indices {type_of(which)}, expected [n, 4] and [n]")
    if method not in ("bilinear", "nearest"):
        raise InvalidArgumentError(f"{shown}: method is {method!r}, expected 'bilinear' or 'nearest'")
    crop = size_pair(crop_size, shown)
    batch, height, width, channels = raw_shape(x)
    ys, xs = (_positions(b, axis, n, out) for axis, n, out in ((0, height, crop[0]), (1, width, crop[1])))
    flat = op("reshape", x, shape=(batch * height * width, channels))
    found = _sampled(_Grid(flat, cast(which, int32), height, width), ys, xs, method)
    inside = op("logical_and", *(_column(_inside(v, n), a) for v, n, a in ((ys, height, 2), (xs, width, 1))))
    mask = op("broadcast_to", op("reshape", inside, shape=(*raw_shape(inside), 1)), shape=raw_shape(found))
    return op("select", mask, found, op("broadcast_to", convert(float(extrapolation_value), like=x.dtype),
                                        shape=raw_shape(found)))  # fmt: skip


def _positions(boxes: Tensor, axis: int, n: Dim, out: int) -> Tensor:
    """[boxes, out] positions in pixels along an axis."""
    count = raw_shape(boxes)[0]
    low, high = (op("slice", boxes, begin=(0, a), end=(count, a + 1), strides=(1, 1)) for a in (axis, axis + 2))
    last = cast(size_tensor(n - 1), boxes.dtype)
    if out == 1:
        return (low + high) * last * 0.5
    steps = wrap(np.arange(out, dtype=boxes.dtype.numpy).reshape(1, out))
    return low * last + steps * ((high - low) * last / float(out - 1))


def _inside(places: Tensor, n: Dim) -> Tensor:
    last = cast(size_tensor(n - 1), places.dtype)
    return op("logical_and", op("less_equal", convert(0, like=places.dtype), places), op("less_equal", places, last))


def _column(x: Tensor, axis: int) -> Tensor:
    """[n, a] as [n, a, 1] or [n, 1, a]."""
    n, a = raw_shape(x)
    return op("reshape", x, shape=(n, a, 1) if axis == 2 else (n, 1, a))


class _Grid:
    """The pixels of a batch in one row, and which image each box is of."""

    def __init__(self, flat: Tensor, which: Tensor, height: Dim, width: Dim) -> None:
        self.flat, self.which, self.height, self.width = flat, which, height, width

    def at(self, ys: Tensor, xs: Tensor) -> Tensor:
        """Pixels at rows [n, a] and columns [n, b]: [n, a, b, channels]; positions outside move to the border."""
        rows, columns = (self._clipped(v, n) for v, n in ((ys, self.height), (xs, self.width)))
        image = op("reshape", self.which, shape=(*raw_shape(self.which), 1)) * size_tensor(self.height)
        place = _column(rows + image, 2) * size_tensor(self.width) + _column(columns, 1)
        return op("gather", self.flat, place, axis=0)

    @staticmethod
    def _clipped(places: Tensor, n: Dim) -> Tensor:
        whole = op("maximum", cast(places, int32), convert(0, dtype=int32))
        return op("minimum", whole, size_tensor(n - 1))


def _sampled(grid: _Grid, ys: Tensor, xs: Tensor, method: str) -> Tensor:
    if method == "nearest":
        half = convert(0.5, like=ys.dtype)
        return grid.at(op("floor", ys + half), op("floor", xs + half))
    top, left = op("floor", ys), op("floor", xs)
    bottom, right = op("ceil", ys), op("ceil", xs)
    down, along = (_column(v - w, a) for v, w, a in ((ys, top, 2), (xs, left, 1)))
    down, along = (op("reshape", v, shape=(*raw_shape(v), 1)) for v in (down, along))
    upper, lower = (_between(grid.at(y, left), grid.at(y, right), along) for y in (top, bottom))
    return _between(upper, lower, down)


def _between(a: Tensor, b: Tensor, part: Tensor) -> Tensor:
    return a + (b - a) * part
