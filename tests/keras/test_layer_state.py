"""What a layer owns: weights, tracking, freezing, losses, metrics."""

import copy
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras.layers import Dense, Layer


def names(variables: Any) -> list[str]:
    return [v.name for v in variables]


# add_weight -----------------------------------------------------------------------------------------------------------


def test_add_weight_defaults() -> None:
    layer = Layer()
    scalar = layer.add_weight()
    assert scalar.shape == () and scalar.dtype is tf.float32 and scalar.trainable
    assert int(layer.add_weight("n", dtype="int32")) == 0
    assert not bool(layer.add_weight("b", dtype=tf.bool))
    limit = np.sqrt(6.0 / 200)
    kernel = layer.add_weight("k", (100, 100)).numpy()
    assert np.abs(kernel).max() <= limit and np.abs(kernel).max() > 0.9 * limit


def test_add_weight_errors() -> None:
    layer = Layer()
    with pytest.raises(TypeError, match="Unknown keyword argument"):
        layer.add_weight("w", (), initialiser="ones")
    with pytest.raises(ValueError, match="initializer"):
        layer.add_weight("w", (), dtype=tf.string)
    with pytest.raises(ValueError, match="ON_READ"):
        layer.add_weight("w", (), trainable=True, synchronization="ON_READ")
    with pytest.raises(ValueError, match="every size must be known"):
        layer.add_weight("w", (None, 2))
    with pytest.raises(ValueError, match=r"Unknown initializer: 'glorot'.*Did you mean 'glorot_normal'|glorot_uniform"):
        layer.add_weight("w", (2,), initializer="glorot")


def test_add_weight_takes_any_initializer_and_regularizer() -> None:
    layer = Layer()
    layer.add_weight("a", (3,), initializer=lambda shape, dtype: tf.fill(shape, 2.0), regularizer="l2")
    layer.add_weight("b", (3,), initializer=tf.keras.initializers.Constant(3.0), regularizer=tf.reduce_sum)
    assert [round(float(x), 6) for x in layer.losses] == [0.12, 9.0]


# Tracking -------------------------------------------------------------------------------------------------------------


class Holder(Layer):
    """Holds state in every way."""

    def __init__(self) -> None:
        super().__init__()
        self.child = Dense(1)
        self.w = tf.Variable(1.0, name="w")
        self.pair = (tf.Variable(2.0, name="p0"), tf.Variable(3.0, name="p1", trainable=False))
        self.layers_list: list[Layer] = []
        self.table: dict[str, Any] = {}
        self.not_tracked = (Dense, tf.ones(2), np.ones(2))

    def call(self, x: Any) -> Any:
        return x


def test_order_of_weights() -> None:
    layer = Holder()
    layer.child.build((None, 1))
    assert names(layer.weights) == ["w:0", "p0:0", "kernel:0", "bias:0", "p1:0"]
    assert names(layer.non_trainable_weights) == ["p1:0"]
    assert names(layer.variables) == names(layer.weights)


def test_what_is_added_later_is_tracked() -> None:
    layer = Holder()
    inner = Dense(2)
    inner.build((None, 1))
    layer.layers_list.append(inner)
    layer.table["v"] = tf.Variable(1.0, name="late")
    layer.table["deep"] = [Dense(1, name="deep")]
    assert "kernel:0" in names(layer.weights) and "late:0" in names(layer.weights)
    assert {m.name for m in layer.submodules} >= {inner.name, "deep", layer.child.name}


def test_one_object_in_two_places_counts_once() -> None:
    layer = Layer()
    layer.a = layer.b = tf.Variable(1.0)
    layer.c = [layer.a]
    assert len(layer.weights) == 1
    del layer.a
    assert len(layer.weights) == 1
    layer.b = None
    layer.c = None
    assert layer.weights == []


def test_replacing_keeps_the_place_of_a_trainable_variable() -> None:
    layer = Layer()
    layer.a = tf.Variable(1.0, name="a")
    layer.b = tf.Variable(2.0, name="b")
    layer.a = tf.Variable(3.0, name="c")
    assert names(layer.weights) == ["c:0", "b:0"]
    del layer.b
    assert names(layer.weights) == ["c:0"]
    layer.child = Dense(1)
    layer.child = 5
    assert list(layer.submodules) == []


