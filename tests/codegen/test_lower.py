"""Lowering by kind: every op's samples, the shapes of the loops that come out, and what they compute on every CPU."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from fusion_graphs import build, layer_norm, softmax, tensor
from vector_kernels import host_isas

from codegen.compile import CompiledGraph, compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import OPS, GraphBuilder, dims
from graphcore.builder import evaluate_op
from graphcore.dtypes import as_dtype, bool_, float32, float64, int32, int64
from graphcore.errors import InvalidArgumentError
from graphcore.functions import Functions
from graphcore.graph import Graph, Value
from graphcore.interpret import interpret
from graphcore.passes.pipeline import run
from graphcore.types import TensorType

N = dims.symbol("n")
ISAS = host_isas()
NATIVE = sorted(name for name, op in OPS.items() if op.kind not in ("control", "host"))


def of_op(name: str, arrays: Sequence[Any], attrs: dict[str, Any]) -> Graph:
    b = GraphBuilder(name, fold_bytes=0)
    values = [b.input(TensorType(as_dtype(a.dtype), a.shape)) for a in arrays]
    return b.finish(b.emit_node(OPS[name], values, attrs))


def assert_op_equal(name: str, got: Any, want: Any, what: str) -> None:
    """Bit-equal, or within the op's ulps; sums and contractions within their bound."""
    op = OPS[name]
    assert got.dtype == want.dtype and got.shape == want.shape, what
    sums = ("reduce_sum", "reduce_prod", "dot_general", "convolution", "convolution_filter", "window_reduce", "scatter",
            "cumulative")  # fmt: skip
    folds = name in sums
    if want.dtype.kind != "f" or (op.max_ulp == 0 and not folds):
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    eps = np.finfo(want.dtype).eps
    # NumPy's own functions are a few units off too, and sums of n terms differ by the order of their terms.
    ulps = 64 if op.max_ulp == 0 else 2 * op.max_ulp + 6
    tiny = np.finfo(want.dtype).tiny
    np.testing.assert_allclose(got, want, rtol=ulps * eps, atol=ulps * max(tiny, eps * 4), err_msg=what)


@pytest.mark.parametrize("name", NATIVE)
def test_samples_of_every_op(name: str) -> None:
    samples = OPS[name].samples
    assert samples is not None
    for number, (arrays, attrs) in enumerate(samples()):
        with np.errstate(all="ignore"):
            want = evaluate_op(OPS[name], arrays, attrs)
        graph = of_op(name, arrays, attrs)
        looped = interpret_graph(graph, arrays)
        compiled = compile_graph(graph, isa=ISAS[number % len(ISAS)])
        dtypes = {v.type.dtype for n in graph.nodes for v in (*n.operands, *n.results)}
        if all(d.kind in "iub" or d in (float32, float64) for d in dtypes):
            assert not compiled.host_calls
        got = compiled.run([np.asarray(a) for a in arrays])
        for g, loop, w in zip(got, looped, want, strict=True):
            assert_op_equal(name, g, w, f"native {name} {number} {attrs}")
            assert_op_equal(name, loop, w, f"loops {name} {number} {attrs}")


def compiled_from(graph: Graph, isa: str | None = None) -> CompiledGraph:
    return compile_graph(run(graph), isa=isa)


def loops_of(graph: Graph) -> str:
    compiled = compiled_from(graph)
    assert len(compiled.kernels) == 1
    return compiled.kernels[0].loops


def test_contiguous_elementwise_work_is_one_flat_loop() -> None:
    text = loops_of(build(lambda f, x, y: f.mul(f.add(x, y), x), tensor(3, 5, 7), tensor(3, 5, 7)))
    assert text.count("vector") == 1
    assert "serial" not in text
    assert "i2 < 105" in text


def test_symbolic_sizes_flatten_too() -> None:
    text = loops_of(build(lambda f, x, y: f.add(x, y), tensor(N, 4), tensor(N, 4)))
    assert "vector chunk i1 < 4*n" in text


def test_a_broadcast_vector_keeps_one_outer_loop() -> None:
    text = loops_of(build(lambda f, x, y: f.add(x, y), tensor(2, 3, 40), tensor(40)))
    assert "serial chunk i1 < 6" in text
    assert "vector i2 < 40" in text


def test_what_does_not_depend_on_the_inner_loop_stands_outside() -> None:
    text = loops_of(build(lambda f, x, y: f.add(x, f.exp(y)), tensor(6, 40), tensor(6, 1)))
    outer, inner = text.split("vector")
    assert "exp" in outer
    assert "exp" not in inner


