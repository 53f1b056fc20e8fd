"""Recurrent layers: masks, initial and kept states, constants, dropout, and the one native loop of a trace."""

import numpy as np
import pytest
from region_checks import check_gradient, native
from rnn_layers import RNG, Doubling, made, near, states_for
from rnn_numpy import gru_step, lstm_step, over_time, simple_step, zeros

import eager as tf

L = tf.keras.layers
X = RNG.normal(size=(3, 5, 2))
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1]], bool)
STEPS = {"SimpleRNN": (simple_step, 1), "GRU": (gru_step, 1), "LSTM": (lstm_step, 2)}
LAYERS = [(name, *rest) for name, rest in STEPS.items()]


def nodes(graph):
    for node in graph.nodes:
        yield node
        for body in node.bodies:
            yield from nodes(body)


# Masks and states ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize(("name", "step", "count"), LAYERS)
def test_masked_steps_keep_the_states_and_repeat_the_output(name, step, count, zero, backwards):
    start = states_for(count)
    options = {"go_backwards": backwards, "zero_output_for_mask": zero, "return_state": True, "dtype": "float64"}
    layer = made(getattr(L, name)(3, return_sequences=True, **options), X)
    weights = layer.get_weights()
    ys, last, states = over_time(step(*weights), X, start, MASK, backwards, zero)
    short = made(getattr(L, name)(3, **options), X)
    short.set_weights(weights)
    for one, output in ((layer, ys), (short, last)):
        near(one(X, mask=MASK, initial_state=start), [output, *states])
        run = tf.function(lambda x, m, *s, one=one: one(x, mask=m, initial_state=list(s)), strict=True)
        near(run(X, MASK, *start), [output, *states])
        native(run)


def test_masks_of_a_layer_before_drive_the_loop_and_end_without_sequences():
    x = X.astype("float32")
    x[0, 3:], x[1, :2] = 0.0, 0.0
    valid = (x != 0).any(-1)
    inputs = tf.keras.Input((None, 2))
    masked = L.Masking()(inputs)
    every, last = L.GRU(3, return_sequences=True)(masked), L.GRU(3)(masked)
    assert every._keras_mask is not None and last._keras_mask is None
    model = tf.keras.Model(inputs, [every, last])
    weights = model.get_weights()
    ys = over_time(gru_step(*weights[:3]), x, zeros(x, 3), valid)[0]
    near(model.predict(x, verbose=0), [ys, over_time(gru_step(*weights[3:]), x, zeros(x, 3), valid)[1]], 1e-5)


def test_gradients_through_masks_and_states_in_and_outside_of_a_trace():
    layer = made(L.LSTM(2, return_sequences=True, dtype="float64"), X)
    start = states_for(2, 2)
    check_gradient(lambda x, h, c: tf.reduce_sum(layer(x, mask=MASK, initial_state=[h, c]) ** 2), X, *start)
    last = made(L.Bidirectional(L.GRU(2, dtype="float64"), dtype="float64"), X)
    check_gradient(lambda x: tf.reduce_sum(tf.sin(last(x, mask=MASK))), X)


def test_time_major_is_the_same_with_axes_exchanged():
    layer = made(L.LSTM(3, return_sequences=True, time_major=True, dtype="float64"), X)
    ys = over_time(lstm_step(*layer.get_weights()), X.swapaxes(0, 1), [np.zeros((5, 3))] * 2)[0]
    near(layer(X), ys.swapaxes(0, 1))
    assert layer.compute_output_shape((None, 4, 2)) == (None, 4, 3)


def test_no_steps_give_the_initial_states_and_zeros():
    layer = made(L.LSTM(3, return_sequences=True, return_state=True), X)
    start = [s.astype("float32") for s in states_for(2)]
    every, *states = layer(X[:, :0], initial_state=start)
    assert every.shape == (3, 0, 3)
    near(states, start)
    assert not made(L.RNN(Doubling()), X)(X[:, :0]).numpy().any()


# Stateful layers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(("name", "step", "count"), LAYERS)
def test_stateful_layers_go_on_where_they_stopped(name, step, count, traced):
    layer = made(getattr(L, name)(3, stateful=True, dtype="float64"), X)
    assert len(layer.weights) == 3 and len(layer.states) == count
    run = tf.function(layer, strict=True) if traced else layer
    layer.reset_states()
    doubled = np.concatenate([X, X], 1)
    expected = over_time(step(*layer.get_weights()), doubled, zeros(X, 3, count))
    run(X)
    near(run(X), expected[1])
    near(layer.states, expected[2])
    layer.reset_states()
    assert all(not s.numpy().any() for s in layer.states)
    start = states_for(count)
    layer.reset_states(start)
    near(run(X), over_time(step(*layer.get_weights()), X, start)[1])


