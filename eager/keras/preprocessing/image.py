"""tf.keras.preprocessing.image: images as arrays and files, and resizing that keeps proportions."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.preprocessing.image", {
    "eager.keras.image_utils": "array_to_img img_to_array load_img save_img",
    "eager.keras.preprocessing.image_arrays": (
        "apply_affine_transform apply_brightness_shift apply_channel_shift random_brightness random_channel_shift "
        "random_rotation random_shear random_shift random_zoom"
    ),
})  # fmt: skip


def smart_resize(x: Any, size: Any, interpolation: str = "bilinear") -> Any:
    """Images cropped in the middle to the proportions of a size, then resized to it (tf.keras smart_resize).

    Args:
        x: (height, width, channels) or a batch of them.
        size: (height, width).
        interpolation: as for tf.keras.layers.Resizing.

    Returns:
        An array for an array, else a tensor.

    Raises:
        ValueError: for a size that is no pair, or images of another rank.
    """
    from eager.keras.layers.preprocessing.image_common import fit_into, images_of

    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    made = fit_into(images_of(x), (int(size[0]), int(size[1])), interpolation)
    return made.numpy() if isinstance(x, np.ndarray) else made
