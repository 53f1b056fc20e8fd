"""tf.keras.regularizers: penalties on weights and outputs."""

from __future__ import annotations

import math
from typing import Any, Self

from eager.keras.registry import Registry, legacy_form
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.ops.array import constant, eye
from eager.ops.linalg import matmul
from eager.ops.math import abs, reduce_sum, square
from eager.ops.nn import l2_normalize

registry = Registry("regularizer", "keras.regularizers")


class Regularizer:
    """Base of regularizers: a callable that gives a scalar for a tensor."""

    def __call__(self, x: Any) -> Any:
        """The penalty; by default 0."""
        del x
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `get_config()` to be serialized")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A regularizer from `get_config`."""
        return cls(**config)


def _factor(value: Any, default: float) -> float:
    """A factor of a penalty. Raises ValueError for what is no finite number."""
    if value is None:
        return default
    if not isinstance(value, int | float):
        raise ValueError(
            f"Value {value} is not a valid regularization penalty number, expected an int or float value."
        )
    if not math.isfinite(value):
        raise ValueError(
            f"Value {value} is not a valid regularization penalty number, an infinite number or NaN are not valid "
            "values."
        )
    return float(value)


def _short_name(value: Any, given: dict[str, Any]) -> Any:
    """The factor, which older code passes as `l`. Raises TypeError for another keyword."""
    value = given.pop("l", value)
    if given:
        raise TypeError(f"Argument(s) not recognized: {given}")
    return value


@registry.add("l1_l2")
class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x ** 2) (tf.keras.regularizers.L1L2)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        """Takes the factors."""
        self.l1, self.l2 = _factor(l1, 0.0), _factor(l2, 0.0)

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        total: Any = constant(0.0, x.dtype)
        if self.l1:
            total = total + self.l1 * reduce_sum(abs(x))
        if self.l2:
            total = total + self.l2 * reduce_sum(square(x))
        return total

    def get_config(self) -> dict[str, Any]:
        """The factors."""
        return {"l1": self.l1, "l2": self.l2}


@registry.add()
class L1(Regularizer):
    """l1 * sum(|x|) (tf.keras.regularizers.L1)."""

    def __init__(self, l1: Any = 0.01, **kwargs: Any) -> None:
        """Takes the factor. Raises ValueError for what is no finite number."""
        self.l1 = _factor(_short_name(l1, kwargs), 0.01)

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        return self.l1 * reduce_sum(abs(x))

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l1": self.l1}


@registry.add()
class L2(Regularizer):
    """l2 * sum(x ** 2) (tf.keras.regularizers.L2)."""

    def __init__(self, l2: Any = 0.01, **kwargs: Any) -> None:
        """Takes the factor. Raises ValueError for what is no finite number."""
        self.l2 = _factor(_short_name(l2, kwargs), 0.01)

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        return self.l2 * reduce_sum(square(x))

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l2": self.l2}


@registry.add()
class OrthogonalRegularizer(Regularizer):
    """factor * the mean |cosine| between different rows, or columns (tf.keras.regularizers.OrthogonalRegularizer)."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        """Takes the factor, and "rows" or "columns". Raises ValueError for another mode."""
        self.factor = _factor(factor, 0.01)
        if mode not in ("rows", "columns"):
            raise ValueError(
                f'Invalid value for argument `mode`. Expected one of {{"rows", "columns"}}. Received: mode={mode}'
            )
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        """The penalty of a matrix, a scalar. Raises ValueError for another rank."""
        if len(x.shape) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape == {x.shape}")
        rows = self.mode == "rows"
        unit = l2_normalize(x, 1 if rows else 0)
        products = matmul(unit, unit, transpose_b=rows, transpose_a=not rows)
        count = x.shape[0 if rows else 1]
        different = products * (1.0 - eye(count, dtype=x.dtype))
        return self.factor * 0.5 * reduce_sum(abs(different)) / (count * (count - 1) / 2.0)

    def get_config(self) -> dict[str, Any]:
        """The factor and the mode."""
        return {"factor": self.factor, "mode": self.mode}


orthogonal_regularizer = OrthogonalRegularizer
l1 = L1
l2 = L2


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """A regularizer with both penalties (tf.keras.regularizers.l1_l2)."""
    return L1L2(l1=l1, l2=l2)


def get(identifier: Any) -> Any:
    """A regularizer from a name, config, class, instance or callable. Raises ValueError for an unknown name."""
    if identifier == "l1_l2":
        return l1_l2()
    return registry.get(identifier)


def serialize(regularizer: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes a regularizer; the legacy format has only its class name and config."""
    data = serialize_keras_object(regularizer)
    return legacy_form(data) if use_legacy_format else data


def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """A regularizer from `serialize`, in either format."""
    del use_legacy_format
    return deserialize_keras_object(config, custom_objects, registry)
