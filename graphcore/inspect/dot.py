"""A stage of a dump as Graphviz text, fusion groups as clusters; written without any package."""

from __future__ import annotations

from collections.abc import Iterator

from graphcore.inspect.records import Dump, GraphRecord, NodeRecord
from graphcore.inspect.views import find_stage

_SHAPES = {"input": "box", "constant": "plain"}
_COLOURS = {"attention": "#d5e0f8", "contract": "#dbe9f6", "row": "#e5f2df", "reduce": "#fdebd3", "loop": "#f2e3f0"}


def to_dot(dump: Dump, stage: str | None = None) -> str:
    """Graphviz text of the final or the named stage. Raises InvalidArgumentError for an unknown stage."""
    graph = find_stage(dump, stage).graph
    lines = [f"digraph {escape(dump.name)} {{", '  node [shape=ellipse, fontname="sans-serif"];']
    lines += ["  " + line for line in _Writer().graph(graph, "n", {})]
    return "\n".join([*lines, "}", ""])


def escape(text: str) -> str:
    """A quoted Graphviz string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{"".join(c for c in plain if c.isprintable())}"'


class _Writer:
    """Writes nodes first, and the edges after them, so that clusters hold nodes only."""

    def __init__(self) -> None:
        self.edges: list[str] = []

    def graph(self, graph: GraphRecord, prefix: str, known: dict[str, str]) -> Iterator[str]:
        yield from self._nodes(graph, prefix, known)
        for i, port in enumerate(graph.outputs):
            yield f"out{i} [label={escape(f'{port.name}: {port.type}')}, shape=box, style=bold];"
            self.edges.append(f"{known.get(port.value, escape(port.value))} -> out{i};")
        yield from self.edges

    def _nodes(self, graph: GraphRecord, prefix: str, known: dict[str, str]) -> Iterator[str]:
        for node in graph.nodes:
            name = f"{prefix}{node.id}"
            if node.op == "fusion" and len(node.bodies) == 1:
                yield from self._cluster(node, name, known)
                continue
            known.update({_value(node.id, i): name for i in range(max(len(node.types), 1))})
            yield f"{name} [label={escape(_label(node))}, shape={_SHAPES.get(node.op, 'ellipse')}];"
            self.edges += [f"{known.get(v, escape(v))} -> {name};" for v in node.operands]

    def _cluster(self, node: NodeRecord, name: str, known: dict[str, str]) -> Iterator[str]:
        body = node.bodies[0]
        # Inputs of the body stand for the operands: edges go through the border of the cluster.
        inner = {
            port.value: known.get(v, escape(v)) for port, v in zip(body.inputs, node.operands, strict=False)
        }
        members = [n for n in body.nodes if n.op != "input"]
        category = node.attrs.partition('category="')[2].partition('"')[0]
        yield f"subgraph cluster_{name} {{"
        yield f"  label={escape(f'%{node.id} {category}')}; style=filled;"
        yield f"  color={escape(_COLOURS.get(category, '#eeeeee'))};"
        inside = GraphRecord(body.name, body.inputs, body.outputs, members)
        yield from ("  " + line for line in self._nodes(inside, f"{name}_", inner))
        yield "}"
        known.update({_value(node.id, i): inner.get(p.value, name) for i, p in enumerate(body.outputs)})


def _value(node: int, index: int) -> str:
    return f"%{node}" + (f".{index}" if index else "")


def _label(node: NodeRecord) -> str:
    attrs = node.attrs if len(node.attrs) <= 60 else node.attrs[:57] + "..."
    return "\n".join(filter(None, (f"%{node.id} {node.op}", attrs, ", ".join(node.types))))
