"""The images that ship in the package."""

import numpy as np

from eager.keras.datasets import digits


def test_shapes_and_values() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1442, 8, 8), (1442,))
    assert (x_test.shape, y_test.shape) == ((355, 8, 8), (355,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert (x_train.min(), x_train.max()) == (0, 16)
    assert set(y_train) == set(y_test) == set(range(10))


def test_split_keeps_the_classes_in_proportion() -> None:
    (_, y_train), (_, y_test) = digits.load_data()
    members = np.bincount(y_train) + np.bincount(y_test)
    np.testing.assert_array_equal(np.bincount(y_test), members // 5)


def test_no_image_is_in_both_parts() -> None:
    (x_train, _), (x_test, _) = digits.load_data()
    train = {image.tobytes() for image in x_train}
    assert not [image for image in x_test if image.tobytes() in train]


def test_arrays_belong_to_the_caller() -> None:
    (x_train, _), _ = digits.load_data()
    x_train[:] = 0
    assert digits.load_data()[0][0].any()
