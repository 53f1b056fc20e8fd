"""The one kind of dataset there is: a way to start over its elements, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eager.data import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from eager.data.dataset import Dataset
from eager.data.rows import Rows


class Node(Dataset):
    """A dataset given by functions."""

    def __init__(
        self,
        kind: str,
        elements: Callable[[], Iterator[Any]],
        length: Callable[[], int],
        spec: Callable[[], Any],
        rows: Rows | None = None,
        source: Dataset | None = None,
    ) -> None:
        """Takes what a dataset is.

        Args:
            kind: its name, such as MapDataset.
            elements: starts an iteration.
            length: the number of elements, INFINITE_CARDINALITY or UNKNOWN_CARDINALITY.
            spec: the specs of an element; asked for once.
            rows: the same elements as row numbers of arrays, where they are that.
            source: the dataset whose options hold here too.
        """
        self._kind = kind
        self._start = elements
        self._length = length
        self._make_spec = spec
        self._known_spec: tuple[Any] | None = None
        self._rows = rows
        self._options = None if source is None else source._options

    def _elements(self) -> Iterator[Any]:
        return self._start()

    def _count(self) -> int:
        return self._length()

    @property
    def element_spec(self) -> Any:
        """The specs of an element's leaves."""
        if self._known_spec is None:
            self._known_spec = (self._make_spec(),)
        return self._known_spec[0]


def node_of(elements: Sequence[Any], spec: Callable[[], Any], kind: str = "_Window") -> Node:
    """A dataset of elements that are there already."""
    return Node(kind, lambda: iter(elements), lambda: len(elements), spec)


def unknown() -> int:
    """The length of what must be run to know it."""
    return UNKNOWN_CARDINALITY


def when_known(source: Dataset, change: Callable[[int], int]) -> Callable[[], int]:
    """A length that follows from another one; an infinite or unknown one stays."""

    def length() -> int:
        n = source._count()
        return change(n) if n >= 0 else n

    return length


def shortest(counts: list[int]) -> int:
    """How often all of several lengths can be served."""
    if UNKNOWN_CARDINALITY in counts:
        return UNKNOWN_CARDINALITY
    finite = [n for n in counts if n != INFINITE_CARDINALITY]
    return min(finite) if finite else INFINITE_CARDINALITY


def total(counts: list[int]) -> int:
    """The sum of several lengths."""
    if INFINITE_CARDINALITY in counts:
        return INFINITE_CARDINALITY
    return UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in counts else sum(counts)


__all__ = ["Node", "node_of", "shortest", "total", "unknown", "when_known"]
