"""Rows of the layer table: recurrent layers and wrappers of sequences."""

import numpy as np
from check_layer import case
from rnn_numpy import gru_step, lstm_step, over_time, simple_step, stacked_step, zeros
from tf_cases import floats
from tf_cases_conv import conv

import eager as tf

L = tf.keras.layers
X = floats(3, 4, 2)

STEPS = {"SimpleRNN": (simple_step, 1), "GRU": (gru_step, 1), "LSTM": (lstm_step, 2)}


def recurrent(name, sequences=False, state=False, backwards=False):
    make, count = STEPS[name]

    def reference(w, x):
        ys, last, states = over_time(make(*w), x, zeros(x, len(w[1]), count), backwards=backwards)
        output = ys if sequences else last
        return [output, *states] if state else output

    return reference


def rows(name, **options):
    layer = getattr(L, name)
    case(name, lambda **k: layer(3, **options, **k), X, reference=recurrent(name))
    case(f"{name} sequences", lambda **k: layer(3, return_sequences=True, **options, **k), X,
         reference=recurrent(name, sequences=True))  # fmt: skip
    case(f"{name} backwards with states", lambda **k: layer(
        3, return_sequences=True, return_state=True, go_backwards=True, **options, **k), X,
        reference=recurrent(name, True, True, True))  # fmt: skip
    case(f"{name} unrolled", lambda **k: layer(2, unroll=True, kernel_regularizer="l2", recurrent_constraint="max_norm",
         activity_regularizer="l1", **options, **k), X, reference=recurrent(name))  # fmt: skip
    case(f"{name} with dropout", lambda **k: layer(3, dropout=0.4, seed=5, **options, **k), X,
         reference=recurrent(name), random=True, trains=True)  # fmt: skip
    case(f"{name} with dropout of the state", lambda **k: layer(
        3, dropout=0.3, recurrent_dropout=0.4, seed=5, return_sequences=True, **options, **k), X,
        reference=recurrent(name, sequences=True), random=True)  # fmt: skip


for _name in STEPS:
    rows(_name)

case("GRU with the reset before", lambda **k: L.GRU(3, reset_after=False, **k), X, reference=recurrent("GRU"))
case("LSTM without bias", lambda **k: L.LSTM(3, use_bias=False, implementation=1, **k), X, reference=recurrent("LSTM"))


def relu_simple(w, x):
    def step(x, states):
        h = np.maximum(x @ w[0] + states[0] @ w[1], 0)
        return h, [h]

    return over_time(step, x, zeros(x, 2))[1]


case("SimpleRNN with relu", lambda **k: L.SimpleRNN(2, "relu", use_bias=False, **k), X, reference=relu_simple)

# RNN and cells -------------------------------------------------------------------------------------------------------

case("RNN of a cell", lambda **k: L.RNN(L.GRUCell(2, **k), return_state=True, **k), X, reference=recurrent(
    "GRU", state=True))  # fmt: skip


def stack(w, x):
    step = stacked_step([lstm_step(*w[:3]), gru_step(*w[3:6])], [2, 1])
    return over_time(step, x, [*zeros(x, 2, 2), *zeros(x, 3)])[0]


case("RNN of stacked cells", lambda **k: L.RNN([L.LSTMCell(2, **k), L.GRUCell(3, **k)], return_sequences=True, **k), X,
     reference=stack)  # fmt: skip


