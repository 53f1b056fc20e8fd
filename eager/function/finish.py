"""From a finished trace to a ConcreteFunction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager import nest
from eager.context import run_frame
from eager.convert import convert
from eager.function.concrete import ConcreteFunction, output_leaf
from eager.function.trace import Trace
from eager.variable import Variable


def finish(trace: Trace, result: Any, observed: Sequence[tuple[int, ...]]) -> ConcreteFunction:
    """The graph of a finished trace, with outputs for the result's tensors and for assigned variables."""
    outputs: list[Any] = []

    def leaf(x: Any) -> Any:
        if x is None:
            return None
        if isinstance(x, Variable):
            x = trace.read(x)
        tensor = convert(x)
        if tensor._array is not None:
            return tensor
        outputs.append(trace.value_of(tensor))
        return output_leaf(len(outputs) - 1)

    with run_frame(trace):
        structure = nest.map_structure(leaf, result) if nest.is_nested(result) else leaf(result)
        returned = len(outputs)
        updates, variables = [], []
        for variable, value in trace.assigned():
            updates.append((len(outputs), trace.variable_position(variable)))
            outputs.append(trace.value_of(value))
            variables.append(variable)
    graph = trace.builder.finish(outputs, updates)
    return ConcreteFunction(graph, trace.sources, structure, returned, variables, observed)
