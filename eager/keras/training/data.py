"""Data for fit, evaluate and predict: arrays cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eager import nest
from eager.convert import convert
from eager.keras import backend
from eager.tensor import Tensor
from eager.variable import Variable


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """The parts of a batch: inputs, targets, sample weights, None where left out.

    Raises:
        ValueError: for a tuple of more than three.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3 or not data:
        raise ValueError(
            f"Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found: {data}"
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The parts of a batch as the tuple that a step takes."""
    if y is None:
        return (x,) if nest.is_nested(x) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def as_array(x: Any) -> np.ndarray[Any, Any]:
    """Data as an array; floats in the default float dtype."""
    array = x.numpy() if isinstance(x, Tensor | Variable) else np.asarray(x)
    if array.dtype.kind == "f" and not isinstance(x, Tensor | Variable):
        array = array.astype(backend.floatx(), copy=False)
    return np.asarray(array)


def _is_list_of_scalars(x: Any) -> bool:
    return isinstance(x, list | tuple) and bool(x) and isinstance(x[0], int | float | str | bytes | np.generic)


def as_arrays(structure: Any) -> Any:
    """A structure of data as a structure of arrays; lists of numbers, or of lists of them, are one array each."""
    rows = isinstance(structure, list) and bool(structure) and _is_list_of_scalars(structure[0])
    if rows or _is_list_of_scalars(structure):
        return as_array(structure)
    if isinstance(structure, list | tuple):
        parts = [None if x is None else as_arrays(x) for x in structure]
        return parts if isinstance(structure, list) else tuple(parts)
    if isinstance(structure, dict):
        return {k: None if v is None else as_arrays(v) for k, v in structure.items()}
    return as_array(structure)


def as_tensors(part: Any) -> Any:
    """A part of a batch as tensors; None stays."""

    def leaf(x: Any) -> Any:
        return x if x is None or isinstance(x, Tensor) else convert(as_array(x))

    return nest.map_leaves(leaf, part)


def shuffled(count: int) -> np.ndarray[Any, Any]:
    """The numbers below `count` in random order, drawn from NumPy's global generator."""
    return np.random.permutation(count)  # noqa: NPY002 (seeded by set_random_seed)


def _rows(array: np.ndarray[Any, Any]) -> int:
    return int(array.shape[0]) if array.ndim else 1


class ArrayData:
    """Arrays of equal length, cut into batches.

    Attributes:
        size: the number of batches.
        samples: the length of the arrays.
        fresh: whether every epoch starts at the beginning; always.
    """

    fresh = True

    def __init__(
        self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, shuffle: Any = False,
        steps: int | None = None,
    ) -> None:  # fmt: skip
        """Takes the arrays.

        Args:
            x, y, sample_weight: arrays or structures of them.
            batch_size: 32 by default; with `steps` as many as make that number of batches.
            shuffle: True for another order of samples in every epoch, "batch" for another order of batches.
            steps: the number of batches wanted.

        Raises:
            ValueError: if their lengths differ, or there is none.
        """
        parts = [as_arrays(p) for p in (x, y, sample_weight) if p is not None]
        self._given = [p is not None for p in (x, y, sample_weight)]
        self._parts = parts
        self._leaves: list[np.ndarray[Any, Any] | None] = nest.flatten(parts)
        lengths = {_rows(a) for a in self._leaves if a is not None}
        if len(lengths) != 1:
            names = [n for n, given in zip(("x", "y", "sample_weight"), self._given, strict=True) if given]
            shown = "\n".join(
                f"  {name} sizes: {', '.join(str(_rows(a)) for a in nest.flatten(p) if a is not None)}"
                for name, p in zip(names, parts, strict=True)
            )
            raise ValueError(
                f"Data cardinality is ambiguous:\n{shown}\nMake sure all arrays contain the same number of samples."
            )
        self.samples = lengths.pop()
        self.batch_size = batch_size or (-(-self.samples // steps) if steps else 32)
        self.size: int | None = -(-self.samples // self.batch_size)
        self._shuffle = shuffle

    def epoch(self) -> Iterator[Any]:
        """The batches of one epoch, as structures of tensors."""
        order = shuffled(self.samples) if self._shuffle is True else None
        numbers = range(self.size or 0)
        for number in shuffled(self.size or 0).tolist() if self._shuffle == "batch" else numbers:
            start = number * self.batch_size
            stop = min(start + self.batch_size, self.samples)
            rows = slice(start, stop) if order is None else order[start:stop]
            leaves = [None if a is None else convert(a[rows] if a.ndim else a) for a in self._leaves]
            values = iter(nest.pack_sequence_as(self._parts, leaves))
            yield pack_x_y_sample_weight(*(next(values) if given else None for given in self._given))


def one_batch(x: Any, y: Any = None, sample_weight: Any = None) -> Iterator[Any]:
    """All of the arrays as one batch."""
    return ArrayData(x, y, sample_weight, batch_size=1 << 62).epoch()


def train_validation_split(arrays: Any, validation_split: float) -> tuple[list[Any], list[Any]]:
    """The first part of each array for training, the last for validation.

    Raises:
        ValueError: for a split that leaves one part empty, or data that is no array.
    """
    from eager.keras.training.sources import is_batched

    if is_batched(arrays[0]):
        raise ValueError(
            "`validation_split` is only supported for Tensors or NumPy arrays, found following types in the input: "
            f"[{type(arrays[0])}]"
        )
    parts = [None if a is None else as_arrays(a) for a in arrays]
    flat: list[Any] = [a for a in nest.flatten(parts) if a is not None]
    count = flat[0].shape[0]
    at = int(np.floor(count * (1.0 - validation_split)))
    if at in (0, count):
        raise ValueError(
            f"Training data contains {count} samples, which is not sufficient to split it into a validation and "
            f"training set as specified by `validation_split={validation_split}`. Either provide more data, or a "
            "different value."
        )

    def part(structure: Any, rows: slice) -> Any:
        return nest.map_leaves(lambda a: None if a is None else a[rows], structure)

    return [part(a, slice(0, at)) for a in parts], [part(a, slice(at, count)) for a in parts]
