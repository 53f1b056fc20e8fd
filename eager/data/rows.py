"""Datasets that are rows of arrays in some order: cut, shuffled and batched as row numbers, gathered once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eager.data.elements import Array, pack
from eager.tensor import wrap

Orders = Callable[[], Iterator[Array]]


class Rows:
    """Rows of arrays in an order of their own.

    Attributes:
        like: the structure of an element.
        columns: one array per leaf, all of one length.
        orders: starts an iteration over pieces of row numbers.
    """

    def __init__(self, like: Any, columns: list[Array], orders: Orders) -> None:
        """Takes structure, arrays and order."""
        self.like = like
        self.columns = columns
        self.orders = orders

    def reordered(self, change: Callable[[Iterator[Array]], Iterator[Array]]) -> Rows:
        """The same arrays in an order that follows from this one."""
        return Rows(self.like, self.columns, lambda: change(self.orders()))

    def elements(self) -> Iterator[Any]:
        """Row by row, as tensors."""
        for numbers in self.orders():
            for i in numbers.tolist():
                yield pack(self.like, [wrap(np.array(c[i], c.dtype)) for c in self.columns])

    def batches(self, size: int, drop_remainder: bool) -> Iterator[Any]:
        """`size` rows at a time, gathered in one step per array."""
        for numbers in cut(self.orders(), size, drop_remainder):
            yield pack(self.like, [wrap(_gathered(c, numbers)) for c in self.columns])


def _gathered(column: Array, numbers: Array) -> Array:
    """The rows of those numbers, as an array of its own; rows that follow each other are copied as one block."""
    first, count = int(numbers[0]), len(numbers)
    if int(numbers[-1]) - first == count - 1 and (count < 3 or bool(np.all(np.diff(numbers) == 1))):
        return column[first : first + count].copy()
    return column[numbers]


def cut(pieces: Iterator[Array], size: int, drop_remainder: bool) -> Iterator[Array]:
    """Row numbers in runs of `size`; the last may be shorter."""
    left = np.zeros(0, np.int64)
    for piece in pieces:
        left = piece if not len(left) else np.concatenate([left, piece])
        whole = len(left) // size * size
        for start in range(0, whole, size):
            yield left[start : start + size]
        left = left[whole:]
    if len(left) and not drop_remainder:
        yield left


def limited(pieces: Iterator[Array], begin: int, end: int | None) -> Iterator[Array]:
    """The row numbers from the `begin`-th to the one before the `end`-th."""
    at = 0
    for piece in pieces:
        if end is not None and at >= end:
            return
        kept = piece[max(begin - at, 0) : None if end is None else end - at]
        at += len(piece)
        if len(kept):
            yield kept


def shuffled(pieces: Iterator[Array], size: int, generator: np.random.Generator) -> Iterator[Array]:
    """The row numbers, each drawn from the next `size` that were not drawn yet."""
    numbers = np.concatenate([np.zeros(0, np.int64), *pieces])
    count = len(numbers)
    if size >= count:
        yield generator.permutation(numbers)
        return
    buffer: list[int] = numbers[:size].tolist()
    drawn: list[int] = []
    for number, place in zip(numbers[size:].tolist(), generator.integers(0, size, count - size).tolist(), strict=True):
        drawn.append(buffer[place])
        buffer[place] = number
    yield np.array(drawn, np.int64)
    yield generator.permutation(np.array(buffer, np.int64))


__all__ = ["Orders", "Rows", "cut", "limited", "shuffled"]