def test_modules_are_tracked() -> None:
    class Part(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.z = tf.Variable(1.0, name="z")
            self.dense = Dense(1)
            self.dense.build((None, 1))

    layer = Layer()
    layer.part = Part()
    assert sorted(names(layer.trainable_weights)) == ["bias:0", "kernel:0", "z:0"]
    layer.trainable = False
    assert layer.trainable_weights == [] and not layer.part.dense.trainable


def test_module_by_itself() -> None:
    class Part(tf.Module):
        def __init__(self) -> None:
            super().__init__(name="part")
            self.b = tf.Variable(1.0, trainable=False)
            self.a = [tf.Variable(2.0)]
            self.inner = {"x": tf.Module("m")}

        @tf.Module.with_name_scope
        def make(self) -> Any:
            return tf.Variable(0.0, name="v")

    part = Part()
    assert [float(v) for v in part.variables] == [2.0, 1.0]
    assert len(part.trainable_variables) == 1 and part.submodules[0].name == "m"
    assert part.make().name == "part/v:0"
    with tf.name_scope("outer"):
        assert part.make().name == "outer/part/v:0"
    with pytest.raises(ValueError, match="not a valid module name"):
        tf.Module("no name")


def test_copy_is_independent() -> None:
    layer = Dense(2, kernel_regularizer="l2")
    layer(tf.ones((1, 2)))
    other = copy.deepcopy(layer)
    other.kernel.assign(tf.zeros((2, 2)))
    assert float(other.losses[0]) == 0.0 and float(layer.losses[0]) > 0.0


# Freezing -------------------------------------------------------------------------------------------------------------


def test_freezing() -> None:
    layer = Holder()
    layer.child.build((None, 1))
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 5
    assert layer.child.trainable is False
    assert layer.w.trainable  # the variable itself is untouched
    late = layer.add_weight("late", ())
    assert layer.trainable_weights == []
    layer.trainable = True
    assert any(v is late for v in layer.trainable_weights)


# get_weights and set_weights ------------------------------------------------------------------------------------------


def test_weights_as_arrays() -> None:
    layer = Dense(2)
    with pytest.raises(ValueError, match="isn't built"):
        layer.count_params()
    layer.build((None, 3))
    assert layer.count_params() == 8
    kernel = np.arange(6, dtype=np.float32).reshape(3, 2)
    before = layer.get_weights()
    layer.set_weights([kernel, np.ones(2)])
    np.testing.assert_array_equal(layer.kernel, kernel)
    assert not np.array_equal(before[0], kernel)
    with pytest.raises(ValueError, match="but the layer was expecting 2 weights"):
        layer.set_weights([kernel])
    with pytest.raises(ValueError, match="not compatible with provided weight shape"):
        layer.set_weights([kernel.T, np.ones(2)])
    np.testing.assert_array_equal(layer.kernel, kernel)
    with pytest.raises(ValueError, match="Shape mismatch"):
        layer.kernel.assign(np.ones((2, 2), np.float32))


# Losses ---------------------------------------------------------------------------------------------------------------


class Adds(Layer):
    def __init__(self, value: float, inner: Any = None) -> None:
        super().__init__()
        self.value = value
        self.inner = inner

    def call(self, x: Any) -> Any:
        self.add_loss([tf.reduce_sum(x) * 0.0 + self.value, None])
        return x if self.inner is None else self.inner(self.inner(x))


def test_losses_accumulate_inside_and_clear_outside() -> None:
    layer = Adds(1.0, Adds(2.0))
    layer.inner.add_loss(lambda: 8.0)
    layer.add_loss(lambda: tf.constant(4.0))
    layer.add_loss(lambda: None)
    for _ in range(2):
        layer(tf.ones(1))
        assert [float(x) for x in layer.losses] == [1.0, 4.0, 2.0, 2.0, 8.0]


def test_callable_losses_carry_gradients() -> None:
    layer = Layer()
    layer.w = tf.Variable(3.0)
    layer.add_loss(lambda: layer.w * layer.w)
    with tf.GradientTape() as tape:
        loss = layer.losses[0]
    assert float(tape.gradient(loss, layer.w)) == 6.0


def test_add_loss_errors() -> None:
    with pytest.raises(ValueError, match="Expected a symbolic Tensors or a callable"):
        Layer().add_loss(tf.constant(1.0))
    with pytest.raises(TypeError, match="Unknown keyword"):
        Layer().add_loss(lambda: 1.0, when="now")
    Layer().add_loss(lambda: 1.0, inputs=True)


def test_activity_regularizer_is_divided_by_the_batch() -> None:
    layer = Layer(activity_regularizer=tf.keras.regularizers.L2(0.5))
    layer(tf.fill((4, 3), 2.0))
    assert float(layer.losses[0]) == 0.5 * 4 * 12 / 4


# Metrics --------------------------------------------------------------------------------------------------------------


class Measured(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.total = tf.keras.metrics.Sum(name="total")

    def call(self, x: Any) -> Any:
        self.add_metric(tf.reduce_mean(x), name="average")
        self.add_metric(self.total(x))
        return x


def test_metrics_of_a_layer() -> None:
    layer = Measured()
    layer(tf.constant([1.0, 3.0]))
    layer(tf.constant([5.0, 5.0]))
    assert [(m.name, float(m.result())) for m in layer.metrics] == [("total", 14.0), ("average", 3.5)]
    assert layer.weights == []
    layer.metrics[0].reset_state()
    assert float(layer.total.result()) == 0.0


def test_metrics_of_a_traced_layer() -> None:
    layer = Measured()
    call = tf.function(layer, strict=True)
    for value in (1.0, 3.0, 5.0):
        call(tf.fill((2,), value))
    assert [float(m.result()) for m in layer.metrics] == [18.0, 3.0]


def test_add_metric_errors() -> None:
    layer = Layer()
    with pytest.raises(ValueError, match="provide a name"):
        layer.add_metric(tf.constant(1.0))
    with pytest.raises(ValueError, match="Expected a symbolic Tensor"):
        layer.add_metric(tf.constant(1.0), name="m")
    with pytest.raises(TypeError, match="Unknown keyword"):
        layer.add_metric(tf.constant(1.0), name="m", mean=True)


def test_older_names_of_weights_and_updates():
    layer = tf.keras.layers.Layer()
    count = layer.add_variable("count", (), initializer="zeros")
    layer.add_update([lambda: count.assign_add(1.0), count.assign_add(10.0)])
    assert float(count) == 11 and layer.weights == [count]
    layer.trainable = False
    layer.add_update(lambda: count.assign_add(1.0))
    assert float(count) == 11 and layer.finalize_state() is None
