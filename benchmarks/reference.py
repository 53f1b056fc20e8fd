"""The workloads in plain NumPy: in float64 the yardstick of correctness, in float32 the NumPy side."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Weights = list[tuple[Array, Array]]

BETA_1, BETA_2, ADAM_EPSILON = 0.9, 0.999, 1e-7


def gelu_tanh(x: Array) -> Array:
    """The tanh form of gelu, in x's dtype."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def gelu_sum(x: Array, w: Array, b: Array) -> Array:
    """`gelu_tanh(x * w + b)` summed over the last axis."""
    return gelu_tanh(x * w + b).sum(-1)


def softmax(x: Array) -> Array:
    """Softmax over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layer_norm(x: Array, w: Array, b: Array, epsilon: float) -> Array:
    """Normalises over the last axis, then scales by w and shifts by b."""
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + epsilon) * w + b


def mlp_weights(data: Mapping[str, Array], dtype: DTypeLike) -> Weights:
    """Copies of the weights in a dtype, as one (kernel, bias) per layer."""
    count = sum(name.startswith("w") for name in data)
    return [(data[f"w{i}"].astype(dtype), data[f"b{i}"].astype(dtype)) for i in range(count)]


def mlp(x: Array, weights: Weights) -> Array:
    """The logits of a stack of dense layers with relu between them."""
    return _activations(x, weights)[-1]


def _activations(x: Array, weights: Weights) -> list[Array]:
    values = [x]
    for number, (w, b) in enumerate(weights):
        z = values[-1] @ w + b
        values.append(z if number == len(weights) - 1 else np.maximum(z, 0))
    return values


def _loss_and_gradients(x: Array, y: Array, weights: Weights) -> tuple[Array, list[Array]]:
    """Mean cross-entropy of the logits, and its gradients in the order w0, b0, w1, ..."""
    *hidden, logits = _activations(x, weights)
    rows = np.arange(len(y))
    shifted = logits - logits.max(-1, keepdims=True)
    total = np.exp(shifted).sum(-1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[rows, y]).mean()
    delta = np.exp(shifted) / total
    delta[rows, y] -= 1
    delta /= len(y)
    gradients: list[Array] = []
    for number in reversed(range(len(weights))):
        gradients[:0] = [hidden[number].T @ delta, delta.sum(0)]
        if number:
            delta = (delta @ weights[number][0].T) * (hidden[number] > 0)
    return loss, gradients


def training_step(data: Mapping[str, Array], dtype: DTypeLike, rate: float) -> Callable[[], Array]:
    """Returns a function that does one Adam step on the batch, in place, and returns the loss before it."""
    x, y = data["x"].astype(dtype), data["y"]
    weights = mlp_weights(data, dtype)
    parameters = [part for pair in weights for part in pair]
    return adam(parameters, lambda: _loss_and_gradients(x, y, weights), rate)


def adam(
    parameters: list[Array], loss_and_gradients: Callable[[], tuple[Array, list[Array]]], rate: float
) -> Callable[[], Array]:
    """Returns a function that does one Adam step on the parameters, in place, and returns the loss before it."""
    first = [np.zeros_like(part) for part in parameters]
    second = [np.zeros_like(part) for part in parameters]
    count = 0

    def step() -> Array:
        nonlocal count
        count += 1
        loss, gradients = loss_and_gradients()
        alpha = rate * math.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        for part, g, m, v in zip(parameters, gradients, first, second, strict=True):
            m += (1 - BETA_1) * (g - m)
            v += (1 - BETA_2) * (g * g - v)
            part -= alpha * m / (np.sqrt(v) + ADAM_EPSILON)
        return loss

    return step
