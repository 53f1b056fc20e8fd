"""Bidirectional, TimeDistributed, convolutional LSTM layers and tf.keras.backend.rnn."""

import numpy as np
import pytest
from region_checks import check_gradient, native
from rnn_layers import RNG, made, near
from rnn_numpy import gru_step, lstm_step, over_time, zeros

import eager as tf

L = tf.keras.layers
K = tf.keras.backend
X = RNG.normal(size=(3, 5, 2))
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1]], bool)

# Bidirectional -------------------------------------------------------------------------------------------------------


def test_both_directions_with_masks_states_and_their_order():
    layer = L.Bidirectional(L.LSTM(3, return_sequences=True, return_state=True, dtype="float64"), dtype="float64")
    start = [RNG.normal(size=(3, 3)) for _ in range(4)]
    made(layer, X)
    w = layer.get_weights()
    # Sequences that are turned round get zeros where a step is masked.
    ys, _, ends = over_time(lstm_step(*w[:3]), X, start[:2], MASK, zero=True)
    back, _, others = over_time(lstm_step(*w[3:]), X, start[2:], MASK, backwards=True, zero=True)
    expected = [np.concatenate([ys, back[:, ::-1]], -1), *ends, *others]
    near(layer(X, mask=MASK, initial_state=start), expected)
    run = tf.function(lambda x, m, *s: layer(x, mask=m, initial_state=list(s)), strict=True)
    near(run(X, MASK, *start), expected)
    native(run)
    assert layer.compute_mask(X, MASK)[0] is MASK and layer.compute_mask(X, MASK)[1:] == [None] * 4
    shapes = layer.compute_output_shape((None, 5, 2))
    assert [tuple(s) for s in shapes] == [(None, 5, 6), *[(None, 3)] * 4]


def test_a_backward_layer_of_another_kind_and_its_config():
    layer = L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(2, go_backwards=True, name="b"), merge_mode=None)
    made(layer, X)
    w = layer.get_weights()
    x = X.astype("float32")
    ends = over_time(gru_step(*w[3:]), x, zeros(x, 2), backwards=True)[1]
    near(layer(x), [over_time(lstm_step(*w[:3]), x, zeros(x, 2, 2))[1], ends], 1e-5)
    config = layer.get_config()
    assert config["backward_layer"]["config"]["name"] == "b" and layer.backward_layer.name == "backward_b"
    again = L.Bidirectional.from_config(config)
    assert again.get_config() == config


def test_a_stateful_wrapped_layer_keeps_both_states():
    layer = made(L.Bidirectional(L.GRU(2, stateful=True)), X)
    layer.reset_states()
    first, second = layer(X).numpy(), layer(X).numpy()
    assert not np.allclose(first, second)
    layer.reset_states()
    near(layer(X), first)
    layer.reset_states([np.ones((3, 2)), np.zeros((3, 2))])
    assert layer.forward_layer.states[0].numpy().all() and not layer.backward_layer.states[0].numpy().any()
    with pytest.raises(ValueError, match="list or tuple"):
        layer.reset_states(np.ones((3, 2)))


def test_symbolic_initial_states_of_both_directions():
    x, h, g = tf.keras.Input((None, 2)), tf.keras.Input((2,)), tf.keras.Input((2,))
    layer = L.Bidirectional(L.GRU(2), merge_mode="sum")
    model = tf.keras.Model([x, h, g], layer(x, initial_state=[h, g]))
    a, b = RNG.normal(size=(2, 3, 2)).astype("float32")
    w = layer.get_weights()
    found = sum(over_time(gru_step(*w[i : i + 3]), X, [s], backwards=i > 0)[1] for i, s in ((0, a), (3, b)))
    near(model.predict([X.astype("float32"), a, b], verbose=0), found, 1e-5)


