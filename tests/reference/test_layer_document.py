"""The code examples of the reference document on Layer, in our own words, with their values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras.layers import Layer

MODES: dict[str, Callable[[Any], Any]] = {
    "eager": lambda layer: layer,
    "traced": lambda layer: tf.function(layer, strict=True),
}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return MODES[request.param]


class MeanPenalty(Layer):
    def call(self, inputs: Any) -> Any:
        self.add_loss(tf.abs(tf.reduce_mean(inputs)))
        return inputs


def test_a_loss_added_in_call_is_listed() -> None:
    layer = MeanPenalty()
    layer(np.ones((10, 1)))
    assert [float(loss) for loss in layer.losses] == [1.0]


def test_a_loss_added_in_call_counts_inside_of_a_traced_step() -> None:
    layer = MeanPenalty()

    @tf.function(strict=True)
    def step(x: Any) -> Any:
        return layer(x), tf.add_n(layer.losses)

    outputs, loss = step(np.full((10, 1), -3.0, np.float32))
    assert outputs.shape == (10, 1)
    assert float(loss) == 3.0
    assert layer.losses == []  # a traced loss does not outlive its trace


def two_dense_layers(**options: Any) -> tuple[Any, Any, Any]:
    inputs = tf.keras.Input(shape=(10,))
    first = tf.keras.layers.Dense(10, **options)
    hidden = first(inputs)
    outputs = tf.keras.layers.Dense(1)(hidden)
    return tf.keras.Model(inputs, outputs), first, hidden


def test_a_functional_model_takes_a_symbolic_loss() -> None:
    model, first, hidden = two_dense_layers()
    assert len(model.losses) == 0
    model.add_loss(tf.abs(tf.reduce_mean(hidden)))
    assert len(model.losses) == 1
    x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(4, 10)
    model(x)
    np.testing.assert_allclose(model.losses[0], np.abs((x @ first.kernel.numpy()).mean()), rtol=1e-5)


def test_a_functional_model_takes_a_loss_of_a_weight() -> None:
    model, first, _ = two_dense_layers(kernel_initializer="ones")
    model.add_loss(lambda: tf.reduce_mean(first.kernel))
    assert repr(model.losses) == "[<tf.Tensor: shape=(), dtype=float32, numpy=1.0>]"


def test_metrics_of_symbolic_values_keep_their_names() -> None:
    inputs = tf.keras.layers.Input(shape=(3,))
    dense = tf.keras.layers.Dense(2)
    output = dense(inputs)
    dense.add_metric(tf.reduce_max(output), name="max")
    dense.add_metric(tf.reduce_min(output), name="min")
    assert [m.name for m in dense.metrics] == ["max", "min"]


class LinearFromVariables(Layer):
    """State made in build as plain variables, from initializer objects."""

    def __init__(self, units: int = 32) -> None:
        super().__init__()
        self.units = units

    def build(self, input_shape: Any) -> None:
        draw = tf.random_normal_initializer()
        self.w = tf.Variable(initial_value=draw(shape=(input_shape[-1], self.units), dtype="float32"), trainable=True)
        zero = tf.zeros_initializer()
        self.b = tf.Variable(initial_value=zero(shape=(self.units,), dtype="float32"), trainable=True)

    def call(self, inputs: Any) -> Any:
        return tf.matmul(inputs, self.w) + self.b


class LinearFromWeights(Layer):
    """The same with add_weight."""

    def __init__(self, units: int = 32) -> None:
        super().__init__()
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs: Any) -> Any:
        return tf.matmul(inputs, self.w) + self.b


@pytest.mark.parametrize("cls", [LinearFromVariables, LinearFromWeights])
def test_a_layer_builds_on_its_first_call(cls: Any, mode: Callable[[Any], Any]) -> None:
    layer = cls(4)
    assert not layer.built
    y = mode(layer)(tf.ones((2, 2)))
    assert len(layer.weights) == 2
    assert len(layer.trainable_weights) == 2
    assert [w.shape for w in layer.weights] == [(2, 4), (4,)]
    np.testing.assert_allclose(y, np.ones((2, 2)) @ layer.w.numpy() + layer.b.numpy(), rtol=1e-5, atol=1e-6)


class RunningTotal(Layer):
    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.total = tf.Variable(initial_value=tf.zeros((input_dim,)), trainable=False)

    def call(self, inputs: Any) -> Any:
        self.total.assign_add(tf.reduce_sum(inputs, axis=0))
        return self.total


def test_a_layer_updates_its_state(mode: Callable[[Any], Any]) -> None:
    layer = RunningTotal(2)
    call = mode(layer)
    x = tf.ones((2, 2))
    np.testing.assert_array_equal(call(x).numpy(), [2.0, 2.0])
    np.testing.assert_array_equal(call(x).numpy(), [4.0, 4.0])
    assert layer.weights == [layer.total]
    assert layer.non_trainable_weights == [layer.total]
    assert layer.trainable_weights == []
