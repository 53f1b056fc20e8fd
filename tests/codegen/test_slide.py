"""Convolutions and filter gradients that read slabs: every block and tail, bits, phases of spread inputs, epilogues."""

import numpy as np
import pytest
from slides import convolved, graph_of_one
from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import OPS, dims
from graphcore.builder import GraphBuilder
from graphcore.dtypes import as_dtype, float32
from graphcore.functions import graph_functions
from graphcore.passes.pipeline import run
from graphcore.types import TensorType

FUSED = [isa for isa in host_isas() if isa in ("avx512", "avx2")]


def attributes(rank, **given):
    ones, none = (1,) * rank, (0,) * rank
    base = {"strides": ones, "low": none, "high": none, "lhs_dilation": ones, "rhs_dilation": ones, "groups": 1}
    return base | given


CASES = [
    ((2, 9, 17, 8), (3, 3, 8, 33), {}),
    ((2, 5, 300, 4), (2, 5, 4, 20), {"low": (1, 2), "high": (0, 2)}),
    ((1, 4, 541, 3), (3, 3, 3, 16), {"strides": (1, 2), "low": (1, 1), "high": (1, 1)}),
    ((2, 20, 19, 6), (3, 3, 3, 40), {"groups": 2, "low": (1, 1), "high": (2, 1), "rhs_dilation": (2, 3)}),
    ((2, 6, 7, 8, 5), (3, 2, 3, 5, 33), {"low": (1, 0, 1), "high": (1, 1, 1), "strides": (2, 1, 1)}),
    ((2, 50, 1, 16), (5, 1, 16, 32), {"low": (2, 0), "high": (2, 0)}),
    ((2, 500, 16), (5, 16, 32), {"low": (4,)}),
    ((1, 6, 6, 1500), (3, 3, 1500, 16), {"low": (1, 1), "high": (1, 1)}),
    ((2, 12, 14, 8), (3, 3, 8, 16), {"low": (-2, 3), "high": (1, -1)}),
    ((37, 4, 4, 16), (3, 3, 16, 70), {"low": (1, 1), "high": (1, 1)}),
    ((1, 9, 9, 4), (1, 1, 4, 16), {"strides": (2, 2)}),
    ((2, 12, 9, 16), (3, 3, 16, 3), {"low": (1, 1), "high": (1, 1)}),
]


def drawn(seed, *shapes, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=s).astype(dtype) for s in shapes]


def open_graph(op, arrays, attrs):
    """A graph of one op where all leading sizes are one open size."""
    builder, n = GraphBuilder(op), dims.symbol("n")
    values = [
        builder.input(TensorType(as_dtype(a.dtype), (n, *a.shape[1:])), f"x{i}", "argument")
        for i, a in enumerate(arrays)
    ]
    return run(builder.finish(builder.emit(op, values, **attrs)))


def close(got, want, what=""):
    eps = np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, want, rtol=0, atol=200 * eps * max(np.abs(want).max(initial=0), 1), err_msg=what)


def same_bits(graphs, arrays, want):
    """Every graph on every instruction set with FMA gives the same bits, close to what is wanted."""
    first = None
    for number, graph in enumerate(graphs):
        for isa in FUSED:
            got = compile_graph(graph, isa=isa).run(arrays)[0]
            close(got, want, f"graph {number} on {isa}")
            first = got if first is None else first
            assert got.tobytes() == first.tobytes(), f"bits of graph {number} on {isa}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolutions_of_every_form(case):
    x_shape, w_shape, given = case
    x, w = drawn(3, x_shape, w_shape)
    attrs = attributes(len(x_shape) - 2, **given)
    graphs = [run(graph_of_one("convolution", (x, w), attrs, symbolic)) for symbolic in (False, True)]
    same_bits(graphs, (x, w), convolved(x, w, **attrs))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_filter_gradients_of_every_form(case):
    x_shape, w_shape, given = case
    x, w = drawn(4, x_shape, w_shape)
    attrs = attributes(len(x_shape) - 2, **given)
    (y,) = drawn(5, OPS["convolution"].evaluate(x, w, **attrs).shape)
    attrs["kernel"] = w_shape[:-2]
    want = OPS["convolution_filter"].evaluate(x.astype(np.float64), y.astype(np.float64), **attrs)
    graphs = [run(graph_of_one("convolution_filter", (x, y), attrs)), open_graph("convolution_filter", (x, y), attrs)]
    same_bits(graphs, (x, y), want)


FILTER_SAMPLES = (OPS["convolution_filter"].samples or list)()


@pytest.mark.parametrize("sample", range(len(FILTER_SAMPLES)))
def test_filter_gradients_in_loops_and_interpreted(sample):
    (x, y), attrs = FILTER_SAMPLES[sample]
    want = OPS["convolution_filter"].evaluate(x.astype(np.float64), y.astype(np.float64), **attrs)
    graph = run(graph_of_one("convolution_filter", (x, y), attrs))
    close(interpret_graph(graph, (x, y))[0], want, "loops")
    for isa in host_isas():
        close(compile_graph(graph, isa=isa).run((x, y))[0], want, isa)


