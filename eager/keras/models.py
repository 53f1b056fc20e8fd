"""tf.keras.models: the model classes."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.model import Functional, Model
from eager.keras.engine.sequential import Sequential
from eager.keras.registry import Registry
from eager.lazy import lazy_names

registry = Registry("model", "keras.models")
for _model in (Model, Functional, Sequential):
    registry.add()(_model)


def clone_model(model: Any) -> Any:
    """A model of the same structure with weights of its own (tf.keras.models.clone_model)."""
    return type(model).from_config(model.get_config())


def model_from_config(config: Any, custom_objects: Any = None) -> Any:
    """A model from its serialized form. Raises TypeError for an unknown class."""
    from eager.keras.serialization import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, registry)


__all__ = ["Functional", "Model", "Sequential", "clone_model", "model_from_config", "registry"]

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.models", {})
