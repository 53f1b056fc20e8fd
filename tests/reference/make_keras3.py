"""Writes the files of tests/reference/keras3 with the real Keras 3 (3.15.1, KERAS_BACKEND=jax).

Run by hand: `KERAS_BACKEND=jax python tests/reference/make_keras3.py tests/reference/keras3`. Each model gives
`<name>.keras` and `<name>.npz` with inputs x0, x1, ... and outputs y0, y1, ...
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

rng = np.random.default_rng(7)
layers = keras.layers


def floats(*shape: int) -> Any:
    return rng.normal(size=shape).astype("float32")


def mlp() -> tuple[Any, list[Any]]:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(5, "relu"), layers.Dropout(0.5), layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    model.fit(floats(8, 4), floats(8, 2), epochs=2, verbose=0)
    return model, [floats(3, 4)]


def cnn() -> tuple[Any, list[Any]]:
    x = image = keras.Input((6, 6, 2), name="img")
    x = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="probs")(x))
    model.compile("sgd", loss=keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    model.fit(floats(8, 6, 6, 2), np.eye(2, dtype="float32")[[0, 1] * 4], epochs=2, verbose=0)
    return model, [floats(2, 6, 6, 2)]


def recurrent() -> tuple[Any, list[Any]]:
    x = start = keras.Input((5, 3))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    x = layers.GRU(3)(x)
    return keras.Model(start, layers.Dense(1)(x)), [floats(2, 5, 3)]


def attention() -> tuple[Any, list[Any]]:
    ids = keras.Input((4,), dtype="int32")
    x = layers.Embedding(7, 6)(ids)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)])
    x = layers.LayerNormalization()(x)
    return keras.Model(ids, layers.GlobalAveragePooling1D()(x)), [rng.integers(0, 7, (2, 4)).astype("int32")]


def several() -> tuple[Any, list[Any]]:
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    shared = layers.Dense(4, activation="tanh", name="shared")
    joined = layers.Concatenate()([shared(a), shared(layers.Dense(3)(b)), b])
    outputs = {"first": layers.Dense(1, name="first")(joined), "second": layers.Dense(2, name="second")(joined)}
    return keras.Model({"a": a, "b": b}, outputs), [floats(3, 3), floats(3, 2)]


def nested() -> tuple[Any, list[Any]]:
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(3)], name="inner")
    x = start = keras.Input((3,))
    for _ in range(2):
        x = inner(x)
    return keras.Model(start, layers.Dense(2)(x * 2.0 + start)), [floats(2, 3)]


def write(name: str, make: Callable[[], tuple[Any, list[Any]]], folder: Path) -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model, inputs = make()
    model.save(folder / f"{name}.keras")
    if isinstance(model, keras.Model) and not isinstance(model, keras.Sequential) and isinstance(model.input, dict):
        outputs = model(dict(zip(sorted(model.input), inputs, strict=True)))
    else:
        outputs = model(inputs[0] if len(inputs) == 1 else inputs)
    flat = [np.asarray(v) for v in keras.tree.flatten(outputs)]
    arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(flat)}
    np.savez_compressed(folder / f"{name}.npz", **arrays)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    for made in (mlp, cnn, recurrent, attention, several, nested):
        write(made.__name__, made, target)
