"""Files of the cache: framed, checked, written beside and renamed into place, and bounded in number of bytes.

A file is MAGIC, the length of what follows the frame, its SHA-256, and then 32 bytes of key and the content. Names are
the keys, so nothing is ever searched for. The folder belongs to the user alone; a folder that others can enter, or that
is another's, is not used.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from typing import NamedTuple

from codegen.cache import settings
from codegen.cache.digest import sha256

MAGIC = b"LJcache\x01"
SUFFIX = ".ljc"
BAD, TEMPORARY = ".bad", ".tmp"
MAX_ENTRY = 256 << 20
"""Bytes that one entry may have; larger ones are neither written nor read."""

_FRAME = struct.Struct("<8sQ32s")
_KEY = 32
_ABANDONED = 3600.0  # seconds after which a temporary file has no writer any more


class BadEntry(ValueError):
    """An entry that is not whole, or not what its name says."""


class Unusable(OSError):
    """A folder that must not be used: another's, or open to others."""


class EntryFile(NamedTuple):
    """A file of the folder: its path, bytes, and the time of its last use."""

    path: str
    size: int
    used: float


def path_of(folder: str, key: bytes) -> str:
    """Where the entry of a key is."""
    return os.path.join(folder, key.hex() + SUFFIX)


def frame(key: bytes, content: bytes) -> bytes:
    """The bytes of a file."""
    body = key + content
    return _FRAME.pack(MAGIC, len(body), sha256(body).digest()) + body


def unframe(data: bytes, key: bytes | None) -> bytes:
    """The content of a file's bytes; `key` is None to accept any.

    Raises:
        BadEntry: saying what is wrong.
    """
    if len(data) < _FRAME.size + _KEY:
        raise BadEntry(f"it has only {len(data)} bytes")
    magic, length, digest = _FRAME.unpack_from(data)
    if magic != MAGIC:
        raise BadEntry("it does not begin as an entry does")
    body = data[_FRAME.size :]
    if len(body) != length:
        raise BadEntry(f"{len(body)} bytes where {length} were written")
    if sha256(body).digest() != digest:
        raise BadEntry("its checksum is wrong")
    if key is not None and body[:_KEY] != key:
        raise BadEntry("it is the entry of another key")
    return body[_KEY:]


def check_folder(folder: str) -> bool:
    """Whether the folder exists. Raises Unusable if others could write there or read it, or it is another's."""
    try:
        found = os.stat(folder)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise Unusable(f"{folder} is no folder")
    if os.name == "posix":
        if found.st_uid != os.geteuid():
            raise Unusable(f"{folder} belongs to user {found.st_uid}, not to you ({os.geteuid()})")
        if found.st_mode & 0o077:
            mode = stat.S_IMODE(found.st_mode)
            raise Unusable(f"{folder} is open to others (mode {mode:o}); make it yours alone: chmod 700 {folder}")
    return True


def read(folder: str, key: bytes) -> bytes | None:
    """The content of a key's entry, or None if there is none.

    Raises:
        BadEntry: if there is one, and it is bad.
        OSError: if it cannot be read.
    """
    data = read_file(path_of(folder, key))
    return None if data is None else unframe(data, key)


def read_file(path: str) -> bytes | None:
    """A file's bytes, None if there is none. Raises BadEntry if it is no plain file of this user, or too large."""
    try:
        # No link is followed, and a pipe in a file's place does not stop the program.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise BadEntry("it is no plain file")
        if os.name == "posix" and found.st_uid != os.geteuid():
            raise BadEntry(f"it belongs to user {found.st_uid}")
        if found.st_size > MAX_ENTRY:
            raise BadEntry(f"{found.st_size} bytes are more than an entry may have")
        return _read_all(number, found.st_size)
    finally:
        os.close(number)


_BINARY = getattr(os, "O_BINARY", 0)


def _read_all(number: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0:
        part = os.read(number, size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write(folder: str, key: bytes, content: bytes) -> None:
    """Writes an entry so that another process sees all of it or nothing, whatever happens meanwhile.

    Raises:
        OSError: if it cannot be written; nothing is left behind then.
    """
    if len(content) > MAX_ENTRY - _FRAME.size - _KEY:
        raise OSError(f"an entry of {len(content)} bytes is too large")
    if not check_folder(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        check_folder(folder)
    path = path_of(folder, key)
    beside = f"{path}.{os.getpid()}.{time.monotonic_ns()}{TEMPORARY}"
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    try:
        try:
            _write_all(number, frame(key, content))
            os.fsync(number)
        finally:
            os.close(number)
        os.replace(beside, path)
    except BaseException:
        remove(beside)
        raise


def _write_all(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


def touch(folder: str, key: bytes) -> None:
    """Notes that an entry was used; a folder that cannot be changed stays as it is."""
    try:
        os.utime(path_of(folder, key))
    except OSError:
        return


def set_aside(folder: str, key: bytes) -> None:
    """Moves a bad entry out of the way, where it can be looked at."""
    path = path_of(folder, key)
    try:
        os.replace(path, path + BAD)
    except OSError:
        return


def remove(path: str) -> bool:
    """Removes a file; False if it was not there or cannot be removed."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def entries(folder: str, suffixes: tuple[str, ...] = (SUFFIX,)) -> list[EntryFile]:
    """The cache's files with one of some endings, the least recently used first; others are left alone.

    Raises:
        OSError: if the folder cannot be read.
    """
    found: list[EntryFile] = []
    with os.scandir(folder) as listing:
        for item in listing:
            if SUFFIX in item.name and item.name.endswith(suffixes):
                try:
                    status = item.stat(follow_symlinks=False)
                except OSError:  # gone meanwhile
                    continue
                found.append(EntryFile(item.path, status.st_size, status.st_mtime))
    return sorted(found, key=lambda entry: entry.used)


def evict(folder: str, limit: int) -> int:
    """Removes what writers left behind, then bad entries, then the least recently used ones, down to `limit` bytes.

    Returns:
        How many files were removed.
    """
    old = time.time() - _ABANDONED
    abandoned = [e for e in entries(folder, (TEMPORARY,)) if e.used < old]
    removed = sum(remove(entry.path) for entry in abandoned)
    kept = entries(folder, (BAD,)) + entries(folder)
    total = sum(entry.size for entry in kept)
    for entry in kept:
        if total <= limit:
            break
        removed += remove(entry.path)
        total -= entry.size
    return removed


def folder_in_use() -> str | None:
    """The folder that settings name, if it may be used; a folder that may not is said once."""
    folder = settings.folder()
    try:
        check_folder(folder)
    except OSError as error:
        settings.warn_once(f"the disk cache is not used: {error}")
        return None
    return folder
