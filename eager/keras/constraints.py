"""tf.keras.constraints: what weights are made to satisfy after each update."""

from __future__ import annotations

from typing import Any, Self

from eager.keras.registry import Registry, legacy_form
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.ops.array import cast, gather, reshape
from eager.ops.math import clip_by_value, greater_equal, reduce_sum, sqrt, square

registry = Registry("constraint", "keras.constraints")
_EPSILON = 1e-7


class Constraint:
    """Base of constraints: a callable that gives the changed weight."""

    def __call__(self, w: Any) -> Any:
        """The weight, by default unchanged."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A constraint from `get_config`."""
        return cls(**config)


def _norms(w: Any, axis: Any) -> Any:
    return sqrt(reduce_sum(square(w), axis, keepdims=True))


@registry.add("maxnorm")
class MaxNorm(Constraint):
    """Norms along an axis at most `max_value` (tf.keras.constraints.MaxNorm)."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        """Takes the bound and the axis."""
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        """The weight scaled down where its norm is too large."""
        norms = _norms(w, self.axis)
        return w * (clip_by_value(norms, 0.0, float(self.max_value)) / (_EPSILON + norms))

    def get_config(self) -> dict[str, Any]:
        """The bound and the axis."""
        return {"max_value": self.max_value, "axis": self.axis}


@registry.add("nonneg")
class NonNeg(Constraint):
    """No negative elements (tf.keras.constraints.NonNeg)."""

    def __call__(self, w: Any) -> Any:
        """The weight with negative elements set to 0."""
        return w * cast(greater_equal(w, 0.0), w.dtype)


@registry.add("unitnorm")
class UnitNorm(Constraint):
    """Norms of 1 along an axis (tf.keras.constraints.UnitNorm)."""

    def __init__(self, axis: Any = 0) -> None:
        """Takes the axis."""
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """The weight divided by its norms."""
        return w / (_EPSILON + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The axis."""
        return {"axis": self.axis}


@registry.add()
class MinMaxNorm(Constraint):
    """Norms within a range, approached at a rate (tf.keras.constraints.MinMaxNorm)."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        """Takes the range, the rate and the axis."""
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        """The weight scaled towards the range."""
        norms = _norms(w, self.axis)
        clipped = clip_by_value(norms, float(self.min_value), float(self.max_value))
        return w * ((self.rate * clipped + (1 - self.rate) * norms) / (_EPSILON + norms))

    def get_config(self) -> dict[str, Any]:
        """The range, the rate and the axis."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


@registry.add()
class RadialConstraint(Constraint):
    """Kernels of Conv2D that are equal along each ring around their middle (tf.keras.constraints.RadialConstraint).

    Each ring takes a value of the diagonal: those that tf.keras takes.
    """

    def __call__(self, w: Any) -> Any:
        """The kernel (n, n, channels, filters) with equal rings. Raises ValueError for another shape."""
        shape = tuple(w.shape)
        if len(shape) != 4:
            raise ValueError(f"The weight tensor must have rank 4. Received weight tensor with shape: {shape}")
        n = shape[0]
        if n != shape[1]:
            raise ValueError(
                f"RadialConstraint needs kernels as wide as high. Received weight tensor with shape: {shape}"
            )
        taken = [n * d + d for d in (_diagonal(i, j, n) for i in range(n) for j in range(n))]
        return reshape(gather(reshape(w, (n * n, -1)), taken), shape)


def _diagonal(i: int, j: int, n: int) -> int:
    """The place on the diagonal of an n x n kernel whose value the ring through (i, j) takes."""
    half = n // 2
    ring = max(abs(2 * i - n + 1), abs(2 * j - n + 1)) // 2
    if ring == 0:
        return max(half - 1, 0)
    return half - 1 + ring if n % 2 else half + ring


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm
radial_constraint = RadialConstraint


def get(identifier: Any) -> Any:
    """A constraint from a name, config, class, instance or callable. Raises ValueError for an unknown name."""
    return registry.get(identifier)


def serialize(constraint: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes a constraint; the legacy format has only its class name and config."""
    data = serialize_keras_object(constraint)
    return legacy_form(data) if use_legacy_format else data


def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """A constraint from `serialize`, in either format."""
    del use_legacy_format
    return deserialize_keras_object(config, custom_objects, registry)
