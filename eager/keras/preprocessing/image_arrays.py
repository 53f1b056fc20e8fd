"""The older random changes of one image that is an array (tf.keras.preprocessing.image), on NumPy and SciPy.

Images are arrays of rank 3 in any order of axes; random numbers are NumPy's global ones, which
tf.keras.utils.set_random_seed seeds.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from eager.errors import UnsupportedError
from eager.keras.image_utils import array_to_img, img_to_array, pillow

Array = np.ndarray[Any, Any]


def _ndimage() -> Any:
    try:
        return importlib.import_module("scipy.ndimage")
    except ImportError:
        raise UnsupportedError(
            "images that are arrays are turned and moved with SciPy, which is not installed; run: "
            "pip install 'layerjit[special]', or use layers such as tf.keras.layers.RandomRotation"
        ) from None


def _uniform(low: float, high: float, size: Any = None) -> Any:
    return np.random.uniform(low, high, size)  # noqa: NPY002 (seeded by set_random_seed)


def _turn(degrees: float) -> Array:
    s, c = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _slant(degrees: float) -> Array:
    s, c = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    return np.array([[1, -s, 0], [0, c, 0], [0, 0, 1]])


def _move(x: float, y: float) -> Array:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def apply_affine_transform(
    x: Any, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1, zy: float = 1,
    row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest", cval: float = 0.0,
    order: int = 1,
) -> Array:  # fmt: skip
    """An image turned, moved, slanted and zoomed about its centre; for images that are not square, near it.

    Args:
        x: an image.
        theta: degrees of the turn.
        tx: columns by which it moves left; rows by which it moves up where col_axis is below row_axis.
        ty: rows by which it moves up; columns where col_axis is below row_axis.
        shear: degrees of the slant.
        zx, zy: how many columns and rows of x one of the result covers.
        row_axis, col_axis, channel_axis: the axes of x.
        fill_mode: constant, nearest, reflect or wrap: what lies outside of x.
        cval: the number outside of x with fill_mode constant.
        order: of the splines between pixels; 1 is linear.

    Raises:
        UnsupportedError: without SciPy.
        ValueError: if the axes are no three of an image.
    """
    x = np.asarray(x)
    if sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2] or x.ndim != 3:
        raise ValueError(f"axes {row_axis, col_axis, channel_axis} do not fit an image of shape {x.shape}")
    matrix = _turn(theta) @ _move(tx, ty) @ _slant(shear) @ np.diag((zx, zy, 1.0))
    centre = (x.shape[row_axis] / 2 - 0.5, x.shape[col_axis] / 2 - 0.5)
    matrix = _move(*centre) @ matrix @ _move(-centre[0], -centre[1])
    if col_axis > row_axis:  # the matrix has columns first, also where the centre is that of rows first, as in tf.keras
        matrix = matrix[np.ix_((1, 0, 2), (1, 0, 2))]
    sample, channels = _ndimage().affine_transform, np.moveaxis(x, channel_axis, 0)
    made = [sample(c, matrix[:2, :2], matrix[:2, 2], order=order, mode=fill_mode, cval=cval) for c in channels]
    return np.moveaxis(np.stack(made), 0, channel_axis)


def random_rotation(
    x: Any, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """An image turned by up to `rg` degrees either way; the other arguments are apply_affine_transform's."""
    return apply_affine_transform(
        x, theta=_uniform(-rg, rg), row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis,
        fill_mode=fill_mode, cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_shift(
    x: Any, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """An image moved by up to the parts `hrg` of its height, along x, and `wrg` of its width, along y."""
    rows, columns = np.shape(x)[row_axis], np.shape(x)[col_axis]
    return apply_affine_transform(
        x, tx=_uniform(-hrg, hrg) * rows, ty=_uniform(-wrg, wrg) * columns, row_axis=row_axis, col_axis=col_axis,
        channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_shear(
    x: Any, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """An image slanted by up to `intensity` degrees either way."""
    return apply_affine_transform(
        x, shear=_uniform(-intensity, intensity), row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis,
        fill_mode=fill_mode, cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_zoom(
    x: Any, zoom_range: Any, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """An image zoomed by factors between the two of `zoom_range`, one for rows and one for columns.

    Raises:
        ValueError: if the range is no pair.
    """
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` should be a tuple or list of two floats. Received: {zoom_range}")
    zx, zy = (1, 1) if tuple(zoom_range) == (1, 1) else _uniform(zoom_range[0], zoom_range[1], 2)
    return apply_affine_transform(
        x, zx=zx, zy=zy, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> Array:
    """An image plus a number, within the range of its own values; all channels are treated alike."""
    del channel_axis
    x = np.asarray(x)
    return np.clip(x + intensity, x.min(), x.max())


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> Array:
    """`apply_channel_shift` by up to `intensity_range` either way."""
    return apply_channel_shift(x, _uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> Array:
    """An image with its brightness times a factor, rounded to 256 steps.

    Args:
        x: an image [rows, columns, channels].
        brightness: the factor; 0 is black.
        scale: whether values are stretched to 0...255 first; always where they leave that range.

    Raises:
        UnsupportedError: without Pillow.
    """
    pillow()
    x = np.asarray(x)
    low, high = np.min(x), np.max(x)
    outside = bool(low < 0 or high > 255)
    picture = importlib.import_module("PIL.ImageEnhance").Brightness(array_to_img(x, scale=outside or scale))
    made = img_to_array(picture.enhance(brightness))
    return made / 255 * (high - low) + low if outside and not scale else made


def random_brightness(x: Any, brightness_range: Any, scale: bool = True) -> Array:
    """`apply_brightness_shift` by a factor between the two of a range.

    Raises:
        ValueError: if the range is no pair.
    """
    if len(brightness_range) != 2:
        raise ValueError(f"`brightness_range` should be a tuple or list of two floats. Received: {brightness_range}")
    return apply_brightness_shift(x, _uniform(brightness_range[0], brightness_range[1]), scale)


__all__ = [
    "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "random_brightness",
    "random_channel_shift", "random_rotation", "random_shear", "random_shift", "random_zoom",
]  # fmt: skip
