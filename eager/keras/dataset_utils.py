"""tf.keras.utils that make datasets of arrays: parts, and windows of time series."""

from __future__ import annotations

from typing import Any

import numpy as np

import eager as tf
from eager.data.dataset import Dataset
from eager.data.elements import as_element, spec_of
from eager.data.node import node_of


def random_order(count: int, seed: int | None) -> np.ndarray[Any, Any]:
    """A permutation that a seed determines, as Keras draws it, so that equal seeds split data in the same way."""
    numbers = np.arange(count)
    np.random.RandomState(np.random.randint(1_000_000) if seed is None else seed).shuffle(numbers)  # noqa: NPY002
    return numbers


def split_dataset(
    dataset: Any, left_size: Any = None, right_size: Any = None, shuffle: bool = False, seed: int | None = None
) -> tuple[Dataset, Dataset]:
    """A dataset in two parts (tf.keras.utils.split_dataset).

    Args:
        dataset: a tf.data.Dataset, an array, or a list or tuple of arrays of one length.
        left_size, right_size: a share between 0 and 1, or a number of elements; one of them may be left out.
        shuffle: whether elements are put in a random order first.
        seed: makes that order repeatable.

    Raises:
        TypeError: for data or sizes of another type.
        ValueError: for sizes that leave a part empty, or together exceed the elements.
    """
    elements = _elements(dataset)
    left, right = _sizes(left_size, right_size, len(elements))
    if shuffle:
        elements = [elements[i] for i in random_order(len(elements), seed).tolist()]
    return _listed(elements[:left]), _listed(elements[len(elements) - right :])


def _elements(dataset: Any) -> list[Any]:
    if isinstance(dataset, Dataset):
        found = list(dataset)
    elif isinstance(dataset, np.ndarray | tf.Tensor):
        found = list(Dataset.from_tensor_slices(dataset))
    elif isinstance(dataset, list | tuple) and dataset:
        arrays = tuple(np.asarray(a) for a in dataset)
        if len({len(a) for a in arrays}) > 1:
            raise ValueError(f"`dataset` holds arrays of different lengths {[len(a) for a in arrays]}")
        found = list(Dataset.from_tensor_slices(arrays))
    else:
        raise TypeError(
            f"`dataset` must be a tf.data.Dataset, an array, or a list or tuple of arrays. Received: {type(dataset)}"
        )
    if not found:
        raise ValueError("Received an empty dataset; `dataset` must have at least one element")
    return found


def _listed(elements: list[Any]) -> Dataset:
    parts = [as_element(e) for e in elements]
    return node_of(parts, lambda: spec_of(parts[0]), "TensorSliceDataset")


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("At least one of `left_size` and `right_size` must be given")
    counts = [_size(s, name, total) for s, name in ((left, "left_size"), (right, "right_size"))]
    first = total - (counts[1] or 0) if counts[0] is None else counts[0]
    second = total - first if counts[1] is None else counts[1]
    if first + second > total:
        raise ValueError(f"left_size and right_size together mean {first + second} of {total} elements")
    if not first or not second:
        raise ValueError(f"A split of {total} elements into {first} and {second} leaves a part empty")
    return first, second


def _size(size: Any, name: str, total: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int | float):
        raise TypeError(f"`{name}` must be an integer or a float, got {size!r}")
    if (isinstance(size, int) and not 0 < size < total) or (isinstance(size, float) and not 0 < size < 1):
        raise ValueError(f"`{name}` must be between 0 and {total}, or a share between 0 and 1; got {size}")
    return size if isinstance(size, int) else (round(size * total) if name == "left_size" else int(size * total))


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """Windows of a time series (tf.keras.utils.timeseries_dataset_from_array).

    Args:
        data: an array whose first axis is time.
        targets: the target of the window that starts at each place, or None.
        sequence_length: the number of places in a window.
        sequence_stride: the distance between the starts of windows.
        sampling_rate: the distance between places within a window.
        batch_size: windows per batch; None gives single windows.
        shuffle: whether windows come in a random order.
        seed: makes that order repeatable.
        start_index, end_index: the part of the data that is used.

    Returns:
        A dataset of [batch, sequence_length, ...], or of pairs with targets.

    Raises:
        ValueError: for numbers out of range.
    """
    series = np.asarray(data)
    first, last = _bounds(len(series), start_index, end_index)
    for value, name in ((sampling_rate, "sampling_rate"), (sequence_stride, "sequence_stride")):
        if not 0 < value < max(len(series), 2):
            raise ValueError(f"`{name}` must be higher than 0 and lower than the data's length {len(series)}: {value}")
    wanted = None if targets is None else np.asarray(targets)
    count = last - first - (sequence_length - 1) * sampling_rate
    if wanted is not None:
        count = min(count, len(wanted))
    starts = np.arange(0, max(count, 0), sequence_stride)
    if shuffle:
        starts = starts[random_order(len(starts), seed)]
    steps = np.arange(0, sequence_length * sampling_rate, sampling_rate)
    part = series[first:last]
    goals = None if wanted is None else wanted[first:last]

    def window(start: Any) -> Any:
        at = start.numpy()
        x = part[at[..., None] + steps]
        return x if goals is None else (x, goals[at])

    places = Dataset.from_tensor_slices(starts)
    if batch_size is not None:
        places = (places.shuffle(batch_size * 8, seed) if shuffle else places).batch(batch_size)
    elif shuffle:
        places = places.shuffle(1024, seed)
    return places.map(window)


def _bounds(length: int, start: int | None, end: int | None) -> tuple[int, int]:
    for value, name in ((start, "start_index"), (end, "end_index")):
        if value is not None and not 0 <= value <= length - (name == "start_index"):
            raise ValueError(f"`{name}` must be between 0 and the length {length} of the data. Received: {value}")
    first, last = start or 0, length if end is None else end
    if first >= last:
        raise ValueError(f"`start_index` must be lower than `end_index`: {first} and {last}")
    return first, last


__all__ = ["random_order", "split_dataset", "timeseries_dataset_from_array"]
