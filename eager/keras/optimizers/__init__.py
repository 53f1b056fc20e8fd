"""tf.keras.optimizers. Each optimizer's module is loaded when the first of its names is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from eager.keras.optimizers import schedules
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.lazy import lazy_names

_MODULES = {
    "eager.keras.optimizers.adadelta": "Adadelta",
    "eager.keras.optimizers.adafactor": "Adafactor",
    "eager.keras.optimizers.adagrad": "Adagrad",
    "eager.keras.optimizers.adam": "Adam AdamW",
    "eager.keras.optimizers.adamax": "Adamax",
    "eager.keras.optimizers.ftrl": "Ftrl",
    "eager.keras.optimizers.lion": "Lion",
    "eager.keras.optimizers.nadam": "Nadam",
    "eager.keras.optimizers.rmsprop": "RMSprop",
    "eager.keras.optimizers.sgd": "SGD",
    "eager.keras.optimizers.loss_scale": "LossScaleOptimizer",
    "eager.keras.optimizers.experimental": "experimental=",
    "eager.keras.optimizers.legacy": "legacy=",
}

registry.add_homes(
    {path: f"{names} {names.lower()}" for path, names in _MODULES.items() if "=" not in names}
    | {"eager.keras.optimizers.loss_scale": "LossScaleOptimizer LossScaleOptimizerV3 lossscaleoptimizer"}
)

_LEGACY_KEYS = frozenset(("lr", "decay", "schedule_decay"))


def get(identifier: Any, **kwargs: Any) -> Any:
    """An optimizer from a name in any case, a config, or an optimizer (tf.keras.optimizers.get).

    Args:
        identifier: the name, config or optimizer.
        **kwargs: `use_legacy_optimizer` gives the one of tf.keras.optimizers.legacy for a name.

    Raises:
        ValueError: for an unknown name (near ones are suggested), or anything else.
        TypeError: for another keyword.
    """
    legacy = kwargs.pop("use_legacy_optimizer", False)
    kwargs.pop("use_legacy_format", None)
    if kwargs:
        raise TypeError(f"Invalid keyword arguments: {kwargs}")
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        from eager.keras.serialization import custom_object

        found = custom_object(identifier)
        return found() if found is not None else _named(identifier, legacy)()
    if isinstance(identifier, type) or not hasattr(identifier, "apply_gradients"):
        raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}")
    return identifier


def for_policy(optimizer: Any, policy: Any) -> Any:
    """The optimizer that `compile` uses for a model of a policy: under mixed_float16 one that scales losses."""
    if policy.name != "mixed_float16":
        return optimizer
    from eager.keras.optimizers.loss_scale import LossScaleOptimizer

    return optimizer if isinstance(optimizer, LossScaleOptimizer) else LossScaleOptimizer(optimizer)


def _named(name: str, legacy: bool) -> Any:
    table = importlib.import_module("eager.keras.optimizers.legacy").registry if legacy else registry
    return table.lookup(name) or table.find(name.lower().removeprefix("experimental"))


def serialize(optimizer: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes an optimizer, without its state; the legacy format has class_name and config only."""
    full = serialize_keras_object(optimizer)
    if not use_legacy_format:
        return full
    return {"class_name": full["registered_name"] or full["class_name"], "config": full["config"]}


def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = False, **kwargs: Any) -> Any:
    """An optimizer from `serialize`, in either format.

    A config with options that only older optimizers have (lr, decay) gives one of tf.keras.optimizers.legacy.

    Raises:
        TypeError: for an unknown class, or an unknown keyword.
    """
    del use_legacy_format
    legacy = kwargs.pop("use_legacy_optimizer", False)
    if kwargs:
        raise TypeError(f"Invalid keyword arguments: {kwargs}")
    table = registry
    if isinstance(config, dict) and "class_name" in config:
        options = config.get("config") or {}
        if "module" not in config or config["module"] == "builtins":
            config = config | {"class_name": config["class_name"].rpartition(">")[2]}
        if legacy or ("module" not in config and _LEGACY_KEYS & set(options)):
            table = importlib.import_module("eager.keras.optimizers.legacy").registry
        if table.lookup(config["class_name"]) is None and table.lookup(config["class_name"].lower()) is not None:
            config = config | {"class_name": config["class_name"].lower()}
    return deserialize_keras_object(config, custom_objects, table)


__all__ = ["Optimizer", "deserialize", "get", "registry", "schedules", "serialize"]

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.optimizers", _MODULES)
