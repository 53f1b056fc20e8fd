"""Layers that regularise: dropout and penalties on activity."""

from __future__ import annotations

from typing import Any

from eager.context import init_scope
from eager.keras import backend
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.smart import choose
from eager.keras.layers.table import registry
from eager.keras.regularizers import L1L2
from eager.ops import nn, random
from eager.ops.array import shape as shape_of
from eager.ops.array import where


@registry.add()
class Dropout(Layer):
    """Zeroes inputs with probability `rate` while training, and scales the rest (tf.keras.layers.Dropout).

    With a seed the layer has a stream of its own; otherwise it draws from the global one (tf.random.set_seed).
    """

    _untracked_attributes = Layer._untracked_attributes | {"_generator"}

    def __init__(self, rate: Any, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the rate, the shape of the mask (1 where it is shared) and the seed.

        Raises:
            ValueError: for a rate outside of [0, 1].
        """
        super().__init__(**kwargs)
        if isinstance(rate, int | float) and not 0 <= rate <= 1:
            raise ValueError(f"Invalid value {rate} received for `rate`, expected a value between 0 and 1.")
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True
        self._generator: random.Generator | None = None

    def build(self, input_shape: Any) -> None:
        """Makes the stream of a seeded layer."""
        if self.seed is not None:
            with init_scope():
                self._generator = random.Generator.from_seed(self.seed)
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs, while training with some zeroed."""
        if training is None:
            training = backend.learning_phase()
        return choose(training, lambda: self._dropped(inputs), lambda: inputs)

    def _dropped(self, inputs: Any) -> Any:
        rate = self.rate
        if isinstance(rate, int | float) and rate in (0, 1):
            return inputs * (1.0 - rate)
        if self._generator is None:
            return nn.dropout(inputs, rate, self.noise_shape)
        sizes = shape_of(inputs)
        if self.noise_shape is not None:
            sizes = [sizes[i] if n is None else n for i, n in enumerate(self.noise_shape)]
        wide = inputs.dtype if inputs.dtype.size >= 4 else "float32"
        kept = self._generator.uniform(sizes, dtype=wide) >= rate
        return where(kept, inputs * (1.0 / (1.0 - rate)), 0.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


@registry.add()
class ActivityRegularization(Layer):
    """Adds a penalty on its inputs, which it passes on (tf.keras.layers.ActivityRegularization)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        """Takes the factors."""
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"l1": self.l1, "l2": self.l2}
