"""Calling a layer: order, arguments, training, build, errors, masks, input_spec."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import backend
from eager.keras.layers import Dense, Dropout, Embedding, Flatten, InputSpec, Layer


def test_first_argument_by_name() -> None:
    class Named(Layer):
        def call(self, query: Any, scale: float = 1.0) -> Any:
            return query * scale

    np.testing.assert_array_equal(Named()(query=tf.ones(2), scale=3.0), [3.0, 3.0])
    with pytest.raises(ValueError, match=r"first argument to `Layer\.call` must always be passed"):
        Named()(scale=2.0)


def test_all_forms_of_arguments() -> None:
    class Many(Layer):
        def call(self, x: Any, a: Any, *rest: Any, key: Any, **more: Any) -> Any:
            more.pop("training", None), more.pop("mask", None)
            return x + a + sum(rest) + key + sum(more.values())

    assert float(Many()(tf.constant(1.0), 2.0, 4.0, 8.0, key=16.0, extra=32.0)) == 63.0


def test_arrays_and_numbers_become_tensors() -> None:
    assert float(Layer()(2.5)) == 2.5
    assert Layer()([1.0, 2.0]).shape == (2,)
    assert isinstance(Layer()({"a": np.ones(2)})["a"], tf.Tensor)


def test_a_layer_is_no_input() -> None:
    with pytest.raises(TypeError, match="Inputs to a layer should be tensors"):
        Layer()(Layer())


def test_errors_in_call_name_the_layer_and_its_arguments() -> None:
    class Failing(Layer):
        def call(self, inputs: Any, flag: bool = False) -> Any:
            raise KeyError("lost")

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Failing(name="bad")

        def call(self, x: Any) -> Any:
            return self.inner(x, flag=True)

    with pytest.raises(KeyError) as caught:
        Outer()(tf.ones((2, 3)))
    text = caught.value.args[0]
    assert text.startswith("Exception encountered when calling layer 'bad' (type Failing).")
    assert text.count("Exception encountered") == 1
    assert "inputs=tf.Tensor(shape=(2, 3), dtype=float32)" in text and "flag=True" in text and "lost" in text


class Probe(Layer):
    """Tells which training mode it was called in."""

    def call(self, x: Any, training: Any = None) -> Any:
        self.seen = training
        return x


class ProbeFalse(Probe):
    def call(self, x: Any, training: Any = False) -> Any:
        return super().call(x, training)


class Plain(Layer):
    """A layer without the argument, which passes the mode down."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)


def test_training_mode_by_priority() -> None:
    x = tf.ones(1)
    probe, default = Probe(), ProbeFalse()
    probe(x)
    assert probe.seen is None
    default(x)
    assert default.seen is False
    default(x, training=True)
    assert default.seen is True
    Plain(default)(x, training=True)
    assert default.seen is True
    Plain(Plain(probe))(x, training=False)
    assert probe.seen is False
    probe(x, True)
    assert probe.seen is True
    backend.set_learning_phase(1)
    try:
        probe(x)
        assert probe.seen == 1
        probe(x, training=False)
        assert probe.seen is False
    finally:
        backend.clear_session()


def test_keyword_arguments_receive_training() -> None:
    class Open(Layer):
        def call(self, x: Any, **kwargs: Any) -> Any:
            self.seen = kwargs
            return x

    layer = Open()
    Plain(layer)(tf.ones(1), training=True)
    assert layer.seen["training"] is True


def test_training_may_be_a_tensor() -> None:
    layer = Dropout(1.0)

    @tf.function(strict=True)
    def run(x: Any, training: Any) -> Any:
        return layer(x, training=training)

    np.testing.assert_array_equal(run(tf.ones(3), tf.constant(True)), np.zeros(3))
    np.testing.assert_array_equal(run(tf.ones(3), tf.constant(False)), np.ones(3))


def test_build_is_called_once_with_the_shapes() -> None:
    shapes: list[Any] = []

    class Built(Layer):
        def build(self, input_shape: Any) -> None:
            shapes.append(input_shape)

        def call(self, x: Any) -> Any:
            return x

    layer = Built()
    layer({"a": tf.ones((2, 3)), "b": [tf.ones(4)]})
    layer({"a": tf.ones((2, 3)), "b": [tf.ones(4)]})
    assert len(shapes) == 1
    assert isinstance(shapes[0]["a"], tf.TensorShape)
    assert (shapes[0]["a"], shapes[0]["b"][0]) == ((2, 3), (4,))


def test_build_by_hand_without_super_builds_again() -> None:
    count = [0]

    class Built(Layer):
        def build(self, input_shape: Any) -> None:
            count[0] += 1

    layer = Built()
    layer.build((None, 2))
    assert not layer.built
    layer(tf.ones((1, 2)))
    layer(tf.ones((1, 2)))
    assert layer.built and count[0] == 2


def test_build_with_a_tuple() -> None:
    layer = Dense(3)
    layer.build((None, 2))
    assert layer.built and layer.kernel.shape == (2, 3)


def test_state_may_be_made_in_the_first_call() -> None:
    class Lazy(Layer):
        def call(self, x: Any) -> Any:
            if not hasattr(self, "w"):
                self.w = self.add_weight("w", (x.shape[-1],), initializer="ones")
            return x * self.w

    for make in (lambda f: f, tf.function):
        layer = Lazy()
        call = make(layer)
        np.testing.assert_array_equal(call(tf.fill((2, 2), 3.0)), np.full((2, 2), 3.0))
        assert len(layer.weights) == 1


def test_initialisers_are_eager_while_tracing() -> None:
    layer = Dense(4)
    y = tf.function(layer, strict=True)(tf.ones((2, 3)))
    assert isinstance(layer.kernel.numpy(), np.ndarray)
    np.testing.assert_allclose(y, np.ones((2, 3)) @ layer.kernel.numpy(), rtol=1e-5)


