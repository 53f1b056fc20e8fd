"""tf.TensorArray: eagerly, in traces with known indices, as a loop variable, in branches; gradients and errors."""

import numpy as np
import pytest
from region_checks import X, check_gradient, native, same, three_ways

import eager as tf
from eager import FallbackWarning
from eager.errors import InvalidArgumentError, OutOfRangeError


def test_write_read_stack_and_the_rest():
    def f(x):
        array = tf.TensorArray(tf.float64, size=3, clear_after_read=False)
        array = array.write(0, x[0]).write(2, x[2]).write(1, x[1]).write(1, x[3])
        return array.stack(), array.read(1), array.gather([2, 0]), array.concat(), array.size()

    rows = X[[0, 3, 2]]
    same(three_ways(f, X), (rows, X[3], rows[[2, 0]], rows.ravel(), np.int32(3)))


def test_unstack_scatter_split_identity():
    def f(x):
        parts = tf.TensorArray(tf.float64, size=2, clear_after_read=False).split(x, [1, 3])
        spread = tf.TensorArray(tf.float64, size=4).scatter([3, 0, 1, 2], x)
        whole = tf.TensorArray(tf.float64, size=4).unstack(x)
        return parts.read(0), parts.concat(), spread.stack(), whole.identity().stack(), whole.read(2)

    same(three_ways(f, X), (X[:1], X, X[[1, 2, 3, 0]], X, X[2]))


def test_elements_that_were_never_written_are_zeros():
    def f(x):
        first = tf.TensorArray(tf.float64, size=3).write(1, x)
        empty = tf.TensorArray(tf.float64, size=2, element_shape=(2,))
        return first.stack(), empty.stack(), empty.read(0)

    zero = np.zeros(3)
    same(three_ways(f, X[0]), (np.stack([zero, X[0], zero]), np.zeros((2, 2)), np.zeros(2)))
    with pytest.raises(InvalidArgumentError, match="never written"):
        tf.TensorArray(tf.float32, size=2).stack()


def doubled(x):
    """Every row doubled, the last one first."""
    array = tf.TensorArray(tf.float64, size=tf.shape(x)[0])
    last = tf.shape(x)[0] - 1
    return tf.while_loop(lambda i, a: i <= last, lambda i, a: (i + 1, a.write(last - i, x[i] * 2.0)), (0, array))[1]


def test_a_loop_variable_whose_elements_have_no_shape_at_first():
    same(three_ways(lambda x: doubled(x).stack(), X), X[::-1] * 2)
    check_gradient(lambda x: tf.reduce_sum(doubled(x).stack()[1:] ** 3), X)
    check_gradient(lambda x: tf.reduce_sum(doubled(x).gather([0, 2, 2]) ** 2), X)


def test_one_trace_for_every_length():
    function = tf.function(lambda x: doubled(x).stack(), strict=True)
    for n in (2, 3, 1, 6):
        x = np.random.default_rng(n).normal(size=(n, 3))
        same(function(tf.constant(x)), x[::-1] * 2)
    assert len(native(function).concrete_functions) == 2


def test_reading_and_writing_in_nested_loops():
    def f(x):
        source = tf.TensorArray(tf.float64, size=4).unstack(x)

        def inner(j, i, a):
            return j + 1, i, a.write(i, source.read(j) + tf.cast(i, tf.float64))

        def outer(i, a):
            return i + 1, tf.while_loop(lambda j, i, a: j <= i, inner, (0, i, a))[2]

        array = tf.TensorArray(tf.float64, size=4, element_shape=(3,))
        return tf.while_loop(lambda i, a: i < 4, outer, (0, array))[1].stack()

    want = X + np.arange(4)[:, None]
    traced = tf.function(f, strict=True)
    same(traced(tf.constant(X)), want)
    native(traced)
    check = tf.function(lambda x: tf.reduce_sum(f(x) ** 2), strict=True)
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = check(x)
    same(tape.gradient(total, x), 2 * want)


def test_a_fibonacci_table():
    def f(n):
        def body(i, a, b, table):
            return i + 1, b, a + b, table.write(i, a)

        return tf.while_loop(lambda i, *_: i < n, body, (0, 0, 1, tf.TensorArray(tf.int32, size=10)))[3].stack()

    same(three_ways(f, np.int32(10)), np.array([0, 1, 1, 2, 3, 5, 8, 13, 21, 34], np.int32))
    same(three_ways(f, np.int32(3)), np.array([0, 1, 1, 0, 0, 0, 0, 0, 0, 0], np.int32))


