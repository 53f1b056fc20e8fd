"""Calls of tf.keras.backend on arrays: elementwise functions, reductions, shapes and values, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from public_calls_table import equal, near, raises, rows, shows, sized

import eager as tf

K = tf.keras.backend
BACKEND = "tf.keras.backend"
A = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]], "float32")
B = np.array([[0.5, 1.0, 0.5], [2.0, -1.0, -1.0]], "float32")
POS = np.abs(A)


UNARY = ("abs", "cos", "exp", "log", "sign", "sin", "sqrt", "square", "tanh")
BINARY = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum")


def elementwise(name: str) -> bool:
    """A function of one or two arrays is NumPy's of that name."""
    args = (A, B) if name in BINARY else (POS,)
    return near(getattr(K, name)(*map(tf.constant, args)), getattr(np, name)(*args))


rows(BACKEND, {name: lambda n=name: elementwise(n) for name in UNARY + BINARY})
rows(BACKEND, {
    name: lambda n=name: near(getattr(K, n)(A, axis=1), getattr(np, n)(A, axis=1))
    and near(getattr(K, n)(A, keepdims=True), getattr(np, n)(A, keepdims=True))
    for name in ("max", "mean", "min", "prod", "std", "sum", "var")
})  # fmt: skip
rows(BACKEND, {
    "all": lambda: equal(K.all(A > -1.5, axis=1), [False, True]),
    "any": lambda: equal(K.any(A > 2, axis=1), [False, True]),
    "argmax": lambda: equal(K.argmax(A), [0, 0]) and equal(K.argmax(A, 0), [1, 1, 0]),
    "argmin": lambda: equal(K.argmin(A), [1, 2]),
    "arange": lambda: equal(K.arange(1, 9, 3), [1, 4, 7]) and K.arange(3).dtype == tf.int32,
    "batch_dot": lambda: near(K.batch_dot(A, B), (A * B).sum(1, keepdims=True))
    and sized(K.batch_dot(np.ones((2, 3, 4)), np.ones((2, 4, 5))), 2, 3, 5),
    "batch_flatten": lambda: sized(K.batch_flatten(np.ones((2, 3, 4))), 2, 12),
    "bias_add": lambda: near(K.bias_add(A, B[0]), A + B[0]),
    "cast": lambda: K.cast(A, "int32").dtype == tf.int32 and K.cast([1.9], "int32").numpy() == [1],
    "cast_to_floatx": lambda: K.cast_to_floatx(np.ones(2)).dtype == np.float32,
    "clip": lambda: near(K.clip(A, -1, 1), A.clip(-1, 1)),
    "concatenate": lambda: equal(K.concatenate([A, B], 0), np.concatenate([A, B])),
    "constant": lambda: equal(K.constant([1, 2]), [1.0, 2.0]) and K.constant([1]).dtype == tf.float32,
    "cumprod": lambda: near(K.cumprod(A, 1), A.cumprod(1)),
    "cumsum": lambda: near(K.cumsum(A), A.cumsum(0)),
    "dot": lambda: near(K.dot(A, B.T), A @ B.T) and sized(K.dot(np.ones((2, 3, 4)), np.ones((4, 5))), 2, 3, 5),
    "expand_dims": lambda: sized(K.expand_dims(A), 2, 3, 1),
    "eye": lambda: equal(K.eye(3), np.eye(3)),
    "flatten": lambda: equal(K.flatten(A), A.ravel()),
    "foldl": lambda: near(K.foldl(lambda a, x: a - x, tf.constant([5.0, 1.0, 2.0])), 2.0),
    "foldr": lambda: near(K.foldr(lambda a, x: a - x, tf.constant([5.0, 1.0, 2.0])), -4.0),
    "map_fn": lambda: near(K.map_fn(lambda r: tf.reduce_sum(r), tf.constant(A)), A.sum(1)),
    "gather": lambda: equal(K.gather(A, [1, 0, 1]), A[[1, 0, 1]]),
    "in_top_k": lambda: equal(K.in_top_k(A, [1, 2], 2), [False, False])
    and equal(K.in_top_k(tf.constant(A), [2, 0], 2), [True, True]),
    "l2_normalize": lambda: near(K.l2_normalize(A, 1), A / np.linalg.norm(A, axis=1, keepdims=True)),
    "one_hot": lambda: equal(K.one_hot([2, 0], 3), np.eye(3)[[2, 0]]),
    "ones": lambda: isinstance(K.ones((2, 2)), tf.Variable) and equal(K.ones((2, 2)), np.ones((2, 2))),
    "ones_like": lambda: equal(K.ones_like(A), np.ones((2, 3))),
    "permute_dimensions": lambda: sized(K.permute_dimensions(np.ones((2, 3, 4)), (2, 0, 1)), 4, 2, 3),
    "pow": lambda: near(K.pow(tf.constant(POS), 3), POS**3),
    "repeat": lambda: sized(K.repeat(A, 4), 2, 4, 3),
    "repeat_elements": lambda: equal(K.repeat_elements(A, 2, 1), np.repeat(A, 2, 1)),
    "reshape": lambda: equal(K.reshape(A, (3, 2)), A.reshape(3, 2)),
    "reverse": lambda: equal(K.reverse(A, 1), A[:, ::-1]),
    "round": lambda: equal(K.round(tf.constant([0.5, 1.5, -1.2])), [0, 2, -1]),
    "shape": lambda: equal(K.shape(A), [2, 3]),
    "spatial_2d_padding": lambda: sized(K.spatial_2d_padding(np.ones((1, 2, 3, 1)), ((1, 0), (2, 1))), 1, 3, 6, 1),
    "spatial_3d_padding": lambda: sized(K.spatial_3d_padding(np.ones((1, 2, 3, 4, 1))), 1, 4, 5, 6, 1),
    "temporal_padding": lambda: equal(K.temporal_padding(np.ones((1, 2, 1)))[0, :, 0], [0, 1, 1, 0]),
    "squeeze": lambda: sized(K.squeeze(np.ones((2, 1, 3)), 1), 2, 3),
    "stack": lambda: sized(K.stack([A, B], 1), 2, 2, 3),
    "switch": lambda: equal(K.switch(tf.constant(True), lambda: tf.constant(1.0), lambda: tf.constant(2.0)), 1.0)
    and equal(K.switch(tf.constant([True, False]), tf.constant([1.0, 1.0]), tf.constant([2.0, 2.0])), [1, 2]),
    "tile": lambda: equal(K.tile(A, [1, 2]), np.tile(A, [1, 2])),
    "transpose": lambda: equal(K.transpose(A), A.T),
    "zeros": lambda: isinstance(K.zeros((2,)), tf.Variable) and equal(K.zeros((2,)), [0, 0]),
    "zeros_like": lambda: equal(K.zeros_like(A), np.zeros((2, 3))),
    "count_params": lambda: K.count_params(tf.Variable(A)) == 6,
    "dtype": lambda: K.dtype(K.variable([1.0])) == "float32",
    "int_shape": lambda: K.int_shape(tf.keras.Input((3,))) == (None, 3),
    "ndim": lambda: K.ndim(tf.constant(A)) == 2,
    "is_sparse": lambda: K.is_sparse(tf.constant(A)) is False,
    "to_dense": lambda: equal(K.to_dense(tf.constant(A)), A),
    "is_keras_tensor": lambda: K.is_keras_tensor(tf.keras.Input((3,))) and not K.is_keras_tensor(tf.keras.Input),
    "print_tensor": lambda: equal(K.print_tensor(tf.constant(A), "A is"), A),
    "eval": lambda: equal(K.eval(K.variable(A) * 2), 2 * A) and isinstance(K.eval(tf.constant(A)), np.ndarray),
    "stop_gradient": lambda: near(slope(lambda x: x * K.stop_gradient(x), 3.0), 3.0),
    "function": lambda: near(doubled()([A])[0] if isinstance(doubled()([A]), list) else doubled()([A]), 2 * A),
})  # fmt: skip


