"""Layers: a class works where a row of the layer table makes it; other names of tf.keras.layers are called here."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
from layer_rows import CASES
from public_calls_table import ROWS, equal, near, row, rows

import eager as tf
from eager.keras.public_names import NAMES

L = tf.keras.layers
LAYERS = "tf.keras.layers"
A, B = np.array([[1.0, -2.0], [3.0, 4.0]], "float32"), np.array([[2.0, 2.0], [-1.0, 0.5]], "float32")


@functools.cache
def made() -> frozenset[type]:
    """The classes of all layers that the rows of the layer table make, also of layers inside of others."""
    layers = [case.make() for case in CASES]
    return frozenset(type(x) for layer in layers for x in [layer, *layer.submodules])


class Doubling(L.AbstractRNNCell):
    """A state that doubles and takes its input in."""

    state_size = output_size = 2

    def call(self, inputs: Any, states: Any) -> Any:
        new = inputs + 2.0 * states[0]
        return new, [new]


class Scale(L.Layer):
    """Times a weight."""

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight("w", (), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * self.w


class Negated(L.Wrapper):
    """The negative of another layer."""

    def call(self, inputs: Any) -> Any:
        return -self.layer(inputs)


def looked_up() -> bool:
    table = L.StringLookup(vocabulary=["a", "b"])
    return equal(table(tf.constant(["b", "c", "a"])), [2, 0, 1]) and table.get_vocabulary() == ["[UNK]", "a", "b"]


def crossed() -> bool:
    numbers = L.HashedCrossing(5)((tf.constant([["a"], ["b"], ["a"]]), tf.constant([[1], [1], [1]])))
    return int(numbers[0, 0]) == int(numbers[2, 0]) and bool(np.isin(numbers, range(5)).all())


def vectorized() -> bool:
    layer = L.TextVectorization(output_sequence_length=3)
    layer.adapt(["b b a", "b c a"])
    return equal(layer(["A, b!", "d a b c"]), [[3, 2, 0], [1, 3, 2]])


def stretched(layer: Any, axis: int) -> bool:
    """Training changes one side of images, inference none."""
    x = np.ones((2, 10, 10, 1), "float32")
    sizes = {layer(x, training=True).shape[axis] for _ in range(8)}
    return sizes <= {8, 9, 10, 11, 12} and len(sizes) > 1 and equal(layer(x, training=False), x)


rows(LAYERS, {
    "add": lambda: equal(L.add([A, B]), A + B), "subtract": lambda: equal(L.subtract([A, B]), A - B),
    "multiply": lambda: equal(L.multiply([A, B]), A * B), "average": lambda: near(L.average([A, B]), (A + B) / 2),
    "maximum": lambda: equal(L.maximum([A, B]), np.maximum(A, B)),
    "minimum": lambda: equal(L.minimum([A, B]), np.minimum(A, B)),
    "concatenate": lambda: equal(L.concatenate([A, B], axis=0), np.concatenate([A, B])),
    "dot": lambda: near(L.dot([A, B], axes=1), (A * B).sum(1, keepdims=True)),
    "serialize deserialize": lambda: L.deserialize(json.loads(json.dumps(L.serialize(L.Dense(3, "relu"))))).units == 3,
    "Input": lambda: tuple(L.Input((3, 4), 2).shape) == (2, 3, 4) and L.Input((3,)).shape.as_list() == [None, 3],
    "InputLayer": lambda: tf.keras.Sequential([L.InputLayer((3,)), L.Dense(2)]).output_shape == (None, 2),
    "InputSpec": lambda: repr(L.InputSpec(shape=(None, 2), ndim=2)) == "InputSpec(shape=(None, 2), ndim=2)",
    "Layer": lambda: equal(Scale()(A), A) and [v.name for v in built(Scale()).weights] == ["scale/w:0"],
    "Wrapper": lambda: equal(Negated(L.Identity())(A), -A) and Negated(L.Identity()).get_config()["layer"] is not None,
    "AbstractRNNCell": lambda: equal(L.RNN(Doubling())(np.ones((1, 3, 2), "float32")), [[7, 7]]),
    "RandomHeight": lambda: stretched(L.RandomHeight(0.2, seed=1), 1),
    "RandomWidth": lambda: stretched(L.RandomWidth(0.2, seed=1), 2),
    "StringLookup": looked_up, "HashedCrossing": crossed, "TextVectorization": vectorized,
})  # fmt: skip


def built(layer: Any) -> Any:
    tf.keras.backend.clear_session()
    layer = type(layer)()
    layer(A)
    return layer


def from_the_table(name: str) -> bool:
    """Whether a row of the layer table makes the class."""
    return getattr(L, name) in made()


for _name in NAMES[LAYERS].split():
    if (LAYERS, _name) not in ROWS and hasattr(L, _name):
        row(LAYERS, _name, lambda n=_name: from_the_table(n))
