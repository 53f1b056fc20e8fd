"""get_config and from_config: what a layer was made with."""

from __future__ import annotations

import inspect
from typing import Any, Self

from eager.keras import mixed_precision
from eager.keras.engine.node import Nodes

_SIMPLE = (str, int, float, bool, type(None))


class Configurable(Nodes):
    """The part of Layer that describes and restores it."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _batch_input_shape: tuple[Any, ...] | None

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs: name, trainable, dtype and, where not overridden, the constructor's arguments.

        Raises:
            NotImplementedError: if an argument of the constructor is no plain number, string, bool or None.
        """
        config: dict[str, Any] = {
            "name": self.name, "trainable": self.trainable, "dtype": mixed_precision.serialize(self._policy),
        }  # fmt: skip
        if self._batch_input_shape is not None:
            config["batch_input_shape"] = self._batch_input_shape
        if type(self).get_config is not Configurable.get_config:
            return config
        return self._captured(config)

    def _captured(self, config: dict[str, Any]) -> dict[str, Any]:
        """The base config together with the constructor's own arguments."""
        parameters = inspect.signature(type(self).__init__).parameters
        args, kwargs = self._arguments
        names = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
        given = dict(zip(names, args, strict=False)) | kwargs
        extra = {k: v for k, v in given.items() if k not in config or k in names}
        if len(args) > len(names) or not all(_is_simple(v) for v in extra.values()):
            raise NotImplementedError(
                f"Layer {type(self).__name__} was created by passing non-serializable argument values in `__init__()`, "
                "and therefore the layer must override `get_config()` in order to be serializable. Please implement "
                "`get_config()`."
            )
        config = config | {k: v for k, v in extra.items() if k not in ("name", "dtype", "trainable")}
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return config
        base = ("name", "trainable", "dtype", "batch_input_shape")
        return {k: v for k, v in config.items() if k not in base or k in parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer from `get_config`.

        Raises:
            TypeError: if the constructor does not take it.
        """
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}.\n\nException encountered: "
                f"{error}"
            ) from error


def _is_simple(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_simple(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(_is_simple(v) for v in value)
    return type(value) in _SIMPLE
