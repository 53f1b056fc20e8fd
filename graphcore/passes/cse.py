"""cse: equal nodes become one."""

from __future__ import annotations

from graphcore.graph import Graph
from graphcore.passes.rewrite import Rewriter


def cse(graph: Graph, notes: list[str]) -> Graph:
    """Merges nodes of one op with the same operands and attributes; nodes with effects or bodies stay apart.

    Emission through the builder finds the equal node; since operands are merged before their users, equal
    subgraphs merge whole. Source locations of merged nodes are united.
    """
    after = Rewriter(graph, fold_bytes=0).run()
    if len(after.nodes) < len(graph.nodes):
        notes.append(f"merged {len(graph.nodes) - len(after.nodes)} nodes")
    return after
