"""What is timed: inputs, parameters, and the float64 result that every side must reach before it is timed."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks import reference
from benchmarks.goals import Goal
from benchmarks.reference import Array

EPSILON = 1e-5
# Small, because one batch is trained on many times and must not be learnt by heart meanwhile.
LEARNING_RATE = 1e-7
MLP_SIZES = (784, 512, 512, 10)
CHECKED_STEPS = 10

Data = Mapping[str, Array]


class Workload(NamedTuple):
    """One row.

    `family` tells a side what to compute, from the float32 (labels: int32) arrays of `data()`.
    `expected(data)` lists the float64 results of the first calls. A side's results may differ from them by
    `tolerance` times the largest absolute value of the expected one. `goal` is what layerjit aims for.
    """

    family: str
    size: str
    data: Callable[[], Data]
    expected: Callable[[Data], list[Array]]
    tolerance: float
    goal: Goal | None = None

    @property
    def name(self) -> str:
        """The family and the size, as `--only` sees it."""
        return f"{self.family} {self.size}"


def _normal(*shapes: tuple[int, ...]) -> list[Array]:
    rng = np.random.default_rng(7)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def _named(**shapes: tuple[int, ...]) -> Callable[[], Data]:
    return lambda: dict(zip(shapes, _normal(*shapes.values()), strict=True))


def _gemm_data(m: int, k: int, n: int) -> Callable[[], Data]:
    def data() -> Data:
        x, w, b = _normal((m, k), (k, n), (n,))
        return {"x": x, "w": w / np.float32(k**0.5), "b": b}

    return data


def mlp_data(batch: int) -> Data:
    """Inputs `x`, labels `y` and the weights `w0, b0, w1, ...` of the MLP."""
    pairs = list(pairwise(MLP_SIZES))
    x, *weights = _normal((batch, MLP_SIZES[0]), *pairs)
    data = {"x": x, "y": np.random.default_rng(8).integers(0, MLP_SIZES[-1], batch).astype(np.int32)}
    for number, weight in enumerate(weights):
        data[f"w{number}"] = weight * np.float32((2 / weight.shape[0]) ** 0.5)
        data[f"b{number}"] = np.full(weight.shape[1], 0.01, np.float32)
    return data


def _one(function: Callable[..., Array], *names: str) -> Callable[[Data], list[Array]]:
    return lambda data: [function(*(data[name].astype(np.float64) for name in names))]


def _calls() -> list[Workload]:
    scale = _one(lambda x: x * 2 + 1, "x")
    add = _one(lambda a, b: a + b, "a", "b")

    def pair(family: str, size: int, goal: Goal | None) -> Workload:
        return Workload(family, f"({size},)+({size},)", _named(a=(size,), b=(size,)), add, 1e-6, goal)

    def near(listed: Goal) -> list[tuple[int, Goal]]:
        return [(8, listed), (5, listed._replace(listed=False)), (16, listed._replace(listed=False))]

    call, eager = Goal(0.15e-6, "figure"), Goal(0.8e-6, "above numpy")
    return [
        *(Workload("scale_shift", f"({n},)", _named(x=(n,)), scale, 1e-6, goal) for n, goal in near(call)),
        *(pair("add", n, goal) for n, goal in near(call)),
        *(pair("eager_add", n, goal) for n, goal in near(eager)),
    ]


def _rows(m: int, n: int, gelu: Goal | None, both: Goal | None) -> list[Workload]:
    size = f"{m}x{n}"
    normed = _named(x=(m, n), w=(n,), b=(n,))
    return [
        Workload("gelu_sum", size, normed, _one(reference.gelu_sum, "x", "w", "b"), 1e-5, gelu),
        Workload("softmax", size, _named(x=(m, n)), _one(reference.softmax, "x"), 1e-5),
        Workload("layer_norm", size, normed, _one(_layer_norm, "x", "w", "b"), 1e-5),
        Workload("norm_plus_softmax", size, normed, _one(_norm_plus_softmax, "x", "w", "b"), 1e-5, both),
    ]


def _layer_norm(x: Array, w: Array, b: Array) -> Array:
    return reference.layer_norm(x, w, b, EPSILON)


def _norm_plus_softmax(x: Array, w: Array, b: Array) -> Array:
    return _layer_norm(x, w, b) + reference.softmax(x)


def _gemm(m: int, k: int, n: int, goal: Goal) -> Workload:
    expected = _one(lambda x, w, b: np.maximum(x @ w + b, 0), "x", "w", "b")
    return Workload("gemm_bias_relu", f"{m}x{k}x{n}", _gemm_data(m, k, n), expected, 1e-5, goal)


def _expected_mlp(data: Data) -> list[Array]:
    weights = reference.mlp_weights(data, np.float64)
    return [reference.mlp(data["x"].astype(np.float64), weights)]


def _expected_training(data: Data) -> list[Array]:
    step = reference.training_step(data, np.float64, LEARNING_RATE)
    return [step() for _ in range(CHECKED_STEPS)]


def mlp(batch: int, goal: Goal | None = None) -> Workload:
    """The inference of the MLP with this batch size."""
    return Workload("mlp", f"batch {batch}", lambda: mlp_data(batch), _expected_mlp, 1e-5, goal)


def _training(batch: int, goal: Goal) -> Workload:
    return Workload("mlp_train", f"batch {batch}", lambda: mlp_data(batch), _expected_training, 3e-5, goal)


def _near(value: float) -> Goal:
    return Goal(value, listed=False)


# The peers' sizes with their goals, and neighbours that fill no tile evenly or fall between two of them.
ROWS = (
    (32, 1000, _near(0.25), _near(0.5)),
    (512, 1024, _near(0.25), _near(0.5)),
    (3000, 700, _near(0.25), _near(0.5)),
    (8192, 512, _near(0.25), Goal(0.5)),
    (4096, 1024, Goal(0.25), _near(0.5)),
)
GEMMS = (
    *((1, 1024, 1024, Goal(0.9)), (1, 700, 1300, _near(0.9)), (2, 1024, 1024, _near(0.9))),
    *((8, 1024, 1024, _near(0.85)), (32, 1024, 1024, Goal(0.85)), (33, 1000, 1000, _near(0.85))),
    *((64, 784, 128, Goal(0.8)), (17, 129, 65, _near(0.8)), (128, 784, 512, _near(0.8))),
    *((512, 512, 512, Goal(0.9)), (500, 500, 500, _near(0.9)), (640, 400, 600, _near(0.9))),
    *((1024, 1024, 1024, Goal(0.9)), (1000, 1000, 1000, _near(0.9)), (1200, 900, 1100, _near(0.9))),
)
BATCHES = ((1, Goal(0.9)), (3, _near(0.9)), (32, Goal(0.8)), (50, _near(0.8)), (256, Goal(0.9)), (200, _near(0.9)))
TRAINED = ((1, Goal(0.6)), (3, _near(0.6)), (32, Goal(0.7)), (50, _near(0.7)), (256, Goal(0.85)), (200, _near(0.85)))

WORKLOADS: list[Workload] = [
    *_calls(),
    *(workload for shape in ROWS for workload in _rows(*shape)),
    *(_gemm(*shape) for shape in GEMMS),
    *(mlp(*batch) for batch in BATCHES),
    *(_training(*batch) for batch in TRAINED),
]
