"""Layers that regularise: dropout and penalties on activity. Noise that is added is in noise.py."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.context import init_scope
from eager.keras import backend
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.smart import choose
from eager.keras.layers.table import registry
from eager.keras.regularizers import L1L2
from eager.ops import random
from eager.ops.array import cast, where
from eager.ops.array import shape as shape_of


class Seeded(Layer):
    """A layer that draws random numbers.

    With a seed the layer has a stream of its own; otherwise it draws from the global one (tf.random.set_seed).
    """

    _untracked_attributes = Layer._untracked_attributes | {"_generator"}

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the seed."""
        super().__init__(**kwargs)
        self.seed = seed
        self.supports_masking = True
        self._generator: random.Generator | None = None

    def build(self, input_shape: Any) -> None:
        """Makes the stream of a seeded layer."""
        if self.seed is not None:
            with init_scope():
                self._generator = random.Generator.from_seed(self.seed)
        super().build(input_shape)

    def _uniform(self, shape: Any, like: Any) -> Any:
        """Uniform draws in [0, 1), at least float32."""
        source = random if self._generator is None else self._generator
        return source.uniform(shape, dtype=_wide(like))

    def _normal(self, like: Any, mean: float, stddev: Any) -> Any:
        """Normal draws in the shape and dtype of a tensor."""
        source = random if self._generator is None else self._generator
        return cast(source.normal(shape_of(like), mean, stddev, dtype=_wide(like)), like.dtype)

    def _thinned(self, inputs: Any, rate: Any, sizes: Any) -> Any:
        """The inputs with elements zeroed with a probability, the rest scaled; the draws have the shape `sizes`."""
        if isinstance(rate, int | float) and rate in (0, 1):
            return inputs * (1.0 - rate)
        return where(self._uniform(sizes, inputs) >= rate, inputs * (1.0 / (1.0 - rate)), 0.0)


class RandomLayer(Seeded):
    """A layer that changes its inputs at random while training, and passes them on otherwise."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs, while training changed at random."""
        if training is None:
            training = backend.learning_phase()
        return choose(training, lambda: self._changed(inputs), lambda: inputs)

    def _changed(self, inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must override `_changed(self, inputs)`")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape


def _wide(like: Any) -> Any:
    return like.dtype if like.dtype.size >= 4 else "float32"


def checked_rate(rate: Any) -> Any:
    """A rate of dropout, a number or a tensor. Raises ValueError for a number outside of [0, 1]."""
    if isinstance(rate, int | float) and not 0 <= rate <= 1:
        raise ValueError(f"Invalid value {rate} received for `rate`, expected a value between 0 and 1.")
    return rate


@registry.add()
class Dropout(RandomLayer):
    """Zeroes inputs with probability `rate` while training, and scales the rest (tf.keras.layers.Dropout)."""

    def __init__(self, rate: Any, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        """Takes the rate, the shape of the mask (1 where it is shared, None for the input's size) and the seed.

        Raises:
            ValueError: for a rate outside of [0, 1].
        """
        super().__init__(seed=seed, **kwargs)
        self.rate = checked_rate(rate)
        self.noise_shape = noise_shape

    def _noise_sizes(self, inputs: Any) -> Any:
        """The shape of the random numbers."""
        sizes = shape_of(inputs)
        if self.noise_shape is None:
            return sizes
        return [sizes[i] if n is None else n for i, n in enumerate(self.noise_shape)]

    def _changed(self, inputs: Any) -> Any:
        return self._thinned(inputs, self.rate, self._noise_sizes(inputs))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


class _SpatialDropout(Dropout):
    """Zeroes whole channels."""

    _rank: ClassVar[int]

    def __init__(self, rate: Any, data_format: str | None = None, **kwargs: Any) -> None:
        """Takes the rate and where the axis of channels is: "channels_last" (the default) or "channels_first".

        Raises:
            ValueError: for another data_format, or a rate outside of [0, 1].
        """
        kwargs.pop("noise_shape", None)
        super().__init__(rate, **kwargs)
        given = backend.image_data_format() if data_format is None else data_format
        self.data_format = backend._known_format(given)
        self.input_spec = InputSpec(ndim=self._rank)

    def _noise_sizes(self, inputs: Any) -> Any:
        sizes = shape_of(inputs)
        channels = 1 if self.data_format == "channels_first" else inputs.ndim - 1
        return [sizes[i] if i in (0, channels) else 1 for i in range(inputs.ndim)]


@registry.add()
class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of (batch, steps, channels) (tf.keras.layers.SpatialDropout1D)."""

    _rank = 3

    def __init__(self, rate: Any, **kwargs: Any) -> None:
        """Takes the rate. Raises ValueError for one outside of [0, 1]."""
        super().__init__(rate, "channels_last", **kwargs)


@registry.add()
class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images (tf.keras.layers.SpatialDropout2D)."""

    _rank = 4


@registry.add()
class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes (tf.keras.layers.SpatialDropout3D)."""

    _rank = 5


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
