"""Layers of tf functions: what a function or operator becomes when called on symbolic Keras tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.keras_tensor import (
    any_symbolic,
    as_keras_tensors,
    operator_function,
    trace_call,
)
from eager.keras.engine.naming import unique_name
from eager.keras.engine.node import Node
from eager.ops.public import NAMES

_CANONICAL = frozenset(("einsum", "tensordot", "norm", "nn.softmax", "nn.log_softmax", "nn.softsign", "nn.silu"))
"""Names that TensorFlow prefers to those under "math." and "linalg."."""


def call_as_layer(func: Callable[..., Any], name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """Calls a function on symbolic Keras tensors: makes a layer of it and calls that.

    Args:
        func: the public function, or the function of an operator.
        name: its tf name, such as "nn.relu" or "__operators__.add".
        args: positional arguments.
        kwargs: keyword arguments.

    Raises:
        TypeError: if no argument is a symbolic Keras tensor that the layer could be connected to.
    """
    if not any_symbolic(list(args)) and not any_symbolic(kwargs):
        raise TypeError(
            f"tf.{name} met a symbolic Keras tensor inside of an object of another type; pass it as an argument, or in "
            "a list, tuple or dict"
        )
    return TFOpLambda(func, name)(*args, **kwargs)


class TFOpLambda(Layer):
    """A layer that calls a tf function; made by operators and tf functions on symbolic Keras tensors."""

    def __init__(self, function: Callable[..., Any] | str, symbol: str = "", **kwargs: Any) -> None:
        """Takes a function and its tf name, or the name alone. Raises ValueError for an unknown name."""
        found = function_of(function) if isinstance(function, str) else function
        self._symbol = symbol_of(found, symbol or str(function))
        name = kwargs.pop("name", None) or unique_name(f"tf.{self._symbol}", skip_observed=True)
        super().__init__(name=name, autocast=False, **kwargs)
        self.built = True
        self._function = found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function; on symbolic Keras tensors takes note of it."""
        if not any_symbolic(list(args)) and not any_symbolic(kwargs):
            return self._function(*args, **kwargs)
        results, _ = trace_call(self._function, self.name, args, kwargs)
        outputs = as_keras_tensors(results, self.name)
        Node(self, args, kwargs, outputs)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The base config and the function's tf name."""
        return super().get_config() | {"function": self._symbol}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer from `get_config`; the function is looked up among tf's names."""
        return cls(**config)


def symbol_of(function: Callable[..., Any], name: str) -> str:
    """The canonical tf name of a function: "math.reduce_mean" for reduce_mean."""
    if name.startswith("__operators__"):
        return name
    aliases = [n for n, f in NAMES.items() if f is function]
    usual = (n for n in aliases if n.startswith(("math.", "linalg.")))
    return next((n for n in aliases if n in _CANONICAL), None) or next(usual, name)


def function_of(symbol: str) -> Callable[..., Any]:
    """The function of a tf name. Raises ValueError for an unknown one."""
    found = NAMES.get(symbol) or operator_function(symbol)
    if found is None:
        raise ValueError(f"No tf function has the name {symbol!r}")
    return found
