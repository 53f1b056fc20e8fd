"""NumPy, as one would write it without thinking about speed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import kinds, reference
from benchmarks.harness import Side
from benchmarks.peers import models_numpy
from benchmarks.workloads import EPSILON, LEARNING_RATE, Data, Workload


def load() -> str:
    """Returns NumPy's version."""
    return np.__version__


def any_batch(data: Data, slow: bool) -> dict[str, Callable[[Any], Any]]:
    """The MLP."""
    weights = reference.mlp_weights(data, np.float32)
    return {"": lambda x: reference.mlp(x, weights)}


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Every workload has a NumPy side."""
    kind = kinds.name_of(workload)
    if kind is not None:
        return {"": Side(partial(kinds.PLAIN[kind], *data.values()), kinds.summary(kind, np.asarray))}
    model = models_numpy.build(workload.family, data)
    if model is not None:
        return {"": Side(model, np.asarray)}
    return {"": Side(_FAMILIES[workload.family](data), np.asarray)}


def _scale_shift(data: Data) -> Callable[[], Any]:
    x, two, one = data["x"], np.float32(2), np.float32(1)
    return lambda: x * two + one


def _add(data: Data) -> Callable[[], Any]:
    a, b = data["a"], data["b"]
    return lambda: a + b


def _gelu_sum(data: Data) -> Callable[[], Any]:
    x, w, b = data["x"], data["w"], data["b"]
    return lambda: reference.gelu_sum(x, w, b)


def _softmax(data: Data) -> Callable[[], Any]:
    x = data["x"]
    return lambda: reference.softmax(x)


def _layer_norm(data: Data) -> Callable[[], Any]:
    x, w, b = data["x"], data["w"], data["b"]
    return lambda: reference.layer_norm(x, w, b, EPSILON)


def _norm_plus_softmax(data: Data) -> Callable[[], Any]:
    x, w, b = data["x"], data["w"], data["b"]
    return lambda: reference.layer_norm(x, w, b, EPSILON) + reference.softmax(x)


def _gemm(data: Data) -> Callable[[], Any]:
    x, w, b = data["x"], data["w"], data["b"]

    def run() -> Any:
        z = x @ w
        z += b
        return np.maximum(z, 0, out=z)

    return run


def _mlp(data: Data) -> Callable[[], Any]:
    x, weights = data["x"], reference.mlp_weights(data, np.float32)
    return lambda: reference.mlp(x, weights)


_FAMILIES: dict[str, Callable[[Data], Callable[[], Any]]] = {
    "scale_shift": _scale_shift,
    "add": _add,
    "eager_add": _add,
    "gelu_sum": _gelu_sum,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
    "norm_plus_softmax": _norm_plus_softmax,
    "gemm_bias_relu": _gemm,
    "mlp": _mlp,
    "mlp_train": lambda data: reference.training_step(data, np.float32, LEARNING_RATE),
}
