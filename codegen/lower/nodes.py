"""Lowering one node of a graph to a kernel, by the kinds of the ops that it holds."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Sequence

from codegen.loopir import Load
from codegen.lower.attention import lower_attention
from codegen.lower.contract import lower_contract
from codegen.lower.convolve import lower_convolve
from codegen.lower.divide import lower_divided
from codegen.lower.filter import lower_filter
from codegen.lower.merge import Axis, linear_parts
from codegen.lower.order import lower_cumulative, lower_sort
from codegen.lower.place import Placer
from codegen.lower.program import Program
from codegen.lower.pull import Domain, Index, Puller, reduced_axes
from codegen.lower.scatter import lower_scatter
from codegen.lower.view import Build, Lowered, View, graph_of, view
from codegen.lower.window import lower_window
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim, UnsupportedError
from graphcore.graph import Node, Value
from graphcore.ops.contract import free_axes
from graphcore.passes.fuse_cost import side_by_side

_DEPTH = 20_000
_IN_ORDER = {"sort": lower_sort, "cumulative": lower_cumulative}


def is_native(node: Node) -> bool:
    """Whether a kernel can compute the node: every op has a native form, every dtype fits in a register."""
    if node.bodies and node.op.name != "fusion":
        return False  # a control node is no kernel, although kernels run in it
    nodes = [n for n in view(node).nodes if n.op.name != "constant"]
    values = [v for n in nodes for v in (*n.operands, *n.results)]
    return all(n.op.native and n.op.kind not in ("host", "control") for n in nodes) and all(
        v.type.dtype.is_native for v in values
    )


def lower_node(node: Node, name: str) -> list[Lowered]:
    """The kernel of a node; one kernel per inner node if they do not fit into one.

    Raises:
        UnsupportedError: if an op has no native lowering.
    """
    whole = view(node)
    with _deep_recursion():
        try:
            return lower_divided(whole, name) or [lower_view(whole, name)]
        except (UnsupportedError, InconclusiveDim):
            if len(whole.nodes) == 1:
                raise
            return _one_by_one(whole, name)


def _one_by_one(whole: View, name: str) -> list[Lowered]:
    """The inner nodes as kernels of their own; values between them become buffers."""
    outer = dict(whole.inputs) | dict(whole.outputs)
    given = dict(whole.inputs)
    made: list[Lowered] = []
    for i, inner in enumerate(whole.nodes):
        if inner.op.name == "constant":
            continue
        read = dict.fromkeys(inner.operands)
        # A constant from inside lies in no memory of the graph: each kernel holds it itself.
        constants = tuple(v.node for v in read if v.node.op.name == "constant" and v not in outer)
        inputs = tuple((v, outer.get(v, v)) for v in read if v.node not in constants)
        part = View(whole.node, (*constants, inner), inputs, tuple((v, outer.get(v, v)) for v in inner.results))
        made += lower_divided(part, f"{name}_{i}") or [lower_view(part, f"{name}_{i}")]
    copies = [(v, target) for v, target in whole.outputs if v in given or outer[v] is not target]
    made += [_copy(whole.node, v, outer[v], target, f"{name}_copy{i}") for i, (v, target) in enumerate(copies)]
    return made


def _copy(node: Node, value: Value, source: Value, target: Value, name: str) -> Lowered:
    return lower_view(View(node, (), ((value, source),), ((value, target),)), name)


def lower_view(what: View, name: str) -> Lowered:
    """One kernel for the whole of a view. Raises UnsupportedError or InconclusiveDim if that is not possible."""
    if sum(n.op.kind == "contract" for n in what.nodes) > 1:
        return lower_attention(what, name)
    kinds = {n.op.kind: n for n in what.nodes}
    scatter = next((n for n in what.nodes if n.op.kind == "index" and n.op.element is None), None)
    if scatter is not None:
        return lower_scatter(what, scatter, name)
    for kind, lower in _IN_ORDER.items():
        if kind in kinds:
            return lower(what, kinds[kind], name)
    if "window" in kinds:
        return lower_window(what, kinds["window"], name)
    if "convolve" in kinds:
        return lower_convolve(what, kinds["convolve"], name)
    if "correlate" in kinds:
        return lower_filter(what, kinds["correlate"], name)
    if "contract" in kinds:
        made = lower_contract(what, kinds["contract"], name)
        if made is not None:
            return made
    return lower_loops(what, name)


def domain_of(what: View) -> tuple[Sequence[Dim], Sequence[int]]:
    """The extents of a kernel's loops, and which of them are folded."""
    best: tuple[Sequence[Dim], Sequence[int]] | None = None
    for node in what.nodes:
        found = _fold_of(node)
        if found is not None and (best is None or _trivial(best)):
            best = found
    if best is not None:
        return best
    for v, _ in what.outputs:
        parts = side_by_side(v.node)
        if parts is not None and all(parts in (o.type.shape, side_by_side(o.node)) for o, _ in what.outputs):
            return parts, ()
    return what.outputs[0][0].type.shape, ()


