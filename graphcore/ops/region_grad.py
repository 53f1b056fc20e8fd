"""Gradients of cond, while and scan: the body's forward run again, and its own backward pass, as a new body.

The backward pass of a loop is a scan the other way round over what the loop carried at the start of each iteration. It
carries the cotangents of the carried values and, summed up, those of the captures. It is made of the same ops, so it
can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphcore import dims
from graphcore.autodiff import backward, copy_into
from graphcore.builder import GraphBuilder
from graphcore.dims import Dim
from graphcore.functions import Functions, graph_functions
from graphcore.graph import Graph, Value
from graphcore.ops.region import bound_inside
from graphcore.ops.region_saved import given_inside, worth_saving
from graphcore.ops.region_sums import product_of, total
from graphcore.ops.rules import Attrs
from graphcore.types import TensorType

Handles = Sequence[Any]


def has_gradient(type_: TensorType) -> bool:
    """Whether values of the type have cotangents."""
    return type_.dtype.kind in "fc"


def pure(graph: Graph) -> Graph:
    """The graph without the nodes that only have effects (assertions, prints): a second run does not repeat them.

    A Python function whose results are used is called again.
    """
    return pure_values(graph)[0]


def pure_values(graph: Graph) -> tuple[Graph, dict[Value, Value]]:
    """As `pure`, with the value of the graph that each value of the new one stands for."""
    if not any(node.effects for node in graph.nodes):
        return graph, {v: v for n in graph.nodes for v in n.results}
    from graphcore.passes.rewrite import Rewriter

    def visit(r: Rewriter, node: Any, operands: tuple[Value, ...]) -> Sequence[Value] | None:
        if not node.effects or not node.bodies:
            return None
        bodies = tuple(pure(b) for b in node.bodies)
        types = [v.type for v in node.results]
        return r.builder.emit_node(node.op, operands, node.attrs, node.locations, bodies, types)

    r = Rewriter(graph, fold_bytes=0)
    made = r.run(visit, lambda node: bool(node.results) or not node.effects)
    return made, {new: old for old, new in r.values.items()}


class _Backward:
    """The backward pass of one body, as a graph under construction."""

    def __init__(self, body: Graph) -> None:
        self.body = body
        self.builder = GraphBuilder(f"{body.name}_gradient")
        self.builder.guards = list(body.guards)
        self.f = graph_functions(self.builder)
        self.forward: dict[Value, Value] = {}

    def inputs(self, types: Sequence[TensorType], stem: str) -> list[Value]:
        """New inputs of the given types."""
        return [self.builder.input(t, f"{stem}{i}") for i, t in enumerate(types)]

    def run(self, operands: Sequence[Value], targets: Sequence[int], cts: Sequence[Value]) -> list[Value | None]:
        """Runs the body on its operands; cotangents of all operands, from those of the given outputs."""
        sources = [v for v in operands if has_gradient(v.type)]
        with dims.assuming(self.body.guards):
            records, outputs = copy_into(self.body, operands, self.f)
            made = [n for n in self.body.nodes if n.op.name not in ("input", "constant") and n.results]
            for node, record in zip(made, records, strict=True):
                self.forward.update(zip(record.outputs, node.results, strict=True))
            found = iter(backward(records, [outputs[i] for i in targets], sources, cts, self.f))
        return [next(found) if has_gradient(v.type) else None for v in operands]

    def add(self, a: Value, b: Value | None) -> Value:
        """The sum, where there is a second."""
        return a if b is None else self.f.add(a, b)

    def finish(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
        """The graph, with its inputs in the given order."""
        made = self.builder.finish(outputs)
        return Graph(made.name, made.nodes, inputs, outputs, guards=made.guards)


def cond_vjp(f: Functions, cts: Handles, inputs: Handles, attrs: Attrs) -> list[Any]:
    """A cond over the branches' backward passes; a capture that no branch reads differentiably has no cotangent."""
    index, captures = inputs[0], inputs[1:]
    wanted = [i for i, ct in enumerate(cts) if ct is not None]
    parts: list[tuple[_Backward, list[Value], list[Value | None]]] = []
    for body in map(pure, attrs["bodies"]):
        part = _Backward(body)
        operands = part.inputs([v.type for v in body.inputs], "x")
        given = part.inputs([body.outputs[i].type for i in wanted], "ct")
        parts.append((part, [*operands, *given], part.run(operands, wanted, given)))
    live = [j for j in range(len(captures)) if any(grads[j] is not None for _, _, grads in parts)]
    bodies: list[Graph] = []
    for part, values, grads in parts:
        outputs = [part.f.zeros_like(values[j]) if (g := grads[j]) is None else g for j in live]
        bodies.append(part.finish(values, outputs))
    if not live:
        return [None] * len(inputs)
    found = f.apply("cond", (index, *captures, *(cts[i] for i in wanted)), {"bodies": tuple(bodies)})
    return [None, *_spread(len(captures), live, found)]


def _spread(count: int, places: Sequence[int], values: Handles) -> list[Any]:
    result: list[Any] = [None] * count
    for place, value in zip(places, values, strict=True):
        result[place] = value
    return result


class _Loop(NamedTuple):
    """What the backward pass of a loop needs to know of its forward pass.

    Attributes:
        body: the body, without effects.
        carries, xs, captures: the operands.
        history: the carried values at the start of every iteration, stacked; None if `keep` gives them.
        keep: gives values of the body, stacked over the iterations.
        length: the number of iterations.
        reverse: whether the forward pass started at the last element.
        carry_cts, y_cts, history_cts: cotangents or None of the results.
    """

    body: Graph
    carries: Handles
    xs: Handles
    captures: Handles
    history: Handles | None
    keep: Callable[[Sequence[Value]], Handles]
    length: Dim
    reverse: bool
    carry_cts: Handles
    y_cts: Handles
    history_cts: Handles