def test_softmax_is_one_kernel_that_keeps_the_exponentials() -> None:
    text = loops_of(build(softmax, tensor(N, 100)))
    assert text.count("exp(") == 1
    assert text.count("scratch") >= 1
    assert text.count("vector") == 3


def test_layer_normalization_is_one_kernel_without_row_buffers() -> None:
    text = loops_of(build(layer_norm, tensor(N, 100), tensor(100), tensor(100)))
    assert "scratch" not in text


def test_a_bias_gradient_runs_along_the_kept_axis() -> None:
    text = loops_of(build(lambda f, x: f.reduce_sum(x, axes=(0,), keepdims=False), tensor(N, 100)))
    assert text.index("vector chunk i1 < 100") < text.index("serial r0 < n")


def test_a_reduction_of_everything_is_one_flat_fold() -> None:
    text = loops_of(build(lambda f, x: f.reduce_sum(x, axes=(0, 1), keepdims=False), tensor(N, 100)))
    assert "vector r1 < 100*n" in text


def test_a_transposition_goes_by_tiles() -> None:
    text = loops_of(build(lambda f, x: f.transpose(x, perm=(1, 0)), tensor(N, 100)))
    assert "serial i0 < min(16, -16*i0t + 100)" in text or "serial i0 < min(-16*i0t + 100, 16)" in text


def test_equal_kernels_are_emitted_once() -> None:
    def law(f: Functions, x: Value, y: Value) -> list[Value]:
        return [f.reduce_sum(v, axes=(1,), keepdims=False) for v in (x, y)]

    compiled = compiled_from(build(law, tensor(5, 33), tensor(5, 33)))
    assert len({k.name for k in compiled.kernels}) == 1