def test_given_states_serve_a_stateful_layer_only_while_its_own_are_zero():
    layer = made(L.GRU(3, stateful=True, dtype="float64"), X)
    layer.reset_states()
    step, start = gru_step(*layer.get_weights()), states_for(1)
    near(layer(X, initial_state=start), (first := over_time(step, X, start))[1])
    near(layer(X, initial_state=start), over_time(step, X, first[2])[1])


def test_fit_carries_states_over_batches_and_a_model_resets_them():
    model = tf.keras.Sequential([L.SimpleRNN(2, stateful=True, batch_input_shape=(3, 5, 2)), L.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0, :1], batch_size=3, epochs=2, verbose=0)
    assert model.layers[0].states[0].numpy().any()
    model.reset_states()
    assert not model.layers[0].states[0].numpy().any()
    first = model.predict(X, verbose=0)
    assert not np.allclose(model.predict(X, verbose=0), first)


# Cells ---------------------------------------------------------------------------------------------------------------


def doubling(kernel, constant=0.0):
    def step(x, states):
        new = x @ kernel + 0.5 * states[0]
        return 2 * new + constant, [new]

    return step


@pytest.mark.parametrize("sequences", [False, True])
def test_a_users_cell_with_constants(sequences):
    layer = made(L.RNN(Doubling(dtype="float64"), return_sequences=sequences, dtype="float64"), X)
    constant = RNG.normal(size=(3, 2))
    run = tf.function(lambda x, m, c: layer(x, mask=m, constants=[c]), strict=True)
    found = over_time(doubling(layer.get_weights()[0], constant), X, zeros(X, 2), MASK)[0 if sequences else 1]
    near(layer(X, mask=MASK, constants=[constant]), found)
    near(run(X, MASK, constant), found)
    assert native(run) and layer.get_config()["num_constants"] == 1


def test_plain_objects_serve_as_cells():
    class Counter:
        state_size = 1

        def call(self, inputs, states):
            return states[0] + inputs[:, :1], [states[0] + 1.0]

    found = L.RNN(Counter(), dtype="float64", return_state=True)(X)
    near(found, [X[:, -1, :1] + 4, np.full((3, 1), 5.0)])


def test_inputs_may_be_a_structure():
    class Pair(L.Layer):
        state_size = 2

        def call(self, inputs, states):
            new = states[0] + inputs["a"] * inputs["b"]
            return new, [new]

    layer = L.RNN(Pair(dtype="float64"), dtype="float64")
    near(layer({"a": X, "b": X + 1}), (X * (X + 1)).sum(1))


def test_an_overridden_cell_is_called_and_not_bypassed():
    class Shifted(L.SimpleRNNCell):
        def call(self, inputs, states, training=None):
            output, states = super().call(inputs, states, training)
            return output + 1, states

    layer = made(L.RNN(Shifted(2, dtype="float64"), dtype="float64"), X)
    near(layer(X), np.asarray(over_time(simple_step(*layer.get_weights()), X, zeros(X, 2))[1]) + 1)


def test_a_step_of_each_cell():
    x, h, c = X[:, 0], *states_for(2, 4)
    for cell, step, states in ((L.GRUCell(4), gru_step, [h]), (L.LSTMCell(4), lstm_step, [h, c])):
        again = type(cell)(4, dtype="float64")
        made(again, x, states)
        near(again(x, states), step(*again.get_weights())(x, states))
    bare, new = made(L.SimpleRNNCell(4, dtype="float64"), x, h)(x, h)
    near(new, bare.numpy())


def test_stacked_cells_may_state_their_states_in_reverse():
    cells = [L.LSTMCell(2), L.GRUCell(3)]
    assert L.StackedRNNCells(cells).state_size == ([2, 2], 3)
    turned = L.StackedRNNCells(cells, reverse_state_order=True)
    assert turned.state_size == (3, [2, 2]) and turned.output_size == 3
    _, states = turned(X[:, 0].astype("float32"), turned.get_initial_state(batch_size=3, dtype="float32"))
    assert [s.shape[-1] for s in tf.nest.flatten(states)] == [3, 2, 2]


# Weights and names ---------------------------------------------------------------------------------------------------


