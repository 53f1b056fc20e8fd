"""get_config and from_config: what a layer was made with."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from typing import Any, Self

from eager.context import init_scope
from eager.keras import mixed_precision
from eager.keras.engine.node import Nodes
from eager.module import name_scope
from eager.tensor_shape import TensorShape
from eager.variable import Variable
from graphcore.dtypes import DType

_SIMPLE = (str, int, float, bool, type(None))


class Configurable(Nodes):
    """The part of Layer that describes and restores it."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _batch_input_shape: tuple[Any, ...] | None
    build: Any
    _name_in_scope: bool

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

    # Being built from a file ------------------------------------------------------------------------------------------

    def get_build_config(self) -> dict[str, Any] | None:
        """The input shape that the layer was built for, None before that; `build_from_config` takes it."""
        shape = self.__dict__.get("_build_input_shape")
        return None if shape is None else {"input_shape": _plain_shape(shape)}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Makes the weights for the shapes in a config from `get_build_config`."""
        shape = config.get("input_shape")
        if shape is not None:
            # A call would give the weights the layer's name as a prefix, and so must this.
            with init_scope(), name_scope(self.name) if self._name_in_scope else nullcontext():
                self.build(_shape(shape))
            self._build_input_shape = _shape(shape)  # many a `build` does not take note of it

    def _own_saved(self) -> list[Variable]:
        """This very layer's variables in the order in which they are saved: those that can be trained first."""
        return sorted(self._own, key=lambda v: not v.trainable)

    def save_own_variables(self, store: Any) -> None:
        """Puts the values of this layer's own variables, not those of inner layers, into a dict-like store.

        Args:
            store: takes arrays under string keys; the default uses "0", "1", ...
        """
        for i, v in enumerate(self._own_saved()):
            store[str(i)] = v.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Takes values from `save_own_variables`.

        Args:
            store: gives arrays under string keys.

        Raises:
            ValueError: if their number or a shape differs; nothing is changed then.
        """
        variables = self._own_saved()
        if len(store.keys()) != len(variables):
            hint = "" if variables or self.__dict__.get("built", True) else (
                " The layer has not been built: call the model on data, or `build()`, before loading weights."
            )
            raise ValueError(
                f"Layer '{self.name}' expected {len(variables)} variables, but received {len(store.keys())} variables "
                f"during loading. Expected: {[v.name for v in variables]}.{hint}"
            )
        values = [store[str(i)] for i in range(len(variables))]
        for v, value in zip(variables, values, strict=True):
            if tuple(v.shape) != tuple(value.shape):
                raise ValueError(
                    f"Layer '{self.name}': the variable {v.name} has shape {tuple(v.shape)}, but the saved value has "
                    f"shape {tuple(value.shape)}."
                )
        for v, value in zip(variables, values, strict=True):
            v.assign(cast_array(value, v.dtype))

    def save_assets(self, dir_path: str) -> None:
        """Writes files that are no variables, such as vocabularies, into a folder; by default none."""
        del dir_path

    def load_assets(self, dir_path: str) -> None:
        """Reads the files of `save_assets`; by default none."""
        del dir_path


def cast_array(value: Any, dtype: DType) -> Any:
    """An array as one of a variable's dtype. Raises ValueError if a fraction or a sign would be lost."""
    if value.dtype == dtype.numpy:
        return value
    if value.dtype.kind == "f" and not dtype.is_floating and not dtype.is_complex:
        raise ValueError(f"A saved value of dtype {value.dtype} does not fit a variable of dtype {dtype.name}")
    return value.astype(dtype.numpy)


def _plain_shape(shape: Any) -> Any:
    if shape is None or isinstance(shape, int):
        return shape
    if isinstance(shape, dict):
        return {k: _plain_shape(v) for k, v in shape.items()}
    as_list = getattr(shape, "as_list", None)
    return as_list() if as_list is not None else [_plain_shape(s) for s in shape]


def _shape(data: Any) -> Any:
    """The argument of `build`: a shape, or lists and dicts of shapes."""
    if isinstance(data, dict):
        return {k: _shape(v) for k, v in data.items()}
    if all(d is None or isinstance(d, int) for d in data):
        return TensorShape(data)
    return [_shape(d) for d in data]


def _is_simple(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_simple(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(_is_simple(v) for v in value)
    return type(value) in _SIMPLE
