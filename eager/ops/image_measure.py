"""tf.image: statistics, differences and similarity of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import floating, op, raw_shape, size_tensor
from eager.ops.image_color import convert_image_dtype
from eager.ops.image_common import image_tensor
from eager.ops.join import pad, stack
from eager.ops.math import log, sqrt
from eager.ops.public import public
from eager.ops.reduce import reduce_mean, reduce_sum
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of, wrap
from graphcore import dims
from graphcore.dtypes import float32, float64


def _floats(x: Tensor) -> Tensor:
    return x if x.dtype.is_floating else convert_image_dtype(x, float32)


@public("image.per_image_standardization")
def per_image_standardization(image: Any) -> Tensor:
    """Each image with mean 0 and deviation 1 (tf.image.per_image_standardization).

    The image has rank 3 or more. The deviation is at least 1 / sqrt(number of elements). Values are cast, not scaled,
    as in TensorFlow: to float32, but float64 stays.

    Raises:
        ShapeError: for a rank below 3.
    """
    x = convert(image)
    if x.ndim < 3:
        raise ShapeError(
            f"image.per_image_standardization: image is {type_of(x)}, expected rank 3 or more: [height, width, "
            "channels]; use tf.expand_dims"
        )
    x = x if x.dtype is float64 else cast(x, float32)
    axes = (-3, -2, -1)
    off = x - reduce_mean(x, axes, keepdims=True)
    count = cast(size_tensor(dims.product(raw_shape(x)[-3:])), x.dtype)
    deviation = sqrt(reduce_mean(off * off, axes, keepdims=True))
    return off / op("maximum", deviation, 1 / sqrt(count))


def _steps(x: Tensor, axis: int) -> Tensor:
    """Differences of neighbours along an axis."""
    shape = raw_shape(x)
    n, ones = shape[axis], (1,) * len(shape)
    begin = tuple(1 if a == axis else 0 for a in range(len(shape)))
    end = tuple(n - 1 if a == axis else d for a, d in enumerate(shape))
    later = op("slice", x, begin=begin, end=shape, strides=ones)
    return later - op("slice", x, begin=(0,) * len(shape), end=end, strides=ones)


@public("image.total_variation")
def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of absolute differences of neighbouring pixels, per image (tf.image.total_variation).

    Raises:
        ShapeError: unless the rank is 3 or 4.
    """
    del name
    x = image_tensor(images, "image.total_variation")
    sums = [reduce_sum(op("abs", _steps(x, a)), (-3, -2, -1)) for a in (x.ndim - 3, x.ndim - 2)]
    return sums[0] + sums[1]


@public("image.image_gradients")
def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """(dy, dx): the next pixel minus this one, 0 in the last row and column (tf.image.image_gradients).

    Raises:
        ShapeError: unless the image is [batch, height, width, channels].
    """
    x = image_tensor(image, "image.image_gradients", (4,))
    dy, dx = (pad(_steps(x, a), [[0, int(i == a)] for i in range(4)]) for a in (1, 2))
    return dy, dx


@public("image.sobel_edges")
def sobel_edges(image: Any) -> Tensor:
    """Sobel's derivatives with mirrored borders (tf.image.sobel_edges): [batch, height, width, channels, (dy, dx)].

    Raises:
        ShapeError: unless the image is [batch, height, width, channels].
        TypeError: if it is not floating.
    """
    x = floating(image_tensor(image, "image.sobel_edges", (4,)), "image.sobel_edges")
    vertical = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], x.dtype.numpy)
    mirrored = pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    return stack([_filtered(mirrored, k) for k in (vertical, vertical.T)], -1)


def _filtered(x: Tensor, kernel: Any) -> Tensor:
    """Every channel convolved with one kernel, without padding."""
    channels = raw_shape(x)[-1]
    if not isinstance(channels, int):
        raise ShapeError(f"image: {type_of(x)} has an unknown number of channels; set it with tf.ensure_shape")
    weights = np.ascontiguousarray(np.broadcast_to(kernel[:, :, None, None], (*kernel.shape, 1, channels)))
    one, none = (1, 1), (0, 0)
    return op(
        "convolution", x, wrap(weights), strides=one, low=none, high=none, lhs_dilation=one, rhs_dilation=one,
        groups=channels,
    )  # fmt: skip


