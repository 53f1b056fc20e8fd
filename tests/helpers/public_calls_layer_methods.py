"""Calls of the methods and properties of Layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from public_calls_table import equal, near, raises, shows

import eager as tf

LAYER = "tf.keras.layers.Layer"
L = tf.keras.layers
X = np.array([[1.0, -2.0], [3.0, 4.0]], "float32")


class Affine(L.Layer):
    """Weights times inputs, plus a count of calls that is not trained."""

    def __init__(self, start: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight("w", (), initializer=tf.keras.initializers.Constant(self.start))
        self.seen = self.add_weight("seen", (), initializer="zeros", trainable=False)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        self.seen.assign_add(1.0)
        return inputs * self.w


@shows(LAYER, "add_weight add_variable build call weights trainable_weights non_trainable_weights variables "
       "trainable_variables non_trainable_variables trainable count_params get_weights set_weights")  # fmt: skip
def _weights() -> None:
    layer = Affine(name="affine")
    assert equal(layer(X), 2 * X) and layer.built and equal(layer.call(tf.constant(X)), 2 * X)
    assert [v.name for v in layer.weights] == ["affine/w:0", "affine/seen:0"]
    assert layer.trainable_weights == [layer.w] == layer.trainable_variables
    assert layer.non_trainable_weights == [layer.seen] == layer.non_trainable_variables
    assert len(layer.variables) == 2 == layer.count_params() and [float(w) for w in layer.get_weights()] == [2, 2]
    layer.set_weights([np.array(5.0), np.array(0.0)])
    assert equal(layer(X), 5 * X)
    layer.trainable = False
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == 2
    assert layer.add_variable("more", (3,)).shape == (3,) and layer.count_params() == 5


@shows(LAYER, "name dtype compute_dtype variable_dtype dtype_policy dynamic stateful supports_masking input_spec "
       "activity_regularizer")  # fmt: skip
def _properties() -> None:
    layer = Affine(name="n", dtype="mixed_bfloat16", dynamic=True, activity_regularizer="l2")
    assert layer.name == "n" and layer.dtype == layer.variable_dtype == "float32" and layer.compute_dtype == "bfloat16"
    assert layer.dtype_policy.name == "mixed_bfloat16" and layer.dynamic and not Affine().dynamic
    assert isinstance(layer.activity_regularizer, tf.keras.regularizers.L2)
    assert not layer.supports_masking and not layer.stateful and L.LSTM(2, stateful=True).stateful
    plain = Affine()
    plain.input_spec = L.InputSpec(ndim=3)
    assert plain.input_spec.ndim == 3 and raises(ValueError, lambda: plain(X))


@shows(LAYER, "get_config from_config get_build_config build_from_config save_own_variables load_own_variables")
def _config() -> None:
    layer, other = Affine(4.0, name="four"), Affine.from_config(Affine(4.0, name="four").get_config())
    assert layer.get_config()["start"] == 4 == other.start and other.name == "four"
    layer(X)
    other.build_from_config(layer.get_build_config())
    assert other.built and tuple(layer.get_build_config()["input_shape"]) == (2, 2)
    store: dict[str, Any] = {}
    layer.w.assign(9.0)
    layer.save_own_variables(store)
    other.load_own_variables(store)
    assert sorted(store) == ["0", "1"] and float(other.w) == 9


@shows(LAYER, "compute_output_shape compute_output_signature compute_mask finalize_state updates add_update")
def _shapes() -> None:
    layer = L.Dense(3)
    assert tuple(layer.compute_output_shape((5, 2))) == (5, 3)
    made = layer.compute_output_signature(tf.TensorSpec((5, 2), tf.float32))
    assert tuple(made.shape) == (5, 3) and made.dtype == tf.float32
    mask = tf.constant([[True, False]])
    assert L.Masking().compute_mask(np.zeros((1, 2, 3))).numpy().tolist() == [[False, False]]
    assert L.Dropout(0.5).compute_mask(X, mask) is mask
    assert layer.finalize_state() is None and layer.updates == [] and layer.add_update([]) is None


class Lossy(L.Layer):
    """Adds a loss and a metric."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(tf.reduce_sum(inputs))
        self.add_metric(tf.reduce_max(inputs), name="most")
        return inputs


@shows(LAYER, "add_loss add_metric losses metrics")
def _losses() -> None:
    layer = Lossy()
    layer(X)
    layer(2 * X)
    assert [float(x) for x in layer.losses] == [12]
    assert [(m.name, float(m.result())) for m in layer.metrics] == [("most", 6)]
    model = tf.keras.Sequential([tf.keras.Input((2,)), layer])
    model.compile("sgd")
    assert near(model.train_on_batch(X, return_dict=True)["most"], 4)


@shows(LAYER, "submodules name_scope with_name_scope")
def _modules() -> None:
    class Outer(L.Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inner = L.Dense(1, name="inner")

        @L.Layer.with_name_scope
        def note(self) -> Any:
            return tf.Variable(1.0, name="note")

    outer = Outer()
    assert list(outer.submodules) == [outer.inner] and outer.note().name.endswith("outer/note:0")
    scope: Any = outer.name_scope
    with scope:
        assert "outer" in tf.Variable(1.0, name="w").name


@shows(LAYER, "inbound_nodes outbound_nodes input output input_shape output_shape input_mask output_mask "
       "get_input_at get_output_at get_input_shape_at get_output_shape_at get_input_mask_at get_output_mask_at")
def _nodes() -> None:
    x, layer, after = tf.keras.Input((4,)), L.Dense(3), L.Dense(1)
    y = layer(x)
    after(y)
    assert layer.input is x and layer.output is y and len(layer.inbound_nodes) == 1 == len(layer.outbound_nodes)
    assert layer.input_shape == (None, 4) and layer.output_shape == (None, 3)
    assert layer.input_mask is None and layer.output_mask is None
    other = tf.keras.Input((4,))
    second = layer(other)
    assert layer.get_input_at(1) is other and layer.get_output_at(1) is second and layer.get_output_at(0) is y
    assert layer.get_input_shape_at(1) == (None, 4) and layer.get_output_shape_at(1) == (None, 3)
    assert layer.get_input_mask_at(1) is None and layer.get_output_mask_at(1) is None
    embedding = L.Embedding(5, 2, mask_zero=True)
    embedding(tf.keras.Input((3,)))
    assert tuple(embedding.output_mask.shape) == (None, 3) and raises(AttributeError, lambda: L.Dense(1).input)
