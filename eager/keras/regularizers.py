"""tf.keras.regularizers: penalties on weights and outputs."""

from __future__ import annotations

from typing import Any, Self

from eager.keras.registry import Registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.ops.math import abs, reduce_sum, square

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


@registry.add("l1_l2")
class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x ** 2) (tf.keras.regularizers.L1L2)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        """Takes the factors."""
        self.l1, self.l2 = float(l1 or 0.0), float(l2 or 0.0)

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        total: Any = 0.0
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

    def __init__(self, l1: float = 0.01) -> None:
        """Takes the factor."""
        self.l1 = float(l1)

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        return self.l1 * reduce_sum(abs(x))

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l1": self.l1}


@registry.add()
class L2(Regularizer):
    """l2 * sum(x ** 2) (tf.keras.regularizers.L2)."""

    def __init__(self, l2: float = 0.01) -> None:
        """Takes the factor."""
        self.l2 = float(l2)

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        return self.l2 * reduce_sum(square(x))

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l2": self.l2}


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


def serialize(regularizer: Any) -> Any:
    """Plain data that describes a regularizer."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """A regularizer from `serialize`."""
    return deserialize_keras_object(config, custom_objects, registry)
