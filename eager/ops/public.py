"""The decorator of public functions: it registers tf names, and makes a layer of a call on symbolic Keras tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from eager.context import state
from eager.convert import SymbolicInput

P = ParamSpec("P")
R = TypeVar("R")

NAMES: dict[str, Callable[..., Any]] = {}
"""Every public function by its tf name, such as "nn.relu"."""


def public(
    *names: str, short: Callable[..., Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function public under tf names; called on symbolic Keras tensors it becomes a layer of that function.

    Args:
        names: such as "nn.relu".
        short: what is tried first while nothing records, with arguments by position; None from it means that the
            function itself is needed (see eager.plain).
    """

    def decorate(func: Callable[P, R]) -> Callable[P, R]:
        @wraps(func)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return func(*args, **kwargs)
            except SymbolicInput:
                if _inside_public():
                    raise  # the function that calls this one becomes the layer
                from eager.keras.engine.op_layer import call_as_layer

                return call_as_layer(NAMES[names[0]], names[0], args, kwargs)

        given = call if short is None else _shortened(call, short)
        for name in names:
            NAMES[name] = given
        return given

    return decorate


def _shortened(call: Callable[P, R], short: Callable[..., Any]) -> Callable[P, R]:
    @wraps(call)
    def shortened(*args: P.args, **kwargs: P.kwargs) -> R:
        if not state.busy and not kwargs:
            result = short(*args)
            if result is not None:
                return result
        return call(*args, **kwargs)

    return shortened


def _inside_public() -> bool:
    """Whether a public function that was given symbolic Keras tensors calls this public function."""
    from eager.keras.engine.keras_tensor import any_symbolic

    frame: Any = sys._getframe(1)
    code, frame = frame.f_code, frame.f_back
    while frame is not None:
        if frame.f_code is code and (any_symbolic(frame.f_locals["args"]) or any_symbolic(frame.f_locals["kwargs"])):
            return True
        frame = frame.f_back
    return False
