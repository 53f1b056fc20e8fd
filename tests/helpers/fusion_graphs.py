"""Graphs to fuse: compositions that must be one kernel, a training step, and random ones."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from graphcore import GraphBuilder, Record, TensorType, backward, dims
from graphcore.dtypes import DType, float32, int32, int64
from graphcore.functions import Functions, graph_functions
from graphcore.graph import Graph, Node, Value

N = dims.symbol("n")
MATMUL: dict[str, Any] = {"contracting": ((1,), (0,)), "batch": ((), ())}


def tensor(*shape: Any, dtype: DType = float32) -> TensorType:
    return TensorType(dtype, shape)


def build(law: Callable[..., Any], *types: TensorType) -> Graph:
    b = GraphBuilder("g")
    found = law(graph_functions(b), *(b.input(t) for t in types))
    return b.finish(found if isinstance(found, list | tuple) else [found])


def computing(graph: Graph) -> list[Node]:
    return [n for n in graph.nodes if n.op.name not in ("input", "constant")]


def kinds(graph: Graph) -> Counter[str]:
    """How many nodes of each fusion category, bare ones by their op."""
    return Counter(n.attrs.get("category", n.op.name) for n in computing(graph))


def body_ops(node: Node) -> list[str]:
    return [n.op.name for n in computing(node.bodies[0])]


def arrays_for(graph: Graph, seed: int = 0, **sizes: int) -> list[np.ndarray]:
    """Positive numbers of moderate size, small non-negative integers."""
    rng = np.random.default_rng(seed)
    out: list[np.ndarray] = []
    for v in graph.inputs:
        shape = dims.substitute(v.type.shape, sizes)
        floating = v.type.dtype.is_floating
        a = rng.uniform(0.1, 1.5, shape) if floating else rng.integers(0, 3, shape)
        out.append(np.asarray(a).astype(v.type.dtype.numpy))
    return out


# -- compositions over rows


def along(f: Functions, x: Value, op: str, keepdims: bool = True) -> Value:
    return getattr(f, op)(x, axes=(len(f.type(x).shape) - 1,), keepdims=keepdims)


def mean(f: Functions, x: Value, keepdims: bool = True) -> Value:
    size = f.type(x).shape[-1]
    return f.div(along(f, x, "reduce_sum", keepdims), f.constant(float(size), like=x))


def softmax(f: Functions, x: Value) -> Value:
    e = f.exp(f.sub(x, along(f, x, "reduce_max")))
    return f.div(e, along(f, e, "reduce_sum"))


def log_softmax(f: Functions, x: Value) -> Value:
    s = f.sub(x, along(f, x, "reduce_max"))
    return f.sub(s, f.log(along(f, f.exp(s), "reduce_sum")))


def layer_norm(f: Functions, x: Value, gamma: Value, beta: Value) -> Value:
    d = f.sub(x, mean(f, x))
    scale = f.rsqrt(f.add(mean(f, f.mul(d, d)), f.constant(1e-3, like=x)))
    return f.add(f.mul(f.mul(d, scale), gamma), beta)


def layer_norm_moments(f: Functions, x: Value, gamma: Value, beta: Value) -> Value:
    """The variance as E[x^2] - E[x]^2, per-row values without the folded axis, brought back by reshapes."""
    def back(v: Value) -> Value:
        shape = f.type(x).shape
        return f.broadcast_to(f.reshape(v, shape=(*shape[:-1], 1)), shape=shape)

    mu, square = mean(f, x, False), mean(f, f.mul(x, x), False)
    scale = f.rsqrt(f.add(f.sub(square, f.mul(mu, mu)), f.constant(1e-3, like=x)))
    return f.add(f.mul(f.mul(f.sub(x, back(mu)), back(scale)), gamma), beta)


def rms_norm(f: Functions, x: Value, gamma: Value) -> Value:
    return f.mul(f.mul(x, f.rsqrt(mean(f, f.mul(x, x)))), gamma)


def dense(f: Functions, x: Value, w: Value, b: Value) -> Value:
    return f.add(f.dot_general(x, w, **MATMUL), b)


# -- a training step


class _Tape:
    """Op functions that record what they emit."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.records: list[Record] = []
        self.f = Functions(self._apply, lambda v: v.type, builder.constant)
        self._builder = builder

    def _apply(self, op: Any, values: Sequence[Value], attrs: dict[str, Any]) -> Sequence[Value]:
        results = self._builder.emit_node(op, values, attrs)
        self.records.append(Record(op, tuple(values), tuple(results), attrs))
        return results


def training_step(sizes: Sequence[int], optimizer: str) -> Graph:
    """An MLP with relu, sparse cross-entropy, backward and SGD or Adam; the batch is symbolic."""
    b = GraphBuilder("step")
    x, labels = b.input(tensor(N, sizes[0]), "x"), b.input(tensor(N, dtype=int32), "y")
    weights: list[Value] = []
    for i, (k, m) in enumerate(pairwise(sizes)):
        weights += [b.input(tensor(k, m), f"w{i}", "variable"), b.input(tensor(m), f"b{i}", "variable")]
    tape = _Tape(b)
    loss = _loss(tape.f, x, labels, weights, sizes[-1])
    f = graph_functions(b)
    grads = backward(list(tape.records), [loss], weights, [f.constant(1.0, like=loss)], f)
    new = [loss]
    updates: list[tuple[int, int]] = []

    def update(old: Value, value: Value) -> None:
        updates.append((len(new), b.inputs.index(old)))
        new.append(value)

    (_sgd if optimizer == "sgd" else _adam)(b, f, weights, grads, update)
    return b.finish(new, updates)


