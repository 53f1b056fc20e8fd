"""What a computation is: typed dataflow graphs, the op table, passes, and tools to inspect them.

This package depends on NumPy and, for analysis only, on networkx; it imports neither `eager` nor `codegen`.
"""

from graphcore import ops
from graphcore.autodiff import Record, backward
from graphcore.builder import GraphBuilder
from graphcore.graph import Graph, Location, Node, Value
from graphcore.interpret import interpret
from graphcore.optable import OPS, OpDef, get_op
from graphcore.types import TensorType
from graphcore.verify import verify

__all__ = [
    "OPS", "Graph", "GraphBuilder", "Location", "Node", "OpDef", "Record", "TensorType", "Value", "backward",
    "get_op", "interpret", "ops", "verify",
]  # fmt: skip
