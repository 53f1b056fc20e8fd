"""Index, sort and cumulative ops: values against plain loops in float64, gradients against differences, faults."""

import itertools
import math

import numpy as np
import pytest
from differences import check, check_second, gradient_of, rand, recorded, symbolic

from graphcore import GraphBuilder, dims, get_op
from graphcore.autodiff import backward
from graphcore.builder import evaluate_op
from graphcore.dtypes import as_dtype, float32, float64, int32, int64
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError
from graphcore.functions import array_functions, graph_functions
from graphcore.interpret import interpret
from graphcore.types import TensorType

RNG = np.random.default_rng(3)


def run(name, *arrays, **attrs):
    found = evaluate_op(get_op(name), [np.asarray(a) for a in arrays], attrs)
    return found[0] if len(found) == 1 else tuple(found)


def grid(*shape):
    return np.arange(math.prod(shape), dtype=np.float64).reshape(shape)


# -- values


def test_gather_with_batch_dimensions_is_one_gather_per_batch():
    x, i = rand(2, 3, 5, 4), RNG.integers(0, 5, (2, 3, 6))
    got = run("gather", x, i, axis=2, batch_dims=2)
    for b, c in itertools.product(range(2), range(3)):
        np.testing.assert_array_equal(got[b, c], x[b, c][i[b, c]])
    j = RNG.integers(0, 4, (2, 7))
    got = run("gather", x, j, axis=3, batch_dims=1)
    assert got.shape == (2, 3, 5, 7)
    for b in range(2):
        np.testing.assert_array_equal(got[b], x[b][:, :, j[b]])


def test_gather_nd_takes_points_rows_and_everything():
    x = grid(3, 4, 5)
    i = np.array([[0, 1], [2, 3], [0, 1]])
    np.testing.assert_array_equal(run("gather_nd", x, i), [x[0, 1], x[2, 3], x[0, 1]])
    np.testing.assert_array_equal(run("gather_nd", x, np.array([2, 3, 4])), x[2, 3, 4])
    np.testing.assert_array_equal(run("gather_nd", x, np.zeros((2, 0), int)), [x, x])
    got = run("gather_nd", x, np.array([[[1]], [[3]], [[0]]]), batch_dims=1)
    np.testing.assert_array_equal(got, [[x[0, 1]], [x[1, 3]], [x[2, 0]]])


STEPS = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "max": np.maximum, "min": np.minimum,
    "update": lambda a, b: b,
}  # fmt: skip


@pytest.mark.parametrize("combine", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8, np.int64])
def test_scatter_combines_in_ascending_order(combine, dtype):
    x, u = (RNG.integers(0, 9, s).astype(dtype) for s in ((4, 3, 2), (9, 2)))
    i = np.stack([RNG.integers(0, 4, 9), RNG.integers(0, 3, 9)], -1)
    want = x.copy()
    for (a, b), row in zip(i, u, strict=True):
        want[a, b] = STEPS[combine](want[a, b], row)
    kept = x.copy()
    got = run("scatter", x, i, u, combine=combine)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(x, kept)


def test_scatter_of_many_long_rows_is_split_into_blocks():
    i, u = RNG.integers(0, 50, (3000, 1)), RNG.normal(size=(3000, 400))
    want = np.zeros((50, 400))
    for a, row in zip(i[:, 0], u, strict=True):
        want[a] += row
    np.testing.assert_array_equal(run("scatter", np.zeros((50, 400)), i, u, combine="add"), want)


def test_windows_are_read_and_written_where_data_says():
    x = grid(4, 5)
    np.testing.assert_array_equal(run("dynamic_slice", x, np.array([1, 2]), sizes=(2, 3)), x[1:3, 2:5])
    want = x.copy()
    want[1:3, 2:5] = -1
    np.testing.assert_array_equal(run("dynamic_update_slice", x, np.full((2, 3), -1.0), np.array([1, 2])), want)


SORTED = [np.float32, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint32, np.uint64, np.bool_]


