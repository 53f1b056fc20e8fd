"""Control nodes as drivers: what is carried and how, and where operands and results lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from codegen.emit.driver_spec import Body, DriverSpec
from codegen.layout import Layout, Place, Step
from graphcore.graph import Graph, Node, Value

REGIONS: dict[str, Callable[[Node], Sequence[str]]] = {
    "cond": lambda node: [f"branch{i}" for i in range(len(node.bodies))],
    "while": lambda node: ["condition", "body"],
    "scan": lambda node: ["body"],
}
"""Control ops, and what their bodies are called in a module."""


def saved_sizes(nodes: Iterable[Node]) -> list[str]:
    """The sizes that loops with saved values among the nodes find out."""
    return [str(n.attrs["save"]) for n in nodes if n.attrs.get("save")]


def first_capture(node: Node, body: Graph) -> int | None:
    """The first input of a loop's body that is the same in every iteration; None for other bodies."""
    if node.op.name == "cond" or body is not node.bodies[-1] or not body.outputs:
        return None
    return node.attrs["carried"] + node.attrs.get("scanned", 0)


def driver_spec(node: Node, name: str, bodies: tuple[Body, ...], layout: Layout, graph: Graph) -> DriverSpec:
    """What the driver of a control node of a graph does."""
    spec = DriverSpec(name, node.op.name, bodies, len(node.operands))
    if node.op.name == "cond":
        return spec
    n = node.attrs["carried"]
    body = node.bodies[-1]
    sizes = [v.type.bytes for v in body.inputs]
    plan = body.memory
    donated = frozenset(i for i, j in plan.donations if i == j < n) if plan is not None else frozenset[int]()
    spec = spec._replace(carried=tuple(sizes[:n]), in_place=donated)
    if node.op.name == "while":
        save = str(node.attrs.get("save") or "")
        history = node.results[n:]
        wanted = read_values(graph)
        return spec._replace(save=save, saved=tuple(i for i, v in enumerate(history) if v in wanted))
    m = node.attrs["scanned"]
    stacked = tuple(v.type.bytes for v in body.outputs[n:])
    return spec._replace(
        scanned=tuple(sizes[n : n + m]), stacked=stacked, length=node.attrs["length"],
        reverse=bool(node.attrs.get("reverse", False)),
    )  # fmt: skip


def read_values(graph: Graph) -> set[Value]:
    """Every value that a node reads, or that is an output."""
    return {*graph.outputs, *(v for n in graph.nodes for v in n.operands)}


def driver_step(node: Node, spec: DriverSpec, layout: Layout) -> Step:
    """The call of a driver. Saved values lie in buffers that it allocates itself, and `layout` owns."""
    places = [layout.place(v) for v in node.operands]
    n = len(spec.carried)
    for i, v in enumerate(node.results):
        if not spec.save or i < n:
            places.append(layout.place(v))
        elif i - n in spec.saved:
            places.append(Place("holder", layout.hold(v)))
        else:
            places.append(Place("none"))
    return Step(tuple(places), driver=spec.name, finds=spec.save)
