"""Attention as one kernel: the bits of separate kernels, forward and backward, and no matrix of scores anywhere."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from control_graphs import differences, gradient_graph, weighted
from fusion_graphs import build, kinds, softmax, tensor
from vector_kernels import host_isas

from codegen.compile import CompiledGraph, compile_graph
from codegen.loop_interpret import interpret_graph
from graphcore import dims, interpret
from graphcore.dtypes import DType, as_dtype, bool_, float32, float64, int32, int64
from graphcore.functions import Functions
from graphcore.graph import Graph, Value
from graphcore.passes import fuse_attention
from graphcore.passes.pipeline import run
from graphcore.text import parse, to_text
from graphcore.types import TensorType

B, T, S = dims.symbol("b"), dims.symbol("t"), dims.symbol("s")
Change = Callable[..., Value]
STACKED: dict[str, Any] = {"contracting": ((3,), (3,)), "batch": ((0, 1), (0, 1))}
VALUES: dict[str, Any] = {"contracting": ((3,), (2,)), "batch": ((0, 1), (0, 1))}


def plain(f: Functions, s: Value, *rest: Value) -> Value:
    return s


def additive(f: Functions, s: Value, mask: Value) -> Value:
    return f.add(s, mask)


def padded(f: Functions, s: Value, seen: Value) -> Value:
    """Keys that no query may see, (batch, 1, 1, keys)."""
    return f.select(seen, s, f.constant(-np.inf, like=s))


def causal(f: Functions, s: Value, *rest: Value) -> Value:
    queries, keys = s.type.shape[-2:]
    rows = f.reshape(f.apply("iota", (), {"shape": (queries,), "axis": 0, "dtype": int32})[0], shape=(queries, 1))
    columns = f.apply("iota", (), {"shape": (keys,), "axis": 0, "dtype": int32})[0]
    return f.select(f.greater_equal(rows, columns), s, f.constant(-1e9, like=s))


def attention(change: Change = plain, drop: bool = False) -> Callable[..., Value]:
    """Of queries, keys, values (batch, heads, length, size), and what the mask or the dropped scores are made of."""

    def law(f: Functions, q: Value, k: Value, v: Value, *rest: Value) -> Value:
        scores = f.mul(f.dot_general(q, k, **STACKED), f.constant(1 / math.sqrt(8), like=q))
        p = softmax(f, change(f, scores, *rest))
        if drop:
            bits = f.apply("random_uniform", rest, {"shape": p.type.shape, "dtype": p.type.dtype})[0]
            p = f.select(f.greater_equal(bits, f.constant(0.25, like=q)), p, f.constant(0, like=q))
        return f.dot_general(p, v, **VALUES)

    return law


def types(batch: Any, heads: Any, queries: Any, keys: Any, size: int, dtype: DType = float32) -> list[TensorType]:
    return [tensor(batch, heads, n, size, dtype=dtype) for n in (queries, keys, keys)]


def loss(law: Callable[..., Value], given: list[TensorType]) -> Graph:
    return build(lambda f, *x: weighted(f, law(f, *x)), *given)


def arrays_of(graph: Graph, seed: int = 0, **sizes: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    made: list[Any] = []
    for v in graph.inputs:
        shape = dims.substitute(v.type.shape, sizes)
        x = rng.standard_normal(shape)
        x = x > -0.8 if v.type.dtype is bool_ else x * 3
        made.append(x.astype(v.type.dtype.numpy))
    return made


def compiled(graph: Graph, monkeypatch: pytest.MonkeyPatch, *, apart: bool = False, isa: Any = None) -> CompiledGraph:
    with monkeypatch.context() as m:
        if apart:
            m.setattr("graphcore.passes.fuse.group_attention", lambda state: None)
        return compile_graph(run(graph), isa=isa)


def same_bits(graph: Graph, arrays: list[Any], monkeypatch: pytest.MonkeyPatch, isa: Any = None) -> list[Any]:
    """Runs it as one kernel and as separate ones; what they give, equal."""
    one, apart = compiled(graph, monkeypatch, isa=isa), compiled(graph, monkeypatch, apart=True, isa=isa)
    categories = [k.category for k in one.kernels]
    assert "attention" in categories and not {"row", "contract"} & set(categories), categories
    assert "attention" not in [k.category for k in apart.kernels]
    got = one.run(arrays)
    for a, b in zip(got, apart.run(arrays), strict=True):
        assert a.tobytes() == b.tobytes()
    return got


def assert_near(got: list[Any], graph: Graph, arrays: list[Any], *, widen: bool = True) -> None:
    """Near the same graph in NumPy, on numbers of twice the width."""
    narrow = got[0].dtype == np.float32
    if narrow and widen:
        graph = parse(to_text(graph).replace("float32", "float64"))
        arrays = [a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays]
    for a, want in zip(got, interpret(graph, arrays), strict=True):
        scale = max(float(np.abs(want).max()), 1e-3)
        np.testing.assert_allclose(a, want, rtol=0, atol=(3e-5 if narrow else 1e-12) * scale)


MASKS: list[tuple[str, Change, list[TensorType]]] = [
    ("plain", plain, []),
    ("causal", causal, []),
    ("additive", additive, [tensor(2, 1, 70, 53)]),
    ("whole", additive, [tensor(2, 3, 70, 53)]),
    ("padded", padded, [tensor(2, 1, 1, 53, dtype=bool_)]),
]


@pytest.mark.parametrize(("change", "mask"), [m[1:] for m in MASKS], ids=[m[0] for m in MASKS])
def test_a_step_has_the_bits_of_separate_kernels(
    change: Change, mask: list[TensorType], monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = loss(attention(change), [*types(2, 3, 70, 53, 8), *mask])
    step = gradient_graph(forward, (0, 1, 2))
    arrays = arrays_of(step)
    got = same_bits(step, arrays, monkeypatch)
    assert kinds(run(step))["attention"] == 2, "one forward, one backward"
    assert_near(got, step, arrays)


@pytest.mark.parametrize("isa", host_isas())
def test_every_instruction_set(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = build(attention(causal), *types(1, 2, 37, 37, 20))
    arrays = arrays_of(graph)
    assert_near(same_bits(graph, arrays, monkeypatch, isa), graph, arrays)


@pytest.mark.slow
@pytest.mark.parametrize("isa", host_isas())
def test_a_step_on_every_instruction_set(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step = gradient_graph(loss(attention(causal), types(1, 2, 37, 37, 20)), (0, 1, 2))
    arrays = arrays_of(step)
    assert_near(same_bits(step, arrays, monkeypatch, isa), step, arrays)


def test_doubles_and_their_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = loss(attention(causal), types(1, 1, 9, 5, 3, float64))
    step = gradient_graph(forward, (0, 1, 2))
    arrays = arrays_of(step)
    got = same_bits(step, arrays, monkeypatch)
    slopes = differences(lambda xs: float(interpret(forward, list(xs))[0]), arrays, (0, 1, 2))
    for a, want in zip(got[1:], slopes, strict=True):
        np.testing.assert_allclose(a, want, atol=1e-7)


def test_sixteen_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = loss(attention(), types(1, 2, 40, 24, 8, as_dtype("bfloat16")))
    step = gradient_graph(forward, (0, 1, 2))
    one, apart = compiled(step, monkeypatch), compiled(step, monkeypatch, apart=True)
    assert [k.category for k in one.kernels].count("attention") == 2
    arrays = arrays_of(step)
    for a, b in zip(one.run(arrays), apart.run(arrays), strict=True):
        assert a.tobytes() == b.tobytes()


def test_keys_that_come_transposed(monkeypatch: pytest.MonkeyPatch) -> None:
    def law(f: Functions, q: Value, k: Value, v: Value) -> Value:
        scores = f.dot_general(q, k, contracting=((3,), (2,)), batch=((0, 1), (0, 1)))
        return f.dot_general(softmax(f, scores), v, **VALUES)

    given = [tensor(1, 2, 40, 8), tensor(1, 2, 8, 30), tensor(1, 2, 30, 8)]
    step = gradient_graph(loss(law, given), (0, 1, 2))
    arrays = arrays_of(step)
    assert_near(same_bits(step, arrays, monkeypatch), step, arrays)


def test_open_sizes_compile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    step = gradient_graph(loss(attention(causal), types(B, 2, T, S, 8)), (0, 1, 2))
    one, apart = compiled(step, monkeypatch), compiled(step, monkeypatch, apart=True)
    for b, t, s in ((1, 1, 3), (2, 19, 19), (1, 130, 77), (3, 64, 300)):
        arrays = arrays_of(step, b=b, t=t, s=s)
        got = one.run(arrays)
        for x, y in zip(got, apart.run(arrays), strict=True):
            assert x.tobytes() == y.tobytes(), (b, t, s)
        assert_near(got, step, arrays)


def test_dropped_scores_are_the_same_forward_and_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [*types(1, 2, 40, 30, 8), tensor(3, dtype=int64)]
    step = gradient_graph(loss(attention(drop=True), given), (0, 1, 2))
    arrays = arrays_of(step)
    arrays[3] = np.array([5, 0, 12345], np.int64)
    assert_near(same_bits(step, arrays, monkeypatch), step, arrays, widen=False)  # random bits of float64 are others


def test_rows_that_see_nothing_are_nan_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = build(attention(padded), *types(2, 1, 20, 24, 8), tensor(2, 1, 20, 24, dtype=bool_))
    arrays = arrays_of(graph)
    arrays[3][0, 0, 3] = False
    (got,) = same_bits(graph, arrays, monkeypatch)
    assert np.isnan(got[0, 0, 3]).all()
    got[0, 0, 3] = 0
    assert np.isfinite(got).all()


def test_no_memory_holds_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, length = 4, 1024
    step = gradient_graph(loss(attention(causal), types(1, heads, length, length, 8)), (0, 1, 2))
    scores = heads * length * length * 4
    one, apart = compiled(step, monkeypatch), compiled(step, monkeypatch, apart=True)
    assert isinstance(one.arena, int) and isinstance(apart.arena, int)
    assert apart.arena > 2 * scores
    assert one.arena < scores / 8


def test_the_interpreter_of_loops_agrees() -> None:
    step = run(gradient_graph(loss(attention(additive), [*types(1, 2, 21, 18, 8), tensor(18)]), (0, 1, 2)))
    arrays = arrays_of(step)
    for a, b in zip(interpret_graph(step, arrays), compile_graph(step).run(arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_heads_need_no_transposition() -> None:
    def law(f: Functions, q: Value, k: Value, v: Value) -> Value:
        q, k, v = (f.transpose(x, perm=(0, 2, 1, 3)) for x in (q, k, v))
        return f.transpose(attention()(f, q, k, v), perm=(0, 2, 1, 3))

    assert kinds(run(build(law, *[tensor(2, 50, 3, 8)] * 3))) == {"attention": 1}


def test_scores_that_somebody_reads_are_written() -> None:
    def law(f: Functions, q: Value, k: Value, v: Value) -> list[Value]:
        p = softmax(f, f.dot_general(q, k, **STACKED))
        return [f.dot_general(p, v, **VALUES), p]

    assert kinds(run(build(law, *types(2, 2, 30, 30, 8))))["attention"] == 0


@pytest.mark.parametrize(
    "sizes", [(1, 2, fuse_attention.FEW_QUERIES - 1, 64, 8), (1, 2, 64, 1, 8)], ids=["few queries", "one key"]
)
def test_small_matrices_of_scores_are_left_alone(sizes: tuple[int, ...]) -> None:
    assert kinds(run(build(attention(), *types(*sizes))))["attention"] == 0  # type: ignore[arg-type]


def test_an_exit_that_feeds_a_source_is_another_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(f: Functions, q: Value, k: Value, v: Value) -> Value:
        return attention()(f, attention()(f, q, k, v), k, v)

    graph = build(twice, *types(1, 2, 33, 21, 8))
    assert kinds(run(graph)) == {"attention": 2}
    arrays = arrays_of(graph)
    assert_near(same_bits(graph, arrays, monkeypatch), graph, arrays)
