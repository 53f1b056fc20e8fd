"""Attention layers become one kernel forward and one backward, whatever their masks and dropout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eager as tf
from graphcore.inspect import read_dump

RNG = np.random.default_rng(3)


def numbers(*shape: int) -> Any:
    return tf.constant(RNG.standard_normal(shape).astype("float32"))


def attention_kernels(step: Any, path: Path) -> int:
    step.dump(path)
    return sum(k.category == "attention" for k in read_dump(path).kernels)


@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_multi_head_attention(tmp_path: Path, dropout: float) -> None:
    layer = tf.keras.layers.MultiHeadAttention(2, 8, dropout=dropout)
    query, value = numbers(2, 20, 12), numbers(2, 33, 12)
    layer(query, value)

    @tf.function
    def step(query: Any, value: Any, seen: Any) -> Any:
        with tf.GradientTape() as tape:
            y = layer(query, value, attention_mask=seen, training=True)
            loss = tf.reduce_sum(tf.sin(y))
        return y, tape.gradient(loss, layer.trainable_variables)

    seen = tf.constant(RNG.random((2, 20, 33)) > 0.3)
    y, grads = step(query, value, seen)
    assert attention_kernels(step, tmp_path / "step.gcdump") == 2
    if not dropout:
        want, exact = step.python_function(query, value, seen)
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)
        for a, b in zip(grads, exact, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_luong_attention_with_padding(tmp_path: Path) -> None:
    layer = tf.keras.layers.Attention(use_scale=True)
    query, value = numbers(3, 16, 8), numbers(3, 21, 8)
    seen = tf.constant(RNG.random((3, 21)) > 0.4)
    layer([query, value])

    @tf.function
    def forward(query: Any, value: Any, seen: Any) -> Any:
        return layer([query, value], mask=[None, seen])

    got = forward(query, value, seen)
    assert attention_kernels(forward, tmp_path / "forward.gcdump") == 1
    np.testing.assert_allclose(got, layer([query, value], mask=[None, seen]), rtol=1e-4, atol=1e-5)
