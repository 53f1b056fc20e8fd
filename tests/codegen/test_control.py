"""Native cond, while and scan: the interpreter's numbers, failures, host calls, memory, and updates in place."""

from __future__ import annotations

import numpy as np
import pytest
from control_cases import CASES
from control_graphs import body, gradient_graph, region, weighted, whole
from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import dims
from graphcore.builder import GraphBuilder
from graphcore.dtypes import as_dtype, bool_, float32, float64, int32, int64
from graphcore.errors import InvalidArgumentError, UnsupportedError
from graphcore.functions import graph_functions
from graphcore.interpret import interpret
from graphcore.optable import get_op
from graphcore.passes.pipeline import run
from graphcore.types import TensorType

F, INT = TensorType(float64, ()), TensorType(int32, ())
NAMES = sorted(CASES)


def drivers(compiled):
    return {k.name: k for k in compiled.kernels if k.category in ("cond", "while", "scan")}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_native_is_the_interpreter(name, order, fused):
    graph, arrays, reference, wrt = CASES[name]
    if order:
        graph = gradient_graph(graph, wrt, order)
    compiled = compile_graph(run(graph) if fused else graph)
    assert not compiled.host_calls
    for _ in range(2):
        for got, want in zip(compiled.run(arrays), interpret(graph, arrays), strict=True):
            assert got.dtype == want.dtype and got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    if order < 2:
        np.testing.assert_allclose(compiled.run(arrays)[0], reference(*arrays), rtol=1e-12)


@pytest.mark.parametrize("isa", host_isas())
def test_every_instruction_set(isa):
    for name in ("scan", "while_long", "cond_in_scan"):
        graph, arrays, reference, wrt = CASES[name]
        compiled = compile_graph(run(gradient_graph(graph, wrt)), isa=isa)
        np.testing.assert_allclose(compiled.run(arrays)[0], reference(*arrays), rtol=1e-12)


