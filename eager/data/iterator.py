"""Iterators over datasets."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Self

from eager.context import thread
from eager.data.elements import as_numpy
from eager.errors import OutOfRangeError
from eager.function.trace import Trace

if TYPE_CHECKING:
    from eager.data.dataset import Dataset


class Iterator:
    """Gives the elements of a dataset one after the other (tf.data.Iterator)."""

    def __init__(self, dataset: Dataset) -> None:
        """Starts at the first element."""
        self._dataset = dataset
        self._elements = dataset._elements()

    @property
    def element_spec(self) -> Any:
        """The specs of the elements."""
        return self._dataset.element_spec

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> Any:
        """The next element. In a traced function the trace ends here, because the next call means another element."""
        frame = thread.frame
        if frame is not None and frame.tracing and isinstance(frame, Trace):
            frame.give_up("taking an element of a tf.data.Dataset")
        return next(self._elements)

    def get_next(self) -> Any:
        """The next element. Raises OutOfRangeError at the end."""
        try:
            return next(self)
        except StopIteration:
            raise OutOfRangeError("End of sequence: the dataset has no further element") from None

    def close(self) -> None:
        """Ends the iteration and stops its threads."""
        if isinstance(self._elements, Generator):
            self._elements.close()


class NumpyIterator(Iterator):
    """Gives the elements of a dataset as structures of arrays (tf.data.NumpyIterator)."""

    def __next__(self) -> Any:
        """The next element as arrays."""
        return as_numpy(super().__next__())


__all__ = ["Iterator", "NumpyIterator"]
