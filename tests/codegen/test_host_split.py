"""Functions of strings: what needs the strings runs on the host, everything else as native code, with equal results."""

import numpy as np
import pytest

import eager as tf
from codegen.host_split import split
from graphcore.errors import InvalidArgumentError


def compiled(function):
    return function.concrete_functions[-1].function.compiled


def test_numbers_beside_strings_are_native():
    f = tf.function(lambda s, x: (tf.where(s == "a", x, x * 3.0), tf.tanh(x) * 2.0, tf.strings.length(s) + 1))
    for n in (2, 5):
        s, x = np.array(["a", "bc"] * n), np.linspace(-1, 1, 2 * n, dtype="float32")
        first, second, third = f(tf.constant(s), tf.constant(x))
        np.testing.assert_allclose(first.numpy(), np.where(s == "a", x, x * 3), rtol=1e-6)
        np.testing.assert_allclose(second.numpy(), 2 * np.tanh(x.astype("float64")), rtol=1e-6)
        assert third.numpy().tolist() == [2, 3] * n
    assert sorted(compiled(f).host_calls) == ["equal", "strings.length"] and compiled(f).kernels
    assert "native" in f.explain()


def test_strings_at_the_end_take_what_they_need_along():
    f = tf.function(lambda x: tf.gather(tf.constant(["low", "high"]), tf.cast(x > 0.0, "int32")))
    assert f(tf.constant([1.0, -1.0])).numpy().tolist() == [b"high", b"low"]
    assert compiled(f).kernels == [] and split(compiled(f).graph) is None


def test_sizes_that_only_strings_tell_keep_the_function_on_the_host():
    f = tf.function(lambda s: tf.zeros(tf.shape(s)) + 1.0)
    for n in (2, 3, 4):
        assert f(tf.constant(["a"] * n)).numpy().tolist() == [1.0] * n


def test_effects_keep_their_order():
    seen = []
    v = tf.Variable([1.0, 2.0])

    def count(strings):
        seen.append(strings.tolist())
        return np.float32(len(strings))

    @tf.function
    def f(s, x):
        tf.debugging.assert_greater(x, 0.0)
        n = tf.numpy_function(count, [s], tf.TensorSpec((), "float32"))
        v.assign_add(x * n)
        return v * 2.0

    assert f(tf.constant(["a", "b"]), tf.constant([1.0, 1.0])).numpy().tolist() == [6.0, 8.0]
    assert f(tf.constant(["c", "d"]), tf.constant([1.0, 1.0])).numpy().tolist() == [10.0, 12.0]
    assert seen == [[b"a", b"b"], [b"c", b"d"]]
    with pytest.raises(InvalidArgumentError):
        f(tf.constant(["e", "f"]), tf.constant([1.0, -1.0]))
    assert len(seen) == 2 and v.numpy().tolist() == [5.0, 6.0]


def test_a_model_of_text_trains_natively():
    text = np.array([["a b"], ["c"], ["b c a"], ["a"]])
    losses = []
    for eagerly in (True, False):
        tf.keras.utils.set_random_seed(5)
        layer = tf.keras.layers.TextVectorization(vocabulary=["a", "b", "c"], output_sequence_length=3)
        inputs = tf.keras.Input((1,), dtype="string")
        hidden = tf.keras.layers.Flatten()(tf.keras.layers.Embedding(5, 4)(layer(inputs)))
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(hidden))
        model.compile("adam", "mse", run_eagerly=eagerly)
        history = model.fit(text, np.arange(4.0), batch_size=3, epochs=4, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    (step,) = model.train_function.step.functions.values()
    assert compiled(step).host_calls[-1] == layer.name and len(compiled(step).kernels) > 5
