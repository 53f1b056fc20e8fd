"""The decorator of public functions: it registers tf names, and makes a layer of a call on symbolic Keras tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from eager.convert import SymbolicInput

P = ParamSpec("P")
R = TypeVar("R")

NAMES: dict[str, Callable[..., Any]] = {}
"""Every public function by its tf name, such as "nn.relu"."""


def public(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function public under tf names; called on symbolic Keras tensors it becomes a layer of that function."""

    def decorate(func: Callable[P, R]) -> Callable[P, R]:
        @wraps(func)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return func(*args, **kwargs)
            except SymbolicInput:
                from eager.keras.engine.op_layer import call_as_layer

                return call_as_layer(call, names[0], args, kwargs)

        for name in names:
            NAMES[name] = call
        return call

    return decorate
