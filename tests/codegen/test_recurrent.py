"""Recurrent loops: blocks of columns taken together, weights packed before a loop, what is kept for gradients."""

from __future__ import annotations

import numpy as np
import pytest
from control_graphs import gradient_graph
from gemm_harness import ISAS

import eager as tf
from codegen import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import dims, passes
from graphcore.autodiff import backward, graph_records
from graphcore.builder import GraphBuilder
from graphcore.dtypes import float32, float64
from graphcore.functions import graph_functions
from graphcore.interpret import interpret
from graphcore.types import TensorType

RNG = np.random.default_rng(11)


def normal(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def cut(f, x, start, width):
    begin, end = (0,) * (x.type.rank - 1), x.type.shape[:-1]
    return f.slice(x, begin=(*begin, start), end=(*end, start + width), strides=(1,) * x.type.rank)


def gates(m, k, width, blocks, dtype=float32, *, whole=False):
    """A graph of x @ w + b whose blocks of columns meet again; with `whole`, the sum is an output too."""
    builder = GraphBuilder("gates")
    f = graph_functions(builder)
    x = builder.input(TensorType(dtype, (m, k)), "x")
    w = builder.input(TensorType(dtype, (k, width * blocks)), "w")
    p = builder.input(TensorType(dtype, (m, width * blocks)), "p")
    c = builder.input(TensorType(dtype, (m, width)), "c")
    z = f.add(p, f.dot_general(x, w, contracting=((1,), (0,)), batch=((), ())))
    wide = f.sigmoid(cut(f, z, 0, width * (blocks - 1)))
    last = f.tanh(cut(f, z, width * (blocks - 1), width))
    total = f.mul(last, c)
    for g in range(blocks - 1):
        total = f.add(total, f.mul(cut(f, wide, g * width, width), last))
    return passes.run(builder.finish([total, f.neg(last), *([z] if whole else [])]))


def arrays_of(m, k, width, blocks, dtype=np.float32):
    return [normal(*s, dtype=dtype) for s in ((m, k), (k, width * blocks), (m, width * blocks), (m, width))]


def fusions(graph):
    return [n.attrs["category"] for n in graph.nodes if n.op.name == "fusion"]


SIZES = [(1, 5, 3, 2), (5, 7, 33, 3), (32, 40, 128, 4), (13, 1600, 17, 4), (3, 64, 16, 8)]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [float32, float64])
def test_blocks_of_columns_are_one_kernel(isa, dtype):
    for m, k, width, blocks in SIZES[:: 1 if dtype is float32 else 2]:
        graph = gates(m, k, width, blocks, dtype)
        assert fusions(graph) == ["contract"], (m, k, width, blocks)
        arrays = arrays_of(m, k, width, blocks, dtype.numpy)
        found = compile_graph(graph, isa=isa).run(arrays)
        for got, want in zip(found, interpret(graph, arrays), strict=True):
            bound = k * np.finfo(dtype.numpy).eps * 4 * blocks
            np.testing.assert_allclose(got, want, rtol=bound, atol=bound)


