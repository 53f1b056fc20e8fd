"""tf.keras.initializers: how weights start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from eager.convert import convert
from eager.keras import mixed_precision
from eager.keras.registry import Registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.ops import random
from eager.ops.array import constant, eye, ones, zeros
from eager.tensor import Tensor
from graphcore.dtypes import DType, as_dtype

registry = Registry("initializer", "keras.initializers")
_TRUNCATED_STDDEV = 0.87962566103423978
"""The standard deviation of a standard normal cut at two."""


class Initializer:
    """Base of initializers: a callable (shape, dtype) that gives a tensor; subclasses override `__call__`."""

    _arguments: ClassVar[tuple[str, ...]] = ()

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of the shape and dtype.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `__call__(self, shape, dtype=None)`")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in self._arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer from `get_config`."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})


def _dtype(dtype: Any, what: str, floating: bool = True) -> DType:
    kind = as_dtype(mixed_precision.global_policy().variable_dtype if dtype is None else dtype)
    if floating and not kind.is_floating:
        raise ValueError(f"Expected float or integer dtype, got {kind.name}: {what} needs a floating dtype.")
    return kind


@registry.add("zero", "zeros")
class Zeros(Initializer):
    """Zeros (tf.keras.initializers.Zeros)."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Zeros of the shape and dtype."""
        return zeros(shape, _dtype(dtype, "Zeros", floating=False))


@registry.add("one", "ones")
class Ones(Initializer):
    """Ones (tf.keras.initializers.Ones)."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Ones of the shape and dtype."""
        return ones(shape, _dtype(dtype, "Ones", floating=False))


@registry.add("constant")
class Constant(Initializer):
    """A constant, or an array of the weight's shape (tf.keras.initializers.Constant)."""

    _arguments = ("value",)

    def __init__(self, value: Any = 0) -> None:
        """Takes the value."""
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """The value in the shape and dtype."""
        kind = _dtype(dtype, "Constant", floating=False)
        return constant(np.asarray(self.value).astype(kind.numpy), shape=shape)


class _Seeded(Initializer):
    """An initializer that draws; with a seed every call draws the same."""

    seed: int | None

    def _uniform(self, shape: Any, low: float, high: float, dtype: DType) -> Tensor:
        stream = random.get_global_generator() if self.seed is None else random.Generator.from_seed(self.seed)
        return stream.uniform(shape, low, high, dtype=dtype)

    def _normal(self, shape: Any, mean: float, stddev: float, dtype: DType) -> Tensor:
        stream = random.get_global_generator() if self.seed is None else random.Generator.from_seed(self.seed)
        return stream.normal(shape, mean, stddev, dtype=dtype)

    def _truncated(self, shape: Any, mean: float, stddev: float, dtype: DType) -> Tensor:
        stream = random.get_global_generator() if self.seed is None else random.Generator.from_seed(self.seed)
        return stream.truncated_normal(shape, mean, stddev, dtype=dtype)


@registry.add("normal")
class RandomNormal(_Seeded):
    """Normal draws (tf.keras.initializers.RandomNormal)."""

    _arguments = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        """Takes mean, standard deviation and seed."""
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype."""
        return self._normal(shape, self.mean, self.stddev, _dtype(dtype, "RandomNormal"))


@registry.add("uniform")
class RandomUniform(_Seeded):
    """Uniform draws in [minval, maxval) (tf.keras.initializers.RandomUniform)."""

    _arguments = ("minval", "maxval", "seed")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        """Takes the bounds and the seed."""
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype; integers too."""
        return self._uniform(shape, self.minval, self.maxval, _dtype(dtype, "RandomUniform", floating=False))


