"""Reverse-mode differentiation over records of applied ops: the same routine for tapes, traces and graphs.

A record holds the objects that an op took and gave (eager Tensors, Variables, graph Values); they are told apart by
identity, so two equal values computed twice stay independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from graphcore.errors import LayerJitError
from graphcore.functions import Functions, Handle
from graphcore.graph import Graph, Node, Value
from graphcore.optable import OpDef
from graphcore.pieces import Pieces, join_pieces, piece_of, whole_of
from graphcore.rows import Rows, dense, join


class Record(NamedTuple):
    """One applied op: what it took and gave, as objects."""

    op: OpDef
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    attrs: Mapping[str, Any]


def backward(
    records: Sequence[Record],
    targets: Sequence[Any],
    sources: Sequence[Any],
    cotangents: Sequence[Handle],
    f: Functions,
    sparse: bool = False,
) -> list[Any]:
    """Cotangents of `sources` given those of `targets`.

    Args:
        records: applied ops in the order in which they ran.
        targets: objects to differentiate.
        sources: objects to differentiate with respect to.
        cotangents: one handle per target, of the target's shape and dtype.
        f: the op functions that gradient rules compute with.
        sparse: lets `Rows` stand among the results, for sources that were only gathered from.

    Returns:
        One handle per source; None where no path leads from it to a target.

    Raises:
        LayerJitError: if an op on the path has no gradient rule.
    """
    touched = reached(records, sources)
    grads: dict[int, Handle] = {}
    for target, ct in zip(targets, cotangents, strict=True):
        _accumulate(grads, target, ct, f)
    source_ids = {id(s) for s in sources}
    for record in reversed(records):
        cts = [grads.get(id(o)) if id(o) in source_ids else grads.pop(id(o), None) for o in record.outputs]
        if not record.op.differentiable or all(ct is None for ct in cts):
            continue
        if not any(id(i) in touched for i in record.inputs):
            continue
        for operand, ct in zip(record.inputs, _vjp(record, cts, f), strict=True):
            if ct is not None and id(operand) in touched:
                _accumulate(grads, operand, ct() if callable(ct) else ct, f)
    found = [grads.get(id(s)) for s in sources]
    return [g if sparse and isinstance(g, Rows) else _whole(g, f) for g in found]


def _whole(ct: Any, f: Functions) -> Any:
    if isinstance(ct, Pieces):
        return whole_of(f, ct)
    return dense(f, ct) if isinstance(ct, Rows) else ct


def _vjp(record: Record, cts: Sequence[Handle | None], f: Functions) -> Sequence[Handle | None]:
    if record.op.name == "identity":  # what reads a variable; rows go through
        return cts
    cts = [_whole(ct, f) for ct in cts]
    if record.op.vjp is None:
        raise LayerJitError(
            f"op {record.op.name} has no gradient; use tf.stop_gradient around it, or tf.custom_gradient to give one"
        )
    if record.op.name == "slice" and (piece := piece_of(f, cts[0], f.type(record.inputs[0]), dict(record.attrs))):
        return (piece,)
    return record.op.vjp(f, cts, record.inputs, record.outputs, record.attrs)


def reached(records: Iterable[Record], sources: Iterable[Any]) -> set[int]:
    """Ids of all objects that depend on a source."""
    found = {id(s) for s in sources}
    for record in records:
        if record.op.differentiable and any(id(i) in found for i in record.inputs):
            found.update(id(o) for o in record.outputs)
    return found


def _accumulate(grads: dict[int, Handle], target: Any, ct: Handle, f: Functions) -> None:
    have = grads.get(id(target))
    if isinstance(have, Pieces):
        joined = join_pieces(f, have, ct) if isinstance(ct, Pieces) else None
        if joined is not None:
            grads[id(target)] = joined
            return
        have = whole_of(f, have)
    if have is None:
        grads[id(target)] = ct
        return
    ct = whole_of(f, ct) if isinstance(ct, Pieces) else ct
    if isinstance(ct, Rows):
        grads[id(target)] = join(f, have, ct) if isinstance(have, Rows) else dense(f, ct, have)
    else:
        grads[id(target)] = dense(f, have, ct) if isinstance(have, Rows) else f.add(have, ct)


def graph_records(nodes: Iterable[Node]) -> list[Record]:
    """The nodes of a graph as records, inputs and constants left out."""
    return [
        Record(n.op, n.operands, n.results, n.full_attrs) for n in nodes if n.op.name not in ("input", "constant")
    ]


def copy_into(graph: Graph, operands: Sequence[Value], f: Functions) -> tuple[list[Record], list[Value]]:
    """Emits a graph's nodes again through `f` on other operands; returns their records and the new outputs.

    It is for differentiation, after the graph itself has run: nodes that only have an effect (a print, an assertion)
    are left out, also in bodies.
    """
    new: dict[Value, Value] = dict(zip(graph.inputs, operands, strict=True))
    records: list[Record] = []
    for node in graph.nodes:
        if node.op.name == "input" or not node.results:
            continue
        if node.op.name == "constant":
            new[node.result] = f.constant(node.attrs["value"].array)
            continue
        inputs = tuple(new[v] for v in node.operands)
        attrs = node.full_attrs
        if node.bodies and node.effects:
            from graphcore.ops.region_grad import pure

            attrs = {**attrs, "bodies": tuple([pure(body) for body in node.bodies])}
        outputs = f.apply(node.op, inputs, attrs)
        records.append(Record(node.op, inputs, outputs, attrs))
        new.update(zip(node.results, outputs, strict=True))
    return records, [new[v] for v in graph.outputs]