def test_branches_write_or_leave_it():
    def f(x, i):
        array = tf.TensorArray(tf.float64, size=3)
        array = tf.cond(x[0] > 0.0, lambda: array.write(i, x), lambda: array)
        return tf.cond(x[0] > 0.0, lambda: array, lambda: array.write(0, x * 2.0)).stack()

    want = np.zeros((3, 2))
    want[1] = [1, 2]
    same(tf.function(f, strict=True)(tf.constant([1.0, 2.0], tf.float64), tf.constant(1)), want)
    want[:] = 0
    want[0] = [-2, 4]
    same(native(tf.function(f, strict=True))(tf.constant([-1.0, 2.0], tf.float64), tf.constant(1)), want)


def test_scatter_and_gather_at_indices_that_only_the_run_knows():
    def f(x, at):
        array = tf.TensorArray(tf.float64, size=5, element_shape=(3,), clear_after_read=False).scatter(at, x)
        return array.stack(), array.gather(at), array.read(at[0])

    at = np.array([4, 0, 2, 1], np.int32)
    want = np.zeros((5, 3))
    want[at] = X
    same(three_ways(f, X, at), (want, X, X[0]))


def test_an_array_that_grows():
    def f(n):
        array = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        return tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a.write(i, i * i)), (0, array))[1].stack()

    same(f(tf.constant(4)), np.array([0, 1, 4, 9], np.int32))
    function = tf.function(f)
    with pytest.warns(FallbackWarning, match="dynamic_size"):
        same(function(tf.constant(4)), np.array([0, 1, 4, 9], np.int32))

    def known(x):
        array = tf.TensorArray(tf.float64, size=0, dynamic_size=True)
        for i in range(3):
            array = array.write(i, x * float(i))
        return array.stack()

    same(three_ways(known, X[0]), np.stack([X[0] * i for i in range(3)]))


def test_errors_at_once():
    array = tf.TensorArray(tf.float32, size=2)
    for index in (2, -1, tf.constant(5)):
        with pytest.raises(OutOfRangeError, match="index"):
            array.write(index, 1.0)
        with pytest.raises(OutOfRangeError, match="index"):
            array.read(index)
    with pytest.raises(InvalidArgumentError, match="float32 but Op is trying to write dtype int32"):
        array.write(0, tf.constant(1))
    with pytest.raises(ValueError, match="Incompatible shape"):
        tf.TensorArray(tf.float32, size=2, element_shape=(3,)).write(0, tf.ones(2))
    with pytest.raises(ValueError, match="Cannot unstack 3 tensors"):
        array.unstack(tf.ones(3))
    with pytest.raises(ValueError, match="size"):
        tf.TensorArray(tf.float32)
    with pytest.raises(ValueError, match="at least 0"):
        tf.TensorArray(tf.float32, size=-1)


def test_reading_twice():
    array = tf.TensorArray(tf.float32, size=2).unstack(tf.constant([1.0, 2.0]))
    assert float(array.read(0)) == 1
    with pytest.raises(InvalidArgumentError, match="Could not read index 0 twice"):
        array.read(0)
    assert float(array.write(0, 5.0).read(0)) == 5
    kept = tf.TensorArray(tf.float32, size=1, clear_after_read=False).write(0, 3.0)
    assert [float(kept.read(0)), float(kept.read(0))] == [3, 3]


def test_an_index_outside_fails_the_run():
    @tf.function(strict=True)
    def f(i, x):
        array = tf.TensorArray(tf.float32, size=2, element_shape=())
        return array.write(i, x).stack()

    @tf.function(strict=True)
    def g(i, x):
        return tf.TensorArray(tf.float32, size=2).unstack(x).read(i)

    assert f(tf.constant(1), tf.constant(5.0)).numpy().tolist() == [0, 5]
    assert float(g(tf.constant(1), tf.constant([5.0, 6.0]))) == 6
    for at in (2, -1):
        with pytest.raises(InvalidArgumentError):
            f(tf.constant(at), tf.constant(5.0))
        with pytest.raises(InvalidArgumentError):
            g(tf.constant(at), tf.constant([5.0, 6.0]))


def test_shapes_that_differ_are_an_error_in_a_loop():
    @tf.function
    def f(x, i):
        array = tf.TensorArray(tf.float32, size=2).write(i, x)
        return array.write(i, x[:1]).stack()

    with pytest.raises(ValueError, match="Incompatible shape"):
        f(tf.ones(3), tf.constant(0))


def test_what_it_says_about_itself():
    array = tf.TensorArray(tf.float32, size=2, element_shape=(None, 3), dynamic_size=True)
    assert (array.dtype, array.dynamic_size) == (tf.float32, True)
    assert array.element_shape.as_list() == [None, 3]
    assert repr(array) == "<tf.TensorArray of 2 float32 elements of shape (None, 3)>"
    array.close()
    assert int(array.size()) == 0
