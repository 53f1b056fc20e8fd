"""Model.summary: the table of tf.keras, character by character."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras.layers import Add, Dense, Input


def lines(model: Any, **options: Any) -> list[str]:
    found: list[str] = []
    model.summary(print_fn=found.append, **options)
    return found


def stack() -> Any:
    return tf.keras.Sequential([Input((5,)), Dense(3, name="d1"), Dense(2, name="d2")], name="s")


def test_a_sequential_model() -> None:
    assert lines(stack()) == [
        'Model: "s"',
        "_" * 65,
        " Layer (type)                Output Shape              Param #   ",
        "=" * 65,
        " d1 (Dense)                  (None, 3)                 18        ",
        " " * 65,
        " d2 (Dense)                  (None, 2)                 8         ",
        " " * 65,
        "=" * 65,
        "Total params: 26 (104.00 Byte)",
        "Trainable params: 26 (104.00 Byte)",
        "Non-trainable params: 0 (0.00 Byte)",
        "_" * 65,
    ]


def test_connections_wrap_after_each_tensor() -> None:
    a, b = Input((4,), name="a"), Input((4,), name="b")
    found = lines(tf.keras.Model([a, b], Add(name="both")([a, b])))
    assert " both (Add)                  (None, 4)                    0         ['a[0][0]',                   " in found
    assert " " * 69 + "'b[0][0]']                   " in found
    entry = " a (InputLayer)              [(None, 4)]                  0         []"
    assert any(line.startswith(entry) for line in found)
    assert len(found[1]) == 98


def test_nested_models_are_framed() -> None:
    model = tf.keras.Sequential([Input((4,)), stack_of_four(), Dense(1, name="last")], name="outer")
    found = lines(model, expand_nested=True)
    at = next(i for i, line in enumerate(found) if line.startswith(" inner (Sequential)"))
    assert found[at + 1] == "|" + "¯" * 63 + "|"
    assert found[at + 2] == "| i1 (Dense)                 (None, 4)                 20       |"
    assert found[at + 3] == "¯" * 65


def stack_of_four() -> Any:
    return tf.keras.Sequential([Input((4,)), Dense(4, name="i1")], name="inner")


def test_options() -> None:
    model = stack()
    model.layers[0].trainable = False
    found = lines(model, show_trainable=True)
    assert len(found[1]) == 76 and found[2].rstrip().endswith("Trainable")
    assert [line.rstrip()[-1] for line in found if "(Dense)" in line] == ["N", "Y"]
    assert "Non-trainable params: 18 (72.00 Byte)" in found
    assert len(lines(model, line_length=100)[1]) == 100
    assert any("d2 (Dense)" in line for line in lines(model, layer_range=["d2", "d2"]))
    assert not any("d1 (Dense)" in line for line in lines(model, layer_range=["d2", "d2"]))
    assert lines(model, line_length=50, positions=[0.5, 0.8, 1.0])[2].index("Output") == 25
    with pytest.raises(ValueError, match="layer names"):
        lines(model, layer_range=["d1", "nothing"])


def test_a_subclassed_model() -> None:
    class Own(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.used = Dense(2, name="used")
            self.unused = Dense(9, name="unused")

        def call(self, x: Any) -> Any:
            return self.used(x)

    model = Own()
    with pytest.raises(ValueError, match="not yet been built"):
        model.summary()
    model(np.ones((3, 4), np.float32))
    found = lines(model)
    assert any("used (Dense)" in line and "10" in line for line in found)
    assert any("unused (Dense)" in line and "0 (unused)" in line for line in found)
