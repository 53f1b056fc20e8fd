"""Eager convolutions and windows on native kernels: when, with what values, and within what bounds."""

import numpy as np
import pytest

import eager as tf
from eager import heavy
from graphcore.optable import get_op


@pytest.fixture
def kernels(monkeypatch):
    fresh = heavy.Kernels()
    monkeypatch.setattr("eager.dispatch.kernels", fresh)
    return fresh


def compiled(kernels):
    return [key[0] for key, entry in kernels.entries.items() if entry.kernel is not None]


def draw(*shape):
    return tf.constant(np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32))


def test_work_that_pays_runs_on_one_kernel_for_every_batch(kernels, monkeypatch):
    x, w = draw(4, 12, 11, 8), draw(3, 3, 8, 16)
    want = np.asarray(tf.nn.conv2d(x, w, 1, "SAME"))
    assert not compiled(kernels)
    monkeypatch.setattr(heavy, "PAYS", 1)
    got = np.asarray(tf.nn.conv2d(x, w, 1, "SAME"))
    assert compiled(kernels) == ["convolution"]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(tf.nn.conv2d(x[1:3], w, 1, "SAME"), got[1:3])
    assert len(kernels.entries) == 1


def test_windows_too_and_gradients_through_them(kernels, monkeypatch):
    x = draw(4, 24, 24, 16)

    def slope():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.nn.max_pool(x, 2, 2, "SAME") * tf.nn.avg_pool(x, 2, 2, "SAME"))
        return np.asarray(tape.gradient(y, x))

    want = slope()
    monkeypatch.setattr(heavy, "PAYS", 1)
    np.testing.assert_allclose(slope(), want, rtol=1e-5, atol=1e-6)
    assert set(compiled(kernels)) == {"window_reduce", "window_argmax"}


def test_small_ones_are_not_even_remembered(kernels):
    tf.nn.conv2d(draw(1, 4, 4, 2), draw(3, 3, 2, 3), 1, "SAME")
    assert not kernels.entries


def test_the_cache_is_bounded(kernels, monkeypatch):
    monkeypatch.setattr(heavy, "ENTRIES", 3)
    w = draw(3, 3, 16, 16)
    for size in range(10, 18):
        tf.nn.conv2d(draw(1, size, 12, 16), w, 1, "SAME")
    assert len(kernels.entries) == 3
    assert [key[2][0] for key in kernels.entries] == [15, 16, 17]


def test_bad_operands_are_named_with_and_without_a_kernel(kernels, monkeypatch):
    monkeypatch.setattr(heavy, "PAYS", 1)
    x, w = draw(2, 16, 16, 8), draw(3, 3, 8, 16)
    tf.nn.conv2d(x, w, 1, "SAME")
    with pytest.raises(ValueError, match=r"nn\.conv2d: .*channels"):
        tf.nn.conv2d(x, draw(3, 3, 7, 16), 1, "SAME")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["random_uniform", "random_normal"])
def test_large_draws_are_numpys_to_the_bit(monkeypatch, name, dtype):
    monkeypatch.setattr(heavy, "PAYS", 0)
    op = get_op(name)
    # The low word of the counter overflows on the way.
    state = np.array([-5000, 3, 11], np.int64)
    attrs = {"shape": (3, 50_001), "dtype": dtype}
    drawn = heavy.Kernels().compute(op, [state], attrs)
    assert drawn is not None
    np.testing.assert_array_equal(drawn, op.evaluate(state, **attrs))


def test_small_draws_stay_with_numpy():
    state = np.zeros(3, np.int64)
    assert heavy.Kernels().compute(get_op("random_bits"), [state], {"shape": (1000,)}) is None
