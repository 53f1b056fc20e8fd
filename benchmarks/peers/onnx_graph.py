"""Writes ONNX models with the `onnx` helper."""

import os
from typing import Any

import numpy as np

from benchmarks.workloads import Data

_OPSET, _IR_VERSION = 20, 10


class GraphText:
    """The nodes and constants of one model."""

    def __init__(self) -> None:
        """An empty graph."""
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def node(self, op: str, inputs: str, outputs: str, **attributes: Any) -> None:
        """Adds a node; names are separated by spaces."""
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs.split(), outputs.split(), **attributes))

    def constant(self, name: str, value: Any) -> str:
        """Adds a constant; returns its name."""
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def model(self, inputs: Data, symbolic: bool = False) -> bytes:
        """The model as bytes, from the inputs to `out`; `symbolic` leaves the first size of each input open."""
        from onnx import TensorProto, helper, numpy_helper

        def info(name: str, value: Any) -> Any:
            shape = ["batch", *value.shape[1:]] if symbolic else value.shape
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes,
            "benchmark",
            [info(name, value) for name, value in inputs.items()],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()


def session(model: bytes) -> Any:
    """Loads a model on the CPU, held to the number of threads in OMP_NUM_THREADS."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