@registry.add()
class TruncatedNormal(_Seeded):
    """Normal draws within two standard deviations (tf.keras.initializers.TruncatedNormal)."""

    _arguments = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        """Takes mean, standard deviation and seed."""
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype."""
        return self._truncated(shape, self.mean, self.stddev, _dtype(dtype, "TruncatedNormal"))


@registry.add()
class VarianceScaling(_Seeded):
    """Draws whose variance is scale / n, n being a number of units (tf.keras.initializers.VarianceScaling).

    n is the number of inputs ("fan_in"), of outputs ("fan_out"), or their mean ("fan_avg").
    """

    _arguments = ("scale", "mode", "distribution", "seed")

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        """Takes scale, mode, distribution ("truncated_normal", "untruncated_normal", "uniform") and seed.

        Raises:
            ValueError: for a value that is none of these.
        """
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float. Received: scale={scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use one of fan_in, fan_out, fan_avg.")
        distribution = "truncated_normal" if distribution == "normal" else distribution.lower()
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}. Please use uniform, truncated_normal or "
                "untruncated_normal."
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype."""
        kind = _dtype(dtype, type(self).__name__)
        fan_in, fan_out = fans(tuple(shape))
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        scale = self.scale / max(1.0, count)
        if self.distribution == "truncated_normal":
            return self._truncated(shape, 0.0, math.sqrt(scale) / _TRUNCATED_STDDEV, kind)
        if self.distribution == "untruncated_normal":
            return self._normal(shape, 0.0, math.sqrt(scale), kind)
        limit = math.sqrt(3.0 * scale)
        return self._uniform(shape, -limit, limit, kind)


class _Scaled(VarianceScaling):
    """A VarianceScaling with everything but the seed fixed."""

    _arguments = ("seed",)
    _fixed: ClassVar[tuple[float, str, str]]

    def __init__(self, seed: int | None = None) -> None:
        """Takes the seed."""
        super().__init__(*self._fixed, seed=seed)


@registry.add()
class GlorotUniform(_Scaled):
    """Uniform with limit sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010)."""

    _fixed = (1.0, "fan_avg", "uniform")


@registry.add()
class GlorotNormal(_Scaled):
    """Truncated normal with stddev sqrt(2 / (inputs + outputs)) (Glorot and Bengio 2010)."""

    _fixed = (1.0, "fan_avg", "truncated_normal")


@registry.add()
class LecunNormal(_Scaled):
    """Truncated normal with stddev sqrt(1 / inputs) (LeCun et al. 1998)."""

    _fixed = (1.0, "fan_in", "truncated_normal")


@registry.add()
class LecunUniform(_Scaled):
    """Uniform with limit sqrt(3 / inputs) (LeCun et al. 1998)."""

    _fixed = (1.0, "fan_in", "uniform")


@registry.add()
class HeNormal(_Scaled):
    """Truncated normal with stddev sqrt(2 / inputs) (He et al. 2015)."""

    _fixed = (2.0, "fan_in", "truncated_normal")


@registry.add()
class HeUniform(_Scaled):
    """Uniform with limit sqrt(6 / inputs) (He et al. 2015)."""

    _fixed = (2.0, "fan_in", "uniform")


@registry.add()
class Orthogonal(_Seeded):
    """An orthogonal matrix, scaled by a gain (Saxe et al. 2013); further leading axes are flattened."""

    _arguments = ("gain", "seed")

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        """Takes gain and seed."""
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A matrix of the shape and dtype. Raises ValueError for a rank below 2."""
        kind, sizes = _dtype(dtype, "Orthogonal"), tuple(shape)
        if len(sizes) < 2:
            raise ValueError(f"The tensor to initialize must be at least two-dimensional. Received: shape={shape}.")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self._normal(tall, 0.0, 1.0, as_dtype("float64")).numpy())
        q = q * np.sign(np.diag(r))
        q = q.T if rows < columns else q
        return convert((self.gain * q).reshape(sizes).astype(kind.numpy))


@registry.add()
class Identity(Initializer):
    """The identity matrix times a gain (tf.keras.initializers.Identity)."""

    _arguments = ("gain",)

    def __init__(self, gain: float = 1.0) -> None:
        """Takes the gain."""
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """The matrix of the shape and dtype. Raises ValueError for a rank other than 2."""
        if len(tuple(shape)) != 2:
            raise ValueError(f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape}")
        return eye(*tuple(shape), dtype=_dtype(dtype, "Identity")) * self.gain


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """The numbers of input and output units of a weight's shape."""
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
# The snake-case names are the classes, as in tf.keras.
zero = Zeros
one = Ones
normal = random_normal = RandomNormal
uniform = random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal
he_uniform = HeUniform
he_normal = HeNormal
orthogonal = Orthogonal
identity = Identity


def get(identifier: Any) -> Any:
    """An initializer from a name, config, class, instance or callable. Raises ValueError for an unknown name."""
    return registry.get(identifier)


def serialize(initializer: Any) -> Any:
    """Plain data that describes an initializer."""
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """An initializer from `serialize`."""
    return deserialize_keras_object(config, custom_objects, registry)
