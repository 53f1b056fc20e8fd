"""Scatter-add: a copy of the operand, to which updates are added one after the other."""

from __future__ import annotations

from codegen.loopir import Check, Compute, Condition, IndexOf, Load, Loop, Store
from codegen.lower.program import data_index
from codegen.lower.view import Build, Lowered, View
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import bool_
from graphcore.errors import UnsupportedError
from graphcore.graph import Node


def lower_scatter(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a bare scatter-add: x with `updates` added at `indices` along an axis.

    Raises:
        UnsupportedError: if the op is not of that form, or not alone in its kernel.
    """
    if len(what.nodes) != 1 or len(node.operands) != 3 or "axis" not in node.attrs:
        raise UnsupportedError(f"op {node.op.name} has no native lowering")
    build = Build(what)
    x, indices, updates = (build.readers[v] for v in node.operands)
    out = build.output(what.outputs[0][1])
    shape, axis = node.operands[0].type.shape, node.attrs["axis"]
    positions = node.operands[1].type.size
    outer, inner = dims.product(shape[:axis]), dims.product(shape[axis + 1 :])
    dtype = node.operands[0].type.dtype
    size = node.operands[0].type.size
    i, p, j = _counter("i", outer), _counter("p", positions), _counter("j", inner)
    c = _counter("c", size)
    place = data_index("d")
    copy = Loop("c", size, "vector", False, [Load("x", dtype, x, c), Store(out, c, "x")])
    at = (i * shape[axis] + place) * inner + j
    add = [
        Load("have", dtype, out, at),
        Load("more", dtype, updates, (i * positions + p) * inner + j),
        Compute("total", dtype, "add", ("have", "more")),
        Store(out, at, "total"),
    ]
    message = f"{node.op.name}: an index is outside [0, {shape[axis]}); clip the indices first"
    build.program.messages.append(message)
    one: list[object] = [
        Load("at", node.operands[1].type.dtype, indices, p),
        IndexOf("d", "at"),
        Condition("low", "le", 0, place),
        Condition("high", "lt", place, shape[axis]),
        Compute("inside", bool_, "and_", ("low", "high")),
        Check("checked", "inside", 1),
        *(add if inner == 1 else [Loop("j", inner, "vector", False, add)]),
    ]
    body = [copy, Loop("i", outer, "serial", False, [Loop("p", positions, "serial", False, one)])]
    return build.lowered(name, "scatter", body, 1)


def _counter(name: str, extent: Dim) -> Dim:
    return dims.symbol(name, 0, extent - 1) if extent != 1 else 0