def _pair(a: Any, b: Any, name: str) -> tuple[Tensor, Tensor]:
    x, y = convert(a), convert(b)
    if x.dtype is not y.dtype or x.ndim < 3 or raw_shape(x)[-3:] != raw_shape(y)[-3:]:
        raise ShapeError(
            f"{name}: images are {type_of(x)} and {type_of(y)}, expected one dtype and equal [height, width, channels]"
        )
    return x, y


def _peak(max_val: Any, x: Tensor, y: Tensor) -> Tensor:
    """The largest value on the scale of the floats that the images become."""
    peak = cast(convert(max_val, like=x.dtype if x.dtype.is_floating else None), x.dtype)
    return peak if x.dtype.is_floating else convert_image_dtype(peak, y.dtype)


@public("image.psnr")
def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio in decibels, per image (tf.image.psnr).

    Args:
        a, b: images [..., height, width, channels] of one dtype.
        max_val: the range of values, such as 255 or 1.0.
        name: accepted for compatibility.

    Raises:
        ShapeError: for images that do not fit each other.
    """
    del name
    x, y = _pair(a, b, "image.psnr")
    p, q = _floats(x), _floats(y)
    off = p - q
    error = reduce_mean(off * off, (-3, -2, -1))
    scale = 10 / np.log(10)
    return log(_peak(max_val, x, p)) * (2 * scale) - log(error) * scale


@public("image.ssim")
def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
    k2: float = 0.03, return_index_map: bool = False,
) -> Tensor:  # fmt: skip
    """The structural similarity (tf.image.ssim; Wang et al. 2004), the mean over positions and channels.

    Args:
        img1, img2: images [batch..., height, width, channels] of one dtype, at least `filter_size` high and wide.
        max_val: the range of values, such as 255 or 1.0.
        filter_size, filter_sigma: of the Gaussian window.
        k1, k2: small constants.
        return_index_map: whether to return a value for every position.

    Raises:
        ShapeError: for images that do not fit each other, or are smaller than the window.
        InvalidArgumentError: for a window size below 1.
    """
    x, y = _pair(img1, img2, "image.ssim")
    if filter_size < 1:
        raise InvalidArgumentError(f"image.ssim: filter_size is {filter_size}, expected at least 1")
    size = raw_shape(x)[-3:-1]
    if any(isinstance(n, int) and n < filter_size for n in size):
        raise ShapeError(f"image.ssim: images {type_of(x)} are smaller than filter_size {filter_size}; lower it")
    p, q = _floats(x), _floats(y)
    lead = raw_shape(p)[:-3]
    p, q = (op("reshape", v, shape=(dims.product(raw_shape(v)[:-3]), *raw_shape(v)[-3:])) for v in (p, q))
    peak = _peak(max_val, x, p)
    found = _similarity((p, q), _gaussian(filter_size, filter_sigma, p), (k1 * peak) ** 2, (k2 * peak) ** 2)
    per_image = reduce_mean(found, -1) if return_index_map else reduce_mean(found, (1, 2, 3))
    return op("reshape", per_image, shape=(*lead, *raw_shape(per_image)[1:]))


def _gaussian(size: int, sigma: float, like: Tensor) -> Any:
    places = np.arange(size) - (size - 1) / 2
    line = np.exp(-0.5 * places**2 / sigma**2)
    window = line[:, None] * line
    return (window / window.sum()).astype(like.dtype.numpy)


def _similarity(images: tuple[Tensor, Tensor], window: Any, c1: Tensor, c2: Tensor) -> Tensor:
    """Luminance times contrast and structure, at every position."""
    p, q = images
    mean_p, mean_q = _filtered(p, window), _filtered(q, window)
    both = mean_p * mean_q * 2
    squares = mean_p * mean_p + mean_q * mean_q
    mixed, sums = _filtered(p * q, window) * 2, _filtered(p * p + q * q, window)
    return (both + c1) / (squares + c1) * ((mixed - both + c2) / (sums - squares + c2))

