"""GradientTape: watching, nesting, persistence, unconnected sources."""

import numpy as np
import pytest

import eager as tf


def test_gradient_of_a_variable_is_watched_by_itself():
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(v * v)
    assert tape.gradient(y, v).numpy().tolist() == [2.0, 4.0]


def test_untrainable_and_integer_variables_are_not_watched():
    v, n = tf.Variable(2.0, trainable=False), tf.Variable(3)
    with tf.GradientTape() as tape:
        y = v * 2.0 + tf.cast(n, tf.float32)
    assert tape.gradient(y, [v, n]) == [None, None]


def test_watch_tensors_in_structures():
    x = {"a": tf.constant(2.0), "b": (tf.constant(3.0),)}
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x["a"] * x["a"] * x["b"][0]
    got = tape.gradient(y, x)
    assert float(got["a"]) == 12.0
    assert float(got["b"][0]) == 4.0


def test_second_gradient_needs_a_persistent_tape():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, z = x * x, x * x * x
    assert float(tape.gradient(y, x)) == 6.0
    assert float(tape.gradient(z, x)) == 27.0


def test_equal_values_computed_twice_are_independent():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        a, b = x * 2, x * 2
        tape.watch(a)
        y = b * 5.0
    assert tape.gradient(y, a) is None


def test_nested_tapes_give_second_derivatives():
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3.0
        first = inner.gradient(y, x)
    assert float(first) == 12.0
    assert float(outer.gradient(first, x)) == pytest.approx(12.0)


def test_stop_recording_and_stop_gradient():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tape.stop_recording():
            hidden = x * x
        y = x * hidden + tf.stop_gradient(x) * x
    assert float(tape.gradient(y, x)) == 4.0 + 2.0


def test_unconnected_gradients():
    x, z = tf.constant(2.0), tf.constant([1.0, 1.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        y = x * 2
    assert tape.gradient(y, z) is None
    zero = tape.gradient(y, z, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert zero.numpy().tolist() == [0.0, 0.0]


def test_output_gradients_and_several_targets():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, z = x * 3.0, x * x
    assert tape.gradient(y, x, output_gradients=tf.constant([1.0, 10.0])).numpy().tolist() == [3.0, 30.0]
    assert tape.gradient([y, z], x).numpy().tolist() == [5.0, 7.0]


def test_a_target_that_is_a_source():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert [float(g) for g in tape.gradient(y, [x, y])] == [4.0, 1.0]


def test_assignment_is_not_differentiated():
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        a = v * 3.0
        v.assign(5.0)
        b = v * v
    assert float(tape.gradient(b, v)) == 10.0
    assert float(a) == 6.0


def test_watch_refuses_what_is_no_tensor():
    with tf.GradientTape() as tape, pytest.raises(ValueError, match=r"not tf\.Tensor"):
        tape.watch(np.ones(2))


def test_broadcasting_sums_the_gradient():
    x, b = tf.ones((3, 2)), tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum((x + b) * (x + b))
    assert tape.gradient(y, b).numpy().tolist() == [12.0, 18.0]


def test_an_unwatched_source_has_no_gradient():
    x, y = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = x * y
    assert [None if g is None else float(g) for g in tape.gradient(z, [x, y])] == [3.0, None]
