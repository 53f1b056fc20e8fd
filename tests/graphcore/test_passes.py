"""The pipeline, canonicalization law by law, fold, cse and dce."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcore import GraphBuilder, Location, TensorType, dims, interpret
from graphcore.dtypes import as_dtype, float32, float64, int8, int32, int64
from graphcore.errors import InvalidArgumentError, VerifyError
from graphcore.functions import Functions, graph_functions
from graphcore.graph import Graph, Node, Value
from graphcore.passes import PassRecord, pipeline, run
from graphcore.passes.canonicalize import canonicalize, rule_laws
from graphcore.passes.fold import fold
from graphcore.text import parse, to_text

FLOATS = ("float32", "float64")
INTS = ("int32", "int64", "uint8", "int8")
BOOL = ("bool",)
EXTREMES = (
    np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    3.5,
    1e-310,
    1e-45,
    3e38,
    1.7e308,
    0.1,
    7.0,
)


def extremes(dtype: str) -> np.ndarray:
    """Twelve or more values of a dtype, the awkward ones among them, as shape (4, 4)."""
    kind = as_dtype(dtype)
    with np.errstate(all="ignore"):
        if kind.is_floating:
            return np.array(EXTREMES).astype(dtype).reshape(4, 4)
        if kind.is_bool:
            return np.arange(16).reshape(4, 4) % 3 == 0
        limits = np.iinfo(dtype)
        few = [limits.min, limits.max, 0, 1, 2, 3, limits.max - 1, limits.min + 1]
        return np.array(few * 2, dtype).reshape(4, 4)


def build(law: Callable[..., Value], dtype: str, operands: int = 2) -> Graph:
    b = GraphBuilder("g", fold_bytes=0)
    kind = as_dtype(dtype)
    values = [b.input(TensorType(kind, (dims.symbol("n"), 4)), f"x{i}") for i in range(operands)]
    return b.finish([law(graph_functions(b), *values)])


def bits(a: np.ndarray) -> tuple[Any, ...]:
    return a.dtype, a.shape, np.ascontiguousarray(a).tobytes()


def const(f: Functions, value: Any, x: Value, shape: tuple[int, ...] = ()) -> Value:
    return f.constant(np.full(shape, value), like=x)


def sliced(f: Functions, x: Value, begin: Any, end: Any, strides: Any) -> Value:
    return f.slice(x, begin=begin, end=end, strides=strides)


n = dims.symbol("n")
LAWS: list[tuple[str, tuple[str, ...], Callable[..., Value]]] = [
    ("add_zero", FLOATS, lambda f, x, y: f.add(x, const(f, -0.0, x))),
    ("add_zero", FLOATS, lambda f, x, y: f.add(const(f, -0.0, x, (4,)), x)),
    ("add_zero", INTS, lambda f, x, y: f.add(x, f.full(f.type(x), 0))),
    ("sub_zero", FLOATS + INTS, lambda f, x, y: f.sub(x, const(f, 0, x))),
    ("sub_self", INTS, lambda f, x, y: f.sub(x, x)),
    ("mul_one", FLOATS + INTS, lambda f, x, y: f.mul(const(f, 1, x, (1, 4)), x)),
    ("mul_one", FLOATS, lambda f, x, y: f.mul(
        f.reduce_max(x, axes=(0, 1), keepdims=False), f.full(f.type(x), 1))),
    ("mul_zero", INTS, lambda f, x, y: f.mul(x, const(f, 0, x))),
    ("div_one", FLOATS, lambda f, x, y: f.div(x, const(f, 1, x))),
    ("div_one", INTS, lambda f, x, y: f.floordiv(x, const(f, 1, x))),
    ("mod_one", INTS, lambda f, x, y: f.mod(x, const(f, 1, x))),
    *(
        ("div_power_of_two", FLOATS, lambda f, x, y, c=c: f.div(x, const(f, c, x)))
        for c in (2.0, -4.0, 0.125, 2.0**100, 2.0**-100, 2.0**127, 2.0**-126)
    ),
    ("div_power_of_two", ("float64",), lambda f, x, y: f.div(x, const(f, 2.0**-1020, x))),
    ("neg_neg", FLOATS + INTS, lambda f, x, y: f.neg(f.neg(x))),
    ("abs_of_sign_change", (*FLOATS, "int32", "int8"), lambda f, x, y: f.abs(f.neg(x))),
    ("abs_of_sign_change", FLOATS + INTS, lambda f, x, y: f.abs(f.abs(x))),
    ("pick_equal", FLOATS + INTS, lambda f, x, y: f.minimum(x, x)),
    ("pick_equal", FLOATS + INTS, lambda f, x, y: f.maximum(x, x)),
    ("apply_once", FLOATS + INTS, lambda f, x, y: f.relu(f.relu(x))),
    ("apply_once", FLOATS + INTS, lambda f, x, y: f.sign(f.sign(x))),
    ("round_rounded", FLOATS, lambda f, x, y: f.floor(f.round(x))),
    ("round_rounded", FLOATS, lambda f, x, y: f.round(f.ceil(x))),
    ("pow_square", FLOATS + INTS, lambda f, x, y: f.pow(x, const(f, 2, x))),
    ("pow_square", FLOATS, lambda f, x, y: f.pow(x, f.full(f.type(x), 2))),
    ("pow_one", FLOATS + INTS, lambda f, x, y: f.pow(x, const(f, 1, x))),
    ("pow_zero", FLOATS + INTS, lambda f, x, y: f.pow(x, const(f, 0, x))),
    ("cast_same", FLOATS + INTS + BOOL, lambda f, x, y: f.cast(x, dtype=f.type(x).dtype)),
    ("cast_same", FLOATS + INTS, lambda f, x, y: f.bitcast(x, dtype=f.type(x).dtype)),
    ("cast_chain", ("float32",), lambda f, x, y: f.cast(f.cast(x, dtype=float64), dtype=int8)),
    ("cast_chain", ("float32",), lambda f, x, y: f.cast(f.cast(x, dtype=float64), dtype=float32)),
    ("cast_chain", ("int32", "uint8"), lambda f, x, y: f.cast(f.cast(x, dtype=int64), dtype=int8)),
    ("cast_chain", ("int32",), lambda f, x, y: f.cast(f.cast(x, dtype=float64), dtype=float32)),
    ("cast_chain", ("int8",), lambda f, x, y: f.cast(f.cast(x, dtype=float32), dtype=int64)),
    ("cast_chain", BOOL, lambda f, x, y: f.cast(f.cast(x, dtype=float32), dtype=int8)),
    ("bitcast_chain", ("float32",), lambda f, x, y: f.bitcast(
        f.bitcast(x, dtype=int32), dtype=as_dtype("uint32"))),
    ("not_not", BOOL, lambda f, x, y: f.logical_not(f.logical_not(x))),
    ("not_comparison", FLOATS + INTS, lambda f, x, y: f.logical_not(f.equal(x, y))),
    ("not_comparison", INTS, lambda f, x, y: f.logical_not(f.less(x, y))),
    ("not_comparison", INTS, lambda f, x, y: f.logical_not(f.greater_equal(x, y))),
    ("compare_self", INTS, lambda f, x, y: f.less_equal(x, x)),
    ("compare_self", INTS, lambda f, x, y: f.not_equal(x, x)),
    ("compare_self", BOOL, lambda f, x, y: f.equal(x, x)),
    ("and_or_self", BOOL, lambda f, x, y: f.logical_and(x, x)),
    ("and_or_self", INTS, lambda f, x, y: f.bitwise_or(x, x)),
    ("xor_self", INTS, lambda f, x, y: f.bitwise_xor(x, x)),
    ("xor_self", BOOL, lambda f, x, y: f.logical_xor(x, x)),
    ("and_constant", BOOL, lambda f, x, y: f.logical_and(x, const(f, True, x))),
    ("and_constant", BOOL, lambda f, x, y: f.logical_and(const(f, False, x), x)),
    ("and_constant", ("int32", "int8"), lambda f, x, y: f.bitwise_and(x, const(f, -1, x))),
    ("and_constant", ("uint8",), lambda f, x, y: f.bitwise_and(x, const(f, 255, x))),
    ("or_constant", BOOL, lambda f, x, y: f.logical_or(x, const(f, True, x))),
    ("or_constant", INTS, lambda f, x, y: f.bitwise_or(x, const(f, 0, x))),
    ("xor_zero", INTS, lambda f, x, y: f.bitwise_xor(x, const(f, 0, x))),
    ("xor_true", BOOL, lambda f, x, y: f.logical_xor(x, const(f, True, x))),
    ("shift_zero", INTS, lambda f, x, y: f.shift_left(x, const(f, 0, x))),
    ("shift_zero", INTS, lambda f, x, y: f.shift_right(x, const(f, 0, x))),
    ("select_constant", FLOATS, lambda f, x, y: f.select(f.constant(True), x, y)),
    ("select_constant", INTS, lambda f, x, y: f.select(f.constant(np.zeros((1, 4), bool)), x, y)),
    ("select_equal", FLOATS, lambda f, x, y: f.select(f.equal(x, y), x, x)),
    ("select_not", FLOATS, lambda f, x, y: f.select(f.logical_not(f.less(x, y)), x, y)),
    ("forward", FLOATS, lambda f, x, y: f.stop_gradient(f.identity(x))),
    ("same_shape", FLOATS, lambda f, x, y: f.broadcast_to(f.reshape(x, shape=(n, 4)), shape=(n, 4))),
    ("reshape_reshape", FLOATS, lambda f, x, y: f.reshape(f.reshape(x, shape=(4 * n,)), shape=(2, 2 * n))),
    ("transpose_nothing", FLOATS, lambda f, x, y: f.transpose(x, perm=(0, 1))),
    ("transpose_transpose", FLOATS, lambda f, x, y: f.transpose(f.transpose(
        f.reshape(x, shape=(n, 2, 2)), perm=(2, 0, 1)), perm=(2, 0, 1))),
    ("broadcast_broadcast", FLOATS, lambda f, x, y: f.broadcast_to(f.broadcast_to(
        x, shape=(3, n, 4)), shape=(2, 3, n, 4))),
    ("broadcast_leading_ones", FLOATS, lambda f, x, y: f.broadcast_to(f.reshape(
        x, shape=(1, 1, n, 4)), shape=(2, 3, n, 4))),
    ("fill_broadcast", FLOATS, lambda f, x, y: f.fill(const(f, 0.1, x), shape=(n, 4))),
    ("size_known", INTS, lambda f, x, y: f.mul(x, f.apply(
        "size", (), {"value": 3, "dtype": f.type(x).dtype})[0])),
    ("slice_all", FLOATS, lambda f, x, y: sliced(f, x, (0, 0), (n, 4), (1, 1))),
    ("slice_slice", FLOATS, lambda f, x, y: sliced(
        f, sliced(f, x, (0, 0), (n, 4), (1, 2)), (0, 1), (n, 2), (1, 1))),
    ("slice_slice", FLOATS, lambda f, x, y: sliced(
        f, sliced(f, x, (0, 1), (n, 4), (1, 1)), (0, 0), (n, 3), (1, 2))),
    ("transposed_operand", INTS, lambda f, x, y: f.dot_general(
        f.transpose(x, perm=(1, 0)), y, contracting=((1,), (0,)), batch=((), ()))),
    ("transposed_operand", INTS, lambda f, x, y: f.dot_general(
        x, f.transpose(f.reshape(y, shape=(n, 2, 2)), perm=(1, 0, 2)), contracting=((0,), (1,)), batch=((), ()))),
    ("pointwise", FLOATS, lambda f, x, y: f.convolution(
        f.reshape(x, shape=(n, 1, 4)), f.constant(np.arange(1.0, 13).reshape(1, 4, 3), like=x), strides=(1,), low=(0,),
        high=(0,), lhs_dilation=(1,), rhs_dilation=(3,), groups=1)),
    ("phases", FLOATS, lambda f, x, y: f.convolution(
        f.reshape(x, shape=(n, 4, 1)), f.constant(np.arange(1.0, 7).reshape(2, 1, 3), like=x), strides=(1,), low=(1,),
        high=(1,), lhs_dilation=(2,), rhs_dilation=(1,), groups=1)),
    ("adjacent", (*FLOATS, *INTS), lambda f, x, y: f.dot_general(
        f.reshape(x, shape=(n, 2, 2)), f.reshape(y, shape=(n, 2, 2)), contracting=((0, 2), (0, 2)), batch=((), ()))),
    ("pad_nothing", FLOATS, lambda f, x, y: f.pad(x, const(f, 7, x), low=(0, 0), high=(0, 0))),
    ("pad_pad", FLOATS, lambda f, x, y: f.pad(f.pad(
        x, const(f, 7, x), low=(1, 0), high=(0, 2)), const(f, 7, x), low=(0, 3), high=(n, 2))),
    ("reverse_ones", FLOATS, lambda f, x, y: f.reverse(f.reshape(x, shape=(n, 1, 4)), axes=(1, 2))),
    ("reverse_reverse", FLOATS, lambda f, x, y: f.reverse(f.reverse(x, axes=(0, 1)), axes=(1,))),
    ("concatenate_one", FLOATS, lambda f, x, y: f.concatenate(x, axis=0)),
    ("concatenate_empty", FLOATS, lambda f, x, y: f.concatenate(
        x, f.constant(np.zeros((0, 4)), like=x), y, axis=0)),
    ("reduce_nothing", FLOATS, lambda f, x, y: f.reduce_max(x, axes=(), keepdims=False)),
    ("reduce_nothing", FLOATS, lambda f, x, y: f.reduce_prod(x, axes=(), keepdims=True)),
    ("reduce_nothing", INTS, lambda f, x, y: f.reduce_sum(x, axes=(), keepdims=False)),
    ("reduce_reduce", FLOATS, lambda f, x, y: f.reduce_max(
        f.reduce_max(x, axes=(0,), keepdims=False), axes=(0,), keepdims=False)),
    ("reduce_reduce", INTS, lambda f, x, y: f.reduce_sum(
        f.reduce_sum(x, axes=(1,), keepdims=True), axes=(0,), keepdims=True)),
    ("reduce_reduce", BOOL, lambda f, x, y: f.reduce_any(
        f.reduce_any(x, axes=(1,), keepdims=False), axes=(0,), keepdims=False)),
    ("drop_broadcast", FLOATS, lambda f, x, y: f.sub(x, f.broadcast_to(sliced(
        f, y, (0, 0), (1, 4), (1, 1)), shape=(n, 4)))),
    ("drop_broadcast", FLOATS, lambda f, x, y: f.maximum(
        f.broadcast_to(f.reduce_min(x, axes=(1,), keepdims=True), shape=(n, 4)),
        f.broadcast_to(f.reduce_max(x, axes=(0,), keepdims=False), shape=(n, 4)))),
    ("broadcast_last", FLOATS, lambda f, x, y: f.add(f.full(f.type(x), 2), f.full(f.type(x), 3))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "dtype", "law"), [(rule, dtype, law) for rule, names, law in LAWS for dtype in names]
)
def test_law_holds_bit_for_bit(rule: str, dtype: str, law: Callable[..., Value]) -> None:
    graph = build(law, dtype)
    notes: list[str] = []
    after = run(canonicalize(graph, notes), "dce")
    assert any(note.startswith(rule + ":") for note in notes), notes
    x = extremes(dtype)
    for arrays in ([x, x[::-1]], [x[:1], x[1:2]], [x[:0], x[:0]]):
        if len(arrays[0]) == 0 and "reduce" in to_text(graph):
            continue
        for a, b in zip(interpret(graph, arrays), interpret(after, arrays), strict=True):
            assert bits(a) == bits(b), to_text(after)


def test_every_rule_has_a_law_and_a_test() -> None:
    assert set(rule_laws()) == {rule for rule, _, _ in LAWS}
    assert all(law.startswith("Law: ") and "\n" not in law for law in rule_laws().values())


UNTOUCHED: list[tuple[tuple[str, ...], Callable[..., Value]]] = [
    (("uint8",), lambda f, x, y: f.abs(f.neg(x))),
    (FLOATS, lambda f, x, y: f.add(x, const(f, 0.0, x))),
    (FLOATS, lambda f, x, y: f.sub(x, const(f, -0.0, x))),
    (FLOATS, lambda f, x, y: f.mul(x, const(f, 0.0, x))),
    (FLOATS, lambda f, x, y: f.sub(x, x)),
    (FLOATS, lambda f, x, y: f.equal(x, x)),
    (FLOATS, lambda f, x, y: f.div(x, const(f, 3.0, x))),
    (("float32",), lambda f, x, y: f.div(x, const(f, 1e-45, x))),
    (FLOATS, lambda f, x, y: f.logical_not(f.less(x, y))),
    (FLOATS, lambda f, x, y: f.reduce_sum(x, axes=(), keepdims=False)),
    (FLOATS, lambda f, x, y: f.floordiv(x, const(f, 1.0, x))),
    (("int32",), lambda f, x, y: f.cast(f.cast(x, dtype=float64), dtype=int8)),
    (("int32",), lambda f, x, y: f.cast(f.cast(x, dtype=float32), dtype=int32)),
    (("int64",), lambda f, x, y: f.cast(f.cast(x, dtype=float64), dtype=int64)),
    (("float64",), lambda f, x, y: f.cast(f.cast(x, dtype=float32), dtype=float64)),
    (
        ("float32",),
        lambda f, x, y: f.pow(f.broadcast_to(sliced(f, x, (0, 0), (1, 4), (1, 1)), shape=(n, 4)), y),
    ),
]


@pytest.mark.parametrize(("dtype", "law"), [(dtype, law) for names, law in UNTOUCHED for dtype in names])
def test_what_is_no_law_stays(dtype: str, law: Callable[..., Value]) -> None:
    graph = build(law, dtype)
    notes: list[str] = []
    assert to_text(canonicalize(graph, notes)) == to_text(graph) and notes == []


def test_numpy_squares_for_an_exponent_of_one_element() -> None:
    for dtype in ("float32", "float64", "int32", "int64"):
        x = np.concatenate([extremes(dtype).reshape(-1), np.linspace(-9, 9, 1001).astype(dtype)])
        with np.errstate(all="ignore"):
            for exponent in (
                np.array(2, dtype),
                np.full(1, 2, dtype),
                np.broadcast_to(np.array(2, dtype), x.shape),
            ):
                assert bits(np.power(x, exponent)) == bits(x * x)


def test_before_and_after_as_text() -> None:
    before = parse("""graph "g" {
      dims n >= 1
      input %0 "x" argument : float32[n, 4]
      %1 = constant(value=float32[](8.0)) : float32[]
      %2 = broadcast_to(%1, shape=(n, 4)) : float32[n, 4]
      %3 = identity(%0) : float32[n, 4]  # m.py:3 in call (model)
      %4 = div(%3, %2) : float32[n, 4]  # m.py:4
      %5 = transpose(%4, perm=(1, 0)) : float32[4, n]
      %6 = transpose(%5, perm=(1, 0)) : float32[n, 4]  # m.py:5
      output %6 "y"
    }""")
    assert (
        to_text(run(before, "canonicalize,dce"))
        == """graph "g" {
  dims n >= 1
  input %0 "x" argument : float32[n, 4]
  %1 = constant(value=float32[](0.125)) : float32[]  # m.py:4
  %2 = mul(%0, %1) : float32[n, 4]  # m.py:4
  output %2 "y"
}"""
    )


def test_input_graph_is_not_changed_and_interface_is_kept() -> None:
    b = GraphBuilder("step")
    state = b.input(TensorType(float32, (4,)), "state", "variable", frozenset((Location("a.py", 1),)))
    unused = b.input(TensorType(int32, ()), "unused", "captured")
    (new,) = b.emit("add", b.emit("identity", [state]) + b.emit("mul", [state, b.constant(np.float32(1))]))
    b.emit("assert", b.emit("reduce_all", b.emit("is_nan", [new]), axes=(0,), keepdims=False), message="m")
    graph = b.finish([unused, new], [(1, 0)], ["first", "second"])
    text = to_text(graph)
    after = run(graph, "canonicalize,fold,cse,dce")
    assert to_text(graph) == text
    assert [v.node.attrs for v in after.inputs] == [v.node.attrs for v in graph.inputs]
    assert after.updates == ((1, 0),) and after.output_names == ("first", "second")
    assert after.inputs[0].node.locations == frozenset((Location("a.py", 1),))
    assert [node.op.name for node in after.nodes] == [
        "input",
        "input",
        "add",
        "is_nan",
        "reduce_all",
        "assert",
    ]


# fold, cse, dce


def big_constants(elements: int) -> Graph:
    b = GraphBuilder("g")
    (y,) = b.emit("add", [b.constant(np.ones(elements, np.float32)), b.constant(np.float32(2))])
    return b.finish(b.emit("neg", [y]))


def test_fold_computes_constants_in_their_budget() -> None:
    notes: list[str] = []
    after = run(fold(big_constants(1000), notes), "dce")
    assert [node.op.name for node in after.nodes] == ["constant"] and notes == []
    assert (after.outputs[0].node.attrs["value"].array == -3).all()


@pytest.mark.parametrize(
    ("budget", "note"),
    [
        ({"max_bytes": 100}, "4000 bytes, more than 100"),
        ({"max_seconds": -1.0}, "folding took 0.00 s already"),
    ],
)
def test_fold_says_what_it_left(budget: dict[str, Any], note: str) -> None:
    notes: list[str] = []
    after = fold(big_constants(1000), notes, **budget)
    assert len(after.nodes) == 4 and len(notes) == 1 and note in notes[0]


def test_fold_leaves_broadcasts_random_numbers_and_symbolic_sizes() -> None:
    b = GraphBuilder("g", fold_bytes=0)
    state = b.constant(np.array([1, 2, 3]))
    (r,) = b.emit("random_uniform", [state], shape=(3,), dtype=float32)
    (wide,) = b.emit("broadcast_to", [b.constant(np.float32(1))], shape=(1000, 1000))
    (some,) = b.emit("broadcast_to", [b.constant(np.float32(1))], shape=(dims.symbol("n"),))
    graph = b.finish([r, wide, some])
    assert to_text(run(graph, "fold")) == to_text(graph)


def test_cse_merges_equal_subgraphs_and_their_locations() -> None:
    graph = parse("""graph "g" {
      input %0 "x" argument : float32[4]
      %1 = exp(%0) : float32[4]  # a.py:1
      %2 = exp(%0) : float32[4]  # a.py:2
      %3 = neg(%1) : float32[4]
      %4 = neg(%2) : float32[4]
      %5 = equal(%0, %0) : bool[4]
      %6 = assert(%5, message="m") : ()
      %7 = assert(%5, message="m") : ()
      %8 = add(%3, %4) : float32[4]
      output %8 "y"
    }""")
    after = run(graph, "cse")
    assert [node.op.name for node in after.nodes] == [
        "input",
        "exp",
        "neg",
        "equal",
        "assert",
        "assert",
        "add",
    ]
    assert after.nodes[1].locations == {Location("a.py", 1), Location("a.py", 2)}


def test_cse_tells_attributes_apart_by_type() -> None:
    graph = parse("""graph "g" {
      %0 = constant(value=float32[](0.0)) : float32[]
      %1 = constant(value=float32[](-0.0)) : float32[]
      %2 = constant(value=int32[](1)) : int32[]
      %3 = constant(value=bool[](True)) : bool[]
      output %0 "a"
      output %1 "b"
      output %2 "c"
      output %3 "d"
    }""")
    assert to_text(run(graph, "cse")) == to_text(graph)


# the pipeline


def test_records_hold_what_each_pass_did() -> None:
    graph = build(lambda f, x, y: f.neg(f.neg(f.identity(x))), "float32")
    records: list[PassRecord] = []
    after = run(graph, " canonicalize, dce ,cse", records)
    assert [r.name for r in records] == ["canonicalize", "dce", "cse"]
    assert records[0].before is graph and records[-1].after is after
    assert records[1].before is records[0].after
    assert all(r.seconds >= 0 for r in records)
    assert records[0].notes == ["forward: 1", "neg_neg: 1"] and records[1].notes == ["dropped 1 nodes"]


def test_empty_pipeline_gives_the_graph_itself() -> None:
    graph = build(lambda f, x, y: x, "int32")
    assert run(graph, "") is graph


def test_unknown_pass_is_refused_with_near_names() -> None:
    with pytest.raises(
        InvalidArgumentError, match="no pass is named 'canonicalise'; did you mean canonicalize"
    ):
        run(build(lambda f, x, y: x, "int32"), "cse,canonicalise")


def test_a_pass_that_breaks_the_graph_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def swap(graph: Graph, notes: list[str]) -> Graph:
        return Graph(graph.name, list(reversed(graph.nodes)), graph.inputs, graph.outputs)

    monkeypatch.setattr(pipeline, "get_pass", lambda name: swap)
    graph = build(lambda f, x, y: f.neg(x), "float32")
    with pytest.raises(
        VerifyError, match=r"after pass fold: graph g, node %2: operand .* before it is defined"
    ):
        run(graph, "fold")
    assert len(run(graph, "fold", verify=False).nodes) == 3


# random graphs

UNARY = ("neg", "abs", "relu", "floor", "identity", "sqrt", "sign")
BINARY = ("add", "sub", "mul", "div", "minimum", "maximum", "pow")
CONSTANTS = (0.0, -0.0, 1.0, 2.0, 0.5, -1.0, 3.0)


def moved(draw: st.DrawFn, f: Functions, x: Value, kind: int) -> Value:
    """A value of x's shape by way of movement: slices padded again, transposes, reshapes."""
    shape = f.type(x).shape
    if kind == 7:
        begin, stride = (0,) * (len(shape) - 1), draw(st.sampled_from([1, 2]))
        first = draw(st.integers(0, 2))
        cut = sliced(f, x, (*begin, first), (*shape[:-1], 4), (*(1 for _ in begin), stride))
        low = (*begin, draw(st.integers(0, first)))
        return f.pad(cut, const(f, 1.0, x), low=low, high=(*begin, 4 - low[-1] - f.type(cut).shape[-1]))
    if kind == 8:
        perm = tuple(reversed(range(len(shape))))
        return f.transpose(f.relu(f.transpose(x, perm=perm)), perm=perm)
    return f.reshape(f.neg(f.reshape(x, shape=(dims.product(shape),))), shape=shape)


