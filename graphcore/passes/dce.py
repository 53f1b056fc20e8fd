"""dce: nodes that nothing needs are dropped."""

from __future__ import annotations

from graphcore.graph import Graph, Node, Value
from graphcore.passes.rewrite import Rewriter


def dce(graph: Graph, notes: list[str]) -> Graph:
    """Keeps the nodes that an output or an effect needs, and every input: those are the interface."""
    needed = live_nodes(graph)
    dropped = len(graph.nodes) - len(needed)
    if not dropped:
        return graph
    notes.append(f"dropped {dropped} nodes")
    return Rewriter(graph, fold_bytes=0).run(keep=lambda node: node in needed)


def live_nodes(graph: Graph) -> set[Node]:
    """Input nodes, nodes with effects, and everything that these and the outputs read."""
    live: set[Node] = set()
    needed: set[Value] = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.op.name == "input" or has_effects(node) or any(v in needed for v in node.results):
            live.add(node)
            needed.update(node.operands)
    return live


def has_effects(node: Node) -> bool:
    """Whether a node, or one inside its bodies, does more than compute its results."""
    return bool(node.op.effects) or any(has_effects(inner) for body in node.bodies for inner in body.nodes)
