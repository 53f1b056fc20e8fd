"""tf.keras.preprocessing.sequence: rows of one length, windows of series, word pairs."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence as Rows
from typing import Any

import numpy as np

from eager.keras.data_utils import Sequence

Array = np.ndarray[Any, Any]


def pad_sequences(
    sequences: Any, maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre", truncating: str = "pre",
    value: Any = 0.0,
) -> Array:  # fmt: skip
    """Sequences of various lengths as one array (tf.keras.utils.pad_sequences).

    Args:
        sequences: a list of sequences.
        maxlen: the length of the rows; by default that of the longest sequence.
        dtype: of the result; object for strings of various lengths.
        padding: "pre" fills before short sequences, "post" behind them.
        truncating: "pre" cuts long sequences at their start, "post" at their end.
        value: what fills.

    Returns:
        [len(sequences), maxlen, ...].

    Raises:
        ValueError: for another padding or truncating, what is no sequence, elements of different shapes, or a value
            that does not go with the dtype.
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    for x in sequences:
        if not hasattr(x, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {x}")
    kind: Any = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OU":
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\n"
            "You should set `dtype=object` for variable length strings."
        )
    sample = next((np.asarray(x).shape[1:] for x in sequences if len(x)), ())
    width = max(map(len, sequences), default=0) if maxlen is None else maxlen
    made = np.full((len(sequences), width, *sample), value, dtype=dtype)
    for row, x in zip(made, sequences, strict=True):
        if len(x):
            _fill(row, x, width, dtype, padding, truncating)
    return made


def _fill(row: Array, x: Any, width: int, dtype: Any, padding: str, truncating: str) -> None:
    if truncating not in ("pre", "post"):
        raise ValueError(f'Truncating type "{truncating}" not understood; use "pre" or "post"')
    kept = np.asarray(x[max(len(x) - width, 0) :] if truncating == "pre" else x[:width], dtype=dtype)
    if kept.shape[1:] != row.shape[1:]:
        raise ValueError(
            f"Shape of sample {kept.shape[1:]} of a sequence is different from expected shape {row.shape[1:]}"
        )
    if padding not in ("pre", "post"):
        raise ValueError(f'Padding type "{padding}" not understood; use "pre" or "post"')
    if padding == "post":
        row[: len(kept)] = kept
    else:
        row[width - len(kept) :] = kept


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Array:
    """How likely the word of each rank is kept, for `skipgrams` (tf.keras.preprocessing.sequence.make_sampling_table).

    Words are taken to follow Zipf's law; the rule is word2vec's: min(1, sqrt(factor / frequency)).
    """
    rank = np.arange(size)
    rank[:1] = 1
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse))


def skipgrams(
    sequence: Rows[int], vocabulary_size: int, window_size: int = 4, negative_samples: float = 1.0,
    shuffle: bool = True, categorical: bool = False, sampling_table: Any = None, seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:  # fmt: skip
    """Pairs of words that stand near each other, and pairs that do not (tf.keras.preprocessing.sequence.skipgrams).

    Args:
        sequence: numbers of words; 0 is no word.
        vocabulary_size: the largest number plus 1.
        window_size: how far apart two words are near.
        negative_samples: how many random pairs there are for each near one.
        shuffle: whether the pairs are shuffled.
        categorical: whether labels are [0, 1] and [1, 0] instead of 1 and 0.
        sampling_table: how likely each word is taken.
        seed: of the shuffling.

    Returns:
        The pairs, and their labels.
    """
    pairs: list[list[int]] = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        pairs += [[word, sequence[j]] for j in near if j != i and sequence[j]]
    true, false = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [true] * len(pairs)
    if negative_samples > 0:
        words = [pair[0] for pair in pairs]
        random.shuffle(words)
        count = int(len(pairs) * negative_samples)
        pairs += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [false] * count
    if shuffle:
        order = random.randint(0, 10**7) if seed is None else seed
        random.Random(order).shuffle(pairs)
        random.Random(order).shuffle(labels)
    return pairs, labels


class TimeseriesGenerator(Sequence):
    """Batches of windows of a series and what follows each (tf.keras.preprocessing.sequence.TimeseriesGenerator)."""

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1, start_index: int = 0,
        end_index: int | None = None, shuffle: bool = False, reverse: bool = False, batch_size: int = 128,
    ) -> None:  # fmt: skip
        """Takes the series.

        Args:
            data: [time, ...].
            targets: one for each time; that of a window is the one behind it.
            length: how long windows are.
            sampling_rate: every so manieth entry of a window is taken.
            stride: how far windows are apart.
            start_index, end_index: the first and the last entry used.
            shuffle: whether windows are drawn at random.
            reverse: whether windows run backwards.
            batch_size: windows per batch.

        Raises:
            ValueError: if data and targets differ in length, or no window fits.
        """
        if len(data) != len(targets):
            raise ValueError(
                f"Data and targets have to be of same length. Data length is {len(data)} while target length is "
                f"{len(targets)}"
            )
        super().__init__()
        self.data, self.targets, self.length = data, targets, length
        self.sampling_rate, self.stride = sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is disallowed, as no part of "
                "the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        """The number of batches."""
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        """The windows [batch, length / sampling_rate, ...] and the targets of a batch."""
        if self.shuffle:
            draw = np.random.randint
            ends = draw(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            step = self.batch_size * self.stride
            first = self.start_index + step * index
            ends = np.arange(first, min(first + step, self.end_index + 1), self.stride)
        windows = np.array([self.data[end - self.length : end : self.sampling_rate] for end in ends])
        return windows[:, ::-1] if self.reverse else windows, np.array([self.targets[end] for end in ends])

    def get_config(self) -> dict[str, Any]:
        """The settings, data and targets as JSON. Raises TypeError if those are no plain data."""
        return {
            "data": _json(self.data), "targets": _json(self.targets), "length": self.length,
            "sampling_rate": self.sampling_rate, "stride": self.stride, "start_index": self.start_index,
            "end_index": self.end_index, "shuffle": self.shuffle, "reverse": self.reverse,
            "batch_size": self.batch_size,
        }  # fmt: skip

    def to_json(self, **kwargs: Any) -> str:
        """The settings as JSON; keywords are those of json.dumps."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _json(values: Any) -> str:
    return json.dumps(values.tolist() if isinstance(values, np.ndarray) else values)