def doubled() -> Any:
    x = tf.keras.Input((3,))
    return K.function([x], [x * 2.0])


def slope(f: Any, at: float) -> Any:
    x = tf.Variable(at)
    with tf.GradientTape() as tape:
        y = f(x)
    return tape.gradient(y, x)


# Variables and switches ---------------------------------------------------------------------------------------------


@shows(BACKEND, "variable get_value set_value batch_get_value batch_set_value update update_add update_sub "
       "moving_average_update")  # fmt: skip
def _variables() -> None:
    v, w = K.variable([1.0, 2.0], name="v"), K.variable(3)
    assert isinstance(v, tf.Variable) and w.dtype == tf.float32 and equal(K.get_value(v), [1, 2])
    K.set_value(v, [5.0, 6.0])
    assert equal(v, [5, 6])
    K.batch_set_value([(v, np.array([7.0, 8.0])), (w, 4.0)])
    assert [x.tolist() for x in K.batch_get_value([v, w])] == [[7, 8], 4]
    K.update(v, [1.0, 1.0])
    K.update_add(v, [2.0, 3.0])
    assert equal(v, [3, 4])
    K.update_sub(v, [1.0, 1.0])
    assert equal(v, [2, 3])
    K.moving_average_update(v, tf.constant([4.0, 5.0]), 0.75)
    assert near(v, [2.5, 3.5])


