"""Objects as plain data and back, through a closed registry: nothing is imported or run by name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from eager.keras.plain_values import is_value, plain_value, value_of
from eager.keras.registry import Registry

T = TypeVar("T")

_MODULES = {
    "keras.layers": "eager.keras.layers", "keras.initializers": "eager.keras.initializers",
    "keras.regularizers": "eager.keras.regularizers", "keras.constraints": "eager.keras.constraints",
    "keras.activations": "eager.keras.activations", "keras.losses": "eager.keras.losses",
    "keras.metrics": "eager.keras.metrics", "keras.optimizers": "eager.keras.optimizers",
    "keras.optimizers.schedules": "eager.keras.optimizers.schedules", "keras.models": "eager.keras.models",
    "keras.optimizers.legacy": "eager.keras.optimizers.legacy",
}  # fmt: skip
"""The modules of built-in classes; each has a `registry`."""

_RENAMED = {"SlicingOpLambda": "TFOpLambda"}
"""Classes of Keras 2 that are another one here."""

_without_compile: list[bool] = []
_custom: dict[str, Any] = {}  # the global ones, registered or put there
_scoped: dict[str, Any] = {}  # those of the scopes that are open
_registered: dict[str, Any] = {}  # as registered; keeps names of what was taken out of _custom


def registries() -> list[Registry]:
    """The tables of all kinds."""
    return [importlib.import_module(path).registry for path in _MODULES.values()]


def get_custom_objects() -> dict[str, Any]:
    """The global dict of registered and other custom objects, which may be changed.

    Objects of a `custom_object_scope` are not in it (tf.keras.utils.get_custom_objects).
    """
    return _custom


def custom_object(name: str) -> Any:
    """A custom object by name, registered name or class name; None if there is none."""
    found = _scoped.get(name) or _custom.get(name)
    if found is None:
        found = next((obj for key, obj in _custom.items() if key.rpartition(">")[2] == name), None)
    return found


@contextmanager
def custom_object_scope(objects: dict[str, Any]) -> Generator[None]:
    """A context with further custom objects (tf.keras.utils.custom_object_scope)."""
    before = dict(_scoped)
    _scoped.update(objects)
    try:
        yield
    finally:
        _scoped.clear()
        _scoped.update(before)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Decorates a class or function so that saved models find it (tf.keras.utils.register_keras_serializable).

    Raises:
        ValueError: if a class has no get_config, or another object has the name.
    """

    def decorate(obj: T) -> T:
        key = f"{package}>{name or getattr(obj, '__name__', '')}"
        if isinstance(obj, type) and not hasattr(obj, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        if _custom.get(key, obj) is not obj:
            raise ValueError(f"{key} has already been registered to {_custom[key]}")
        _registered[key] = _custom[key] = obj
        return obj

    return decorate


def get_registered_name(obj: Any) -> str:
    """The registered name of a class or function, else its own (tf.keras.utils.get_registered_name)."""
    return next((key for key, known in _registered.items() if known is obj), obj.__name__)


def get_registered_object(name: str, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """The object of a registered name, or None (tf.keras.utils.get_registered_object)."""
    for table in (_scoped, _custom, custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None


def serialize_keras_object(obj: Any) -> Any:
    """Plain data that describes an object (tf.keras.utils.serialize_keras_object).

    Objects that know the shapes they were built for, and compiled models, say so too (`build_config`,
    `compile_config`).

    Raises:
        TypeError: for an object that has no get_config and no name.
        ValueError: for a lambda expression, whose code is never saved.
    """
    if obj is None or isinstance(obj, str | int | float | bool):
        return obj
    if isinstance(obj, list | tuple):
        return type(obj)(serialize_keras_object(x) for x in obj)
    if isinstance(obj, dict):
        return {key: serialize_keras_object(x) for key, x in obj.items()}
    if hasattr(obj, "get_config"):
        return _serialize_instance(obj)
    value = plain_value(obj)
    if value is not None:
        return value
    if callable(obj) and hasattr(obj, "__name__"):
        if obj.__name__ == "<lambda>":
            raise ValueError(
                "A lambda expression cannot be saved: its code is never written to files. Use a named function that is "
                "registered with tf.keras.utils.register_keras_serializable."
            )
        name = get_registered_name(obj)
        return {"module": "builtins", "class_name": "function", "config": obj.__name__, "registered_name": name}
    raise TypeError(f"Cannot serialize object {obj} of type {type(obj)}. It has no get_config() method.")


def _serialize_instance(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    # A built-in class comes from a module that is loaded.
    tables = [sys.modules[path].registry for path in _MODULES.values() if path in sys.modules]
    home = next((r.module for r in tables if r.holds(cls)), None)
    if home is None and cls.__module__.startswith("eager."):
        home = next((r.module for r in registries() if r.holds(cls)), None)
    found: dict[str, Any] = {
        "module": home or cls.__module__, "class_name": cls.__name__, "config": obj.get_config(),
        "registered_name": None if home else get_registered_name(cls),
    }  # fmt: skip
    build_config = obj.get_build_config() if hasattr(obj, "get_build_config") else None
    if build_config is not None:
        found["build_config"] = build_config
    compile_config = obj.get_compile_config() if hasattr(obj, "get_compile_config") else None
    if compile_config:
        found["compile_config"] = compile_config
    return found


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, registry: Registry | None = None, **kwargs: Any
) -> Any:
    """An object from `serialize_keras_object`, layerjit's or Keras's (tf.keras.utils.deserialize_keras_object).

    Args:
        config: the plain data.
        custom_objects: classes and functions by name, beside the registered ones.
        registry: the table of built-in objects to look in first.
        **kwargs: `safe_mode` and `module_objects` are accepted; nothing is ever imported or run by name.

    Raises:
        TypeError: for a class that is neither built in nor custom, or a config of the wrong form.
        ValueError: for the code of a lambda.
    """
    unknown = set(kwargs) - {"safe_mode", "module_objects", "printable_module_name"}
    if unknown:
        raise TypeError(f"deserialize_keras_object: unknown keyword {sorted(unknown)}")
    if config is None or isinstance(config, str | int | float | bool):
        return config
    if isinstance(config, list | tuple):
        return type(config)(deserialize_keras_object(x, custom_objects) for x in config)
    if not isinstance(config, dict) or "class_name" not in config:
        if isinstance(config, dict):
            return {k: deserialize_keras_object(v, custom_objects) for k, v in config.items()}
        raise TypeError(f"Could not parse config: {config!r}")
    name = config["class_name"]
    if not isinstance(name, str):
        raise TypeError(f"Could not parse config: class_name is {name!r}")
    if is_value(name):
        return value_of(config)
    if name == "function":
        return _function(config, custom_objects, registry)
    inner = config.get("config")
    cls = _class(config, custom_objects or {}, registry)
    if not isinstance(inner, dict):
        if inner is None:
            inner = {}
        else:
            raise TypeError(f"Could not parse config of {name!r}: {inner!r}")
    with custom_object_scope(custom_objects or {}):
        made = cls.from_config(_adapted(name, cls, inner))
        _finish(made, config)
    return made


def _adapted(name: str, cls: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The config in layerjit's terms, if the class is a built-in one."""
    custom = [*_custom.values(), *_scoped.values()]
    if not str(getattr(cls, "__module__", "")).startswith("eager.") or any(cls is c for c in custom):
        return config
    from eager.keras.saving.dialect import adapted

    return adapted(name, cls, config)


def _finish(made: Any, config: dict[str, Any]) -> None:
    """Builds and compiles what the data says was built and compiled."""
    build_config, compile_config = config.get("build_config"), config.get("compile_config")
    if build_config and hasattr(made, "build_from_config") and not getattr(made, "built", True):
        made.build_from_config(build_config)
    if compile_config and hasattr(made, "compile_from_config") and not _without_compile:
        made.compile_from_config(compile_config)


@contextmanager
def no_compile() -> Generator[None]:
    """A context in which models are made without being compiled."""
    _without_compile.append(True)
    try:
        yield
    finally:
        _without_compile.pop()


def _class(config: dict[str, Any], custom: dict[str, Any], registry: Registry | None) -> Any:
    name = config["class_name"]
    registered = config.get("registered_name") or ""
    found = custom.get(name) or custom.get(registered)
    found = found or custom_object(registered or name) or custom_object(name)
    if found is not None:
        return found
    module = str(config.get("module") or "")
    if module and module.split(".")[0] not in ("keras", "tensorflow", "tf_keras", "builtins", "eager"):
        raise _unknown_class(name)
    # Keras 2 puts its optimizers under "Custom>" in older files.
    name = str(name).removeprefix("Custom>")
    name = _RENAMED.get(name, name)
    home = _MODULES.get(module)
    tables = [importlib.import_module(home).registry] if home else [*([registry] if registry else []), *registries()]
    if name in ("DTypePolicy", "Policy", "LossScaleOptimizer"):
        mixed = importlib.import_module("eager.keras.mixed_precision")
        return mixed.LossScaleOptimizer if name == "LossScaleOptimizer" else mixed.Policy
    for table in tables:
        entry = table.lookup(name)
        if isinstance(entry, type):
            return entry
    raise _unknown_class(name)


def _unknown_class(name: str) -> TypeError:
    return TypeError(
        f"Could not locate class '{name}'. Make sure custom classes are decorated with "
        "`@tf.keras.utils.register_keras_serializable()` or passed as custom_objects."
    )


def _function(config: dict[str, Any], custom: dict[str, Any] | None, registry: Registry | None) -> Any:
    name = config["config"]
    if isinstance(name, dict):
        name = name.get("name", name)
    if not isinstance(name, str):
        raise TypeError(f"Could not parse config: the function is {name!r}")
    found = (custom or {}).get(name) or custom_object(config.get("registered_name") or name)
    for table in [] if found else [*([registry] if registry else []), *registries()]:
        found = found or table.lookup(name)
    if found is None:
        raise TypeError(
            f"Could not locate function '{name}'. Make sure it is decorated with "
            "`@tf.keras.utils.register_keras_serializable()` or passed as custom_objects."
        )
    return found
