"""What a call does besides computing happens once: Python functions, prints, tapes; also where tracing is repeated."""

import io
import warnings

import numpy as np
import pytest

import eager as tf
from eager.context import state, thread

SCALAR = tf.TensorSpec((), tf.float32)


class Counted:
    """A Python function on tensors that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


# Python functions -----------------------------------------------------------------------------------------------------


def test_a_trace_that_is_repeated_for_new_variables_calls_no_python_function_again():
    double = Counted(lambda x: x * 2.0)

    class Model:
        v = None

        @tf.function(strict=True)
        def call(self, x):
            y = tf.py_function(double, [x], tf.float32)
            if self.v is None:
                self.v = tf.Variable(3.0)
            return y * self.v

    model = Model()
    for n, x in enumerate((2.0, 5.0), 1):
        assert float(model.call(tf.constant(x))) == 6.0 * x
        assert double.calls == n


@pytest.mark.parametrize("declared", [tf.float32, SCALAR])
def test_a_python_function_on_the_result_of_another_runs_each_once(declared):
    def twice(x):
        assert float(tf.reduce_sum(tf.zeros((100,)))) == 0.0  # it runs at once, whatever runs around it
        return x * 2.0

    first, second = Counted(twice), Counted(twice)

    @tf.function(strict=True)
    def f(x):
        y = tf.py_function(first, [x], declared)
        return tf.py_function(second, [y + 1.0], tf.float32)

    for n in (1, 2, 3):
        assert float(f(tf.constant(2.0))) == 10.0
        assert (first.calls, second.calls) == (n, n)


def test_the_python_function_of_a_branch_that_is_not_taken_does_not_run():
    double = Counted(lambda x: x * 2.0)

    def f(x):
        return tf.cond(x > 0.0, lambda: tf.py_function(double, [tf.constant(1.0)], tf.float32), lambda: x)

    with pytest.warns(tf.FallbackWarning, match="TensorSpec"):
        assert float(tf.function(f)(tf.constant(-2.0))) == -2.0
    assert double.calls == 0


def test_a_gradient_from_outside_calls_a_python_function_once_more():
    square = Counted(lambda x: x * x)
    f = tf.function(lambda x: tf.py_function(square, [x], SCALAR) * 3.0, strict=True)
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert square.calls == 1
    assert float(tape.gradient(y, x)) == 12.0
    assert square.calls == 2


# Prints ---------------------------------------------------------------------------------------------------------------


def test_a_gradient_from_outside_prints_nothing_again_from_bodies():
    out = io.StringIO()

    @tf.function(strict=True)
    def f(x):
        def step(i, y):
            tf.print("step", i, output_stream=out)
            return i + 1, y * x

        y = tf.while_loop(lambda i, _: i < 2, step, [0, tf.constant(1.0)])[1]
        return tf.cond(x > 0.0, lambda: (tf.print("branch", output_stream=out), y * x)[1], lambda: y)

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert float(tape.gradient(y, x)) == 27.0
    assert out.getvalue() == "step 0\nstep 1\nbranch\n"


# Tapes ----------------------------------------------------------------------------------------------------------------


def test_a_tape_that_is_used_up_inside_of_a_function_records_no_more():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        assert float(tf.function(lambda: tape.gradient(y, x))()) == 6.0
    assert thread.tapes == []
    assert state.busy == 0


def test_stop_recording_in_a_body_leaves_the_body_to_its_node():
    x = tf.constant(3.0)

    def f(x):
        def yes():
            with tape.stop_recording():
                z = x * 2.0
            assert tape not in thread.tapes
            return x * x + z

        return tf.cond(x > 0.0, yes, lambda: x)

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.function(f, strict=True)(x)
    assert float(tape.gradient(y, x)) == 8.0
    assert thread.tapes == []


def test_a_gradient_function_that_assigns_does_so_when_compiled():
    count = tf.Variable(0.0)

    @tf.custom_gradient
    def square(x):
        def gradient(upstream):
            count.assign_add(1.0)
            return upstream * 2.0 * x

        return x * x, gradient

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = square(x)
        return tape.gradient(y, x)

    assert float(slope(tf.constant(3.0))) == 6.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tf.FallbackWarning)
        assert float(tf.function(slope)(tf.constant(3.0))) == 6.0
    assert float(count) == 2.0


# The end of a trace ---------------------------------------------------------------------------------------------------


def test_the_gradient_of_a_loop_can_end_the_first_trace():
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * x), [0, tf.constant(1.0)])[1]
        g = tape.gradient(y, x)
        return g if float(g) > 0.0 else -g

    with pytest.warns(tf.FallbackWarning):
        assert float(tf.function(f)(tf.constant(2.0))) == 12.0


def test_open_sizes_that_python_kept_are_numbers_after_the_end_of_a_trace():
    @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
    def f(x):
        array, shape = tf.TensorArray(tf.float32, size=tf.shape(x)[0]), x.shape
        if float(x[0]) > 0.0:
            array = array.write(0, x[0])
        return array.stack(), tf.ones(shape), array.size()

    with pytest.warns(tf.FallbackWarning):
        stacked, ones, size = f(tf.constant([2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(stacked, [2, 0, 0])
    np.testing.assert_array_equal(ones, [1, 1, 1])
    assert int(size) == 3


# Assignments are not differentiated -----------------------------------------------------------------------------------


def assigning(v):
    def f(x):
        v.assign_add(x * x)
        return v * x

    def branch(x):
        return tf.cond(x > 0.0, lambda: f(x), lambda: x)

    def loop(x):
        return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, f(x) + y), [0, x])[1]

    return {"plain": f, "branch": branch, "loop": loop, "map": lambda x: tf.map_fn(f, tf.stack([x, x]))}


@pytest.mark.parametrize("form", ["plain", "branch", "loop", "map"])
def test_gradients_do_not_flow_through_assignments(form):
    """A read after an assignment is a read of the variable, in TensorFlow and here, eager and compiled."""
    v = tf.Variable(1.0)
    f, x = assigning(v)[form], tf.constant(2.0)

    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, v])

    def outside(x):
        compiled = tf.function(f, strict=True)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = compiled(x)
        return tape.gradient(y, [x, v])

    # v is 5, 9, 13 at its reads.
    want = {"plain": (5, 2), "branch": (5, 2), "loop": (5 + 9 + 13 + 1, 6), "map": (5 + 9, 4)}[form]
    for way in (inside, tf.function(inside, strict=True), outside):
        v.assign(1.0)
        assert tuple(float(g) for g in way(x)) == want