def _trivial(domain: tuple[Sequence[Dim], Sequence[int]]) -> bool:
    return all(domain[0][a] == 1 for a in domain[1])


def _fold_of(node: Node) -> tuple[Sequence[Dim], Sequence[int]] | None:
    if node.op.kind == "reduce":
        return node.operands[0].type.shape, reduced_axes(node)
    if node.op.kind != "contract":
        return None
    lhs, rhs = (v.type.shape for v in node.operands)
    (lc, rc), (lb, rb) = node.attrs["contracting"], node.attrs["batch"]
    outer = [lhs[a] for a in lb] + [d for a, d in enumerate(lhs) if a not in lc and a not in lb]
    folded = [lhs[a] for a in lc]
    inner = [d for a, d in enumerate(rhs) if a not in rc and a not in rb]
    return outer + folded + inner, range(len(outer), len(outer) + len(folded))


def lower_loops(what: View, name: str) -> Lowered:
    """Loops, reductions, rows and unusual contractions: pull every output, then lay the program out in loops."""
    build = Build(what)
    program = build.program
    shape, reduced = domain_of(what)
    domain = Domain(program, shape, reduced)
    puller = Puller(program, graph_of(what), domain, build.readers)
    for value, target in what.outputs:
        buffer = build.output(target)
        for v, index, start in _parts(value, domain):
            at = tuple(i + s for i, s in zip(index, start, strict=True)) if start else index
            program.store(buffer, value.type, at, puller.value(v, index))
    axes = [
        Axis(n, domain.shape[a], "reduced" if a in domain.reduced else "kept")
        for a, n in enumerate(domain.names) if n
    ]  # fmt: skip
    if any(_is_row(n) for n in what.nodes) and _along_folds(program, axes):
        axes.sort(key=lambda a: a.reduced)
    placer = Placer(program, axes)
    body = placer.run()
    category = str(what.node.attrs.get("category", what.node.op.kind))
    return build.lowered(name, category, body, placer.chunks)


def _is_row(node: Node) -> bool:
    """Whether a node is the product of single rows with matrices."""
    if node.op.kind != "contract":
        return False
    lhs = node.operands[0].type.shape
    free = free_axes(len(lhs), node.attrs["contracting"][0], node.attrs["batch"][0])
    return all(lhs[a] == 1 for a in free)


def _along_folds(program: Program, axes: Sequence[Axis]) -> bool:
    """Whether all loads run along the last folded axis, so that vectors should too: as those of dot products."""
    folded = [a.name for a in axes if a.reduced]
    loads = [s for s in program.statements.values() if isinstance(s, Load)]
    parts = [linear_parts(s.at, frozenset(a.name for a in axes)) for s in loads]
    moving = [p.get(folded[-1], 0) for p, _ in parts if p.keys() & set(folded)] if folded else []
    return bool(moving) and all(linear for _, linear in parts) and all(step == 1 for step in moving)


def _parts(value: Value, domain: Domain) -> list[tuple[Value, Index, Index]]:
    """What is stored of an output: values, where they are computed, and where they start in it (() at its start)."""
    node, shape = value.node, value.type.shape
    if shape == domain.shape or node.op.parts is None or side_by_side(node) != domain.shape:
        return [(value, domain.index_for(shape)[0], ())]
    starts = node.op.parts([v.type for v in node.operands], node.attrs)
    return [(v, domain.counters, start) for v, start in zip(node.operands, starts, strict=True)]


@contextlib.contextmanager
def _deep_recursion() -> Generator[None]:
    """Long chains of ops are pulled recursively, a few frames each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
