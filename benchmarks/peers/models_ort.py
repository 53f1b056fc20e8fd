"""The models for ONNX Runtime: images channels first, attention as its own operator `MultiHeadAttention`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.models import BLOCK_WEIGHTS, HEADS
from benchmarks.peers.onnx_graph import GraphText
from benchmarks.workloads import EPSILON, Data, Workload


def _first(x: Any) -> Any:
    """Channels first, contiguous."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def _convolution(graph: GraphText, x: str, number: int, w: Any, b: Any, output: str) -> None:
    kernel = graph.constant(f"w{number}", np.ascontiguousarray(w.transpose(3, 2, 0, 1)))
    bias = graph.constant(f"b{number}", b)
    graph.node("Conv", f"{x} {kernel} {bias}", f"conv{number}", pads=[1, 1, 1, 1])
    graph.node("Relu", f"conv{number}", output)


def _cnn(graph: GraphText, data: Data, w: list[Any]) -> Data:
    x = "x"
    for number in range(4):
        _convolution(graph, x, number, w[2 * number], w[2 * number + 1], f"relu{number}")
        x = f"relu{number}"
        if number == 1:
            graph.node("MaxPool", x, "pooled", kernel_shape=[2, 2], strides=[2, 2])
            x = "pooled"
    graph.node("GlobalAveragePool", x, "mean")
    graph.node("Flatten", "mean", "flat")
    graph.node("Gemm", f"flat {graph.constant('dense', w[8])} {graph.constant('bias', w[9])}", "out")
    return {"x": _first(data["x"])}


def _one_convolution(graph: GraphText, data: Data, w: list[Any]) -> Data:
    _convolution(graph, "x", 0, w[0], w[1], "out")
    return {"x": _first(data["x"])}


def _gates(w: Any) -> Any:
    """From Keras's order i, f, c, o to ONNX's i, o, f, c, transposed."""
    i, f, c, o = np.split(w, 4, axis=-1)
    return np.ascontiguousarray(np.concatenate([i, o, f, c], -1).T)[None]


def _lstm(graph: GraphText, data: Data, w: list[Any]) -> Data:
    bias = _gates(w[2])
    weights = {"kernel": _gates(w[0]), "recurrent": _gates(w[1]), "gates": np.concatenate([bias, 0 * bias], -1)}
    names = [graph.constant(name, value) for name, value in weights.items()]
    graph.node("LSTM", f"x {' '.join(names)}", "steps last", hidden_size=w[1].shape[0])
    axes = graph.constant("axes", np.array([0], np.int64))
    graph.node("Squeeze", f"last {axes}", "h")
    graph.node("Gemm", f"h {graph.constant('dense', w[3])} {graph.constant('bias', w[4])}", "out")
    return {"x": np.ascontiguousarray(data["x"].transpose(1, 0, 2))}


def _attention(graph: GraphText, data: Data, _w: list[Any]) -> Data:
    heads = data["q"].shape[1]
    graph.node("MultiHeadAttention", "q k v", "out", domain="com.microsoft", num_heads=heads)
    return {
        "q": np.ascontiguousarray(data["q"].transpose(0, 2, 1, 3)).reshape(*_flat(data["q"])),
        "k": data["k"],
        "v": data["v"],
    }


def _flat(q: Any) -> tuple[int, int, int]:
    n, h, t, k = q.shape
    return n, t, h * k


def _transformer(graph: GraphText, data: Data, w: list[Any]) -> Data:
    x = "x"
    count = len(w) // BLOCK_WEIGHTS
    for number in range(count):
        part = w[number * BLOCK_WEIGHTS : (number + 1) * BLOCK_WEIGHTS]
        x = _block(graph, x, f"n{number}_", part, "out" if number == count - 1 else f"block{number}")
    return {"x": data["x"]}


def _block(graph: GraphText, x: str, prefix: str, w: list[Any], output: str) -> str:
    width = w[0].shape[0]

    def dense(x: str, name: str, kernel: Any, bias: Any) -> str:
        k, b = graph.constant(f"{prefix}{name}_w", kernel), graph.constant(f"{prefix}{name}_b", bias)
        graph.node("MatMul", f"{x} {k}", f"{prefix}{name}_product")
        graph.node("Add", f"{prefix}{name}_product {b}", f"{prefix}{name}")
        return f"{prefix}{name}"

    def norm(a: str, b: str, name: str, gamma: Any, beta: Any, output: str) -> str:
        g, s = graph.constant(f"{prefix}{name}_g", gamma), graph.constant(f"{prefix}{name}_s", beta)
        graph.node("Add", f"{a} {b}", f"{prefix}{name}_sum")
        graph.node("LayerNormalization", f"{prefix}{name}_sum {g} {s}", output, axis=-1, epsilon=EPSILON)
        return output

    joined = np.concatenate([w[i].reshape(width, width) for i in (0, 2, 4)], 1)
    dense(x, "qkv", joined, np.concatenate([w[i].reshape(width) for i in (1, 3, 5)]))
    parts = " ".join(f"{prefix}{name}" for name in "qkv")
    graph.node("Split", f"{prefix}qkv", parts, axis=-1, num_outputs=3)
    graph.node("MultiHeadAttention", parts, f"{prefix}mixed", domain="com.microsoft", num_heads=HEADS)
    projected = dense(f"{prefix}mixed", "output", w[6].reshape(width, width), w[7])
    x = norm(x, projected, "first", w[8], w[9], f"{prefix}normed")
    graph.node("Relu", dense(x, "widen", w[10], w[11]), f"{prefix}relu")
    return norm(x, dense(f"{prefix}relu", "narrow", w[12], w[13]), "second", w[14], w[15], output)


FAMILIES: dict[str, Callable[[GraphText, Data, list[Any]], Data]] = {
    "cnn": _cnn,
    "conv": _one_convolution,
    "lstm": _lstm,
    "transformer": _transformer,
    "attention": _attention,
}
"""Each writes its nodes and returns the inputs."""


def result(workload: Workload, data: Data) -> Callable[[list[Any]], Any]:
    """Brings what a session returned into the layout of the workload."""
    if workload.family == "conv":
        return lambda results: results[0].transpose(0, 2, 3, 1)
    if workload.family == "attention":
        n, h, t, k = data["q"].shape
        return lambda results: results[0].reshape(n, t, h, k).transpose(0, 2, 1, 3)
    return lambda results: results[0]
