"""tf.image: dtypes, colour spaces and adjustments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.common import InvalidTypeError, floating, op, raw_shape
from eager.ops.elementwise import saturate_cast
from eager.ops.image_common import image_tensor, require_channels
from eager.ops.join import concat
from eager.ops.math import pow
from eager.ops.public import public
from eager.ops.reduce import reduce_mean
from eager.ops.shaping import cast
from eager.tensor import Tensor, wrap
from graphcore.dtypes import DType, as_dtype, float32

_GREY = (0.2989, 0.587, 0.114)


@public("image.convert_image_dtype")
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """Values scaled to another dtype (tf.image.convert_image_dtype): floats are in [0, 1], integers use their range.

    Raises:
        TypeError: for bool, complex or string images.
    """
    del name
    x, wanted = convert(image), as_dtype(dtype)
    have = x.dtype
    if have is wanted:
        return x
    for d in (have, wanted):
        if not (d.is_integer or d.is_floating):
            raise InvalidTypeError(f"image.convert_image_dtype: {d.name} is neither an integer nor a floating dtype")
    change = saturate_cast if saturate else cast
    if have.is_integer and wanted.is_integer:
        return _between_integers(x, wanted, change)
    if have.is_floating and wanted.is_floating:
        return cast(x, wanted)
    if have.is_integer:
        return cast(x, wanted) * (1.0 / float(have.max))
    return change(x * (float(wanted.max) + 0.5), wanted)


def _between_integers(x: Tensor, wanted: DType, change: Callable[..., Tensor]) -> Tensor:
    have, want = int(x.dtype.max), int(wanted.max)
    if have > want:
        scale = (have + 1) // (want + 1)
        return change(op("floordiv", x, convert(scale, like=x.dtype)), wanted)
    return change(x, wanted) * ((want + 1) // (have + 1))


def _as_floats(x: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor:
    """Work done on floats in [0, 1], the result in the image's own dtype, saturated."""
    floats = x if x.dtype.is_floating else convert_image_dtype(x, float32)
    return convert_image_dtype(work(floats), x.dtype, saturate=True)


@public("image.adjust_brightness")
def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """A number added to every pixel, on the scale [0, 1] (tf.image.adjust_brightness); any rank."""
    return _as_floats(convert(image), lambda x: x + cast(convert(delta, like=x.dtype), x.dtype))


@public("image.adjust_contrast")
def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """(x - mean) * factor + mean, the mean being that of each image's channel (tf.image.adjust_contrast).

    Raises:
        ShapeError: unless the rank is 3 or 4.
    """

    def work(x: Tensor) -> Tensor:
        mean = reduce_mean(x, (-3, -2), keepdims=True)
        return (x - mean) * cast(convert(contrast_factor, like=x.dtype), x.dtype) + mean

    return _as_floats(image_tensor(images, "image.adjust_contrast"), work)


@public("image.adjust_gamma")
def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """gain * x ** gamma on the scale [0, 1] (tf.image.adjust_gamma); any rank.

    Raises:
        InvalidArgumentError: for a negative gamma.
    """
    if isinstance(gamma, int | float) and gamma < 0:
        raise InvalidArgumentError(f"image.adjust_gamma: gamma is {gamma}, expected at least 0")
    return _as_floats(convert(image), lambda x: pow(x, cast(convert(gamma, like=x.dtype), x.dtype)) * gain)


@public("image.adjust_saturation")
def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """The saturation of RGB images multiplied (tf.image.adjust_saturation).

    Raises:
        ShapeError: unless the rank is 3 or 4 and there are 3 channels.
    """
    del name
    shown = "image.adjust_saturation"

    def work(x: Tensor) -> Tensor:
        h, s, v = _split(rgb_to_hsv(x))
        scaled = s * cast(convert(saturation_factor, like=x.dtype), x.dtype)
        return hsv_to_rgb(concat([h, _clipped(scaled), v], -1))

    x = image_tensor(image, shown)
    require_channels(x, 3, shown)
    return _as_floats(x, work)


