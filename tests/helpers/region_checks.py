"""What the tests of control flow share: one function run eagerly, natively, by the interpreter; its gradients."""

import numpy as np
import pytest

import eager as tf
from graphcore.interpret import interpret

X = np.arange(12, dtype=np.float64).reshape(4, 3) / 8 - 0.5


def arrays(result):
    return [np.asarray(t) for t in tf.nest.flatten(result)]


def same(got, want, rtol=1e-12):
    got, want = arrays(got), arrays(want)
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
        np.testing.assert_allclose(g, w, rtol=rtol, atol=1e-12)


def native(function):
    """What ran where: nothing eagerly, nothing on the host."""
    assert [e.kind for e in function.ledger if e.kind not in ("trace", "generalise", "guard")] == []
    for concrete in function.concrete_functions:
        assert not concrete.function.compiled.host_calls
    return function


def three_ways(python_function, *args):
    """The result of a pure function: eagerly, natively and by the interpreter, which must agree."""
    tensors = [tf.constant(a) for a in args]
    eager = python_function(*tensors)
    function = tf.function(python_function, strict=True)
    same(function(*tensors), eager)
    (concrete,) = native(function).concrete_functions
    sources = concrete._sources
    inputs = [np.asarray(tensors[s.item]) if s.kind == "argument" else np.asarray(s.item) for s in sources]
    outputs = [tf.constant(a) for a in interpret(concrete.graph, inputs)]
    same(concrete.pack(outputs), eager)
    return eager


def check_gradient(python_function, *args):
    """The gradient inside a trace, outside of one, and eagerly, against central differences."""

    def inside(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            total = python_function(*tensors)
        return tape.gradient(total, tensors)

    tensors = [tf.constant(a) for a in args]
    eager = inside(*tensors)
    traced = tf.function(inside, strict=True)
    same(traced(*tensors), eager)
    native(traced)
    compiled = tf.function(python_function, strict=True)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = compiled(*tensors)
    same(tape.gradient(total, tensors), eager)
    rng, step = np.random.default_rng(5), 1e-6
    for i, gradient in enumerate(eager):
        direction = rng.normal(size=args[i].shape)
        ends = [
            float(python_function(*(tf.constant(a + s * direction if j == i else a) for j, a in enumerate(args))))
            for s in (step, -step)
        ]
        slope = float(np.sum(np.asarray(gradient) * direction))
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-8)
