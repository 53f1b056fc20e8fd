"""Reductions of everything to one element, as two kernels: sums of blocks that threads share, and their sum.

The blocks have a fixed number of elements, so the tree of partial sums depends on the sizes alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen import loopir
from codegen.lower.merge import Axis
from codegen.lower.place import Placer
from codegen.lower.program import NONE, Handle, Program, Reduce, Root
from codegen.lower.pull import Domain, Puller, reduced_axes
from codegen.lower.view import Build, Lowered, View, graph_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.graph import Node, Value
from graphcore.types import TensorType

BLOCK = 1 << 15
"""Elements of a block, about: whole rows of the outermost axis."""
MANY = 1 << 18
"""A reduction of fewer elements is one kernel."""
WIDE = 1 << 12
"""Of symbolic size, one is divided if its known sizes alone make so many."""

_KINDS = frozenset(("reduce", "elementwise", "move", "create", "random", "index"))
_AFTER = loopir.Const | loopir.Compute | loopir.FromIndex


def lower_divided(what: View, name: str) -> list[Lowered]:
    """The two kernels of a large reduction to one element; none if the view is anything else."""
    node = _whole(what)
    if node is None:
        return []
    build = Build(what)
    program, shape = build.program, node.operands[0].type.shape
    domain = Domain(program, shape, range(len(shape)))
    puller = Puller(program, graph_of(what), domain, build.readers)
    results = [puller.value(v, (0,) * v.type.rank) for v, _ in what.outputs]
    after = program.ordered([h.name for h in results])
    folds = _folds(program, results, domain)
    if not folds:
        return []
    axes = [Axis(n, domain.shape[a], "reduced") for a, n in enumerate(domain.names) if n]
    placer = Placer(program, axes, block=BLOCK)
    count, at = placer.chunks, dims.symbol(placer.kept[0].name, 0, placer.chunks - 1)
    parts = [Value(node, -1 - i, TensorType(s.dtype, (count,))) for i, s in enumerate(folds)]
    program.roots[:] = [Root(build.output(v), at, s.dest) for v, s in zip(parts, folds, strict=True)]
    first = build.lowered(name, "reduce", placer.run(), count)
    simple = [n for n in after if n in _tail(program, results)]
    return [first, _total(what, name, list(zip(folds, parts, strict=True)), [program.statements[n] for n in simple],
                          [h.name for h in results])]  # fmt: skip


def _whole(what: View) -> Node | None:
    """The large reduction over all axes in a view whose outputs have one element each."""
    kinds = {n.op.kind for n in what.nodes if n.op.name != "constant"}
    if not kinds <= _KINDS or any(v.type.size != 1 for v, _ in what.outputs):
        return None
    for node in what.nodes:
        if node.op.kind == "reduce" and node.op.monoid is not None:
            shape = node.operands[0].type.shape
            known = dims.product(d for d in shape if isinstance(d, int))
            static = all(isinstance(d, int) for d in shape)
            if isinstance(known, int) and known >= (MANY if static else WIDE) and len(reduced_axes(node)) == len(shape):
                return node
    return None


def _tail(program: Program, results: Sequence[Handle]) -> list[str]:
    """What is computed from the results of folds alone."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in found and not isinstance(program.statements[name], Reduce):
            found[name] = None
            for argument in program.arguments(name):
                visit(argument)

    for h in results:
        visit(h.name)
    return list(found)


def _folds(program: Program, results: Sequence[Handle], domain: Domain) -> list[Reduce]:
    """The folds of a program, if all go over everything, none needs another, and simple words follow them."""
    everything = frozenset(n for n in domain.names if n)
    folds = [s for s in program.statements.values() if isinstance(s, Reduce)]
    before = {n for s in folds for src in s.srcs for n in program.ordered([src])}
    plain = all(s.over == everything and s.dest not in before and s.label != "dot" for s in folds)
    tail = [program.statements[n] for n in _tail(program, results)]
    if not plain or program.checks or not all(isinstance(s, _AFTER) for s in tail):
        return []
    return folds


def _total(
    what: View, name: str, folds: Sequence[tuple[Reduce, Value]], tail: Sequence[loopir.Const], results: Sequence[str]
) -> Lowered:
    """The kernel that folds the blocks' results and goes on from there."""
    build = Build(View(what.node, (), tuple((v, v) for _, v in folds), what.outputs))
    program = build.program
    count: Dim = folds[0][1].type.shape[0]
    block = program.axis("b0", count)
    for i, (fold, part) in enumerate(folds):
        source = f"part{i}"  # other names come from the first kernel
        program.statements[source] = loopir.Load(source, fold.dtype, build.readers[part], block)
        program.needs[source] = program.symbols_of(block)
        program.statements[fold.dest] = fold._replace(step=fold.combine, srcs=(source,), over=frozenset(("b0",)))
        program.needs[fold.dest] = NONE
    for s in tail:
        program.statements[s.dest] = s
        program.needs[s.dest] = NONE
    program.roots[:] = [Root(build.output(t), 0, r) for (_, t), r in zip(what.outputs, results, strict=True)]
    placer = Placer(program, [Axis("b0", count, "reduced")])
    return build.lowered(f"{name}_total", "reduce", placer.run(), placer.chunks)
