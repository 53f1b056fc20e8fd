"""Datasets whose elements hold several elements of another: batches, padded batches, windows, groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.data.dataset import Dataset, DatasetSpec
from eager.data.elements import (
    array_of,
    batched_spec,
    call,
    leaves,
    map_element,
    pack,
    spec_of,
    stacked,
    unbatched_spec,
)
from eager.data.node import Node, node_of, unknown, when_known
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor, wrap
from eager.tensor_shape import TensorShape, TensorSpec


def _require_positive(size: int, what: str) -> None:
    if size < 1:
        raise InvalidArgumentError(f"{what} must be greater than zero, got {size}")


def _groups(elements: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[list[Any]]:
    while group := list(itertools.islice(elements, size)):
        if len(group) == size or not drop_remainder:
            yield group


def _count(size: int, drop_remainder: bool) -> Callable[[int], int]:
    return lambda n: n // size if drop_remainder else -(-n // size)


def batched(source: Dataset, size: int, drop_remainder: bool) -> Dataset:
    """`size` elements each, stacked."""
    _require_positive(size, "batch_size")
    rows = source._rows

    def elements() -> Iterator[Any]:
        if rows is not None:
            return rows.batches(size, drop_remainder)
        return map(stacked, _groups(source._elements(), size, drop_remainder))

    return Node("BatchDataset", elements, when_known(source, _count(size, drop_remainder)),
                lambda: batched_spec(source.element_spec, size if drop_remainder else None), source=source)  # fmt: skip


def padded(source: Dataset, size: int, shapes: Any, values: Any, drop_remainder: bool) -> Dataset:
    """`size` elements each, filled up to a common shape and stacked."""
    _require_positive(size, "batch_size")

    def targets() -> list[Any]:
        specs = leaves(source.element_spec)
        if shapes is None:
            if any(s.shape.rank is None for s in specs):
                raise ValueError("`padded_shapes` must be given, because the rank of a component is not known")
            return [s.shape.as_list() for s in specs]
        return [TensorShape(s).as_list() for s in _aligned(source.element_spec, shapes)]

    def fillers() -> list[Any]:
        specs = leaves(source.element_spec)
        if values is None:
            return [b"" if s.dtype.name == "string" else np.zeros((), s.dtype.numpy) for s in specs]
        given = _aligned(source.element_spec, values) if isinstance(values, tuple | dict) else [values] * len(specs)
        return [convert(v, like=s.dtype).numpy() for v, s in zip(given, specs, strict=True)]

    def elements() -> Iterator[Any]:
        wanted, fill = targets(), fillers()
        for group in _groups(source._elements(), size, drop_remainder):
            columns = zip(*(leaves(e) for e in group), strict=True)
            rows = zip(columns, wanted, fill, strict=True)
            yield pack(group[0], [wrap(_padded([array_of(t) for t in c], w, f)) for c, w, f in rows])

    def spec() -> Any:
        sizes = iter(targets())
        known = map_element(lambda s: TensorSpec(next(sizes), s.dtype), source.element_spec)
        return batched_spec(known, size if drop_remainder else None)

    return Node("PaddedBatchDataset", elements, when_known(source, _count(size, drop_remainder)), spec, source=source)


def _aligned(spec: Any, given: Any) -> list[Any]:
    """One entry per leaf of a spec; an entry may itself be a list or tuple."""
    if isinstance(spec, tuple):
        return [e for s, g in zip(spec, given, strict=True) for e in _aligned(s, g)]
    if isinstance(spec, dict):
        return [e for key in spec for e in _aligned(spec[key], given[key])]
    return [given]


def _padded(arrays: list[Any], wanted: Sequence[int | None], fill: Any) -> Any:
    rank = arrays[0].ndim
    if len(wanted) != rank:
        raise InvalidArgumentError(f"padded_batch: the shape {list(wanted)} does not fit elements of rank {rank}")
    longest = [max(a.shape[i] for a in arrays) for i in range(rank)]
    for have, want in zip(longest, wanted, strict=True):
        if want is not None and have > want:
            raise InvalidArgumentError(
                f"Attempted to pad to a smaller size than the input element: {have} elements along an axis of {want}"
            )
    sizes = [have if want is None else want for have, want in zip(longest, wanted, strict=True)]
    result = np.full((len(arrays), *sizes), fill, arrays[0].dtype)
    for i, a in enumerate(arrays):
        result[(i, *(slice(n) for n in a.shape))] = a
    return result


def unbatched(source: Dataset) -> Dataset:
    """The slices of every element along the first axis."""

    def elements() -> Iterator[Any]:
        for element in source._elements():
            columns = [array_of(t) for t in leaves(element)]
            lengths = {len(c) for c in columns}
            if len(lengths) != 1:
                raise InvalidArgumentError(f"unbatch: components have different first sizes {sorted(lengths)}")
            for i in range(lengths.pop()):
                yield pack(element, [wrap(np.array(c[i], c.dtype)) for c in columns])

    return Node("UnbatchDataset", elements, unknown, lambda: unbatched_spec(source.element_spec), source=source)


def rebatched(source: Dataset, sizes: Any, drop_remainder: bool) -> Dataset:
    """Batches of other sizes, which take turns."""
    turns = [int(n) for n in np.atleast_1d(np.asarray(sizes))]
    for n in turns:
        _require_positive(n, "batch_size")

    def elements() -> Iterator[Any]:
        stream = unbatched(source)._elements()
        for size in itertools.cycle(turns):
            group = list(itertools.islice(stream, size))
            if len(group) == size or (group and not drop_remainder):
                yield stacked(group)
            if len(group) < size:
                return

    fixed = turns[0] if len(set(turns)) == 1 and drop_remainder else None
    return Node("RebatchDataset", elements, unknown,
                lambda: batched_spec(unbatched_spec(source.element_spec), fixed), source=source)  # fmt: skip


def windows(source: Dataset, size: int, shift: int | None, stride: int, drop_remainder: bool) -> Dataset:
    """Datasets of up to `size` elements each, `stride` apart, the next one starting `shift` further."""
    step = size if shift is None else shift
    for value, what in ((size, "size"), (step, "shift"), (stride, "stride")):
        _require_positive(value, f"Dataset.window: {what}")
    span = (size - 1) * stride + 1

    def elements() -> Iterator[Any]:
        stream = source._elements()
        buffer: list[Any] = list(itertools.islice(stream, span))
        while buffer:
            found = buffer[:span:stride]
            if len(found) == size or not drop_remainder:
                yield _window(found, source.element_spec)
            buffer = buffer[step:]
            skipped = step - span if step > span else 0
            for _ in itertools.islice(stream, skipped):
                pass
            buffer.extend(itertools.islice(stream, span - len(buffer)))

    def length(n: int) -> int:
        return max(0, -(-(n - span + 1) // step)) if drop_remainder else -(-n // step)

    return Node("WindowDataset", elements, when_known(source, length),
                lambda: map_element(DatasetSpec, source.element_spec), source=source)  # fmt: skip


def _window(found: list[Any], spec: Any) -> Any:
    """A dataset per leaf of the elements, in their structure."""
    columns = list(zip(*(leaves(e) for e in found), strict=True))
    inner = leaves(spec)

    def one(column: Sequence[Any], leaf: Any) -> Dataset:
        return node_of(column, lambda: leaf)

    return pack(found[0], [one(c, s) for c, s in zip(columns, inner, strict=True)])


def grouped(
    source: Dataset, key_func: Any, reduce_func: Any, size_of: Callable[[Any], int],
    spec: Callable[[], Any] | None = None,
) -> Dataset:  # fmt: skip
    """What reduce_func makes of every `size_of(key)` elements with one key."""

    def seen_spec() -> Any:
        nothing = node_of((), lambda: source.element_spec)
        return reduce_func(convert(0, dtype="int64"), nothing).element_spec

    def elements() -> Iterator[Any]:
        open_groups: dict[int, list[Any]] = {}
        for element in source._elements():
            number = int(convert(call(key_func, element)).numpy())
            group = open_groups.setdefault(number, [])
            group.append(element)
            if len(group) >= size_of(number):
                yield from _reduced(reduce_func, number, open_groups.pop(number))
        for number, group in sorted(open_groups.items()):
            yield from _reduced(reduce_func, number, group)

    return Node("GroupByWindowDataset", elements, unknown, spec or seen_spec, source=source)


def _reduced(reduce_func: Any, number: int, group: list[Any]) -> Iterator[Any]:
    found = reduce_func(convert(number, dtype="int64"), node_of(group, lambda: spec_of(group[0])))
    if not isinstance(found, Dataset):
        raise TypeError(f"`reduce_func` must return a single dataset element, got {type(found).__name__}")
    return found._elements()


def by_length(
    source: Dataset, length_func: Any, boundaries: Sequence[int], sizes: Sequence[int], shapes: Any, values: Any,
    pad_to_boundary: bool, no_padding: bool, drop_remainder: bool,
) -> Dataset:  # fmt: skip
    """Batches of elements of similar length."""
    if len(sizes) != len(boundaries) + 1:
        raise ValueError("`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1`")

    def bucket(*parts: Any) -> int:
        length = int(convert(length_func(*parts)).numpy())
        if pad_to_boundary and length >= boundaries[-1]:
            raise InvalidArgumentError(
                f"bucket_by_sequence_length: an element of length {length} does not fit the last boundary "
                f"{boundaries[-1]} with pad_to_bucket_boundary=True"
            )
        return int(np.searchsorted(boundaries, length, "right"))

    def batch(number: Tensor, inner: Dataset) -> Dataset:
        at = int(number.numpy())
        if no_padding:
            return batched(inner, sizes[at], drop_remainder)
        wanted = _open_sizes(inner.element_spec, source, shapes)
        if pad_to_boundary:
            wanted = [[boundaries[at] - 1 if d is None else d for d in s] for s in wanted]
        return padded(inner, sizes[at], pack(inner.element_spec, wanted), values, drop_remainder)

    def spec() -> Any:
        wanted = _open_sizes(source.element_spec, source, shapes)
        dtypes = [s.dtype for s in leaves(source.element_spec)]
        known = [TensorSpec(w, d) for w, d in zip(wanted, dtypes, strict=True)]
        return batched_spec(pack(source.element_spec, known), None)

    return grouped(source, bucket, batch, lambda number: sizes[number], spec)


def _open_sizes(spec: Any, source: Dataset, shapes: Any) -> list[Any]:
    if shapes is not None:
        return [TensorShape(s).as_list() for s in _aligned(spec, shapes)]
    return [s.shape.as_list() for s in leaves(source.element_spec)]


__all__ = ["batched", "by_length", "grouped", "padded", "rebatched", "unbatched", "windows"]
