"""What layers of images share: their input, cropping, and sizes that fit."""

from __future__ import annotations

from typing import Any

from eager.ops.array import cast
from eager.ops.common import raw_shape
from eager.ops.create import convert_to_tensor
from eager.ops.image_common import known_size
from eager.ops.image_geometry import crop_to_bounding_box
from eager.ops.image_resize import resize

_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")


def images_of(inputs: Any, dtype: Any = None) -> Any:
    """Images as a tensor of a dtype.

    Raises:
        ValueError: for a dict, or a rank other than 3 and 4.
    """
    if isinstance(inputs, dict):
        raise ValueError(
            "This layer takes one tensor: an image (height, width, channels) or a batch of them. "
            f"Received: type(inputs)={type(inputs)}; pass the images alone, such as inputs['image']"
        )
    x = convert_to_tensor(inputs)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"Expected an image (height, width, channels) or a batch of them. Received: inputs.shape={x.shape}"
        )
    return x if dtype is None else cast(x, dtype)


def checked_interpolation(name: str) -> str:
    """The name of an interpolation in lower case. Raises NotImplementedError for an unknown one."""
    if name.lower() not in _INTERPOLATIONS:
        raise NotImplementedError(
            f"Value not recognized for `interpolation`: {name}. Supported values are: {', '.join(_INTERPOLATIONS)}"
        )
    return name.lower()


def size_of(x: Any) -> tuple[int, int]:
    """Height and width of images. In a trace that leaves them open they become guards.

    Raises:
        InconclusiveDim: in a trace without real arguments.
    """
    height, width = (known_size(d) for d in raw_shape(x)[-3:-1])
    return height, width


def fit_into(x: Any, size: tuple[int, int], method: str = "bilinear") -> Any:
    """Images cropped in the middle to the proportions of `size`, then resized to it (tf.keras.utils smart_resize)."""
    height, width = size_of(x)
    rows = min(height, int(width * size[0] / size[1]))
    columns = min(width, int(height * size[1] / size[0]))
    middle = crop_to_bounding_box(x, (height - rows) // 2, (width - columns) // 2, rows, columns)
    return resize(middle, size, method)


def is_within(x: Any, size: tuple[int, int]) -> bool:
    """Whether images are at least as large as `size`."""
    height, width = size_of(x)
    return height >= size[0] and width >= size[1]


def center_crop(x: Any, size: tuple[int, int]) -> Any:
    """The middle of images, or of smaller ones what fits into the size."""
    if not is_within(x, size):
        return fit_into(x, size)
    height, width = size_of(x)
    return crop_to_bounding_box(x, (height - size[0]) // 2, (width - size[1]) // 2, *size)
