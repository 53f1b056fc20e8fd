"""Symbolic Keras tensors, functional models, Sequential, subclassed models."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import backend, layers
from eager.keras.layers import Add, Concatenate, Dense, Input, Layer


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    backend.clear_session()


def run(outputs: Any, inputs: Any, value: Any) -> Any:
    return tf.keras.Model(inputs, outputs)(value)


# Keras tensors --------------------------------------------------------------------------------------------------------


def test_a_keras_tensor_has_no_value() -> None:
    x = Input((3,), name="x")
    assert (x.shape, x.dtype, x.name) == ((None, 3), tf.float32, "x")
    for use in (bool, iter, np.asarray, len, int, float):
        with pytest.raises(TypeError):
            use(x)
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def test_operators_become_layers() -> None:
    x = Input((3,))
    value = tf.constant([[1.0, -2.0, 4.0]])
    cases = [
        (x + 1.0, [2, -1, 5]), (1.0 - x, [0, 3, -3]), (x * x, [1, 4, 16]), (8.0 / x, [8, -4, 2]), (-x, [-1, 2, -4]),
        (abs(x), [1, 2, 4]), (x**2.0, [1, 4, 16]), (x[:, ::-1], [4, -2, 1]), (x // 3.0, [0, -1, 1]),
        (tf.cast(x > 0.0, tf.float32), [1, 0, 1]), (tf.constant([1.0, 1.0, 1.0]) + x, [2, -1, 5]),
        (np.ones(3, np.float32) * x, [1, -2, 4]), (x @ tf.eye(3), [1, -2, 4]),
    ]  # fmt: skip
    for output, expected in cases:
        np.testing.assert_array_equal(run(output, x, value), [expected])


def test_tf_functions_become_layers() -> None:
    x = Input((3,))
    y = tf.concat([tf.nn.relu(x), tf.reduce_sum(x, axis=1, keepdims=True)], axis=-1)
    assert y.shape == (None, 4)
    model = tf.keras.Model(x, y)
    np.testing.assert_array_equal(model(tf.constant([[1.0, -2.0, 4.0]])), [[1, 0, 4, 3]])
    assert [layer.name for layer in model.layers][-1] == "tf.concat"


def test_sizes_of_the_batch_reach_reshape() -> None:
    x = Input((4, 3))
    y = tf.reshape(x, (tf.shape(x)[0], 12))
    assert y.shape == (None, 12)
    assert run(y, x, tf.ones((5, 4, 3))).shape == (5, 12)
    assert tf.reshape(x, (-1, 2)).shape == (None, 2)


def test_python_flow_on_a_symbolic_value_is_an_error() -> None:
    class Branch(Layer):
        def call(self, x: Any) -> Any:
            return x if tf.reduce_sum(x) > 0 else -x

    layer = Branch()
    with pytest.raises(TypeError, match=r"tf.cond|dynamic=True"):
        layer(Input((2,)))
    np.testing.assert_array_equal(layer(tf.constant([-1.0, -2.0])), [1.0, 2.0])


# Functional models ----------------------------------------------------------------------------------------------------


def test_several_inputs_and_outputs() -> None:
    a, b = Input((2,), name="a"), Input((2,), name="b")
    shared = Dense(2, kernel_initializer="ones")
    left, right = shared(a), shared(b)
    model = tf.keras.Model({"a": a, "b": b}, {"sum": Add()([left, right]), "both": Concatenate()([left, right])})
    x, y = tf.ones((3, 2)), tf.fill((3, 2), 2.0)
    out = model({"a": x, "b": y})
    np.testing.assert_array_equal(out["sum"], np.full((3, 2), 6.0))
    np.testing.assert_array_equal(out["both"], [[2, 2, 4, 4]] * 3)
    assert len(model.weights) == 2
    assert model.output_shape == {"sum": (None, 2), "both": (None, 4)}
    assert [layer.name for layer in model.layers][:3] == ["a", "b", "dense"]


def test_lists_of_inputs_also_come_by_name() -> None:
    a, b = Input((2,), name="a"), Input((1,), name="b")
    model = tf.keras.Model([a, b], Concatenate()([a, b]))
    np.testing.assert_array_equal(model({"b": tf.zeros((1, 1)), "a": tf.ones((1, 2))}), [[1, 1, 0]])
    np.testing.assert_array_equal(model([np.ones((1, 2)), np.zeros((1, 1))]), [[1, 1, 0]])


def test_nested_models() -> None:
    x = Input((3,))
    inner = tf.keras.Model(x, Dense(2)(x), name="inner")
    y = Input((3,))
    outer = tf.keras.Model(y, inner(y * 2.0))
    value = tf.ones((1, 3))
    np.testing.assert_allclose(outer(value), inner(value * 2.0), rtol=1e-6)
    assert outer.get_layer("inner") is inner
    assert [w.name for w in outer.weights] == ["dense/kernel:0", "dense/bias:0"]


def test_feature_extraction_reuses_layers() -> None:
    x = Input((3,))
    hidden = Dense(4, name="hidden")(x)
    model = tf.keras.Model(x, Dense(1)(hidden))
    features = tf.keras.Model(model.input, model.get_layer("hidden").output)
    assert features(tf.ones((2, 3))).shape == (2, 4)
    head = tf.keras.Model(hidden, model.output)
    np.testing.assert_allclose(head(features(tf.ones((2, 3)))), model(tf.ones((2, 3))), rtol=1e-6)
    assert len(head.weights) == 2


def test_functional_model_errors() -> None:
    a, b = Input((2,)), Input((2,))
    with pytest.raises(ValueError, match="Graph disconnected: cannot obtain value for tensor"):
        tf.keras.Model(a, Add()([Dense(2)(a), Dense(2)(b)]))
    with pytest.raises(ValueError, match="is used 2 times in the model"):
        tf.keras.Model(a, Dense(2, name="same")(Dense(2, name="same")(a)))
    model = tf.keras.Model(a, Dense(1)(a), name="m")
    with pytest.raises(ValueError, match=r'layer "m" is incompatible.* shape=\(None, 2\), found shape=\(3, 5\)'):
        model(tf.ones((3, 5)))
    with pytest.raises(ValueError, match="KerasTensor"):
        tf.keras.Model(a, tf.ones(2))
    with pytest.raises(ValueError, match="shape"):
        Input()
    with pytest.raises(ValueError, match="incompatible shapes"):
        Add()([Input((2,)), Input((3,))])
    with pytest.raises(tf.errors.UnsupportedError, match="dense"):
        Input((2,), sparse=True)
    with pytest.raises(TypeError, match="not understood"):
        tf.keras.Model(a, Dense(1)(a), unknown=1)


def test_a_functional_model_traces_into_one_function() -> None:
    x = Input((4,))
    y = layers.Softmax()(Dense(3, activation="relu")(x) * 2.0 + 1.0)
    model = tf.keras.Model(x, y)
    call = tf.function(model, strict=True)
    for rows in (2, 5, 7):
        value = tf.random.normal((rows, 4))
        np.testing.assert_allclose(call(value), model(value), rtol=1e-5)
    assert len(call.concrete_functions) == 2


def test_functional_config_round_trip() -> None:
    x = Input((4,), name="x")
    dense = Dense(4)
    y = Add()([dense(x), dense(x * 0.5)])[:, 1:]
    model = tf.keras.Model(x, tf.nn.softmax(y), name="net")
    copied = tf.keras.Model.from_config(model.get_config())
    copied.set_weights(model.get_weights())
    value = tf.random.normal((3, 4))
    np.testing.assert_allclose(copied(value), model(value), rtol=1e-6)
    assert [layer.name for layer in copied.layers] == [layer.name for layer in model.layers]
    clone = tf.keras.models.clone_model(model)
    assert clone(value).shape == (3, 3)


def test_copies_are_independent() -> None:
    import copy

    x = Input((3,))
    model = tf.keras.Model(x, Dense(1)(Dense(4, activation="relu")(x) * 2.0))
    model.compile(tf.keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    data = np.ones((8, 3)), np.zeros((8, 1))
    model.fit(*data, verbose=0)
    copied = copy.deepcopy(model)
    np.testing.assert_array_equal(copied(data[0]), model(data[0]))
    before = model.get_weights()
    copied.fit(*data, verbose=0)
    assert len(copied.optimizer.variables) == len(model.optimizer.variables)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(*data, verbose=0)
    for a, b in zip(copied.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_models_pickle() -> None:
    import pickle

    x = Input((4,))
    model = tf.keras.Model(x, tf.nn.relu(Dense(3)(x))[:, 1:] + 1.0)
    model.compile("adam", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    restored = pickle.loads(pickle.dumps(model))
    value = tf.random.normal((2, 4))
    np.testing.assert_array_equal(restored(value), model(value))
    assert int(restored.optimizer.iterations) == 1
    restored.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    stack = tf.keras.Sequential([Dense(2), layers.Dropout(0.5, seed=1)])
    stack(value)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stack))(value), stack(value))


def test_metrics_and_losses_of_symbolic_values() -> None:
    x = Input((2,))
    y = Dense(2, kernel_initializer="ones")(x)
    model = tf.keras.Model(x, y)
    model.add_metric(tf.reduce_mean(y), name="mean_output")
    model.add_loss(tf.reduce_sum(y))
    model(tf.ones((2, 2)))
    assert [(m.name, float(m.result())) for m in model.metrics] == [("mean_output", 2.0)]
    assert float(model.losses[0]) == 8.0


# Sequential -----------------------------------------------------------------------------------------------------------


def test_sequential_builds_late() -> None:
    model = tf.keras.Sequential([Dense(3), Dense(2)])
    for use in (lambda: model.weights, lambda: model.summary(), lambda: model.trainable_weights):
        with pytest.raises(ValueError, match="not yet been"):
            use()
    assert model(tf.ones((4, 5))).shape == (4, 2)
    assert [w.name for w in model.weights] == ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0"]
    assert model.output_shape == (None, 2) and [layer.name for layer in model.layers] == ["dense", "dense_1"]


def test_sequential_with_a_shape_is_built_at_once() -> None:
    model = tf.keras.Sequential([Input((5,)), Dense(3)])
    model.add(Dense(2))
    assert len(model.weights) == 4 and model.input_shape == (None, 5)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense"]
    model.pop()
    assert model.output_shape == (None, 3)
    assert tf.keras.Sequential([Dense(3, input_shape=(4,))]).output_shape == (None, 3)
    by_hand = tf.keras.Sequential([Dense(3)])
    by_hand.build((None, 6))
    assert by_hand.weights[0].shape == (6, 3)


def test_sequential_errors() -> None:
    model = tf.keras.Sequential([Dense(1, name="one")])
    with pytest.raises(ValueError, match="unique names"):
        model.add(Dense(1, name="one"))
    with pytest.raises(TypeError, match="must be an instance of class Layer"):
        model.add(3)
    with pytest.raises(TypeError, match="no layers"):
        tf.keras.Sequential().pop()


def test_sequential_config_round_trip() -> None:
    model = tf.keras.Sequential([layers.Flatten(input_shape=(2, 2)), Dense(3, activation="relu")], name="s")
    copied = tf.keras.Sequential.from_config(model.get_config())
    copied.set_weights(model.get_weights())
    value = tf.random.normal((3, 2, 2))
    np.testing.assert_array_equal(copied(value), model(value))


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    model = tf.keras.Sequential([Input((5,)), Dense(3), layers.Dropout(0.1)])
    model.summary()
    text = capsys.readouterr().out
    assert 'Model: "sequential"' in text
    assert " dense (Dense)               (None, 3)                 18        \n" in text
    assert "Total params: 18 (72.00 Byte)" in text
    lines: list[str] = []
    x = Input((2,))
    tf.keras.Model(x, Add()([x, Dense(2)(x)])).summary(print_fn=lines.append)
    assert any("'input_2[0][0]'," in line for line in lines) and any("'dense_1[0][0]']" in line for line in lines)


def test_sequential_changes_after_a_first_call() -> None:
    model = tf.keras.Sequential([Dense(3), Dense(2)])
    model(tf.ones((5, 4)))
    model.pop()
    assert model.output_shape == (None, 3) and len(model.weights) == 2
    model.add(Dense(7))
    assert model.output_shape == (None, 7) and model(tf.ones((2, 4))).shape == (2, 7)


def test_outputs_as_a_dict_train_by_key_and_are_called_by_layer() -> None:
    x = Input((4,))
    model = tf.keras.Model({"in": x}, {"big": Dense(3, name="a")(x), "few": Dense(1, name="b")(x)})
    model.compile("sgd", {"big": "mse", "few": "mae"}, metrics={"few": "mse"})
    data = np.ones((6, 4), np.float32)
    logs = model.evaluate({"in": data}, {"few": data[:, :1], "big": data[:, :3]}, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "a_loss", "b_loss", "b_mse"]
    assert {k: v.shape for k, v in model.predict({"in": data}, verbose=0).items()} == {"big": (6, 3), "few": (6, 1)}
    assert model.distribute_strategy.num_replicas_in_sync == 1


# Subclassed models ----------------------------------------------------------------------------------------------------


class TwoLayers(tf.keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = Dense(4, activation="relu")
        self.top = Dense(2)

    def call(self, x: Any) -> Any:
        return self.top(self.hidden(x))


def test_subclassed_model() -> None:
    model = TwoLayers()
    assert model(tf.ones((3, 5))).shape == (3, 2)
    assert model.weights[0].name == "two_layers/dense/kernel:0"
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    with pytest.raises(AttributeError):
        _ = model.output_shape
    built = TwoLayers()
    built.build((None, 5))
    assert [w.shape for w in built.weights] == [(5, 4), (4,), (4, 2), (2,)]
    with pytest.raises(NotImplementedError, match=r"override `call\(\)`"):
        tf.keras.Model()(tf.ones(1))


def test_a_subclass_may_be_functional() -> None:
    class Given(tf.keras.Model):
        def __init__(self) -> None:
            x = Input((2,))
            super().__init__(inputs=x, outputs=Dense(1)(x))
            self.extra = tf.Variable(1.0)

    model = Given()
    assert model(tf.ones((3, 2))).shape == (3, 1)
    assert len(model.weights) == 3


def test_a_dict_of_inputs_goes_by_its_keys_whatever_the_inputs_are_called():
    a, b = tf.keras.Input((2,), name="first"), tf.keras.Input((2,), name="second")
    model = tf.keras.Model({"x": a, "y": b}, {"sum": a + b, "difference": a - b})
    result = model({"y": np.full((1, 2), 3.0), "x": np.ones((1, 2))})
    assert result["difference"].numpy().tolist() == [[-2, -2]] and result["sum"].numpy().tolist() == [[4, 4]]
    with pytest.raises(ValueError, match="'y'"):
        model({"x": np.ones((1, 2))})
