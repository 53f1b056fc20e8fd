"""Native scatters, windows, sorts and cumulations against NumPy: dtypes, symbolic sizes, failures, updates in place."""

from typing import Any

import numpy as np
import pytest
from vector_kernels import host_isas

import eager as tf
from codegen.compile import compile_graph
from codegen.loop_interpret import KernelFailure, interpret_graph
from graphcore import Graph, GraphBuilder, dims
from graphcore.dtypes import as_dtype, float32, int32, int64
from graphcore.errors import InvalidArgumentError
from graphcore.functions import graph_functions
from graphcore.passes import run
from graphcore.types import TensorType

ISAS = host_isas()
N = dims.symbol("n")
FLOATS = (np.float32, np.float64)
NUMBERS = (*FLOATS, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64)


def build(law: Any, *types: TensorType) -> Graph:
    b = GraphBuilder("g", fold_bytes=0)
    made = law(graph_functions(b), *(b.input(t, f"x{i}") for i, t in enumerate(types)))
    return b.finish(list(made) if isinstance(made, tuple | list) else [made])


def typed(*arrays: Any) -> list[TensorType]:
    return [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]


def both(graph: Graph, arrays: list[Any], isa: str | None = None) -> list[Any]:
    """The outputs of native code, which are those of the loop interpreter."""
    fused = run(graph)
    compiled = compile_graph(fused, isa=isa)
    assert not compiled.host_calls
    got = compiled.run(arrays)
    for a, b in zip(got, interpret_graph(fused, arrays), strict=True):
        if a.dtype.kind == "f":
            eps = float(np.finfo(a.dtype).eps)
            np.testing.assert_allclose(a, b, rtol=16 * eps, atol=4 * eps)
        else:
            np.testing.assert_array_equal(a, b)
    return got


def numbers(rng: np.random.Generator, dtype: Any, shape: tuple[int, ...], few: bool = False) -> Any:
    if dtype is np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in FLOATS:
        x = rng.normal(size=shape).astype(dtype)
        return np.round(x) if few else x
    limits = np.iinfo(dtype)
    return rng.integers(0, 5, shape).astype(dtype) if few else rng.integers(
        limits.min, limits.max, shape, dtype=dtype, endpoint=True)  # fmt: skip


# -- sort


def by_order(x: Any, descending: bool) -> Any:
    """A stable order of one row with NaN last, from Python's own sort."""
    def key(p: int) -> tuple[bool, Any]:
        number = x[p].item()
        return (number != number, 0 if number != number else -number if descending else number)

    return np.array(sorted(range(x.size), key=key), np.int32).reshape(-1)


@pytest.mark.parametrize("dtype", [*NUMBERS, np.bool_])
@pytest.mark.parametrize("count", [0, 1, 2, 17, 64, 65, 300])
def test_rows_of_every_length_and_dtype_are_sorted(dtype: Any, count: int) -> None:
    rng = np.random.default_rng([count, 7])
    for few in (False, True):
        x = numbers(rng, dtype, (3, count), few)
        if dtype in FLOATS and count > 8:
            x[:, ::5], x[:, 1::6], x[0, 2], x[0, 3] = np.nan, -0.0, np.inf, -np.inf
        descending = few != bool(count % 2)
        graph = build(lambda f, x, d=descending: f.sort(x, axis=1, descending=d), *typed(x))
        values, order = both(graph, [x], ISAS[count % len(ISAS)])
        for row in range(3):
            want = by_order(x[row], descending)
            np.testing.assert_array_equal(order[row], want)
            assert values[row].tobytes() == x[row][want].tobytes()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_and_symbolic_lengths_are_sorted(axis: int) -> None:
    graph = build(lambda f, x: f.sort(x, axis=axis), TensorType(float32, (N, 3, 2 * N)))
    compiled = compile_graph(run(graph))
    for n in (1, 2, 7, 50):
        x = np.random.default_rng(n).normal(size=(n, 3, 2 * n)).astype(np.float32)
        values, order = compiled.run([x])
        np.testing.assert_array_equal(values, np.sort(x, axis))
        np.testing.assert_array_equal(order, np.argsort(x, axis, kind="stable"))


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_million_numbers_are_sorted(dtype: Any) -> None:
    x = np.random.default_rng(1).standard_normal(10**6).astype(dtype)
    x[::1000] = x[500]  # ties
    values, order = compile_graph(run(build(lambda f, x: f.sort(x, axis=0), *typed(x)))).run([x])
    want = np.argsort(x, kind="stable")
    np.testing.assert_array_equal(order, want)
    np.testing.assert_array_equal(values, x[want])


