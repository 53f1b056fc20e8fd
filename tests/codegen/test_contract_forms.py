"""Forms of contractions that sizes and dtypes choose: bytes, single rows, thin results, outer and dot products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gemm_harness import ISAS, Compiled, aligned, emit_dim

from codegen import compile_graph
from codegen.emit.gemm import GemmSpec, Operand, emit_gemm, view_epilogue
from codegen.schedule import GemmSchedule
from graphcore import passes
from graphcore.builder import GraphBuilder
from graphcore.dims import symbol
from graphcore.dtypes import DType, float32, float64, int8, int32
from graphcore.errors import DTypeError
from graphcore.functions import graph_functions
from graphcore.interpret import interpret
from graphcore.types import TensorType

RNG = np.random.default_rng(11)
PLAIN = (((1,), (0,)), ((1,), (1,)), ((0,), (0,)), ((0,), (1,)))


def graph(left: Any, right: Any, contracting: Any, of: DType, batch: Any = ((), ()), **attrs: Any) -> Any:
    """The product of two arguments, plus 1."""
    builder = GraphBuilder("product")
    f = graph_functions(builder)
    x, y = (builder.input(TensorType(of, shape), name) for name, shape in (("x", left), ("y", right)))
    z = f.dot_general(x, y, contracting=contracting, batch=batch, **attrs)
    return passes.run(builder.finish([f.add(z, f.constant(1, like=z))]))


def shapes(m: Any, n: Any, k: Any, contracting: Any) -> tuple[Any, Any]:
    return ((m, k) if contracting[0] == (1,) else (k, m)), ((k, n) if contracting[1] == (0,) else (n, k))


def small(*shape: int) -> Any:
    return RNG.integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("contracting", PLAIN, ids=str)
def test_bytes_are_summed_in_int32(isa: str, contracting: Any) -> None:
    for m, n, k in ((1, 40, 67), (17, 65, 130), (5, 70, 2052)):
        left, right = shapes(m, n, k, contracting)
        x, y = small(*left), small(*right)
        a, b = (x if contracting[0] == (1,) else x.T), (y if contracting[1] == (0,) else y.T)
        compiled = compile_graph(graph(left, right, contracting, int8, dtype=int32), isa=isa)
        np.testing.assert_array_equal(compiled.run([x, y])[0], a.astype(np.int64) @ b + 1)


def test_bytes_of_open_sizes_and_batches() -> None:
    m, k = symbol("m"), symbol("k")
    contracting, batch = ((2,), (1,)), ((0,), (0,))
    made = graph((2, m, k), (2, k, 36), contracting, int8, batch, dtype=int32)
    compiled = compile_graph(made)
    for rows, depth in ((1, 1), (3, 65), (15, 64), (31, 7)):
        x, y = small(2, rows, depth), small(2, depth, 36)
        expected = x.astype(np.int64) @ y + 1
        np.testing.assert_array_equal(compiled.run([x, y])[0], expected)
        np.testing.assert_array_equal(interpret(made, [x, y])[0], expected)


def test_the_largest_bytes_wrap_as_int32() -> None:
    x, y = np.full((2, 140_000), -128, np.int8), np.full((140_000, 20), -128, np.int8)
    made = graph(x.shape, y.shape, PLAIN[0], int8, dtype=int32)
    with np.errstate(over="ignore"):
        expected = np.full((2, 20), 140_000 * 16384 + 1 - (1 << 32))
    np.testing.assert_array_equal(compile_graph(made).run([x, y])[0], expected)
    np.testing.assert_array_equal(interpret(made, [x, y])[0], expected)


def test_only_integers_are_widened() -> None:
    with pytest.raises(DTypeError, match="use cast"):
        graph((2, 3), (3, 4), PLAIN[0], float32, dtype=float64)


def run_rows(a: Any, b: Any, *, stream: bool, symbolic: bool) -> Any:
    """One row of C by the harness, with the row by row form or without."""
    (m, k), n = a.shape, b.shape[1]
    dtype = {"f4": float32, "f8": float64}[a.dtype.str[1:]]
    rows = symbol("M", 0) if symbolic else m
    spec = GemmSpec(dtype, rows, n, k, Operand(0, outer=k, k=1), Operand(1, outer=1, k=n))
    out = view_epilogue(Operand(2, outer=n, k=1), dtype.size, emit_dim)

    def build(module: Any, target: Any) -> Any:
        schedule = GemmSchedule(spec, target)
        assert schedule.stream
        schedule.stream = stream
        return [emit_gemm(module, "gemm", spec, target, emit_dim=emit_dim, epilogue=out, schedule=schedule)]

    c = aligned(np.full(m * n + 32, 77, a.dtype))
    Compiled(build).run([aligned(a), aligned(b), c[16:]], {"M": m})
    assert (c[:16] == 77).all()
    assert (c[16 + m * n :] == 77).all()
    return c[16 : 16 + m * n].reshape(m, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("symbolic", [False, True])
def test_one_row_goes_through_b_row_by_row(dtype: Any, symbolic: bool) -> None:
    for n, k in ((1100, 70), (33, 8), (5, 3), (64, 1030)):
        a, b = RNG.standard_normal((1, k)).astype(dtype), RNG.standard_normal((k, n)).astype(dtype)
        got = run_rows(a, b, stream=True, symbolic=symbolic)
        np.testing.assert_array_equal(got, run_rows(a, b, stream=False, symbolic=symbolic))
        np.testing.assert_allclose(got, a.astype(float) @ b.astype(float), rtol=0, atol=1e-3)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [float32, float64], ids=lambda d: d.name)
def test_sizes_that_fill_no_tile(isa: str, dtype: DType) -> None:
    sizes = ((40, 10, 50), (29, 1, 90), (15, 16, 17), (1, 100, 90), (70, 40, 1), (17, 65, 129))
    for number, (m, n, k) in enumerate(sizes):
        for contracting in PLAIN[number % 2 :: 2]:
            left, right = shapes(m, n, k, contracting)
            x, y = RNG.standard_normal(left).astype(dtype.numpy), RNG.standard_normal(right).astype(dtype.numpy)
            a, b = (x if contracting[0] == (1,) else x.T), (y if contracting[1] == (0,) else y.T)
            got = compile_graph(graph(left, right, contracting, dtype), isa=isa).run([x, y])[0]
            wide = np.longdouble if dtype is float64 else np.float64
            bound = 2 * k * np.finfo(dtype.numpy).eps * (np.abs(a).astype(wide) @ np.abs(b) + 1)
            assert (np.abs(got - (a.astype(wide) @ b + 1)) <= bound).all(), (m, n, k, contracting)


def test_an_outer_product_has_the_zeros_of_a_sum() -> None:
    x, y = np.array([[-1.0, 1.0]], np.float32), np.zeros((1, 64), np.float32)
    builder = GraphBuilder("outer")
    f = graph_functions(builder)
    a, b = (builder.input(TensorType(float32, v.shape), n) for n, v in (("x", x), ("y", y)))
    made = passes.run(builder.finish([f.dot_general(a, b, contracting=((0,), (0,)), batch=((), ()))]))
    assert not np.signbit(compile_graph(made).run([x, y])[0]).any()
