"""ONNX Runtime on graphs made with onnx; it has no eager mode, and trains only in another distribution."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Side
from benchmarks.workloads import EPSILON, MLP_SIZES, Data, Workload

_OPSET, _IR_VERSION = 20, 10


def load() -> str:
    """Imports ONNX Runtime and onnx; returns the version of the former."""
    import onnx
    import onnxruntime

    return f"{onnxruntime.__version__} (onnx {onnx.__version__})"


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """One session for the inference workloads."""
    make = _FAMILIES.get(workload.family)
    if make is None:
        return {}
    nodes, input_names, constants = make(data)
    session = _session(nodes, {name: data[name] for name in input_names}, constants)
    feeds = {name: data[name] for name in input_names}
    return {"": Side(partial(session.run, None, feeds), lambda results: results[0])}


def _session(nodes: list[Any], inputs: Data, constants: Data) -> Any:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    float32 = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "benchmark",
        [helper.make_tensor_value_info(name, float32, value.shape) for name, value in inputs.items()],
        [helper.make_tensor_value_info("out", float32, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def _node(op: str, inputs: str, output: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(op, inputs.split(), [output], **attributes)


_Graph = tuple[list[Any], list[str], Data]


def _scale_shift(_data: Data) -> _Graph:
    nodes = [_node("Mul", "x two", "scaled"), _node("Add", "scaled one", "out")]
    return nodes, ["x"], {"two": np.array(2, np.float32), "one": np.array(1, np.float32)}


def _add(_data: Data) -> _Graph:
    return [_node("Add", "a b", "out")], ["a", "b"], {}


def _gelu_sum(data: Data) -> _Graph:
    nodes = [
        _node("Mul", "x w", "scaled"),
        _node("Add", "scaled b", "shifted"),
        _node("Gelu", "shifted", "activated", approximate="tanh"),
        _node("ReduceSum", "activated axes", "out", keepdims=0),
    ]
    return nodes, ["x"], {"w": data["w"], "b": data["b"], "axes": np.array([-1], np.int64)}


def _softmax(_data: Data) -> _Graph:
    return [_node("Softmax", "x", "out", axis=-1)], ["x"], {}


def _layer_norm(data: Data) -> _Graph:
    nodes = [_node("LayerNormalization", "x w b", "out", axis=-1, epsilon=EPSILON)]
    return nodes, ["x"], {"w": data["w"], "b": data["b"]}


def _norm_plus_softmax(data: Data) -> _Graph:
    nodes = [
        _node("LayerNormalization", "x w b", "normed", axis=-1, epsilon=EPSILON),
        _node("Softmax", "x", "weights", axis=-1),
        _node("Add", "normed weights", "out"),
    ]
    return nodes, ["x"], {"w": data["w"], "b": data["b"]}


def _gemm(data: Data) -> _Graph:
    nodes = [_node("Gemm", "x w b", "z"), _node("Relu", "z", "out")]
    return nodes, ["x"], {"w": data["w"], "b": data["b"]}


def _mlp(data: Data) -> _Graph:
    nodes: list[Any] = []
    last = len(MLP_SIZES) - 2
    value = "x"
    for number in range(last + 1):
        z = "out" if number == last else f"z{number}"
        nodes.append(_node("Gemm", f"{value} w{number} b{number}", z))
        if number < last:
            value = f"h{number}"
            nodes.append(_node("Relu", z, value))
    return nodes, ["x"], {name: value for name, value in data.items() if name[0] in "wb"}


_FAMILIES: dict[str, Callable[[Data], _Graph]] = {
    "scale_shift": _scale_shift,
    "add": _add,
    "gelu_sum": _gelu_sum,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
    "norm_plus_softmax": _norm_plus_softmax,
    "gemm_bias_relu": _gemm,
    "mlp": _mlp,
}
