"""The workloads that are models: convolutions, recurrent nets, transformers, attention, a recursive net."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import models
from benchmarks.goals import Goal
from benchmarks.models import Part
from benchmarks.reference import Array
from benchmarks.workloads import Data, Workload

STEPS = 3
_TRAIN = "_train"


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _numbers(*shape: int) -> Array:
    return np.random.default_rng(9).standard_normal(shape, dtype=np.float32)


def _labels(count: int) -> Array:
    return np.random.default_rng(8).integers(0, models.CLASSES, count).astype(np.int32)


def _model(
    family: str, size: str, parts: Sequence[Part], x: tuple[int, ...], goal: Goal | None
) -> Workload:
    """Inference with weights `parts` on an input of shape `x`."""

    def data() -> Data:
        return {"x": _numbers(*x), **models.weights(parts, _rng())}

    model = models.MODELS[family]
    return Workload(family, size, data, lambda data: [models.result(model, data, np.float64)], 1e-5, goal)


def _training(
    family: str, size: str, parts: Sequence[Part], x: tuple[int, ...], goal: Goal | None
) -> Workload:
    """A training step: labels for the nets that end in logits, a target like x for the transformer."""

    def data() -> Data:
        y = np.flip(_numbers(*x), -1).copy() if family == "transformer" else _labels(x[0])
        return {"x": _numbers(*x), "y": y, **models.weights(parts, _rng())}

    def expected(data: Data) -> list[Array]:
        step = models.training(models.MODELS[family], data, np.float64)
        return [step() for _ in range(STEPS)]

    return Workload(family + _TRAIN, size, data, expected, 3e-5 if family == "transformer" else 1e-5, goal)


def _near(value: float) -> Goal:
    return Goal(value, listed=False)


def _cnn(make: Callable[..., Workload], batches: Sequence[tuple[int, Goal]]) -> list[Workload]:
    family = "cnn"
    return [make(family, f"batch {n}", models.cnn_parts(), (n, 32, 32, 3), goal) for n, goal in batches]


def _convolutions() -> list[Workload]:
    sizes = [
        *((56, 64, Goal(0.95)), (28, 128, Goal(0.95)), (14, 256, Goal(0.98))),
        *((40, 96, _near(0.95)), (60, 48, _near(0.95)), (7, 512, _near(0.98)), (15, 200, _near(0.98))),
    ]
    return [
        _model("conv", f"{n}x{n}x{c}", models.convolution_parts(c, c), (1, n, n, c), goal) for n, c, goal in sizes
    ]


def _lstms(make: Callable[..., Workload], value: float) -> list[Workload]:
    sizes = [(32, 64, 64, 128, Goal(value)), (20, 50, 40, 96, _near(value)), (64, 32, 64, 160, _near(value))]
    return [
        make("lstm", f"{units} over {n}x{t}x{f}", models.lstm_parts(f, units), (n, t, f), goal)
        for n, t, f, units, goal in sizes
    ]


def _transformers(make: Callable[..., Workload], value: float) -> list[Workload]:
    sizes = [(1, 8, 128, Goal(value)), (4, 8, 128, Goal(value)), (1, 5, 100, _near(value)), (2, 4, 200, _near(value))]
    return [
        make("transformer", f"{blocks} block {n}x{t}", models.block_parts(256, 1024) * blocks, (n, t, 256), goal)
        for blocks, n, t, goal in sizes
    ]


def _attention(n: int, heads: int, steps: int, width: int, goal: Goal) -> Workload:
    def data() -> Data:
        q, k, v = _numbers(3, n, heads, steps, width)
        return {"q": q, "k": k, "v": v}

    def expected(data: Data) -> list[Array]:
        wide = [models.Var(array.astype(np.float64)) for array in data.values()]
        return [models.attention(*wide).value]

    return Workload("attention", f"{n}x{heads}x{steps}x{width}", data, expected, 1e-5, goal)


def _tree(leaves: int, width: int, goal: Goal) -> Workload:
    def data() -> Data:
        rng = _rng()
        kernel, bias = (Part((2 * width, width), width**-0.5), Part((width,), 0.1))
        w = models.weights([kernel, bias], rng)
        return {"x": rng.standard_normal((leaves, width), dtype=np.float32), "w": w["w0"], "b": w["w1"]}

    def expected(data: Data) -> list[Array]:
        arrays: Any = [array.astype(np.float64) for array in data.values()]
        return [models.tree(*arrays)]

    return Workload("tree_eager", f"{leaves} leaves", data, expected, 1e-4, goal)


INFERENCE: list[Workload] = [
    *_cnn(_model, [(1, Goal(0.9)), (32, Goal(0.95)), (4, _near(0.95)), (20, _near(0.95))]),
    *_convolutions(),
    *_lstms(_model, 0.8),
    *_transformers(_model, 0.75),
    _attention(1, 8, 1024, 64, Goal(0.9)),
    _attention(2, 4, 700, 64, _near(0.9)),
    _attention(1, 12, 512, 80, _near(0.9)),
    _tree(64, 16, Goal(1.05)),
    _tree(32, 24, _near(1.05)),
    _tree(128, 16, _near(1.05)),
]

TRAINING: list[Workload] = [
    *_cnn(_training, [(1, Goal(0.7)), (32, Goal(0.9)), (4, _near(0.9)), (20, _near(0.9))]),
    *_lstms(_training, 0.7),
    *_transformers(_training, 0.8),
]
