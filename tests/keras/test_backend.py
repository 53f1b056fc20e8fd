"""tf.keras.backend: every name resolves, and the functions with rules of their own keep them."""

import numpy as np
import pytest

import eager as tf

K = tf.keras.backend
A = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


def test_every_listed_name_is_there():
    for name in dir(K):
        assert getattr(K, name, None) is not None or name.startswith("__"), name


def test_dot_contracts_the_last_axis_with_the_last_but_one():
    b = np.arange(40.0, dtype=np.float32).reshape(5, 4, 2)
    np.testing.assert_allclose(K.dot(tf.constant(A), tf.constant(b)), np.einsum("abc,dce->abde", A, b))


def test_batch_dot_as_documented():
    # Shapes of the docstring of tf.keras.backend.batch_dot.
    assert K.batch_dot(tf.ones((32, 20, 1)), tf.ones((32, 30, 20)), axes=(1, 2)).shape == (32, 1, 30)
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), np.array([[5.0, 6.0], [7.0, 8.0]], np.float32)
    np.testing.assert_allclose(K.batch_dot(tf.constant(x), tf.constant(y), axes=1), [[17.0], [53.0]])
    with pytest.raises(ValueError, match="rank < 2"):
        K.batch_dot(tf.ones(3), tf.ones(3))
    with pytest.raises(ValueError, match="shapes"):
        K.batch_dot(tf.ones((2, 3)), tf.ones((2, 4)), axes=1)


def test_switch_takes_scalars_and_masks():
    x = tf.constant([1.0, -1.0])
    np.testing.assert_array_equal(K.switch(tf.constant(True), x, -x), [1, -1])
    np.testing.assert_array_equal(K.switch(x > 0.0, x, lambda: x * 10.0), [1, -10])
    rows = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(K.switch(tf.constant([True, False]), rows, -rows), [[1, 2], [-3, -4]])


def test_sqrt_and_clip_are_safe():
    np.testing.assert_array_equal(K.sqrt(tf.constant([-1.0, 4.0])), [0, 2])
    np.testing.assert_array_equal(K.clip(tf.constant([-5.0, 5.0]), None, 1.0), [-5, 1])


def test_means_of_booleans():
    assert float(K.mean(tf.constant([True, False]))) == 0.5
    np.testing.assert_allclose(K.std(tf.constant(A), axis=[0, 1]), A.std((0, 1)), rtol=1e-6)


def test_binary_crossentropy_is_not_averaged():
    t, p = np.array([1.0, 0.0]), np.array([0.5, 0.25])
    got = K.binary_crossentropy(tf.constant(t), tf.constant(p))
    np.testing.assert_allclose(got, -np.log([0.5, 0.75]), rtol=1e-6)
    logits = np.log(p / (1 - p))
    np.testing.assert_allclose(K.binary_crossentropy(tf.constant(t), tf.constant(logits), True), -np.log([0.5, 0.75]))


def test_reshaping_and_repeating():
    assert K.batch_flatten(tf.constant(A)).shape == (2, 12)
    assert K.repeat(tf.ones((2, 5)), 3).shape == (2, 3, 5)
    np.testing.assert_array_equal(K.repeat_elements(tf.constant(A), 2, 1), np.repeat(A, 2, 1))
    np.testing.assert_array_equal(K.permute_dimensions(tf.constant(A), (0, 2, 1)), A.transpose(0, 2, 1))
    assert K.temporal_padding(tf.constant(A), (1, 2)).shape == (2, 6, 4)
    assert K.spatial_2d_padding(tf.ones((1, 2, 2, 3))).shape == (1, 4, 4, 3)
    assert K.int_shape(tf.constant(A)) == (2, 3, 4)
    assert K.count_params(tf.Variable(A)) == 24
    np.testing.assert_array_equal(K.arange(2, 8, 3), [2, 5])


def test_variables():
    v = K.variable([1.0, 2.0])
    K.update_add(v, [1.0, 1.0])
    K.moving_average_update(v, tf.constant([0.0, 0.0]), 0.5)
    np.testing.assert_array_equal(K.get_value(v), [1.0, 1.5])
    K.batch_set_value([(v, [7.0, 8.0])])
    np.testing.assert_array_equal(K.batch_get_value([v])[0], [7, 8])


def test_training_phases():
    assert K.in_train_phase(lambda: 1, 2, training=True) == 1
    assert K.in_train_phase(1, lambda: 2, training=False) == 2
    assert K.in_test_phase(1, 2, training=True) == 2


def test_causal_convolution_looks_back_only():
    x = tf.constant(np.arange(5.0, dtype=np.float32).reshape(1, 5, 1))
    kernel = tf.constant(np.array([1.0, 10.0], np.float32).reshape(2, 1, 1))
    got = K.conv1d(x, kernel, padding="causal")
    np.testing.assert_array_equal(np.ravel(got), [0, 10, 21, 32, 43])