def test_only_the_order_or_only_the_values_can_be_wanted() -> None:
    x = np.random.default_rng(2).normal(size=(5, 9)).astype(np.float32)
    (order,) = both(build(lambda f, x: f.sort(f.exp(x), axis=1)[1], *typed(x)), [x])
    np.testing.assert_array_equal(order, np.argsort(x, 1))
    (values,) = both(build(lambda f, x: f.add(f.sort(x, axis=1)[0], x), *typed(x)), [x])
    np.testing.assert_array_equal(values, np.sort(x, 1) + x)


# -- cumulative

FOLDS: dict[str, Any] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "logaddexp": np.logaddexp}


@pytest.mark.parametrize("combine", FOLDS)
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(2, 5, 37), (9, 4, 1), (1, 1, 1), (3, 0, 2), (4, 3, 17), (13, 1, 6)])
def test_cumulations_along_every_axis(combine: str, axis: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng([axis, *shape])
    for number, dtype in enumerate(FLOATS if combine == "logaddexp" else (np.float32, np.float64, np.int32, np.uint8)):
        x = numbers(rng, dtype, shape)
        exclusive, reverse = bool((number + axis) % 2), bool(number // 2 % 2 + axis == 1)
        attrs = {"axis": axis, "combine": combine, "exclusive": exclusive, "reverse": reverse}
        (got,) = both(build(lambda f, x, a=attrs: f.cumulative(x, **a), *typed(x)), [x], ISAS[number % len(ISAS)])
        line = np.flip(x, axis) if reverse else x
        want = FOLDS[combine].accumulate(line, axis=axis, dtype=dtype)
        if exclusive and shape[axis]:
            lowest = -np.inf if dtype in FLOATS else np.iinfo(dtype).min
            start = {"add": 0, "mul": 1, "max": lowest, "logaddexp": -np.inf}[combine]
            first = np.full_like(want.take([0], axis), start)
            want = np.concatenate([first, want.take(range(shape[axis] - 1), axis)], axis)
        want = np.flip(want, axis) if reverse else want
        if combine == "logaddexp":
            eps = float(np.finfo(dtype).eps)
            np.testing.assert_allclose(got, want, rtol=16 * eps, atol=16 * eps)
        else:
            np.testing.assert_array_equal(got, want)  # one chain, as in NumPy


@pytest.mark.parametrize("axis", [0, 1])
def test_cumulations_of_symbolic_length(axis: int) -> None:
    types = [TensorType(float32, (N, 2 * N))]
    compiled = compile_graph(run(build(lambda f, x: f.cumulative(x, axis=axis, combine="add", exclusive=True), *types)))
    for n in (1, 2, 3, 9, 33):
        x = np.random.default_rng(n).normal(size=(n, 2 * n)).astype(np.float32)
        (got,) = compiled.run([x])
        want = np.add.accumulate(x, axis)
        count = x.shape[axis]
        np.testing.assert_array_equal(got.take(range(1, count), axis), want.take(range(count - 1), axis))
        assert not got.take(0, axis).any()


def test_the_sign_of_zero_survives_a_sum() -> None:
    x = np.array([[-0.0, -0.0, 0.0], [-0.0, 1.0, -1.0]], np.float32)
    for axis in (0, 1):
        (got,) = both(build(lambda f, x, a=axis: f.cumulative(x, axis=a, combine="add"), *typed(x)), [x])
        assert got.tobytes() == np.add.accumulate(x, axis).tobytes()


# -- scatter and windows

STEPS: dict[str, Any] = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "max": np.maximum, "min": np.minimum,
    "update": lambda a, b: b,
}  # fmt: skip


@pytest.mark.parametrize("combine", STEPS)
@pytest.mark.parametrize("dtype", NUMBERS)
def test_scatters_are_loops_in_order(combine: str, dtype: Any) -> None:
    rng = np.random.default_rng(4)
    for shape, lead, count in (((7,), (30,), 1), ((4, 5), (3, 4), 2), ((6, 37), (11,), 1), ((2, 3, 4), (9,), 2)):
        x, u = numbers(rng, dtype, shape), numbers(rng, dtype, (*lead, *shape[count:]))
        i = np.stack([rng.integers(0, d, lead) for d in shape[:count]], -1).astype(np.int32)
        graph = build(lambda f, x, i, u: f.scatter(x, i, u, combine=combine), *typed(x, i, u))
        want = x.copy()
        with np.errstate(all="ignore"):
            for place in np.ndindex(*lead):
                at = tuple(i[place])
                want[at] = STEPS[combine](want[at], u[place])
        np.testing.assert_array_equal(both(graph, [x, i, u])[0], want)


def test_scatter_of_symbolic_sizes() -> None:
    types = [TensorType(float32, (N, 5)), TensorType(int64, (3 * N, 1)), TensorType(float32, (3 * N, 5))]
    compiled = compile_graph(run(build(lambda f, x, i, u: f.scatter(x, i, u, combine="add"), *types)))
    for n in (1, 2, 40):
        rng = np.random.default_rng(n)
        x, u = rng.normal(size=(n, 5)).astype("f"), rng.normal(size=(3 * n, 5)).astype("f")
        i = rng.integers(0, n, (3 * n, 1))
        want = x.copy()
        np.add.at(want, i[:, 0], u)
        np.testing.assert_array_equal(compiled.run([x, i, u])[0], want)


@pytest.mark.parametrize(("shape", "sizes"), [
    ((7,), (3,)), ((5, 6), (2, 6)), ((5, 6), (5, 2)), ((4, 3, 20), (1, 3, 20)), ((4, 3, 20), (2, 1, 17)),
    ((3, 4), (0, 2)), ((3, 4), (3, 4)), ((2, 1, 5), (1, 1, 1)),
])  # fmt: skip
def test_windows(shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    x, u = rng.normal(size=shape).astype("f"), rng.normal(size=sizes).astype("f")
    types = [*typed(x, u), TensorType(int32, (len(shape),))]
    law = lambda f, x, u, s: [f.dynamic_slice(x, s, sizes=sizes), f.dynamic_update_slice(x, u, s)]  # noqa: E731
    compiled = compile_graph(run(build(law, *types)))
    for _ in range(4):
        start = np.array([rng.integers(0, n - m + 1) for n, m in zip(shape, sizes, strict=True)], np.int32)
        window = tuple(slice(b, b + m) for b, m in zip(start, sizes, strict=True))
        want = x.copy()
        want[window] = u
        part, whole = compiled.run([x, u, start])
        np.testing.assert_array_equal(part, x[window])
        np.testing.assert_array_equal(whole, want)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("index", [-1, 5, 2**31 - 1])
def test_indices_out_of_range_stop_the_run(index: int, isa: str) -> None:
    x, u = np.ones((5, 3), "f"), np.ones((2, 3), "f")
    laws: dict[str, Any] = {
        "gather_nd": lambda f, x, u, i: f.gather_nd(x, i),
        "scatter": lambda f, x, u, i: f.scatter(x, i, u, combine="max"),
        "dynamic_slice": lambda f, x, u, i: f.dynamic_slice(x, f.reshape(i, shape=(2,)), sizes=(1, 1)),
        "dynamic_update_slice": lambda f, x, u, i: f.dynamic_update_slice(x, u, f.reshape(i, shape=(2,))),
    }
    i = np.array([[0], [index]], np.int32)
    for name, law in laws.items():
        graph = run(build(law, *typed(x, u, i)))
        with pytest.raises(InvalidArgumentError, match=rf"{name}.*outside \[0, \d"):
            compile_graph(graph, isa=isa).run([x, u, i])
        with pytest.raises(KernelFailure):
            interpret_graph(graph, [x, u, i])


# -- updates in place


def test_a_chain_of_updates_lies_in_one_place_and_copies_nothing() -> None:
    rng = np.random.default_rng(6)
    x, i, u = rng.normal(size=(40, 8)).astype("f"), np.array([[3], [9], [3]], np.int32), np.ones((3, 8), "f")

    def law(f: Any, x: Any, i: Any, u: Any) -> Any:
        for combine in ("add", "max", "update"):
            x = f.scatter(x if combine != "add" else f.exp(x), i, u, combine=combine)
        return f.reduce_sum(f.dynamic_update_slice(x, u, f.constant([1, 0], dtype=int32)), axes=(1,), keepdims=False)

    graph = run(build(law, *typed(x, i, u)))
    assert graph.memory is not None and len(graph.memory.slots) == 1 and len(graph.memory.assignment) == 5
    want = np.exp(x)
    np.add.at(want, i[:, 0], u)
    want[[3, 9]] = 1
    want[1:4] = 1
    np.testing.assert_allclose(compile_graph(graph).run([x, i, u])[0], want.sum(1), rtol=1e-5)


def test_a_value_that_is_read_again_is_copied() -> None:
    x, i = np.arange(6, dtype=np.float32), np.array([[1]], np.int32)

    def law(f: Any, x: Any, i: Any) -> Any:
        y = f.exp(x)
        z = f.scatter(y, i, f.slice(y, begin=(0,), end=(1,), strides=(1,)), combine="add")
        return [f.reduce_sum(f.mul(y, z), axes=(0,), keepdims=False), f.scatter(z, i, f.gather_nd(z, i), combine="mul")]

    total, square = both(build(law, *typed(x, i)), [x, i])
    y = np.exp(x)
    z = y.copy()
    z[1] += y[0]
    np.testing.assert_allclose(total, (y * z).sum(), rtol=1e-5)
    z[1] *= z[1]
    np.testing.assert_allclose(square, z, rtol=1e-5)


def test_a_variable_is_updated_in_place_and_unchanged_by_a_failure() -> None:
    table = tf.Variable(np.zeros((500, 3), "f"))

    @tf.function
    def step(i: Any, u: Any) -> None:
        table.assign(tf.tensor_scatter_nd_add(table, i, u))

    u = np.ones((3, 3), "f")
    step(np.array([[1], [2], [1]], np.int32), u)
    lies = table.numpy().__array_interface__["data"][0]
    for _ in range(3):
        step(np.array([[1], [2], [1]], np.int32), u)
    assert table.numpy().__array_interface__["data"][0] == lies
    before = table.numpy().copy()
    np.testing.assert_array_equal(before[:3, 0], [0, 8, 4])
    for bad in (-1, 500):
        with pytest.raises(InvalidArgumentError, match=r"outside \[0, 500\)|is not in \[0, 500\)"):
            step(np.array([[1], [2], [bad]], np.int32), u)
        np.testing.assert_array_equal(table.numpy(), before)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_one_hot_has_positions_that_the_index_type_lacks(dtype):
    x = np.array([0, 1, 44, np.iinfo(dtype).max], dtype)
    depth = int(np.iinfo(dtype).max) + 260
    graph = build(lambda f, x: f.one_hot(x, depth=depth, axis=1, dtype=float32), *typed(x))
    np.testing.assert_array_equal(both(graph, [x])[0], x[:, None].astype(np.int64) == np.arange(depth))
