"""Graphs that hold strings: no buffer of native code can own Python objects, so what needs them runs on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.compiled import CompiledGraph, GraphParts
from codegen.emit.module import GraphModule
from codegen.runtime.plan import symbol_order
from graphcore.graph import Graph, Node
from graphcore.interpret import bind_dims, found_sizes, interpret, run_node

if TYPE_CHECKING:
    from codegen.host_split import Split
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target


def holds_objects(graph: Graph) -> bool:
    """Whether any value of a graph, or of the bodies in it, is of a dtype that only the host has (string)."""
    return any(v.type.dtype.kind == "O" for n in graph.walk() for v in n.results)


class HostGraph(CompiledGraph):
    """A graph with strings: nodes that need them are run by the interpreter, then the rest natively."""

    def __init__(
        self, graph: Graph, target: Target, parts: Split | None = None, rest: CompiledGraph | None = None
    ) -> None:
        """Takes the graph, and if it was split its parts and the compiled rest; else every node runs on the host."""
        symbols = symbol_order([v.type for v in graph.inputs])
        module = GraphModule(target, symbols)
        super().__init__(graph, target, GraphParts(module.text, [], [], (), 0, (), {}, symbols))
        self._parts, self._rest = parts, rest
        nodes = graph.nodes if parts is None else parts.host
        self.host_calls = [_name(n) for n in nodes if n.op.name not in ("input", "constant")]
        if parts is not None and rest is not None:
            self.host_calls += rest.host_calls
            self.kernels = [k._replace(node_ids=tuple(parts.ids[i] for i in k.node_ids)) for k in rest.kernels]

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Computes all outputs from all inputs. Raises what the ops raise."""
        with np.errstate(all="ignore"):
            found = interpret(self.graph, arrays) if self._rest is None else self._both(arrays, self._rest)
        # A result that is an input or a view of one must not change with it.
        return [np.array(a, order="C") for a in found]

    def _both(self, arrays: Sequence[np.ndarray[Any, Any]], rest: CompiledGraph) -> list[np.ndarray[Any, Any]]:
        """The host's nodes, then the compiled rest."""
        parts, graph = self._parts, self.graph
        assert parts is not None
        sizes = bind_dims([v.type for v in graph.inputs], [a.shape for a in arrays])
        known = dict(zip(graph.inputs, arrays, strict=True))
        known.update((v, n.attrs["value"].array) for n in graph.nodes if n.op.name == "constant" for v in n.results)
        for node in parts.host:
            made = run_node(node, [known[v] for v in node.operands], sizes)
            known.update(zip(node.results, made, strict=True))
            sizes.update(found_sizes(node, made))
        given = [np.ascontiguousarray(known[v]).reshape(known[v].shape) for v in parts.arguments]
        known.update(zip(parts.results, rest.run(given), strict=True))
        return [known[v] for v in graph.outputs]

    def entry(self, plan: EntryPlan) -> Any:
        """The way through Python, which every call takes."""
        return plan.slow


def _name(node: Node) -> str:
    return str(getattr(node.attrs.get("call"), "name", node.op.name))


__all__ = ["HostGraph", "holds_objects"]
