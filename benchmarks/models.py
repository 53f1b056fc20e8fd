"""The models in plain NumPy: their weights from a fixed seed, what they compute, and their training losses.

The weights are in the order and layout of Keras's `get_weights()`; in `Data` they are named w0, w1, ... .
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from benchmarks import numpy_tape as tape
from benchmarks import reference
from benchmarks.numpy_tape import Var
from benchmarks.reference import Array
from benchmarks.workloads import EPSILON, Data

CLASSES, HEADS, BLOCK_WEIGHTS = 10, 4, 16
RATE = 1e-6

Model = Callable[[Var, Sequence[Var]], Var]


class Part(NamedTuple):
    """A weight: its shape, and the deviation and mean of its numbers."""

    shape: tuple[int, ...]
    deviation: float
    mean: float = 0.0


def _kernel(*shape: int, fan_in: int) -> Part:
    """The variance keeps activations in range."""
    return Part(shape, fan_in**-0.5)


def _bias(*shape: int) -> Part:
    return Part(shape, 0.1)


def cnn_parts() -> list[Part]:
    """Convolutions 32, 32, pool, 64, 64, mean over the places, dense 10."""
    convolutions = [part for i, o in pairwise((3, 32, 32, 64, 64)) for part in convolution_parts(i, o)]
    return [*convolutions, _kernel(64, CLASSES, fan_in=8), _bias(CLASSES)]


def convolution_parts(inputs: int, outputs: int) -> list[Part]:
    """A 3x3 convolution."""
    return [_kernel(3, 3, inputs, outputs, fan_in=9 * inputs), _bias(outputs)]


def lstm_parts(features: int, units: int) -> list[Part]:
    """An LSTM (gates in the order i, f, c, o) and a dense layer on its last state."""
    gates = [_kernel(features, 4 * units, fan_in=features), _kernel(units, 4 * units, fan_in=units)]
    return [*gates, _bias(4 * units), _kernel(units, CLASSES, fan_in=units), _bias(CLASSES)]


def block_parts(width: int, inner: int) -> list[Part]:
    """Attention (query, key, value, output), normalization, two dense layers, normalization."""
    head = (HEADS, width // HEADS)
    projection = [_kernel(width, *head, fan_in=width), _bias(*head)]
    attention = [*projection * 3, _kernel(*head, width, fan_in=width), _bias(width)]
    norm = [Part((width,), 0.1, 1.0), _bias(width)]
    dense = [_kernel(width, inner, fan_in=width), _bias(inner), _kernel(inner, width, fan_in=inner), _bias(width)]
    return [*attention, *norm, *dense, *norm]


def weights(parts: Sequence[Part], rng: np.random.Generator) -> dict[str, Array]:
    """The weights, named w0, w1, ... ."""
    return {
        f"w{number}": rng.standard_normal(part.shape, dtype=np.float32) * np.float32(part.deviation)
        + np.float32(part.mean)
        for number, part in enumerate(parts)
    }


def given(data: Data, dtype: DTypeLike) -> list[Var]:
    """The weights of `data` as variables of a dtype."""
    count = sum(name[0] == "w" for name in data)
    return [Var(data[f"w{number}"].astype(dtype)) for number in range(count)]


def cnn(x: Var, w: Sequence[Var]) -> Var:
    """The logits of images [N, H, W, 3]."""
    for number in range(4):
        x = tape.relu(tape.add(tape.convolve(x, w[2 * number]), w[2 * number + 1]))
        if number == 1:
            x = tape.pool(x)
    return tape.add(tape.matmul(tape.mean(x, (1, 2)), w[8]), w[9])


def convolution(x: Var, w: Sequence[Var]) -> Var:
    """One convolution with bias and relu."""
    return tape.relu(tape.add(tape.convolve(x, w[0]), w[1]))


def lstm(x: Var, w: Sequence[Var]) -> Var:
    """The logits of sequences [N, T, F]."""
    batch, steps, _ = x.value.shape
    units = w[1].value.shape[0]
    inputs = tape.add(tape.matmul(x, w[0]), w[2])
    h = c = Var(np.zeros((batch, units), x.value.dtype))
    for step in range(steps):
        z = tape.add(tape.part(inputs, (slice(None), step)), tape.matmul(h, w[1]))
        i, f, g, o = (tape.part(z, (slice(None), slice(k * units, (k + 1) * units))) for k in range(4))
        c = tape.add(
            tape.multiply(tape.sigmoid(f), c), tape.multiply(tape.sigmoid(i), tape.tanh(g))
        )
        h = tape.multiply(tape.sigmoid(o), tape.tanh(c))
    return tape.add(tape.matmul(h, w[3]), w[4])


def transformer(x: Var, w: Sequence[Var]) -> Var:
    """Encoder blocks on [N, T, D], one per 16 weights."""
    for start in range(0, len(w), BLOCK_WEIGHTS):
        x = _block(x, w[start : start + BLOCK_WEIGHTS])
    return x


def _block(x: Var, w: Sequence[Var]) -> Var:
    heads = [_heads(x, w[2 * number], w[2 * number + 1]) for number in range(3)]
    mixed = tape.transpose(attention(*heads), 0, 2, 1, 3)
    n, t, h, k = mixed.value.shape
    flat = tape.reshape(w[6], h * k, x.value.shape[-1])
    x = _norm(tape.add(x, tape.add(tape.matmul(tape.reshape(mixed, n, t, h * k), flat), w[7])), w[8], w[9])
    inner = tape.relu(tape.add(tape.matmul(x, w[10]), w[11]))
    return _norm(tape.add(x, tape.add(tape.matmul(inner, w[12]), w[13])), w[14], w[15])


def _heads(x: Var, w: Var, b: Var) -> Var:
    """[N, T, D] to [N, H, T, K]."""
    d, h, k = w.value.shape
    n, t, _ = x.value.shape
    y = tape.add(tape.matmul(x, tape.reshape(w, d, h * k)), tape.reshape(b, h * k))
    return tape.transpose(tape.reshape(y, n, t, h, k), 0, 2, 1, 3)


def attention(q: Var, k: Var, v: Var) -> Var:
    """softmax(q k^T / sqrt(K)) v over the last two axes."""
    scale = Var(np.asarray(q.value.shape[-1] ** -0.5, q.value.dtype))
    scores = tape.matmul(tape.multiply(q, scale), tape.transpose(k, 0, 1, 3, 2))
    return tape.matmul(tape.softmax(scores), v)


def _norm(x: Var, gamma: Var, beta: Var) -> Var:
    return tape.add(tape.multiply(tape.normalised(x, EPSILON), gamma), beta)


def result(model: Model, data: Data, dtype: DTypeLike) -> Array:
    """What the model computes."""
    return model(Var(data["x"].astype(dtype)), given(data, dtype)).value


def training(model: Model, data: Data, dtype: DTypeLike) -> Callable[[], Array]:
    """A function that does one Adam step and returns the loss before it.

    The loss is cross-entropy for integer labels `y`, else the mean squared error.
    """
    x = data["x"].astype(dtype)
    labels = data["y"].dtype.kind == "i"
    target = data["y"] if labels else data["y"].astype(dtype)
    parameters = [var.value for var in given(data, dtype)]

    def loss_and_gradients() -> tuple[Array, list[Array]]:
        variables = [Var(array) for array in parameters]
        output = model(Var(x), variables)
        loss = tape.cross_entropy(output, target) if labels else tape.square_error(output, target)
        return loss.value, tape.gradients(loss, variables)

    return reference.adam(parameters, loss_and_gradients, RATE)


def tree(table: Array, w: Array, b: Array) -> Array:
    """A recursive net: neighbours are joined, pair by pair, until one row is left."""
    level = [table[i : i + 1] for i in range(len(table))]
    while len(level) > 1:
        level = [_joined(level[i], level[i + 1], w, b) for i in range(0, len(level), 2)]
    return level[0]


def _joined(left: Any, right: Any, w: Array, b: Array) -> Array:
    return np.tanh(np.concatenate([left, right], 1) @ w + b)


MODELS: dict[str, Model] = {"cnn": cnn, "conv": convolution, "lstm": lstm, "transformer": transformer}
"""The models by family, on `x` and the weights."""
