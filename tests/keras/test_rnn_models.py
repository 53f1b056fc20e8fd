"""Recurrent layers in models: states and constants as Keras tensors, saved configs, and errors."""

import numpy as np
import pytest
from rnn_layers import Doubling, made, near, states_for
from rnn_numpy import lstm_step, over_time, zeros

import eager as tf

L = tf.keras.layers
X = np.random.default_rng(8).normal(size=(3, 5, 2))


# Functional models ---------------------------------------------------------------------------------------------------


def test_an_encoder_hands_its_states_to_a_decoder():
    source, target = tf.keras.Input((None, 2)), tf.keras.Input((None, 2))
    _, *states = L.LSTM(3, return_state=True)(source)
    outputs = L.LSTM(3, return_sequences=True)(target, initial_state=states)
    model = tf.keras.Model([source, target], outputs)
    x, y = X.astype("float32"), X[:, ::-1][:, :3].astype("float32")
    w = model.get_weights()
    ends = over_time(lstm_step(*w[:3]), x, zeros(x, 3, 2))[2]
    near(model.predict([x, y], verbose=0), over_time(lstm_step(*w[3:]), y, ends)[0], 1e-5)
    again = tf.keras.Model.from_config(model.get_config())
    again.set_weights(w)
    near(again([x, y]), model([x, y]).numpy(), 0)
    model.compile("adam", "mse")
    assert np.isfinite(model.fit([x, y], y @ np.ones((2, 3), "float32"), verbose=0).history["loss"]).all()


def test_states_and_constants_may_follow_the_sequence_in_a_list():
    start = [s.astype("float32") for s in states_for(2)]
    layer = made(L.LSTM(3), X)
    near(layer([X, *start]), layer(X, initial_state=start).numpy())
    conditioned = made(L.RNN(Doubling()), X, constants=[start[0][:, :2]])
    near(conditioned([X, start[0][:, :2]]), conditioned(X, constants=[start[0][:, :2]]).numpy())
    again = L.RNN.from_config(conditioned.get_config(), custom_objects={"Doubling": Doubling})
    assert again._num_constants == 1


def test_weights_and_configs_survive_saving(tmp_path):
    model = tf.keras.Sequential([
        L.Input((None, 2)), L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="sum"),
        L.RNN([L.GRUCell(2), L.SimpleRNNCell(2)], return_sequences=True), L.TimeDistributed(L.Dense(2)),
    ])  # fmt: skip
    again = tf.keras.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    near(again(X), model(X).numpy(), 0)
    assert again.get_config() == model.get_config()


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "words"), [
    (lambda: L.LSTM(3)(X, initial_state=states_for(1)), "2 states but was passed 1"),
    (lambda: L.GRU(3)(X, initial_state=states_for(1, 4)), "not compatible with `cell.state_size`"),
    (lambda: L.GRU(3)(X[0]), "expected ndim=3, found ndim=2"),
    (lambda: L.GRU(0), "positive integer"),
    (lambda: L.GRU(3, stateful=True)(tf.keras.Input((5, 2))), "batch size"),
    (lambda: L.GRU(3, unroll=True)(tf.keras.Input((None, 2))), "Cannot unroll"),
    (lambda: L.RNN(3), "`call` method"),
    (lambda: L.RNN(L.Dense(3)), "state_size"),
    (lambda: L.RNN([L.Dense(3)]), "state_size"),
    (lambda: L.RNN(L.GRUCell(3))(X, constants=[X]), "does not support constants"),
    (lambda: L.LSTM(3)(X, initial_state=[tf.keras.Input((3,)), *states_for(1)]), "mix of Keras tensors"),
    (lambda: L.GRU(3)([X, X], initial_state=[X]), "are a list"),
    (lambda: L.GRUCell(3).get_initial_state(), "batch_size and dtype"),
    (lambda: L.ConvLSTM2D(2, 3, stateful=True)(tf.keras.Input((3, 5, 5, 1))), "batch size"),
    (lambda: L.ConvLSTM2D(2, 6)(np.zeros((1, 3, 5, 5, 1), "float32")), "downsampling"),
])  # fmt: skip
def test_wrong_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_wrong_states_leave_a_layer_as_it_is():
    layer = made(L.LSTM(3, stateful=True), X)
    before = [s.numpy() for s in layer.states]
    with pytest.raises(ValueError, match="expects 2 states, but it received 1"):
        layer.reset_states([before[0] * 0])
    with pytest.raises(ValueError, match="State 1 is incompatible"):
        layer.reset_states([before[0] * 0, before[0][:2]])
    near(layer.states, before, 0)
    with pytest.raises(AttributeError, match="must be stateful"):
        L.LSTM(3).reset_states()
    with pytest.raises(TypeError, match="Unrolling is not possible"):
        L.ConvLSTM1D(2, 2, unroll=True)
    with pytest.raises(AttributeError, match="no attribute 'unitz'"):
        _ = layer.unitz


def test_an_abstract_cell_says_what_is_missing():
    cell = L.AbstractRNNCell()
    for ask in (lambda: cell.state_size, lambda: cell.output_size, lambda: cell.call(1, 2)):
        with pytest.raises(NotImplementedError, match="must override"):
            ask()
