"""Kernels that write where data says: scatter and dynamic_update_slice.

Every index is checked before anything is written, so that the result may lie over the operand: then nothing is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen.loopir import Apart, Check, Compute, Condition, IndexOf, Load, Loop, Store
from codegen.lower.program import data_index
from codegen.lower.view import Build, Lowered, View
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import bool_
from graphcore.errors import UnsupportedError
from graphcore.graph import Node
from graphcore.types import contiguous_strides


def lower_scatter(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a bare scatter, or of a bare dynamic_update_slice.

    Raises:
        UnsupportedError: if the op is not of that form, or not alone in its kernel.
    """
    if len(what.nodes) != 1 or len(node.operands) != 3:
        raise UnsupportedError(f"op {node.op.name} has no native lowering")
    build = Build(what)
    out = build.output(what.outputs[0][1])
    body = _scatter(build, node, out) if "combine" in node.attrs else _update(build, node, out)
    return build.lowered(name, node.op.name, body, 1)


def _scatter(build: Build, node: Node, out: str) -> list[Any]:
    x, indices, updates = (build.readers[v] for v in node.operands)
    shape, dtype = node.operands[0].type.shape, node.operands[0].type.dtype
    lead = node.operands[1].type.shape[:-1]
    count = node.operands[1].type.shape[-1]
    assert isinstance(count, int)
    positions, inner = dims.product(lead), dims.product(shape[count:])
    index_dtype = node.operands[1].type.dtype
    p, j = counter("px", positions), counter("jx", inner)
    found: list[Any] = []
    for c in range(count):
        found += [Load(f"at{c}", index_dtype, indices, p * count + c), IndexOf(f"d{c}", f"at{c}")]
    at: Dim = j
    for c, stride in enumerate(contiguous_strides(shape)[:count]):
        at = at + data_index(f"d{c}") * stride
    message = _message(build, node, ", ".join(f"[0, {d})" for d in shape[:count]))
    limits = [(data_index(f"d{c}"), d - 1) for c, d in enumerate(shape[:count])]
    checked = loop("px", positions, [*found, *in_range(limits, message)], "vector") if count else []
    one = _combine(node.attrs["combine"], dtype, out, at, Load("more", dtype, updates, p * inner + j))
    writes = loop("px", positions, [*found, *loop("jx", inner, one, "vector")])
    return [*checked, copy_unless_same(build, node, out, x), *writes]


def _combine(combine: str, dtype: Any, out: str, at: Dim, more: Load) -> list[Any]:
    if combine == "update":
        return [more, Store(out, at, "more")]
    total = Compute("total", dtype, combine, ("have", "more"))
    return [Load("have", dtype, out, at), more, total, Store(out, at, "total")]


def _update(build: Build, node: Node, out: str) -> list[Any]:
    """The window: whole trailing axes are one run; the rest goes row by row."""
    x, update, start = (build.readers[v] for v in node.operands)
    shape, window = node.operands[0].type.shape, node.operands[1].type.shape
    dtype, index_dtype = node.operands[0].type.dtype, node.operands[2].type.dtype
    first: list[Any] = []
    for a in range(len(shape)):
        first += [Load(f"at{a}", index_dtype, start, a), IndexOf(f"d{a}", f"at{a}")]
    limits = [(data_index(f"d{a}"), n - w) for a, (n, w) in enumerate(zip(shape, window, strict=True))]
    message = _message(build, node, ", ".join(f"[0, {high}]" for _, high in limits))
    whole = len(shape)
    while whole > 0 and shape[whole - 1] == window[whole - 1]:
        whole -= 1
    run = max(whole - 1, 0)
    extents = [*window[:run], dims.product(window[run:])]
    counters = [counter(f"x{a}x", d) for a, d in enumerate(extents)]
    target: Dim = counters[-1]
    for a, stride in enumerate(contiguous_strides(shape)[:whole]):
        target = target + (data_index(f"d{a}") + (counters[a] if a < run else 0)) * stride
    source: Dim = counters[-1]
    for a, stride in enumerate(contiguous_strides(window)[:run]):
        source = source + counters[a] * stride
    body: list[Any] = [Load("new", dtype, update, source), Store(out, target, "new")]
    for a in range(len(extents) - 1, -1, -1):
        body = loop(f"x{a}x", extents[a], body, "vector" if a == len(extents) - 1 else "serial")
    checks = in_range(limits, message) if limits else []
    return [*first, *checks, copy_unless_same(build, node, out, x), *body]


def copy_unless_same(build: Build, node: Node, out: str, x: str) -> Apart:
    """The copy of the operand to the result, where they are different memory."""
    type_ = node.operands[0].type
    c = counter("cx", type_.size)
    body = [Load("old", type_.dtype, x, c), Store(out, c, "old")]
    return Apart(out, x, loop("cx", type_.size, body, "vector"))


def in_range(limits: Sequence[tuple[Dim, Dim]], message: int) -> list[Any]:
    """Fails with a message unless 0 <= index <= high for every pair (index, high)."""
    found: list[Any] = []
    total = ""
    for n, (index, high) in enumerate(limits):
        found += [
            Condition(f"low{n}", "le", 0, index), Condition(f"high{n}", "le", index, high),
            Compute(f"in{n}", bool_, "and_", (f"low{n}", f"high{n}")),
        ]  # fmt: skip
        if total:
            found.append(Compute(f"all{n}", bool_, "and_", (total, f"in{n}")))
        total = f"all{n}" if total else f"in{n}"
    return [*found, Check("checked", total, message)]


def _message(build: Build, node: Node, ranges: str) -> int:
    lines = sorted(map(str, node.locations))
    where = f" at {lines[0]}" if lines else ""
    build.program.messages.append(f"{node.op.name}{where}: an index is outside {ranges}; clip the indices first")
    return len(build.program.messages)


def counter(name: str, extent: Dim) -> Dim:
    """A loop counter; the number 0 if there is one iteration."""
    return dims.symbol(name, 0, extent - 1) if extent != 1 else 0


def loop(name: str, extent: Dim, body: list[Any], mode: str = "serial", *, chunk: bool = False) -> list[Any]:
    """A loop over `counter(name, extent)`; the body alone if there is one iteration."""
    return [Loop(name, extent, mode, chunk, body)] if extent != 1 else body