def test_initial_weights_are_shared_out():
    source = made(L.Bidirectional(L.GRU(2)), X)
    again = L.Bidirectional(L.GRU(2), weights=source.get_weights())
    near(again(X), source(X).numpy(), 0)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: L.Bidirectional(3), "initialize `Bidirectional`"),
    (lambda: L.Bidirectional(L.GRU(2), backward_layer=3), "`backward_layer` need"),
    (lambda: L.Bidirectional(L.GRU(2), merge_mode="avg"), "Invalid merge mode"),
    (lambda: L.Bidirectional(L.GRU(2), backward_layer=L.GRU(2)), "different `go_backwards`"),
    (lambda: L.Bidirectional(L.GRU(2), backward_layer=L.GRU(2, go_backwards=True, return_state=True)), "return_state"),
    (lambda: L.Bidirectional(L.GRU(2))(X, initial_state=[X[:, 0]]), "states of the underlying RNNs"),
    (lambda: L.TimeDistributed(3), "initialize `TimeDistributed`"),
    (lambda: L.TimeDistributed(L.Dense(2))(X[0]), "at least 3 dimensions"),
])  # fmt: skip
def test_wrong_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# TimeDistributed -----------------------------------------------------------------------------------------------------


def test_masks_reach_the_layer_and_come_out():
    x = RNG.normal(size=(2, 3, 4, 2))
    inner = RNG.random((2, 3, 4)) > 0.4
    layer = made(L.TimeDistributed(L.GRU(3, dtype="float64"), dtype="float64"), x)
    flat = x.reshape(6, 4, 2)
    expected = over_time(gru_step(*layer.get_weights()), flat, zeros(flat, 3), inner.reshape(6, 4))[1]
    near(layer(x, mask=tf.constant(inner)), expected.reshape(2, 3, 3))
    near(layer.compute_mask(tf.constant(x), tf.constant(inner)), inner.any(-1))
    dense = L.TimeDistributed(L.Dense(2))
    near(dense.compute_mask(tf.constant(X), tf.constant(MASK)), MASK)
    assert dense.compute_mask(tf.constant(X)) is None
    words = tf.constant([[[1, 0], [0, 0]], [[2, 3], [0, 4]]])
    embedded = L.TimeDistributed(L.Embedding(5, 3, mask_zero=True))
    near(embedded.compute_mask(words), words.numpy() != 0)


@pytest.mark.slow
def test_a_hierarchy_of_words_and_sentences_trains_without_a_call_to_python():
    inputs = tf.keras.Input((None, 4), dtype="int32")
    words = L.TimeDistributed(L.Embedding(6, 3, mask_zero=True))(inputs)
    model = tf.keras.Model(inputs, L.Dense(1)(L.GRU(3)(L.TimeDistributed(L.LSTM(2))(words))))
    model.compile("adam", "mse")
    x = RNG.integers(0, 6, (7, 3, 4))
    model.fit(x, np.zeros((7, 1)), batch_size=3, verbose=0)
    (function,) = model.train_function.step.functions.values()
    (concrete,) = function.concrete_functions
    assert concrete.function.compiled.host_calls == []
    near(model.predict(x, verbose=0), model(x).numpy(), 1e-5)


def test_a_model_and_a_stateful_layer_may_be_distributed():
    inner = tf.keras.Sequential([L.Dense(3, "tanh"), L.Dropout(0.5), L.Dense(1)])
    layer = L.TimeDistributed(inner)
    assert layer(tf.keras.Input((None, 4))).shape.as_list() == [None, None, 1]
    x = RNG.normal(size=(2, 3, 4)).astype("float32")
    near(layer(x, training=False), inner(x.reshape(6, 4), training=False).numpy().reshape(2, 3, 1), 1e-6)
    kept = made(L.TimeDistributed(L.GRU(2, stateful=True)), x[:, :, :, None])
    kept.layer.reset_states()
    whole = over_time(gru_step(*kept.get_weights()), x.reshape(2, 12, 1), zeros(x, 2))[0]
    near(kept(x[:, :, :, None]), whole[:, 3::4], 1e-5)


# Convolutional LSTM --------------------------------------------------------------------------------------------------


def test_images_of_open_size_and_masks():
    layer = L.ConvLSTM2D(2, 2, padding="same", strides=2, return_sequences=True)
    inputs = tf.keras.Input((None, None, None, 1))
    model = tf.keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, None, None, None, 2)
    for sizes in ((3, 4, 5), (2, 6, 3)):
        x = RNG.normal(size=(2, *sizes, 1)).astype("float32")
        near(model.predict(x, verbose=0), model(x).numpy(), 2e-5)
    mask = np.array([[1, 0], [0, 1]], bool)
    masked = layer(x, mask=mask).numpy()
    np.testing.assert_array_equal(masked[0, 0], masked[0, 1])
    assert not masked[1, 0].any() and masked[1, 1].any()


