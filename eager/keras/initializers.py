"""tf.keras.initializers: how weights start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from eager.convert import convert
from eager.keras import mixed_precision
from eager.keras.registry import Registry, legacy_form
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.ops import array, random
from eager.ops.random_truncated import stateless_truncated_normal
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
        raise ValueError(f"Expected floating point type, got {kind.name}: {what} draws or computes floating numbers.")
    if not (kind.is_floating or kind.is_integer or kind.is_bool or kind.is_complex):
        raise ValueError(f"Expected numeric or boolean dtype, got {kind.name}.")
    return kind


def _sizes(shape: Any, options: dict[str, Any]) -> tuple[int, ...]:
    """The shape to make: that of the part of a partitioned weight where there is one."""
    unknown = [key for key in options if key not in ("partition_shape", "partition_offset", "layout")]
    if unknown:
        raise TypeError(
            f"Unknown keyword arguments: {unknown}. Allowed keyword arguments: ['partition_shape', "
            "'partition_offset', 'layout']."
        )
    part = options.get("partition_shape")
    return tuple(shape if part is None else part)


@registry.add("zero", "zeros")
class Zeros(Initializer):
    """Zeros (tf.keras.initializers.Zeros)."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Zeros of the shape and dtype."""
        return array.zeros(_sizes(shape, kwargs), _dtype(dtype, "Zeros", floating=False))


@registry.add("one", "ones")
class Ones(Initializer):
    """Ones (tf.keras.initializers.Ones)."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Ones of the shape and dtype."""
        return array.ones(_sizes(shape, kwargs), _dtype(dtype, "Ones", floating=False))


@registry.add("constant")
class Constant(Initializer):
    """A constant, or an array of the weight's shape (tf.keras.initializers.Constant)."""

    _arguments = ("value",)

    def __init__(self, value: Any = 0) -> None:
        """Takes the value."""
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """The value in the shape and dtype. Raises TypeError for an array of another number of elements."""
        kind, sizes = _dtype(dtype, "Constant", floating=False), _sizes(shape, kwargs)
        value = np.asarray(self.value).astype(kind.numpy)
        if value.ndim and value.size != math.prod(sizes):
            raise TypeError(
                f"Constant: a value of shape {value.shape} has {value.size} elements, but the weight's shape {sizes} "
                f"has {math.prod(sizes)}."
            )
        return array.constant(value, shape=sizes)

    def get_config(self) -> dict[str, Any]:
        """The value, an array as lists."""
        return {"value": self.value.tolist() if hasattr(self.value, "tolist") else self.value}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer from `get_config`, tf.keras's form of arrays included."""
        value = config["value"]
        return cls(value["config"]["value"] if isinstance(value, dict) else value)


class _Seeded(Initializer):
    """An initializer that draws; with a seed every call draws the same."""

    seed: int | None

    def _uniform(self, shape: Any, low: float, high: float, dtype: DType) -> Tensor:
        if self.seed is None:
            return random.get_global_generator().uniform(shape, low, high, dtype=dtype)
        return random.stateless_uniform(shape, self._key(), low, high, dtype)

    def _normal(self, shape: Any, mean: float, stddev: float, dtype: DType) -> Tensor:
        if self.seed is None:
            return random.get_global_generator().normal(shape, mean, stddev, dtype=dtype)
        return random.stateless_normal(shape, self._key(), mean, stddev, dtype)

    def _truncated(self, shape: Any, mean: float, stddev: float, dtype: DType) -> Tensor:
        if self.seed is None:
            return random.get_global_generator().truncated_normal(shape, mean, stddev, dtype=dtype)
        return stateless_truncated_normal(shape, self._key(), mean, stddev, dtype)

    def _key(self) -> list[Any]:
        """The key of a stream; it is tf.keras's, so that a seed gives tf.keras's numbers."""
        return [self.seed, 0]


@registry.add("normal")
class RandomNormal(_Seeded):
    """Normal draws (tf.keras.initializers.RandomNormal)."""

    _arguments = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        """Takes mean, standard deviation and seed."""
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype."""
        return self._normal(_sizes(shape, kwargs), self.mean, self.stddev, _dtype(dtype, "RandomNormal"))


@registry.add("uniform")
class RandomUniform(_Seeded):
    """Uniform draws in [minval, maxval) (tf.keras.initializers.RandomUniform)."""

    _arguments = ("minval", "maxval", "seed")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        """Takes the bounds and the seed."""
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype; integers too."""
        kind = _dtype(dtype, "RandomUniform", floating=False)
        return self._uniform(_sizes(shape, kwargs), self.minval, self.maxval, kind)


@registry.add()
class TruncatedNormal(_Seeded):
    """Normal draws within two standard deviations (tf.keras.initializers.TruncatedNormal)."""

    _arguments = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        """Takes mean, standard deviation and seed."""
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws of the shape and dtype."""
        return self._truncated(_sizes(shape, kwargs), self.mean, self.stddev, _dtype(dtype, "TruncatedNormal"))


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
        kind, sizes = _dtype(dtype, type(self).__name__), _sizes(shape, kwargs)
        # The variance is that of the whole weight, also where only a part of it is made.
        fan_in, fan_out = fans(tuple(shape))
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        scale = self.scale / max(1.0, count)
        if self.distribution == "truncated_normal":
            return self._truncated(sizes, 0.0, math.sqrt(scale) / _TRUNCATED_STDDEV, kind)
        if self.distribution == "untruncated_normal":
            return self._normal(sizes, 0.0, math.sqrt(scale), kind)
        limit = math.sqrt(3.0 * scale)
        return self._uniform(sizes, -limit, limit, kind)


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
        kind, sizes = _dtype(dtype, "Orthogonal"), _sizes(shape, kwargs)
        if len(sizes) < 2:
            raise ValueError(f"The tensor to initialize must be at least two-dimensional. Received: shape={shape}.")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = (max(rows, columns), min(rows, columns))
        drawn = self._normal(tall, 0.0, 1.0, kind if kind.size >= 4 else as_dtype("float32"))
        q, r = np.linalg.qr(drawn.numpy().astype(np.float64))
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
        sizes = _sizes(shape, kwargs)
        if len(sizes) != 2:
            raise ValueError(f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape}")
        return array.eye(*sizes, dtype=_dtype(dtype, "Identity")) * self.gain


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
zero = zeros = Zeros
one = ones = Ones
constant = Constant
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


def serialize(initializer: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes an initializer; the legacy format has only its class name and config."""
    data = serialize_keras_object(initializer)
    return legacy_form(data) if use_legacy_format else data


def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """An initializer from `serialize`, in either format."""
    del use_legacy_format
    return deserialize_keras_object(config, custom_objects, registry)