def test_the_loop_interpreter_runs_control_nodes():
    graph, arrays, _, wrt = CASES["while_in_scan"]
    graph = run(gradient_graph(graph, wrt))
    for got, want in zip(interpret_graph(graph, arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", ["cond", "while", "scan"])
def test_samples(name, fused):
    op = get_op(name)
    assert op.samples is not None
    for arrays, attrs in op.samples():
        builder = GraphBuilder("graph")
        f = graph_functions(builder)
        inputs = [builder.input(TensorType(as_dtype(a.dtype), a.shape)) for a in arrays]
        results = f.apply(op, inputs, attrs)
        if attrs.get("save"):  # what is saved has no size that an output could have
            kept = [f.reduce_sum(v, axes=(0,), keepdims=False) for v in results[2:]]
            results = [*results[:2], *kept]
        graph = builder.finish(results)
        compiled = compile_graph(run(graph) if fused else graph)
        for got, want in zip(compiled.run(arrays), interpret(graph, arrays), strict=True):
            assert got.dtype == want.dtype and got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-5)


def test_outputs_have_sizes_known_before_the_run():
    bodies = (
        body("condition", [INT, INT], lambda f, v: [f.less(v[0], v[1])]),
        body("step", [INT, INT], lambda f, v: [f.add(v[0], f.constant(1, like=v[0]))]),
    )
    graph = whole([INT, INT], lambda f, v: region(f, "while", v, bodies=bodies, carried=1, save="s"))
    with pytest.raises(UnsupportedError, match="only the run finds out"):
        compile_graph(graph)


def recurrence():
    """h = tanh(x[t] @ w + h @ u), over a symbolic batch and a symbolic number of steps."""
    n, steps = dims.symbol("n"), dims.symbol("steps", 0)
    h, x = TensorType(float32, (n, 8)), TensorType(float32, (n, 5))
    w, u = TensorType(float32, (5, 8)), TensorType(float32, (8, 8))
    dot = {"contracting": ((1,), (0,)), "batch": ((), ())}
    step = body("step", [h, x, w, u], lambda f, v: [
        y := f.tanh(f.add(f.dot_general(v[1], v[2], **dot), f.dot_general(v[0], v[3], **dot))), y
    ])  # fmt: skip

    def define(f, v):
        last, ys = region(f, "scan", v, bodies=(step,), carried=1, scanned=1, length=steps)
        return [f.add(weighted(f, last), weighted(f, ys)), last, ys]

    return whole([h, TensorType(float32, (steps, n, 5)), w, u], define)


def test_symbolic_batch_and_length():
    graph = recurrence()
    forward, backward = compile_graph(run(graph)), compile_graph(run(gradient_graph(graph, [0, 1, 2, 3])))
    rng = np.random.default_rng(4)
    for n, steps in ((1, 1), (3, 7), (17, 2), (2, 0), (5, 30)):
        arrays = [rng.normal(size=s).astype(np.float32) * 0.5 for s in ((n, 8), (steps, n, 5), (5, 8), (8, 8))]
        h, x, w, u = (a.astype(np.float64) for a in arrays)
        ys = []
        for t in range(steps):
            h = np.tanh(x[t] @ w + h @ u)
            ys.append(h)
        _, last, stacked = forward.run(arrays)
        np.testing.assert_allclose(last, h, rtol=2e-4, atol=1e-5)
        np.testing.assert_allclose(stacked, np.array(ys).reshape(steps, n, 8), rtol=2e-4, atol=1e-5)
        for got, want in zip(backward.run(arrays), interpret(backward.graph, arrays), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


# -- in place


def writing_loop(size, *, twice=False, read=False):
    """buffer[i] = i, for i below a limit; with `read` the old buffer's sum is carried too."""
    types = [INT, TensorType(float32, (size,)), TensorType(float32, ()), INT]
    condition = body("condition", types, lambda f, v: [f.less(v[0], v[3])])

    def define_step(f, v):
        at = f.reshape(v[0], shape=(1,))
        new = f.dynamic_update_slice(v[1], f.reshape(f.cast(v[0], dtype=float32), shape=(1,)), at)
        if twice:
            seven = f.constant(np.array([7], np.float32))
            new = f.dynamic_update_slice(new, seven, f.add(at, f.constant(np.array([1], np.int32))))
        total = f.reduce_sum(v[1], axes=(0,), keepdims=False) if read else v[2]
        return [f.add(v[0], f.constant(1, like=v[0])), new, f.add(v[2], total)]

    step = body("step", types, define_step)

    def define(f, v):
        start = [f.constant(0, dtype=int32), v[0], f.constant(0, dtype=float32), v[1]]
        return region(f, "while", start, bodies=(condition, step), carried=3)[1:]

    return whole([TensorType(float32, (size,)), INT], define)


@pytest.mark.parametrize("twice", [False, True])
def test_a_carried_buffer_is_updated_in_place(twice):
    size, trips = 100_000, 10_000
    graph = run(writing_loop(size, twice=twice))
    loop = next(n for n in graph.nodes if n.op.name == "while")
    step = loop.bodies[1]
    plan = step.memory
    update = next(n for n in step.nodes if n.op.name == "dynamic_update_slice")
    assert plan.outputs[update.result] == 1 and (1, 1) in plan.donations
    assert not any(size * 4 <= s for s in plan.slots if isinstance(s, int)), "no second buffer in the body"
    compiled = compile_graph(graph)
    (driver,) = drivers(compiled).values()
    assert f"carried 1: {size * 4} bytes, updated in place" in driver.loops
    assert compiled.arena < 10_000, "nor in the arena"
    start = np.ones(size, np.float32)
    found = compiled.run([start, np.asarray(trips, np.int32)])[0]
    want = np.ones(size, np.float32)
    want[:trips] = np.arange(trips)
    want[trips] = 7 if twice else 1
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(start, 1)


def test_the_old_value_is_read_before_it_is_written_over():
    graph = writing_loop(50, read=True)
    arrays = [np.ones(50, np.float32), np.asarray(20, np.int32)]
    for got, want in zip(compile_graph(run(graph)).run(arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_values_that_change_places_have_two_buffers():
    v3 = TensorType(float64, (3,))
    step = body("step", [v3, v3], lambda f, v: [v[1], f.add(v[0], v[1])])
    graph = whole([v3, v3], lambda f, v: region(f, "scan", v, bodies=(step,), carried=2, scanned=0, length=9))
    compiled = compile_graph(run(graph))
    (driver,) = drivers(compiled).values()
    assert "carried 0: 24 bytes, two buffers in turn" in driver.loops
    a, b = np.array([0.0, 1, 2]), np.array([1.0, 1, 5])
    got = compiled.run([a, b])
    for _ in range(9):
        a, b = b, a + b
    np.testing.assert_array_equal(got[0], a)
    np.testing.assert_array_equal(got[1], b)


def test_small_integers_and_bools_are_carried():
    flag, count = TensorType(bool_, ()), TensorType(int64, (2,))

    def define_step(f, v):
        more = f.select(v[0], f.constant([1, 10], dtype=int64), f.constant([2, 0], dtype=int64))
        return [f.logical_not(v[0]), f.add(v[1], more)]

    step = body("step", [flag, count, flag], define_step)
    graph = whole([flag, count, flag], lambda f, v: region(
        f, "scan", v, bodies=(step,), carried=2, scanned=0, length=7))  # fmt: skip
    got = compile_graph(run(graph)).run([np.asarray(True), np.array([0, 0]), np.asarray(False)])
    assert not got[0]
    np.testing.assert_array_equal(got[1], [4 + 6, 40])


# -- failures and Python


def test_assertions_and_index_checks_inside():
    def define_step(f, v):
        f.apply("assert", [f.less(v[1], f.constant(10.0, like=v[1]))], {"message": "too large"})
        return [f.add(v[0], f.gather(v[3], v[2], axis=0))]

    step = body("step", [F, F, INT, TensorType(float64, (3,))], define_step)
    types = [F, TensorType(float64, (4,)), TensorType(int32, (4,)), TensorType(float64, (3,))]
    graph = whole(types, lambda f, v: region(f, "scan", v, bodies=(step,), carried=1, scanned=2, length=4))
    compiled = compile_graph(run(graph))
    table, good = np.array([1.0, 2, 4]), np.array([1.0, 2, 3, 4])
    places = np.array([0, 1, 2, 0], np.int32)
    assert compiled.run([np.asarray(0.0), good, places, table])[0] == 8
    with pytest.raises(InvalidArgumentError, match="too large"):
        compiled.run([np.asarray(0.0), good * 5, places, table])
    with pytest.raises(InvalidArgumentError, match=r"gather: .*\[0, 3\)"):
        compiled.run([np.asarray(0.0), good, places + 1, table])
    assert compiled.run([np.asarray(0.0), good, places, table])[0] == 8, "the next run is not hurt"


class Call:
    """A Python function that is told of every call."""

    name = "noted"

    def __init__(self):
        self.seen = []

    def infer(self, types):
        return types[:1]

    def function(self, x):
        self.seen.append(np.array(x))
        if x.size and x.max() > 100:
            raise RuntimeError("stop here")
        return (x * 2,)


def test_python_functions_inside():
    call, n = Call(), dims.symbol("n")
    row = TensorType(float64, (n,))
    step = body("step", [row, INT], lambda f, v: [f.apply("host_call", [v[0]], {"call": call})[0]])

    def define(f, v):
        return region(f, "scan", v, bodies=(step,), carried=1, scanned=1, length=3)

    compiled = compile_graph(run(whole([row, TensorType(int32, (3,))], define)))
    assert compiled.host_calls == ["noted"]
    (got,) = compiled.run([np.array([1.0, 2.0]), np.zeros(3, np.int32)])
    np.testing.assert_array_equal(got, [8, 16])
    np.testing.assert_array_equal(call.seen, [[1, 2], [2, 4], [4, 8]])
    with pytest.raises(RuntimeError, match="stop here"):
        compiled.run([np.array([60.0]), np.zeros(3, np.int32)])


def test_a_failure_frees_what_was_saved():
    call = Call()
    types = [INT, TensorType(float64, (1000,)), INT]
    condition = body("condition", types, lambda f, v: [f.less(v[0], v[2])])
    step = body("step", types, lambda f, v: [
        f.add(v[0], f.constant(1, like=v[0])), f.apply("host_call", [v[1]], {"call": call})[0]
    ])  # fmt: skip

    def define(f, v):
        _, _, _, history = region(
            f, "while", [f.constant(0, dtype=int32), v[0], v[1]], bodies=(condition, step), carried=2, save="s"
        )
        return [f.reduce_sum(history, axes=(0, 1), keepdims=False)]

    compiled = compile_graph(run(whole([TensorType(float64, (1000,)), INT], define)))
    (driver,) = drivers(compiled).values()
    assert "carried 1: 8000 bytes, two buffers in turn, every value saved" in driver.loops
    assert "carried 0: 4 bytes" in driver.loops and "layerjit_release" in compiled.llvm
    start = np.full(1000, 0.001)
    (got,) = compiled.run([start, np.asarray(10, np.int32)])
    np.testing.assert_allclose(got, sum(2**i for i in range(10)), rtol=1e-12)
    for _ in range(20):
        with pytest.raises(RuntimeError, match="stop here"):
            compiled.run([start, np.asarray(1000, np.int32)])


def test_kernels_of_bodies_and_drivers_are_listed():
    graph, arrays, _, wrt = CASES["scan_in_while"]
    compiled = compile_graph(run(gradient_graph(graph, wrt)))
    found = drivers(compiled)
    assert {k.category for k in found.values()} == {"scan", "while"}
    assert all(k.node_ids and k.loops and k.llvm.startswith("define internal i32 @") for k in found.values())
    assert any(k.category == "loop" for k in compiled.kernels)
    compiled.run(arrays)


def test_a_scan_without_carries_writes_its_results_where_they_lie():
    x = TensorType(float32, (4,))
    step = body("step", [x], lambda f, v: [f.mul(v[0], v[0])])
    graph = whole([TensorType(float32, (6, 4))], lambda f, v: region(
        f, "scan", v, bodies=(step,), carried=0, scanned=1, length=6, reverse=True))  # fmt: skip
    compiled = compile_graph(run(graph))
    assert compiled.arena == 0
    data = np.arange(24, dtype=np.float32).reshape(6, 4)
    np.testing.assert_array_equal(compiled.run([data])[0], data * data)


def doubling():
    """The bodies of: while x < 100: x = 2 x + exp(a)."""
    return (
        body("condition", [F, F], lambda f, v: [f.less(v[0], f.constant(100, like=v[0]))]),
        body("step", [F, F], lambda f, v: [f.add(f.mul(v[0], f.constant(2, like=v[0])), f.exp(v[1]))]),
    )


def scaled_loop(f, v, by):
    """Twice the same loop, each time scaled down after it."""
    for _ in range(2):
        (x,) = region(f, "while", v, bodies=doubling(), carried=1)
        v = [f.div(x, f.constant(by, like=x)), v[1]]
    return [v[0]]


@pytest.mark.parametrize("order", [1, 2])
def test_loops_beside_and_inside_of_each_other_find_out_sizes_of_their_own(order):
    outer = body("outer", [F, F], lambda f, v: scaled_loop(f, v, 50))

    def define(f, v):
        (x,) = scaled_loop(f, v, 90)
        return region(f, "scan", [x, v[1]], bodies=(outer,), carried=1, scanned=0, length=3, reverse=False)

    graph = gradient_graph(whole([F, F], define), [0, 1], order)
    arrays = [np.float64(1.0), np.float64(0.3)]
    want = interpret(graph, arrays)
    for compiled in (compile_graph(graph), compile_graph(run(graph, verify=True))):
        np.testing.assert_allclose(compiled.run(arrays), want, rtol=1e-10)


def test_what_a_loop_inside_finds_out_is_not_moved_out_of_the_loop():
    def step(f, v):
        x, kept = region(f, "while", v, bodies=doubling(), carried=1, save="s")
        halves = f.full(TensorType(float64, f.type(kept).shape), 0.5)
        trips = f.reduce_sum(f.exp(halves), axes=(0,), keepdims=False)
        return [f.add(f.div(x, f.constant(60, like=x)), trips)]

    outer = body("outer", [F, F], step)
    graph = whole([F, F], lambda f, v: region(
        f, "scan", v, bodies=(outer,), carried=1, scanned=0, length=3, reverse=False))  # fmt: skip
    x, exponential = 1.0, np.exp(0.5)
    for _ in range(3):
        trips = 0
        while x < 100:
            x, trips = 2 * x + exponential, trips + 1
        x = x / 60 + trips * exponential
    for fused in (graph, run(graph, verify=True)):
        np.testing.assert_allclose(compile_graph(fused).run([np.float64(1.0), np.float64(0.5)])[0], x, rtol=1e-12)


def test_custom_gradients_that_no_pass_removed_give_the_finished_values():
    vector = TensorType(float64, (5,))
    backward = body("backward", [vector, vector], lambda f, v: [f.mul(v[0], v[1])])

    def define(f, v):
        square = f.mul(v[0], v[0])
        attrs = {"bodies": (backward,), "results": 1, "arguments": 1}
        (made,) = f.apply("custom_gradient", (square, v[0], v[0]), attrs)
        return [f.add(made, f.constant(1, like=made))]

    graph, x = whole([vector], define), np.linspace(-1, 1, 5)
    for got in (interpret(graph, [x]), compile_graph(graph).run([x]), compile_graph(run(graph)).run([x])):
        np.testing.assert_array_equal(got[0], x * x + 1)


def test_saving_needs_a_carried_value():
    flag = TensorType(bool_, ())
    bodies = (
        body("condition", [flag], lambda f, v: [v[0]]),
        body("step", [flag], lambda f, v: []),
    )
    with pytest.raises(InvalidArgumentError, match="nothing carried"):
        whole([flag], lambda f, v: region(f, "while", v, bodies=bodies, carried=0, save="s"))
