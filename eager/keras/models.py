"""tf.keras.models: the model classes, cloning, models from configs and files."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.model import Functional, Model
from eager.keras.engine.sequential import Sequential
from eager.keras.registry import Registry
from eager.lazy import lazy_names

registry = Registry("model", "keras.models")
for _model in (Model, Functional, Sequential):
    registry.add()(_model)


def model_from_config(config: Any, custom_objects: Any = None) -> Any:
    """A model from its serialized form. Raises TypeError for an unknown class, or a config of another form."""
    from eager.keras.serialization import deserialize_keras_object

    if not isinstance(config, dict):
        raise TypeError(f"`model_from_config` expects a dictionary, not a {type(config).__name__}: {config!r}")
    return deserialize_keras_object(config, custom_objects, registry)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """A model from `to_json`, layerjit's or Keras's (tf.keras.models.model_from_json).

    Raises:
        UnsafeFileError: if the text is no JSON, too long or too deep.
        TypeError: for a class that is neither built in nor custom.
    """
    from eager.keras.saving.limits import parse_json
    from eager.keras.serialization import no_compile

    with no_compile():
        return model_from_config(parse_json(json_string, "the model's JSON"), custom_objects)


def model_from_yaml(yaml_string: str, custom_objects: Any = None) -> Any:
    """Not there, as in tf.keras. Raises RuntimeError: reading YAML can run code; use `model_from_json`."""
    del yaml_string, custom_objects
    raise RuntimeError(
        "Method `model_from_yaml()` has been removed due to security risk of arbitrary code execution. Please use "
        "`Model.to_json()` and `model_from_json()` instead."
    )


_MODULES = {
    "eager.keras.engine.clone": "clone_model",
    "eager.keras.saving.models": "load_model save_model",
}

__all__ = ["Functional", "Model", "Sequential", "model_from_config", "model_from_json", "model_from_yaml", "registry"]

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.models", _MODULES)
