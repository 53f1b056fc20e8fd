"""The four runs of a random graph, a case as text, and the search for a smaller graph that fails too."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import GraphBuilder
from graphcore.graph import Graph, Node, Value
from graphcore.interpret import interpret
from graphcore.passes.pipeline import run
from graphcore.text import parse, to_text
from random_graphs.chooser import Chooser
from random_graphs.compare import Array, assert_close, faults, inputs_for, tolerances
from random_graphs.sketch import BATCHES

ISAS = host_isas()
_CAREFUL = 40
"""So many runs with noise before a difference counts."""


class Case(NamedTuple):
    """What a graph is run on.

    Attributes:
        seed: of the inputs.
        sizes: values of the symbolic size.
        isa: instruction set of the native run.
        special: whether NaN, infinities and extremes are among the inputs.
        loops: whether the loop interpreter runs too; it is slow.
    """

    seed: int
    sizes: tuple[int, ...]
    isa: str
    special: bool
    loops: bool = True


def draw_case(chooser: Chooser, loops_one_in: int) -> Case:
    """Any of them; the loop interpreter runs on small batches."""
    loops = chooser.number(1, loops_one_in) == 1
    batches = BATCHES[:4] if loops else BATCHES
    sizes = {batches[chooser.number(0, len(batches) - 1)] for _ in range(chooser.number(1, 2))}
    isa = ISAS[chooser.number(0, len(ISAS) - 1)]
    return Case(chooser.number(0, 99), tuple(sorted(sizes)), isa, chooser.number(0, 1) == 1, loops)


def check(graph: Graph, case: Case) -> None:
    """Raises AssertionError that says which run differs, or what a run raises."""
    fused = run(graph)
    compiled = compile_graph(fused, isa=case.isa)
    symbolic = any(not v.type.is_static for v in graph.inputs)
    for n in case.sizes if symbolic else case.sizes[:1]:
        arrays = inputs_for(graph, case.seed, n, case.special)
        want = interpret(graph, arrays)
        limits = tolerances(graph, arrays, want)
        _compare(graph, arrays, interpret(fused, arrays), want, limits, f"after passes, n={n}")
        if case.loops:
            _compare(graph, arrays, interpret_graph(fused, arrays), want, limits, f"loop interpreter, n={n}")
        _compare(graph, arrays, compiled.run(arrays), want, limits, f"native {case.isa}, n={n}")


def _compare(
    graph: Graph, arrays: Sequence[Array], got: Sequence[Array], want: Sequence[Array], limits: Sequence[Array],
    what: str,
) -> None:  # fmt: skip
    if faults(got, want, limits):
        assert_close(got, want, tolerances(graph, arrays, want, _CAREFUL), what)


def failure(graph: Graph, case: Case, strict: bool = False) -> str:
    """What is wrong with a graph in one line; empty if nothing is.

    A graph that has no result itself (an index out of range, a size that does not fit) is no failure unless `strict`.
    """
    try:
        for n in case.sizes:
            interpret(graph, inputs_for(graph, case.seed, n, case.special))
    except Exception as error:
        return _line(error) if strict else ""
    try:
        check(graph, case)
    except Exception as error:
        return _line(error)
    return ""


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"


# -- shrinking


def shrink(graph: Graph, case: Case, attempts: int = 400) -> Graph:
    """A smaller graph that fails too, by dropping outputs and cutting nodes, greedily."""
    found: Graph | None = graph
    while found is not None:
        graph, found = found, None
        for smaller in _smaller(graph):
            attempts -= 1
            if attempts < 0:
                return graph
            if _size(smaller) < _size(graph) and failure(smaller, case):
                found = smaller
                break
    return graph


def _size(graph: Graph) -> tuple[int, int, int]:
    """Ops, outputs, and values in all."""
    ops = sum(n.op.name != "input" for n in graph.walk())
    return ops, len(graph.outputs), len(graph.nodes)


def _smaller(graph: Graph) -> Iterator[Graph]:
    """One output less, or alone; then one node less: an input, or an operand of its type, in its place."""
    yield _rebuilt(graph, graph.outputs, {}, effects=False)
    if len(graph.outputs) > 1:
        yield from (_rebuilt(graph, [v], {}) for v in graph.outputs)
        yield from (_rebuilt(graph, [o for o in graph.outputs if o is not v], {}) for v in graph.outputs)
    for v in graph.outputs:
        if v.node.operands:
            yield from (_rebuilt(graph, [operand], {}) for operand in v.node.operands)
    for node in reversed(graph.nodes):
        if node.op.name in ("input", "constant"):
            continue
        for result in node.results:
            yield from (_rebuilt(graph, graph.outputs, {result: v}) for v in node.operands if v.type == result.type)
            yield _rebuilt(graph, graph.outputs, {result: None})


def _rebuilt(
    graph: Graph, outputs: Sequence[Value], instead: Mapping[Value, Value | None], effects: bool = True
) -> Graph:
    """What other outputs need, with other values (None: a new input) in the place of some."""
    builder = GraphBuilder(graph.name, fold_bytes=0)
    builder.guards = list(graph.guards)
    needed: set[Node] = set()
    known: dict[Value, Value] = {}

    def need(values: Iterable[Value]) -> None:
        needed.update(other.node for other in (instead.get(v, v) for v in values) if other is not None)

    def new(v: Value) -> Value:
        other = instead.get(v, v)
        if other is None and v not in known:
            known[v] = builder.input(v.type, f"cut{v.node.id}")
        return known[v if other is None else other]

    need(outputs)
    for node in reversed(graph.nodes):
        if node in needed or (effects and node.effects and not node.results):
            needed.add(node)
            need(node.operands)
    for node in graph.nodes:
        if node in needed and node.op.name == "input":
            known[node.result] = builder.input(node.result.type, node.attrs["name"])
        elif node in needed:
            made = builder.emit_node(node.op, [new(v) for v in node.operands], node.attrs, bodies=node.bodies)
            known.update({old: v for old, v in zip(node.results, made, strict=True) if old not in known})
    return builder.finish([new(v) for v in outputs])


# -- cases as text


def case_text(graph: Graph, case: Case, problem: str) -> str:
    """A regression file: a line with the case, a line with the fault, the graph."""
    sizes = ",".join(map(str, case.sizes))
    head = f"# seed={case.seed} sizes={sizes} special={int(case.special)}"
    return f"{head}\n# {problem[:300]}\n{to_text(graph)}\n"


def read_case(path: Path) -> tuple[Graph, Case]:
    """The graph and the case of a regression file, for the host's instruction set."""
    head, _, rest = path.read_text().partition("\n")
    words = dict(word.split("=") for word in head.lstrip("# ").split())
    lines = [line for line in rest.splitlines() if not line.startswith("#")]
    sizes = tuple(int(n) for n in words["sizes"].split(","))
    return parse("\n".join(lines)), Case(int(words["seed"]), sizes, ISAS[0], words["special"] == "1")