@pytest.mark.parametrize("dtype", SORTED)
@pytest.mark.parametrize("descending", [False, True])
def test_sort_is_stable_with_nan_last(dtype, descending):
    x = RNG.integers(0, 5, (3, 40, 2)).astype(dtype)
    if x.dtype.kind == "f":
        x[:, ::7] = np.nan
        x[:, 1::9] = -0.0
        x[0, 5], x[1, 6] = np.inf, -np.inf
    elif x.dtype.kind in "iu":
        x[:, 3], x[:, 4] = np.iinfo(dtype).min, np.iinfo(dtype).max
    values, order = run("sort", x, axis=1, descending=descending)
    assert order.dtype == np.int32 and values.dtype == dtype
    for a, b in itertools.product(range(3), range(2)):
        row = x[a, :, b].tolist()

        def key(p, row=row):
            number = row[p]
            return (number != number, 0 if number != number else -number if descending else number)

        want = sorted(range(40), key=key)  # Python's sort is stable
        assert order[a, :, b].tolist() == want
        np.testing.assert_array_equal(values[a, :, b], x[a, want, b])
        if x.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(values[a, :, b]), np.signbit(x[a, want, b]))


FOLDS = {
    "add": (0.0, lambda a, b: a + b), "mul": (1.0, lambda a, b: a * b), "max": (-math.inf, max),
    "logaddexp": (-math.inf, lambda a, b: max(a, b) + math.log1p(math.exp(-abs(a - b))) if a > -math.inf else b),
}  # fmt: skip


@pytest.mark.parametrize("combine", FOLDS)
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_is_a_loop(combine, exclusive, reverse):
    x = rand(3, 6, 2)
    start, step = FOLDS[combine]
    want = np.empty_like(x)
    for a, b in itertools.product(range(3), range(2)):
        total = start
        for i in range(5, -1, -1) if reverse else range(6):
            after = step(total, x[a, i, b])
            want[a, i, b] = total if exclusive else after
            total = after
    got = run("cumulative", x, axis=1, combine=combine, exclusive=exclusive, reverse=reverse)
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_integers_cumulate_in_their_own_type_and_wrap():
    got = run("cumulative", np.array([200, 100, 1], np.uint8), axis=0, combine="add")
    np.testing.assert_array_equal(got, [200, 44, 45])
    got = run("cumulative", np.array([3, 1, 5], np.int32), axis=0, combine="max", exclusive=True)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, [np.iinfo(np.int32).min, 3, 3])


# -- faults


@pytest.mark.parametrize(("name", "arrays", "attrs", "shown"), [
    ("gather", (grid(2, 3), [[0], [3]]), {"axis": 1, "batch_dims": 1},
     r"gather: indices\[1, 0\] = 3 is not in \[0, 3\)"),
    ("gather_nd", (grid(2, 3), [[0, 0], [1, -1]]), {}, r"gather_nd: indices\[1\] = -1 is not in \[0, 3\)"),
    ("scatter", (grid(2, 3), [[0, 3]], [1.0]), {"combine": "max"}, r"scatter: indices\[0\] = 3 is not in \[0, 3\)"),
    ("dynamic_slice", (grid(4), [3]), {"sizes": (2,)}, r"dynamic_slice: start\[0\] = 3 is not in \[0, 2\]"),
    ("dynamic_update_slice", (grid(4), grid(2), [-1]), {}, r"dynamic_update_slice: start\[0\] = -1 is not in"),
])  # fmt: skip
def test_indices_out_of_range_are_named(name, arrays, attrs, shown):
    with pytest.raises(InvalidArgumentError, match=f"^{shown}"):
        run(name, *arrays, **attrs)


def types(*specs):
    return [TensorType(as_dtype(d), s) for s, d in specs]


F, I = "float32", "int32"  # noqa: E741


