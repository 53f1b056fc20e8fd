"""Calls of tf.keras.backend: activations, losses, random numbers, windows over images and loops over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from public_calls_table import equal, near, rows, sized

import eager as tf

K = tf.keras.backend
BACKEND = "tf.keras.backend"
A = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]], "float32")
IMAGE = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
ONES2, ONES3 = np.ones((2, 2, 1, 1), "float32"), np.ones((2, 2, 2, 1, 1), "float32")
VOLUME = np.ones((1, 3, 3, 3, 1), "float32")
SERIES = np.arange(5, dtype="float32").reshape(1, 5, 1)
T, P = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.6, 0.4], [0.3, 0.7]])
PT = np.where(T == 1, P, 1 - P)
CHANCES = np.array([[[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.7, 0.2, 0.1]]], "float32")  # 2 stands for a blank


def between(x: Any, low: float, high: float) -> bool:
    """Random numbers of shape (50,) in a range, not all equal."""
    array = np.asarray(x)
    return array.shape == (50,) and bool((array >= low).all() and (array <= high).all()) and np.unique(array).size > 1


def normalized() -> bool:
    x, mean, variance = K.normalize_batch_in_training(tf.constant(A), tf.ones(3), tf.zeros(3), [0], 1e-3)
    wanted = (A - A.mean(0)) / np.sqrt(A.var(0) + 1e-3)
    return near(x, wanted) and near(mean, A.mean(0)) and near(variance, A.var(0))


def summed_rows() -> bool:
    """A running sum over time."""
    last, outputs, states = K.rnn(lambda x, s: (x + s[0], [x + s[0]]), tf.constant(SERIES), [tf.zeros((1, 1))])
    return equal(last, [[10]]) and equal(outputs[0, :, 0], [0, 1, 3, 6, 10]) and equal(states[0], [[10]])


def separable() -> Any:
    return K.separable_conv2d(IMAGE, ONES2, np.full((1, 1, 1, 2), 3.0, "float32"))


rows(BACKEND, {
    "relu": lambda: near(K.relu(A, alpha=0.5, max_value=2.0), np.where(A > 0, A.clip(None, 2), A / 2)),
    "elu": lambda: near(K.elu(A, 2.0), np.where(A > 0, A, 2 * np.expm1(A))),
    "hard_sigmoid": lambda: near(K.hard_sigmoid(A), (0.2 * A + 0.5).clip(0, 1)),
    "sigmoid": lambda: near(K.sigmoid(A), 1 / (1 + np.exp(-A))),
    "softmax": lambda: near(K.softmax(A), np.exp(A) / np.exp(A).sum(1, keepdims=True)),
    "softplus": lambda: near(K.softplus(A), np.log1p(np.exp(A))),
    "softsign": lambda: near(K.softsign(A), A / (1 + np.abs(A))),
    "dropout": lambda: set(np.unique(K.dropout(tf.ones(200), 0.5, seed=1))) == {0.0, 2.0},
    "binary_crossentropy": lambda: near(K.binary_crossentropy(T, P), -np.log(PT)),
    "binary_focal_crossentropy": lambda: near(
        K.binary_focal_crossentropy(T, P, apply_class_balancing=True, alpha=0.3, gamma=1.0),
        -np.where(T == 1, 0.3, 0.7) * (1 - PT) * np.log(PT),
    ),
    "categorical_crossentropy": lambda: near(K.categorical_crossentropy(T, P), -np.log([0.4, 0.3])),
    "categorical_focal_crossentropy": lambda: near(
        K.categorical_focal_crossentropy(T, P, alpha=0.5, gamma=1.0), -0.5 * np.array([0.6, 0.7]) * np.log([0.4, 0.3])
    ),
    "sparse_categorical_crossentropy": lambda: near(K.sparse_categorical_crossentropy([1, 0], P), -np.log([0.4, 0.3])),
    "normalize_batch_in_training": normalized,
    "batch_normalization": lambda: near(
        K.batch_normalization(tf.constant(A), tf.ones(3), 4 * tf.ones(3), tf.ones(3), 6 * tf.ones(3), epsilon=0.0),
        (A - 1) / 2 * 6 + 1,
    ),
    "random_bernoulli": lambda: set(np.unique(K.random_bernoulli((50,), 0.5, seed=1))) == {0.0, 1.0},
    "random_binomial": lambda: set(np.unique(K.random_binomial((50,), 0.5, seed=1))) == {0.0, 1.0},
    "random_normal": lambda: between(K.random_normal((50,), 5.0, 0.1), 4, 6),
    "random_uniform": lambda: between(K.random_uniform((50,), 2.0, 3.0), 2, 3),
    "truncated_normal": lambda: between(K.truncated_normal((50,), 0.0, 1.0), -2, 2),
    "random_normal_variable": lambda: isinstance(K.random_normal_variable((2,), 0.0, 1.0), tf.Variable)
    and between(K.random_normal_variable((50,), 5.0, 0.1), 4, 6),
    "random_uniform_variable": lambda: isinstance(K.random_uniform_variable((2,), 0.0, 1.0), tf.Variable)
    and between(K.random_uniform_variable((50,), 2.0, 3.0), 2, 3),
    "conv1d": lambda: equal(K.conv1d(SERIES, np.ones((2, 1, 1), "float32"))[0, :, 0], [1, 3, 5, 7]),
    "conv2d": lambda: equal(K.conv2d(IMAGE, ONES2, (2, 2))[0, :, :, 0], [[10, 18], [42, 50]]),
    "conv2d_transpose": lambda: equal(
        K.conv2d_transpose(tf.ones((1, 2, 2, 1)), ONES2, (1, 4, 4, 1), (2, 2))[0, :, :, 0], np.ones((4, 4))
    ),
    "conv3d": lambda: equal(K.conv3d(VOLUME, ONES3), np.full((1, 2, 2, 2, 1), 8)),
    "depthwise_conv2d": lambda: equal(K.depthwise_conv2d(IMAGE, ONES2)[0, 0, :, 0], [10, 14, 18]),
    "separable_conv2d": lambda: equal(separable()[0, 0, :, 1], [30, 42, 54]) and sized(separable(), 1, 3, 3, 2),
    "local_conv1d": lambda: equal(
        K.local_conv1d(SERIES, np.arange(8, dtype="float32").reshape(4, 2, 1), (2,), (1,))[0, :, 0], [1, 8, 23, 46]
    ),
    "local_conv2d": lambda: equal(
        K.local_conv2d(IMAGE, np.ones((4, 4, 1), "float32"), (2, 2), (2, 2), (2, 2))[0, :, :, 0], [[10, 18], [42, 50]]
    ),
    "pool2d": lambda: equal(K.pool2d(IMAGE, (2, 2), (2, 2))[0, :, :, 0], [[5, 7], [13, 15]])
    and equal(K.pool2d(IMAGE, (2, 2), (2, 2), pool_mode="avg")[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]]),
    "pool3d": lambda: equal(K.pool3d(VOLUME, (3, 3, 3)), np.ones((1, 1, 1, 1, 1))),
    "resize_images": lambda: equal(
        K.resize_images(IMAGE, 2, 1, "channels_last")[0, :, 0, 0], [0, 0, 4, 4, 8, 8, 12, 12]
    ),
    "resize_volumes": lambda: sized(K.resize_volumes(VOLUME, 1, 2, 3, "channels_last"), 1, 3, 6, 9, 1),
    "ctc_batch_cost": lambda: near(  # two labels in two steps: one path
        K.ctc_batch_cost(np.array([[1, 0]]), np.array([[[0.1, 0.8, 0.1], [0.7, 0.1, 0.2]]], "float32"), [[2]], [[2]]),
        [[-np.log(0.8 * 0.7)]],
        1e-4,
    ),
    "ctc_decode": lambda: equal(K.ctc_decode(CHANCES, [3])[0][0], [[1, 0]]),
    "rnn": summed_rows,
})  # fmt: skip