def _loss(f: Functions, x: Value, labels: Value, weights: Sequence[Value], classes: int) -> Value:
    h = x
    for i in range(0, len(weights), 2):
        h = dense(f, h, weights[i], weights[i + 1])
        h = f.relu(h) if i < len(weights) - 2 else h
    hot = f.one_hot(labels, depth=classes, axis=1, dtype=float32)
    rows = f.neg(along(f, f.mul(hot, log_softmax(f, h)), "reduce_sum", False))
    return f.mul(f.reduce_sum(rows, axes=(0,), keepdims=False), f.constant(1 / 64, like=rows))


def _sgd(b: GraphBuilder, f: Functions, weights: Any, grads: Any, update: Any) -> None:
    for w, g in zip(weights, grads, strict=True):
        update(w, f.sub(w, f.mul(g, f.constant(0.01, like=w))))


def _adam(b: GraphBuilder, f: Functions, weights: Any, grads: Any, update: Any) -> None:
    steps = b.input(tensor(dtype=int64), "iterations", "variable")
    slots = [(b.input(w.type, f"m{i}", "variable"), b.input(w.type, f"v{i}", "variable"))
             for i, w in enumerate(weights)]  # fmt: skip

    def c(value: float) -> Value:
        return f.constant(value, dtype=float32)

    t = f.add(steps, f.constant(1, dtype=int64))
    update(steps, t)
    t = f.cast(t, dtype=float32)
    rate = f.div(f.mul(c(0.001), f.sqrt(f.sub(c(1), f.pow(c(0.999), t)))), f.sub(c(1), f.pow(c(0.9), t)))
    for w, g, (m, v) in zip(weights, grads, slots, strict=True):
        m1 = f.add(m, f.mul(f.sub(g, m), c(0.1)))
        v1 = f.add(v, f.mul(f.sub(f.mul(g, g), v), c(0.001)))
        update(w, f.sub(w, f.div(f.mul(rate, m1), f.add(f.sqrt(v1), c(1e-7)))))
        update(m, m1)
        update(v, v1)


# -- random graphs


@st.composite
def random_graphs(draw: st.DrawFn) -> Graph:
    """Ten to forty nodes of every kind over square matrices, so that confused axes keep the shapes right."""
    b = GraphBuilder("random", fold_bytes=0)
    f = graph_functions(b)
    side = draw(st.sampled_from([N, 4]))
    full, vector = tensor(side, side), tensor(side)
    values = [b.input(full, "x"), b.input(full, "y"), b.input(vector, "v"), b.input(tensor(), "s")]
    indices = b.input(tensor(side, dtype=int32), "i")
    for _ in range(draw(st.integers(10, 40))):
        values.append(_random_op(draw, f, values, indices, side))
    count = draw(st.integers(1, 4))
    later = values[4:]
    return b.finish([draw(st.sampled_from(later)) for _ in range(count)] + [values[-1]])


def _random_op(draw: st.DrawFn, f: Functions, values: list[Value], indices: Value, side: Any) -> Value:
    # Recent values are preferred: chains and diamonds, not a star around the inputs.
    recent = values[-6:] if draw(st.booleans()) else values
    x, y = draw(st.sampled_from(recent)), draw(st.sampled_from(values))
    matrix = draw(st.sampled_from([v for v in values if v.type.rank == 2 and v.type.shape == (side, side)]))
    choice = draw(st.sampled_from([
        "two", "two", "two", "one", "one", "one", "row", "row", "all", "column", "dot", "transpose", "keep",
        "widen", "gather", "reverse", "concatenate", "select", "flat",
    ]))  # fmt: skip
    match choice:
        case "two":
            return getattr(f, draw(st.sampled_from(["add", "mul", "sub", "maximum"])))(x, y)
        case "one":
            return getattr(f, draw(st.sampled_from(["tanh", "relu", "neg", "sigmoid", "sin"])))(x)
        case "row" | "column":
            axes = (1,) if choice == "row" else (0,)
            return f.reduce_max(matrix, axes=axes, keepdims=draw(st.booleans()))
        case "all":
            return f.reduce_max(matrix, axes=(0, 1), keepdims=draw(st.booleans()))
        case "dot":
            return f.tanh(f.dot_general(matrix, matrix if draw(st.booleans()) else values[0], **MATMUL))
        case "transpose":
            return f.transpose(matrix, perm=(1, 0))
        case "keep":
            shape = f.type(x).shape
            return f.reshape(x, shape=(*shape, 1)) if len(shape) == 1 else f.neg(x)
        case "widen":
            return f.broadcast_to(x, shape=(side, side))
        case "gather":
            return f.gather(matrix, indices, axis=draw(st.integers(0, 1)))
        case "reverse":
            return f.reverse(matrix, axes=(draw(st.integers(0, 1)),))
        case "concatenate":
            both = f.concatenate(matrix, values[0], axis=0)
            return f.slice(both, begin=(1, 0), end=(side + 1, side), strides=(1, 1))
        case "select":
            return f.select(f.less(x, y), y, x)
        case _:
            flat = f.reshape(matrix, shape=(side * side,))
            return f.reshape(f.neg(flat) if draw(st.booleans()) else flat, shape=(side, side))
