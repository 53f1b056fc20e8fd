"""Re-emission: the one sweep that every pass is made of; one that finds nothing to do returns its graph.

A `Rewriter` copies a graph node by node through a builder, so every pass gets hash-consing and folding of
small constants for nothing, keeps source locations, and never changes the graph it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from graphcore.builder import FOLD_BYTES, GraphBuilder
from graphcore.functions import graph_functions
from graphcore.graph import Graph, Location, Node, Value

Operands: TypeAlias = tuple[Value, ...]
Visit: TypeAlias = Callable[["Rewriter", Node, Operands], Sequence[Value] | None]
"""(rewriter, old node, its operands in the new graph) -> replacements of its results, or None to copy it."""


class LocatedBuilder(GraphBuilder):
    """A builder whose new nodes get the locations of the node that is being rewritten.

    Attributes:
        locations: what `here` answers.
    """

    def __init__(self, name: str, fold_bytes: int = FOLD_BYTES) -> None:
        """Starts an empty graph."""
        super().__init__(name, None, fold_bytes)
        self.locations: frozenset[Location] = frozenset()

    def here(self) -> frozenset[Location]:
        """The locations of the node that is being rewritten."""
        return self.locations


class Rewriter:
    """Copies one graph into a new one, node by node.

    Attributes:
        graph: the graph that is copied; it stays as it is.
        builder: where the new nodes go.
        f: op functions that emit into the builder.
        values: old value -> new value, for everything copied so far.
    """

    def __init__(self, graph: Graph, fold_bytes: int = FOLD_BYTES) -> None:
        """Prepares an empty copy.

        Args:
            graph: the graph to copy.
            fold_bytes: the builder folds constant results up to this size; 0 never folds.
        """
        self.graph = graph
        self.builder = LocatedBuilder(graph.name, fold_bytes)
        self.f = graph_functions(self.builder)
        self.values: dict[Value, Value] = {}

    def run(self, visit: Visit | None = None, keep: Callable[[Node], bool] | None = None) -> Graph:
        """Copies every node that `keep` accepts, or what `visit` puts in its place, and finishes.

        A replacement must have the type of what it replaces.
        """
        for node in self.graph.nodes:
            if keep is None or keep(node):
                self.step(node, visit)
        return self.finish()

    def step(self, node: Node, visit: Visit | None = None) -> None:
        """Copies or replaces one node whose operands are copied already."""
        self.builder.locations = node.locations
        operands = tuple(self.values[v] for v in node.operands)
        new = visit(self, node, operands) if visit is not None else None
        self.values.update(zip(node.results, self.copy(node, operands) if new is None else new, strict=True))

    def copy(self, node: Node, operands: Operands) -> Sequence[Value]:
        """Emits a node again on new operands, with its attributes, bodies and locations."""
        if node.op.name == "constant":
            return (self.builder.constant(node.attrs["value"], node.locations),)
        # Inference is only repeated where an operand's type was written in another form.
        same = all(new.type == old.type for new, old in zip(operands, node.operands, strict=True))
        types = [v.type for v in node.results] if same or node.bodies else None
        return self.builder.emit_node(node.op, operands, node.attrs, node.locations, node.bodies, types)

    def finish(self) -> Graph:
        """The new graph with the interface of the old one: inputs, outputs, names, updates."""
        old, new = self.graph, self.values
        outputs = [new[v] for v in old.outputs]
        inputs = [new[v] for v in old.inputs]
        return Graph(old.name, self.builder.nodes, inputs, outputs, old.updates, old.output_names, old.guards)
