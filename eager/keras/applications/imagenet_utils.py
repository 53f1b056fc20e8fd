"""Images as the classifiers want them, and the names of ImageNet's classes (tf.keras.applications.imagenet_utils)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eager.errors import UnsupportedError
from eager.keras import backend
from eager.ops.array import cast
from graphcore.dtypes import as_dtype

_MODES = {
    # mode: (pixels are divided by this, then this is subtracted, then divided by this)
    "caffe": (1.0, (103.939, 116.779, 123.68), None),
    "tf": (127.5, (1.0, 1.0, 1.0), None),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
_ORDERS = ("channels_first", "channels_last")


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scales images with pixels in 0..255 (tf.keras.applications.imagenet_utils.preprocess_input).

    Args:
        x: an array, tensor or Keras tensor of rank 3 or 4, with three channels, or for "tf" any number. Integers
            become `backend.floatx()`. An array is left as it is, while tf.keras overwrites one of floats.
        data_format: channels_last or channels_first; None for that of the backend.
        mode: "caffe" turns RGB into BGR and subtracts ImageNet's mean; "tf" scales to -1..1; "torch" scales to
            0..1, then standardises each channel with ImageNet's mean and deviation.

    Returns:
        An array for an array, else a tensor, of the same shape.

    Raises:
        ValueError: for an unknown mode or data format.
    """
    if mode not in _MODES:
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}")
    order = backend.image_data_format() if data_format is None else data_format
    if order not in _ORDERS:
        raise ValueError(
            "Expected data_format to be one of `channels_first` or `channels_last`. "
            f"Received: data_format={data_format}"
        )
    images = _floating(x)
    scale, mean, deviation = _MODES[mode]
    first = order == "channels_first"
    if mode == "caffe":
        images = _reversed_channels(images, first)
    if scale != 1.0:
        images = images / scale
    if mode == "tf":
        return images - 1.0
    images = images - _per_channel(mean, images, first)
    return images if deviation is None else images / _per_channel(deviation, images, first)


def _floating(x: Any) -> Any:
    """x in a floating dtype."""
    images = x if hasattr(x, "dtype") else np.asarray(x)
    if as_dtype(images.dtype).is_floating:
        return images
    return images.astype(backend.floatx()) if isinstance(images, np.ndarray) else cast(images, backend.floatx())


def _reversed_channels(images: Any, first: bool) -> Any:
    if not first:
        return images[..., ::-1]
    return images[::-1] if len(images.shape) == 3 else images[:, ::-1]


def _per_channel(numbers: tuple[float, ...], images: Any, first: bool) -> Any:
    """Three numbers in the images' dtype, shaped to broadcast along the channels."""
    kind = as_dtype(images.dtype).numpy
    return np.asarray(numbers, kind).reshape((3, 1, 1) if first else (3,))


def in_mode(mode: str | None, paper: str) -> Callable[..., Any]:
    """The `preprocess_input` of a family of models: `imagenet_utils.preprocess_input` in one mode, or identity."""

    def preprocess(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    what = "left as they are: the model scales them itself" if mode is None else f"scaled in the mode {mode!r}"
    preprocess.__doc__ = f"Images with pixels in 0..255 for {paper}, {what}. Raises ValueError for a bad data format."
    return preprocess


def decode_predictions(preds: Any, top: int = 5, class_index: Any = None) -> list[list[tuple[str, str, float]]]:
    """The most probable classes of each row (tf.keras.applications.imagenet_utils.decode_predictions).

    Args:
        preds: probabilities of shape (samples, classes).
        top: how many classes to give of each row.
        class_index: an addition to tf.keras, which downloads it: the path of `imagenet_class_index.json`, or its
            contents, a mapping from the class number as a string to (WordNet id, name).

    Returns:
        For each row a list of (WordNet id, name, probability), the most probable first.

    Raises:
        UnsupportedError: if no class index is given, as nothing is downloaded.
        ValueError: if the predictions do not have the shape (samples, classes).
    """
    if class_index is None:
        raise UnsupportedError(
            "decode_predictions: the names of ImageNet's classes are not part of layerjit and nothing is downloaded; "
            "pass class_index=path, the file imagenet_class_index.json that tf.keras keeps in ~/.keras/models"
        )
    index = class_index if isinstance(class_index, Mapping) else json.loads(Path(class_index).read_text("utf-8"))
    rows = np.asarray(preds)
    if rows.ndim != 2 or rows.shape[1] != len(index):
        raise ValueError(
            "`decode_predictions` expects a batch of predictions "
            f"(i.e. a 2D array of shape (samples, {len(index)})). Found array with shape: {rows.shape}"
        )
    return [[(*index[str(i)], row[i]) for i in np.argsort(row)[::-1][:top]] for row in rows]
