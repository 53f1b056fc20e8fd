"""Layers of images: modes, seeds, eager and traced draws, open sizes; values are in the layer table."""

import numpy as np
import pytest

import eager as tf

layers = tf.keras.layers
IMAGES = np.random.default_rng(5).uniform(0, 1, (3, 8, 9, 2)).astype("float32")

RANDOM = {
    "RandomFlip": lambda seed: layers.RandomFlip(seed=seed),
    "RandomRotation": lambda seed: layers.RandomRotation(0.2, seed=seed),
    "RandomZoom": lambda seed: layers.RandomZoom(0.3, 0.2, "wrap", seed=seed),
    "RandomTranslation": lambda seed: layers.RandomTranslation(0.3, 0.2, "nearest", seed=seed),
    "RandomContrast": lambda seed: layers.RandomContrast(0.5, seed=seed),
    "RandomBrightness": lambda seed: layers.RandomBrightness(0.5, (0, 1), seed=seed),
    "RandomCrop": lambda seed: layers.RandomCrop(4, 4, seed=seed),
}


@pytest.mark.parametrize("name", RANDOM)
def test_equal_seeds_draw_equal_changes_eager_and_traced(name):
    eagerly, traced = RANDOM[name](11), RANDOM[name](11)
    function = tf.function(lambda x: traced(x))
    first, second = eagerly(IMAGES).numpy(), eagerly(IMAGES).numpy()
    np.testing.assert_allclose(function(tf.constant(IMAGES)).numpy(), first, atol=1e-5)
    np.testing.assert_allclose(function(tf.constant(IMAGES)).numpy(), second, atol=1e-5)
    assert not np.array_equal(first, second)
    assert function.concrete_functions[0].function.compiled.host_calls == []
    tf.random.set_seed(3)
    unseeded = RANDOM[name](None)
    before = unseeded(IMAGES).numpy()
    tf.random.set_seed(3)
    assert np.array_equal(RANDOM[name](None)(IMAGES).numpy(), before)


@pytest.mark.parametrize("name", RANDOM)
def test_one_image_is_a_batch_of_one(name):
    alone, batch = RANDOM[name](12), RANDOM[name](12)
    assert np.array_equal(alone(IMAGES[0]).numpy(), batch(IMAGES[:1]).numpy()[0])


@pytest.mark.parametrize("name", [n for n in RANDOM if n != "RandomCrop"])
def test_training_is_the_default_and_inference_changes_nothing(name):
    layer = RANDOM[name](13)
    assert np.array_equal(layer(IMAGES, training=False).numpy(), IMAGES)
    assert not np.array_equal(layer(IMAGES).numpy(), IMAGES)


def test_flips_are_of_each_image_by_itself():
    images = np.tile(np.arange(4.0, dtype="float32").reshape(1, 1, 4, 1), (64, 1, 1, 1))
    found = layers.RandomFlip("horizontal", seed=1)(images).numpy()[:, 0, :, 0]
    straight = (found == [0, 1, 2, 3]).all(1)
    turned = (found == [3, 2, 1, 0]).all(1)
    assert (straight | turned).all() and 12 < straight.sum() < 52


@pytest.mark.parametrize(("mode", "row"), [
    ("reflect", [1, 0, 0, 1, 2]), ("wrap", [3, 4, 0, 1, 2]), ("nearest", [0, 0, 0, 1, 2]),
    ("constant", [9, 9, 0, 1, 2]),
])  # fmt: skip
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_what_is_beyond_the_edges(mode, row, interpolation):
    image = np.arange(5.0, dtype="float32").reshape(1, 1, 5, 1)
    layer = layers.RandomTranslation((0, 0), (0.4, 0.4), mode, interpolation, fill_value=9.0)
    np.testing.assert_allclose(layer(image).numpy().ravel(), row, atol=1e-5)


def test_a_quarter_turn_is_counter_clockwise():
    image = np.arange(9.0, dtype="float32").reshape(1, 3, 3, 1)
    found = layers.RandomRotation((0.25, 0.25), interpolation="nearest")(image).numpy()[0, :, :, 0]
    assert found.tolist() == np.rot90(image[0, :, :, 0]).tolist()


