"""tf.image: random flips, crops and adjustments, drawn from tf.random or from a given seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops import image_color as color
from eager.ops import random
from eager.ops.common import op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.image_common import image_tensor
from eager.ops.image_geometry import flipped_where
from eager.ops.pick import slice
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int32

Draw = Callable[..., Tensor]
"""(shape, low, high, dtype) -> numbers."""


def _stateful(seed: int | None) -> Draw:
    return lambda shape, low=0.0, high=1.0, dtype="float32": random.uniform(shape, low, high, dtype, seed)


def _stateless(seed: Any) -> Draw:
    return lambda shape, low=0.0, high=1.0, dtype="float32": random.stateless_uniform(shape, seed, low, high, dtype)


def _limit(value: float, name: str, what: str, most: float = float("inf")) -> float:
    if not 0 <= value <= most:
        raise InvalidArgumentError(f"{name}: {what} is {value}, expected 0 <= {what} <= {most}")
    return value


def _factors(lower: float, upper: float, name: str) -> tuple[float, float]:
    if not 0 <= lower < upper:
        raise InvalidArgumentError(f"{name}: lower is {lower} and upper {upper}, expected 0 <= lower < upper")
    return lower, upper


@public("image.random_flip_left_right")
def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """Each image with its columns reversed, or not, by chance (tf.image.random_flip_left_right).

    Raises:
        ShapeError: unless the rank is 3 or 4.
    """
    return flipped_where(image_tensor(image, "image.random_flip_left_right"), _stateful(seed), 1)


@public("image.random_flip_up_down")
def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """Each image with its rows reversed, or not, by chance (tf.image.random_flip_up_down).

    Raises:
        ShapeError: unless the rank is 3 or 4.
    """
    return flipped_where(image_tensor(image, "image.random_flip_up_down"), _stateful(seed), 0)


@public("image.stateless_random_flip_left_right")
def stateless_random_flip_left_right(image: Any, seed: Any) -> Tensor:
    """As random_flip_left_right, decided by a seed of two integers (tf.image.stateless_random_flip_left_right).

    Raises:
        ShapeError: unless the rank is 3 or 4.
    """
    return flipped_where(image_tensor(image, "image.stateless_random_flip_left_right"), _stateless(seed), 1)


@public("image.stateless_random_flip_up_down")
def stateless_random_flip_up_down(image: Any, seed: Any) -> Tensor:
    """As random_flip_up_down, decided by a seed of two integers (tf.image.stateless_random_flip_up_down).

    Raises:
        ShapeError: unless the rank is 3 or 4.
    """
    return flipped_where(image_tensor(image, "image.stateless_random_flip_up_down"), _stateless(seed), 0)


def _cropped(value: Any, size: Any, draw: Draw, name: str) -> Tensor:
    x = convert(value)
    wanted, have = shape_argument(size, name), raw_shape(x)
    if len(wanted) != len(have) or not all(
        settled(lambda n=n, d=d: dims.less_equal(n, d)) for n, d in zip(wanted, have, strict=True)
    ):
        raise InvalidArgumentError(f"{name}: a crop of {wanted} does not fit {type_of(x)}; give one size <= per axis")
    top = np.iinfo(np.int32).max
    raw = draw((len(have),), 0, top, int32)
    starts: list[Dim | Tensor] = [
        op("mod", raw[a], cast(size_tensor(d - n + 1), int32))
        for a, (n, d) in enumerate(zip(wanted, have, strict=True))
    ]
    return slice(x, starts, wanted)


@public("image.random_crop")
def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A block of a size at a random place of a tensor of any rank (tf.image.random_crop).

    Raises:
        InvalidArgumentError: unless there is a size for every axis, within the tensor.
    """
    del name
    return _cropped(value, size, _stateful(seed), "image.random_crop")


@public("image.stateless_random_crop")
def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Tensor:
    """As random_crop, decided by a seed of two integers (tf.image.stateless_random_crop).

    Raises:
        InvalidArgumentError: unless there is a size for every axis, within the tensor.
    """
    del name
    return _cropped(value, size, _stateless(seed), "image.stateless_random_crop")


@public("image.random_brightness")
def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """adjust_brightness by a number in [-max_delta, max_delta) (tf.image.random_brightness).

    Raises:
        InvalidArgumentError: for a negative `max_delta`.
    """
    most = _limit(max_delta, "image.random_brightness", "max_delta")
    return color.adjust_brightness(image, _stateful(seed)((), -most, most))


@public("image.stateless_random_brightness")
def stateless_random_brightness(image: Any, max_delta: float, seed: Any) -> Tensor:
    """As random_brightness, decided by a seed of two integers (tf.image.stateless_random_brightness).

    Raises:
        InvalidArgumentError: for a negative `max_delta`.
    """
    most = _limit(max_delta, "image.stateless_random_brightness", "max_delta")
    return color.adjust_brightness(image, _stateless(seed)((), -most, most))


@public("image.random_contrast")
def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """adjust_contrast by a factor in [lower, upper) (tf.image.random_contrast).

    Raises:
        InvalidArgumentError: unless 0 <= lower < upper.
    """
    return color.adjust_contrast(image, _stateful(seed)((), *_factors(lower, upper, "image.random_contrast")))


@public("image.stateless_random_contrast")
def stateless_random_contrast(image: Any, lower: float, upper: float, seed: Any) -> Tensor:
    """As random_contrast, decided by a seed of two integers (tf.image.stateless_random_contrast).

    Raises:
        InvalidArgumentError: unless 0 <= lower < upper.
    """
    limits = _factors(lower, upper, "image.stateless_random_contrast")
    return color.adjust_contrast(image, _stateless(seed)((), *limits))


@public("image.random_saturation")
def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """adjust_saturation by a factor in [lower, upper) (tf.image.random_saturation).

    Raises:
        InvalidArgumentError: unless 0 <= lower < upper.
    """
    return color.adjust_saturation(image, _stateful(seed)((), *_factors(lower, upper, "image.random_saturation")))


@public("image.stateless_random_saturation")
def stateless_random_saturation(image: Any, lower: float, upper: float, seed: Any) -> Tensor:
    """As random_saturation, decided by a seed of two integers (tf.image.stateless_random_saturation).

    Raises:
        InvalidArgumentError: unless 0 <= lower < upper.
    """
    limits = _factors(lower, upper, "image.stateless_random_saturation")
    return color.adjust_saturation(image, _stateless(seed)((), *limits))


@public("image.random_hue")
def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """adjust_hue by a number in [-max_delta, max_delta) (tf.image.random_hue).

    Raises:
        InvalidArgumentError: unless 0 <= max_delta <= 0.5.
    """
    most = _limit(max_delta, "image.random_hue", "max_delta", 0.5)
    return color.adjust_hue(image, _stateful(seed)((), -most, most))


@public("image.stateless_random_hue")
def stateless_random_hue(image: Any, max_delta: float, seed: Any) -> Tensor:
    """As random_hue, decided by a seed of two integers (tf.image.stateless_random_hue).

    Raises:
        InvalidArgumentError: unless 0 <= max_delta <= 0.5.
    """
    most = _limit(max_delta, "image.stateless_random_hue", "max_delta", 0.5)
    return color.adjust_hue(image, _stateless(seed)((), -most, most))
