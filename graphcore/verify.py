"""The verifier: checks the form of a graph and re-infers every node."""

from __future__ import annotations

from graphcore import dims
from graphcore.errors import LayerJitError, VerifyError
from graphcore.graph import Graph, Node, Value

_CONTEXT = 5


def verify(graph: Graph) -> Graph:
    """Checks a graph and returns it.

    Every operand is defined before its use, ids are unique, inputs and outputs belong to the graph, and inference of
    each node gives the types that its results carry.

    Raises:
        VerifyError: naming the rule broken, with the ten nodes around the fault.
    """
    with dims.assuming(graph.guards):
        _verify(graph, frozenset())
    return graph


def _verify(graph: Graph, outer: frozenset[str]) -> None:
    """Checks a graph, or a body; `outer` are the sizes that the graphs around it know."""
    sizes = set(outer) | dims.free_symbols([v.type.shape for v in graph.inputs])
    defined: set[Value] = set()
    ids: set[int] = set()
    for position, node in enumerate(graph.nodes):
        fault = _fault(node, defined, ids) or _size_fault(node, sizes)
        if fault:
            raise VerifyError(_report(graph, position, fault))
        ids.add(node.id)
        defined.update(node.results)
        sizes.update(filter(None, (str(node.attrs.get("save") or ""),)))
        for body in node.bodies:
            _verify(body, frozenset(sizes))
    _check_interface(graph, defined)


def _fault(node: Node, defined: set[Value], ids: set[int]) -> str:
    for value in node.operands:
        if value not in defined:
            return f"operand {value!r} is used before it is defined, or belongs to another graph"
    if node.id in ids:
        return f"node id {node.id} occurs twice"
    if node.op.name == "input":
        return ""
    try:
        types = tuple(node.op.infer([v.type for v in node.operands], node.full_attrs))
    except LayerJitError as error:
        return f"inference fails: {error}"
    have = tuple(v.type for v in node.results)
    return "" if types == have else f"inference gives {types}, the results say {have}"


def _size_fault(node: Node, sizes: set[str]) -> str:
    name = node.attrs.get("save")
    return f"the size {name} that it finds out has that name already; save needs a new one" if name in sizes else ""


def _check_interface(graph: Graph, defined: set[Value]) -> None:
    for what, values in (("input", graph.inputs), ("output", graph.outputs)):
        for i, value in enumerate(values):
            if value not in defined:
                raise VerifyError(f"graph {graph.name}: {what} {i} ({value!r}) is not a value of the graph")
    if [v for v in graph.inputs if v.node.op.name != "input"]:
        raise VerifyError(f"graph {graph.name}: an input is not the result of an input node")
    for output, source in graph.updates:
        if graph.outputs[output].type != graph.inputs[source].type:
            raise VerifyError(
                f"graph {graph.name}: output {output} ({graph.outputs[output]!r}) updates variable input {source} "
                f"({graph.inputs[source]!r}) of another type"
            )


def _report(graph: Graph, position: int, fault: str) -> str:
    first = max(0, position - _CONTEXT)
    lines = [f"graph {graph.name}, node %{graph.nodes[position].id}: {fault}"]
    for i, node in enumerate(graph.nodes[first : position + _CONTEXT], first):
        lines.append(f"{'->' if i == position else '  '} {node!r}")
    return "\n".join(lines)
