"""Configs, shapes, nodes: describing layers and asking them without data."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import layers
from eager.keras.layers import Dense, Layer


class Captured(Layer):
    def __init__(self, units: int, scale: float = 2.0, sizes: Any = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units


class Bare(Layer):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units


def test_base_config() -> None:
    assert Layer(name="x").get_config() == {"name": "x", "trainable": True, "dtype": "float32"}
    mixed = Layer(dtype="mixed_float16").get_config()["dtype"]
    assert mixed["class_name"] == "Policy" and mixed["config"] == {"name": "mixed_float16"}
    assert Layer(dtype=mixed).compute_dtype == "float16"


def test_constructor_arguments_are_captured() -> None:
    layer = Captured(3, sizes=[1, {"a": None}], name="c", trainable=False)
    config = layer.get_config()
    assert config == {
        "name": "c", "trainable": False, "dtype": "float32", "units": 3, "sizes": [1, {"a": None}],
    }  # fmt: skip
    copied = Captured.from_config(config)
    assert (copied.name, copied.units, copied.trainable) == ("c", 3, False)
    assert Bare(4).get_config() == {"units": 4}
    assert Bare.from_config({"units": 4}).units == 4


def test_arguments_that_are_no_plain_values_need_get_config() -> None:
    with pytest.raises(NotImplementedError, match="must override `get_config"):
        Captured(3, sizes=np.ones(2)).get_config()


def test_from_config_failure() -> None:
    with pytest.raises(TypeError, match="Error when deserializing class 'Bare'"):
        Bare.from_config({"units": 3, "depth": 2})


ROUND_TRIPS = [
    lambda: Dense(3, activation="gelu", kernel_initializer="he_normal", kernel_regularizer="l1"),
    lambda: Dense(3, use_bias=False, kernel_constraint="non_neg", activity_regularizer="l2"),
    lambda: layers.Activation("tanh"),
    lambda: layers.Dropout(0.25, seed=3),
    lambda: layers.Flatten(),
    lambda: layers.Reshape((2, 3)),
    lambda: layers.Permute((2, 1)),
    lambda: layers.RepeatVector(3),
    lambda: layers.Add(),
    lambda: layers.Concatenate(axis=1),
    lambda: layers.ReLU(max_value=6.0),
    lambda: layers.LeakyReLU(0.1),
    lambda: layers.ELU(0.5),
    lambda: layers.Softmax(),
    lambda: layers.LayerNormalization(epsilon=1e-5),
    lambda: layers.Embedding(10, 4, mask_zero=True),
    lambda: layers.ActivityRegularization(l1=0.1),
    lambda: layers.InputLayer((3,), name="start"),
]


@pytest.mark.parametrize("make", ROUND_TRIPS)
def test_standard_layers_round_trip(make: Any) -> None:
    layer = make()
    data = layers.serialize(layer)
    assert data["module"] == "keras.layers" and data["registered_name"] is None
    copied = layers.deserialize(data)
    assert type(copied) is type(layer)
    assert copied.get_config() == layer.get_config()


def test_custom_layers_need_registration() -> None:
    @tf.keras.utils.register_keras_serializable("mine")
    class Known(Captured):
        pass

    class Unknown(Captured):
        pass

    data = layers.serialize(Known(1))
    assert data["registered_name"] == "mine>Known"
    assert isinstance(layers.deserialize(data), Known)
    with pytest.raises(TypeError, match="Could not locate class 'Unknown'"):
        layers.deserialize(layers.serialize(Unknown(1)))
    assert isinstance(layers.deserialize(layers.serialize(Unknown(1)), {"Unknown": Unknown}), Unknown)
    with tf.keras.utils.custom_object_scope({"Unknown": Unknown}):
        assert isinstance(layers.deserialize(layers.serialize(Unknown(1))), Unknown)


def test_lambda_code_is_never_saved() -> None:
    with pytest.raises(ValueError, match="lambda expression, whose code is not saved"):
        layers.Lambda(lambda x: x).get_config()
    assert float(layers.Lambda(lambda x, k: x * k, arguments={"k": 3.0})(tf.constant(2.0))) == 6.0


# Shapes ---------------------------------------------------------------------------------------------------------------


class Halves(Layer):
    def call(self, x: Any) -> Any:
        return {"left": x[:, : x.shape[1] // 2], "sum": tf.reduce_sum(x, 1)}


def test_shapes_are_traced_through_call() -> None:
    shapes = Halves().compute_output_shape((None, 6))
    assert shapes == {"left": tf.TensorShape([None, 3]), "sum": tf.TensorShape([None])}
    layer = Dense(5)
    assert layer.compute_output_shape((None, 2)) == (None, 5)

    class Stack(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(4)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    stack = Stack()
    assert stack.compute_output_shape((None, 2)) == (None, 4)
    assert stack.dense.built


def test_output_signature() -> None:
    spec = Dense(3, dtype="float64").compute_output_signature(tf.TensorSpec((None, 2), tf.float64))
    assert (spec.shape, spec.dtype) == ((None, 3), tf.float64)
    with pytest.raises(TypeError, match="Only TensorSpec"):
        Dense(3).compute_output_signature((None, 2))


def test_a_dynamic_layer_must_tell_its_shape() -> None:
    class Free(Layer):
        def call(self, x: Any) -> Any:
            return x

    class Told(Free):
        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    x = tf.keras.Input((3,))
    with pytest.raises(NotImplementedError, match="compute_output_shape"):
        Free(dynamic=True)(x)
    model = tf.keras.Model(x, Told(dynamic=True)(x))
    assert model.dynamic and model.run_eagerly
    assert model(tf.ones((2, 3))).shape == (2, 3)


# Nodes ----------------------------------------------------------------------------------------------------------------


def test_nodes() -> None:
    layer = Dense(2)
    layer(tf.ones((1, 3)))
    with pytest.raises(AttributeError, match="no inbound nodes"):
        _ = layer.input
    with pytest.raises(RuntimeError, match="never been called"):
        layer.get_output_at(0)
    a, b = tf.keras.Input((3,)), tf.keras.Input((3,))
    first, second = layer(a), layer(b)
    assert layer.input is a and layer.output is first
    assert layer.get_input_at(1) is b and layer.get_output_at(1) is second
    assert layer.input_shape == (None, 3) and layer.output_shape == (None, 2)
    with pytest.raises(ValueError, match="only 2 inbound nodes"):
        layer.get_output_at(2)
    flat = layers.Flatten()
    flat(tf.keras.Input((2, 2))), flat(tf.keras.Input((3, 3)))
    with pytest.raises(AttributeError, match="multiple inbound nodes"):
        _ = flat.output_shape
    assert flat.get_output_shape_at(1) == (None, 9)
