"""Whole graphs: inputs, moves of all families, outputs; and what is left out of the draw."""

from collections.abc import Iterable

from graphcore.dims import Dim
from graphcore.dtypes import bool_, float32, float64, int32
from graphcore.graph import Graph, Node, Value
from graphcore.types import TensorType
from random_graphs import control, elementwise, fold, host, index, move, slide
from random_graphs.chooser import Chooser
from random_graphs.control import attempt
from random_graphs.sketch import INTEGERS, NATIVE, N, Sketch

LEFT_OUT = {
    "call": "it holds a compiled function, a Python object without text form",
    "host_call": "it holds a Python function, which has no text form",
    "custom_gradient": "it is for differentiation only; canonicalize removes it",
    "fusion": "only passes make it",
}
"""Ops that are not drawn, with the reason."""

LARGEST_STATIC = 100
_ELEMENTWISE, _FOLD, _MOVE, _INDEX = elementwise.MOVES, fold.MOVES, move.MOVES, index.MOVES
_BODIES = control.Bodies((*_ELEMENTWISE, *_FOLD, *_MOVE, *_INDEX, *slide.MOVES))
MOVES = (
    *_ELEMENTWISE, *_ELEMENTWISE, *_FOLD, *_FOLD, *_MOVE, *_MOVE, *_INDEX, *_INDEX, *slide.MOVES, *slide.MOVES,
    *host.MOVES, *_BODIES.moves,
)  # fmt: skip
"""Every family; a family's weight is how many moves it has here."""


def _inputs(s: Sketch, symbolic: bool) -> None:
    batch: Dim = N if symbolic else s.pick((1, 2, 5, 16, 33))
    width, depth = s.pick((1, 2, 3, 7, 16, 17, 40, LARGEST_STATIC)), s.pick((1, 2, 3, 4, 9, 20))
    if s.chance(25):
        depth = 0
    shapes = [(batch, width), (width,), (batch, 1), (width, depth), (batch, depth), (batch, 3, depth), ()]
    main = s.pick((float32, float32, float32, float64, int32, *NATIVE))
    main = float32 if main is bool_ else main
    kinds = [main, main, main, main, s.pick(NATIVE[:-1]), s.pick((*INTEGERS, float64, float32)), main]
    for i, (shape, dtype) in enumerate(zip(shapes, kinds, strict=True)):
        if i < 3 or s.flip():
            s.input(TensorType(dtype, shape), f"x{i}")
    s.input(TensorType(bool_, (batch, width)), "flags")


def draw_graph(chooser: Chooser, least: int = 5, most: int = 12) -> Graph:
    """A graph of well-typed ops; one size "n" may be symbolic.

    Outputs are all values that nothing reads, so that nothing is dead, or the last ones and a few others.
    """
    s = Sketch(chooser)
    _inputs(s, symbolic=s.flip())
    attempt(s, MOVES, s.number(least, most))
    made = [v for v in s.values if v.node.op.name not in ("input", "constant")] or s.values[:1]
    read = {v for n in s.builder.nodes for v in n.operands}
    ends = [v for v in made if v not in read] if s.flip() else made[-3:]
    return s.builder.finish(list(dict.fromkeys([*ends, s.pick(made), s.pick(made)])))


def live(nodes: Iterable[Node], outputs: Iterable[Value]) -> list[Node]:
    """The nodes that outputs need, and those with effects."""
    wanted = {v.node for v in outputs}
    found: list[Node] = []
    for node in reversed(list(nodes)):
        if node in wanted or node.effects:
            found.append(node)
            wanted.update(v.node for v in node.operands)
    return found[::-1]


def live_ops(graph: Graph) -> list[str]:
    """The names of the ops that run, those in bodies included; inputs and constants are not among them."""
    names: list[str] = []
    for node in live(graph.nodes, graph.outputs):
        if node.op.name not in ("input", "constant"):
            names.append(node.op.name)
        for body in node.bodies:
            names += live_ops(body)
    return names