@public("image.adjust_hue")
def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """The hue of RGB images turned by `delta`, 1 being a whole turn (tf.image.adjust_hue).

    Raises:
        ShapeError: unless the rank is 3 or 4 and there are 3 channels.
        InvalidArgumentError: for a delta outside [-1, 1].
    """
    del name
    shown = "image.adjust_hue"
    if isinstance(delta, int | float) and not -1 <= delta <= 1:
        raise InvalidArgumentError(f"{shown}: delta is {delta}, expected -1 <= delta <= 1")

    def work(x: Tensor) -> Tensor:
        h, s, v = _split(rgb_to_hsv(x))
        turned = h + cast(convert(delta, like=x.dtype), x.dtype)
        return hsv_to_rgb(concat([turned - op("floor", turned), s, v], -1))

    x = image_tensor(image, shown)
    require_channels(x, 3, shown)
    return _as_floats(x, work)


@public("image.rgb_to_grayscale")
def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """0.2989 r + 0.587 g + 0.114 b, one channel (tf.image.rgb_to_grayscale); any rank, integers are scaled.

    Raises:
        ShapeError: unless there are 3 channels.
    """
    del name
    x = convert(images)
    require_channels(x, 3, "image.rgb_to_grayscale")
    floats = x if x.dtype.is_floating else convert_image_dtype(x, float32)
    weights = wrap(np.array(_GREY, floats.dtype.numpy))
    grey = op("reduce_sum", floats * weights, axes=(x.ndim - 1,), keepdims=True)
    return convert_image_dtype(grey, x.dtype)


@public("image.grayscale_to_rgb")
def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The one channel three times (tf.image.grayscale_to_rgb). Raises ShapeError unless there is one channel."""
    del name
    x = convert(images)
    require_channels(x, 1, "image.grayscale_to_rgb")
    return op("broadcast_to", x, shape=(*raw_shape(x)[:-1], 3))


def _split(x: Tensor) -> list[Tensor]:
    """The three channels, each with its axis."""
    shape = raw_shape(x)
    lead = (0,) * (len(shape) - 1)
    return [
        op("slice", x, begin=(*lead, c), end=(*shape[:-1], c + 1), strides=(1,) * len(shape)) for c in (0, 1, 2)
    ]


def _clipped(x: Tensor) -> Tensor:
    """Limited to [0, 1]."""
    return op("minimum", op("maximum", x, convert(0, like=x.dtype)), convert(1, like=x.dtype))


@public("image.rgb_to_hsv")
def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue (0 to 1), saturation and value of RGB floats (tf.image.rgb_to_hsv).

    Raises:
        ShapeError: unless there are 3 channels.
        TypeError: if the images are not floating.
    """
    del name
    x = floating(images, "image.rgb_to_hsv")
    require_channels(x, 3, "image.rgb_to_hsv")
    r, g, b = _split(x)
    zero, one = convert(0, like=x.dtype), convert(1, like=x.dtype)
    value = op("maximum", op("maximum", r, g), b)
    spread = value - op("minimum", op("minimum", r, g), b)
    lit, coloured = op("less", zero, value), op("less", zero, spread)
    saturation = op("select", lit, spread / op("select", lit, value, one), zero)
    norm = one / (op("select", coloured, spread, one) * 6)
    blue = norm * (r - g) + 4 / 6
    green = op("select", op("equal", g, value), norm * (b - r) + 2 / 6, blue)
    hue = op("select", op("equal", r, value), norm * (g - b), green)
    hue = op("select", coloured, hue, zero)
    hue = op("select", op("less", hue, zero), hue + 1, hue)
    return concat([hue, saturation, value], -1)


@public("image.hsv_to_rgb")
def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """RGB of hue (0 to 1), saturation and value (tf.image.hsv_to_rgb).

    Raises:
        ShapeError: unless there are 3 channels.
        TypeError: if the images are not floating.
    """
    del name
    x = floating(images, "image.hsv_to_rgb")
    require_channels(x, 3, "image.hsv_to_rgb")
    h, s, v = _split(x)
    turn = h * 6
    parts = (op("abs", turn - 3) - 1, 2 - op("abs", turn - 2), 2 - op("abs", turn - 4))
    return concat([(1 - s + s * _clipped(part)) * v for part in parts], -1)

