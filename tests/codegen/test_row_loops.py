"""Loops over rows: exact division without the divider, several accumulators, prefetches of the next row."""

import numpy as np
import pytest
from gemm_harness import ISAS

from codegen import compile_graph
from graphcore import dims, passes
from graphcore.builder import GraphBuilder
from graphcore.dtypes import float32, float64
from graphcore.functions import graph_functions
from graphcore.types import TensorType

RNG = np.random.default_rng(11)
INTEGERS = {float32: np.int32, float64: np.int64}


def graph(build, *types):
    builder = GraphBuilder("rows")
    f = graph_functions(builder)
    outputs = build(f, *(builder.input(t, f"x{i}") for i, t in enumerate(types)))
    return passes.run(builder.finish(outputs if isinstance(outputs, list) else [outputs]))


def any_bits(dtype, count):
    """Numbers of every kind: denormals, infinities, NaN."""
    limits = np.iinfo(INTEGERS[dtype])
    return RNG.integers(limits.min, limits.max, count, INTEGERS[dtype], endpoint=True).view(dtype.numpy)


def usual(dtype, count):
    return (RNG.standard_normal(count) * 2.0 ** RNG.integers(-60, 60, count)).astype(dtype.numpy)


def assert_same_bits(got, want):
    whole = INTEGERS[float32] if got.dtype == np.float32 else INTEGERS[float64]
    same = (got.view(whole) == want.view(whole)) | (np.isnan(got) & np.isnan(want))
    assert same.all(), f"{got[~same][:4]} for {want[~same][:4]}"


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [float32, float64])
def test_division_by_one_number_is_exact(isa, dtype):
    n = dims.symbol("n")
    made = compile_graph(graph(lambda f, x, d: f.div(x, d), TensorType(dtype, (n,)), TensorType(dtype, ())), isa=isa)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(dtype.numpy).tiny, 1e-45, -1.0], dtype.numpy)
    for round_ in range(60):
        kind = (any_bits, usual)[round_ % 2]
        x = np.concatenate([kind(dtype, 1009), special])
        if round_ % 4 == 3:
            x = np.abs(usual(dtype, 1024))  # only what the fast path serves, and +0
            x[::7] = 0
        d = (usual if round_ % 3 else any_bits)(dtype, 1)[0]
        if round_ % 5 == 0:
            edge = dtype.numpy.type(2.0 ** int(RNG.integers(-21, 22)))
            beside = [np.nextafter(edge, dtype.numpy.type(other)) for other in (0, np.inf)]
            d = RNG.choice([beside[0], edge, -beside[1]])
        with np.errstate(all="ignore"):
            assert_same_bits(made.run([x, np.array(d)])[0], x / d)


@pytest.mark.parametrize("isa", ISAS)
def test_division_by_constants_and_row_sums_is_exact(isa):
    def build(f, x):
        rows = f.reduce_sum(x, axes=(1,), keepdims=True)
        return [f.div(x, rows), f.div(x, f.constant(3.0, like=x)), f.div(x, f.constant(1e-30, like=x)), rows]

    made = compile_graph(graph(build, TensorType(float32, (dims.symbol("m"), 203))), isa=isa)
    for scale in (1.0, 1e-30, 1e30):
        x = np.abs(RNG.standard_normal((9, 203)).astype(np.float32)) * np.float32(scale)
        x[3], x[4, :5] = 0, [np.nan, np.inf, -np.inf, 0, -0.0]
        by_rows, by_three, by_little, rows = made.run([x])
        with np.errstate(all="ignore"):
            assert_same_bits(by_rows, x / rows)
            assert_same_bits(by_three, x / np.float32(3))
            assert_same_bits(by_little, x / np.float32(1e-30))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("size", [1, 15, 16, 17, 63, 64, 65, 128, 200, 1000])
def test_accumulators_side_by_side(isa, size):
    def build(f, x, i):
        return [f.reduce_max(x, axes=(1,), keepdims=False), f.reduce_min(x, axes=(1,), keepdims=False),
                f.reduce_sum(i, axes=(1,), keepdims=False), f.reduce_prod(i, axes=(1,), keepdims=False)]  # fmt: skip

    from graphcore.dtypes import int32

    shape = (5, size)
    made = compile_graph(graph(build, TensorType(float32, shape), TensorType(int32, shape)), isa=isa)
    x = RNG.standard_normal(shape).astype(np.float32)
    i = RNG.integers(-(2**31), 2**31 - 1, shape, np.int32)
    x[1, size // 2], x[2, 0], x[3, -1] = np.nan, np.inf, -np.inf
    high, low, total, times = made.run([x, i])
    np.testing.assert_array_equal(high, x.max(1))
    np.testing.assert_array_equal(low, x.min(1))
    np.testing.assert_array_equal(total, i.sum(1, dtype=np.int32))
    np.testing.assert_array_equal(times, i.prod(1, dtype=np.int32))


def softmax(f, x):
    e = f.exp(f.sub(x, f.reduce_max(x, axes=(1,), keepdims=True)))
    return f.div(e, f.reduce_sum(e, axes=(1,), keepdims=True))


def test_rows_fetch_the_next_row_and_flat_loops_nothing():
    kind = TensorType(float32, (64, 256))
    (kernel,) = compile_graph(graph(softmax, kind)).kernels
    assert kernel.llvm.count("@llvm.prefetch.p0(ptr") == 4  # two vectors of the input, two of the output
    (flat,) = compile_graph(graph(lambda f, x: f.exp(x), kind)).kernels
    assert "llvm.prefetch" not in flat.llvm


@pytest.mark.parametrize("isa", ISAS)
def test_softmax_is_the_same_on_every_instruction_set(isa):
    x = RNG.standard_normal((33, 300)).astype(np.float32) * 20
    kind = TensorType(float32, (dims.symbol("m"), 300))
    got = compile_graph(graph(softmax, kind), isa=isa).run([x])[0]
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    np.testing.assert_allclose(got, e / e.sum(1, keepdims=True), rtol=1e-4, atol=1e-37)
    if isa in ("avx512", "avx2"):
        assert got.tobytes() == compile_graph(graph(softmax, kind)).run([x])[0].tobytes()
