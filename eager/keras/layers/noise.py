"""Layers that add or multiply noise while training."""

from __future__ import annotations

import math
from typing import Any

from eager.keras.layers.regularization import RandomLayer, checked_rate
from eager.keras.layers.table import registry
from eager.ops.array import shape as shape_of
from eager.ops.array import where

_SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772
"""The limit of selu at minus infinity (Klambauer et al. 2017)."""


@registry.add()
class GaussianNoise(RandomLayer):
    """Adds normal noise of mean 0 while training (tf.keras.layers.GaussianNoise)."""

    def __init__(self, stddev: Any, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the standard deviation and the seed."""
        super().__init__(seed=seed, **kwargs)
        self.stddev = stddev

    def _changed(self, inputs: Any) -> Any:
        return inputs + self._normal(inputs, 0.0, self.stddev)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"stddev": self.stddev, "seed": self.seed}


@registry.add()
class GaussianDropout(RandomLayer):
    """Multiplies by normal noise of mean 1 while training (tf.keras.layers.GaussianDropout).

    Its variance, rate / (1 - rate), is that of Dropout with the same rate.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the rate and the seed. Raises ValueError for a rate outside of [0, 1]."""
        super().__init__(seed=seed, **kwargs)
        self.rate = checked_rate(rate)

    def _changed(self, inputs: Any) -> Any:
        if not 0 < self.rate < 1:
            return inputs
        return inputs * self._normal(inputs, 1.0, math.sqrt(self.rate / (1.0 - self.rate)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


@registry.add()
class AlphaDropout(RandomLayer):
    """Sets inputs to selu's floor with probability `rate`, then keeps mean 0 and variance 1 (Klambauer et al. 2017).

    tf.keras.layers.AlphaDropout.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the rate, the shape of the mask and the seed. Raises ValueError for a rate outside of [0, 1]."""
        super().__init__(seed=seed, **kwargs)
        self.rate = checked_rate(rate)
        self.noise_shape = noise_shape

    def _changed(self, inputs: Any) -> Any:
        if not 0 < self.rate < 1:
            return inputs
        sizes = shape_of(inputs)
        if self.noise_shape is not None:
            sizes = [sizes[i] if n is None else n for i, n in enumerate(self.noise_shape)]
        kept = self._uniform(sizes, inputs) >= self.rate
        scale = 1.0 / math.sqrt((1.0 - self.rate) * (1.0 + self.rate * _SELU_FLOOR**2))
        return where(kept, inputs, _SELU_FLOOR) * scale - scale * _SELU_FLOOR * self.rate

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; noise_shape, which tf.keras forgets, only if there is one."""
        shape = {} if self.noise_shape is None else {"noise_shape": self.noise_shape}
        return super().get_config() | {"rate": self.rate, "seed": self.seed} | shape