@tf.keras.utils.register_keras_serializable("layer_cases")
class MatrixCell(L.Layer):
    """A state that is a matrix, and an output that is none of the states."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = (tf.TensorShape([2, 2]), 1)
        self.output_size = 2

    def build(self, input_shape):
        self.mix = self.add_weight("mix", (2, 2))

    def call(self, inputs, states):
        matrix, count = states
        matrix = tf.tanh(tf.matmul(matrix, self.mix) + inputs[:, :, None])
        return tf.reduce_sum(matrix, -1) * (count + 1.0), (matrix, count + 1.0)


def matrix_reference(w, x):
    def step(x, states):
        matrix = np.tanh(states[0] @ w[0] + x[:, :, None])
        return matrix.sum(-1) * (states[1] + 1), [matrix, states[1] + 1]

    return over_time(step, x, [np.zeros((len(x), 2, 2)), np.zeros((len(x), 1))])[1]


case("RNN of a user's cell", lambda **k: L.RNN(MatrixCell(**k), **k), X, reference=matrix_reference)

# Wrappers ------------------------------------------------------------------------------------------------------------


def both(name, mode, sequences):
    make, count = STEPS[name]

    def reference(w, x):
        half, found = len(w) // 2, []
        for part, backwards in ((w[:half], False), (w[half:], True)):
            ys, last, _ = over_time(make(*part), x, zeros(x, len(part[1]), count), backwards=backwards)
            found.append((ys[:, ::-1] if backwards else ys) if sequences else last)
        a, b = found
        merged = {"concat": lambda: np.concatenate([a, b], -1), "sum": lambda: a + b, "mul": lambda: a * b}
        return (merged | {"ave": lambda: (a + b) / 2, None: lambda: [a, b]})[mode]()

    return reference


MODES = (("concat", True), ("concat", False), ("sum", True), ("mul", False), ("ave", True), (None, True))
for _mode, _sequences in MODES:
    case(f"Bidirectional {_mode}, sequences {_sequences}", lambda m=_mode, s=_sequences, **k: L.Bidirectional(
        L.GRU(2, return_sequences=s, **k), merge_mode=m, **k), X, reference=both("GRU", _mode, _sequences),
        trains=_mode is not None)  # fmt: skip

case("TimeDistributed of Dense", lambda **k: L.TimeDistributed(L.Dense(3, **k), **k), X,
     reference=lambda w, x: x @ w[0] + w[1])  # fmt: skip
case("TimeDistributed of Flatten", lambda **k: L.TimeDistributed(L.Flatten(**k), **k), floats(2, 3, 2, 2, 2),
     reference=lambda w, x: x.reshape(2, 3, 8))  # fmt: skip
case("TimeDistributed of LSTM", lambda **k: L.TimeDistributed(L.LSTM(2, **k), **k), floats(2, 3, 4, 2),
     reference=lambda w, x: np.stack([recurrent("LSTM")(w, x[:, t]) for t in range(3)], 1))  # fmt: skip

# Convolutional LSTM --------------------------------------------------------------------------------------------------


def hard(v):
    return np.clip(0.2 * v + 0.5, 0, 1)


def convolutional(w, x, strides=1, padding="VALID"):
    """All outputs, the last one, the last states."""

    def step(x, states):
        h, carry = states
        i, f, c, o = np.split(conv(x, w[0], strides, padding) + conv(h, w[1], 1, "SAME") + w[2], 4, -1)
        carry = hard(f) * carry + hard(i) * np.tanh(c)
        h = hard(o) * np.tanh(carry)
        return h, [h, carry]

    start = np.zeros((*conv(x[:, 0], w[0], strides, padding).shape[:-1], w[1].shape[-2]))
    return over_time(step, x, [start, start])


V = {1: floats(2, 3, 5, 2), 2: floats(2, 3, 4, 3, 2), 3: floats(2, 2, 3, 3, 2, 1)}
for _rank, _x in V.items():
    _layer = getattr(L, f"ConvLSTM{_rank}D")
    case(f"ConvLSTM{_rank}D", lambda c=_layer, **k: c(2, 2, **k), _x, reference=lambda w, x: convolutional(w, x)[1],
         smooth=_rank < 3)  # fmt: skip
    case(f"ConvLSTM{_rank}D sequences and states", lambda c=_layer, **k: c(
        2, 2, strides=2, padding="same", return_sequences=True, return_state=True, **k), _x,
        reference=lambda w, x: [(r := convolutional(w, x, 2, "SAME"))[0], *r[2]], smooth=False)  # fmt: skip
case("ConvLSTM2D channels first", lambda **k: L.ConvLSTM2D(2, 2, data_format="channels_first", **k),
     np.moveaxis(V[2], -1, 2), smooth=False,
     reference=lambda w, x: np.moveaxis(convolutional(w, np.moveaxis(x, 2, -1))[1], -1, 1))  # fmt: skip
case("ConvLSTM1D with dropout", lambda **k: L.ConvLSTM1D(2, 2, dropout=0.3, recurrent_dropout=0.3, seed=1, **k), V[1],
     reference=lambda w, x: convolutional(w, x)[1], random=True)  # fmt: skip