def scan_vjp(f: Functions, cts: Handles, inputs: Handles, attrs: Attrs) -> list[Any]:
    """The scan again, now with what the way back needs stacked (cse merges the two), and a scan the other way round."""
    body, n, m = pure(attrs["bodies"][0]), attrs["carried"], attrs["scanned"]

    def stacked(values: Sequence[Value]) -> Handles:
        if not values:
            return ()
        longer = Graph(body.name, body.nodes, body.inputs, (*body.outputs, *values), guards=body.guards)
        return f.apply("scan", inputs, {**attrs, "bodies": (longer,)})[len(cts) :]

    return _reverse(f, _Loop(
        body, inputs[:n], inputs[n : n + m], inputs[n + m :], None, stacked, attrs["length"],
        bool(attrs.get("reverse", False)), cts[:n], cts[n:], [None] * n,
    ))  # fmt: skip


def while_vjp(f: Functions, cts: Handles, inputs: Handles, outputs: Handles, attrs: Attrs) -> list[Any]:
    """The loop again with `save` (cse merges the two), and a scan the other way round."""
    n = attrs["carried"]
    if not n:
        return [None] * len(inputs)
    condition, body = map(pure, attrs["bodies"])
    if attrs.get("save"):
        history, history_cts = outputs[n:], cts[n:]
    else:
        history = f.apply("while", inputs, {**attrs, "bodies": (condition, body), "save": "trips"})[n:]
        history_cts = [None] * n
    length = f.type(history[0]).shape[0]
    return _reverse(f, _Loop(
        body, inputs[:n], (), inputs[n:], history, lambda values: (), length, False, cts[:n], (), history_cts
    ))  # fmt: skip


def _reverse(f: Functions, loop: _Loop) -> list[Any]:
    """Cotangents of carries, xs and captures."""
    body, n, m = loop.body, len(loop.carries), len(loop.xs)
    types = [v.type for v in body.inputs]
    moving = [i for i in range(n) if has_gradient(types[i])]
    ys = [j for j, ct in enumerate(loop.y_cts) if ct is not None]
    kept = [i for i, ct in enumerate(loop.history_cts) if ct is not None]
    part = _Backward(body)
    carry_in = part.inputs([types[i] for i in moving], "ct")
    y_in = part.inputs([body.outputs[n + j].type for j in ys], "y_ct")
    kept_in = part.inputs([types[i] for i in kept], "kept_ct")
    operands = part.inputs(types, "x")
    grads = part.run(operands, [*moving, *(n + j for j in ys)], [*carry_in, *y_in])
    live = [i for i in range(n, len(types)) if grads[i] is not None]
    if not moving and not live:
        return [None] * len(types)
    products = {i: p for i in live if i >= n + m and (p := product_of(grads[i], operands[n + m :])) is not None}
    summed = [i for i in live if i >= n + m and i not in products]
    sums = part.inputs([types[i] for i in summed], "sum")
    outputs: list[Value] = []
    for i in moving:
        g = grads[i]
        start = part.f.zeros_like(operands[i]) if g is None else g
        outputs.append(part.add(start, kept_in[kept.index(i)] if i in kept else None))
    outputs += [part.add(s, grads[i]) for s, i in zip(sums, summed, strict=True)]
    elements = [i for i in live if i < n + m]
    cotangents = [v for i in elements if (v := grads[i]) is not None]
    factors = list(dict.fromkeys(v for p in products.values() for v in (p.lhs, p.rhs)))
    saved: list[Value] = []
    history = loop.history
    if history is None:
        needs = [*outputs, *cotangents, *factors]
        saved = worth_saving(part.forward, operands[n + m :], needs, bound_inside(body))
        history = loop.keep([*body.inputs[:n], *(part.forward[v] for v in saved)])
    # What an iteration is given is stacked already; other operands of products are stacked now.
    scanned = [
        *(loop.y_cts[j] for j in ys), *(loop.history_cts[i] for i in kept), *history[:n], *loop.xs, *history[n:]
    ]  # fmt: skip
    stacked = dict(zip([*y_in, *kept_in, *operands[: n + m], *saved], scanned, strict=True))
    more = [v for v in factors if v not in stacked and v not in cotangents]
    outputs += [*cotangents, *more]
    graph = part.finish([*carry_in, *sums, *y_in, *kept_in, *operands], outputs)
    graph = given_inside(graph, saved, len(graph.inputs) - len(loop.captures))
    starts = [f.zeros_like(loop.carries[i]) if (ct := loop.carry_cts[i]) is None else ct for i in moving]
    zeros = [f.zeros_like(loop.captures[i - n - m]) for i in summed]
    results = f.apply("scan", (*starts, *zeros, *scanned, *loop.captures), {
        "bodies": (graph,), "carried": len(starts) + len(zeros), "scanned": len(scanned), "length": loop.length,
        "reverse": not loop.reverse,
    })  # fmt: skip
    stacked.update(zip([*cotangents, *more], results[len(outputs) - len(cotangents) - len(more) :], strict=True))
    found = _spread(len(types), [*moving, *summed, *elements], results[: len(results) - len(more)])
    for i, product in products.items():
        found[i] = total(f, product, stacked.__getitem__)
    return found
