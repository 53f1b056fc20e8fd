"""tf.image: flips, rotations, crops and pads of one image or a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.blocks import patches
from eager.ops.common import known_sizes, op, raw_shape, settled, shape_argument
from eager.ops.image_common import as_batch, image_tensor, known_size, size_pair
from eager.ops.pick import slice
from eager.ops.public import public
from eager.tensor import Tensor, concrete, type_of
from graphcore import dims
from graphcore.dims import Dim


@public("image.flip_left_right")
def flip_left_right(image: Any) -> Tensor:
    """Columns in reverse order (tf.image.flip_left_right). Raises ShapeError unless the rank is 3 or 4."""
    x = image_tensor(image, "image.flip_left_right")
    return op("reverse", x, axes=(x.ndim - 2,))


@public("image.flip_up_down")
def flip_up_down(image: Any) -> Tensor:
    """Rows in reverse order (tf.image.flip_up_down). Raises ShapeError unless the rank is 3 or 4."""
    x = image_tensor(image, "image.flip_up_down")
    return op("reverse", x, axes=(x.ndim - 3,))


@public("image.transpose")
def transpose(image: Any, name: str | None = None) -> Tensor:
    """Rows and columns exchanged (tf.image.transpose). Raises ShapeError unless the rank is 3 or 4."""
    del name
    return _turned(image_tensor(image, "image.transpose"))


def _turned(x: Tensor) -> Tensor:
    return op("transpose", x, perm=(1, 0, 2) if x.ndim == 3 else (0, 2, 1, 3))


@public("image.rot90")
def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """Turned counter-clockwise k times by 90 degrees (tf.image.rot90). Raises ShapeError unless the rank is 3 or 4."""
    del name
    x = image_tensor(image, "image.rot90")
    count = int(concrete(convert(k), "the k of image.rot90")) % 4
    rows, columns = x.ndim - 3, x.ndim - 2
    if count == 1:
        return _turned(op("reverse", x, axes=(columns,)))
    if count == 2:
        return op("reverse", x, axes=(rows, columns))
    return op("reverse", _turned(x), axes=(columns,)) if count == 3 else x


def _crop(x: Tensor, top: Dim, left: Dim, height: Dim, width: Dim, name: str) -> Tensor:
    shape = raw_shape(x)
    rows, columns = shape[-3], shape[-2]
    fits = all(
        settled(lambda a=a, n=n, size=size: dims.less_equal(0, a) and dims.less(0, n) and dims.less_equal(a + n, size))
        for a, n, size in ((top, height, rows), (left, width, columns))
    )
    if not fits:
        raise InvalidArgumentError(
            f"{name}: rows {top} to {top + height} and columns {left} to {left + width} are not inside {type_of(x)}; "
            "offsets must be >= 0, sizes >= 1, and their sum within the image"
        )
    lead = (0,) * (len(shape) - 3)
    return op(
        "slice", x, begin=(*lead, top, left, 0), end=(*shape[:-3], top + height, left + width, shape[-1]),
        strides=(1,) * len(shape),
    )  # fmt: skip


@public("image.crop_to_bounding_box")
def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The box of a size at an offset (tf.image.crop_to_bounding_box); all four are integers or integer scalars.

    Raises:
        ShapeError: unless the rank is 3 or 4.
        InvalidArgumentError: if the box is not inside the image.
    """
    name = "image.crop_to_bounding_box"
    x = image_tensor(image, name)
    height, width = shape_argument((target_height, target_width), name)
    offsets = (offset_height, offset_width)
    if any(isinstance(v, Tensor) and known_sizes(v) is None for v in offsets):  # traced, and computed from data
        shape = raw_shape(x)
        lead = shape[:-3]
        return slice(x, [*(0,) * len(lead), *offsets, 0], [*lead, height, width, shape[-1]])
    top, left = shape_argument(offsets, name)
    return _crop(x, top, left, height, width, name)


@public("image.central_crop")
def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle part of an image, a fraction of its height and width (tf.image.central_crop).

    Raises:
        ShapeError: unless the rank is 3 or 4.
        InvalidArgumentError: for a fraction outside (0, 1].
    """
    fraction = float(central_fraction)
    if not 0 < fraction <= 1:
        raise InvalidArgumentError(f"image.central_crop: central_fraction is {fraction}, expected 0 < fraction <= 1")
    x = image_tensor(image, "image.central_crop")
    if fraction == 1:
        return x
    height, width = known_size(raw_shape(x)[-3]), known_size(raw_shape(x)[-2])
    top, left = int((height - height * fraction) / 2), int((width - width * fraction) / 2)
    return _crop(x, top, left, height - 2 * top, width - 2 * left, "image.central_crop")


@public("image.pad_to_bounding_box")
def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The image at an offset inside zeros of a size (tf.image.pad_to_bounding_box).

    Raises:
        ShapeError: unless the rank is 3 or 4.
        InvalidArgumentError: if an offset is negative, or the image does not fit.
    """
    name = "image.pad_to_bounding_box"
    x = image_tensor(image, name)
    top, left, height, width = shape_argument((offset_height, offset_width, target_height, target_width), name)
    return _pad(x, top, left, height, width, name)


