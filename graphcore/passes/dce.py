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
    finders = size_finders(graph)
    for node in reversed(graph.nodes):
        if node.op.name == "input" or node.effects or any(v in needed for v in node.results):
            live.add(node)
            needed.update(node.operands)
            for name in node.sizes & finders.keys() if finders else ():
                needed.update(finders[name].results)
    return live


def size_finders(graph: Graph) -> dict[str, Node]:
    """The sizes that only the run finds out, and the loops that do: whatever mentions a size comes after its loop."""
    return {str(n.attrs["save"]): n for n in graph.nodes if n.attrs.get("save")}
