"""The short ways of calls: the same values and errors as the general ways, and never taken where something records."""

import numpy as np
import pytest

import eager as tf
from eager import plain

RNG = np.random.default_rng(5)
X, Y = (RNG.standard_normal((3, 3)).astype(np.float32) for _ in range(2))


def test_values_are_numpys() -> None:
    x, y, v = tf.constant(X), tf.constant(Y), tf.Variable(Y)
    np.testing.assert_array_equal(tf.matmul(x, y), X @ Y)
    np.testing.assert_array_equal(x @ v, X @ Y)
    np.testing.assert_array_equal(tf.concat([x, y], -1), np.concatenate([X, Y], -1))
    np.testing.assert_array_equal(x + v, X + Y)
    np.testing.assert_array_equal(tf.add(x, v), X + Y)
    np.testing.assert_array_equal(tf.nn.relu(x), np.maximum(X, 0))
    np.testing.assert_array_equal(tf.sqrt(tf.abs(x)), np.sqrt(np.abs(X)))
    np.testing.assert_array_equal(x[1:, ::-1], X[1:, ::-1])


def test_a_scalar_stays_a_tensor_and_no_warning_is_given() -> None:
    with np.errstate(all="raise"):
        assert tf.math.log(tf.constant(0.0)).numpy() == -np.inf
        assert tf.multiply(tf.constant(3e38), tf.constant(10.0)).numpy() == np.inf
    assert isinstance(tf.tanh(tf.constant(0.5)), tf.Tensor)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.matmul(tf.constant(X), tf.constant(X[:2])),
        lambda: tf.concat([tf.constant(X), tf.constant(X[0])], 0),
        lambda: tf.concat([tf.constant(X), tf.constant(X)], 2),
        lambda: tf.add(tf.constant(X), tf.constant(X[:2])),
    ],
)
def test_what_numpy_refuses_is_told_in_our_words(call) -> None:
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=r"matmul|concat|add"):
        call()


@pytest.mark.parametrize("name", ["matmul", "concat", "add", "tanh", "nn.relu"])
def test_tapes_and_traces_see_every_call(name: str) -> None:
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    one = name in ("tanh", "nn.relu")

    def call(x, y):
        return function(x) if one else function([x, y], 0) if name == "concat" else function(x, y)

    x, y = tf.constant(X), tf.constant(Y)
    eager = call(x, y)
    np.testing.assert_allclose(tf.function(call)(x, y), eager, rtol=1e-5, atol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = call(x, y)
    assert tape.gradient(out, x) is not None


def test_what_a_short_way_does_not_know_is_left_to_the_general_one() -> None:
    x = tf.constant(X)
    assert plain.matmul(x, X) is None
    assert plain.matmul(x, tf.constant(Y.astype(np.float64))) is None
    assert plain.matmul(x) is None
    assert plain.concat([x], 0) is None
    assert plain.concat([x, tf.constant(Y.astype(np.float64))], 0) is None
    with pytest.raises(TypeError):
        tf.tanh()  # pyright: ignore[reportCallIssue]
