"""Rows of the layer table: LocallyConnected1D and 2D, and Identity."""

import numpy as np
from check_layer import case
from tf_cases import floats

import eager as tf

L = tf.keras.layers


def local(size, strides, first=False):
    """A kernel of its own per window, one window after the other."""

    def reference(w, x):
        kernel, bias = w
        if first:
            x = np.moveaxis(x, 1, -1)
        counts = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], size, strides, strict=True)]
        out = np.zeros((len(x), *counts, kernel.shape[-1]))
        for number, place in enumerate(np.ndindex(*counts)):
            at = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, strides, size, strict=True))
            window = x[(slice(None), *at)]
            flat = (np.moveaxis(window, -1, 1) if first else window).reshape(len(x), -1)
            out[(slice(None), *place)] = np.tanh(flat @ kernel[number] + bias[place])
        return np.moveaxis(out, -1, 1) if first else out

    return reference


case("LocallyConnected1D", lambda **k: L.LocallyConnected1D(3, 2, activation="tanh", **k), floats(2, 5, 2),
     reference=local((2,), (1,)))  # fmt: skip
case("LocallyConnected1D strides", lambda **k: L.LocallyConnected1D(3, 2, 2, activation="tanh", **k), floats(2, 6, 2),
     reference=local((2,), (2,)))  # fmt: skip
case("LocallyConnected2D", lambda **k: L.LocallyConnected2D(2, (2, 3), (1, 2), activation="tanh", **k),
     floats(2, 4, 5, 2), reference=local((2, 3), (1, 2)))  # fmt: skip
case("LocallyConnected2D first",
     lambda **k: L.LocallyConnected2D(2, (2, 3), activation="tanh", data_format="channels_first", **k),
     floats(2, 2, 4, 5), reference=local((2, 3), (1, 1), True))  # fmt: skip
case("Identity", L.Identity, floats(2, 3), reference=lambda w, x: x)
