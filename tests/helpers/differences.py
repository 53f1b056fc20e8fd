"""Gradients through a tape over arrays, and central differences in float64 to hold against them."""

import numpy as np

from graphcore.autodiff import Record, backward
from graphcore.builder import GraphBuilder, evaluate_op
from graphcore.functions import Functions, array_functions, graph_functions

STEP = 1e-5


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
            lambda op, xs, attrs: noted(records, op, xs, attrs, f), f.type, lambda a: f.constant(a)
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


def noted(records, op, inputs, attrs, f):
    outputs = f.apply(op, inputs, attrs)
    records.append(Record(op, tuple(inputs), outputs, attrs))
    return outputs


def rand(*shape, seed=0, low=None):
    x = np.random.default_rng([seed, *shape]).normal(size=shape)
    return x if low is None else np.abs(x) + low


def gradient_of(name, *arrays, wrt=0, **attrs):
    records = []
    f = recorded(records)
    arrays = [np.asarray(a, dtype=np.float64) for a in arrays]
    y = f.apply(name, arrays, attrs)[0]
    with np.errstate(all="ignore"):
        return backward(records, [y], [arrays[wrt]], [np.ones_like(y)], array_functions())[0]


def symbolic(function, *types):
    """The gradients of sum(function) as one graph with symbolic shapes."""
    builder = GraphBuilder("gradient")
    inputs = [builder.input(t, f"x{i}") for i, t in enumerate(types)]
    records = []
    plain = graph_functions(builder)
    f = Functions(lambda op, xs, attrs: noted(records, op, xs, attrs, plain), plain.type, builder.constant)
    y = function(f, *inputs)
    found = backward(records, [y], inputs, [plain.full(y.type, 1.0)], plain)
    return builder.finish([g for g in found if g is not None])
