"""Data for fit, evaluate and predict: arrays cut into batches, or batches that come from an iterable."""

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


def _is_list_of_numbers(x: Any) -> bool:
    return isinstance(x, list | tuple) and bool(x) and isinstance(x[0], int | float | np.generic)


def as_arrays(structure: Any) -> Any:
    """A structure of data as a structure of arrays; lists of numbers, or of lists of them, are one array each."""
    rows = isinstance(structure, list) and bool(structure) and _is_list_of_numbers(structure[0])
    if rows or _is_list_of_numbers(structure):
        return as_array(structure)
    return nest.map_structure(as_array, structure) if nest.is_nested(structure) else as_array(structure)


class ArrayData:
    """Arrays of equal length, cut into batches.

    Attributes:
        steps: the number of batches.
        samples: the length of the arrays.
    """

    def __init__(
        self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, shuffle: bool = False
    ) -> None:
        """Takes the arrays.

        Raises:
            ValueError: if their lengths differ, or there is none.
        """
        parts = [as_arrays(p) for p in (x, y, sample_weight) if p is not None]
        self._parts = parts
        self._leaves: list[np.ndarray[Any, Any]] = nest.flatten(parts)
        lengths = {a.shape[0] if a.ndim else 1 for a in self._leaves}
        if len(lengths) != 1:
            shown = "\n".join(
                f"  {name} sizes: {', '.join(str(a.shape[0] if a.ndim else 1) for a in nest.flatten(p))}"
                for name, p in zip(("x", "y", "sample_weight"), parts, strict=False)
            )
            raise ValueError(
                f"Data cardinality is ambiguous:\n{shown}\nMake sure all arrays contain the same number of samples."
            )
        self.samples = lengths.pop()
        self.batch_size = batch_size or 32
        self.steps: int | None = -(-self.samples // self.batch_size)
        self._shuffle = shuffle

    def epoch(self) -> Iterator[Any]:
        """The batches of one epoch, as structures of tensors."""
        order = np.random.permutation(self.samples) if self._shuffle else None  # noqa: NPY002 (seeded by set_random_seed)
        for start in range(0, self.samples, self.batch_size):
            stop = min(start + self.batch_size, self.samples)
            rows = slice(start, stop) if order is None else order[start:stop]
            leaves = [convert(a[rows]) for a in self._leaves]
            yield pack_x_y_sample_weight(*nest.pack_sequence_as(self._parts, leaves))


class IterableData:
    """Batches from a generator, an iterable, or an object with `__len__` and `__getitem__`.

    Attributes:
        steps: the number of batches per epoch, or None if it is not known.
    """

    def __init__(self, source: Any, steps: int | None) -> None:
        """Takes the source; a generator goes on where the last epoch ended."""
        self._source = source
        length = len(source) if hasattr(source, "__len__") else None
        self.steps = steps if steps is not None else length
        self._endless = hasattr(source, "__next__")
        self._limited = steps is not None

    def epoch(self) -> Iterator[Any]:
        """The batches of one epoch, as structures of tensors."""
        source = self._source
        indexed = not self._endless and not hasattr(source, "__iter__") and hasattr(source, "__getitem__")
        batches = (source[i] for i in range(len(source))) if indexed else (source if self._endless else iter(source))
        for number, batch in enumerate(batches, 1):
            yield _tensors(batch)
            if self._limited and number == self.steps:
                break
        finished = getattr(source, "on_epoch_end", None)
        if finished is not None:
            finished()


def _tensors(batch: Any) -> Any:
    parts = [p if p is None else _as_tensors(p) for p in (batch if isinstance(batch, tuple) else (batch,))]
    return pack_x_y_sample_weight(*parts)


def _as_tensors(part: Any) -> Any:
    def leaf(x: Any) -> Any:
        return x if isinstance(x, Tensor) else convert(as_array(x))

    return nest.map_structure(leaf, part) if nest.is_nested(part) else leaf(part)


def is_batched(x: Any) -> bool:
    """Whether `x` gives batches instead of being the data itself."""
    if isinstance(x, list | tuple | dict | np.ndarray | Tensor | Variable) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__next__") or hasattr(x, "__iter__") or hasattr(x, "__getitem__")


def open_data(
    x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, steps: int | None = None,
    shuffle: bool = False, class_weight: Any = None,
) -> ArrayData | IterableData:  # fmt: skip
    """Data for one method of a model.

    Raises:
        ValueError: if targets are given beside an iterable, or lengths differ.
    """
    if is_batched(x):
        if y is not None or sample_weight is not None:
            raise ValueError("`x` gives batches, so `y` and `sample_weight` must be parts of them.")
        return IterableData(x, steps)
    if x is None:
        raise ValueError("`x` is missing: pass arrays, or an iterable of batches")
    if class_weight:
        sample_weight = _class_weights(y, class_weight, sample_weight)
    data = ArrayData(x, y, sample_weight, batch_size, shuffle)
    if steps is not None and data.steps is not None:
        data.steps = min(steps, data.steps)
    return data


def _class_weights(y: Any, class_weight: dict[int, float], sample_weight: Any) -> Any:
    classes = as_array(y)
    if classes.ndim > 1:
        classes = classes.argmax(-1) if classes.shape[-1] > 1 else classes[..., 0]
    weights = np.ones(classes.shape, backend.floatx())
    for number, weight in class_weight.items():
        weights[classes == number] = weight
    return weights if sample_weight is None else weights * as_array(sample_weight)


def train_validation_split(arrays: Any, validation_split: float) -> tuple[list[Any], list[Any]]:
    """The first part of each array for training, the last for validation.

    Raises:
        ValueError: for a split that leaves one part empty.
    """
    flat: list[Any] = [a for a in nest.flatten([None if a is None else as_arrays(a) for a in arrays]) if a is not None]
    count = flat[0].shape[0]
    at = int(count * (1.0 - validation_split))
    if at in (0, count):
        raise ValueError(
            f"Training data contains {count} samples, which is not sufficient to split it into a validation and "
            f"training set as specified by `validation_split={validation_split}`. Either provide more data, or a "
            "different value."
        )

    def part(structure: Any, rows: slice) -> Any:
        if structure is None:
            return None
        arrays = as_arrays(structure)
        return nest.map_structure(lambda a: a[rows], arrays) if nest.is_nested(arrays) else arrays[rows]

    return [part(a, slice(0, at)) for a in arrays], [part(a, slice(at, count)) for a in arrays]