def _pad(x: Tensor, top: Dim, left: Dim, height: Dim, width: Dim, name: str) -> Tensor:
    shape = raw_shape(x)
    bottom, right = height - top - shape[-3], width - left - shape[-2]
    if not all(settled(lambda v=v: dims.less_equal(0, v)) for v in (top, left, bottom, right)):
        raise InvalidArgumentError(
            f"{name}: {type_of(x)} at ({top}, {left}) does not fit {height} x {width}; offsets must be >= 0 and the "
            "target at least offset plus image"
        )
    lead = (0,) * (len(shape) - 3)
    return op(
        "pad", x, convert(0, like=x.dtype), low=(*lead, top, left, 0), high=(*lead, bottom, right, 0),
        interior=(0,) * len(shape),
    )  # fmt: skip


@public("image.resize_with_crop_or_pad")
def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """The image cut or filled with zeros evenly on both sides to a size (tf.image.resize_with_crop_or_pad).

    Raises:
        ShapeError: unless the rank is 3 or 4.
        InvalidArgumentError: for a target below 1.
    """
    name = "image.resize_with_crop_or_pad"
    x = image_tensor(image, name)
    target_height, target_width = size_pair((target_height, target_width), name)
    height, width = raw_shape(x)[-3:-1]
    less = [(n - want, want, n) for n, want in ((height, target_height), (width, target_width))]
    crops = [dims.maximum(dims.floordiv(more, 2), 0) for more, _, _ in less]
    kept = [dims.minimum(want, n) for _, want, n in less]
    y = _crop(x, crops[0], crops[1], kept[0], kept[1], name)
    pads = [dims.maximum(dims.floordiv(-more, 2), 0) for more, _, _ in less]
    return _pad(y, pads[0], pads[1], target_height, target_width, name)


@public("image.extract_patches")
def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Tensor:
    """What a window shows at every position, as channels (tf.image.extract_patches).

    Args:
        images: [batch, height, width, channels].
        sizes: [1, rows, columns, 1] of the window.
        strides: [1, rows, columns, 1] between windows.
        rates: [1, rows, columns, 1]: the window's step through the image.
        padding: SAME (zeros) or VALID.
        name: accepted for compatibility.

    Returns:
        [batch, out rows, out columns, rows * columns * channels].

    Raises:
        ShapeError: for another rank, or a window larger than the image.
        InvalidArgumentError: for sizes, strides, rates or a padding of another form.
    """
    del name
    shown = "image.extract_patches"
    x = image_tensor(images, shown, (4,))
    window, steps, spread = (_four(v, what) for v, what in ((sizes, "sizes"), (strides, "strides"), (rates, "rates")))
    found = patches(x, window, steps, spread, padding, shown)
    n, rows, columns, places, channels = raw_shape(found)
    return op("reshape", found, shape=(n, rows, columns, places * channels))


def _four(value: Any, what: str) -> tuple[int, int]:
    given = [int(v) for v in np.asarray(value).reshape(-1).tolist()]
    if len(given) != 4 or given[0] != 1 or given[3] != 1 or min(given) < 1:
        raise InvalidArgumentError(f"image.extract_patches: {what} is {value!r}, expected [1, rows, columns, 1]")
    return given[1], given[2]


def flipped_where(x: Tensor, coins: Callable[[tuple[Dim, ...]], Tensor], axis: int) -> Tensor:
    """Every image reversed along a spatial axis by its coin in [0, 1).

    As in TensorFlow, one image is reversed by a coin below one half, the images of a batch by coins above.
    """

    def flip(y: Tensor) -> Tensor:
        n = raw_shape(y)[0]
        toss = op("less" if x.ndim == 3 else "greater", coins((n,) if x.ndim == 4 else ()),
                  convert(0.5, dtype="float32"))  # fmt: skip
        mask = op("broadcast_to", op("reshape", toss, shape=(n, 1, 1, 1)), shape=raw_shape(y))
        return op("select", mask, op("reverse", y, axes=(axis + 1,)), y)

    return as_batch(x, flip)

