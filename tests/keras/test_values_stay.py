"""Training changes variables in place; what was read from them before keeps its value."""

import numpy as np
import pytest

import eager as tf

X = np.random.default_rng(5).normal(size=(12, 3)).astype(np.float32)
Y = X.sum(1, keepdims=True)


@pytest.fixture
def model():
    tf.keras.utils.set_random_seed(5)
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(4), tf.keras.layers.BatchNormalization(),
                                 tf.keras.layers.Dense(1)])  # fmt: skip
    model.compile(tf.keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=4, verbose=0)
    return model


def test_arrays_and_tensors_read_before_a_step(model):
    variables = [*model.variables, *model.optimizer.variables, *(v for m in model.metrics for v in m.variables)]
    held = [(v.numpy(), v.value(), tf.identity(v), np.asarray(v), v.read_value()) for v in variables]
    weights, computed = model.get_weights(), model.layers[0].kernel * 2.0
    copies = [np.array(a) for a, *_ in held]
    doubled = computed.numpy().copy()
    saved = [w.copy() for w in weights]
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    model.train_on_batch(X, Y)
    changed = 0
    for values, copy, variable in zip(held, copies, variables, strict=True):
        for value in values:
            np.testing.assert_array_equal(value, copy)
        changed += not np.array_equal(variable.numpy(), copy)
    assert changed > 10
    np.testing.assert_array_equal(computed, doubled)
    assert all((a == b).all() for a, b in zip(weights, saved, strict=True))


def test_a_tape_differentiates_with_the_values_it_saw(model):
    kernel = model.layers[0].kernel
    before = kernel.numpy().copy()
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(kernel * kernel)
    model.fit(X, Y, batch_size=4, verbose=0)
    assert not np.array_equal(kernel.numpy(), before)
    np.testing.assert_allclose(tape.gradient(y, kernel), 2 * before, rtol=1e-6)


def test_predictions_of_one_batch_are_not_those_of_the_next(model):
    first = model.predict_on_batch(X[:4])
    outputs = model(X[:4], training=False)
    copy, copied = first.copy(), outputs.numpy().copy()
    model.predict_on_batch(X[4:8])
    model(X[4:8], training=False)
    np.testing.assert_array_equal(first, copy)
    np.testing.assert_array_equal(outputs, copied)


def test_metrics_read_during_an_epoch_keep_their_value(model):
    seen = []

    class Keep(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((logs["loss"], model.metrics[0].result(), model.metrics[0].result().numpy().copy()))

    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[Keep()])
    assert len({float(loss) for loss, *_ in seen}) == 3
    for loss, result, copy in seen:
        assert float(result) == copy == pytest.approx(float(loss), rel=1e-6)