def test_zoom_out_shows_twice_as_much():
    image = np.arange(6.0, dtype="float32").reshape(1, 1, 6, 1)
    found = layers.RandomZoom((0.0, 0.0), (1.0, 1.0), "constant", "bilinear", fill_value=-1.0)(image).numpy().ravel()
    # Pixel x shows 2 x - 2.5: half-way between two pixels, or beyond the edge.
    np.testing.assert_allclose(found[2:4], [1.5, 3.5], atol=1e-6)
    np.testing.assert_allclose(found[[0, 5]], [-1, -1], atol=1e-6)


def test_random_sizes():
    assert layers.RandomHeight((0.5, 0.5))(IMAGES).shape == (3, 12, 9, 2)
    assert layers.RandomWidth((-0.4, -0.4))(IMAGES[0]).shape == (8, 5, 2)
    assert layers.RandomHeight(0.3)(IMAGES, training=False).shape == IMAGES.shape
    assert layers.RandomWidth(0.3)(tf.keras.Input((8, 9, 2))).shape.as_list() == [None, 8, None, 2]


def test_crop_of_what_is_too_small_is_resized():
    found = layers.RandomCrop(16, 9)(IMAGES)
    assert found.shape == (3, 16, 9, 2)
    assert np.array_equal(found.numpy(), layers.CenterCrop(16, 9)(IMAGES).numpy())
    assert np.array_equal(found.numpy(), layers.Resizing(16, 9, crop_to_aspect_ratio=True)(IMAGES).numpy())


def test_models_of_images_of_open_size():
    inputs = tf.keras.Input((None, None, 2))
    outputs = layers.CenterCrop(2, 2)(layers.RandomFlip()(layers.Resizing(4, 4)(inputs)))
    model = tf.keras.Model(inputs, outputs)
    assert outputs.shape.as_list() == [None, 2, 2, 2]
    for size in (5, 7):
        images = IMAGES[:, :size, :size]
        wanted = tf.image.resize(images, (4, 4)).numpy()[:, 1:3, 1:3]
        np.testing.assert_allclose(model.predict(images, verbose=0), wanted, atol=1e-5)


FAULTS = {
    "mode": (lambda: layers.RandomFlip("x"), ValueError, "mode"),
    "rotation": (lambda: layers.RandomRotation((0.2, 0.1)), ValueError, "factor"),
    "fill": (lambda: layers.RandomRotation(0.1, "x"), NotImplementedError, "fill_mode"),
    "interpolation": (lambda: layers.RandomZoom(0.1, interpolation="x"), NotImplementedError, "interpolation"),
    "zoom": (lambda: layers.RandomZoom(2.0), ValueError, "height_factor"),
    "translation": (lambda: layers.RandomTranslation(0.1, (0.2, 0.1)), ValueError, "width_factor"),
    "contrast": (lambda: layers.RandomContrast(-0.1), ValueError, "factor"),
    "brightness": (lambda: layers.RandomBrightness(1.5), ValueError, "factor"),
    "range": (lambda: layers.RandomBrightness(0.5, 3), ValueError, "value_range"),
    "height": (lambda: layers.RandomHeight(-1.5), ValueError, "factor"),
    "resizing": (lambda: layers.Resizing(2, 2, "x"), NotImplementedError, "interpolation"),
    "rank": (lambda: layers.Resizing(2, 2)(np.zeros((2, 3))), ValueError, "image"),
    "dict": (lambda: layers.RandomFlip()({"images": IMAGES}), ValueError, "one tensor"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name):
    call, error, words = FAULTS[name]
    with pytest.raises(error, match=words):
        call()


def test_smart_resize_keeps_arrays_and_proportions():
    image = np.arange(32.0, dtype="float32").reshape(4, 8, 1)
    found = tf.keras.preprocessing.image.smart_resize(image, (4, 4))
    assert isinstance(found, np.ndarray) and found.tolist() == image[:, 2:6].tolist()