@st.composite
def random_graphs(draw: st.DrawFn) -> Graph:
    b = GraphBuilder("random", fold_bytes=draw(st.sampled_from([0, 1024])))
    f = graph_functions(b)
    values = [b.input(TensorType(float32, shape), name) for name, shape in (("x", (n, 4)), ("y", (4,)))]
    for _ in range(draw(st.integers(1, 12))):
        x = draw(st.sampled_from(values))
        kind = draw(st.integers(0, 9))
        if kind <= 1:
            other = draw(st.sampled_from(values) | st.sampled_from(CONSTANTS))
            other = const(f, other, x) if isinstance(other, float) else other
            y = f.apply(draw(st.sampled_from(BINARY)), (x, other), {})[0]
        elif kind == 2:
            y = f.apply(draw(st.sampled_from(UNARY)), (x,), {})[0]
        elif kind == 3:
            y = f.broadcast_to(x, shape=(n, 4))
        elif kind == 4:
            y = f.reverse(x, axes=(f.type(x).rank - 1,))
        elif kind == 5:
            y = f.select(f.less(x, const(f, 1.0, x)), x, const(f, draw(st.sampled_from(CONSTANTS)), x))
        elif kind == 6:
            y = f.reduce_max(x, axes=() if f.type(x).rank == 1 else (0,), keepdims=False)
        else:
            y = moved(draw, f, x, kind)
        values.append(y)
    return b.finish(values[-2:])


@given(random_graphs(), st.sampled_from([1, 2, 5]))
def test_random_graphs_compute_the_same_after_passes(graph: Graph, rows: int) -> None:
    grid = np.resize(extremes("float32"), (rows, 4))
    arrays = [grid, grid[0][::-1]]
    after = run(graph, "canonicalize,fold,cse,dce")
    assert to_text(parse(to_text(after))) == to_text(after)
    for a, b in zip(interpret(graph, arrays), interpret(after, arrays), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        if "pow" not in to_text(graph):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b))
        else:
            # NumPy's own power differs in the last bits between one exponent and an array of equal exponents.
            np.testing.assert_allclose(a, b, rtol=1e-4)


def test_a_pass_does_not_depend_on_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = build(lambda f, x, y: f.add(f.mul(x, y), f.mul(x, y)), "float32")
    nodes: list[Node] = list(graph.nodes)
    first, second = (to_text(run(graph, "canonicalize,fold,cse,dce")) for _ in range(2))
    assert first == second and graph.nodes == nodes
