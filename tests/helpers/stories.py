"""Whole trainings for the end-to-end tests: the model, its data, and a comparison of eager with compiled training."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np

import eager as tf

L = tf.keras.layers
SEED = 7


class Timed(tf.keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def train(make: Any, eagerly: bool, epochs: int, *data: Any, **options: Any) -> tuple[Any, Any, float]:
    """A model of `make(run_eagerly)` after fit, its history, and the seconds of its last epoch."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(SEED)
    model, timed = make(eagerly), Timed()
    # Weights that a first call makes while it is traced would draw their numbers in another order.
    tf.keras.utils.set_random_seed(SEED)
    history = model.fit(*data, epochs=epochs, verbose=0, callbacks=[timed], **options)
    return model, history.history, timed.seconds[-1]


def compared(make: Any, *data: Any, epochs: int = 2, rtol: float = 1e-3, **options: Any) -> float:
    """Trains eagerly and compiled from one start; the curves of all results agree. Returns the ratio of times."""
    (_, slow, eager_seconds), (_, fast, seconds) = (train(make, e, epochs, *data, **options) for e in (True, False))
    assert slow.keys() == fast.keys()
    for name, curve in slow.items():
        np.testing.assert_allclose(fast[name], curve, rtol=rtol, atol=1e-4, err_msg=name)
    print(f"eager {eager_seconds:.3f} s, compiled {seconds:.3f} s per epoch, ratio {eager_seconds / seconds:.1f}")
    return eager_seconds / seconds


def digits() -> Any:
    """Images [n, 8, 8, 1] between 0 and 1, and their digits, for training and test."""
    (x, y), (x_test, y_test) = tf.keras.datasets.digits.load_data()
    return (x[..., None] / np.float32(16), y), (x_test[..., None] / np.float32(16), y_test)


def characters(length: int = 24) -> Any:
    """Windows of README's own text as character numbers, the character after each, and the alphabet."""
    text = Path(__file__).resolve().parents[2].joinpath("README.md").read_text(encoding="utf-8")
    text = re.sub(r"[^a-z .,`\n]", "", text.lower())
    alphabet = sorted(set(text))
    numbers = np.array([alphabet.index(c) for c in text], np.int32)
    windows = np.lib.stride_tricks.sliding_window_view(numbers, length + 1)[::2]
    return windows[:, :-1].copy(), windows[:, -1].copy(), alphabet


def sequences(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of tokens 1..9 of length 4 to 12, padded with 0; the class says whether low tokens are in the majority."""
    x = np.zeros((count, 12), np.int32)
    y = np.zeros(count, np.int32)
    for row in range(count):
        n = rng.integers(4, 13)
        x[row, :n] = rng.integers(1, 10, n)
        y[row] = np.sum(x[row, :n] <= 4) * 2 > n
    return x, y


def trees(depth: int, width: int, rng: np.random.Generator) -> Any:
    """A random binary tree of leaves [1, width]."""
    if depth == 0 or rng.random() < 0.2:
        return tf.constant(rng.normal(size=(1, width)).astype(np.float32))
    return trees(depth - 1, width, rng), trees(depth - 1, width, rng)
