"""Rows of the layer table: layers that prepare images, numbers and categories. Strings have tests of their own."""

import numpy as np
from check_layer import case
from tf_cases import floats

import eager as tf

layers = tf.keras.layers
image = floats(2, 4, 6, 3)


def cropped(x, height, width):
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    return x[:, top : top + height, left : left + width]


def moved(x, down):
    """Rows moved down, what comes in being the reflection about the edge."""
    rows = np.arange(x.shape[1]) - down
    rows = np.where(rows < 0, -rows - 1, rows)
    return x[:, np.where(rows >= x.shape[1], 2 * x.shape[1] - 1 - rows, rows)]


def halves(x):
    """Every second pixel of a doubled axis lies a quarter from the old ones (half-pixel centers)."""
    for axis in (1, 2):
        before = np.concatenate([np.take(x, [0], axis), np.delete(x, -1, axis)], axis)
        after = np.concatenate([np.delete(x, 0, axis), np.take(x, [-1], axis)], axis)
        parts = np.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis + 1)
        x = parts.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x


case("Rescaling", lambda **k: layers.Rescaling(0.5, -1.0, **k), floats(3, 4), reference=lambda w, x: 0.5 * x - 1)
case("Normalization", lambda **k: layers.Normalization(**k), floats(3, 4),
     reference=lambda w, x: (x - w[0]) / np.sqrt(w[1]))  # fmt: skip
case("Normalization given, inverse", lambda **k: layers.Normalization(mean=[1.0, 2.0], variance=4.0, invert=True, **k),
     floats(3, 2), reference=lambda w, x: x * 2 + [1, 2])  # fmt: skip
case("Resizing", lambda **k: layers.Resizing(8, 12, **k), image, reference=lambda w, x: halves(x), mixed=False)
case("Resizing nearest", lambda **k: layers.Resizing(2, 3, "nearest", **k), image,
     reference=lambda w, x: x[:, 1::2, 1::2])  # fmt: skip
case("Resizing cropped", lambda **k: layers.Resizing(2, 2, "nearest", crop_to_aspect_ratio=True, **k), image,
     reference=lambda w, x: x[:, 1::2, 2:5:2])  # fmt: skip
case("CenterCrop", lambda **k: layers.CenterCrop(2, 3, **k), image, reference=lambda w, x: cropped(x, 2, 3))
case("RandomFlip", lambda **k: layers.RandomFlip(seed=3, **k), image, reference=lambda w, x: x, random=True)
case("RandomRotation half", lambda **k: layers.RandomRotation((0.5, 0.5), interpolation="nearest", **k), image,
     reference=lambda w, x: x, training=lambda w, x: x[:, ::-1, ::-1])  # fmt: skip
case("RandomRotation", lambda **k: layers.RandomRotation(0.3, seed=4, **k), image, reference=lambda w, x: x,
     random=True)  # fmt: skip
case("RandomZoom", lambda **k: layers.RandomZoom(0.3, 0.2, "constant", seed=5, **k), image, reference=lambda w, x: x,
     random=True)  # fmt: skip
case("RandomTranslation", lambda **k: layers.RandomTranslation((0.25, 0.25), (0.0, 0.0), **k), image,
     reference=lambda w, x: x, training=lambda w, x: moved(x, 1))  # fmt: skip
case("RandomTranslation wrapped", lambda **k: layers.RandomTranslation(0.4, 0.4, "wrap", seed=6, **k), image,
     reference=lambda w, x: x, random=True)  # fmt: skip
case("RandomContrast", lambda **k: layers.RandomContrast(0.4, seed=7, **k), image + 3, reference=lambda w, x: x,
     random=True)  # fmt: skip
case("RandomBrightness", lambda **k: layers.RandomBrightness((0.25, 0.25), (0, 4), **k), image + 2,
     reference=lambda w, x: x, training=lambda w, x: np.clip(x + 1, 0, 4))  # fmt: skip
case("RandomCrop", lambda **k: layers.RandomCrop(4, 6, **k), image, reference=lambda w, x: x)
case("RandomCrop somewhere", lambda **k: layers.RandomCrop(2, 2, seed=8, **k), image, random=True, mixed=False)

numbers = np.array([[0, 2, 2], [3, 1, 0]])


def counted(x, depth, once=False):
    rows = np.stack([np.bincount(row, minlength=depth) for row in x])
    return np.minimum(rows, 1) if once else rows


case("CategoryEncoding multi_hot", lambda **k: layers.CategoryEncoding(5, **k), numbers,
     reference=lambda w, x: counted(x, 5, True).astype(float))  # fmt: skip
case("CategoryEncoding count", lambda **k: layers.CategoryEncoding(5, "count", **k), numbers,
     reference=lambda w, x: counted(x, 5).astype(float))  # fmt: skip
case("CategoryEncoding one_hot", lambda **k: layers.CategoryEncoding(5, "one_hot", **k), numbers[:, :1],
     reference=lambda w, x: np.eye(5)[x[:, 0]])  # fmt: skip


def integers(make):
    """A layer of integers, whose dtype the table does not choose."""
    return lambda **k: make(**{key: value for key, value in k.items() if key != "dtype"})


case("Discretization", integers(lambda **k: layers.Discretization([-0.5, 0.0, 0.7], **k)), floats(3, 4),
     reference=lambda w, x: np.digitize(x, [-0.5, 0.0, 0.7]), smooth=False, mixed=False, trains=False)  # fmt: skip
case("Discretization count", lambda **k: layers.Discretization([-0.5, 0.0, 0.7], output_mode="count", **k),
     floats(3, 4), reference=lambda w, x: counted(np.digitize(x, [-0.5, 0.0, 0.7]), 4).astype(float), smooth=False,
     mixed=False, trains=False)  # fmt: skip
case("IntegerLookup", integers(lambda **k: layers.IntegerLookup(vocabulary=[2, 3, 7], **k)), numbers,
     reference=lambda w, x: np.where(x == 2, 1, np.where(x == 3, 2, 0)), trains=False)  # fmt: skip
case("IntegerLookup of rows", lambda **k: layers.IntegerLookup(vocabulary=[2, 3], output_mode="count", **k), numbers,
     reference=lambda w, x: counted(np.where(x == 2, 1, np.where(x == 3, 2, 0)), 3).astype(float))  # fmt: skip
case("IntegerLookup inverted", integers(lambda **k: layers.IntegerLookup(vocabulary=[20, 30], invert=True, **k)),
     numbers, reference=lambda w, x: np.array([-1, 20, 30, -1])[x], trains=False)  # fmt: skip
case("Hashing", integers(lambda **k: layers.Hashing(7, **k)), numbers, trains=False)
case("Hashing with salt", integers(lambda **k: layers.Hashing(7, mask_value=2, salt=5, **k)), numbers, trains=False)
case("HashedCrossing", integers(lambda **k: layers.HashedCrossing(7, **k)), [numbers[:, :1], numbers[:, 1:2]],
     trains=False)  # fmt: skip
