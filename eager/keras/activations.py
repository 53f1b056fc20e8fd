"""tf.keras.activations: functions that layers apply to their outputs."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.logits import remember_logits
from eager.keras.registry import Registry, legacy_form
from eager.keras.serialization import serialize_keras_object
from eager.ops import math, nn
from eager.ops.array import where

registry = Registry("activation function", "keras.activations")


@registry.add()
def linear(x: Any) -> Any:
    """x (tf.keras.activations.linear)."""
    return x


@registry.add()
def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """max(x, 0), with a slope below, a ceiling and a threshold as options (tf.keras.activations.relu)."""
    if not alpha and max_value is None and not threshold:
        return nn.relu(x)
    below = alpha * (x - threshold)
    result = where(math.greater(x, threshold), x, below)
    return result if max_value is None else math.minimum(result, float(max_value))


@registry.add()
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6) (tf.nn.relu6)."""
    return nn.relu6(x)


@registry.add()
def leaky_relu(x: Any, alpha: float = 0.2) -> Any:
    """x where positive, else alpha * x (tf.nn.leaky_relu)."""
    return nn.leaky_relu(x, alpha)


@registry.add()
def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution function of x (tf.keras.activations.gelu)."""
    return nn.gelu(x, approximate)


@registry.add()
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) (tf.keras.activations.sigmoid)."""
    return remember_logits(math.sigmoid(x), x, "sigmoid")


@registry.add()
def tanh(x: Any) -> Any:
    """The hyperbolic tangent (tf.keras.activations.tanh)."""
    return math.tanh(x)


@registry.add()
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along an axis (tf.keras.activations.softmax). Raises ValueError for rank 1 or less."""
    if getattr(x, "ndim", 2) < 2:
        raise ValueError(f"Cannot apply softmax to a tensor that is 1D. Received input: {x}")
    result = nn.softmax(x, axis)
    return remember_logits(result, x, "softmax") if axis in (-1, getattr(x, "ndim", 0) - 1) else result


@registry.add()
def log_softmax(x: Any, axis: int = -1) -> Any:
    """log(softmax(x)) (tf.keras.activations.log_softmax)."""
    return nn.log_softmax(x, axis)


@registry.add("silu")
def swish(x: Any) -> Any:
    """x * sigmoid(x) (tf.keras.activations.swish)."""
    return nn.silu(x)


@registry.add()
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, else alpha * (exp(x) - 1) (tf.keras.activations.elu)."""
    y = nn.elu(x)
    return y if alpha == 1 else where(math.greater(x, 0.0), y, alpha * y)


@registry.add()
def selu(x: Any) -> Any:
    """Scaled elu (tf.keras.activations.selu)."""
    return nn.selu(x)


@registry.add()
def softplus(x: Any) -> Any:
    """log(1 + exp(x)) (tf.keras.activations.softplus)."""
    return nn.softplus(x)


@registry.add()
def softsign(x: Any) -> Any:
    """x / (1 + |x|) (tf.keras.activations.softsign)."""
    return nn.softsign(x)


@registry.add()
def exponential(x: Any) -> Any:
    """exp(x) (tf.keras.activations.exponential)."""
    return math.exp(x)


@registry.add()
def hard_sigmoid(x: Any) -> Any:
    """0.2 * x + 0.5 limited to [0, 1] (tf.keras.activations.hard_sigmoid)."""
    return math.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


@registry.add()
def mish(x: Any) -> Any:
    """x * tanh(softplus(x)) (tf.keras.activations.mish)."""
    return x * math.tanh(nn.softplus(x))


silu = swish

_LAYERS = frozenset(("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU"))
"""Layers that go as activations, by their names."""


def get(identifier: Any) -> Any:
    """An activation function from a name, config or callable; None means linear.

    Raises:
        ValueError: for an unknown name; near ones are suggested.
        TypeError: for what is neither.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return _layer(identifier) if identifier in _LAYERS else registry.find(identifier)
    if isinstance(identifier, dict):
        return registry.get(identifier)
    if callable(identifier):
        return identifier
    raise TypeError(f"Could not interpret activation function identifier: {identifier}")


def _layer(name: str) -> Any:
    """A layer that is an activation, with its default arguments."""
    from eager.keras import layers

    return getattr(layers, name)()


def serialize(activation: Any, use_legacy_format: bool = False) -> Any:
    """The name of a built-in activation, or of the function of tf.nn that it is; else plain data that describes it."""
    name = getattr(activation, "__name__", "")
    if registry.holds(activation) or (name in registry.entries and getattr(nn, name, None) is activation):
        return name
    data = serialize_keras_object(activation)
    return legacy_form(data) if use_legacy_format else data


def deserialize(name: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """An activation from `serialize`, in either format. Raises ValueError for an unknown name."""
    del use_legacy_format
    return registry.find(name, custom_objects) if isinstance(name, str) else registry.get(name, custom_objects)


__all__ = [
    "deserialize", "elu", "exponential", "gelu", "get", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish",
    "registry", "relu", "relu6", "selu", "serialize", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish",
    "tanh",
]  # fmt: skip
