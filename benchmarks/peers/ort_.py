"""ONNX Runtime on graphs made with onnx; it has no eager mode, and trains only in another distribution."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Side
from benchmarks.peers import models_ort
from benchmarks.peers.onnx_graph import GraphText, session
from benchmarks.workloads import EPSILON, MLP_SIZES, Data, Workload, mlp

BUILD_COMPILES = True


def load() -> str:
    """Imports ONNX Runtime and onnx; returns the version of the former."""
    import onnx
    import onnxruntime

    return f"{onnxruntime.__version__} (onnx {onnx.__version__})"


def model(workload: Workload, data: Data, symbolic: bool = False) -> tuple[bytes, Data] | None:
    """The ONNX model of a workload and its inputs; None if there is none."""
    graph = GraphText()
    if workload.family in models_ort.FAMILIES:
        weights = [value for key, value in data.items() if key[0] == "w"]
        inputs = models_ort.FAMILIES[workload.family](graph, data, weights)
    elif workload.family in _FAMILIES:
        names = _FAMILIES[workload.family](graph, data).split()
        inputs = {name: data[name] for name in names}
    else:
        return None
    return graph.model(inputs, symbolic), inputs


def any_batch(data: Data, slow: bool) -> dict[str, Callable[[Any], Any]]:
    """One session whose batch size is open."""
    made = model(mlp(len(data["x"])), data, symbolic=True)
    loaded = None if made is None else session(made[0])
    return {} if loaded is None else {"": lambda x: loaded.run(None, {"x": x})[0]}


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """One session for the inference workloads."""
    made = model(workload, data)
    if made is None:
        return {}
    loaded = session(made[0])
    return {"": Side(partial(loaded.run, None, made[1]), models_ort.result(workload, data))}


def _scale_shift(graph: GraphText, _data: Data) -> str:
    graph.node("Mul", f"x {graph.constant('two', np.float32(2))}", "scaled")
    graph.node("Add", f"scaled {graph.constant('one', np.float32(1))}", "out")
    return "x"


def _add(graph: GraphText, _data: Data) -> str:
    graph.node("Add", "a b", "out")
    return "a b"


def _gelu_sum(graph: GraphText, data: Data) -> str:
    graph.node("Mul", f"x {graph.constant('w', data['w'])}", "scaled")
    graph.node("Add", f"scaled {graph.constant('b', data['b'])}", "shifted")
    graph.node("Gelu", "shifted", "activated", approximate="tanh")
    axes = graph.constant("axes", np.array([-1], np.int64))
    graph.node("ReduceSum", f"activated {axes}", "out", keepdims=0)
    return "x"


def _softmax(graph: GraphText, _data: Data) -> str:
    graph.node("Softmax", "x", "out", axis=-1)
    return "x"


def _layer_norm(graph: GraphText, data: Data, output: str = "out") -> str:
    w, b = graph.constant("w", data["w"]), graph.constant("b", data["b"])
    graph.node("LayerNormalization", f"x {w} {b}", output, axis=-1, epsilon=EPSILON)
    return "x"


def _norm_plus_softmax(graph: GraphText, data: Data) -> str:
    _layer_norm(graph, data, "normed")
    graph.node("Softmax", "x", "weights", axis=-1)
    graph.node("Add", "normed weights", "out")
    return "x"


def _gemm(graph: GraphText, data: Data) -> str:
    graph.node("Gemm", f"x {graph.constant('w', data['w'])} {graph.constant('b', data['b'])}", "z")
    graph.node("Relu", "z", "out")
    return "x"


def _mlp(graph: GraphText, data: Data) -> str:
    last = len(MLP_SIZES) - 2
    value = "x"
    for number in range(last + 1):
        z = "out" if number == last else f"z{number}"
        w, b = (graph.constant(f"{name}{number}", data[f"{name}{number}"]) for name in "wb")
        graph.node("Gemm", f"{value} {w} {b}", z)
        if number < last:
            value = f"h{number}"
            graph.node("Relu", z, value)
    return "x"


_FAMILIES: dict[str, Callable[[GraphText, Any], str]] = {
    "scale_shift": _scale_shift,
    "add": _add,
    "gelu_sum": _gelu_sum,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
    "norm_plus_softmax": _norm_plus_softmax,
    "gemm_bias_relu": _gemm,
    "mlp": _mlp,
}
