"""tf.keras.utils that make datasets of the files in folders, one folder per class."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import eager as tf
from eager.data.dataset import Dataset
from eager.keras.dataset_utils import random_order

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_INTERPOLATIONS = (
    "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic",
)  # fmt: skip


class Files(NamedTuple):
    """Files with the number of their class.

    Attributes:
        paths: of the files.
        labels: a class number per file, or what the user gave; None without labels.
        classes: the names of the classes.
    """

    paths: list[str]
    labels: np.ndarray[Any, Any] | None
    classes: list[str]


def _index(
    directory: Any, labels: Any, suffixes: Sequence[str], class_names: Any, follow_links: bool, shuffle: bool,
    seed: int | None,
) -> Files:  # fmt: skip
    """The files of a folder: below one folder per class for inferred labels, else all."""
    root = Path(directory)
    if not root.is_dir():
        raise NotADirectoryError(f"Could not find directory {directory}")
    inferred = labels == "inferred"
    folders = sorted(p.name for p in root.iterdir() if p.is_dir()) if inferred else [""]
    classes = folders if inferred else []
    if inferred and class_names is not None:
        if set(class_names) != set(folders):
            raise ValueError(
                f"The `class_names` passed did not match the names of the subdirectories of the target directory. "
                f"Expected: {folders}, but received: {class_names}"
            )
        folders = classes = list(class_names)
    paths: list[str] = []
    numbers: list[int] = []
    for number, folder in enumerate(folders):
        found = _files(root / folder, tuple(suffixes), follow_links)
        paths += found
        numbers += [number] * len(found)
    if not paths:
        raise ValueError(f"No files found in directory {directory}. Allowed formats: {tuple(suffixes)}")
    known = _labels(labels, numbers, paths)
    _say(f"Found {len(paths)} files" + (f" belonging to {len(classes)} classes." if inferred else "."))
    if shuffle:
        order = random_order(len(paths), seed)
        paths, known = [paths[i] for i in order.tolist()], None if known is None else known[order]
    return Files(paths, known, list(classes))


def _say(line: str) -> None:
    """Tells the user what was found, as Keras does."""
    sys.stdout.write(f"{line}\n")


def _files(folder: Path, suffixes: tuple[str, ...], follow_links: bool) -> list[str]:
    walks = sorted(os.walk(folder, followlinks=follow_links))
    return [str(Path(at) / f) for at, _, names in walks for f in sorted(names) if f.lower().endswith(suffixes)]


def _labels(labels: Any, numbers: list[int], paths: list[str]) -> np.ndarray[Any, Any] | None:
    if labels is None:
        return None
    if isinstance(labels, str):
        return np.array(numbers, np.int32)
    if len(labels) != len(paths):
        raise ValueError(
            f"Expected the lengths of `labels` to match the number of files in the target directory. {len(labels)} "
            f"labels for {len(paths)} files"
        )
    return np.asarray(labels)


def _part(files: Files, share: float | None, subset: str | None) -> Files:
    """The training or the validation part of the files."""
    if not share:
        return files
    held_out = int(share * len(files.paths))
    at = len(files.paths) - held_out
    rows = slice(0, at) if subset == "training" else slice(at, None)
    _say(f"Using {at if subset == 'training' else held_out} files for {subset}.")
    return Files(files.paths[rows], None if files.labels is None else files.labels[rows], files.classes)


def _check(labels: Any, label_mode: str | None, class_names: Any, share: Any, subset: Any, shuffle: bool,
           seed: Any) -> None:  # fmt: skip
    if labels not in ("inferred", None) and not isinstance(labels, list | tuple):
        raise ValueError(
            "`labels` argument should be a list/tuple of integer labels, of the same size as the number of files in "
            "the target directory, or 'inferred'. If you wish to get a dataset without labels, pass `labels=None`."
        )
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            f'`label_mode` argument must be one of "int", "categorical", "binary", or None. Received: {label_mode}'
        )
    if class_names is not None and labels != "inferred":
        raise ValueError("You can only pass `class_names` if `labels='inferred'`.")
    if share is not None and not 0 < share < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received: {share}")
    if (share or subset) and not (share and subset):
        raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
    if share and shuffle and seed is None:
        raise ValueError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` argument, to make sure that "
            "there is no overlap between the training and validation subset."
        )


def _dataset(files: Files, read: Callable[[str], Any], label_mode: str | None, batch_size: int | None, shuffle: bool,
             seed: int | None) -> Dataset:  # fmt: skip
    """Files in batches, with labels in the form that a loss wants."""
    places = Dataset.range(len(files.paths))
    if shuffle:
        places = places.shuffle(1024 if batch_size is None else batch_size * 8, seed)
    targets = None if label_mode is None or files.labels is None else _targets(files, label_mode)

    def element(place: Any) -> Any:
        at = int(place.numpy())
        x = read(files.paths[at])
        return x if targets is None else (x, targets[at])

    found: Any = places.map(element)
    found = found if batch_size is None else found.batch(batch_size)
    found = found.prefetch(2)
    found.class_names, found.file_paths = files.classes, files.paths
    return found


def _targets(files: Files, label_mode: str) -> np.ndarray[Any, Any]:
    labels = np.asarray(files.labels)
    if label_mode == "binary":
        if len(files.classes) not in (0, 2):
            raise ValueError(
                f"When passing `label_mode='binary'`, there must be exactly 2 class_names. Received: {files.classes}"
            )
        return labels[:, None].astype(np.float32)
    if label_mode == "categorical":
        return tf.keras.utils.to_categorical(labels, len(files.classes) or None)
    return labels.astype(np.int32)


def _both(files: Files, share: float | None, subset: str | None, make: Callable[[Files, bool], Dataset],
          shuffle: bool) -> Any:  # fmt: skip
    """One dataset, or for subset="both" the training and the validation one."""
    if subset == "both":
        return make(_part(files, share, "training"), shuffle), make(_part(files, share, "validation"), False)
    return make(_part(files, share, subset), shuffle)


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
) -> Any:
    """Images in folders, one per class (tf.keras.utils.image_dataset_from_directory); needs the `images` extra.

    Args:
        directory: with one folder per class.
        labels: "inferred" from the folders, None, or a list of integers in the order of the sorted paths.
        label_mode: int, categorical (one-hot), binary ([1] floats), or None for images alone.
        class_names: the folders in an order of their own.
        color_mode: grayscale, rgb or rgba.
        batch_size: None gives single images.
        image_size: rows and columns to resize to.
        shuffle: whether files come in a random order.
        seed: makes that order repeatable.
        validation_split: the share of files held out.
        subset: training, validation or both.
        interpolation: a method of tf.image.resize.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: cuts the middle out instead of distorting.

    Returns:
        A dataset of float32 [batch, rows, columns, channels] in 0..255, with labels, and with the attributes
        class_names and file_paths; for subset="both" two of them.

    Raises:
        ValueError: for arguments that do not fit each other, or a folder without images.
        UnsupportedError: without Pillow.
    """
    from eager.keras.image_utils import img_to_array, load_img, pillow

    _check(labels, label_mode, class_names, validation_split, subset, shuffle, seed)
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"`interpolation` must be one of {_INTERPOLATIONS}. Received: {interpolation!r}")
    if color_mode not in ("grayscale", "rgb", "rgba"):
        raise ValueError(f'`color_mode` must be one of "rgba", "rgb", "grayscale". Received: {color_mode!r}')
    pillow()
    channels_first = tf.keras.backend.image_data_format() == "channels_first"

    def read(path: str) -> Any:
        x = img_to_array(load_img(path, color_mode=color_mode), "channels_last")
        if crop_to_aspect_ratio:
            x = _cropped(x, image_size)
        image = tf.image.resize(x, image_size, interpolation)
        return tf.transpose(image, (2, 0, 1)) if channels_first else image

    def make(files: Files, mixed: bool) -> Dataset:
        return _dataset(files, read, label_mode, batch_size, mixed, seed)

    files = _index(directory, labels, IMAGES, class_names, follow_links, shuffle, seed)
    return _both(files, validation_split, subset, make, shuffle)


def _cropped(x: np.ndarray[Any, Any], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The largest part of the target's proportions in the middle."""
    rows, columns = x.shape[:2]
    down, across = min(rows, columns * size[0] // size[1]), min(columns, rows * size[1] // size[0])
    top, left = (rows - down) // 2, (columns - across) // 2
    return x[top : top + down, left : left + across]


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
) -> Any:
    """Text files in folders, one per class (tf.keras.utils.text_dataset_from_directory).

    Args:
        directory: with one folder of .txt files per class.
        max_length: the number of bytes after which a text is cut.
        labels, label_mode, class_names, batch_size, shuffle, seed: as for image_dataset_from_directory.
        validation_split, subset, follow_links: as for image_dataset_from_directory.

    Returns:
        A dataset of string tensors [batch], with labels, and with the attributes class_names and file_paths; for
        subset="both" two of them.

    Raises:
        ValueError: for arguments that do not fit each other, or a folder without texts.
    """
    _check(labels, label_mode, class_names, validation_split, subset, shuffle, seed)

    def read(path: str) -> Any:
        return tf.constant(np.array(Path(path).read_bytes()[:max_length], object))

    def make(files: Files, mixed: bool) -> Dataset:
        return _dataset(files, read, label_mode, batch_size, mixed, seed)

    files = _index(directory, labels, (".txt",), class_names, follow_links, shuffle, seed)
    return _both(files, validation_split, subset, make, shuffle)


__all__ = ["image_dataset_from_directory", "text_dataset_from_directory"]
