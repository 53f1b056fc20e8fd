"""The reference interpreter: runs a graph node by node with each op's NumPy meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.builder import evaluate_op
from graphcore.errors import ShapeError
from graphcore.graph import Graph, Node, Value
from graphcore.types import TensorType

Array = np.ndarray[Any, Any]


def bind_dims(types: Sequence[TensorType], shapes: Sequence[Sequence[int]], what: str = "input") -> dict[str, int]:
    """The sizes that symbols take so that `types` fit the actual `shapes`.

    Raises:
        ShapeError: if a rank or a size does not fit.
    """
    env: dict[str, int] = {}
    for i, (type_, shape) in enumerate(zip(types, shapes, strict=True)):
        if len(type_.shape) != len(shape):
            raise ShapeError(f"{what} {i}: expected rank {type_.rank} ({type_}), got shape {tuple(shape)}")
        for d, n in zip(type_.shape, shape, strict=True):
            name = dims.is_symbol(d)
            if name is not None:
                env.setdefault(name, int(n))
    for i, (type_, shape) in enumerate(zip(types, shapes, strict=True)):
        expected = tuple(dims.evaluate(d, env) for d in type_.shape)
        if expected != tuple(shape):
            raise ShapeError(f"{what} {i}: expected shape {expected} ({type_}), got {tuple(shape)}")
    return env


def interpret(
    graph: Graph,
    arrays: Sequence[Array],
    env: Mapping[str, int] | None = None,
    observe: Callable[[Value, Array], None] | None = None,
) -> list[Array]:
    """Runs `graph` on arrays and returns its outputs.

    Args:
        graph: any graph, before or after passes.
        arrays: one array per input.
        env: sizes of symbols; found from the arrays' shapes when None.
        observe: called with every value and its array as it is computed.

    Raises:
        ShapeError: if the arrays do not fit the inputs.
    """
    if env is None:
        env = bind_dims([v.type for v in graph.inputs], [a.shape for a in arrays])
    env = dict(env)
    known: dict[Value, Array] = dict(zip(graph.inputs, arrays, strict=True))
    for node in graph.nodes:
        if node.op.name != "input":
            results = run_node(node, [known[v] for v in node.operands], env)
            known.update(zip(node.results, results, strict=True))
            env.update(found_sizes(node, results))
        if observe is not None:
            for v in node.results:
                observe(v, known[v])
    return [known[v] for v in graph.outputs]


def run_node(node: Node, arrays: Sequence[Array], env: Mapping[str, int]) -> list[Array]:
    """Runs one node on arrays, with the given sizes of symbols."""
    if node.op.name == "constant":
        return [node.attrs["value"].array]
    if node.op.name == "fusion":
        return interpret(node.bodies[0], arrays, env)
    attrs = dims.substitute(node.attrs, env)
    if node.bodies:
        attrs = {**attrs, "bodies": node.bodies, "env": env}
    return evaluate_op(node.op, arrays, attrs)


def found_sizes(node: Node, results: Sequence[Array]) -> dict[str, int]:
    """The sizes that running a node has found out: the iterations of a loop with `save`."""
    name = node.attrs.get("save")
    return {name: results[-1].shape[0]} if name else {}
