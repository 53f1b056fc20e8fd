"""Graphs that hold strings: no buffer of native code can own Python objects, so they run node by node on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.compiled import CompiledGraph, GraphParts
from codegen.emit.module import GraphModule
from codegen.runtime.plan import symbol_order
from graphcore.graph import Graph
from graphcore.interpret import interpret

if TYPE_CHECKING:
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target


def holds_objects(graph: Graph) -> bool:
    """Whether any value of a graph, or of the bodies in it, is of a dtype that only the host has (string)."""
    return any(v.type.dtype.kind == "O" for n in graph.walk() for v in n.results)


class HostGraph(CompiledGraph):
    """A graph with strings: every node is a host call, run by the interpreter."""

    def __init__(self, graph: Graph, target: Target) -> None:
        """Takes the graph as it is; nothing is compiled."""
        symbols = symbol_order([v.type for v in graph.inputs])
        module = GraphModule(target, symbols)
        super().__init__(graph, target, GraphParts(module.text, [], [], (), 0, (), {}, symbols))
        nodes = [n for n in graph.nodes if n.op.name not in ("input", "constant")]
        self.host_calls = [str(getattr(n.attrs.get("call"), "name", n.op.name)) for n in nodes]

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Computes all outputs from all inputs with NumPy. Raises what the ops raise."""
        with np.errstate(all="ignore"):
            found = interpret(self.graph, arrays)
        # A result that is an input or a view of one must not change with it.
        return [np.array(a, order="C") for a in found]

    def entry(self, plan: EntryPlan) -> Any:
        """The way through Python, which every call takes."""
        return plan.slow


__all__ = ["HostGraph", "holds_objects"]