@pytest.mark.parametrize(("name", "operands", "attrs", "error"), [
    ("gather", types(((2, 3), F), ((2, 3), I)), {"axis": 1, "batch_dims": 2}, InvalidArgumentError),
    ("gather", types(((2, 3), F), ((4, 3), I)), {"axis": 1, "batch_dims": 1}, ShapeError),
    ("gather_nd", types(((2, 3), F), ((5, 3), I)), {}, ShapeError),
    ("gather_nd", types(((2, 3), F), ((), I)), {}, InvalidArgumentError),
    ("gather_nd", types(((2, 3), F), ((5, 2), F)), {}, DTypeError),
    ("scatter", types(((2, 3), F), ((5, 1), I), ((5, 2), F)), {"combine": "add"}, ShapeError),
    ("scatter", types(((2, 3), F), ((5, 1), I), ((5,), F)), {"combine": "add"}, ShapeError),
    ("scatter", types(((2, 3), F), ((5, 1), I), ((5, 3), "float64")), {"combine": "add"}, DTypeError),
    ("scatter", types(((2,), "bool"), ((5, 1), I), ((5,), "bool")), {"combine": "max"}, DTypeError),
    ("scatter", types(((2,), F), ((5, 1), I), ((5,), F)), {"combine": "sub"}, InvalidArgumentError),
    ("dynamic_slice", types(((2, 3), F), ((2,), I)), {"sizes": (3, 1)}, ShapeError),
    ("dynamic_slice", types(((2, 3), F), ((1,), I)), {"sizes": (1, 1)}, ShapeError),
    ("dynamic_update_slice", types(((2, 3), F), ((3,), F), ((2,), I)), {}, ShapeError),
    ("dynamic_update_slice", types(((3,), F), ((2,), I), ((1,), I)), {}, DTypeError),
    ("sort", types(((3,), "complex64")), {"axis": 0}, DTypeError),
    ("sort", types(((3,), F)), {"axis": 1}, InvalidArgumentError),
    ("cumulative", types(((3,), I)), {"axis": 0, "combine": "logaddexp"}, DTypeError),
    ("cumulative", types(((3,), "bool")), {"axis": 0, "combine": "add"}, DTypeError),
    ("cumulative", types(((3,), F)), {"axis": 0, "combine": "min"}, InvalidArgumentError),
])  # fmt: skip
def test_bad_operands_are_refused_by_name(name, operands, attrs, error):
    with pytest.raises(error, match=rf"^{name}: .{{20}}"):
        get_op(name).infer(operands, attrs)


# -- symbolic sizes


def test_symbolic_shapes_infer_and_run():
    n = dims.symbol("n")
    b = GraphBuilder("g")
    f = graph_functions(b)
    x, i = b.input(TensorType(float32, (n, 4))), b.input(TensorType(int32, (n, 3)))
    picked = f.gather(x, i, axis=1, batch_dims=1)
    values, order = f.sort(x, axis=0)
    point = f.gather_nd(x, f.concatenate(f.iota(shape=(n, 1), axis=0, dtype=int32), f.slice(
        i, begin=(0, 0), end=(n, 1), strides=(1, 1)), axis=1))  # fmt: skip
    total = f.cumulative(x, axis=0, combine="add")
    assert picked.type.shape == (n, 3) and point.type.shape == (n,) and order.type.shape == (n, 4)
    graph = b.finish([picked, values, point, total])
    for size in (1, 2, 7):
        xs, js = rand(size, 4).astype(np.float32), RNG.integers(0, 4, (size, 3)).astype(np.int32)
        got = interpret(graph, [xs, js])
        np.testing.assert_array_equal(got[0], np.take_along_axis(xs, js, 1))
        np.testing.assert_array_equal(got[1], np.sort(xs, 0))
        np.testing.assert_array_equal(got[2], xs[np.arange(size), js[:, 0]])
        np.testing.assert_array_equal(got[3], np.cumsum(xs, 0))


# -- gradients

BATCHED = RNG.integers(0, 4, (2, 3))
POINTS = np.array([[0, 1], [1, 2], [0, 1]])
DISTINCT = np.array([[0, 1], [1, 2], [1, 0]])


@pytest.mark.parametrize("function", [
    lambda f, x: f.gather(x, BATCHED, axis=1, batch_dims=1),
    lambda f, x: f.gather(x, BATCHED, axis=2, batch_dims=1),
    lambda f, x: f.gather(x, np.array([1, 1, 0]), axis=2),
    lambda f, x: f.gather(x, np.array(1), axis=1),
    lambda f, x: f.gather_nd(x, POINTS),
    lambda f, x: f.gather_nd(x, BATCHED[..., None], batch_dims=1),
    lambda f, x: f.gather_nd(x, np.zeros((2, 0), int)),
    lambda f, x: f.dynamic_slice(x, np.array([1, 2, 0]), sizes=(1, 2, 3)),
])  # fmt: skip
def test_gradients_of_reads(function):
    x = rand(2, 4, 4)
    check(function, [x], [0])
    check_second(lambda f, x: f.mul(function(f, x), function(f, x)), [x], [0])


