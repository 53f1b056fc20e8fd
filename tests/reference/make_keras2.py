"""Writes the files of tests/reference/keras2 with the real tf.keras of TensorFlow 2.15.

Run by hand: `python tests/reference/make_keras2.py tests/reference/keras2`. Each model gives `<name>.keras`, the older
`<name>.h5`, and `<name>.npz` with inputs x0, x1, ... and outputs y0, y1, ...
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(7)
layers = tf.keras.layers


def floats(*shape: int) -> Any:
    return rng.normal(size=shape).astype("float32")


def mlp() -> tuple[Any, list[Any]]:
    stack = [layers.Dense(5, "relu", input_shape=(4,)), layers.Dropout(0.5), layers.Dense(2)]
    model = tf.keras.Sequential(stack)
    model.compile(tf.keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    model.fit(floats(8, 4), floats(8, 2), epochs=2, verbose=0)
    return model, [floats(3, 4)]


def cnn() -> tuple[Any, list[Any]]:
    x = image = tf.keras.Input((6, 6, 2), name="img")
    x = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    model = tf.keras.Model(image, layers.Dense(2, activation="softmax", name="probs")(x))
    model.compile("sgd", loss=tf.keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    model.fit(floats(8, 6, 6, 2), np.eye(2, dtype="float32")[[0, 1] * 4], epochs=2, verbose=0)
    return model, [floats(2, 6, 6, 2)]


def recurrent() -> tuple[Any, list[Any]]:
    x = start = tf.keras.Input((5, 3))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    x = layers.GRU(3)(x)
    return tf.keras.Model(start, layers.Dense(1)(x)), [floats(2, 5, 3)]


def attention() -> tuple[Any, list[Any]]:
    ids = tf.keras.Input((4,), dtype="int32")
    x = layers.Embedding(7, 6)(ids)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)])
    x = layers.LayerNormalization()(x)
    return tf.keras.Model(ids, layers.GlobalAveragePooling1D()(x)), [rng.integers(0, 7, (2, 4)).astype("int32")]


def several() -> tuple[Any, list[Any]]:
    a, b = tf.keras.Input((3,), name="a"), tf.keras.Input((2,), name="b")
    shared = layers.Dense(4, activation="tanh", name="shared")
    joined = layers.Concatenate()([shared(a), shared(layers.Dense(3)(b)), b])
    outputs = {"first": layers.Dense(1, name="first")(joined), "second": layers.Dense(2, name="second")(joined)}
    return tf.keras.Model([a, b], outputs), [floats(3, 3), floats(3, 2)]


def nested() -> tuple[Any, list[Any]]:
    inner = tf.keras.Sequential([layers.Dense(4, "relu", input_shape=(3,)), layers.Dense(3)], name="inner")
    x = start = tf.keras.Input((3,))
    for _ in range(2):
        x = inner(x)
    return tf.keras.Model(start, layers.Dense(2)(tf.concat([x * 2.0 + start, x], axis=-1))), [floats(2, 3)]


def write(name: str, make: Callable[[], tuple[Any, list[Any]]], folder: Path) -> None:
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(1)
    model, inputs = make()
    model.save(folder / f"{name}.keras")
    model.save(folder / f"{name}.h5")
    outputs = model(inputs[0] if len(inputs) == 1 else inputs)
    flat = [v.numpy() for v in tf.nest.flatten(outputs)]
    arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(flat)}
    np.savez_compressed(folder / f"{name}.npz", **arrays)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    for made in (mlp, cnn, recurrent, attention, several, nested):
        write(made.__name__, made, target)
