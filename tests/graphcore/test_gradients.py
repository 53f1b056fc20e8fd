"""Gradient rules against central differences in float64, first and second order."""

import numpy as np
import pytest

from graphcore import OPS, dims
from graphcore.autodiff import Record, backward
from graphcore.builder import GraphBuilder, evaluate_op
from graphcore.dtypes import float64, int64
from graphcore.functions import Functions, array_functions, graph_functions
from graphcore.interpret import interpret
from graphcore.ops import samples
from graphcore.types import TensorType

STEP = 1e-5
DOT = {"contracting": ((1,), (0,)), "batch": ((), ())}
INDICES = np.array([[1, 0, 1], [3, 3, 0]])


def recorded(records):
    """Functions over arrays that note what they apply; results are fresh objects, as a tape needs."""

    def apply(op, inputs, attrs):
        outputs = [np.array(r) for r in evaluate_op(op, inputs, attrs)]
        records.append(Record(op, tuple(inputs), tuple(outputs), attrs))
        return outputs

    plain = array_functions()
    return Functions(apply, plain.type, lambda a: np.array(a))


def gradients(function, arrays, wrt):
    """d sum(w * function(arrays)) / d arrays[wrt], with fixed weights w, as arrays."""
    records = []
    f = recorded(records)
    arrays = [np.array(a) for a in arrays]
    y = function(f, *arrays)
    found = backward(records, [y], [arrays[i] for i in wrt], [weights(y)], array_functions())
    return [np.zeros_like(arrays[i]) if g is None else g for i, g in zip(wrt, found, strict=True)]


def weights(y):
    return np.random.default_rng(5).normal(size=np.shape(y))


def differences(value, arrays, wrt):
    """Central differences of a scalar function of arrays."""
    found = []
    for i in wrt:
        slope = np.zeros_like(arrays[i])
        for place in np.ndindex(*arrays[i].shape):
            ends = []
            for sign in (1, -1):
                moved = [np.array(a) for a in arrays]
                moved[i][place] += sign * STEP
                ends.append(value(moved))
            slope[place] = (ends[0] - ends[1]) / (2 * STEP)
        found.append(slope)
    return found


def check(function, arrays, wrt):
    def value(moved):
        y = function(array_functions(), *moved)
        return float(np.sum(weights(y) * y))

    with np.errstate(all="ignore"):
        got, want = gradients(function, arrays, wrt), differences(value, arrays, wrt)
    for g, w, i in zip(got, want, wrt, strict=True):
        assert g.shape == arrays[i].shape and g.dtype == arrays[i].dtype
        np.testing.assert_allclose(g, w, rtol=2e-6, atol=2e-7)


def check_second(function, arrays, wrt):
    """Differentiates the gradient once more: the gradient rules are themselves made of differentiable ops."""

    def first(f, *inputs):
        records = []
        taped = Functions(
            lambda op, xs, attrs: _noted(records, op, xs, attrs, f), f.type, lambda a: f.constant(a)
        )
        y = function(taped, *inputs)
        grads = backward(records, [y], [inputs[i] for i in wrt], [weights(y)], f)
        total = None
        for g in grads:
            if g is not None:
                part = f.reduce_sum(
                    f.mul(g, f.constant(weights(g))), axes=tuple(range(np.ndim(g))), keepdims=False
                )
                total = part if total is None else f.add(total, part)
        return total

    check(first, arrays, wrt)


def _noted(records, op, inputs, attrs, f):
    outputs = f.apply(op, inputs, attrs)
    records.append(Record(op, tuple(inputs), outputs, attrs))
    return outputs


def rand(*shape, seed=0, low=None):
    x = np.random.default_rng([seed, *shape]).normal(size=shape)
    return x if low is None else np.abs(x) + low


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
}  # fmt: skip
INDEXED = {"gather", "scatter_add", "select"}
STRUCTURAL = {"fusion", "call"}
PARAMS = [pytest.param(n, *case, id=f"{n}{i}") for n, cases in CASES.items() for i, case in enumerate(cases)]


def test_every_differentiable_op_is_checked():
    assert {n for n, op in OPS.items() if op.differentiable} == set(CASES) | INDEXED | STRUCTURAL


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
def test_gather_and_scatter_add(axis):
    x = rand(4, 4)
    updates = rand(2, 3, 4) if axis == 0 else rand(4, 2, 3)
    gather = lambda f, x: f.gather(x, INDICES, axis=axis)  # noqa: E731
    scatter = lambda f, x, u: f.scatter_add(x, INDICES, u, axis=axis)  # noqa: E731
    check(gather, [x], [0])
    check(scatter, [x, updates], [0, 1])
    check_second(lambda f, x: f.mul(gather(f, x), gather(f, x)), [x], [0])


def test_select():
    condition = np.array([[True], [False], [True]])
    check_second(lambda f, x, y: f.mul(f.select(condition, x, y), x), [X, rand(4)], [0, 1])
    check(lambda f, x, y: f.select(condition, x, y), [X, rand(4)], [0, 1])


def test_fusion_differentiates_its_body():
    arrays, attrs = samples.fusions()[3]
    check(lambda f, *xs: f.apply("fusion", xs, attrs)[0], arrays, [0, 1])
    check_second(lambda f, *xs: f.apply("fusion", xs, attrs)[0], arrays, [0, 1])


def gradient_of(name, *arrays, wrt=0, **attrs):
    records = []
    f = recorded(records)
    arrays = [np.asarray(a, dtype=np.float64) for a in arrays]
    y = f.apply(name, arrays, attrs)[0]
    with np.errstate(all="ignore"):
        return backward(records, [y], [arrays[wrt]], [np.ones_like(y)], array_functions())[0]


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


def symbolic(function, *types):
    """The gradients of sum(function) as one graph with symbolic shapes."""
    builder = GraphBuilder("gradient")
    inputs = [builder.input(t, f"x{i}") for i, t in enumerate(types)]
    records = []
    plain = graph_functions(builder)
    f = Functions(lambda op, xs, attrs: _noted(records, op, xs, attrs, plain), plain.type, builder.constant)
    y = function(f, *inputs)
    found = backward(records, [y], inputs, [plain.full(y.type, 1.0)], plain)
    return builder.finish([g for g in found if g is not None])


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
