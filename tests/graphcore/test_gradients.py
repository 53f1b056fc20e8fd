"""Gradient rules against central differences in float64, first and second order."""

import numpy as np
import pytest
from differences import check, check_second, gradient_of, rand, recorded, symbolic

from graphcore import OPS, dims
from graphcore.autodiff import backward
from graphcore.builder import evaluate_op
from graphcore.dtypes import float64, int64
from graphcore.functions import Functions, array_functions
from graphcore.interpret import interpret
from graphcore.ops import samples
from graphcore.types import TensorType

DOT = {"contracting": ((1,), (0,)), "batch": ((), ())}
INDICES = np.array([[1, 0, 1], [3, 3, 0]])


# op -> (operands, attrs, operands to differentiate, smooth: also checked at second order)
X, Y = rand(3, 4), rand(3, 4, seed=1)
CASES = {
    **{n: [((X,), {}, True)] for n in (
        "neg", "exp", "exp2", "expm1", "tanh", "erf", "sin", "cos", "sigmoid", "silu",
        "softplus", "gelu", "gelu_tanh", "identity")},
    **{n: [((rand(3, 4, low=0.3),), {}, True)] for n in ("log", "log1p", "sqrt", "rsqrt")},
    **{n: [((X,), {}, False)] for n in ("abs", "relu", "sign")},
    **{n: [((a, b), {}, True) for a,
    b in ((X, Y), (rand(3, 1), rand(5)), (rand(), X), (rand(2, 1, 4), rand(3, 1)))]
       for n in ("add", "sub", "mul")},
    "div": [((a, b), {}, True) for a, b in (
        (X, rand(3, 4, low=0.5)), (rand(3, 1), rand(5, low=0.5)), (rand(), rand(3, low=0.5)))],
    "pow": [((rand(3, 4, low=0.2), Y), {}, True), ((rand(3, 1, low=0.2), rand(5)), {}, True),
            ((X, np.full((), 3.0)), {}, False)],
    "mod": [((X, np.full((3, 4), 0.7)), {}, False)],
    **{n: [((X, Y), {}, False), ((rand(3, 1), rand(5)), {}, False)] for n in ("maximum", "minimum")},
    "cast": [((X,), {"dtype": float64}, True)],
    "reduce_sum": [((rand(2, 3, 4),), {"axes": a, "keepdims": k}, True)
                   for a, k in (((0, 2), False), ((1,), True), ((), False))],
    "reduce_prod": [((rand(2, 3, 4),), {"axes": a, "keepdims": k}, True)
                    for a, k in (((0, 2), False), ((1,), True), ((0,), False))]
    + [((np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0]]),), {"axes": (1,), "keepdims": False},
    True),
       ((rand(3, 1),), {"axes": (1,), "keepdims": False}, True)],
    **{n: [((rand(2, 3, 4),), {"axes": a, "keepdims": k}, False) for a, k in (((0, 2), False), ((1,), True))]
       for n in ("reduce_max", "reduce_min")},
    "dot_general": [
        ((rand(3, 4), rand(4, 2)), DOT, True),
        ((rand(4, 3), rand(2, 4)), {"contracting": ((0,), (1,)), "batch": ((), ())}, True),
        ((rand(2, 3, 4), rand(2, 4, 2)), {"contracting": ((2,), (1,)), "batch": ((0,), (0,))}, True),
        ((rand(2, 3, 2, 4), rand(4, 2, 5, 3)), {"contracting": ((3, 1), (0, 3)), "batch": ((0,), (1,))},
        True),
        ((rand(3), rand(2)), {"contracting": ((), ()), "batch": ((), ())}, True),
        ((rand(2, 3, 4), rand(3, 4)), {"contracting": ((1, 2), (0, 1)), "batch": ((), ())}, True)],
    "convolution": [((rand(2, 5, 2), rand(3, 1, 4)), {
        "strides": (2,), "low": (1,), "high": (2,), "lhs_dilation": (1,), "rhs_dilation": (2,), "groups": 2}, True)],
    "convolution_filter": [((rand(2, 5, 2), rand(2, 2, 4)), {
        "strides": (2,), "low": (1,), "high": (2,), "lhs_dilation": (1,), "rhs_dilation": (2,), "groups": 2,
        "kernel": (3,)}, True)],
    "window_reduce": [((rand(3, 7),), {
        "combine": c, "window": (1, 3), "strides": (1, 2), "low": (0, 1), "high": (0, 1), "base_dilation": (1, 1),
        "window_dilation": (1, 1)}, c == "add") for c in ("add", "max", "min")],
    "reshape": [((X,), {"shape": (2, 6)}, True)],
    "transpose": [((rand(2, 3, 4),), {"perm": (2, 0, 1)}, True)],
    "broadcast_to": [((rand(3, 1),), {"shape": (2, 3, 4)}, True), ((rand(),), {"shape": (3,)}, True)],
    "fill": [((rand(),), {"shape": (2, 3)}, True)],
    "slice": [((rand(7, 5),), {"begin": (1, 0), "end": (7, 5), "strides": (2, 3)}, True),
              ((rand(4),), {"begin": (2,), "end": (2,), "strides": (1,)}, True)],
    "pad": [((X, rand()), {"low": (1, 0), "high": (0, 2), "interior": (2, 1)}, True),
            ((rand(4), rand()), {"low": (0,), "high": (3,)}, True)],
    "concatenate": [((rand(2, 3), rand(2, 1), rand(2, 2)), {"axis": 1}, True)],
    "reverse": [((X,), {"axes": (0, 1)}, True)],
    **{n: [((X,), {}, True)] for n in ("atan", "sinh", "cosh", "asinh", "erfc")},
    **{n: [((0.9 * np.tanh(X),), {}, True)] for n in ("tan", "asin", "acos", "atanh", "erfinv")},
    "acosh": [((rand(3, 4, low=1.2),), {}, True)],
    "ndtri": [((0.5 + 0.4 * np.tanh(X),), {}, True)],
    **{n: [((rand(3, 4, low=0.3),), {}, False)] for n in ("lgamma", "digamma")},
    "atan2": [((X, Y), {}, True), ((rand(3, 1), rand(5)), {}, True)],
    "nextafter": [((X, Y), {}, False), ((rand(3, 1), rand(5)), {}, False)],
}  # fmt: skip
INDEXED = {"gather", "gather_nd", "scatter", "dynamic_slice", "dynamic_update_slice", "sort", "cumulative", "select"}
STRUCTURAL = {"fusion", "call", "cond", "while", "scan"}  # control ops: test_control.py
HOST = {n for n, op in OPS.items() if not op.native and op.differentiable}  # test_host_gradients.py
PARAMS = [pytest.param(n, *case, id=f"{n}{i}") for n, cases in CASES.items() for i, case in enumerate(cases)]