def test_stateful_images_and_given_states():
    x = RNG.normal(size=(2, 3, 4, 4, 1)).astype("float32")
    layer = made(L.ConvLSTM2D(2, 3, stateful=True, return_state=True), x)
    layer.reset_states()
    _, *ends = layer(x)
    near(layer.states, [s.numpy() for s in ends], 0)
    again = made(L.ConvLSTM2D(2, 3), x)
    again.set_weights(layer.get_weights())
    near(layer(x)[0], again(x, initial_state=ends).numpy(), 1e-6)
    assert layer.filters == 2 and layer.kernel_size == (3, 3) and layer.compute_output_shape(x.shape)[1] == (2, 2, 2, 2)
    with pytest.raises(ValueError, match=r"not compatible with `cell.state_size`"):
        again(x, initial_state=[np.zeros((2, 2, 2, 3)), np.zeros((2, 2, 2, 3))])


# The loop itself -----------------------------------------------------------------------------------------------------


def named(x, states):
    new = tf.tanh(x["a"] + 0.5 * states[0][0] * x["b"])
    return {"twice": 2 * new, "same": new}, [[new], states[1] + 1]


def named_numpy(x, states):
    new = np.tanh(x[..., :2] + 0.5 * states[0] * x[..., 2:])
    return np.concatenate([2 * new, new], -1), [new, states[1] + 1]


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
@pytest.mark.parametrize("unroll", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_structures_go_through_the_loop(masked, unroll, backwards, every):
    x, y = X, X[..., ::-1] + 1
    start = [[np.full((3, 2), 0.25)], np.zeros((3, 1))]
    mask = MASK if masked else None

    def loop(x, y, h, c):
        return K.rnn(named, {"a": x, "b": y}, [[h], c], backwards, mask, unroll=unroll, return_all_outputs=every)

    ys, last, states = over_time(named_numpy, np.concatenate([x, y], -1), [start[0][0], start[1]], mask, backwards)
    for run in (loop, tf.function(loop, strict=True)):
        outputs, stacked, ends = run(x, y, start[0][0], start[1])
        near([outputs["twice"], outputs["same"]], [last[:, :2], last[:, 2:]])
        near(stacked["twice"], ys[..., :2] if every else last[:, None, :2])
        near(ends, states)
    assert isinstance(ends[0], list)


def accumulate(x, states):
    return 2 * (states[0] + x), [states[0] + x]


@pytest.mark.parametrize("backwards", [True, False])
def test_lengths_stand_for_a_mask(backwards):
    lengths = np.array([5, 2, 3], "int32")
    valid = np.arange(5) < lengths[:, None]
    if backwards:
        # The longest sample's steps are counted from its end.
        valid = (4 - np.arange(5)) > 4 - lengths[:, None]
    expected = over_time(lambda x, s: (2 * (s[0] + x), [s[0] + x]), X, zeros(X, 2), valid, backwards)
    run = tf.function(lambda x, n: K.rnn(accumulate, x, [tf.zeros((3, 2), tf.float64)], backwards, input_length=n))
    outputs, stacked, states = run(X, lengths)
    near([outputs, stacked, *states], [expected[1], expected[0], *expected[2]])


def test_the_loop_is_differentiable_where_outputs_are_no_states():
    start = RNG.normal(size=(3, 2))
    check_gradient(lambda x, h: tf.reduce_sum(K.rnn(accumulate, x, [h], mask=MASK)[0] ** 2), X, start)
    check_gradient(lambda x, h: tf.reduce_sum(tf.sin(K.rnn(accumulate, x, [h], return_all_outputs=False)[0])), X, start)


def test_a_loop_refuses_states_that_change():
    start = tf.zeros((3, 2), tf.float64)
    with pytest.raises(ValueError, match="takes 1 states, but gives 2"):
        K.rnn(lambda x, s: (x, [x, x]), tf.constant(X), [start])
    with pytest.raises(ValueError, match="fixed number of timesteps"):
        tf.function(lambda x: K.rnn(accumulate, x, [start], unroll=True), input_signature=[
            tf.TensorSpec((3, None, 2), tf.float64)])(X)  # fmt: skip
