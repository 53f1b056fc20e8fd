"""tf.keras.utils on arrays: class numbers as rows, norms, embeddings of a changed vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> Array:
    """Class numbers as one-hot rows (tf.keras.utils.to_categorical).

    Args:
        y: integers of any shape; a last axis of size 1 is dropped.
        num_classes: the number of classes, by default the largest number and one.
        dtype: the dtype of the result.
    """
    numbers, count = _numbers(y, num_classes, 1)
    result = np.zeros((numbers.size, count), dtype=dtype)
    result[np.arange(numbers.size), numbers.ravel()] = 1
    return result.reshape((*numbers.shape, count))


def to_ordinal(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> Array:
    """Class numbers as rows of ones up to the number, one shorter than classes (tf.keras.utils.to_ordinal).

    Args:
        y: integers of any shape; a last axis of size 1 is dropped.
        num_classes: the number of classes, by default the largest number and one.
        dtype: the dtype of the result.
    """
    numbers, count = _numbers(y, num_classes, 1)
    return (np.arange(count - 1) < numbers[..., None]).astype(dtype)


def _numbers(y: Any, num_classes: int | None, extra: int) -> tuple[Array, int]:
    numbers = np.asarray(y, dtype=np.int64)
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers.reshape(numbers.shape[:-1])
    return numbers, int(numbers.max()) + extra if num_classes is None else num_classes


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """An array divided by its norm along an axis (tf.keras.utils.normalize); a row of zeros stays.

    Args:
        x: numbers.
        axis: along which the norm is taken.
        order: of the norm, such as 2 for the euclidean one.
    """
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return x / np.expand_dims(norms, axis)


def warmstart_embedding_matrix(
    base_vocabulary: Any, new_vocabulary: Any, base_embeddings: Any, new_embeddings_initializer: Any = "uniform"
) -> Any:
    """Embeddings for a new vocabulary: known words keep theirs (tf.keras.utils.warmstart_embedding_matrix).

    Args:
        base_vocabulary, new_vocabulary: lists of words, or files with one word per line.
        base_embeddings: [len(base_vocabulary), n].
        new_embeddings_initializer: name or initializer of the rows of new words.

    Returns:
        A variable [len(new_vocabulary), n].
    """
    import eager as tf

    known = {word: number for number, word in enumerate(_words(base_vocabulary))}
    wanted = _words(new_vocabulary)
    old = np.asarray(base_embeddings)
    make = tf.keras.initializers.get(new_embeddings_initializer)
    rows = np.array(make((len(wanted), old.shape[1]), dtype=str(old.dtype)))
    for number, word in enumerate(wanted):
        if word in known:
            rows[number] = old[known[word]]
    return tf.Variable(rows)


def _words(vocabulary: Any) -> list[Any]:
    if isinstance(vocabulary, str):
        return Path(vocabulary).read_text(encoding="utf-8").splitlines()
    return [w.decode() if isinstance(w, bytes) else w for w in np.asarray(vocabulary, object).tolist()]


__all__ = ["normalize", "to_categorical", "to_ordinal", "warmstart_embedding_matrix"]
