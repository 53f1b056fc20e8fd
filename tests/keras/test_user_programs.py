"""Facts that programs written for tf.keras rely on, found by running such programs."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras.layers import (
    BatchNormalization,
    Dense,
    GroupNormalization,
    Input,
    LayerNormalization,
    UnitNormalization,
)

WHOLE = ("int32", "uint8", "bool")


def names(model: Any) -> list[str]:
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize("kind", WHOLE)
def test_dense_casts_whole_numbers(kind: str) -> None:
    x = np.array([[0, 1], [1, 1], [1, 0]]).astype(kind)
    layer = Dense(3)
    found = layer(x)
    assert found.dtype.name == "float32"
    np.testing.assert_allclose(found, x.astype("float64") @ layer.kernel.numpy(), rtol=1e-6)
    assert Dense(3, dtype="float64")(tf.constant([[1, 2]])).dtype.name == "float64"


def test_a_model_without_input_learns_from_integers() -> None:
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    model = tf.keras.Sequential([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    (step,) = model.train_function.step.functions.values()
    assert [entry.kind for entry in step.ledger] == ["trace"]
    assert step.concrete_functions[0].function.compiled.host_calls == []
    assert model.predict(x, verbose=0).dtype == np.float32


@pytest.mark.parametrize("kind", WHOLE)
def test_normalization_casts_whole_numbers(kind: str) -> None:
    x = np.array([[0, 1], [5, 0], [1, 1], [0, 3]]).astype(kind)
    wide = x.astype("float64")
    by_channel = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3)
    found = BatchNormalization()(x, training=True)
    assert found.dtype.name == "float32"
    np.testing.assert_allclose(found, by_channel, atol=1e-5)
    by_row = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-3)
    for layer in (LayerNormalization(), GroupNormalization(1)):
        found = layer(x)
        assert found.dtype.name == "float32"
        np.testing.assert_allclose(found, by_row, atol=1e-5)
    lengths = np.maximum(np.sqrt((wide**2).sum(1, keepdims=True)), 1e-6)
    np.testing.assert_allclose(UnitNormalization()(x), wide / lengths, rtol=1e-6)


def test_a_composite_function_is_one_layer() -> None:
    x = Input((3,))
    model = tf.keras.Model(x, tf.einsum("bi,bj->bij", tf.clip_by_value(x, 0.0, 1.0), tf.nn.softmax(x)))
    assert names(model)[1:] == ["tf.clip_by_value", "tf.nn.softmax", "tf.einsum"]
    data = np.array([[-1.0, 0.5, 2.0]])
    shares = np.exp(data) / np.exp(data).sum()
    expected = np.clip(data, 0, 1)[:, :, None] * shares[:, None, :]
    np.testing.assert_allclose(model(data), expected, rtol=1e-6)
    again = tf.keras.Model.from_config(model.get_config())
    assert names(again) == names(model)
    np.testing.assert_allclose(again(data), expected, rtol=1e-6)


def test_added_losses_do_not_reorder_layers() -> None:
    x = Input((3,))
    first = Dense(3, name="first")(x)
    model = tf.keras.Model(x, Dense(1, name="second")(first))
    weights = [w.name for w in model.weights]
    model.add_loss(tf.reduce_mean(tf.abs(first)))
    model.add_metric(tf.reduce_sum(first), name="total")
    assert names(model)[1:3] == ["first", "second"]
    assert names(model)[3:] == ["tf.math.abs", "tf.math.reduce_mean", "add_loss", "tf.math.reduce_sum", "add_metric"]
    assert [w.name for w in model.weights] == weights


def test_a_foreign_input_is_reported_at_its_layer() -> None:
    mine, foreign = Input((3,), name="mine"), Input((3,), name="foreign")
    with pytest.raises(ValueError, match=r"'foreign'\)> at layer \"user\".*without issue: \[\]"):
        tf.keras.Model(mine, Dense(1, name="user")(foreign))
    with pytest.raises(ValueError, match='at layer "foreign"'):
        tf.keras.Model(mine, [Dense(1)(mine), foreign])
    both = Dense(1, name="last")(Dense(3, name="inner")(mine) + foreign)
    with pytest.raises(ValueError, match=r"at layer \"tf.__operators__.add(_\d+)?\".*\['inner'\]"):
        tf.keras.Model(mine, both)


def test_batch_size_beside_a_dataset_warns() -> None:
    model = tf.keras.Sequential([Dense(1)])
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensor_slices((np.ones((6, 2)), np.ones((6, 1)))).batch(3)
    with pytest.warns(UserWarning, match="batched already"):
        model.fit(data, batch_size=2, verbose=0)
    assert int(model.optimizer.iterations) == 2


def test_validation_data_without_targets_is_refused() -> None:
    model = tf.keras.Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"`validation_data` must be a tuple .* array of shape \(4, 2\)"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), validation_data=np.ones((4, 2)), verbose=0)


@pytest.mark.parametrize("shape", [(6, 1), (6, 6, 1), (6, 1, 4), (4,)])
def test_a_constant_beside_a_convolution(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    x, kernel = rng.normal(size=(2, 6, 6, 3)), rng.normal(size=(1, 1, 3, 4))
    factor = rng.normal(size=shape).astype("float32")
    scaled = tf.function(lambda a, b: tf.nn.conv2d(a, b, 1, "SAME") * factor)
    found = scaled(x.astype("float32"), kernel.astype("float32"))
    np.testing.assert_allclose(found, np.einsum("bhwc,cd->bhwd", x, kernel[0, 0]) * factor, rtol=1e-4, atol=1e-5)


def test_a_constant_filter(rng: np.random.Generator) -> None:
    x, kernel = rng.normal(size=(2, 12, 12, 1)), rng.normal(size=(2, 2, 1, 4)).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(x[..., 0], (2, 2), (1, 2))
    expected = np.einsum("bhwij,ijd->bhwd", windows, kernel[:, :, 0])
    for after in (tf.identity, tf.nn.relu):
        filtered = tf.function(lambda a, f=after: f(tf.nn.conv2d(a, kernel, 1, "VALID")))
        np.testing.assert_allclose(filtered(x.astype("float32")), after(expected), rtol=1e-4, atol=1e-5)
        assert filtered.concrete_functions[0].function.compiled.host_calls == []


def test_bilinear_upsampling_before_a_convolution(rng: np.random.Generator) -> None:
    layers = tf.keras.layers
    model = tf.keras.Sequential([
        Input((4, 4, 2)), layers.Conv2D(4, 1), layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Conv2D(2, 3, padding="same"),
    ])  # fmt: skip
    x, y = rng.normal(size=(6, 4, 4, 2)), rng.normal(size=(6, 8, 8, 2))
    start = model.get_weights()
    results = []
    for run_eagerly in (True, False):
        model.set_weights(start)
        model.compile(tf.keras.optimizers.SGD(0.1), "mse", run_eagerly=run_eagerly)
        losses = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history["loss"]
        results.append([losses, *model.get_weights()])
    for eager, compiled in zip(*results, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


def test_a_clone_keeps_lambda_expressions() -> None:
    x = Input((3,))
    scaled = tf.keras.layers.Lambda(lambda t, k=1.0: t * k, arguments={"k": 3.0}, name="scaled")(x)
    graph = tf.keras.Model(x, Dense(2)(scaled))
    for model in (graph, tf.keras.Sequential([Input((3,)), tf.keras.layers.Lambda(lambda t: t * 3.0), Dense(2)])):
        clone = tf.keras.models.clone_model(model)
        assert names(clone) == names(model)
        clone.set_weights(model.get_weights())
        data = np.array([[1.0, -2.0, 0.5]])
        expected = 3 * data @ model.get_weights()[0]
        np.testing.assert_allclose(clone(data), expected, rtol=1e-5)


def test_words_and_numbers_train_together() -> None:
    layers = tf.keras.layers
    number, word = Input((2,), name="number"), Input((1,), name="word", dtype="string")
    hot = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(word)
    model = tf.keras.Model({"number": number, "word": word}, Dense(1)(layers.concatenate([number, hot])))
    model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    x = {"number": np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), "word": np.array([["a"], ["b"], ["z"]])}
    y = np.array([[1.0], [0.0], [2.0]])
    features = np.hstack([x["number"], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]])
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    for _ in range(2):
        error = features @ kernel + bias - y
        loss = model.fit(x, y, verbose=0).history["loss"]
        np.testing.assert_allclose(loss, [(error**2).mean()], rtol=1e-4)
        kernel, bias = kernel - 0.2 * features.T @ error / 3, bias - 0.2 * error.mean(0)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-6)
