"""tf.strings: strings put together: elementwise, along axes, by segment, as n-grams."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import axes_of, one_axis, raw_shape, shape_argument
from eager.ops.public import public
from eager.ops.strings_host import Array, elementwise, filled, on_host, string_tensor
from eager.tensor import Tensor, concrete, type_of
from eager.tensor_shape import TensorShape
from graphcore.dtypes import string


def _bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


@public("strings.join")
def join(inputs: Any, separator: Any = "", name: str | None = None) -> Tensor:
    """Strings of one shape, or scalars, put together element by element (tf.strings.join).

    Raises:
        ShapeError: if two that are no scalars differ in shape.
    """
    del name
    tensors = [string_tensor(x, "join") for x in inputs]
    shapes = [t.shape for t in tensors if t.ndim]
    if any(not s.is_compatible_with(shapes[0]) for s in shapes):
        raise ShapeError(f"strings.join: shapes {', '.join(map(str, shapes))} differ; give one shape, or scalars")
    glue = _bytes(separator)
    return elementwise("join", lambda *parts: glue.join(parts), tensors) if tensors else convert("")


@public("strings.reduce_join")
def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: Any = "", name: str | None = None
) -> Tensor:
    """Strings put together along axes, first along the one given first (tf.strings.reduce_join).

    By default along all, row by row.

    Raises:
        InvalidArgumentError: for an axis outside of the rank, or a repeated one.
    """
    del name
    x = string_tensor(inputs, "reduce_join")
    axes = _ordered(axis, x.ndim)
    glue, kept = _bytes(separator), [a for a in range(x.ndim) if a not in axes]
    sizes = raw_shape(x)
    shape = [1 if a in axes else sizes[a] for a in range(x.ndim) if keepdims or a not in axes]

    def work(array: Array) -> Array:
        rows = [array.shape[a] for a in kept]
        moved = array.transpose(*kept, *axes[::-1]).reshape(math.prod(rows), -1)
        made = filled([glue.join(row) for row in moved.tolist()], rows)
        return made.reshape([1 if a in axes else array.shape[a] for a in range(array.ndim)]) if keepdims else made

    return on_host("strings.reduce_join", work, [x], shape, string)


def _ordered(axis: Any, rank: int) -> list[int]:
    if axis is None:
        return list(range(rank))[::-1]
    found = [one_axis(a, rank, "strings.reduce_join") for a in np.asarray(axis).reshape(-1).tolist()]
    axes_of(tuple(found), rank, "strings.reduce_join")
    return found


@public("strings.unsorted_segment_join")
def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: Any = "", name: str | None = None
) -> Tensor:
    """Strings of one segment each put together, in order (tf.strings.unsorted_segment_join).

    Args:
        inputs: strings.
        segment_ids: integers, as many as `inputs` has rows.
        num_segments: how many segments there are.
        separator: what stands between.
        name: accepted for compatibility.

    Returns:
        strings [num_segments, ...].

    Raises:
        InvalidArgumentError: for an id outside of 0 ... num_segments - 1.
        ShapeError: unless there is one id per row.
    """
    del name
    x, ids = string_tensor(inputs, "unsorted_segment_join"), convert(segment_ids)
    (count,) = shape_argument((num_segments,), "strings.unsorted_segment_join")
    if ids.ndim != 1 or not x.ndim or not TensorShape(x.shape[:1]).is_compatible_with(ids.shape):
        raise ShapeError(f"strings.unsorted_segment_join: {type_of(x)} and ids {type_of(ids)}; give one id per row")
    glue = _bytes(separator)

    def work(array: Array, rows: Array) -> Array:
        total = int(num_segments)
        if rows.size and not 0 <= rows.min() <= rows.max() < total:
            raise InvalidArgumentError(f"strings.unsorted_segment_join: ids must be in 0 ... {total - 1}, got {rows}")
        flat = array.reshape(len(rows), -1)
        joined = [[glue.join(column) for column in flat[rows == i].T.tolist()] for i in range(total)]
        return filled([s for row in joined for s in row], (total, *array.shape[1:]))

    return on_host("strings.unsorted_segment_join", work, [x, ids], (count, *raw_shape(x)[1:]), string)


@public("strings.ngrams")
def ngrams(
    data: Any, ngram_width: Any, separator: Any = " ", pad_values: Any = None, padding_width: int | None = None,
    preserve_short_sequences: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Every run of n neighbours along the last axis put together (tf.strings.ngrams); dense.

    Args:
        data: strings [..., n].
        ngram_width: n, or several, whose results follow each other.
        separator: what stands between.
        pad_values: what is put before and behind each row: one string or a pair; None pads nothing.
        padding_width: how many, at most n - 1, which is the default.
        preserve_short_sequences: whether a row shorter than every n gives one n-gram of itself.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for a width below 1, or a scalar.
    """
    del name
    x = string_tensor(data, "ngrams")
    widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
    if not x.ndim or any(w < 1 for w in widths):
        raise InvalidArgumentError(f"strings.ngrams: data is {type_of(x)} and ngram_width {ngram_width}; "
                                   "expected rank 1 or more and widths of at least 1")  # fmt: skip
    pads = _pads(pad_values)
    glue = _bytes(separator)

    def one(row: Sequence[bytes]) -> list[bytes]:
        return grams(row, widths, glue, pads, padding_width, preserve_short_sequences)

    def work(array: Array) -> Array:
        found = [one(row) for row in array.reshape(-1, array.shape[-1]).tolist()]
        return filled([g for row in found for g in row], (*array.shape[:-1], len(one([b""] * array.shape[-1]))))

    *lead, size = raw_shape(x)
    if not isinstance(size, int):  # an open length, which ends the trace
        size = concrete(x, "tf.strings.ngrams of rows whose length the trace leaves open").shape[-1]
    return on_host("strings.ngrams", work, [x], (*lead, len(one([b""] * size))), string)


def _pads(values: Any) -> tuple[bytes, bytes] | None:
    if values is None:
        return None
    first, last = values if isinstance(values, tuple | list) else (values, values)
    return _bytes(first), _bytes(last)


def grams(
    row: Sequence[bytes], widths: Sequence[int], glue: bytes = b" ", pads: tuple[bytes, bytes] | None = None,
    padding_width: int | None = None, keep_short: bool = False,
) -> list[bytes]:  # fmt: skip
    """The n-grams of one row, width after width."""
    found: list[bytes] = []
    for n in widths:
        count = 0 if pads is None else n - 1 if padding_width is None else min(padding_width, n - 1)
        whole = [*[pads[0]] * count, *row, *[pads[1]] * count] if pads is not None else list(row)
        found += [glue.join(whole[i : i + n]) for i in range(len(whole) - n + 1)]
    return [glue.join(row)] if keep_short and row and not found else found
