"""Packed constant weights: bit-identity with the unpacked path, versions, sharing, exceptions; one object per graph."""

import gc
import threading

import numpy as np
import pytest
from entry_parts import native
from gemm_harness import ISAS

import eager as tf
from codegen import compile_graph, schedule
from codegen.packing import PackedInput, PackedLayout
from codegen.runtime import packed
from codegen.runtime.packed import PackedSource
from graphcore import dims, passes
from graphcore.builder import GraphBuilder
from graphcore.dtypes import float32, float64
from graphcore.functions import graph_functions
from graphcore.types import TensorType

RNG = np.random.default_rng(4)


def normal(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def product(m, k, n, *, dtype=float32, role="variable", turned=False, uses=1):
    """The graph relu(x @ w) (with w transposed: x @ w.T), w a lasting input."""
    builder = GraphBuilder("product")
    f = graph_functions(builder)
    x = builder.input(TensorType(dtype, (m, k)), "x")
    w = builder.input(TensorType(dtype, (n, k) if turned else (k, n)), "w", role)
    y = f.dot_general(x, w, contracting=((1,), (1,) if turned else (0,)), batch=((), ()))
    outputs = [f.maximum(y, f.constant(0.0, like=y))]
    if uses > 1:
        outputs.append(f.exp(w))
    return passes.run(builder.finish(outputs))


SHAPES = [
    (1, 96, 64), (2, 100, 33), (7, 64, 65), (12, 300, 17), (14, 128, 96), (33, 1100, 37), (64, 50, 130),
    (200, 64, 64),
]  # fmt: skip


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("turned", [False, True])
def test_packing_changes_no_bit(isa, turned, monkeypatch):
    for m, k, n in SHAPES:
        dtype = float64 if k == 64 else float32
        arrays = [normal(m, k, dtype=dtype.numpy), normal(*((n, k) if turned else (k, n)), dtype=dtype.numpy)]
        compiled = compile_graph(product(m, k, n, dtype=dtype, turned=turned), isa=isa)
        assert len(compiled.packed) == (not turned or m > 1)  # dot products read it as it lies
        got = compiled.run(arrays)[0]
        with monkeypatch.context() as patch:
            patch.setattr("codegen.schedule.packing_pays", lambda *_: False)
            plain = compile_graph(product(m, k, n, dtype=dtype, turned=turned), isa=isa)
        assert not plain.packed
        assert got.tobytes() == plain.run(arrays)[0].tobytes()


def test_open_sizes_pack_too():
    m = dims.symbol("m")
    compiled = compile_graph(product(m, 200, 100))
    w = normal(200, 100)
    for rows in (1, 2, 5, 31, 100):
        x = normal(rows, 200)
        np.testing.assert_allclose(compiled.run([x, w])[0], np.maximum(x @ w, 0), rtol=1e-4, atol=1e-4)


def test_what_is_packed():
    assert compile_graph(product(4, 100, 100)).packed
    assert compile_graph(product(4, 100, 100, role="captured")).packed
    assert compile_graph(product(4, 100, 100, uses=2)).packed  # other kernels read it as it lies
    assert not compile_graph(product(4, 100, 100, role="argument")).packed
    assert not compile_graph(product(4, 10, 10)).packed
    assert not compile_graph(product(100_000, 100, 100)).packed
    assert not schedule.packing_pays(dims.symbol("m"), dims.symbol("n"), 100, 4)


def test_an_updated_variable_is_not_packed():
    w = tf.Variable(normal(64, 64))

    @tf.function
    def step(x):
        y = tf.matmul(x, w)
        w.assign_add(tf.ones_like(w))
        return y

    step(tf.constant(normal(4, 64)))
    assert not step.concrete_functions[0].function.compiled.packed


def test_layout_is_the_matrix_in_panels():
    layout = PackedLayout(float32, (2,), 5, 3, (15, 5, 1), 0, 4)
    array = np.arange(30, dtype=np.float32).reshape(2, 3, 5)
    made = layout.pack(array, 7)
    assert made.shape == (2, 2, 3, 4) and made.nbytes == layout.nbytes and made.ctypes.data % 64 == 0
    np.testing.assert_array_equal(made[:, 0], array[:, :, :4])
    np.testing.assert_array_equal(made[:, 1, :, 0], array[:, :, 4])
    assert not made[:, 1, :, 1:].any()


def dense(w, activation=tf.identity):
    return tf.function(lambda x: activation(tf.matmul(x, w)))


@native
def test_assignments_in_python_are_seen():
    w, x = tf.Variable(normal(64, 96)), tf.constant(normal(3, 64))
    f = dense(w)
    for value in (w.numpy() * 1, normal(64, 96), normal(64, 96)):
        w.assign(value)
        for _ in range(3):
            np.testing.assert_allclose(f(x).numpy(), x.numpy() @ value, rtol=1e-4, atol=1e-4)
    w.assign_add(np.ones((64, 96), np.float32))
    np.testing.assert_allclose(f(x).numpy(), x.numpy() @ (value + 1), rtol=1e-4, atol=1e-4)


@native
def test_assignments_by_a_native_step_are_seen():
    w, x = tf.Variable(normal(64, 96)), tf.constant(normal(3, 64))
    f, want = dense(w), w.numpy().copy()

    @tf.function
    def step(change):
        w.assign_sub(change)

    change = tf.constant(normal(64, 96))
    for _ in range(4):
        step(change)
        want -= change.numpy()
        np.testing.assert_allclose(f(x).numpy(), x.numpy() @ want, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(f(x).numpy(), x.numpy() @ want, rtol=1e-4, atol=1e-4)


@native
def test_copies_are_shared_and_forgotten_with_their_owner():
    gc.collect()
    before = packed.packed_bytes()
    w, x = tf.Variable(normal(64, 96)), tf.constant(normal(3, 64))
    first, second = dense(w), dense(w, tf.nn.relu)
    first(x)
    second(x)
    assert packed.packed_bytes() - before == 64 * 96 * 4
    w.assign(normal(64, 96))
    second(x)
    first(x)
    assert packed.packed_bytes() - before == 64 * 96 * 4
    array = w._version
    del w, first, second
    gc.collect()
    assert packed.packed_bytes() - before in (0, 64 * 96 * 4)
    del array
    gc.collect()
    assert packed.packed_bytes() == before


@native
def test_captured_arrays_are_packed_once(monkeypatch):
    w, x = tf.constant(normal(64, 96)), tf.constant(normal(3, 64))
    made = []
    pack = PackedLayout.pack
    monkeypatch.setattr(PackedLayout, "pack", lambda *a: made.append(a) or pack(*a))
    f = dense(w)
    for _ in range(3):
        np.testing.assert_allclose(f(x).numpy(), x.numpy() @ w.numpy(), rtol=1e-4, atol=1e-4)
    assert len(made) == 1


@native
def test_the_python_path_shares_the_copy(monkeypatch):
    w, x = tf.Variable(normal(64, 96)), tf.constant(normal(3, 64))
    f = dense(w)
    want = f(x).numpy()
    monkeypatch.setattr(PackedLayout, "pack", lambda *_: pytest.fail("packed again"))
    with tf.GradientTape():
        assert f(x).numpy().tobytes() == want.tobytes()


@native
def test_the_python_path_packs_values_that_no_variable_holds():
    w, x = tf.Variable(normal(64, 96)), tf.constant(normal(3, 64))
    f = dense(w)
    f(x)
    compiled = f.concrete_functions[0].function.compiled
    other = normal(64, 96)
    arrays = {"argument": x.numpy(), "variable": other}
    given = [arrays[v.node.attrs["role"]] for v in compiled.graph.inputs]
    np.testing.assert_allclose(compiled.run(given)[0], x.numpy() @ other, rtol=1e-4, atol=1e-4)


@native
def test_an_exception_while_packing_leaves_everything_usable(monkeypatch):
    w, x = tf.Variable(normal(64, 96)), tf.constant(normal(3, 64))
    f = dense(w)
    f(x)
    w.assign(w.numpy() * 2)
    with monkeypatch.context() as patch:
        patch.setattr(PackedLayout, "pack", lambda *_: (_ for _ in ()).throw(MemoryError("no room")))
        for _ in range(3):
            with pytest.raises(MemoryError, match="no room"):
                f(x)
    np.testing.assert_allclose(f(x).numpy(), x.numpy() @ w.numpy(), rtol=1e-4, atol=1e-4)


@native
def test_threads_never_see_half_of_an_assignment():
    w, x = tf.Variable(np.zeros((256, 256), np.float32)), tf.constant(np.ones((64, 256), np.float32))
    f, wrong = dense(w), []
    f(x)

    def look():
        for _ in range(200):
            y = f(x).numpy()
            if not (y == y[0, 0]).all() or y[0, 0] % 256:
                wrong.append(y)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for value in range(100):
        w.assign(np.full((256, 256), value, np.float32))
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_source_without_versions_is_refused():
    layout = PackedLayout(float32, (), 64, 64, (64, 1), 0, 32)
    for source in (("arg", 0), ("variable", object(), None)):
        with pytest.raises(ValueError, match="lasting one"):
            PackedSource(PackedInput(0, layout), source)


def test_explain_tells_of_packed_copies():
    w = tf.Variable(normal(64, 96))
    assert "1 packed input, 24576 bytes" in dense(w).explain(tf.constant(normal(3, 64)))
    assert "packed input" not in tf.function(lambda x: x + 1.0).explain(tf.constant(normal(3)))


# One object per graph


@native
def test_the_first_entry_is_part_of_the_graphs_object(monkeypatch):
    texts = []
    from codegen import compiled as module
    from codegen import engine

    compile_object = module.compile_object
    for place in (module, engine):
        monkeypatch.setattr(place, "compile_object", lambda *a: texts.append(a[0]) or compile_object(*a))
    f = tf.function(lambda x, y: x * 2.0 - y * 7.0)
    x = tf.constant(normal(5))
    np.testing.assert_array_equal(f(x, x).numpy(), x.numpy() * 2 - x.numpy() * 7)
    assert len(texts) == 1
    made = f.concrete_functions[0].function.compiled
    assert "@layerjit_entry(" in made.llvm and set(made.timings) == {"lower", "emit", "llvm", "load"}
    object_bytes = made.object_bytes
    assert made.object_bytes is object_bytes and len(texts) == 1
    np.testing.assert_array_equal(f(x, y=x).numpy(), f(x, x).numpy())  # another form


def test_a_graph_without_entry_compiles_when_it_is_run():
    made = compile_graph(product(4, 20, 20))
    assert "llvm" not in made.timings
    x, w = normal(4, 20), normal(20, 20)
    np.testing.assert_allclose(made.run([x, w])[0], np.maximum(x @ w, 0), rtol=1e-5, atol=1e-5)
    assert "@layerjit_entry(" not in made.llvm and made.timings["llvm"] > 0