@pytest.mark.parametrize("combine", ["add", "mul", "max", "min", "update"])
def test_gradients_of_scatter(combine):
    indices = DISTINCT if combine == "update" else POINTS
    x, u = rand(2, 4, 3), rand(3, 3, seed=1)
    check(lambda f, x, u: f.scatter(x, indices, u, combine=combine), [x, u], [0, 1])
    if combine in ("add", "mul", "update"):
        check_second(lambda f, x, u: f.scatter(x, indices, u, combine=combine), [x, u], [0, 1])


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_gradients_of_products_are_right_at_zeros(zeros):
    x, u = rand(3, low=0.5), rand(6, low=0.5)
    u[:zeros] = 0
    x[2] = 0
    check(lambda f, x, u: f.scatter(x, np.array([[0], [0], [0], [1], [2], [2]]), u, combine="mul"), [x, u], [0, 1])
    for exclusive, reverse in itertools.product((False, True), repeat=2):
        check(lambda f, u, e=exclusive, r=reverse: f.cumulative(
            u, axis=0, combine="mul", exclusive=e, reverse=r), [u], [0])  # fmt: skip


def test_extremes_divide_the_gradient_among_ties():
    x, u = np.array([2.0, 1.0, 5.0]), np.array([2.0, 2.0, 7.0, 3.0])
    records = []
    f = recorded(records)
    y = f.scatter(x, np.array([[0], [0], [1], [2]]), u, combine="max")
    dx, du = backward(records, [y], [x, u], [np.ones(3)], array_functions())
    np.testing.assert_allclose(dx, [1 / 3, 0, 1])
    np.testing.assert_allclose(du, [1 / 3, 1 / 3, 1, 0])


def test_gradient_of_a_window():
    x, u, start = rand(4, 5), rand(2, 3), np.array([1, 2])
    check(lambda f, x, u: f.dynamic_update_slice(x, u, start), [x, u], [0, 1])
    check_second(lambda f, x, u: f.dynamic_update_slice(x, u, start), [x, u], [0, 1])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("descending", [False, True])
def test_gradient_of_sort(axis, descending):
    x = rand(3, 4, 2)
    check(lambda f, x: f.sort(x, axis=axis, descending=descending)[0], [x], [0])
    check_second(lambda f, x: f.sort(x, axis=axis, descending=descending)[0], [x], [0])


@pytest.mark.parametrize("combine", ["add", "mul", "max", "logaddexp"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("exclusive", "reverse"), list(itertools.product((False, True), repeat=2)))
def test_gradient_of_cumulative(combine, axis, exclusive, reverse):
    def function(f, x):
        y = f.cumulative(x, axis=axis, combine=combine, exclusive=exclusive, reverse=reverse)
        # The neutral element of an exclusive maximum is infinite.
        return f.select(f.is_inf(y), f.constant(0.0, like=y), y) if combine in ("max", "logaddexp") else y

    x = rand(3, 4)
    check(function, [x], [0])
    if combine in ("add", "mul", "logaddexp"):
        check_second(function, [x], [0])


def test_cumulative_logaddexp_of_nothing_has_no_gradient():
    got = gradient_of("cumulative", [-np.inf, 1.0, -np.inf], axis=0, combine="logaddexp")
    np.testing.assert_array_equal(got, [0, 2, 0])


def test_gradients_with_symbolic_sizes():
    n = dims.symbol("n")

    def model(f, x):
        ids = f.iota(shape=(f.type(x).shape[0], 2), axis=1, dtype=int64)
        h = f.mul(f.gather(x, ids, axis=1, batch_dims=1), f.gather(f.sort(x, axis=0)[0], ids, axis=1, batch_dims=1))
        return f.cumulative(h, axis=0, combine="mul")

    graph = symbolic(model, TensorType(float64, (n, 3)))
    for size in (1, 2, 5):
        x = rand(size, 3)
        records = []
        f = recorded(records)
        taped = model(f, x)
        (want,) = backward(records, [taped], [x], [np.ones_like(taped)], array_functions())
        np.testing.assert_allclose(interpret(graph, [x])[0], want, rtol=1e-12)
