"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Any) -> Generator[Path]:
    """A context that gives a new file in the same folder; at its end that file takes the place of `path`.

    The new file is written out to the disk before it is renamed, so whoever is killed at any moment leaves either the
    old file or the new one, whole. If the context raises, the old file stays and the new one is deleted.

    Args:
        path: the file to write; a link is followed.

    Raises:
        OSError: if the folder does not exist or cannot be written.
    """
    target = Path(path).resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _keep_mode(part, target)
        _flush(part)
        part.replace(target)
        _flush_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _keep_mode(part: Path, target: Path) -> None:
    """The permissions of the old file, or those that a new file would have."""
    if target.exists():
        part.chmod(stat.S_IMODE(target.stat().st_mode))
        return
    mask = os.umask(0)
    os.umask(mask)
    part.chmod(0o666 & ~mask)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Makes a rename last; not every system lets a folder be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
