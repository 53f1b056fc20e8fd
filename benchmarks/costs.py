"""What a workload must at least do: multiply-adds of its contractions, and bytes of its arrays, each moved once.

Floors are counted from the workload's formula, not from what any side does: an attention that never writes its scores
and one that does are held to the same bytes.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks.reference import Array

Data = Mapping[str, Array]


class Cost(NamedTuple):
    """Floating-point operations (a multiply-add is two) and bytes read or written."""

    flops: float
    bytes: float


class Floor(NamedTuple):
    """The least time that the machine needs, and which of its limits says so: `fma` or `copy`."""

    seconds: float
    bound: str


class Roofs(NamedTuple):
    """What the machine reaches: floating-point operations per second, and bytes per second of a copy in L3."""

    fma: float
    copy: float

    def floor(self, cost: Cost) -> Floor:
        """The later of the two limits."""
        return max(Floor(cost.flops / self.fma, "fma"), Floor(cost.bytes / self.copy, "copy"))


def cost(family: str, data: Data, expected: list[Array]) -> Cost | None:
    """The cost of a workload; None for families without a formula.

    A training step does the contractions of the forward pass three times (but nobody wants the gradient of its input),
    reads weights and moments, and writes them.
    """
    base = family.removesuffix("_train")
    if base not in FLOPS:
        return None
    forward = FLOPS[base](data)
    arrays = sum(array.nbytes for array in data.values())
    if family == base:
        used = sum(array.nbytes for name, array in data.items() if name != "y")
        return Cost(forward, used + sum(result.size * 4 for result in expected))
    inputs = data["x"].nbytes + data["y"].nbytes
    places = math.prod(data["x"].shape[:-1])
    unwanted = 2.0 * places * sum(data[name].size for name in _ON_INPUT.get(base, ("w0",)))
    return Cost(3 * forward - unwanted, inputs + 6 * (arrays - inputs))


# The weights that meet the input itself.
_ON_INPUT = {"transformer": ("w0", "w2", "w4")}


def _dense(data: Data) -> float:
    """Every matrix of a stack of dense layers meets every row of x."""
    rows = data["x"].shape[0]
    return 2.0 * rows * sum(a.size for name, a in data.items() if a.ndim == 2 and name not in "xy")


def _convolution(shape: tuple[int, ...], kernel: Array) -> float:
    """A 3x3 kernel at every place of [N, H, W, C]."""
    return 2.0 * math.prod(shape[:3]) * kernel.size


def _cnn(data: Data) -> float:
    n, h, w, _ = data["x"].shape
    kernels = [data[f"w{number}"] for number in (0, 2, 4, 6)]
    places = [(n, h, w), (n, h, w), (n, h // 2, w // 2), (n, h // 2, w // 2)]
    convolutions = sum(_convolution(shape, kernel) for shape, kernel in zip(places, kernels, strict=True))
    return convolutions + 2.0 * n * data["w8"].size


def _lstm(data: Data) -> float:
    n, t, _ = data["x"].shape
    return 2.0 * n * (t * (data["w0"].size + data["w1"].size) + data["w3"].size)


def _attention(n: int, heads: int, steps: int, width: int) -> float:
    """Scores and their product with the values."""
    return 4.0 * n * heads * steps * steps * width


def _transformer(data: Data) -> float:
    """Every matrix meets every row (vectors and the biases of the heads are small); and attention per block."""
    n, t, width = data["x"].shape
    heads, head = data["w1"].shape
    matrices = [a for name, a in data.items() if name not in "xy" and a.size >= width * width]
    blocks = sum(a.shape == (heads, head, width) for a in matrices)
    return 2.0 * n * t * sum(a.size for a in matrices) + blocks * _attention(n, heads, t, head)


def _nothing(_data: Data) -> float:
    return 0.0


FLOPS: dict[str, Callable[[Any], float]] = {
    "scale_shift": _nothing,
    "gelu_sum": _nothing,
    "softmax": _nothing,
    "layer_norm": _nothing,
    "norm_plus_softmax": _nothing,
    "gemm_bias_relu": _dense,
    "mlp": _dense,
    "cnn": _cnn,
    "conv": lambda data: _convolution(data["x"].shape, data["w0"]),
    "lstm": _lstm,
    "transformer": _transformer,
    "attention": lambda data: _attention(*data["q"].shape),
}
"""Floating-point operations of one forward pass, by family."""
