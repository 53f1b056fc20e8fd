"""tf.keras.backend: resizing, transposed, separable and local convolution, CTC, and what is left of graph mode."""

import itertools

import numpy as np
import pytest

import eager as tf

K = tf.keras.backend
LAYOUTS = ["channels_last", "channels_first"]


def last(x, layout):
    return np.moveaxis(x, 1, -1) if layout == "channels_first" else x


def first(x, layout):
    return np.moveaxis(x, -1, 1) if layout == "channels_first" else x


@pytest.mark.parametrize("layout", LAYOUTS)
def test_resizing_repeats_or_interpolates(rng, layout):
    x = rng.normal(size=(2, 3, 4, 2))
    wanted = first(x.repeat(2, 1).repeat(3, 2), layout)
    np.testing.assert_array_equal(K.resize_images(first(x, layout), 2, 3, layout), wanted)
    smooth = first(tf.image.resize(x, (6, 12), "bilinear").numpy(), layout)
    np.testing.assert_array_equal(K.resize_images(first(x, layout), 2, 3, layout, "bilinear"), smooth)
    volume = rng.normal(size=(1, 2, 3, 2, 2))
    wanted = first(volume.repeat(2, 1).repeat(1, 2).repeat(3, 3), layout)
    np.testing.assert_array_equal(K.resize_volumes(first(volume, layout), 2, 1, 3, layout), wanted)
    with pytest.raises(ValueError, match="data_format"):
        K.resize_images(x, 2, 2, "channels_middle")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_convolutions(rng, layout):
    x, kernel = rng.normal(size=(1, 3, 3, 2)), rng.normal(size=(2, 2, 4, 2))
    wanted = np.zeros((1, 6, 6, 4))
    for r, c in itertools.product(range(3), range(3)):
        wanted[:, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2] += np.einsum("bi,klfi->bklf", x[:, r, c], kernel)
    shape = (1, 6, 6, 4) if layout == "channels_last" else (1, 4, 6, 6)
    got = K.conv2d_transpose(first(x, layout), kernel, shape, (2, 2), "valid", layout)
    np.testing.assert_allclose(last(got.numpy(), layout), wanted, rtol=1e-12)
    depthwise, pointwise = rng.normal(size=(2, 2, 2, 1)), rng.normal(size=(1, 1, 2, 3))
    wanted = np.zeros((1, 2, 2, 3))
    for r, c in itertools.product(range(2), range(2)):
        window = np.einsum("bklc,klc->bc", x[:, r : r + 2, c : c + 2], depthwise[..., 0])
        wanted[:, r, c] = window @ pointwise[0, 0]
    got = K.separable_conv2d(first(x, layout), depthwise, pointwise, data_format=layout)
    np.testing.assert_allclose(last(got.numpy(), layout), wanted, rtol=1e-12)


def paths(labels, frames, blank):
    """Every sequence of classes over the frames that reads as the labels."""
    for path in itertools.product(range(blank + 1), repeat=frames):
        merged = [k for k, _ in itertools.groupby(path)]
        if [k for k in merged if k != blank] == labels:
            yield path


def test_ctc_cost_is_minus_the_log_of_the_sum_over_paths(rng):
    p = rng.uniform(0.1, 1, (2, 4, 3))
    p /= p.sum(-1, keepdims=True)
    labels, lengths = np.array([[0, 1], [1, 0]]), [[2], [1]]
    cost = K.ctc_batch_cost(labels, p, [[4], [3]], lengths).numpy()
    for i, (frames, count) in enumerate(((4, 2), (3, 1))):
        found = paths(labels[i, :count].tolist(), frames, 2)
        total = sum(np.prod([p[i, t, k] for t, k in enumerate(path)]) for path in found)
        assert cost[i, 0] == pytest.approx(-np.log(total), rel=1e-5)


def test_greedy_decoding_drops_repeats_and_blanks():
    best = np.array([[0, 0, 2, 0, 1], [2, 1, 1, 1, 0]])
    p = np.where(np.arange(3) == best[..., None], 0.8, 0.1)
    (labels,), score = K.ctc_decode(p, [5, 3])
    assert labels.numpy().tolist() == [[0, 0, 1], [1, -1, -1]]
    np.testing.assert_allclose(score, -np.log([[0.8**5], [0.8**3]]), rtol=1e-5)
    with pytest.raises(tf.errors.UnsupportedError, match="greedy"):
        K.ctc_decode(p, [5, 3], greedy=False)


def test_a_function_between_symbolic_tensors():
    x = tf.keras.Input((2,))
    double, both = K.function([x], x * 2), K.function([x], [x * 2, x + 1])
    assert double([np.ones((1, 2))]).tolist() == [[2, 2]]
    assert [a.tolist() for a in both([np.ones((1, 2))])] == [[[2, 2]], [[2, 2]]]
    with pytest.raises(ValueError, match="assign variables"):
        K.function([x], x, updates=[1])


def test_switches():
    assert K.backend() == "tensorflow" and K.image_data_format() == "channels_last"
    K.set_image_data_format("channels_first")
    try:
        assert K.image_data_format() == "channels_first" and tf.keras.layers.Flatten().data_format == "channels_first"
    finally:
        K.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="channels_first"):
        K.set_image_data_format("NHWC")
    with K.learning_phase_scope(1):
        assert K.learning_phase() == 1
    assert K.learning_phase() == 0
    K.reset_uids()
    assert K.get_uid("seen") == 1 and K.get_uid("seen") == 2
    K.manual_variable_initialization(False)
    with pytest.raises(tf.errors.UnsupportedError, match="initializer"):
        K.manual_variable_initialization(True)
