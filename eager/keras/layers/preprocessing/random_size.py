"""Layers that change the size of a batch of images at random. The new size is data: in a trace it ends the trace."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.smart import choose
from eager.keras.layers.preprocessing.image_common import checked_interpolation, images_of, size_of
from eager.keras.layers.preprocessing.random_base import RandomImageLayer, limits_of
from eager.keras.layers.table import registry
from eager.ops.array import cast
from eager.ops.image_resize import resize
from eager.tensor_shape import TensorShape


class _RandomSize(RandomImageLayer):
    """What RandomHeight and RandomWidth share."""

    _axis: int

    def __init__(self, factor: Any, interpolation: str = "bilinear", seed: int | None = None, **kwargs: Any) -> None:
        """Takes how the size changes.

        Args:
            factor: a fraction of the size: limits, or one number for minus and plus it.
            interpolation: as for Resizing.
            seed: of the layer's own stream.
            **kwargs: as for Layer.

        Raises:
            ValueError: for limits below -1, or in the wrong order.
            NotImplementedError: for another interpolation.
        """
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        self._lower, self._upper = limits_of(factor)
        if self._upper < self._lower:
            raise ValueError(
                f"`factor` argument cannot have an upper bound less than the lower bound. Received: factor={factor}"
            )
        if self._lower < -1.0 or self._upper < -1.0:
            raise ValueError(f"`factor` argument must have values larger than -1. Received: factor={factor}")
        self.interpolation = interpolation
        self._method = checked_interpolation(interpolation)

    def call(self, inputs: Any, training: Any = True) -> Any:
        """The images in another size while training."""
        x = images_of(inputs)
        return choose(training, lambda: self._resized(x), lambda: x)

    def _resized(self, x: Any) -> Any:
        size = list(size_of(x))
        factor = self._uniform((), 1.0 + self._lower, 1.0 + self._upper)
        size[self._axis] = int(cast(factor * float(size[self._axis]), "int32"))
        return cast(resize(x, size, self._method), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape with one size open."""
        sizes = TensorShape(input_shape).as_list()
        sizes[self._axis - 3] = None
        return TensorShape(sizes)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"factor": self.factor, "interpolation": self.interpolation}


@registry.add()
class RandomHeight(_RandomSize):
    """Images of a random height, one for the whole batch (tf.keras.layers.RandomHeight)."""

    _axis = 0


@registry.add()
class RandomWidth(_RandomSize):
    """Images of a random width, one for the whole batch (tf.keras.layers.RandomWidth)."""

    _axis = 1
