"""The public face of tf.function: the decorator, and the switches of the whole process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.function.function import Function, functions_run_eagerly, no_retrace, run_functions_eagerly

__all__ = ["Function", "function", "functions_run_eagerly", "no_retrace", "run_functions_eagerly"]


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Sequence[Any] | None = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    *,
    strict: bool = False,
) -> Any:
    """Compiles a function into a callable graph (tf.function); usable as a decorator with or without arguments.

    Args:
        func: the function; None gives a decorator.
        input_signature: TensorSpecs of the arguments; sizes given as None are symbolic from the start.
        autograph, jit_compile, reduce_retracing, experimental_implements, experimental_autograph_options,
        experimental_attributes: accepted for compatibility; tracing always compiles and always shares traces.
        strict: raises where the function would otherwise run eagerly.

    Raises:
        TypeError: if `func` is not callable or a signature does not fit a call.
    """
    del autograph, jit_compile, reduce_retracing
    del experimental_implements, experimental_autograph_options, experimental_attributes
    if func is None:
        return lambda f: Function(f, input_signature=input_signature, strict=strict)
    if isinstance(func, Function):
        return func
    if not callable(func):
        raise TypeError(f"tf.function takes a callable, got {func!r} of type {type(func).__name__}")
    return Function(func, input_signature=input_signature, strict=strict)