def test_a_filter_gradient_is_the_derivative_of_a_convolution():
    x, w, dw = drawn(6, (2, 9, 8, 4), (3, 2, 2, 8), (3, 2, 2, 8), dtype=np.float64)
    attrs = attributes(2, strides=(2, 1), low=(1, 0), high=(2, 1), rhs_dilation=(1, 2), groups=2)
    (y,) = drawn(7, OPS["convolution"].evaluate(x, w, **attrs).shape, dtype=np.float64)
    gradient = OPS["convolution_filter"].evaluate(x, y, **attrs, kernel=(3, 2))
    # The convolution is linear in its filter.
    np.testing.assert_allclose((gradient * dw).sum(), (OPS["convolution"].evaluate(x, dw, **attrs) * y).sum())


def test_sizes_of_lines_may_be_open():
    x, w = drawn(8, (2, 11, 23, 5), (3, 3, 5, 20))
    attrs = attributes(2, strides=(2, 1), low=(1, 1), high=(1, 1))
    builder = GraphBuilder("open")
    shape = (dims.symbol("n"), dims.symbol("h", 3), dims.symbol("w", 3), 5)
    values = [builder.input(TensorType(float32, shape), "x", "argument"),
              builder.input(TensorType(float32, w.shape), "w", "argument")]  # fmt: skip
    graph = run(builder.finish(builder.emit("convolution", values, **attrs)))
    for size in ((2, 11, 23, 5), (1, 5, 400, 5), (3, 3, 3, 5)):
        (x,) = drawn(9, size)
        close(compile_graph(graph).run((x, w))[0], convolved(x, w, **attrs), str(size))


@pytest.mark.parametrize("seed", range(24))
def test_phases_of_spread_inputs(seed):
    rng = np.random.default_rng(seed)
    rank = 1 + seed % 3
    pick = lambda low, high: tuple(int(v) for v in rng.integers(low, high, rank))  # noqa: E731
    kernel, size = pick(1, 5), pick(2, 6)
    attrs = attributes(rank, lhs_dilation=pick(1, 4), rhs_dilation=pick(1, 3), low=pick(-1, 4), high=pick(1, 4))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, attrs["rhs_dilation"], strict=True)]
    attrs["high"] = tuple(h + s for h, s in zip(attrs["high"], spans, strict=True))
    x, w = drawn(seed, (2, *size, 4), (*kernel, 4, 6), dtype=np.float64)
    graph = run(graph_of_one("convolution", (x, w), attrs, bool(seed % 2)))
    convolutions = [n for g in (graph, *(b for n in graph.nodes for b in n.bodies)) for n in g.nodes
                    if n.op.name == "convolution"]  # fmt: skip
    spread = any(d > 1 for n in convolutions for d in n.attrs["lhs_dilation"])
    assert spread == (np.prod(attrs["lhs_dilation"]) > 16), f"seed {seed}"
    close(compile_graph(graph).run((x, w))[0], convolved(x, w, **attrs), f"seed {seed}: {attrs}")


def test_a_frozen_normalization_is_an_epilogue():
    x, w, mean, variance, scale, offset = drawn(10, (2, 8, 8, 16), (3, 3, 16, 32), *((32,),) * 4)
    variance = np.abs(variance) + np.float32(0.5)
    builder = GraphBuilder("normalized")
    arrays = (x, w, mean, variance, scale, offset)
    values = [builder.input(TensorType(as_dtype(a.dtype), a.shape), f"x{i}", "argument") for i, a in enumerate(arrays)]
    f = graph_functions(builder)
    attrs = attributes(2, low=(1, 1), high=(1, 1))
    y = f.convolution(values[0], values[1], **attrs)
    wide = [f.broadcast_to(v, shape=f.type(y).shape) for v in values[2:]]
    y = f.add(f.mul(f.mul(f.sub(y, wide[0]), f.rsqrt(wide[1])), wide[2]), wide[3])
    graph = run(builder.finish([y]))
    want = (convolved(x, w, **attrs) - mean) / np.sqrt(variance.astype(np.float64)) * scale + offset
    compiled = compile_graph(graph)
    close(compiled.run(arrays)[0], want)
    passes = [k for k in compiled.kernels if f"[{y.type.size}]" in k.loops]
    assert len(passes) == 1, "the result of the convolution is written once"


def test_padding_is_read_as_zero_whatever_lies_beside_the_input():
    """An infinite neighbour in memory does not reach the sum."""
    x, w = drawn(12, (3, 6, 5, 8), (3, 3, 8, 16))
    x[1] = np.inf
    attrs = attributes(2, low=(1, 1), high=(1, 1))
    graph = run(graph_of_one("convolution", (x, w), attrs))
    got = compile_graph(graph).run((x, w))[0]
    clean = convolved(x[[0, 2]], w, **attrs)
    close(got[[0, 2]], clean)
