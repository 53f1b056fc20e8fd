"""Views of a graph for networkx: fusion groups, generations, post-dominators, minimum cuts.

The only file that imports networkx, and only when one of these functions runs: the import costs more than
numpy's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from graphcore import dims
from graphcore.errors import InvalidArgumentError
from graphcore.graph import Graph, Node, Value

if TYPE_CHECKING:
    import networkx

    MultiDiGraph: TypeAlias = networkx.MultiDiGraph[Any]
    DiGraph: TypeAlias = networkx.DiGraph[Any]

SINK = "end"
"""The vertex that every output and every effect leads to, where an analysis needs a single end."""

TYPICAL_SIZE = 64
"""The size that a symbolic dimension is taken to have in weights, unless sizes are given."""


def to_networkx(graph: Graph) -> MultiDiGraph:
    """The graph as a networkx.MultiDiGraph.

    Vertices are node ids with attributes op, kind, types (of the results), node; edges go from definition to
    use with attributes operand (position among the user's operands), result (which result is read) and type.
    """
    import networkx

    view: MultiDiGraph = networkx.MultiDiGraph(name=graph.name)
    for node in graph.nodes:
        types = tuple(v.type for v in node.results)
        view.add_node(node.id, op=node.op.name, kind=node.op.kind, types=types, node=node)
        for position, v in enumerate(node.operands):
            view.add_edge(v.node.id, node.id, operand=position, result=v.index, type=v.type)
    return view


def quotient(graph: Graph, group_of: Mapping[Node, Hashable] | Callable[[Node], Hashable]) -> DiGraph:
    """The graph of groups: nodes of one group become one vertex, edges within a group vanish.

    Args:
        graph: any graph.
        group_of: the group of every node, as a mapping (a node that it lacks is a vertex itself) or a
        function.

    Returns:
        A networkx.DiGraph whose vertices are groups with attribute members (nodes in order). A grouping can
        be run group by group exactly if it has no cycle.
    """
    import networkx

    lookup = group_of if callable(group_of) else lambda node: group_of.get(node, node)
    view: DiGraph = networkx.DiGraph(name=graph.name)
    groups: dict[Node, Hashable] = {}
    for node in graph.nodes:
        group = groups[node] = lookup(node)
        if group not in view:
            view.add_node(group, members=[])
        view.nodes[group]["members"].append(node)
    for node in graph.nodes:
        for v in node.operands:
            if groups[v.node] != groups[node]:
                view.add_edge(groups[v.node], groups[node])
    return view


def generations(graph: Graph) -> list[list[Node]]:
    """Nodes layer by layer: each depends only on layers before its own; a layer is in the graph's order."""
    import networkx

    by_id = {n.id: n for n in graph.nodes}
    layers = networkx.topological_generations(networkx.DiGraph(to_networkx(graph)))
    place = {n.id: i for i, n in enumerate(graph.nodes)}
    return [[by_id[i] for i in sorted(layer, key=place.__getitem__)] for layer in layers]


def post_dominators(graph: Graph) -> dict[Node, Node | None]:
    """For every node that leads to an output or effect: the first node through which all its ways there go.

    None means that the ways first meet at the end itself.
    """
    import networkx

    view: DiGraph = networkx.DiGraph()
    for node in graph.nodes:
        view.add_edges_from((node.id, v.node.id) for v in node.operands)
        if node.effects:
            view.add_edge(SINK, node.id)
    view.add_edges_from((SINK, v.node.id) for v in graph.outputs)
    if SINK not in view:
        return {}
    by_id = {n.id: n for n in graph.nodes}
    found = networkx.immediate_dominators(view, SINK)
    return {by_id[i]: by_id.get(d) for i, d in found.items() if i != SINK}


def value_bytes(value: Value, sizes: Mapping[str, int] | None = None) -> int:
    """Bytes of a value; symbols that `sizes` lacks count as TYPICAL_SIZE."""
    size = value.type.bytes
    names = dims.free_symbols(size)
    return dims.evaluate(size, {name: (sizes or {}).get(name, TYPICAL_SIZE) for name in names})


def minimum_cut(
    graph: Graph,
    needed: Iterable[Value],
    free: Iterable[Value] = (),
    keep: Callable[[Value], bool] = lambda value: True,
    sizes: Mapping[str, int] | None = None,
    again: Callable[[Node], bool] = lambda node: not node.effects and node.op.kind != "random",
) -> tuple[int, list[Value]]:
    """The values of fewest bytes from which, with free ones, all `needed` values can be computed again.

    This answers what a forward run should save for the backward run: `needed` is what backward reads, `free`
    is what is there anyway (inputs, parameters).

    Args:
        graph: the forward graph.
        needed: values that must be available.
        free: values that cost nothing to keep, besides constants.
        keep: False for a value that may not be saved, so that it is computed again or cut further down.
        sizes: sizes of symbolic dimensions.
        again: whether a node may be computed a second time.

    Returns:
        The bytes of the cut and its values in the graph's order, free ones left out.

    Raises:
        InvalidArgumentError: if no allowed set of values is enough.
    """
    import networkx

    free_set = set(free)
    view: DiGraph = networkx.DiGraph()
    view.add_nodes_from(("source", "sink"))
    for node in graph.nodes:
        for v in node.results:
            # Every value is an edge from its "computed" to its "available" vertex; cutting it means saving
            # it.
            weight = 0 if v in free_set or node.op.name == "constant" else value_bytes(v, sizes)
            if keep(v) or not weight:
                view.add_edge((v, "in"), (v, "out"), capacity=weight)
            else:
                view.add_edge((v, "in"), (v, "out"))
            for operand in node.operands:
                view.add_edge((operand, "out"), (v, "in"))
            if not node.operands or not again(node):
                view.add_edge("source", (v, "in"))
    for v in needed:
        view.add_edge((v, "out"), "sink")
    try:
        total, (near, _) = networkx.minimum_cut(view, "source", "sink")
    except networkx.NetworkXUnbounded as error:
        raise InvalidArgumentError(
            "minimum_cut: no set of values that may be kept is enough to compute the needed ones; "
            "let keep accept more values"
        ) from error
    chosen = [
        v for node in graph.nodes for v in node.results
        if (v, "in") in near and (v, "out") not in near and v not in free_set and node.op.name != "constant"
    ]  # fmt: skip
    return int(total), chosen
