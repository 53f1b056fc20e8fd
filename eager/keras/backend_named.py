"""tf.keras.backend functions that differ from those of tf in the names or the order of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eager as tf
from eager.tensor import Tensor


def pow(x: Any, a: Any) -> Tensor:
    """x to the power of a (tf.keras.backend.pow)."""
    return tf.pow(x, a)


def reshape(x: Any, shape: Any) -> Tensor:
    """The same elements in another shape (tf.keras.backend.reshape)."""
    return tf.reshape(x, shape)


def shape(x: Any) -> Tensor:
    """The shape as a tensor (tf.keras.backend.shape)."""
    return tf.shape(x)


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)) (tf.keras.backend.softplus)."""
    return tf.nn.softplus(x)


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|) (tf.keras.backend.softsign)."""
    return tf.nn.softsign(x)


def stop_gradient(variables: Any) -> Any:
    """The same values, through which no gradient flows (tf.keras.backend.stop_gradient); a list gives a list."""
    if isinstance(variables, list | tuple):
        return [tf.stop_gradient(v) for v in variables]
    return tf.stop_gradient(variables)


def transpose(x: Any) -> Tensor:
    """x with its axes in reverse (tf.keras.backend.transpose)."""
    return tf.transpose(x)


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """`fn` of each element along the first axis (tf.keras.backend.map_fn)."""
    return tf.map_fn(fn, elems, name=name, dtype=dtype)


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Combines elements from the first to the last (tf.keras.backend.foldl)."""
    return tf.foldl(fn, elems, initializer=initializer, name=name)


def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Combines elements from the last to the first (tf.keras.backend.foldr)."""
    return tf.foldr(fn, elems, initializer=initializer, name=name)
