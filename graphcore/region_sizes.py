"""Names of the sizes that loops with saved values find out: none has the name of a size that is known around it.

A body is built without knowledge of the graph that it will stand in, so names may clash when it gets there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from graphcore import dims

if TYPE_CHECKING:
    from graphcore.graph import Graph, Node, Value


def mentioned(nodes: Iterable[Node]) -> set[str]:
    """The symbols that nodes mention, those inside of bodies included."""
    found: set[str] = set()
    for node in nodes:
        found |= node.sizes
    return found


def fresh(name: str, taken: Collection[str]) -> str:
    """A name that is not taken, as similar to `name` as can be."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def apart(bodies: tuple[Graph, ...], around: Iterable[Node], own: str | None) -> tuple[Graph, ...]:
    """The bodies, with other names for what they find out where these are in use around them.

    Args:
        bodies: the bodies of one node.
        around: the nodes of the graph that it will stand in.
        own: the size that the node itself finds out, if it does.
    """
    inside = {str(n.attrs["save"]) for body in bodies for n in body.walk() if n.attrs.get("save")}
    if not inside:
        return bodies
    taken = mentioned(around) | ({own} if own else set[str]())
    clashing = sorted(inside & taken)
    if not clashing:
        return bodies
    taken |= mentioned(n for body in bodies for n in body.nodes)
    names: dict[str, str] = {}
    for name in clashing:
        names[name] = fresh(name, taken)
        taken.add(names[name])
    return tuple(_renamed(body, names) for body in bodies)


def _renamed(body: Graph, names: Mapping[str, str]) -> Graph:
    """The body with other names for some sizes."""
    from graphcore.builder import GraphBuilder
    from graphcore.graph import Graph

    sizes = {old: dims.symbol(new, 0) for old, new in names.items()}
    builder = GraphBuilder(body.name, fold_bytes=0)
    values: dict[Value, Value] = {}
    for node in body.nodes:
        types = [v.type.with_shape(dims.substitute(v.type.shape, sizes)) for v in node.results]
        attrs = dims.substitute(node.attrs, sizes)
        if node.op.name == "input":
            values[node.result] = builder.input(types[0], attrs["name"], attrs["role"], node.locations)
            continue
        if attrs.get("save"):
            attrs["save"] = names.get(attrs["save"], attrs["save"])
        inner = tuple(_renamed(b, names) for b in node.bodies)
        made = builder.emit_node(node.op, [values[v] for v in node.operands], attrs, node.locations, inner, types)
        values.update(zip(node.results, made, strict=True))
    return Graph(
        body.name, builder.nodes, [values[v] for v in body.inputs], [values[v] for v in body.outputs], body.updates,
        body.output_names, dims.substitute(body.guards, sizes),
    )  # fmt: skip
