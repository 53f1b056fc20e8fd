"""The base of layers that change images at random while training."""

from __future__ import annotations

from typing import Any

from eager.context import init_scope
from eager.keras.engine.smart import choose
from eager.keras.layers.preprocessing.base import ShapedLayer
from eager.keras.layers.preprocessing.image_common import images_of
from eager.ops import random
from eager.ops.array import cast, expand_dims, shape, squeeze


class RandomImageLayer(ShapedLayer):
    """Images changed at random, by default also outside of training loops; unchanged with training=False.

    With a seed the layer has a stream of its own; otherwise it draws from the global one (tf.random.set_seed).
    Subclasses define `_changed` for a batch.
    """

    _untracked_attributes = ShapedLayer._untracked_attributes | {"_generator"}

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the seed of the layer's own stream."""
        super().__init__(**kwargs)
        self.seed = seed
        self._generator: random.Generator | None = None
        if seed is not None:
            with init_scope():
                self._generator = random.Generator.from_seed(seed)

    def call(self, inputs: Any, training: Any = True) -> Any:
        """The images, while training changed at random."""
        x = images_of(inputs, self.compute_dtype)
        return choose(training, lambda: self._random(x), lambda: x)

    def _random(self, x: Any) -> Any:
        if x.ndim == 4:
            return cast(self._changed(x), self.compute_dtype)
        return squeeze(cast(self._changed(expand_dims(x, 0)), self.compute_dtype), 0)

    def _changed(self, images: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define how it changes images")

    def _uniform(self, sizes: Any, low: Any = 0, high: Any = None, dtype: Any = "float32") -> Any:
        """Draws in [low, high) of the layer's stream."""
        draw = random.uniform if self._generator is None else self._generator.uniform
        return draw(sizes, low, high, dtype)

    def _one_each(self, images: Any, limits: tuple[float, float], dtype: Any = None) -> Any:
        """[batch, 1, 1, 1] draws within limits."""
        return self._uniform([shape(images)[0], 1, 1, 1], *limits, dtype or wide(images.dtype))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"seed": self.seed}


def wide(dtype: Any) -> Any:
    """The dtype in which a layer of a dtype draws and computes positions: float64 for float64, else float32."""
    return "float64" if dtype == "float64" else "float32"


def limits_of(factor: Any) -> tuple[float, float]:
    """(lower, upper) of a pair, or of a number, which means minus and plus it."""
    if isinstance(factor, tuple | list):
        return factor[0], factor[1]
    return -factor, factor
