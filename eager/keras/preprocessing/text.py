"""tf.keras.preprocessing.text: words of Python strings as numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text (tf.keras.preprocessing.text.text_to_word_sequence).

    Args:
        input_text: a text.
        filters: characters that separate words.
        lower: whether letters become lower-case.
        split: what stands between words.
    """
    text = input_text.lower() if lower else input_text
    return [w for w in text.translate(str.maketrans(dict.fromkeys(filters, split))).split(split) if w]


def hashing_trick(
    text: str, n: int, hash_function: Any = None, filters: str = _FILTERS, lower: bool = True, split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:  # fmt: skip
    """The words of a text as numbers from 1 to n - 1, by a hash (tf.keras.preprocessing.text.hashing_trick).

    Args:
        text: a text.
        n: one more than the largest number.
        hash_function: "md5", the same in every process; None for Python's hash; or a function of a word.
        filters, lower, split: as for `text_to_word_sequence`.
        analyzer: a function that gives the words instead.
    """
    code = _md5 if hash_function == "md5" else hash_function or hash
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [code(w) % (n - 1) + 1 for w in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    input_text: str, n: int, filters: str = _FILTERS, lower: bool = True, split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:  # fmt: skip
    """`hashing_trick` with Python's hash (tf.keras.preprocessing.text.one_hot)."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


class Tokenizer:
    """Words numbered by how often they occur (tf.keras.preprocessing.text.Tokenizer); 0 is no word.

    Attributes:
        word_counts: how often each word occurs.
        word_docs: in how many texts.
        word_index, index_word: numbers of words, and back.
        index_docs: in how many texts each number occurs.
        document_count: how many texts there were.
    """

    def __init__(
        self, num_words: int | None = None, filters: str = _FILTERS, lower: bool = True, split: str = " ",
        char_level: bool = False, oov_token: str | None = None, analyzer: Callable[[str], list[str]] | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes how texts are cut.

        Args:
            num_words: only numbers below it are used.
            filters, lower, split: as for `text_to_word_sequence`.
            char_level: whether each character is a word.
            oov_token: what stands for unknown words, number 1; None leaves them out.
            analyzer: a function that gives the words of a text instead.
            **kwargs: `document_count`, as in a config.

        Raises:
            TypeError: for an unknown keyword.
        """
        self.document_count: int = kwargs.pop("document_count", 0)
        num_words = kwargs.pop("nb_words", num_words)
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        self.num_words, self.filters, self.split, self.lower = num_words, filters, split, lower
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: dict[str, int] = {}
        self.word_docs: Counter[str] = Counter()
        self.index_docs: Counter[int] = Counter()
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> Any:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [w.lower() for w in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts the words of texts, or of lists of words, and numbers them."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            self.word_docs.update(set(words))
        ranked = sorted(self.word_counts, key=lambda w: self.word_counts[w], reverse=True)
        named = ranked if self.oov_token is None else [self.oov_token, *ranked]
        self.word_index = {w: i for i, w in enumerate(named, 1)}
        self.index_word = {i: w for w, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Counts in how many sequences each number occurs."""
        self.document_count += len(sequences)
        for sequence in sequences:
            self.index_docs.update(set(sequence))

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of the words of texts."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """As `texts_to_sequences`, one after the other."""
        for text in texts:
            found = [self._limited(self.word_index.get(word)) for word in self._words(text)]
            yield [i for i in found if i is not None]

    def _limited(self, number: int | None) -> int | None:
        """A number that is used, or that of unknown words."""
        if number is None or (self.num_words and number >= self.num_words):
            return None if self.oov_token is None else self.word_index.get(self.oov_token)
        return number

    def sequences_to_texts(self, sequences: Iterable[Any]) -> list[str]:
        """The words of numbers, separated by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Any]) -> Iterator[str]:
        """As `sequences_to_texts`, one after the other."""
        for sequence in sequences:
            found = [self._limited(number if number in self.index_word else None) for number in sequence]
            yield " ".join(self.index_word[i] for i in found if i is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray[Any, Any]:
        """`sequences_to_matrix` of `texts_to_sequences`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray[Any, Any]:
        """A row for each sequence: what each number counts in it.

        Args:
            sequences: lists of numbers.
            mode: "binary": whether it occurs; "count": how often; "freq": the share; "tfidf": (1 + log(count)) *
                log(1 + texts / (1 + texts with it)).

        Raises:
            ValueError: for another mode, or before words are counted.
        """
        width = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not width:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError("Unknown vectorization mode:", mode)
        made = np.zeros((len(sequences), width))
        for row, sequence in zip(made, sequences, strict=True):
            for number, count in Counter(n for n in sequence if n < width).items():
                row[number] = self._weight(mode, number, count, len(sequence))
        return made

    def _weight(self, mode: str, number: int, count: int, total: int) -> float:
        if mode == "tfidf":
            rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return float((1 + np.log(count)) * rarity)
        return {"binary": 1.0, "count": float(count), "freq": count / total}[mode]

    def get_config(self) -> dict[str, Any]:
        """The settings, and what was counted as JSON."""
        counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {
            "num_words": self.num_words, "filters": self.filters, "lower": self.lower, "split": self.split,
            "char_level": self.char_level, "oov_token": self.oov_token, "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in counted},
        }  # fmt: skip

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON, for `tokenizer_from_json`; keywords are those of json.dumps."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """A Tokenizer from its `to_json` (tf.keras.preprocessing.text.tokenizer_from_json)."""
    config = dict(json.loads(json_string)["config"])
    counted = {name: json.loads(config.pop(name)) for name in ("word_counts", "word_docs", "word_index")}
    numbers = {name: json.loads(config.pop(name)) for name in ("index_docs", "index_word")}
    made = Tokenizer(**config)
    made.word_counts, made.word_index = counted["word_counts"], counted["word_index"]
    made.word_docs = Counter(counted["word_docs"])
    made.index_docs = Counter({int(k): v for k, v in numbers["index_docs"].items()})
    made.index_word = {int(k): v for k, v in numbers["index_word"].items()}
    return made
