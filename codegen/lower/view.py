"""What one kernel is asked to compute, and the buffers of a kernel under construction."""

from __future__ import annotations

from typing import Any, NamedTuple

from codegen.loopir import Kernel
from codegen.lower.program import Program
from graphcore.dims import Dim
from graphcore.graph import Const, Graph, Node, Value


class Lowered(NamedTuple):
    """A kernel, and what its arguments are: values of the graph, or constant arrays."""

    kernel: Kernel
    args: tuple[Value | Const, ...]


class View(NamedTuple):
    """A node as what a kernel computes: memory values by buffer, and the values to store.

    Attributes:
        node: the node.
        nodes: the nodes inside, or the node itself.
        inputs: pairs (value that is read, value of the graph that it is).
        outputs: pairs (value to compute, value of the graph that it is).
    """

    node: Node
    nodes: tuple[Node, ...]
    inputs: tuple[tuple[Value, Value], ...]
    outputs: tuple[tuple[Value, Value], ...]


def view(node: Node) -> View:
    """What a fusion node, or a bare node, computes."""
    if node.bodies:
        body: Graph = node.bodies[0]
        inner = tuple(n for n in body.nodes if n.op.name != "input")
        inputs = tuple(zip(body.inputs, node.operands, strict=True))
        return View(node, inner, inputs, tuple(zip(body.outputs, node.results, strict=True)))
    return View(node, (node,), tuple((v, v) for v in dict.fromkeys(node.operands)), tuple((v, v) for v in node.results))


class Build:
    """A program under construction for a view: its buffers, and which value of the graph each one is."""

    def __init__(self, what: View) -> None:
        """Makes one buffer per input."""
        self.what = what
        self.program = Program()
        self.values: dict[str, Value] = {}
        self.readers: dict[Value, str] = {}
        seen: dict[Value, str] = {}
        for inner, outer in what.inputs:
            if outer not in seen:
                seen[outer] = self.program.buffer(outer.type.dtype, outer.type.size, "in")
                self.values[seen[outer]] = outer
            self.readers[inner] = seen[outer]

    def output(self, target: Value) -> str:
        """A buffer for a value that the kernel makes."""
        buffer = self.program.buffer(target.type.dtype, target.type.size, "out")
        self.values[buffer] = target
        return buffer

    def lowered(self, name: str, category: str, body: list[Any], chunks: Dim) -> Lowered:
        """The finished kernel and its arguments."""
        program = self.program
        order = sorted(program.buffers.values(), key=lambda b: b.role == "scratch")
        ids = (self.what.node.id,)
        kernel = Kernel(name, category, ids, tuple(order), body, chunks, tuple(program.messages))
        args = tuple(
            self.values[b.name] if b.name in self.values else Const(b.data) for b in kernel.args
        )
        return Lowered(kernel, args)


def graph_of(what: View) -> Graph:
    """A graph that holds the view's nodes, for pulling."""
    return Graph("view", what.nodes, (), tuple(v for v, _ in what.outputs))