def test_every_differentiable_op_is_checked():
    assert {n for n, op in OPS.items() if op.differentiable} == set(CASES) | INDEXED | STRUCTURAL | HOST


@pytest.mark.parametrize(("name", "arrays", "attrs", "smooth"), PARAMS)
def test_gradient_is_the_limit_of_differences(name, arrays, attrs, smooth):
    def function(f, *xs):
        return f.apply(name, xs, attrs)[0]

    wrt = range(len(arrays)) if name != "mod" else [0]
    if name == "pow" and not smooth:
        wrt = [0]
    check(function, arrays, wrt)
    if smooth:
        check_second(function, arrays, wrt)


@pytest.mark.parametrize("axis", [0, 1])
def test_gather_and_scatter(axis):
    """The other index ops are checked in test_index_ops."""
    x = rand(4, 4)
    gather = lambda f, x: f.gather(x, INDICES, axis=axis)  # noqa: E731
    scatter = lambda f, x, u: f.scatter(x, INDICES[..., None], u, combine="add")  # noqa: E731
    check(gather, [x], [0])
    check(scatter, [x, rand(2, 3, 4)], [0, 1])
    check_second(lambda f, x: f.mul(gather(f, x), gather(f, x)), [x], [0])


def test_select():
    condition = np.array([[True], [False], [True]])
    check_second(lambda f, x, y: f.mul(f.select(condition, x, y), x), [X, rand(4)], [0, 1])
    check(lambda f, x, y: f.select(condition, x, y), [X, rand(4)], [0, 1])


