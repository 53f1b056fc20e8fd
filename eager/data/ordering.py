"""Datasets with the elements of others in another order or number."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.data import INFINITE_CARDINALITY
from eager.data.dataset import Dataset
from eager.data.elements import Array, map_element
from eager.data.node import Node, shortest, total, when_known
from eager.data.rows import Rows, limited
from eager.data.rows import shuffled as shuffled_rows
from eager.data.seeds import generator_of
from eager.data.sources import spec_fits
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape, TensorSpec


def number(value: Any) -> int:
    """A Python or tensor number as an int."""
    return int(value.numpy() if isinstance(value, Tensor) else value)


def _same(
    kind: str, source: Dataset, elements: Callable[[], Iterator[Any]], length: Callable[[], int],
    rows: Rows | None = None,
) -> Dataset:  # fmt: skip
    return Node(kind, elements if rows is None else rows.elements, length, lambda: source.element_spec, rows, source)


def _part(kind: str, source: Dataset, begin: int, end: int | None, length: Callable[[], int]) -> Dataset:
    def elements() -> Iterator[Any]:
        return itertools.islice(source._elements(), begin, end)

    rows = source._rows
    return _same(kind, source, elements, length, rows and rows.reordered(lambda pieces: limited(pieces, begin, end)))


def take(source: Dataset, count: int) -> Dataset:
    """The first `count` elements; all for -1."""
    if count < 0:
        return source
    n = source._count()
    return _part("TakeDataset", source, 0, count, lambda: count if n == INFINITE_CARDINALITY else
                 when_known(source, lambda n: min(n, count))())  # fmt: skip


def skip(source: Dataset, count: int) -> Dataset:
    """All but the first `count` elements; none for -1."""
    if count < 0:
        return take(source, 0)
    return _part("SkipDataset", source, count, None, when_known(source, lambda n: max(n - count, 0)))


def shard(source: Dataset, num_shards: int, index: int) -> Dataset:
    """Every `num_shards`-th element from the `index`-th on."""
    if num_shards < 1 or not 0 <= index < num_shards:
        raise ValueError(f"Dataset.shard: expected 0 <= index < num_shards, got index {index} of {num_shards}")

    def elements() -> Iterator[Any]:
        return itertools.islice(source._elements(), index, None, num_shards)

    def change(pieces: Iterator[Array]) -> Iterator[Array]:
        offset = index
        for piece in pieces:
            yield piece[offset::num_shards]
            offset = (offset - len(piece)) % num_shards

    rows = source._rows
    return _same("ShardDataset", source, elements, when_known(source, lambda n: (n - index + num_shards - 1)
                 // num_shards), rows and rows.reordered(change))  # fmt: skip


def repeat(source: Dataset, count: int | None) -> Dataset:
    """The elements over and over; without end for None or -1."""
    times = None if count is None or count < 0 else count

    def rounds() -> Iterator[Any]:
        return itertools.count() if times is None else iter(range(times))

    def elements() -> Iterator[Any]:
        for _ in rounds():
            seen = False
            for element in source._elements():
                seen = True
                yield element
            if not seen:
                return

    def orders() -> Iterator[Array]:
        assert rows is not None
        for _ in rounds():
            pieces = [p for p in rows.orders() if len(p)]
            if not pieces:
                return
            yield from pieces

    def length() -> int:
        n = source._count()
        if times is None:
            return n if n == 0 else INFINITE_CARDINALITY
        return 0 if times == 0 else (n * times if n >= 0 else n)

    rows = source._rows
    return _same("RepeatDataset", source, elements, length, rows and Rows(rows.like, rows.columns, orders))


def shuffle(source: Dataset, buffer_size: int, seed: int | None, each_time: bool) -> Dataset:
    """Each element drawn at random from the next `buffer_size` that were not drawn yet."""
    if buffer_size < 1:
        raise ValueError(f"Dataset.shuffle: buffer_size must be greater than 0, got {buffer_size}")
    lasting = generator_of(seed)
    start = lasting.bit_generator.state

    def generator() -> np.random.Generator:
        if not each_time:
            lasting.bit_generator.state = start
        return lasting

    def elements() -> Iterator[Any]:
        draws, buffer = generator(), []
        for element in source._elements():
            if len(buffer) < buffer_size:
                buffer.append(element)
                continue
            place = int(draws.integers(buffer_size))
            yield buffer[place]
            buffer[place] = element
        for place in draws.permutation(len(buffer)).tolist():
            yield buffer[place]

    finite = source._rows is not None and source._count() >= 0
    rows = source._rows.reordered(lambda p: shuffled_rows(p, buffer_size, generator())) if finite else None  # pyright: ignore[reportOptionalMemberAccess]
    return _same("ShuffleDataset", source, elements, source._count, rows)


def concatenate(first: Dataset, second: Dataset) -> Dataset:
    """The elements of one, then those of another."""
    if not spec_fits(first.element_spec, second.element_spec):
        raise TypeError(
            f"Two datasets to concatenate have different types {first.element_spec} and {second.element_spec}"
        )

    def spec() -> Any:
        others = iter(_flat_specs(second.element_spec))
        return map_element(lambda s: _wider(s, next(others)), first.element_spec)

    return Node("ConcatenateDataset", lambda: itertools.chain(first._elements(), second._elements()),
                lambda: total([first._count(), second._count()]), spec, source=first)  # fmt: skip


def _flat_specs(spec: Any) -> list[Any]:
    found: list[Any] = []
    map_element(found.append, spec)
    return found


def _wider(a: Any, b: Any) -> Any:
    if not isinstance(a, TensorSpec) or a.shape == b.shape:
        return a
    if a.shape.rank != b.shape.rank:
        return TensorSpec(TensorShape(None), a.dtype)
    return TensorSpec([m if m == n else None for m, n in zip(a.shape.as_list(), b.shape.as_list(), strict=True)],
                      a.dtype)  # fmt: skip


def zipped(datasets: Any) -> Dataset:
    """Elements side by side, in the structure of the datasets, until the first of them ends."""
    flat: list[Dataset] = []

    def note(leaf: Any) -> Any:
        if not isinstance(leaf, Dataset):
            raise TypeError(f"The argument to `Dataset.zip` must be a structure of datasets; found {leaf!r} in it")
        flat.append(leaf)
        return leaf

    map_element(note, datasets)

    def elements() -> Iterator[Any]:
        for parts in zip(*(d._elements() for d in flat), strict=False):
            left = iter(parts)
            yield map_element(lambda _d, left=left: next(left), datasets)

    return Node("ZipDataset", elements, lambda: shortest([d._count() for d in flat]),
                lambda: map_element(lambda d: d.element_spec, datasets))  # fmt: skip


def enumerated(source: Dataset, start: int) -> Dataset:
    """(number, element) pairs."""

    def elements() -> Iterator[Any]:
        for i, element in enumerate(source._elements(), start):
            yield convert(i, dtype="int64"), element

    return Node("ZipDataset", elements, source._count, lambda: (TensorSpec((), "int64"), source.element_spec),
                source=source)  # fmt: skip


def chosen(datasets: Sequence[Dataset], choices: Callable[[], Iterator[int]], stop_on_empty: bool) -> Dataset:
    """The next element of whichever dataset the choices name."""

    def elements() -> Iterator[Any]:
        streams: list[Iterator[Any] | None] = [d._elements() for d in datasets]
        for choice in choices():
            if not 0 <= choice < len(streams):
                raise ValueError(f"choice {choice} names none of the {len(streams)} datasets")
            stream = streams[choice]
            if stream is None:
                continue
            try:
                yield next(stream)
            except StopIteration:
                streams[choice] = None
                if stop_on_empty or not any(streams):
                    return

    return Node("DirectedInterleaveDataset", elements, lambda: -2, lambda: datasets[0].element_spec)


def sampled(datasets: Sequence[Dataset], weights: Any, seed: int | None, stop_on_empty: bool) -> Dataset:
    """The next element of a dataset drawn at random."""
    n = len(datasets)
    share = np.full(n, 1 / n) if weights is None else np.asarray(weights, np.float64)
    if share.shape != (n,) or not share.sum() > 0 or (share < 0).any():
        raise ValueError(f"sample_from_datasets: expected {n} weights that are not negative, got {weights!r}")
    bounds = np.cumsum(share / share.sum())

    def choices() -> Iterator[int]:
        draws = generator_of(seed)
        while True:
            for place in np.searchsorted(bounds, draws.random(256), "right").tolist():
                yield min(place, n - 1)

    return chosen(datasets, choices, stop_on_empty)


__all__ = [
    "chosen", "concatenate", "enumerated", "number", "repeat", "sampled", "shard", "shuffle", "skip", "take", "zipped",
]  # fmt: skip
