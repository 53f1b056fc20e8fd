"""tf.keras.optimizers."""

from __future__ import annotations

from typing import Any

from eager.keras.optimizers import schedules
from eager.keras.optimizers.adam import Adam, AdamW
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.rmsprop import RMSprop
from eager.keras.optimizers.sgd import SGD
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object


def get(identifier: Any, **kwargs: Any) -> Any:
    """An optimizer from a name, config, class or instance.

    Raises:
        ValueError: for an unknown name; near ones are suggested.
    """
    del kwargs
    if isinstance(identifier, Optimizer):
        return identifier
    return registry.get(identifier)


def serialize(optimizer: Any) -> Any:
    """Plain data that describes an optimizer, without its state."""
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: Any = None, **kwargs: Any) -> Any:
    """An optimizer from `serialize`. Raises TypeError for an unknown class."""
    del kwargs
    return deserialize_keras_object(config, custom_objects, registry)


__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "deserialize", "get", "registry", "schedules", "serialize"]