LAWS: dict[str, tuple[Callable[..., Any], tuple[TensorType, ...]]] = {
    "softmax": (softmax, (tensor(N, 33),)),
    "softmax of columns": (
        lambda f, x: f.div(f.exp(x), f.reduce_sum(f.exp(x), axes=(0,), keepdims=True)), (tensor(N, 5),)
    ),
    "rows of symbolic width": (softmax, (tensor(3, N),)),
    "layer_norm": (layer_norm, (tensor(N, 40), tensor(40), tensor(40))),
    "middle axis": (lambda f, x: f.reduce_max(x, axes=(1,), keepdims=False), (tensor(3, N, 20),)),
    "outer and inner axes": (lambda f, x: f.reduce_sum(x, axes=(0, 2), keepdims=True), (tensor(3, N, 20),)),
    "two reductions": (
        lambda f, x: [f.reduce_sum(x, axes=(1,), keepdims=False), f.reduce_max(x, axes=(1,), keepdims=False)],
        (tensor(N, 50),),
    ),
    "integers": (lambda f, x: f.reduce_prod(f.add(x, x), axes=(1,), keepdims=False), (tensor(N, 19, dtype=int32),)),
    "positions": (lambda f, x: f.argmax(x, axis=1), (tensor(N, 35),)),
    "positions of columns": (lambda f, x: f.argmin(x, axis=0), (tensor(N, 35),)),
    "pad and add": (
        lambda f, x: f.add(f.pad(x, f.constant(1, like=x), low=(1, 2), high=(0, 1)), f.constant(2, like=x)),
        (tensor(N, 9),),
    ),
    "concatenate": (
        lambda f, x, y: f.mul(f.concatenate(x, y, axis=1), f.constant(3, like=x)), (tensor(N, 9), tensor(N, 4))
    ),
    "reverse": (lambda f, x: f.reverse(x, axes=(0, 1)), (tensor(N, 17),)),
    "split rows": (lambda f, x: f.transpose(f.reshape(x, shape=(N, 4, 6)), perm=(0, 2, 1)), (tensor(N, 24),)),
    "matrix and epilogue": (
        lambda f, x, w, b: f.relu(f.add(f.dot_general(x, w, contracting=((1,), (0,)), batch=((), ())), b)),
        (tensor(N, 50), tensor(50, 70), tensor(70)),
    ),
    "integer matrices": (
        lambda f, x, w: f.dot_general(x, w, contracting=((1,), (0,)), batch=((), ())),
        (tensor(N, 6, dtype=int64), tensor(6, 5, dtype=int64)),
    ),
    "weight gradient": (
        lambda f, x, g: f.dot_general(x, g, contracting=((0,), (0,)), batch=((), ())), (tensor(N, 40), tensor(N, 30))
    ),
    "batched": (
        lambda f, x, y: f.dot_general(x, y, contracting=((2,), (2,)), batch=((0,), (0,))),
        (tensor(2, N, 20), tensor(2, 17, 20)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_every_law_at_every_size(name: str) -> None:
    law, types = LAWS[name]
    graph = build(law, *types)
    fused = run(graph)
    rng = np.random.default_rng(1)
    for isa in ISAS:
        compiled = compile_graph(fused, isa=isa)
        for n in (1, 2, 3, 7, 64):
            arrays = []
            for t in types:
                shape = dims.substitute(t.shape, {"n": n})
                a = rng.standard_normal(shape) if t.dtype.is_floating else rng.integers(-3, 4, shape)
                arrays.append(a.astype(t.dtype.numpy))
            want, looped, got = interpret(graph, arrays), interpret_graph(fused, arrays), compiled.run(arrays)
            for g, loop, w in zip(got, looped, want, strict=True):
                if w.dtype.kind != "f":
                    np.testing.assert_array_equal(g, w)
                    np.testing.assert_array_equal(loop, w)
                else:
                    np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-5, err_msg=f"{isa} {n}")
                    np.testing.assert_allclose(loop, w, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("isa", ISAS)
def test_sums_have_the_bits_of_the_loop_interpreter(isa: str) -> None:
    rng = np.random.default_rng(2)
    for axes in ((0,), (1,), (0, 1)):
        graph = build(lambda f, x, a=axes: f.reduce_sum(x, axes=a, keepdims=False), tensor(N, 101))
        compiled = compile_graph(graph, isa=isa)
        for n in (1, 16, 37):
            x = rng.standard_normal((n, 101)).astype(np.float32)
            np.testing.assert_array_equal(compiled.run([x])[0], interpret_graph(graph, [x])[0])


@pytest.mark.parametrize("index", [-1, 5, 2**31 - 1])
@pytest.mark.parametrize("isa", ISAS)
def test_an_index_out_of_range_stops_the_run(index: int, isa: str) -> None:
    gather = build(lambda f, x, i: f.gather(x, i, axis=0), tensor(5, 3), tensor(4, dtype=int32))
    scatter = build(
        lambda f, x, i, u: f.scatter(x, f.reshape(i, shape=(4, 1)), u, combine="add"),
        tensor(5, 3), tensor(4, dtype=int32), tensor(4, 3),
    )
    x, i, u = np.ones((5, 3), "f"), np.array([0, 1, index, 2], np.int32), np.ones((4, 3), "f")
    with pytest.raises(InvalidArgumentError, match=r"gather.*outside \[0, 5\)"):
        compiled_from(gather, isa).run([x, i])
    with pytest.raises(InvalidArgumentError, match=r"scatter.*outside \[0, 5\)"):
        compiled_from(scatter, isa).run([x, i, u])


def test_failures_are_told_apart_by_their_messages() -> None:
    b = GraphBuilder("g")
    p, q = (b.input(TensorType(bool_, (20,)), name) for name in ("p", "q"))
    b.emit("assert", (p,), message="p must hold")
    b.emit("assert", (q,), message="q must hold")
    compiled = compile_graph(b.finish([p]))
    good, bad = np.ones(20, bool), np.arange(20) != 19
    np.testing.assert_array_equal(compiled.run([good, good])[0], good)
    with pytest.raises(InvalidArgumentError, match="p must hold"):
        compiled.run([bad, good])
    with pytest.raises(InvalidArgumentError, match="q must hold"):
        compiled.run([good, bad])


def test_loops_that_never_run_read_nothing() -> None:
    graph = build(lambda f, x: f.reduce_max(f.exp(f.slice(x, begin=(0, 2), end=(3, 2), strides=(1, 1))), axes=(1,),
                                            keepdims=False), tensor(3, 4))  # fmt: skip
    assert compiled_from(graph).run([np.ones((3, 4), "f")])[0].tolist() == [-np.inf] * 3


def test_statements_print() -> None:
    compiled = compiled_from(build(softmax, tensor(4, 20)))
    text = compiled.kernels[0].loops
    for word in ("kernel", "serial chunk", "vector", "finish", "<-", "exp("):
        assert word in text


@pytest.mark.parametrize("isa", ISAS)
def test_constant_masks_meet_variable_ones(isa: str) -> None:
    # LLVM 22 miscompiles this for AVX-512 if the counter of a short loop is a literal vector.
    def law(f: Functions, x: Value) -> Value:
        indices = f.broadcast_to(f.constant(0, dtype=int32), shape=f.type(x).shape)
        hot = f.one_hot(indices, depth=2, axis=2, dtype=float32)
        return f.pad(f.div(hot, hot), f.constant(0, dtype=float32), low=(1, 1, 2), high=(2, 0, 0))

    graph = build(law, tensor(N, N))
    x = np.zeros((3, 3), np.float32)
    np.testing.assert_array_equal(compiled_from(graph, isa).run([x])[0], interpret(graph, [x])[0])
