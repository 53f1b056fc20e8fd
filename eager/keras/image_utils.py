"""tf.keras.utils for images: between Pillow's images, files and arrays (needs the `images` extra)."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from eager.errors import UnsupportedError
from eager.keras import backend

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_WIDE_GRAY = ("I;16", "I", "L")


def pillow() -> Any:
    """The module PIL.Image. Raises UnsupportedError, naming the extra, where it is not installed."""
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise UnsupportedError(
            "images in files are read and written with Pillow, which is not installed; run: "
            "pip install 'layerjit[images]'"
        ) from None


def _format(data_format: str | None) -> str:
    return backend._known_format(data_format or backend.image_data_format())


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray[Any, Any]:
    """A Pillow image as an array [rows, columns, channels] (tf.keras.utils.img_to_array).

    Args:
        img: a Pillow image, or an array of rank 2 or 3.
        data_format: channels_last or channels_first, the order of the result.
        dtype: by default tf.keras.backend.floatx().

    Raises:
        ValueError: for another rank or data_format.
    """
    layout = _format(data_format)
    x = np.asarray(img, dtype=dtype or backend.floatx())
    if x.ndim == 2:
        return x[None] if layout == "channels_first" else x[..., None]
    if x.ndim != 3:
        raise ValueError(f"Unsupported image shape: {x.shape}")
    return x.transpose(2, 0, 1) if layout == "channels_first" else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """A Pillow image of an array (tf.keras.utils.array_to_img).

    Args:
        x: [rows, columns, channels] or channels first, with 1, 3 or 4 channels.
        data_format: the order of axes.
        scale: whether the numbers are stretched to 0..255.
        dtype: in which to compute; by default tf.keras.backend.floatx().

    Raises:
        ValueError: for another rank, number of channels or data_format.
        UnsupportedError: without Pillow.
    """
    image = pillow()
    layout = _format(data_format)
    a = np.asarray(x, dtype=dtype or backend.floatx())
    if a.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {a.shape}")
    a = a.transpose(1, 2, 0) if layout == "channels_first" else a
    if scale:
        a = a - a.min()
        top = a.max()
        a = (a / top if top else a) * 255
    channels = a.shape[2]
    if channels == 1:
        flat = a[..., 0]
        return image.fromarray(flat.astype("int32") if flat.max() > 255 else flat.astype("uint8"))
    if channels not in (3, 4):
        raise ValueError(f"Unsupported channel number: {channels}")
    return image.fromarray(a.astype("uint8"))


def load_img(
    path: Any,
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A Pillow image from a file (tf.keras.utils.load_img).

    Args:
        path: a path, or a file object or BytesIO.
        grayscale: older form of color_mode="grayscale".
        color_mode: grayscale, rgb or rgba.
        target_size: (rows, columns) to resize to.
        interpolation: nearest, bilinear, bicubic, hamming, box or lanczos.
        keep_aspect_ratio: cuts the image to the target's shape first.

    Raises:
        TypeError: for a path of another type.
        ValueError: for another color_mode or interpolation.
        UnsupportedError: without Pillow.
    """
    image = pillow()
    mode = "grayscale" if grayscale else color_mode
    if mode not in _MODES:
        raise ValueError(f'color_mode must be "grayscale", "rgb", or "rgba". Received: {mode!r}')
    if isinstance(path, io.IOBase):
        img = image.open(path)
    elif isinstance(path, str | bytes | Path):
        img = image.open(io.BytesIO(Path(path.decode() if isinstance(path, bytes) else path).read_bytes()))
    else:
        raise TypeError(f"path should be a path or a file, not {type(path)}")
    if img.mode != _MODES[mode] and not (mode == "grayscale" and img.mode in _WIDE_GRAY):
        img = img.convert(_MODES[mode])
    if target_size is None or img.size == (target_size[1], target_size[0]):
        return img
    methods = {name: getattr(image.Resampling, name.upper()) for name in _METHODS}
    if interpolation not in methods:
        raise ValueError(f"Invalid interpolation method {interpolation!r}. Supported are {', '.join(methods)}")
    rows, columns = target_size
    box = _centre(img.size, columns / rows) if keep_aspect_ratio else None
    return img.resize((columns, rows), methods[interpolation], box=box)


_METHODS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _centre(size: tuple[int, int], ratio: float) -> list[int]:
    """The largest box of a ratio of columns to rows in the middle of an image."""
    width, height = size
    across, down = min(width, int(height * ratio)), min(height, int(width / ratio))
    left, top = (width - across) // 2, (height - down) // 2
    return [left, top, left + across, top + down]


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Writes an array as an image file (tf.keras.utils.save_img).

    Args:
        path: a path or file object.
        x: as for array_to_img.
        data_format: the order of axes.
        file_format: such as png; by default the path's suffix.
        scale: whether the numbers are stretched to 0..255.
        **kwargs: go to Pillow's save.

    Raises:
        UnsupportedError: without Pillow.
    """
    img = array_to_img(x, data_format, scale)
    kind = file_format
    if img.mode == "RGBA" and kind in ("jpg", "jpeg"):
        img = img.convert("RGB")
    img.save(path, format="jpeg" if kind == "jpg" else kind, **kwargs)


__all__ = ["array_to_img", "img_to_array", "load_img", "pillow", "save_img"]
