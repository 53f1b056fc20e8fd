"""Weights alone in `.npz` and `.safetensors` files: arrays by path, such as `layers/dense/vars/0`."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eager.keras.saving.archive import Archive, npy_bytes, write_archive
from eager.keras.saving.limits import UnsafeFileError, check, parse_json

Array = np.ndarray[Any, Any]
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1", "C64": "<c8",
}  # fmt: skip
_LENGTH = 8
_ALIGN = 8
_BFLOAT16 = ".bfloat16"


class ArrayEntry:
    """The arrays of one object among all arrays."""

    def __init__(self, arrays: dict[str, Array], path: str) -> None:
        """Takes all arrays and the object's path."""
        self._arrays = arrays
        self._prefix = f"{path}/vars/" if path else "vars/"

    def __setitem__(self, key: str, value: Any) -> None:
        """Stores an array."""
        self._arrays[self._prefix + str(key)] = np.asarray(value)

    def __getitem__(self, key: str) -> Array:
        """An array. Raises KeyError if there is none."""
        return self._arrays[self._prefix + str(key)]

    def __contains__(self, key: str) -> bool:
        """Whether there is such an array."""
        return self._prefix + str(key) in self._arrays

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self.keys())

    def __len__(self) -> int:
        """The number of arrays."""
        return len(self.keys())

    def keys(self) -> list[str]:
        """The keys."""
        return [k[len(self._prefix) :] for k in self._arrays if k.startswith(self._prefix)]


class ArrayStore:
    """A dict of arrays as a store of objects by path.

    Attributes:
        arrays: all arrays by path and key.
    """

    def __init__(self, arrays: dict[str, Array] | None = None) -> None:
        """Takes the arrays of a file, none for a new one."""
        self.arrays: dict[str, Array] = {} if arrays is None else arrays

    def make(self, path: str, name: str | None) -> ArrayEntry:
        """A new entry."""
        del name
        return ArrayEntry(self.arrays, path)

    def get(self, path: str) -> ArrayEntry:
        """The entry of a path; empty if there is none."""
        return ArrayEntry(self.arrays, path)


# npz ----------------------------------------------------------------------------------------------------------------


def write_npz(path: Path, arrays: dict[str, Array], texts: dict[str, bytes] | None = None) -> None:
    """Writes arrays as a ZIP of npy files, which np.load reads; bfloat16 as bits, marked in the name."""
    members: dict[str, bytes | Path] = {}
    for name, array in arrays.items():
        half = array.dtype.name == "bfloat16"
        key = f"{name}{_BFLOAT16}.npy" if half else f"{name}.npy"
        members[key] = npy_bytes(array.view(np.uint16) if half else array)
    write_archive(path, members | (texts or {}))


def read_npz(path: Any) -> dict[str, Array]:
    """The arrays of an npz file.

    Raises:
        UnsafeFileError: if it is damaged, beyond a limit or holds Python objects.
    """
    with Archive(path) as archive:
        return npz_arrays(archive)


def npz_arrays(archive: Archive) -> dict[str, Array]:
    """The arrays of an opened npz file. Raises UnsafeFileError as `read_npz`."""
    found: dict[str, Array] = {}
    for member in archive.names:
        if not member.endswith(".npy"):
            continue
        name, array = member.removesuffix(".npy"), archive.array(member)
        if name.endswith(_BFLOAT16):
            name, array = name.removesuffix(_BFLOAT16), _as_bfloat16(array, member)
        found[name] = array
    return found


def _as_bfloat16(array: Array, what: str) -> Array:
    from graphcore.dtypes import bfloat16

    if array.dtype != np.uint16:
        raise UnsafeFileError(f"Refused: {what} is marked as bfloat16, but holds {array.dtype}")
    return array.view(bfloat16().numpy)


# safetensors --------------------------------------------------------------------------------------------------------


def write_safetensors(path: Path, arrays: dict[str, Array], metadata: dict[str, str] | None = None) -> None:
    """Writes arrays in the safetensors format: 8 bytes of length, a JSON header, the data.

    Raises:
        UnsupportedError: for a dtype that the format does not have.
    """
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    data: list[bytes] = []
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {"dtype": _code(array), "shape": list(array.shape), "data_offsets": [at, at + len(part)]}
        at += len(part)
        data.append(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGN)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(data)


def _code(array: Array) -> str:
    from eager.errors import UnsupportedError

    for code, kind in _DTYPES.items():
        if array.dtype.name == kind or (kind != "bfloat16" and array.dtype.newbyteorder("<") == np.dtype(kind)):
            return code
    raise UnsupportedError(f"The safetensors format has no dtype {array.dtype}; save as .npz instead")


def read_safetensors(path: Any) -> dict[str, Array]:
    """The arrays of a safetensors file.

    Raises:
        UnsafeFileError: if the header is no valid one, arrays overlap, leave gaps or lie outside of the file, or a
            limit is passed.
    """
    size = Path(path).stat().st_size
    check(size, "file_bytes", f"the size of {path}")
    with Path(path).open("rb") as file:
        start = file.read(_LENGTH)
        length = struct.unpack("<Q", start)[0] if len(start) == _LENGTH else size
        check(length, "json_bytes", "the size of the header")
        if length > size - _LENGTH:
            raise UnsafeFileError(f"Refused: {path} is no safetensors file: its header is longer than the file")
        header = parse_json(file.read(length), "the header")
        body = file.read()
    if not isinstance(header, dict):
        raise UnsafeFileError(f"Refused: {path} is no safetensors file: its header is no object")
    header.pop("__metadata__", None)
    check(len(header), "members", "the number of arrays")
    found: dict[str, Array] = {}
    at = 0
    for name, entry in sorted(header.items(), key=lambda item: _offsets(item)):
        first, last = _offsets((name, entry))
        if first != at or last > len(body):
            raise UnsafeFileError(f"Refused: the data of {name!r} overlaps another, leaves a gap or is not all there")
        found[name] = _tensor(name, entry, body[first:last])
        at = last
    if at != len(body):
        raise UnsafeFileError(f"Refused: {path} has {len(body) - at} bytes that belong to no array")
    return {name: found[name] for name in header}


def _offsets(item: tuple[str, Any]) -> tuple[int, int]:
    name, entry = item
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(x) is int and x >= 0 for x in offsets):
        raise UnsafeFileError(f"Refused: the entry of {name!r} in the header has no valid data_offsets")
    return offsets[0], offsets[1]


def _tensor(name: str, entry: dict[str, Any], data: bytes) -> Array:
    kind, shape = _DTYPES.get(str(entry.get("dtype"))), entry.get("shape")
    sized = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    if kind is None or not isinstance(shape, list) or not sized:
        raise UnsafeFileError(f"Refused: the entry of {name!r} in the header has no valid dtype and shape: {entry}")
    dtype = np.dtype("<u2" if kind == "bfloat16" else kind)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise UnsafeFileError(f"Refused: {name!r} says shape {shape} of {entry['dtype']}, but has {len(data)} bytes")
    check(len(data), "array_bytes", f"the size of {name!r}")
    array = np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    return _as_bfloat16(array, name) if kind == "bfloat16" else array
