"""Dead code of control nodes: results that nobody reads, with what only they need, and captures that no body reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphcore.graph import Graph, Node, Value
from graphcore.passes.dce import live_nodes
from graphcore.passes.regions import emit_region, is_region, rebuilt
from graphcore.passes.rewrite import Operands, Rewriter


def prune(graph: Graph, notes: list[str]) -> Graph:
    """Drops unread results, carried values, scanned values and captures of every control node."""
    live = live_nodes(graph)
    used = {*graph.outputs, *(v for n in graph.nodes if n in live for v in n.operands)}
    dropped = 0

    def visit(r: Rewriter, node: Node, operands: Operands) -> Sequence[Value] | None:
        nonlocal dropped
        if not is_region(node):
            return None
        found = (_cond if node.op.name == "cond" else _loop)(r, node, operands, used)
        dropped += found is not None
        return found

    after = Rewriter(graph, fold_bytes=0).run(visit, lambda node: node in live)
    if dropped:
        notes.append(f"made {dropped} control nodes smaller")
    return after if dropped else graph


def _reads(body: Graph, outputs: Sequence[Value]) -> set[Value]:
    """The inputs that the given outputs and the effects need."""
    live = live_nodes(Graph(body.name, body.nodes, body.inputs, outputs))
    read = {v for n in live for v in n.operands} | set(outputs)
    return {v for v in body.inputs if v in read}


def _spread(count: int, kept: Sequence[int], values: Sequence[Value]) -> Any:
    """The values at their old places; what has gone is read by nobody."""
    found: list[Value | None] = [None] * count
    for place, value in zip(kept, values, strict=True):
        found[place] = value
    return found


def _cond(r: Rewriter, node: Node, operands: Operands, used: set[Value]) -> Any:
    kept = [i for i, v in enumerate(node.results) if v in used]
    read: set[int] = set()
    for body in node.bodies:
        inputs = _reads(body, [body.outputs[i] for i in kept])
        read |= {i for i, v in enumerate(body.inputs) if v in inputs}
    if len(kept) == len(node.results) and len(read) == len(operands) - 1:
        return None
    captures = sorted(read)
    bodies = tuple(
        rebuilt(b, [b.inputs[i] for i in captures], [b.outputs[i] for i in kept]) for b in node.bodies
    )
    new = emit_region(r, node, [operands[0], *(operands[i + 1] for i in captures)], bodies)
    return _spread(len(node.results), kept, new)


def _loop(r: Rewriter, node: Node, operands: Operands, used: set[Value]) -> Any:
    n, m = node.attrs["carried"], node.attrs.get("scanned", 0)
    body, save = node.bodies[-1], bool(node.attrs.get("save"))
    ys = [] if node.op.name == "while" else [j for j in range(len(node.results) - n) if node.results[n + j] in used]
    carries = {
        i for i in range(n) if node.results[i] in used or (save and node.results[n + i] in used)
    }
    reads = _needed(node, carries, ys)
    while not reads <= carries | set(range(n, len(operands))):
        carries |= {i for i in reads if i < n}
        reads = _needed(node, carries, ys)
    if save and not carries:
        carries = {0}  # what a loop finds out is the number of its iterations, of anything
        reads |= _needed(node, carries, ys)
        carries |= {i for i in reads if i < n}
    kept = sorted(carries)
    inputs = [*kept, *(i for i in range(n, len(operands)) if i in reads)]
    stacked = 0 if node.op.name == "while" else len(node.results) - n
    if len(inputs) == len(operands) and len(ys) == stacked:
        return None
    outputs = [body.outputs[i] for i in (*kept, *(n + j for j in ys))]
    bodies = [rebuilt(b, [b.inputs[i] for i in inputs], outputs if b is body else b.outputs) for b in node.bodies]
    attrs: dict[str, Any] = {"carried": len(kept)}
    if node.op.name == "scan":
        attrs["scanned"] = sum(n <= i < n + m for i in inputs)
    new = emit_region(r, node, [operands[i] for i in inputs], tuple(bodies), **attrs)
    places = [*kept, *(n + j for j in (kept if save else ys))]
    return _spread(len(node.results), places, new)


def _needed(node: Node, carries: set[int], ys: Sequence[int]) -> set[int]:
    """Numbers of the operands that the bodies read, for these carried values and stacked results."""
    n, body = node.attrs["carried"], node.bodies[-1]
    wanted = _reads(body, [body.outputs[i] for i in (*sorted(carries), *(n + j for j in ys))])
    found = {i for i, v in enumerate(body.inputs) if v in wanted}
    if node.op.name == "while":
        condition = node.bodies[0]
        asked = _reads(condition, condition.outputs)
        found |= {i for i, v in enumerate(condition.inputs) if v in asked}
    return found

