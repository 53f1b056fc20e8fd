"""Graphs that hold strings in two parts: what needs them, node by node on the host, then the rest as native code."""

from __future__ import annotations

from typing import NamedTuple

from graphcore import dims
from graphcore.graph import Graph, Node, Value
from graphcore.passes.memory import memory
from graphcore.passes.rewrite import Rewriter


class Split(NamedTuple):
    """The parts of a graph.

    Attributes:
        host: the nodes that run on the host, in order.
        rest: the other nodes as a graph of their own.
        arguments: the values of the whole graph that are the inputs of `rest`.
        results: the values of the whole graph that are its outputs.
        ids: for the number of each node of `rest` that of the node it was copied from.
    """

    host: list[Node]
    rest: Graph
    arguments: list[Value]
    results: list[Value]
    ids: dict[int, int]


def holds_object(node: Node) -> bool:
    """Whether a node reads, makes or handles inside of its bodies a value that only the host has (string)."""
    own = any(v.type.dtype.kind == "O" for v in (*node.operands, *node.results))
    return own or any(holds_object(n) for body in node.bodies for n in body.nodes)


def split(graph: Graph) -> Split | None:
    """The parts, or None where the rest is empty or needs a size that its inputs do not tell."""
    host = _on_host(graph)
    nodes = [n for n in graph.nodes if n not in host and n.op.name not in ("input", "constant")]
    own = set(nodes)
    arguments = list(dict.fromkeys(
        v for n in nodes for v in n.operands if v.node not in own and v.node.op.name != "constant"
    ))  # fmt: skip
    told = {name for v in arguments for d in v.type.shape if (name := dims.is_symbol(d)) is not None}
    found = {str(n.attrs["save"]) for n in nodes if n.attrs.get("save")}
    if not nodes or set().union(*(n.sizes for n in nodes)) - told - found:
        return None
    results = list(dict.fromkeys(v for v in graph.outputs if v.node in own))
    return _copied(graph, host, own, arguments, results)


def _on_host(graph: Graph) -> set[Node]:
    """The nodes with strings and what they need; effects before the last of theirs keep their place."""
    host = _needed([n for n in graph.nodes if holds_object(n)])
    last = max((i for i, n in enumerate(graph.nodes) if n in host and n.effects), default=-1)
    return _needed([*host, *(n for n in graph.nodes[: last + 1] if n.effects)])


def _needed(nodes: list[Node]) -> set[Node]:
    found: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node not in found and node.op.name != "input":
            found.add(node)
            stack.extend(v.node for v in node.operands)
    return found


def _copied(graph: Graph, host: set[Node], own: set[Node], arguments: list[Value], results: list[Value]) -> Split:
    """Copies the rest; constants are copied where it reads them."""
    rewriter = Rewriter(graph, fold_bytes=0)
    for v in arguments:
        rewriter.values[v] = rewriter.builder.input(v.type, v.name, "argument", v.node.locations)
    read = {v.node for n in own for v in n.operands if v.node.op.name == "constant"}
    kept = [n for n in graph.nodes if n in own or n in read]
    values, made, ids = rewriter.values, rewriter.builder.nodes, {}
    for node in kept:
        before = len(made)
        rewriter.step(node)
        # A node without results, such as an assertion, counts as well.
        ids.update((new.id, node.id) for new in made[before:])
    rest = Graph(
        graph.name, rewriter.builder.nodes, [values[v] for v in arguments], [values[v] for v in results],
        guards=graph.guards,
    )  # fmt: skip
    return Split([n for n in graph.nodes if n in host], memory(rest), arguments, results, ids)
