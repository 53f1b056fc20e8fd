"""Corners of arrays, reductions, tapes and the Keras backend: the values that TensorFlow 2.15.1 gives on the CPU."""

import numpy as np
import pytest

import eager as tf

INF = float("inf")
K = tf.keras.backend


def check(tensor, values, dtype=None):
    assert dtype is None or tensor.dtype is dtype
    np.testing.assert_array_equal(np.asarray(tensor), values)


def both(function, *arguments):
    """A function's results eagerly and compiled."""
    return function(*arguments), tf.function(function)(*arguments)


def test_floor_division_of_floats_is_the_floor_of_the_quotient():
    x, y = tf.constant([1.0, 0.3, INF, -7.5]), tf.constant([0.1, 0.1, 2.0, 2.0])
    for got in (x // y, *both(tf.math.floordiv, x, y)):
        check(got, [10, 3, INF, -4])
    check(tf.constant([1.0], tf.float64) // 0.1, [10.0])
    check(1.0 // tf.constant([0.1]), [10.0])


def test_means_of_integers_round_towards_zero_in_64_bits():
    for got in both(tf.reduce_mean, tf.constant([-1, -2, -4, 5, -7])):
        check(got, -1, tf.int32)
    check(tf.reduce_mean([2**31 - 1, 2**31 - 1]), 2**31 - 1, tf.int32)
    check(tf.reduce_mean(tf.constant([200, 200, 7, 0], tf.uint8)), 101, tf.uint8)
    check(tf.reduce_mean(tf.constant([-7, 2], tf.int64)), -2, tf.int64)


def test_reductions_of_integers_and_bools():
    check(tf.math.reduce_euclidean_norm(tf.constant([100, 100, 7, 0])), 141, tf.int32)
    check(tf.math.reduce_euclidean_norm(tf.constant([1, 2, 3, 100], tf.uint8)), 5, tf.uint8)  # squares wrap
    check(tf.argmax([False, True, True]), 1, tf.int64)
    check(tf.argmin([True, False]), 1)


def test_limits_that_cross_give_the_lower_one():
    check(tf.clip_by_value([0.0, 3.0, 9.0], 5.0, 2.0), [5, 5, 5])
    check(K.clip(tf.constant([0.0, 9.0]), 2.0, 5.0), [2, 5])


def test_norms_of_nothing_are_zero():
    check(tf.linalg.global_norm([None]), 0, tf.float32)
    clipped, norm = tf.clip_by_global_norm([None], 1.0)
    assert clipped == [None] and float(norm) == 0


def test_products_and_quotients_without_nan():
    x = tf.constant([INF, np.nan, 3.0, 2.0])
    y = tf.constant([0.0, 0.0, 0.0, 5.0])

    def slope(x, y):
        with tf.GradientTape() as tape:
            tape.watch((x, y))
            z = tf.math.multiply_no_nan(x, y)
        return (z, *tape.gradient(z, (x, y)))

    for z, dx, dy in both(slope, x, y):
        check(z, [0, 0, 0, 10])
        check(dx, [0, 0, 0, 5])
        check(dy[2:], [3, 2])
    check(tf.math.divide_no_nan(tf.constant([7, 1]), tf.constant([2, 0])), [3.5, 0], tf.float64)
    check(tf.math.divide_no_nan(tf.constant([7], tf.int8), tf.constant([2], tf.int8)), [3.5], tf.float32)


def test_weights_that_are_all_zero_give_moments_of_zero():
    mean, variance = tf.nn.weighted_moments(tf.ones((3, 2)), [0], tf.zeros((3, 1)))
    check(mean, [0, 0])
    check(variance, [0, 0])


def test_sizes_of_zero():
    assert tf.reshape(tf.zeros((0, 3)), [0, -1]).shape == (0, 3)
    assert tf.reshape(tf.zeros((0, 3)), [5, -1]).shape == (5, 0)
    check(tf.linspace(0.0, 1.0, 0), [], tf.float32)
    check(tf.sequence_mask([]), np.zeros((0, 0)))
    check(tf.sequence_mask([0.5, 2.0]), [[True, False], [True, True]])


def test_empty_sums_of_exponentials_are_minus_infinity():
    check(tf.math.cumulative_logsumexp([1.0, -INF], exclusive=True), [-INF, 1])
    for got in both(tf.math.cumulative_logsumexp, tf.constant([-INF, 2.0, -INF])):
        check(got, [-INF, 2, 2])


def test_dtypes_of_values_decide():
    check(tf.one_hot([0, 1], 2, 5, 7), [[5, 7], [7, 5]], tf.int32)
    check(tf.one_hot([0, 1], 2, on_value=True, off_value=False), np.eye(2), tf.bool)
    with pytest.raises(TypeError, match="one_hot"):
        tf.one_hot([0, 1], 2, on_value=5.0, off_value=1)
    with pytest.raises(ValueError, match="depth"):
        tf.one_hot([0, 1], -1)
    check(tf.stack([1, 2.5]), [1, 2.5], tf.float32)
    check(tf.convert_to_tensor(1.5, dtype_hint=tf.int32), 1.5, tf.float32)
    check(tf.constant(range(3)), [0, 1, 2], tf.int32)
    assert tf.constant(np.array(["a"])).numpy()[0] == b"a"


def test_what_is_no_string_is_no_string():
    for wrong in (lambda: tf.constant(1, tf.string), lambda: tf.as_dtype(None)):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="mixed types"):
        tf.constant(np.array([1, None], object))
    with pytest.raises(tf.errors.UnimplementedError, match="string"):
        tf.cast(3, tf.string)
    with pytest.raises(ValueError, match="partially known"):
        tf.convert_to_tensor(tf.TensorShape([None]))


def test_an_index_out_of_range_is_both_errors():
    x = tf.ones((2, 3))
    for key in (2, -3, (0, 3), (0, 0, 0), (..., 0, ...)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            x[key]
        with pytest.raises(IndexError):
            x[key]


def test_sums_and_losses_do_not_broadcast_silently():
    with pytest.raises(ValueError, match="add_n"):
        tf.add_n([tf.ones((2, 3)), tf.ones(())])
    check(tf.add_n(tf.constant([[1.0, 2.0], [3.0, 4.0]])), [4, 6])
    with pytest.raises(ValueError, match="labels"):
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=tf.ones((2, 3)))
    with pytest.raises(ValueError, match="data_format"):
        tf.nn.bias_add(tf.ones((1, 2, 3)), [1.0, 2, 3], data_format="bad")
    with pytest.raises(ValueError, match="indices"):
        tf.TensorArray(tf.float32, 3).scatter([2, 0], tf.ones((3, 2)))


def test_texts_of_values():
    assert f"{tf.constant(2.5)}" == "2.5" and f"{tf.constant([3, 1])}" == "[3 1]"
    assert repr(tf.Variable([1, 2], name="q")).endswith("numpy=array([1, 2], dtype=int32)>")


def test_variables_refuse_updates_in_place_and_take_scattered_extremes():
    v = tf.Variable([1.0, 2.0, 3.0])
    with pytest.raises(RuntimeError, match="assign_add"):
        v += 1
    with pytest.raises(RuntimeError, match="assign_sub"):
        v -= 1
    with pytest.raises(RuntimeError, match="assign"):
        v *= 2
    check(v.scatter_nd_max([[0], [2]], [9.0, 2.0]), [9, 2, 3])
    check(v.scatter_nd_min([[0], [2]], [8.0, 9.0]), [8, 2, 3])


def test_a_used_tape_still_names_its_variables():
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
    assert float(tape.gradient(y, v)) == 4
    assert len(tape.watched_variables()) == 1


def test_jacobians_of_what_is_not_connected_or_no_tensor():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.constant([[1.0], [2.0]])
    check(tape.batch_jacobian(y, x), np.zeros((2, 1, 2)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(TypeError, match="one tensor"):
        tape.jacobian([y, y], x)


def test_nested_accumulators_whose_contexts_have_ended():
    x, one = tf.constant(2.0), tf.constant(1.0)
    with tf.autodiff.ForwardAccumulator(x, one) as outer, tf.autodiff.ForwardAccumulator(x, one) as inner:
        y = x * x * x
    first = inner.jvp(y)
    assert float(first) == 12 and float(outer.jvp(first)) == 12


def test_keras_backend():
    check(K.zeros((2,), dtype="int32"), [0, 0], tf.int32)
    check(K.ones((1,), dtype="bool"), [True], tf.bool)
    check(K.arange(0, 1, 0.5), [0, 0.5], tf.float32)
    check(K.arange(3, dtype="float64"), [0, 1, 2], tf.float64)
    check(K.relu(tf.constant([1.0, 2.0]), threshold=1.0), [0, 2])  # at the threshold: 0
    with pytest.raises(ValueError, match="1D"):
        K.softmax(tf.constant([1.0, 2.0]))
    check(K.pow(x=tf.constant([2.0]), a=3.0), [8])
    check(K.reshape(x=tf.ones(2), shape=(2, 1)), [[1], [1]])
    check(K.shape(x=tf.ones((2, 1))), [2, 1])
    check(K.transpose(x=tf.constant([[1, 2]])), [[1], [2]])
    check(K.softsign(x=tf.constant([1.0])) + K.stop_gradient(variables=tf.constant([1.0])), [1.5])
    check(K.softplus(x=tf.constant([100.0])), [100])
    check(K.map_fn(lambda x: x > 1, tf.constant([1, 2]), None, tf.bool), [False, True])
    assert int(K.foldl(lambda a, x: a - x, tf.constant([1, 2, 3]), 10)) == 4
    assert int(K.foldr(lambda a, x: x - a, tf.constant([1, 2, 3]), 10)) == -8


def test_arguments_have_tensorflows_order():
    with pytest.raises(tf.errors.InvalidArgumentError, match="why"):
        tf.debugging.assert_none_equal([1], [1], 3, "why")
    assert tf.nest.flatten([1, (2,)], expand_composites=True) == [1, 2]
