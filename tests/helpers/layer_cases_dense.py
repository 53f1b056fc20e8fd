"""Rows of the layer table: Dense."""

import numpy as np
from check_layer import case
from tf_cases import floats

import eager as tf


def dense(w, x):
    return np.maximum(x @ w[0] + w[1], 0)


case("Dense", lambda **k: tf.keras.layers.Dense(3, "relu", **k), floats(3, 4), reference=dense)
case("Dense of rank 3", lambda **k: tf.keras.layers.Dense(3, "relu", **k), floats(2, 5, 4), reference=dense)
case("Dense without bias", lambda **k: tf.keras.layers.Dense(2, use_bias=False, **k), floats(3, 4),
     reference=lambda w, x: x @ w[0])  # fmt: skip
