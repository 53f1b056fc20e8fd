"""Data that comes in batches: generators, datasets, Sequences; and the choice of the right source."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eager import nest
from eager.convert import convert
from eager.keras.training.data import (
    ArrayData,
    as_array,
    as_tensors,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from eager.tensor import Tensor
from eager.variable import Variable

INFINITE = -1


class BatchData:
    """Batches from an iterable, a generator, a dataset or an object with `__len__` and `__getitem__`.

    Attributes:
        size: the number of batches per epoch, None if it is not known, -1 without end.
        fresh: whether every epoch starts at the beginning; else it goes on where the last one ended.
    """

    def __init__(
        self, source: Any, steps: int | None = None, shuffle: Any = False, workers: int = 1, max_queue_size: int = 10
    ) -> None:
        """Takes the source, the number of steps that the user wants, and how Sequences are read ahead."""
        self._source = source
        self._indexed = is_sequence(source)
        self._shuffle, self._workers, self._queue = shuffle, workers, max_queue_size
        self.size = _length(source)
        if hasattr(source, "__next__"):
            self.fresh = False
        else:
            self.fresh = self._indexed or steps is None or steps == self.size

    def epoch(self) -> Iterator[Any]:
        """The batches of one epoch, as structures of tensors."""
        for batch in self._batches():
            parts = unpack_x_y_sample_weight(batch if isinstance(batch, tuple) else _as_tuple(batch, self._listed))
            yield pack_x_y_sample_weight(*(None if p is None else as_tensors(p) for p in parts))

    @property
    def _listed(self) -> bool:
        """Whether a list means (x, y, sample_weight): for generators and Sequences, not for datasets."""
        return not hasattr(self._source, "element_spec")

    def _batches(self) -> Iterator[Any]:
        if self._indexed:
            from eager.keras.data_utils import ordered

            yield from ordered(self._source, self._shuffle is True, self._workers, self._queue)
        elif hasattr(self._source, "__next__") and self._workers > 1:
            from eager.keras.data_utils import ahead

            yield from ahead(self._source, self._queue)
        else:
            yield from self._source

    def epoch_ended(self) -> None:
        """Tells a Sequence that an epoch of training is over."""
        finished = getattr(self._source, "on_epoch_end", None)
        if finished is not None:
            finished()


def _as_tuple(batch: Any, listed: bool) -> tuple[Any, ...]:
    return tuple(batch) if isinstance(batch, list) and listed else (batch,)


def is_sequence(source: Any) -> bool:
    """Whether `source` gives batches by number, as tf.keras.utils.Sequence does."""
    return hasattr(source, "__len__") and hasattr(source, "__getitem__") and not hasattr(source, "element_spec")


def _length(source: Any) -> int | None:
    if hasattr(source, "cardinality"):
        count = int(source.cardinality())
        return count if count >= INFINITE else None
    return len(source) if hasattr(source, "__len__") else None


def is_batched(x: Any) -> bool:
    """Whether `x` gives batches instead of being the data itself."""
    if isinstance(x, list | tuple | dict | np.ndarray | Tensor | Variable) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__next__") or hasattr(x, "__iter__") or hasattr(x, "__getitem__")


def open_source(
    x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, steps: int | None = None,
    shuffle: Any = False, workers: int = 1, max_queue_size: int = 10,
) -> ArrayData | BatchData:  # fmt: skip
    """Data for one method of a model.

    Raises:
        ValueError: if targets or weights are given beside batches, or lengths differ.
    """
    if x is None:
        raise ValueError("`x` is missing: pass arrays, or an iterable of batches")
    if not is_batched(x):
        return ArrayData(x, y, sample_weight, batch_size, shuffle, steps)
    kind = "dataset" if hasattr(x, "element_spec") else ("`keras.utils.Sequence`" if is_sequence(x) else "generator")
    for name, given in (("y", y), ("sample_weight", sample_weight)):
        if given is not None:
            raise ValueError(
                f"`{name}` argument is not supported when `x` is a {kind}: it gives batches, which hold their targets "
                "and weights themselves."
            )
    if batch_size is not None and kind == "dataset":
        warnings.warn(f"`batch_size`={batch_size} has no effect: the dataset is batched already", stacklevel=4)
    return BatchData(x, steps, shuffle, workers, max_queue_size)


class Batches:
    """The batches of an epoch as an iterator that counts them; what train functions are called with.

    Attributes:
        taken: how many were taken.
    """

    def __init__(self, batches: Iterator[Any], change: Callable[[Any], Any] | None = None) -> None:
        """Takes the batches, and a function that is applied to each."""
        self._batches, self._change = batches, change
        self.taken = 0

    def __iter__(self) -> Batches:
        """Itself."""
        return self

    def __next__(self) -> Any:
        """The next batch. Raises StopIteration at the end."""
        batch = next(self._batches)
        self.taken += 1
        return batch if self._change is None else self._change(batch)


class Feed:
    """The batches of all epochs.

    Attributes:
        steps: batches per epoch; None until the first epoch of data of unknown length has ended.
        insufficient: whether the data ended before its time, so that there is no further epoch.
    """

    def __init__(
        self, source: ArrayData | BatchData, steps: int | None, epochs: int = 1, initial_epoch: int = 0,
        class_weight: Any = None,
    ) -> None:  # fmt: skip
        """Takes the source.

        Raises:
            ValueError: for a dataset without end and without a number of steps.
        """
        if steps is None and source.size == INFINITE:
            raise ValueError(
                "The dataset repeats without end: please specify `steps_per_epoch` (`steps` for evaluate and predict, "
                "`validation_steps` for validation data), for example `steps_per_epoch=1000`."
            )
        self.source, self.epochs, self.initial_epoch = source, epochs, initial_epoch
        self.steps = source.size if steps is None else steps
        self.insufficient = False
        self._change = None if class_weight is None else class_weighting(class_weight)

    def __iter__(self) -> Iterator[tuple[int, Batches]]:
        """Numbers of epochs with their batches."""
        batches = None
        for epoch in range(self.initial_epoch, self.epochs):
            if self.insufficient:
                break
            if batches is None or self.source.fresh:
                batches = Batches(self.source.epoch(), self._change)
            yield epoch, batches
            if isinstance(self.source, BatchData):
                self.source.epoch_ended()

    def ended(self, done: int) -> None:
        """Takes note that an epoch's data ended after so many steps; warns if more were wanted.

        Raises:
            ValueError: if there was no batch at all.
        """
        if self.steps is None:
            if not done:
                raise ValueError("Unexpected result of the step function: the data gave no batch.")
            self.steps = done
            return
        self.insufficient = True
        wanted = self.steps * (self.epochs - self.initial_epoch)
        warnings.warn(
            "Your input ran out of data; interrupting. Make sure that your dataset or generator can generate at least "
            f"`steps_per_epoch * epochs` batches (in this case, {wanted} batches), for example by `repeat()`.",
            stacklevel=4,
        )


def class_weighting(class_weight: dict[int, float]) -> Callable[[Any], Any]:
    """A function that multiplies a batch's sample weights with the weights of its classes.

    Raises:
        ValueError: if the keys are not 0, 1, 2, ...; the function raises it for several outputs or unknown classes.
    """
    classes = sorted(class_weight)
    if classes != list(range(len(classes))):
        raise ValueError(
            "Expected `class_weight` to be a dict with keys from 0 to one less than the number of classes, found "
            f"{class_weight}"
        )
    table = as_array([float(class_weight[c]) for c in classes])

    def change(batch: Any) -> Any:
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        if nest.is_nested(y) or y is None:
            raise ValueError("`class_weight` is only supported for Models with a single output.")
        labels = y.numpy()
        if labels.ndim >= 2:
            labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
        numbers = np.round(labels).astype(np.int64)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(table):
            raise ValueError(f"`class_weight` has no weight for class {numbers.max()}: its keys are {classes}")
        weights = table[numbers]
        if sample_weight is not None:
            weights = sample_weight.numpy() * weights.astype(sample_weight.dtype.numpy)
        return x, y, convert(weights)

    return change
