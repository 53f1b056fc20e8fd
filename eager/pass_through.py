"""tf.grad_pass_through and tf.inside_function."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from eager.context import executing_eagerly


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the values of `f` and the gradient of the identity (tf.grad_pass_through).

    The straight-through estimator, as for rounding: `tf.grad_pass_through(tf.round)(x)`.

    Args:
        f: a function of tensors with as many results, of the same shapes and dtypes, as arguments.
    """
    from eager.own_gradient import custom_gradient

    @custom_gradient
    def passing(*args: Any, **kwargs: Any) -> tuple[Any, Callable[..., Any]]:
        def gradient(*cotangents: Any, variables: Any = None) -> Any:
            (*others, last) = cotangents
            passed = (*others, last) if others else last
            return passed if variables is None else (passed, [None] * len(variables))

        return f(*args, **kwargs), gradient

    return wraps(f)(passing)


def inside_function() -> bool:
    """Whether Python runs to be traced by tf.function (tf.inside_function)."""
    return not executing_eagerly()
