"""Random image functions: every outcome that chance allows comes, and no other; a seed of its own decides alone."""

import numpy as np
import pytest
import tf_cases_image

import eager as tf

CHANCES = [pytest.param(*row, id=row[0]) for row in tf_cases_image.RANDOM]


@pytest.mark.parametrize(("name", "met", "count"), CHANCES)
def test_every_outcome_comes_and_no_other(name, met, count):
    tf.random.set_seed(20)
    assert met(tf.constant(tf_cases_image.IMAGE)).numpy().tolist() == list(range(count)), name


def test_images_of_a_batch_are_flipped_each_for_itself():
    x = np.tile(tf_cases_image.IMAGE, (40, 1, 1, 1))
    y = np.asarray(tf.image.stateless_random_flip_left_right(x, (1, 2)))
    flipped = [np.array_equal(a, b[:, ::-1]) for a, b in zip(y, x, strict=True)]
    assert 8 < sum(flipped) < 32
    assert all(np.array_equal(a, b) for a, b, f in zip(y, x, flipped, strict=True) if not f)


@pytest.mark.parametrize("name", ["brightness", "hue", "contrast", "saturation", "crop", "flip_up_down"])
def test_a_seed_decides_eagerly_and_traced(name):
    function = getattr(tf.image, f"stateless_random_{name}")
    ranges = {"contrast": (0.2, 1.8), "saturation": (0.2, 1.8), "crop": ((3, 2, 3),), "flip_up_down": ()}
    given = ranges.get(name, (0.4,))
    x = tf.constant(tf_cases_image.IMAGE, tf.float32)
    first, again, other = (np.asarray(function(x, *given, seed=s)) for s in ((4, 9), (4, 9), (5, 9)))
    np.testing.assert_array_equal(first, again)
    assert name == "flip_up_down" or not np.array_equal(first, other)
    traced = tf.function(lambda x: function(x, *given, seed=(4, 9)))(x)
    np.testing.assert_allclose(traced, first, rtol=1e-5, atol=1e-6)


def test_sizes_that_a_trace_leaves_open_become_facts_of_the_trace():
    resize = tf.function(lambda x: tf.image.resize(x, (5, 6)), strict=True)
    for height in (9, 7, 4, 9):
        x = np.random.default_rng(height).uniform(size=(2, height, 5, 3)).astype(np.float32)
        np.testing.assert_allclose(resize(x), tf.image.resize(x, (5, 6)), rtol=1e-5, atol=1e-6)
