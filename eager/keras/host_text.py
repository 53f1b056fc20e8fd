"""From strings to rows of tokens, and from those to numbers, on the host."""

from __future__ import annotations

import string as characters
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.ops.common import raw_shape
from eager.ops.strings_host import Array, on_host, padded, text_of
from eager.ops.strings_join import grams
from eager.tensor import Tensor, concrete, wrap
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, int64, string

_PUNCTUATION = characters.punctuation.encode()
_LOWER = {"lower", "lower_and_strip_punctuation"}
_STRIP = {"strip_punctuation", "lower_and_strip_punctuation"}
_STANDARD_SPLITS = ("whitespace", "character")


class Tokenizing:
    """How one string, or one row of strings, becomes tokens."""

    def __init__(self, standardize: str | None, split: str | None, ngrams: Sequence[int] | None, apart: bool) -> None:
        """Takes names of TextVectorization's standard steps; None leaves a step out.

        Args:
            standardize: "lower", "strip_punctuation", "lower_and_strip_punctuation" or None.
            split: "whitespace", "character" or None.
            ngrams: how many neighbouring tokens make one, each given number in turn.
            apart: whether rows come split and padded with b"", which is taken off then.
        """
        self._standardize, self._split, self._ngrams, self._apart = standardize, split, ngrams, apart

    @property
    def splits(self) -> bool:
        """Whether each string is a row of its own."""
        return self._split in _STANDARD_SPLITS

    def _standard(self, s: bytes) -> bytes:
        if self._standardize in _LOWER:
            s = s.lower()
        return s.translate(None, _PUNCTUATION) if self._standardize in _STRIP else s

    def _pieces(self, s: bytes) -> list[bytes]:
        return s.split() if self._split == "whitespace" else [c.encode() for c in text_of(s)]

    def rows(self, array: Array) -> list[list[bytes]]:
        """The tokens of each string, or of each row if strings are not split."""
        flat = [self._standard(s) for s in array.reshape(-1).tolist()]
        if self.splits:
            found = [self._pieces(s) for s in flat]
        else:
            width = array.shape[-1] if array.ndim else 1
            found = [flat[i : i + width] for i in range(0, len(flat), max(width, 1))]
            if self._apart:
                found = [[t for t in row if t] for row in found]
        return found if self._ngrams is None else [grams(row, self._ngrams) for row in found]

    def lead(self, x: Tensor) -> tuple[Dim, ...]:
        """The shape of the rows: of the strings, or without the last axis if they are not split."""
        return raw_shape(x) if self.splits else raw_shape(x)[:-1]

    def width(self, x: Tensor) -> Dim | None:
        """How many tokens each row has, or None if the data says."""
        if self.splits or self._apart or not x.ndim:
            return None
        size = raw_shape(x)[-1]
        if self._ngrams is None:
            return size
        return sum(max(size - n + 1, 0) for n in self._ngrams) if isinstance(size, int) else None


def token_rows(how: Tokenizing, x: Tensor) -> list[list[bytes]]:
    """The tokens of a tensor outside of traces; in one this ends it."""
    return how.rows(np.asarray(concrete(x, "the text that a vocabulary is learnt from")))


def tokens(how: Tokenizing, x: Tensor, width: int | None, name: str) -> Tensor:
    """The tokens [..., width] of strings, padded with b"" and cut."""
    return _rows_on_host(how, x, width, name, lambda rows, n: padded(rows, b"", string, n), string)


def numbers(how: Tokenizing, x: Tensor, find: Callable[[bytes], int], width: int | None, name: str) -> Tensor:
    """The numbers int64 [..., width] of the tokens of strings, padded with 0 and cut."""

    def make(rows: list[list[bytes]], n: int | None) -> Array:
        return padded([[find(t) for t in row[:n]] for row in rows], 0, int64, n)

    return _rows_on_host(how, x, width, name, make, int64)


def _rows_on_host(
    how: Tokenizing, x: Tensor, width: int | None, name: str, make: Callable[[list[list[bytes]], int | None], Array],
    dtype: Any,
) -> Tensor:  # fmt: skip
    size = how.width(x) if width is None else width

    def work(array: Array) -> Array:
        lead = array.shape if how.splits else array.shape[:-1]
        found = make(how.rows(array), width)
        return found.reshape(*lead, found.shape[-1])

    if size is None:
        why = f"{name} without output_sequence_length, whose result is as long as the longest row"
        return wrap(work(np.asarray(concrete(x, why))))
    return on_host(name, work, [x], (*how.lead(x), size), dtype)


def counts(
    how: Tokenizing, x: Tensor, find: Callable[[bytes], int], depth: int, dtype: Any, once: bool, name: str
) -> Tensor:
    """How often each number below `depth` stands in each row, or with `once` whether it does."""
    kind = as_dtype(dtype)

    def work(array: Array) -> Array:
        rows = how.rows(array)
        found = np.zeros((len(rows), depth), np.float64)
        for i, row in enumerate(rows):
            at = np.array([n for n in map(find, row) if n < depth], np.int64)
            np.add.at(found[i], at, 1)
        made = (np.minimum(found, 1) if once else found).astype(kind.numpy)
        return made.reshape(*(array.shape if how.splits else array.shape[:-1]), depth)

    return on_host(name, work, [x], (*how.lead(x), depth), kind)


def strings_of(x: Any) -> Tensor:
    """A tensor of strings. Raises TypeError for another dtype."""
    tensor = convert(x)
    if tensor.dtype is not string:
        raise TypeError(f"Expected a tensor of strings, got {tensor.dtype.name}; use tf.as_string(x)")
    return tensor
