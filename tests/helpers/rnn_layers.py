"""What the tests of recurrent layers share: layers with random weights, a user's cell, comparisons."""

import numpy as np

import eager as tf

RNG = np.random.default_rng(7)


def made(layer, *args, **kwargs):
    """The layer with random weights, built on these arguments."""
    layer(*args, **kwargs)
    layer.set_weights([RNG.uniform(-0.7, 0.7, w.shape) for w in layer.get_weights()])
    return layer


def near(got, want, rtol=1e-7):
    for g, w in zip(tf.nest.flatten(got), tf.nest.flatten(want), strict=True):
        np.testing.assert_allclose(np.asarray(g), w, rtol=rtol, atol=rtol)


def states_for(count, units=3):
    return [RNG.normal(size=(3, units)) for _ in range(count)]


class Doubling(tf.keras.layers.Layer):
    """A user's cell: one state as a bare size, an output that is no state, constants."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size = units, units

    def build(self, input_shape):
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units))

    def call(self, inputs, states, constants=None):
        new = tf.matmul(inputs, self.kernel) + 0.5 * states[0]
        return 2 * new + (0.0 if constants is None else constants[0]), [new]

    def get_config(self):
        return super().get_config() | {"units": self.units}
