"""Vocabularies on the host: counting tokens, reading files, looking up strings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.common import raw_shape
from eager.ops.farmhash import fingerprint64
from eager.ops.leaves import running_trace
from eager.ops.strings_host import Array, filled, on_host
from eager.tensor import Tensor
from graphcore.dtypes import DType, int64


def plain_tokens(vocabulary: Any, encoding: str | None) -> list[Any]:
    """A vocabulary given as a list, array or tensor: str with an encoding, int without.

    Raises:
        ValueError: unless it has one axis.
    """
    if isinstance(vocabulary, list | tuple):
        items: Iterable[Any] = vocabulary
    else:
        array = np.asarray(convert(vocabulary).numpy())
        if array.ndim != 1:
            raise ValueError(f"Expected a vocabulary with one axis. Received: vocabulary of shape {array.shape}")
        items = array.tolist()
    if encoding is None:
        return [int(x) for x in items]
    return [x.decode(encoding) if isinstance(x, bytes) else str(x) for x in items]


def file_tokens(path: str, encoding: str | None) -> list[Any]:
    """The lines of a vocabulary file. Raises ValueError if it does not exist."""
    if not Path(path).is_file():
        raise ValueError(f"Vocabulary file {path} does not exist.")
    lines = Path(path).read_text(encoding=encoding or "utf-8").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines] if encoding else [int(line) for line in lines]


def write_tokens(directory: str, tokens: Sequence[Any]) -> None:
    """Writes a vocabulary beside a saved model, one token per line."""
    text = "\n".join(str(t) for t in tokens)
    (Path(directory) / "vocabulary.txt").write_bytes(text.encode())


def read_tokens(directory: str, of_strings: bool) -> list[Any]:
    """The vocabulary beside a saved model."""
    lines = (Path(directory) / "vocabulary.txt").read_bytes().decode().split("\n")
    return lines if of_strings else [int(line) for line in lines]


def is_symbolic_call() -> bool:
    """Whether ops run in a trace without real arguments, as when a functional model is put together."""
    trace = running_trace()
    return trace is not None and trace._sizes is None


class TokenCounts:
    """How often tokens occur in data, and in how many of its rows."""

    def __init__(self) -> None:
        """Starts with none."""
        self.clear()

    def clear(self) -> None:
        """Forgets all."""
        self.counts: Counter[Any] = Counter()
        self.documents: Counter[Any] = Counter()
        self.rows = 0

    def add(self, data: Any) -> None:
        """Takes a tensor or array of tokens; each row of a matrix is a document, a vector is one."""
        array = np.asarray(convert(data).numpy())
        rows = array.reshape(1, -1) if array.ndim < 2 else array.reshape(len(array), -1)
        self.add_rows(rows.tolist())

    def add_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Takes one list of tokens per document."""
        for row in rows:
            self.counts.update(row)
            self.documents.update(set(row))
        self.rows += len(rows)

    def learnt(self, without: Iterable[Any], most: int | None) -> list[Any]:
        """The tokens from the most frequent on; of equal frequency the greater one first."""
        left_out = set(without)
        pairs = sorted(((n, t) for t, n in self.counts.items() if t not in left_out), reverse=True)
        return [t for _, t in pairs][: most if most is None else max(most, 0)]

    def inverse_frequencies(self, tokens: Sequence[Any]) -> list[float]:
        """log(1 + documents / (1 + documents with the token))."""
        return [float(np.log1p(self.rows / (1 + self.documents[t]))) for t in tokens]


class StringTable:
    """Numbers of strings. Traced functions hold the table itself, so that they follow a vocabulary set later."""

    def __init__(self) -> None:
        """A table without strings."""
        self._numbers: dict[bytes, int] = {}
        self._oov_start, self._oov_count = 0, 1

    def fill(self, tokens: Sequence[str], first: int, encoding: str, oov: tuple[int, int], mask: Any) -> None:
        """Takes a vocabulary.

        Args:
            tokens: the strings, numbered from `first` on.
            first: the number of the first one.
            encoding: how strings are written in tensors.
            oov: (first number, how many) of those that stand for all other strings; 0 refuses them.
            mask: (string, number) that stands for no token, or None.
        """
        self._numbers = {t.encode(encoding): i for i, t in enumerate(tokens, first)}
        self._oov_start, self._oov_count = oov
        if mask is not None:
            self._numbers[str(mask[0]).encode(encoding)] = mask[1]

    def find(self, token: bytes) -> int:
        """The number of a string. Raises InvalidArgumentError for an unknown one where none is allowed."""
        found = self._numbers.get(token)
        if found is not None:
            return found
        if not self._oov_count:
            raise InvalidArgumentError(
                "When `num_oov_indices=0` all inputs should be in vocabulary, found OOV value "
                f"{token!r}, consider setting `num_oov_indices=1`."
            )
        return self._oov_start + (fingerprint64(token) % self._oov_count if self._oov_count > 1 else 0)

    def lookup(self, tokens: Tensor, name: str, dtype: DType = int64) -> Tensor:
        """The numbers of a tensor of strings, by a host call where traced."""

        def work(array: Array) -> Array:
            return filled([self.find(t) for t in array.reshape(-1).tolist()], array.shape, dtype)

        return on_host(name, work, [tokens], raw_shape(tokens), dtype)