def test_fusion_differentiates_its_body():
    arrays, attrs = samples.fusions()[3]
    check(lambda f, *xs: f.apply("fusion", xs, attrs)[0], arrays, [0, 1])
    check_second(lambda f, *xs: f.apply("fusion", xs, attrs)[0], arrays, [0, 1])


def test_ties_and_kinks_follow_tensorflow():
    np.testing.assert_array_equal(gradient_of("relu", [-1.0, 0.0, 2.0]), [0, 0, 1])
    np.testing.assert_array_equal(gradient_of("abs", [-1.0, 0.0, 2.0]), [-1, 0, 1])
    for name in ("maximum", "minimum"):
        np.testing.assert_array_equal(gradient_of(name, [1.0, 1.0], [1.0, 1.0], wrt=0), [1, 1])
        np.testing.assert_array_equal(gradient_of(name, [1.0, 1.0], [1.0, 1.0], wrt=1), [0, 0])
    np.testing.assert_array_equal(
        gradient_of("reduce_max", [1.0, 3.0, 3.0], axes=(0,), keepdims=False), [0, 0.5, 0.5]
    )
    np.testing.assert_array_equal(gradient_of("pow", [0.0, -2.0, 2.0], [3.0, 2.0, 0.0], wrt=1)[:2], [0, 0])
    np.testing.assert_array_equal(gradient_of("pow", [0.0, 2.0], [2.0, 3.0]), [0, 12])
    np.testing.assert_array_equal(gradient_of("sign", [-1.0, 0.0, 2.0]), [0, 0, 0])
    for name in ("floor", "ceil", "round"):
        assert gradient_of(name, [1.5]) is None


def test_gradients_stay_finite_far_out():
    far = [-700.0, -40.0, 40.0, 700.0]
    for name in ("tanh", "sigmoid", "silu", "softplus", "gelu", "gelu_tanh", "erf"):
        assert np.isfinite(gradient_of(name, far)).all(), name


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_empty_operands_have_empty_gradients(axes):
    for name in ("reduce_sum", "reduce_prod"):
        got = gradient_of(name, np.zeros((0, 3)), axes=axes, keepdims=False)
        assert got.shape == (0, 3)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_symbolic_sizes_give_the_gradients_of_real_ones(n):
    size = dims.symbol("n")
    x, w = rand(n, 4), rand(4, 3, seed=2)
    types = (TensorType(float64, (size, 4)), TensorType(float64, (4, 3)))

    def model(f, x, w):
        h = f.tanh(f.dot_general(x, w, **DOT))
        p = f.reduce_prod(h, axes=(0,), keepdims=False)
        return f.mul(f.add(h, p), f.reduce_max(h, axes=(1,), keepdims=True))

    records = []
    f = recorded(records)
    y = model(f, x, w)
    want = backward(records, [y], [x, w], [np.ones_like(y)], array_functions())
    got = interpret(symbolic(model, *types), [x, w])
    for g, e in zip(got, want, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12)


def test_symbolic_slices_and_pads():
    size = dims.symbol("n")

    def model(f, x):
        n = f.type(x).shape[0]
        part = f.slice(x, begin=(0,), end=(n,), strides=(2,))
        whole = f.pad(part, f.constant(0.0, like=x), low=(1,), high=(n,), interior=(1,))
        return f.mul(whole, whole)

    graph = symbolic(model, TensorType(float64, (size,)))
    for n in (1, 2, 3, 7, 64):
        x = rand(n)
        (got,) = interpret(graph, [x])
        np.testing.assert_allclose(got, 2 * x * (np.arange(n) % 2 == 0))


def test_integers_have_no_gradient():
    x = np.array([1, 2, 3])
    records = []
    f = recorded(records)
    y = f.cast(f.mul(f.cast(x, dtype=float64), np.full(3, 2.0)), dtype=int64)
    assert backward(records, [y], [x], [np.ones(3)], array_functions()) == [None]


def test_unwanted_gradients_are_not_computed():
    records, used = [], []
    f, plain = recorded(records), array_functions()
    counting = Functions(
        lambda op, xs, attrs: used.append(op.name) or evaluate_op(op, xs, attrs), plain.type, lambda a: a
    )
    x, w = rand(3, 4), rand(4, 2)
    y = f.dot_general(x, w, **DOT)
    backward(records, [y], [w], [np.ones_like(y)], counting)
    assert used.count("dot_general") == 1
