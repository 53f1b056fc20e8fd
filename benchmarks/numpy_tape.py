"""A small reverse-mode differentiation over NumPy arrays: the yardstick of the training steps.

It shares nothing with layerjit, and is written for being read, not for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.reference import Array

Index = tuple[slice | int, ...]


class Placed(NamedTuple):
    """A gradient that is zero but for one place."""

    where: Index
    value: Array


Pull = Callable[[Array], Array | Placed]


class Var:
    """An array, and how a gradient of it becomes gradients of what it was computed from."""

    __slots__ = ("grad", "pulls", "value")

    def __init__(self, value: Array, *pulls: tuple[Var, Pull]) -> None:
        """Each of `pulls` is an operand and the map from this array's gradient to its part of the operand's."""
        self.value = value
        self.pulls = pulls
        self.grad: Array | None = None


def gradients(loss: Var, parameters: Sequence[Var]) -> list[Array]:
    """The gradients of a scalar."""
    order: list[Var] = []
    seen: set[int] = set()
    stack: list[tuple[Var, bool]] = [(loss, False)]
    while stack:
        var, done = stack.pop()
        if done:
            order.append(var)
        elif id(var) not in seen:
            seen.add(id(var))
            stack += [(var, True), *((operand, False) for operand, _ in var.pulls)]
    loss.grad = np.ones_like(loss.value)
    own: set[int] = set()
    for var in reversed(order):
        for operand, pull in var.pulls:
            _accumulate(operand, pull(_known(var)), own)
    return [_known(parameter) for parameter in parameters]


def _accumulate(var: Var, part: Array | Placed, own: set[int]) -> None:
    """Adds to a gradient; `own` are the variables whose gradient is an array of their own, which may be written."""
    if isinstance(part, Placed):
        if id(var) not in own:
            var.grad = np.zeros_like(var.value) if var.grad is None else var.grad.copy()
            own.add(id(var))
        _known(var)[part.where] += part.value
    elif var.grad is None:
        var.grad = part
    else:
        var.grad = var.grad + part
        own.add(id(var))


def _known(var: Var) -> Array:
    return np.zeros_like(var.value) if var.grad is None else var.grad


def _unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sums over what broadcasting had repeated."""
    extra = gradient.ndim - len(shape)
    gradient = gradient.sum(axis=tuple(range(extra)))
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=axes, keepdims=True) if axes else gradient


def add(a: Var, b: Var) -> Var:
    """a + b, broadcast."""
    return Var(
        a.value + b.value,
        (a, lambda g: _unbroadcast(g, a.value.shape)),
        (b, lambda g: _unbroadcast(g, b.value.shape)),
    )


def multiply(a: Var, b: Var) -> Var:
    """a * b, broadcast."""
    return Var(
        a.value * b.value,
        (a, lambda g: _unbroadcast(g * b.value, a.value.shape)),
        (b, lambda g: _unbroadcast(g * a.value, b.value.shape)),
    )


def matmul(a: Var, b: Var) -> Var:
    """a @ b; b may have fewer leading axes."""

    def pull_b(g: Array) -> Array:
        if b.value.ndim == 2:
            return a.value.reshape(-1, a.value.shape[-1]).T @ g.reshape(-1, g.shape[-1])
        return np.swapaxes(a.value, -1, -2) @ g

    return Var(a.value @ b.value, (a, lambda g: g @ np.swapaxes(b.value, -1, -2)), (b, pull_b))


def reshape(a: Var, *shape: int) -> Var:
    """a with another shape."""
    return Var(a.value.reshape(shape), (a, lambda g: g.reshape(a.value.shape)))


def transpose(a: Var, *axes: int) -> Var:
    """a with its axes in another order."""
    back = tuple(int(i) for i in np.argsort(axes))
    return Var(a.value.transpose(axes), (a, lambda g: g.transpose(back)))


def part(a: Var, index: Index) -> Var:
    """A basic slice of a."""
    return Var(a.value[index], (a, lambda g: Placed(index, g)))


def relu(a: Var) -> Var:
    """The positive part."""
    return Var(np.maximum(a.value, 0), (a, lambda g: g * (a.value > 0)))


def tanh(a: Var) -> Var:
    """The hyperbolic tangent."""
    y = np.tanh(a.value)
    return Var(y, (a, lambda g: g * (1 - y * y)))


def sigmoid(a: Var) -> Var:
    """The logistic function."""
    y = 1 / (1 + np.exp(-a.value))
    return Var(y, (a, lambda g: g * y * (1 - y)))


def softmax(a: Var) -> Var:
    """Softmax over the last axis."""
    e = np.exp(a.value - a.value.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True)
    return Var(y, (a, lambda g: y * (g - (g * y).sum(-1, keepdims=True))))


def normalised(a: Var, epsilon: float) -> Var:
    """Mean 0 and variance 1 over the last axis."""
    d = a.value - a.value.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((d * d).mean(-1, keepdims=True) + epsilon)
    y = d * scale

    def pull(g: Array) -> Array:
        return scale * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))

    return Var(y, (a, pull))


def mean(a: Var, axes: tuple[int, ...]) -> Var:
    """The mean over some axes."""
    count = a.value.size // max(1, int(np.prod([n for i, n in enumerate(a.value.shape) if i not in axes])))

    def pull(g: Array) -> Array:
        return np.broadcast_to(np.expand_dims(g / count, axes), a.value.shape)

    return Var(a.value.mean(axis=axes), (a, pull))


def convolve(x: Var, k: Var) -> Var:
    """A convolution of [N, H, W, C] with [3, 3, C, O], stride 1, zeros around: [N, H, W, O]."""

    def pull_x(g: Array) -> Array:
        turned = k.value[::-1, ::-1].transpose(0, 1, 3, 2)
        return _columns(g) @ turned.reshape(-1, turned.shape[-1])

    def pull_k(g: Array) -> Array:
        columns = _columns(x.value)
        flat = columns.reshape(-1, columns.shape[-1]).T @ g.reshape(-1, g.shape[-1])
        return flat.reshape(k.value.shape)

    return Var(_columns(x.value) @ k.value.reshape(-1, k.value.shape[-1]), (x, pull_x), (k, pull_k))


def _columns(x: Array) -> Array:
    """The 3x3 surroundings of every place, [N, H, W, 9 * C]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    _, h, w, _ = x.shape
    return np.concatenate([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=-1)


def pool(x: Var) -> Var:
    """The maximum of each 2x2 square of [N, H, W, C]."""
    n, h, w, c = x.value.shape
    squares = x.value.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
    chosen = squares.argmax(-1)[..., None]

    def pull(g: Array) -> Array:
        spread = np.zeros_like(squares)
        np.put_along_axis(spread, chosen, g[..., None], -1)
        return spread.reshape(n, h // 2, w // 2, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(x.value.shape)

    return Var(np.take_along_axis(squares, chosen, -1)[..., 0], (x, pull))


def cross_entropy(logits: Var, labels: Array) -> Var:
    """The mean cross-entropy of logits [N, C] and labels [N]."""
    rows = np.arange(len(labels))
    shifted = logits.value - logits.value.max(-1, keepdims=True)
    total = np.exp(shifted).sum(-1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[rows, labels]).mean()

    def pull(g: Array) -> Array:
        delta = np.exp(shifted) / total
        delta[rows, labels] -= 1
        return delta * (g / len(labels))

    return Var(np.asarray(loss), (logits, pull))


def square_error(a: Var, target: Array) -> Var:
    """The mean of (a - target)**2."""
    d = a.value - target
    return Var(np.asarray((d * d).mean()), (a, lambda g: d * (2 * g / d.size)))
