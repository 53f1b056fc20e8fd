"""The constructor of Layer: arguments, names, read-only attributes, dtype policy."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import backend, mixed_precision
from eager.keras.engine.naming import snake_case
from eager.keras.layers import Activation, Dense, InputLayer, Layer


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    backend.clear_session()


def test_unknown_keyword_is_named() -> None:
    with pytest.raises(TypeError) as caught:
        Layer(foo=1)
    assert caught.value.args == ("Keyword argument not understood:", "foo")


@pytest.mark.parametrize(
    "arguments", [{"trainable": 1}, {"trainable": "yes"}, {"dynamic": 0}, {"name": 3}, {"trainable": None}]
)
def test_arguments_of_the_wrong_type(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(arguments))):
        Layer(**arguments)


def test_trainable_may_be_a_boolean_tensor() -> None:
    assert bool(Layer(trainable=tf.constant(True)).trainable)


def test_input_shape_keywords() -> None:
    assert Layer(input_dim=3).get_config()["batch_input_shape"] == (None, 3)
    assert Layer(input_shape=(3, 4), batch_size=2).get_config()["batch_input_shape"] == (2, 3, 4)
    assert "batch_input_shape" not in Layer().get_config()


def test_weights_keyword_is_applied_after_build() -> None:
    kernel, bias = np.full((2, 3), 0.5, np.float32), np.arange(3, dtype=np.float32)
    layer = Dense(3, weights=[kernel, bias])
    np.testing.assert_allclose(layer(tf.ones((1, 2))), [[1.0, 2.0, 3.0]])


def test_attributes_may_come_before_super_init() -> None:
    class Early(Layer):
        def __init__(self) -> None:
            self.inner = Dense(2)
            self.number = 3
            super().__init__()

        def call(self, x: Any) -> Any:
            return self.inner(x)

    layer = Early()
    assert layer(tf.ones((1, 4))).shape == (1, 2)
    assert len(layer.weights) == 2


def test_forgotten_super_init_is_reported_at_call() -> None:
    class Forgetful(Layer):
        def __init__(self) -> None:
            self.units = 3

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(tf.ones((1, 1)))


@pytest.mark.parametrize(
    ("name", "snake"),
    [("Conv2D", "conv2d"), ("ReLU", "re_lu"), ("PReLU", "p_re_lu"), ("MyHTTPLayer", "my_http_layer"),
     ("_Private", "private__private"), ("Dense", "dense")],
)  # fmt: skip
def test_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == snake


def test_names_are_counted_per_class() -> None:
    assert [Dense(1).name, Dense(1).name, Activation("relu").name, Dense(1).name] == [
        "dense", "dense_1", "activation", "dense_2",
    ]  # fmt: skip
    assert [InputLayer((1,)).name, InputLayer((1,)).name] == ["input_1", "input_2"]


def test_an_explicit_name_skips_no_number() -> None:
    Dense(1, name="dense_1")
    assert [Dense(1).name, Dense(1).name] == ["dense", "dense_1"]


def test_operator_layers_skip_names_that_are_taken() -> None:
    x = tf.keras.Input((2,))
    Layer(name="tf.__operators__.add")
    assert (x + 1.0).name == "tf.__operators__.add_1"
    assert tf.nn.relu(x).name == "tf.nn.relu"
    assert tf.reduce_mean(x).name == "tf.math.reduce_mean"


def test_names_of_weights() -> None:
    class Inner(Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight("kernel", (2,))

        def call(self, x: Any) -> Any:
            return x + self.kernel

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.early = self.add_weight("early", ())
            self.inner = Inner(name="inner")

        def build(self, shape: Any) -> None:
            self.w = self.add_weight("w", ())
            self.unnamed = self.add_weight(shape=())

        def call(self, x: Any) -> Any:
            return self.inner(x)

    layer = Outer()
    layer(tf.ones((1, 2)))
    assert layer.early.name == "early:0"
    assert layer.w.name == "outer/w:0"
    assert layer.inner.kernel.name == "outer/inner/kernel:0"
    assert layer.unnamed.name.endswith("Variable:0")


@pytest.mark.parametrize(
    "name",
    ["name", "dtype", "weights", "losses", "metrics", "input", "output", "dynamic", "compute_dtype", "variable_dtype",
     "dtype_policy", "input_shape"],
)  # fmt: skip
def test_read_only_attributes(name: str) -> None:
    with pytest.raises(AttributeError, match="Can't set the attribute"):
        setattr(Layer(), name, 1)


def test_settable_attributes() -> None:
    layer = Layer()
    for name, value in (("trainable", False), ("supports_masking", True), ("stateful", True), ("built", True)):
        setattr(layer, name, value)
        assert getattr(layer, name) == value
    layer.input_spec = tf.keras.layers.InputSpec(ndim=2)
    layer.activity_regularizer = tf.keras.regularizers.L2(0.1)


def test_dtype_is_a_string() -> None:
    layer = Layer(dtype=tf.float64)
    assert (layer.dtype, layer.variable_dtype, layer.compute_dtype) == ("float64",) * 3
    assert Layer().dtype == "float32"
    assert repr(Layer(dtype="mixed_float16").dtype_policy) == '<Policy "mixed_float16">'


def test_policy_errors() -> None:
    with pytest.raises(ValueError, match="Cannot convert value"):
        mixed_precision.Policy("x")
    with pytest.raises(TypeError, match="must be a string"):
        mixed_precision.Policy(tf.float32)
    with pytest.raises(ValueError, match="floating-point"):
        mixed_precision.set_global_policy("int32")


def test_global_policy() -> None:
    mixed_precision.set_global_policy("float64")
    try:
        assert Dense(1).dtype == "float64"
    finally:
        mixed_precision.set_global_policy("float32")


def test_mixed_policy_keeps_variables_in_float32() -> None:
    seen: list[str] = []

    class Watch(Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight("w", (2,), initializer="ones")
            self.exempt = self.add_weight("e", (2,), autocast=False)
            self.count = self.add_weight("n", (), dtype="int32")

        def call(self, x: Any) -> Any:
            seen.extend((v + 0).dtype.name for v in (x, self.w, self.exempt, self.count))
            return x * self.w

    layer = Watch(dtype="mixed_float16")
    y = layer(tf.ones((1, 2)))
    assert seen == ["float16", "float16", "float32", "int32"]
    assert y.dtype is tf.float16
    assert layer.w.dtype is tf.float32
    assert layer.w.value().dtype is tf.float32
    assert layer.compute_dtype == "float16" and layer.dtype == "float32"


def test_autocast_touches_floats_of_the_first_argument_only() -> None:
    seen: dict[str, Any] = {}

    class Watch(Layer):
        def call(self, x: Any, other: Any = None) -> Any:
            seen.update(a=x["a"].dtype, b=x["b"].dtype, c=x["c"].dtype, other=other.dtype)
            return x["a"]

    inputs = {"a": np.ones(2), "b": tf.constant([1]), "c": tf.constant([True])}
    Watch()(inputs, other=tf.constant([1.0], tf.float64))
    assert seen == {"a": tf.float32, "b": tf.int32, "c": tf.bool, "other": tf.float64}


def test_autocast_can_be_switched_off() -> None:
    assert Layer(autocast=False)(tf.constant([1.0], tf.float64)).dtype is tf.float64
    assert Layer(dtype="int32")(tf.constant([1.5])).dtype is tf.float32
    assert Layer()(np.array([1.5])).dtype is tf.float32