@shows(BACKEND, "epsilon set_epsilon floatx set_floatx image_data_format set_image_data_format backend "
       "manual_variable_initialization")  # fmt: skip
def _settings() -> None:
    assert K.epsilon() == 1e-7 and K.floatx() == "float32" and K.image_data_format() == "channels_last"
    try:
        K.set_epsilon(1e-3)
        K.set_floatx("float64")
        K.set_image_data_format("channels_first")
        assert K.epsilon() == 1e-3 and tf.keras.layers.Dense(1).dtype == "float64"
        assert tf.keras.layers.Conv2D(1, 1).data_format == "channels_first" == K.image_data_format()
    finally:
        K.set_epsilon(1e-7)
        K.set_floatx("float32")
        K.set_image_data_format("channels_last")
    assert K.backend() == "tensorflow" and K.manual_variable_initialization(False) is None
    assert raises(ValueError, lambda: K.set_floatx("int8"))


@shows(BACKEND, "learning_phase set_learning_phase learning_phase_scope in_train_phase in_test_phase")
def _phases() -> None:
    drop = tf.keras.layers.Dropout(0.999)
    assert K.learning_phase() == 0 and K.in_train_phase(1, 2) == 2 and K.in_test_phase(1, 2) == 1
    with K.learning_phase_scope(1):
        assert K.learning_phase() == 1 and float(tf.reduce_sum(drop(np.ones((1, 20), "float32")))) != 20
        assert K.in_train_phase(1, 2) == 1 and K.in_test_phase(1, 2) == 2
    K.set_learning_phase(1)
    assert K.learning_phase() == 1
    K.set_learning_phase(0)
    assert float(tf.reduce_sum(drop(np.ones((1, 20), "float32")))) == 20


@shows(BACKEND, "clear_session get_uid reset_uids name_scope")
def _names() -> None:
    K.clear_session()
    assert tf.keras.layers.Dense(1).name == "dense" and tf.keras.layers.Dense(1).name == "dense_1"
    K.clear_session()
    assert tf.keras.layers.Dense(1).name == "dense"
    assert [K.get_uid("made"), K.get_uid("made")] == [1, 2]
    K.reset_uids()
    assert K.get_uid("made") == 1
    with K.name_scope("outer"):
        assert tf.Variable(1.0, name="w").name == "outer/w:0"
