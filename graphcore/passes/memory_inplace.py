"""Which values may lie where an operand lay that dies there.

A scatter, or an update of a window, checks its indices before it writes anything, and copies the operand unless it lies
at the same place. So a buffer that a graph updates many times, element by element, is never copied. A loop or the
epilogue of a contraction may write over what it reads at the very index at which it writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from graphcore.graph import Graph, Node, Value

_OVER_FIRST = frozenset(("scatter", "dynamic_update_slice"))


def written_over(node: Node) -> Value | None:
    """The operand over which a node may write its result; None if there is none, or if it is read otherwise too."""
    if node.op.name not in _OVER_FIRST:
        return None
    first, *others = node.operands
    return None if first in others else first


def reads_in_place(node: Node, old: Value) -> bool:
    """Whether a node reads an operand only at the index at which it writes.

    So it is for loops and the epilogues of contractions, if the operand meets only elementwise nodes of its
    own shape; and for what may be written over its operand.
    """
    if written_over(node) is old:
        return True
    if node.op.name != "fusion" or node.attrs["category"] not in ("loop", "contract"):
        return False
    body = node.bodies[0]
    touched = {inner for inner, outer in zip(body.inputs, node.operands, strict=True) if outer is old}
    for n in body.nodes:
        if not touched.isdisjoint(n.operands):
            if n.op.kind != "elementwise" or n.result.type.shape != old.type.shape:
                return False
            touched.add(n.result)
    return True


def _over(
    node: Node, aliases: Mapping[Value, Value], lives: Mapping[Value, tuple[int, int]], free: Collection[Value], at: int
) -> list[tuple[Value, Value]]:
    """Pairs of a result of the kernel at position `at` and the operand over which it may be written."""
    if node.op.name != "fusion" or node.attrs["category"] not in ("loop", "contract"):
        return []
    roots = [aliases.get(v, v) for v in node.operands]
    dying = [v for v in node.operands if v in free and lives[v][1] == at and roots.count(v) == 1]
    dying = [v for v in dying if reads_in_place(node, v)]
    found: list[tuple[Value, Value]] = []
    for new in node.results:
        old = next((v for v in dying if new in free and v.type.shape == new.type.shape and _as_wide(v, new)), None)
        if old is not None:
            dying.remove(old)
            found.append((old, new))
    return found


def _as_wide(one: Value, other: Value) -> bool:
    return one.type.dtype.size == other.type.dtype.size


def chains(
    graph: Graph,
    aliases: Mapping[Value, Value],
    lives: Mapping[Value, tuple[int, int]],
    movable: Collection[Value],
    outputs: dict[Value, int],
) -> list[list[Value]]:
    """Values that share one place, each list in the order in which they are computed.

    Args:
        graph: a graph in the order in which it will run.
        aliases: values that rename another's buffer.
        lives: for every value that is no alias the positions of its node and of its last reader.
        movable: the values that may be put anywhere in the arena.
        outputs: which computed value lies in which output; values that may be computed there first are added.
    """
    assigned = {output: graph.inputs[source] for output, source in graph.updates}
    positions = {n: i for i, n in enumerate(graph.nodes)}
    free = set(movable)
    found: dict[Value, list[Value]] = {}
    for i, node in enumerate(graph.nodes):
        for first, second in _over(node, aliases, lives, free, i):
            chain = found.setdefault(first, [first])
            chain.append(second)
            found[second] = chain
        old = written_over(node)
        root = None if old is None else aliases.get(old, old)
        if root is None or root not in free or lives[root][1] != i:
            continue
        if any(aliases.get(v, v) is root for v in node.operands[1:]):
            continue
        chain = found.get(root) or [root]
        if node.result in free:
            found[node.result] = chain
            found[root] = chain
            chain.append(node.result)
        elif node.result in outputs:
            source = assigned.get(outputs[node.result])
            if source is not None and not _may_start(chain[0].node, positions, source, lives[source][1]):
                continue
            outputs.update(dict.fromkeys(chain, outputs[node.result]))
            free.difference_update(chain)
    unique = {id(c): c for v, c in found.items() if v in free}
    return list(unique.values())


def _may_start(node: Node, positions: Mapping[Node, int], old: Value, last: int) -> bool:
    """Whether the first node of a chain may write where an updated input's old value lies.

    Not for a variable, which must be as it was if the run fails. What a loop carries is read before then, or by that
    very node, which writes over it.
    """
    if old.node.attrs.get("role") == "variable":
        return False
    return last < positions[node] or (last == positions[node] and written_over(node) is old)
