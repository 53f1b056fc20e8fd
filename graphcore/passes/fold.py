"""fold: what depends on constants alone is computed now, within a budget of bytes and time."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.builder import evaluate_op
from graphcore.dtypes import as_dtype
from graphcore.graph import Graph, Node, Value
from graphcore.passes.rewrite import Operands, Rewriter
from graphcore.types import TensorType

MAX_BYTES = 2**20
"""A result of more bytes stays a computation."""

MAX_SECONDS = 0.5
"""Once folding has taken this long, the rest of the graph is copied as it is."""

_LEFT_ALONE = frozenset(("host", "control", "random"))


def fold(
    graph: Graph, notes: list[str], max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS
) -> Graph:
    """Replaces nodes whose operands are all constants by their values, found by the op's own `evaluate`.

    A broadcast of a constant stays: it costs a kernel nothing, and its value would cost memory. What reduces one to
    something smaller is folded. Whatever the budgets leave undone is noted.
    """
    if not any(is_foldable(node, node.operands) for node in graph.nodes):
        return graph
    folder = _Folder(notes, max_bytes, max_seconds)
    return Rewriter(graph).run(folder.visit)


class _Folder:
    """The budgets of one run of the pass."""

    def __init__(self, notes: list[str], max_bytes: int, max_seconds: float) -> None:
        self.notes = notes
        self.max_bytes = max_bytes
        self.max_seconds = max_seconds
        self.spent = 0.0

    def visit(self, r: Rewriter, node: Node, operands: Operands) -> list[Value] | None:
        if not is_foldable(node, operands) or not self._affordable(node):
            return None
        start = time.perf_counter()
        arrays = evaluate_op(node.op, [_array(v) for v in operands], node.attrs)
        self.spent += time.perf_counter() - start
        have = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]
        if have != [v.type for v in node.results]:
            self.notes.append(f"left %{node.id} {node.op.name}: it evaluates to {have}")
            return None
        return [r.builder.constant(a, node.locations) for a in arrays]

    def _affordable(self, node: Node) -> bool:
        size = sum(int(v.type.bytes) for v in node.results)
        if size > self.max_bytes:
            self.notes.append(f"left %{node.id} {node.op.name}: {size} bytes, more than {self.max_bytes}")
            return False
        if self.spent > self.max_seconds:
            self.notes.append(f"left %{node.id} {node.op.name}: folding took {self.spent:.2f} s already")
            return False
        return True


def is_foldable(node: Node, operands: Operands) -> bool:
    """Whether a node is a pure function of constants, of static size, and no broadcast."""
    if not operands or node.op.effects or node.bodies or node.op.kind in _LEFT_ALONE:
        return False
    if node.op.name == "broadcast_to" or not all(v.type.is_static for v in node.results):
        return False
    if all(v.node.op.name == "constant" for v in operands):
        return not dims.free_symbols(node.attrs)
    return node.op.kind == "reduce" and is_broadcast_constant(operands[0])


def is_broadcast_constant(value: Value) -> bool:
    """Whether a value is a constant repeated to a static shape of moderate size."""
    node = value.node
    if node.op.name != "broadcast_to" or node.operands[0].node.op.name != "constant" or not value.type.is_static:
        return False
    return math.prod(d for d in value.type.shape if isinstance(d, int)) * value.type.dtype.size <= MAX_BYTES


def _array(value: Value) -> np.ndarray[Any, Any]:
    if value.node.op.name == "constant":
        return value.node.attrs["value"].array
    return np.broadcast_to(value.node.operands[0].node.attrs["value"].array, value.node.attrs["shape"])