def test_the_loop_interpreter_knows_blocks():
    graph, arrays = gates(5, 7, 33, 3, float64), arrays_of(5, 7, 33, 3, np.float64)
    for got, want in zip(interpret_graph(graph, arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_blocks_of_an_open_number_of_rows_have_the_same_bits():
    arrays = arrays_of(29, 48, 40, 4)
    fixed = compile_graph(gates(29, 48, 40, 4)).run(arrays)
    opened = compile_graph(gates(dims.symbol("n"), 48, 40, 4)).run(arrays)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(fixed, opened, strict=True))


def test_what_is_needed_whole_is_not_taken_apart():
    graph, arrays = gates(9, 12, 20, 4, whole=True), arrays_of(9, 12, 20, 4)
    assert fusions(graph).count("contract") == 1 and len(fusions(graph)) > 1
    for got, want in zip(compile_graph(graph).run(arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


# -- loops


def scanned(step, xs, starts, *captures):
    return tf.scan(lambda s, x: step(s, x, *captures), xs, starts)


def lstm(state, p, weights):
    h, c = state
    i, f, g, o = tf.split(p + h @ weights, 4, -1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def test_a_loop_packs_what_it_captures_once(monkeypatch):
    p, w, h = normal(6, 5, 256), normal(64, 256) * np.float32(0.1), normal(5, 64)

    def run():
        return tf.function(lambda p, w, h: tf.stack(scanned(lstm, p, (h, h), w)))(p, w, h).numpy()

    packed = run()
    with monkeypatch.context() as patch:
        patch.setattr("codegen.schedule.packing_pays", lambda *_: False)
        plain = run()
    assert packed.tobytes() == plain.tobytes()


def test_a_driver_says_what_it_packs():
    builder = GraphBuilder("loop")
    f = graph_functions(builder)
    inner = GraphBuilder("body")
    g = graph_functions(inner)
    h, w = inner.input(TensorType(float32, (4, 64)), "h"), inner.input(TensorType(float32, (64, 64)), "w")
    body = inner.finish([g.tanh(g.dot_general(h, w, contracting=((1,), (0,)), batch=((), ())))])
    start, weights = builder.input(TensorType(float32, (4, 64)), "h"), builder.input(TensorType(float32, (64, 64)), "w")
    (last,) = f.apply("scan", (start, weights), {"bodies": (body,), "carried": 1, "scanned": 0, "length": 5})
    graph = passes.run(builder.finish([last]))
    compiled = compile_graph(graph)
    (driver,) = [k for k in compiled.kernels if k.category == "scan"]
    assert "operand 1 is packed first: 16384 bytes" in driver.loops
    arrays = [normal(4, 64), normal(64, 64)]
    np.testing.assert_allclose(compiled.run(arrays)[0], interpret(graph, arrays)[0], rtol=1e-3, atol=1e-5)


def test_the_way_back_repeats_no_contraction():
    inner = GraphBuilder("step")
    g = graph_functions(inner)
    h, c, p, w = (inner.input(TensorType(float64, s), n) for n, s in (
        ("h", (4, 8)), ("c", (4, 8)), ("p", (4, 32)), ("w", (8, 32))))  # fmt: skip
    z = g.add(p, g.dot_general(h, w, contracting=((1,), (0,)), batch=((), ())))
    i, f_, o = (g.sigmoid(cut(g, z, 8 * n, 8)) for n in range(3))
    after = g.add(g.mul(f_, c), g.mul(i, g.tanh(cut(g, z, 24, 8))))
    body = inner.finish([g.mul(o, g.tanh(after)), after])
    builder = GraphBuilder("loop")
    f = graph_functions(builder)
    start, xs, weights = (builder.input(TensorType(float64, s), n) for n, s in (
        ("h", (4, 8)), ("p", (5, 4, 32)), ("w", (8, 32))))  # fmt: skip
    results = f.apply("scan", (start, start, xs, weights), {"bodies": (body,), "carried": 2, "scanned": 1, "length": 5})
    whole = gradient_graph(builder.finish([f.reduce_sum(results[0], axes=(0, 1), keepdims=False)]), [0, 1, 2])
    graph = passes.run(whole)
    forward, back = (n.bodies[0] for n in graph.nodes if n.op.name == "scan")
    for one in (forward, back):
        assert [n.op.name for n in one.walk()].count("dot_general") == 1
    assert not {"sigmoid", "tanh"} & {n.op.name for n in back.walk()}
    arrays = [normal(*v.type.shape, dtype=np.float64) for v in graph.inputs]
    for got, want in zip(compile_graph(graph).run(arrays), interpret(whole, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_gradients_of_a_recurrent_loop_by_differences():
    p, w, h = normal(3, 2, 8, dtype=np.float64), normal(2, 8, dtype=np.float64), normal(2, 2, dtype=np.float64)

    def loss(p, w, h):
        return tf.reduce_sum(tf.sin(scanned(lstm, p, (h, h), w)[0]))

    @tf.function
    def gradients(p, w, h):
        with tf.GradientTape() as tape:
            tape.watch((p, w, h))
            value = loss(p, w, h)
        return tape.gradient(value, (p, w, h))

    arrays = [p, w, h]
    for number, gradient in enumerate(gradients(*map(tf.constant, arrays))):
        at = arrays[number]
        for place in [0, at.size // 2, at.size - 1]:
            ends = []
            for sign in (1, -1):
                moved = at.copy()
                moved.reshape(-1)[place] += sign * 1e-6
                ends.append(float(loss(*(tf.constant(moved if i == number else a) for i, a in enumerate(arrays)))))
            assert gradient.numpy().reshape(-1)[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)


# -- contractions that fold, or keep, several axes apart


@pytest.mark.parametrize("isa", ISAS)
def test_several_folded_axes_are_one_chain(isa):
    for b, t, d, n in [(4, 6, 33, 70), (7, 5, 1, 40), (3, 300, 8, 16)]:
        builder = GraphBuilder("fold")
        f = graph_functions(builder)
        x = builder.input(TensorType(float64, (b, t, d)), "x")
        y = builder.input(TensorType(float64, (t, b, n)), "y")
        z = f.dot_general(x, y, contracting=((1, 0), (0, 1)), batch=((), ()))
        arrays = [normal(b, t, d, dtype=np.float64), normal(t, b, n, dtype=np.float64)]
        want = np.einsum("btd,tbn->dn", *arrays)
        graph = passes.run(builder.finish([z]))
        for got in (compile_graph(graph, isa=isa).run(arrays)[0], interpret_graph(graph, arrays)[0]):
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("isa", ISAS)
def test_rows_of_a_transposed_batch(isa):
    for b, t, d, n in [(4, 6, 33, 70), (dims.symbol("n"), 5, 8, 64), (300, 4, 8, 70)]:
        builder = GraphBuilder("rows")
        f = graph_functions(builder)
        x = builder.input(TensorType(float64, (b, t, d)), "x")
        w = builder.input(TensorType(float64, (d, n)), "w")
        z = f.dot_general(f.transpose(x, perm=(1, 0, 2)), w, contracting=((2,), (0,)), batch=((), ()))
        size = b if isinstance(b, int) else 7
        arrays = [normal(size, t, d, dtype=np.float64), normal(d, n, dtype=np.float64)]
        graph = passes.run(builder.finish([f.exp(z)]))
        want = np.exp(np.einsum("btd,dn->tbn", *arrays))
        for got in (compile_graph(graph, isa=isa).run(arrays)[0], interpret_graph(graph, arrays)[0]):
            np.testing.assert_allclose(got, want, rtol=1e-10)


# -- cotangents of slices


def test_cotangents_of_parts_are_one_concatenation():
    builder = GraphBuilder("parts")
    f = graph_functions(builder)
    x = builder.input(TensorType(float32, (3, 10)), "x")
    parts = [f.mul(cut(f, x, 6, 4), f.constant(2.0, "float32")), f.exp(cut(f, x, 0, 3)), f.neg(cut(f, x, 3, 2))]
    total = f.reduce_sum(parts[0], axes=(0, 1), keepdims=False)
    for part in parts[1:]:
        total = f.add(total, f.reduce_sum(part, axes=(0, 1), keepdims=False))
    records = graph_records(builder.nodes)
    (gradient,) = backward(records, [total], [x], [f.constant(1.0, "float32")], f)
    graph = builder.finish([gradient])
    names = [n.op.name for n in graph.nodes]
    assert names.count("concatenate") == 1 and "pad" not in names
    array = normal(3, 10)
    want = np.concatenate([np.exp(array[:, :3]), np.full((3, 2), -1), np.zeros((3, 1)), np.full((3, 4), 2)], 1)
    np.testing.assert_allclose(interpret(graph, [array])[0], want, rtol=1e-6)


def test_overlapping_parts_add_up():
    def value(x):
        return tf.reduce_sum(x[:, 1:4] * 2.0) + tf.reduce_sum(x[:, 3:6] * 3.0) + tf.reduce_sum(x[1:, :] ** 2)

    x = tf.constant(normal(3, 6))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = value(x)
    want = np.zeros((3, 6))
    want[:, 1:4] += 2
    want[:, 3:6] += 3
    want[1:] += 2 * x.numpy()[1:]
    np.testing.assert_allclose(tape.gradient(loss, x), want, rtol=1e-6)


@pytest.mark.parametrize("isa", ISAS)
def test_equal_parts_are_stored_where_they_belong(isa):
    for shape, axis in [((3, 20), 1), ((dims.symbol("n"), 16), 0), ((2, 5, 7), 1), ((40,), 0), ((4, 3), 1)]:
        builder = GraphBuilder("parts")
        f = graph_functions(builder)
        x = builder.input(TensorType(float32, shape), "x")
        y = builder.input(TensorType(float32, shape), "y")
        both = f.mul(x, y)
        joined = f.concatenate(f.exp(both), f.neg(y), f.add(both, x), axis=axis)
        graph = passes.run(builder.finish([joined, f.sqrt(f.abs(both))]))
        size = [d if isinstance(d, int) else 5 for d in shape]
        arrays = [normal(*size), normal(*size)]
        exact = interpret(graph, arrays)
        for found in (compile_graph(graph, isa=isa).run(arrays), interpret_graph(graph, arrays)):
            for got, want in zip(found, exact, strict=True):
                np.testing.assert_allclose(got, want, rtol=1e-6)


def test_parts_that_are_sums_share_their_kernel():
    builder = GraphBuilder("parts")
    f = graph_functions(builder)
    x = builder.input(TensorType(float32, (6, 32)), "x")
    joined = f.concatenate(f.exp(x), f.neg(x), axis=1)
    graph = passes.run(builder.finish([joined, f.add(x, f.exp(x)), f.reduce_sum(joined, axes=(1,), keepdims=False)]))
    (array,) = arrays = [normal(6, 32)]
    want = [np.concatenate([np.exp(array), -array], 1), array + np.exp(array), (np.exp(array) - array).sum(1)]
    for found in (compile_graph(graph).run(arrays), interpret_graph(graph, arrays)):
        for got, exact in zip(found, want, strict=True):
            np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-5)
