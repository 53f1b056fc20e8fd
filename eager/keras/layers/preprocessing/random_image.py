"""Layers that flip, crop and adjust images at random."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.smart import choose
from eager.keras.layers.preprocessing.image_common import fit_into, images_of, is_within, size_of
from eager.keras.layers.preprocessing.random_base import RandomImageLayer, wide
from eager.keras.layers.table import registry
from eager.ops.array import cast, reverse, slice, where
from eager.ops.array import shape as shape_of
from eager.ops.math import clip_by_value, reduce_mean
from eager.tensor_shape import TensorShape

_LARGEST = 2**31 - 1


@registry.add()
class RandomFlip(RandomImageLayer):
    """Images mirrored, or not, by chance (tf.keras.layers.RandomFlip)."""

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any) -> None:
        """Takes "horizontal" (left and right), "vertical" or "horizontal_and_vertical".

        Raises:
            ValueError: for another mode.
        """
        super().__init__(seed=seed, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError(f"RandomFlip layer {self.name} received an unknown mode argument {mode}")
        self.mode = mode

    def _changed(self, images: Any) -> Any:
        for axis, word in ((2, "horizontal"), (1, "vertical")):
            if word in self.mode:
                images = where(self._one_each(images, (0.0, 1.0), "float32") < 0.5, reverse(images, [axis]), images)
        return images

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"mode": self.mode}


@registry.add()
class RandomCrop(RandomImageLayer):
    """A block of each image, the same random place in the whole batch (tf.keras.layers.RandomCrop).

    With training=False, and for images that are too small: what fits, cropped in the middle and resized.
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the size of the results."""
        kwargs.setdefault("autocast", False)
        super().__init__(seed=seed, **kwargs)
        self.height = height
        self.width = width

    def call(self, inputs: Any, training: Any = True) -> Any:
        """The block, or what fits."""
        x, size = images_of(inputs, self.compute_dtype), (self.height, self.width)
        if not is_within(x, size):
            return cast(fit_into(x, size), self.compute_dtype)
        return choose(training, lambda: self._random(x), lambda: cast(fit_into(x, size), self.compute_dtype))

    def _changed(self, images: Any) -> Any:
        drawn = self._uniform([2], 0, _LARGEST, "int32")
        height, width = size_of(images)
        top, left = drawn[0] % (height - self.height + 1), drawn[1] % (width - self.width + 1)
        sizes = shape_of(images)
        return slice(images, [0, top, left, 0], [sizes[0], self.height, self.width, sizes[3]])

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape with the new height and width."""
        sizes = TensorShape(input_shape).as_list()
        return TensorShape([*sizes[:-3], self.height, self.width, sizes[-1]])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"height": self.height, "width": self.width}


@registry.add()
class RandomContrast(RandomImageLayer):
    """Each channel stretched about its mean by one random factor, within [0, 255] (tf.keras.layers.RandomContrast)."""

    def __init__(self, factor: Any, seed: int | None = None, **kwargs: Any) -> None:
        """Takes limits (lower, upper), or one number for both: the factor is within [1 - lower, 1 + upper).

        Raises:
            ValueError: for negative limits, or a lower one above 1.
        """
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        self.lower, self.upper = factor if isinstance(factor, tuple | list) else (factor, factor)
        if self.lower < 0.0 or self.upper < 0.0 or self.lower > 1.0:
            raise ValueError(
                f"`factor` argument cannot have negative values or values greater than 1. Received: factor={factor}"
            )

    def _changed(self, images: Any) -> Any:
        x = cast(images, wide(images.dtype))
        factor = self._uniform((), 1.0 - self.lower, 1.0 + self.upper, x.dtype)
        mean = reduce_mean(x, (1, 2), keepdims=True)
        return clip_by_value((x - mean) * factor + mean, 0.0, 255.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"factor": self.factor}


_FACTOR = "The `factor` argument should be a number (or a list of two numbers) in the range [-1.0, 1.0]."


@registry.add()
class RandomBrightness(RandomImageLayer):
    """Each image made brighter or darker by a random amount, within its range (tf.keras.layers.RandomBrightness)."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        """Takes the amounts and the range of values.

        Args:
            factor: a fraction of the range: limits, or one number for minus and plus it, within [-1, 1].
            value_range: (lowest, highest) value of the images.
            seed: of the layer's own stream.
            **kwargs: as for Layer.

        Raises:
            ValueError: for factors out of range, or a range that is no pair.
        """
        super().__init__(seed=seed, **kwargs)
        self._factor = _amounts(factor)
        if not isinstance(value_range, tuple | list) or len(value_range) != 2:
            raise ValueError(f"The `value_range` argument should be a list of two numbers. Got {value_range}")
        self._value_range = sorted(value_range)

    def _changed(self, images: Any) -> Any:
        low, high = self._value_range
        change = self._one_each(images, (self._factor[0], self._factor[1])) * float(high - low)
        return clip_by_value(images + cast(change, images.dtype), cast(low, images.dtype), cast(high, images.dtype))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"factor": list(self._factor), "value_range": list(self._value_range)}


def _amounts(factor: Any) -> list[float]:
    if isinstance(factor, tuple | list) and len(factor) == 2:
        found = sorted(factor)
    elif isinstance(factor, int | float):
        found = [-abs(factor), abs(factor)]
    else:
        raise ValueError(f"{_FACTOR} Got {factor}")
    if found[0] < -1.0 or found[1] > 1.0:
        raise ValueError(f"{_FACTOR} Got {factor}")
    return found
