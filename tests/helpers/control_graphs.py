"""Graphs with cond, while and scan, their references in NumPy float64, and gradients by differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphcore.autodiff import backward, graph_records
from graphcore.functions import Functions
from graphcore.graph import Graph, Value
from graphcore.interpret import interpret
from graphcore.ops.samples_control import body
from graphcore.passes.rewrite import Rewriter
from graphcore.types import TensorType

Array = np.ndarray[Any, Any]
Define = Callable[[Functions, Sequence[Value]], Sequence[Value]]

__all__ = ["body", "differences", "gradient_graph", "region", "weighted", "whole"]


def whole(types: Sequence[TensorType], define: Define, name: str = "graph") -> Graph:
    """A graph of inputs of the given types."""
    return body(name, types, define)


def region(f: Functions, op: str, operands: Sequence[Value], **attrs: Any) -> tuple[Value, ...]:
    """Emits a control op; always a tuple."""
    return f.apply(op, operands, attrs)


def weighted(f: Functions, value: Value, weight: float = 1.0) -> Value:
    """The sum of sin(weight * x) over all elements: a scalar that every element moves."""
    scaled = f.sin(f.mul(value, f.constant(weight, like=value)))
    axes = tuple(range(value.type.rank))
    return f.reduce_sum(scaled, axes=axes, keepdims=False) if axes else scaled


def gradient_graph(graph: Graph, wrt: Sequence[int], order: int = 1) -> Graph:
    """The graph's first output, a scalar, and its gradients; of order 2 those of the sum of sin of the gradients."""
    copy = Rewriter(graph, fold_bytes=0)
    copy.run()
    builder, f = copy.builder, copy.f
    inputs = builder.inputs = [copy.values[v] for v in graph.inputs]
    y, grads = copy.values[graph.outputs[0]], []
    for step in range(order):
        records = graph_records(builder.nodes)
        sources = [inputs[i] for i in wrt]
        found = backward(records, [y], sources, [f.constant(1, like=y)], f)
        grads = [f.zeros_like(s) if g is None else g for s, g in zip(sources, found, strict=True)]
        if step + 1 < order:
            parts = [weighted(f, g, 0.7) for g in grads]
            y = parts[0]
            for p in parts[1:]:
                y = f.add(y, p)
    return builder.finish([y, *grads])


def differences(value: Callable[[Sequence[Array]], float], arrays: Sequence[Array], wrt: Sequence[int]) -> list[Array]:
    """Central differences of a scalar function of arrays."""
    found: list[Array] = []
    step = 1e-6
    for i in wrt:
        slope = np.zeros_like(arrays[i])
        for place in np.ndindex(*arrays[i].shape):
            ends: list[float] = []
            for sign in (1, -1):
                moved = [np.array(a) for a in arrays]
                moved[i][place] += sign * step
                ends.append(value(moved))
            slope[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(slope)
    return found


def first_output(graph: Graph) -> Callable[[Sequence[Array]], float]:
    """The graph's first output as a number."""
    return lambda arrays: float(interpret(graph, arrays)[0])
