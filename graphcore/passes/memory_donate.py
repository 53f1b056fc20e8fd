"""Donation: which variables may be updated in place.

An update may be written over the old value if every other reader of the old value comes before, the node that
computes the update reads it at no other index than it writes, and nothing can fail from then on: a failing
run must leave every variable as it was. Nodes that write where data says (`memory_inplace`) fail before they write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphcore.graph import Graph, Node, Value
from graphcore.passes.memory_inplace import reads_in_place, written_over

_CHECKING = frozenset(("gather", "gather_nd", "dynamic_slice", "scatter", "dynamic_update_slice"))
"""Ops that check their indices. Whatever else fails has an effect or runs on the host."""


def donations(
    graph: Graph,
    aliases: Mapping[Value, Value],
    outputs: Mapping[Value, int],
    copies: Sequence[tuple[int, Value]],
) -> tuple[list[tuple[int, int]], dict[int, str]]:
    """The updates that may be done in place, and why the others may not, by output position."""
    donated: list[tuple[int, int]] = []
    refused: dict[int, str] = {}
    if not graph.updates:
        return donated, refused
    positions = {n: i for i, n in enumerate(graph.nodes)}
    failing = max((i for i, n in enumerate(graph.nodes) if can_fail(n)), default=-1)
    readers = _readers(graph, aliases)
    copied = {v for _, v in copies}
    for output, source in graph.updates:
        new = aliases.get(graph.outputs[output], graph.outputs[output])
        old = graph.inputs[source]
        if outputs.get(new) != output:
            why = "it is a copy of another value"
        elif old in copied:
            why = "the old value is an output"
        else:
            why = _obstacle(graph, positions[new.node], old, aliases, readers.get(old, []), failing)
        if why:
            refused[output] = why
        else:
            donated.append((output, source))
    return donated, refused


def _readers(graph: Graph, aliases: Mapping[Value, Value]) -> dict[Value, list[int]]:
    found: dict[Value, list[int]] = {}
    for i, node in enumerate(graph.nodes):
        for v in dict.fromkeys(node.operands):
            if node.op.name != "reshape":
                found.setdefault(aliases.get(v, v), []).append(i)
    return found


def _obstacle(
    graph: Graph,
    writer: int,
    old: Value,
    aliases: Mapping[Value, Value],
    readers: Sequence[int],
    failing: int,
) -> str:
    """Why the node at position `writer` may not write over `old`; "" if it may."""
    node = graph.nodes[writer]
    # What the body of a loop carries is nobody's after a failure; a variable must be as it was.
    lasting = old.node.attrs.get("role") == "variable"
    if not lasting:
        failing = -1
    if failing > writer or (failing == writer and written_over(node) is None):
        return f"node %{graph.nodes[failing].id} can still fail"
    late = [i for i in readers if i > writer]
    if late:
        return f"node %{graph.nodes[late[0]].id} reads the old value later"
    renamed = any(aliases.get(v) is old for v in node.operands)
    if writer in readers and (renamed or not reads_in_place(node, old)):
        return f"node %{node.id} reads the old value at other places than it writes"
    return ""


def can_fail(node: Node) -> bool:
    """Whether running a node can stop the run: assertions, index checks, anything that the host does."""
    if node.bodies:
        # Memory for what a loop saves may be missing.
        return bool(node.attrs.get("save")) or any(can_fail(n) for body in node.bodies for n in body.nodes)
    if node.op.name in ("input", "constant", "reshape"):
        return False
    native = all(v.type.dtype.is_native for v in (*node.operands, *node.results))
    return node.op.name in _CHECKING or bool(node.op.effects) or not node.op.native or not native
