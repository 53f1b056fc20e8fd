"""Native convolutions and windows against their definition, on every instruction set, and what is fused with them."""

import numpy as np
import pytest
from slides import convolved, graph_of_one, windowed
from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import OPS
from graphcore.builder import GraphBuilder
from graphcore.dtypes import float32
from graphcore.functions import graph_functions
from graphcore.passes.pipeline import run
from graphcore.types import TensorType

ISAS = host_isas()


def rows(op):
    samples = OPS[op].samples
    assert samples is not None
    return list(enumerate(samples()))


def compare(op, arrays, attrs, want):
    narrow = arrays[0].dtype == np.float32
    for symbolic in (False, True):
        graph = run(graph_of_one(op, arrays, attrs, symbolic))
        results = {"loops": interpret_graph(graph, arrays)[0]}
        for isa in ISAS:
            results[isa] = compile_graph(graph, isa=isa).run(arrays)[0]
        for name, got in results.items():
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-4 if narrow else 1e-11, atol=2e-4 if narrow else 1e-11,
                                       err_msg=f"{name}, symbolic {symbolic}")  # fmt: skip


@pytest.mark.parametrize("sample", rows("convolution"), ids=lambda s: str(s[0]))
def test_convolutions(sample):
    (x, w), attrs = sample[1]
    compare("convolution", (x, w), attrs, convolved(x, w, **attrs))


@pytest.mark.parametrize("sample", rows("window_reduce"), ids=lambda s: str(s[0]))
def test_windows(sample):
    (x,), attrs = sample[1]
    compare("window_reduce", (x,), attrs, windowed(x, **attrs)[0])


@pytest.mark.parametrize("sample", rows("window_argmax"), ids=lambda s: str(s[0]))
def test_positions(sample):
    (x,), attrs = sample[1]
    compare("window_argmax", (x,), attrs, windowed(x, **attrs)[1])


def attributes(**given):
    ones, none = (1, 1), (0, 0)
    base = {"strides": ones, "low": none, "high": none, "lhs_dilation": ones, "rhs_dilation": ones, "groups": 1}
    return base | given


@pytest.mark.parametrize("shapes", [
    ((3, 9, 8, 40), (3, 3, 40, 33)), ((2, 17, 5, 3), (7, 3, 3, 64)), ((1, 12, 13, 700), (2, 2, 700, 16)),
    ((2, 10, 10, 32), (3, 3, 8, 64)), ((1, 40, 41, 16), (5, 5, 16, 100)),
], ids=str)  # fmt: skip
def test_larger_ones_with_every_block_and_tail(shapes):
    rng = np.random.default_rng(11)
    x, w = (rng.normal(size=s).astype(np.float32) for s in shapes)
    attrs = attributes(low=(1, 1), high=(1, 2), strides=(1, 2), groups=shapes[0][-1] // shapes[1][-2])
    want = convolved(x, w, **attrs)
    graph = run(graph_of_one("convolution", (x, w), attrs, True))
    for isa in ISAS:
        got = compile_graph(graph, isa=isa).run((x, w))[0]
        np.testing.assert_allclose(got, want, rtol=2e-3, atol=2e-3, err_msg=isa)


def test_bits_do_not_depend_on_batch_and_vector_width():
    rng = np.random.default_rng(5)
    x, w = rng.normal(size=(5, 9, 9, 24)).astype(np.float32), rng.normal(size=(3, 3, 24, 40)).astype(np.float32)
    attrs = attributes(low=(1, 1), high=(1, 1))
    graph = run(graph_of_one("convolution", (x, w), attrs, True))
    fused = [compile_graph(graph, isa=isa) for isa in ISAS if isa in ("avx512", "avx2")]
    results = [c.run((x, w))[0] for c in fused]
    for c, whole in zip(fused, results, strict=True):
        np.testing.assert_array_equal(whole, results[0])
        np.testing.assert_array_equal(c.run((x[2:3], w))[0], whole[2:3])


def one_kernel(build, *shapes):
    builder = GraphBuilder("g")
    f = graph_functions(builder)
    values = [builder.input(TensorType(float32, s), f"x{i}", "argument") for i, s in enumerate(shapes)]
    graph = builder.finish(build(f, *values))
    fused = run(graph)
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    return compile_graph(fused), arrays, interpret_graph(graph, arrays)


def check(made, count):
    compiled, arrays, want = made
    assert len(compiled.kernels) == count
    for got, w in zip(compiled.run(arrays), want, strict=True):
        np.testing.assert_allclose(got, w, rtol=2e-4, atol=2e-4)


SHAPES = ((2, 8, 7, 16), (3, 3, 16, 24), (24,), (2, 8, 7, 24), (2, 1, 1, 24))
SAME = attributes(low=(1, 1), high=(1, 1))


def test_bias_activation_and_residual_are_done_before_the_store():
    check(one_kernel(lambda f, x, w, b, r, _s: [
        f.add(f.relu(f.add(f.convolution(x, w, **SAME), b)), r)], *SHAPES), 1)  # fmt: skip


def test_a_depthwise_convolution_takes_its_epilogue_too():
    attrs = {**SAME, "groups": 16}
    shapes = (SHAPES[0], (3, 3, 1, 16), (16,))
    check(one_kernel(lambda f, x, w, b: [f.relu(f.add(f.convolution(x, w, **attrs), b))], *shapes), 1)


def test_what_varies_by_batch_and_channel_is_still_right():
    made = one_kernel(lambda f, x, w, _b, _r, s: [f.mul(f.convolution(x, w, **SAME), s)], *SHAPES)
    check(made, len(made[0].kernels))


def test_producers_are_not_computed_again_for_every_place_of_the_filter():
    check(one_kernel(lambda f, x, w: [f.convolution(f.relu(x), w, **SAME)], *SHAPES[:2]), 2)


def test_a_convolution_of_one_place_is_a_contraction():
    shapes = (SHAPES[0], (1, 1, 16, 24), (24,))
    made = one_kernel(lambda f, x, w, b: [f.relu(f.add(f.convolution(x, w, **attributes()), b))], *shapes)
    check(made, 1)
    assert made[0].kernels[0].name.startswith("contract")
    assert not any(n.op.name == "convolution" for g in made[0].graph.nodes for b in g.bodies for n in b.nodes)
    check(one_kernel(lambda f, x, w: [f.convolution(x, w, **attributes(strides=(2, 3)))], *shapes[:2]), 1)


def test_half_precision_is_summed_in_float32():
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(2, 6, 6, 64)).astype(np.float16), rng.normal(size=(3, 3, 64, 32)).astype(np.float16)
    got = compile_graph(run(graph_of_one("convolution", (x, w), attributes(), True))).run((x, w))[0]
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, convolved(x, w, **attributes()), rtol=1e-3, atol=2e-3)