def test_dynamic_layer_runs_as_python() -> None:
    class Loop(Layer):
        def __init__(self) -> None:
            super().__init__(dynamic=True)

        def call(self, x: Any) -> Any:
            total = x
            for _ in range(int(tf.reduce_sum(x))):
                total = total + 1.0
            return total

    layer = Loop()
    assert layer.dynamic and Plain(layer).dynamic
    step = tf.function(lambda x: layer(x * 2.0) * 10.0)
    with pytest.warns(UserWarning, match="dynamic=True"):
        np.testing.assert_array_equal(step(tf.ones(2)), [60.0, 60.0])
    np.testing.assert_array_equal(step(tf.ones(2)), [60.0, 60.0])


# Masks ----------------------------------------------------------------------------------------------------------------


def test_masks_flow_through_layers_that_support_them() -> None:
    ids = tf.constant([[1, 2, 0], [3, 0, 0]])
    x = Embedding(5, 2, mask_zero=True)(ids)
    expected = ids.numpy() != 0
    np.testing.assert_array_equal(x._keras_mask, expected)
    np.testing.assert_array_equal(Dense(3)(x)._keras_mask, expected)
    np.testing.assert_array_equal(Dropout(0.5)(x)._keras_mask, expected)
    assert getattr(Flatten()(x), "_keras_mask", None) is None


def test_call_receives_the_mask() -> None:
    class Taker(Layer):
        def call(self, x: Any, mask: Any = None) -> Any:
            self.seen = mask
            return x * 1.0

    x = Embedding(5, 2, mask_zero=True)(tf.constant([[1, 0]]))
    layer = Taker()
    y = layer(x)
    np.testing.assert_array_equal(layer.seen, [[True, False]])
    assert getattr(y, "_keras_mask", None) is None  # user layers stop masks
    given = tf.constant([[False, False]])
    layer(x, mask=given)
    assert layer.seen is given


def test_compute_mask_override_switches_masking_on() -> None:
    class Masker(Layer):
        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return inputs > 0

    layer = Masker()
    assert layer.supports_masking
    np.testing.assert_array_equal(layer(tf.constant([1.0, -1.0]))._keras_mask, [True, False])
    assert not Layer().supports_masking
    with pytest.raises(TypeError, match="does not support masking"):
        Layer().compute_mask(tf.ones(1), tf.constant([True]))


# input_spec -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "shape", "words"),
    [
        (InputSpec(ndim=2), (2, 2, 2), r"expected ndim=2, found ndim=3. Full shape received: \(2, 2, 2\)"),
        (InputSpec(max_ndim=1), (2, 2), "expected max_ndim=1, found ndim=2"),
        (InputSpec(min_ndim=3), (2, 2), "expected min_ndim=3, found ndim=2"),
        (InputSpec(dtype="int32"), (2,), "expected dtype=int32, found dtype=float32"),
        (InputSpec(axes={-1: 3}), (2, 2), "expected axis -1 of input shape to have value 3"),
        (InputSpec(shape=(None, 3)), (2, 2), r"expected shape=\(None, 3\), found shape=\(2, 2\)"),
    ],
)
def test_input_spec_is_checked(spec: Any, shape: Any, words: str) -> None:
    layer = Layer(name="strict")
    layer.input_spec = spec
    with pytest.raises(ValueError, match=f'Input 0 of layer "strict" is incompatible with the layer: {words}'):
        layer(tf.ones(shape))


def test_number_of_inputs_and_named_inputs() -> None:
    layer = Layer()
    layer.input_spec = [InputSpec(ndim=1, name="a"), InputSpec(ndim=2, name="b")]
    with pytest.raises(ValueError, match=r"expects 2 input\(s\), but it received 1"):
        layer([tf.ones(1)])
    layer({"b": tf.ones((1, 1)), "a": tf.ones(1)})
    with pytest.raises(ValueError, match="expected ndim=1"):
        layer({"a": tf.ones((1, 1)), "b": tf.ones((1, 1))})
    with pytest.raises(TypeError, match="must be an instance of InputSpec"):
        layer.input_spec = "ndim=2"


def test_input_spec_itself() -> None:
    assert repr(InputSpec(shape=(None, 2))) == "InputSpec(shape=(None, 2), ndim=2)"
    with pytest.raises(ValueError, match="Axis 3"):
        InputSpec(ndim=2, axes={3: 1})


def test_dense_names_expected_and_found_sizes() -> None:
    layer = Dense(2, name="d")
    layer(tf.ones((1, 4)))
    with pytest.raises(ValueError, match=r'layer "d" is incompatible.*expected axis -1 .* value 4.*shape \(1, 3\)'):
        layer(tf.ones((1, 3)))
    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1"):
        layer(tf.ones(4))


def test_call_may_be_a_tf_function() -> None:
    class Compiled(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)

        @tf.function
        def call(self, x: Any, training: bool = False) -> Any:
            return self.dense(x) * (2.0 if training else 1.0)

    layer, x = Compiled(), tf.ones((3, 4))
    plain = layer(x).numpy()
    np.testing.assert_allclose(layer(x, training=True), 2 * plain, rtol=1e-6)
    np.testing.assert_allclose(Plain(layer)(x, training=True), 2 * plain, rtol=1e-6)
    assert layer.dense.kernel.name == f"compiled/{layer.dense.name}/kernel:0"


def test_layer_path_reaches_the_graph() -> None:
    layer = Plain(Dense(2, name="inner"))
    function = tf.function(layer, strict=True)
    function(tf.ones((2, 3)))
    paths = {loc.layers for node in function.concrete_functions[0].graph.nodes for loc in node.locations}
    assert (layer.name, "inner") in paths