def test_weights_are_named_and_ordered_as_in_keras():
    def names(layer):
        layer(X)
        return [v.name for v in layer.weights]

    parts = ("kernel:0", "recurrent_kernel:0", "bias:0")
    assert names(L.LSTM(2, name="lstm")) == [f"lstm/lstm_cell/{p}" for p in parts]
    both = names(L.Bidirectional(L.LSTM(2, name="ll"), name="bb"))
    assert both == [f"bb/{way}_ll/lstm_cell/{p}" for way in ("forward", "backward") for p in parts]
    stack = names(L.RNN([L.GRUCell(2, name="a"), L.SimpleRNNCell(2, name="b")], name="r"))
    assert [n.split("/")[0] for n in stack[::3]] == ["r", "r"] and [n.split("/")[2] for n in stack[::3]] == ["a", "b"]
    assert names(L.TimeDistributed(L.Dense(2), name="td")) == ["td/kernel:0", "td/bias:0"]
    conv = L.ConvLSTM1D(2, 2, name="c")
    conv(np.zeros((1, 2, 4, 1), "float32"))
    assert [v.name for v in conv.weights] == [f"c/{p}" for p in parts]


def test_the_forget_gate_starts_open():
    layer = L.LSTM(2, bias_initializer="zeros")
    layer.build((None, None, 3))
    assert layer.bias_initializer is layer.cell.bias_initializer
    np.testing.assert_array_equal(layer.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])
    plain = L.LSTM(2, unit_forget_bias=False)
    plain.build((None, None, 3))
    assert not plain.get_weights()[2].any()
    gru = L.GRU(2)
    gru.build((None, None, 3))
    assert [w.shape for w in gru.get_weights()] == [(3, 6), (2, 6), (2, 6)]


# Dropout -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
def test_one_mask_serves_all_steps_and_every_call_draws_another(traced):
    tf.keras.utils.set_random_seed(11)
    cell = Kept()
    layer = L.RNN(cell, return_sequences=True)
    layer.cell.inner.build((None, 64))
    x = np.ones((2, 6, 64), "float32")
    run = tf.function(lambda x: layer(x, training=True)) if traced else lambda x: layer(x, training=True)
    first, second = run(x).numpy(), run(x).numpy()
    assert set(np.unique(first)) == {0.0, 2.0}
    np.testing.assert_array_equal(first, np.broadcast_to(first[:, :1], first.shape))
    assert (first != second).any() and 0.3 < (first == 0).mean() < 0.7
    np.testing.assert_array_equal(layer(x, training=False), x)


class Kept(L.Layer):
    """A cell around a standard one with dropout, of which it shows the mask."""

    state_size = 1

    def __init__(self):
        super().__init__()
        self.inner = L.LSTMCell(2, dropout=0.5)

    def call(self, inputs, states, training=None):
        mask = self.inner.get_dropout_mask_for_cell(inputs, training)
        return inputs if mask is None else inputs * mask, states


def test_state_dropout_draws_per_gate_and_a_seed_repeats_itself():
    def layer():
        return made_alike(L.LSTM(8, recurrent_dropout=0.5, seed=3))

    one, other = layer(), layer()
    assert one.implementation == 1 and one.cell._mask_count == 4
    x = RNG.normal(size=(4, 6, 3)).astype("float32")
    near(one(x, training=True), other(x, training=True).numpy(), 1e-6)
    assert not np.allclose(one(x, training=True), one(x, training=False))


def made_alike(layer):
    layer.build((None, None, 3))
    rng = np.random.default_rng(5)
    layer.set_weights([rng.uniform(-1, 1, w.shape) for w in layer.get_weights()])
    return layer


# Traces --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [L.LSTM(3), L.GRU(3, return_sequences=True), L.RNN(Doubling(3))])
def test_a_trace_has_one_loop_for_any_batch_and_number_of_steps(layer):
    made(layer, X)

    @tf.function(strict=True)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x) ** 2)
        return loss, tape.gradient(loss, layer.trainable_variables)

    for batch, time in ((3, 5), (2, 7), (4, 1), (1, 9)):
        x = RNG.normal(size=(batch, time, 2)).astype("float32")
        loss, gradients = step(x)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(x) ** 2)
        wanted = [total, *tape.gradient(total, layer.trainable_variables)]
        near([loss, *gradients], [t.numpy() for t in wanted], 2e-5)
    native(step)
    graph = step.concrete_functions[-1].function.compiled.graph
    assert [n.op.name for n in nodes(graph) if n.op.name in ("scan", "while", "cond")] == ["scan", "scan"]


def test_products_with_inputs_stand_before_the_loop():
    layer = made(L.LSTM(3), X)
    run = tf.function(layer, strict=True)
    run(X.astype("float32"))
    (concrete,) = run.concrete_functions
    (loop,) = [n for n in concrete.graph.nodes if n.op.name == "scan"]
    assert sum(n.op.name == "dot_general" for n in loop.bodies[0].nodes) == 1
    assert sum(n.op.name == "dot_general" for n in concrete.graph.nodes) == 1
