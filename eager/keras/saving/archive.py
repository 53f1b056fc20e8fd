"""ZIP files that hold models and arrays: written with stored members, read with every member checked first."""

from __future__ import annotations

import io
import math
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np

from eager.keras.saving.limits import UnsafeFileError, check, check_expansion

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 20
_NPY_HEADER = 4096


class Archive:
    """A ZIP file opened for reading.

    Attributes:
        names: the members' names.
    """

    def __init__(self, path: Any) -> None:
        """Opens a file and checks its list of members.

        Raises:
            UnsafeFileError: if it is no ZIP file, or a member is doubled, encrypted, a link, outside of the archive, or
                beyond a limit.
            FileNotFoundError: if there is no such file.
        """
        check(Path(path).stat().st_size, "file_bytes", f"the size of {path}")
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise UnsafeFileError(f"Refused: {path} is no valid ZIP file: {error}") from error
        try:
            self._infos = _checked(self._zip.infolist())
        except BaseException:
            self._zip.close()
            raise
        self.names = list(self._infos)

    def __enter__(self) -> Archive:
        """The archive itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Closes the file."""
        self._zip.close()

    def read(self, name: str, limit: str = "total_bytes") -> bytes:
        """The bytes of a member.

        Raises:
            UnsafeFileError: if there is no such member, it is beyond the limit, or it is damaged.
        """
        info = self._infos.get(name)
        if info is None:
            raise UnsafeFileError(f"Refused: the file has no member {name!r}; it has {self.names[:20]}")
        check(info.file_size, limit, f"the size of {name}")
        try:
            with self._zip.open(info) as stream:
                data = _read(stream, info.file_size)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OSError) as error:
            raise UnsafeFileError(f"Refused: member {name!r} is damaged: {error}") from error
        return data

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """The array of a member in NumPy's npy format. Raises UnsafeFileError if it holds objects or is too large."""
        data = self.read(name, "array_bytes")
        return read_npy(data, name)


def read_npy(data: bytes, what: str) -> np.ndarray[Any, Any]:
    """The array of npy bytes. Raises UnsafeFileError if it holds Python objects or is damaged."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
        shape, by_columns, dtype = read_header(stream, max_header_size=_NPY_HEADER)
    except Exception as error:  # whatever the parser of the header meets
        raise UnsafeFileError(f"Refused: {what} is no array in npy format: {error}") from error
    if dtype.hasobject or dtype.names is not None:
        raise UnsafeFileError(f"Refused: {what} holds {dtype}, but only numbers and strings are loaded")
    # The size that the header tells is compared with what is there before anything is allocated.
    body = memoryview(data)[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(body) or any(n < 0 for n in shape):
        raise UnsafeFileError(f"Refused: {what} says shape {shape} and dtype {dtype}, but has {len(body)} bytes")
    if not len(body):
        return np.zeros(shape, dtype)
    return np.frombuffer(body, dtype).reshape(shape, order="F" if by_columns else "C").copy()


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    """An array in NumPy's npy format."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


def write_archive(path: Path, members: dict[str, bytes | Path]) -> None:
    """Writes a ZIP file of stored members, from bytes or from files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, data in members.items():
            if isinstance(data, Path):
                file.write(data, name)
            else:
                file.writestr(zipfile.ZipInfo(name), data)


def _read(stream: IO[bytes], size: int) -> bytes:
    """As many bytes as the list of members says; no more are ever taken."""
    parts: list[bytes] = []
    left = size
    while left > 0:
        part = stream.read(min(left, _CHUNK))
        if not part:
            raise EOFError("it ends early")
        parts.append(part)
        left -= len(part)
    if stream.read(1):
        raise ValueError("it is longer than the list of members says")
    return b"".join(parts)


def _checked(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    check(len(infos), "members", "the number of members")
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_member(info)
        if info.filename in found:
            raise UnsafeFileError(f"Refused: the member {info.filename!r} is there twice")
        found[info.filename] = info
    check(sum(i.file_size for i in infos), "total_bytes", "the size of all members together")
    return {name: info for name, info in found.items() if not info.is_dir()}


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename
    path = PurePosixPath(name)
    wrong = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[:1] or "\0" in name
    if wrong or not path.parts or (len(name) > 1 and name[1] == ":"):
        raise UnsafeFileError(f"Refused: the member {name!r} lies outside of the archive")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeFileError(f"Refused: the member {name!r} is a link or special file")
    if info.flag_bits & 1 or info.compress_type not in _METHODS:
        raise UnsafeFileError(f"Refused: the member {name!r} is encrypted or compressed in an unusual way")
    check_expansion(info.file_size, info.compress_size, f"the member {name!r}")
