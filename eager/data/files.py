"""Datasets of the lines or records of files, as strings."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eager import nest
from eager.convert import convert
from eager.data import UNKNOWN_CARDINALITY
from eager.data.dataset import Dataset
from eager.data.node import Node
from eager.data.seeds import generator_of
from eager.data.sources import from_tensor_slices
from eager.errors import InvalidArgumentError, NotFoundError
from eager.tensor import Tensor, wrap
from eager.tensor_shape import TensorSpec


def paths_of(filenames: Any) -> list[str]:
    """File names from a string, a list, a tensor or a dataset of strings."""
    if isinstance(filenames, Dataset):
        return [p for name in filenames.as_numpy_iterator() for p in paths_of(name)]
    found = np.ravel(filenames.numpy() if isinstance(filenames, Tensor) else np.array(nest.flatten(filenames), object))
    return [p.decode() if isinstance(p, bytes) else str(p) for p in found.tolist()]


def _content(path: str, compression: str | None) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path}: {error.strerror}") from error
    if not compression:
        return data
    unpack = {"GZIP": gzip.decompress, "ZLIB": zlib.decompress}.get(compression)
    if unpack is None:
        raise ValueError(f"compression_type must be '', 'GZIP' or 'ZLIB', got {compression!r}")
    return unpack(data)


def _string(value: bytes) -> Tensor:
    return wrap(np.array(value, object))


def TextLineDataset(
    filenames: Any, compression_type: str | None = None, buffer_size: Any = None, num_parallel_reads: Any = None,
    name: str | None = None,
) -> Dataset:  # fmt: skip
    """The lines of text files as strings, without their ends (tf.data.TextLineDataset).

    Args:
        filenames: a string, a list, a tensor or a dataset of strings.
        compression_type: "" or None, "GZIP" or "ZLIB".
        buffer_size, num_parallel_reads, name: accepted for compatibility.

    Raises:
        NotFoundError: while iterating, for a file that cannot be read.
    """
    del buffer_size, num_parallel_reads, name

    def elements() -> Iterator[Any]:
        for path in paths_of(filenames):
            lines = _content(path, compression_type).split(b"\n")
            for line in lines[:-1] if lines[-1] == b"" else lines:
                yield _string(line.removesuffix(b"\r"))

    return Node("TextLineDataset", elements, lambda: UNKNOWN_CARDINALITY, lambda: TensorSpec((), "string"))


def FixedLengthRecordDataset(
    filenames: Any, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
    buffer_size: Any = None, compression_type: str | None = None, num_parallel_reads: Any = None,
    name: str | None = None,
) -> Dataset:  # fmt: skip
    """Records of a fixed number of bytes, as strings (tf.data.FixedLengthRecordDataset).

    Args:
        filenames: a string, a list, a tensor or a dataset of strings.
        record_bytes: the length of a record.
        header_bytes, footer_bytes: what is left out at the ends of each file.
        buffer_size, num_parallel_reads, name: accepted for compatibility.
        compression_type: "" or None, "GZIP" or "ZLIB".

    Raises:
        InvalidArgumentError: while iterating, for a file that does not hold a whole number of records.
    """
    del buffer_size, num_parallel_reads, name

    def elements() -> Iterator[Any]:
        for path in paths_of(filenames):
            data = _content(path, compression_type)
            body = data[header_bytes or 0 : len(data) - (footer_bytes or 0)]
            if len(body) % record_bytes:
                raise InvalidArgumentError(f"{path}: {len(body)} bytes do not divide into records of {record_bytes}")
            for at in range(0, len(body), record_bytes):
                yield _string(body[at : at + record_bytes])

    return Node("FixedLengthRecordDataset", elements, lambda: UNKNOWN_CARDINALITY, lambda: TensorSpec((), "string"))


def listed(pattern: Any, shuffle: bool, seed: int | None) -> Dataset:
    """The paths that fit one of the patterns."""
    import glob

    found = sorted(p for each in paths_of(pattern) for p in glob.glob(each))  # noqa: PTH207 (patterns with folders)
    if not found:
        raise InvalidArgumentError(f"No files matched pattern: {', '.join(paths_of(pattern))}")
    if shuffle:
        found = [found[i] for i in generator_of(seed).permutation(len(found)).tolist()]
    return from_tensor_slices(convert(found))


__all__ = ["FixedLengthRecordDataset", "TextLineDataset", "listed", "paths_of"]
