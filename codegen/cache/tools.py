"""What `layerjit cache` does: tell about the disk cache, empty it, and check its entries."""

from __future__ import annotations

from typing import NamedTuple

from codegen.cache import files, settings

_LEFTOVERS = (files.BAD, files.TEMPORARY)


class Info(NamedTuple):
    """The disk cache.

    Attributes:
        folder: where it is.
        mode: "on", "readonly" or "off".
        state: "usable", "absent" (nothing was written yet), or why it is not used.
        limit: bytes that all entries together may take.
        entries: how many there are; bytes: their sizes together.
        leftovers: bad entries that were set aside, and files of writers that were stopped.
    """

    folder: str
    mode: str
    state: str
    limit: int
    entries: int
    bytes: int
    leftovers: int


class Cleared(NamedTuple):
    """What `clear` removed, and what it could not remove."""

    folder: str
    removed: int
    bytes: int
    failed: int


class Verified(NamedTuple):
    """What `verify` found: how many entries are whole, and (path, what is wrong) of the others."""

    folder: str
    good: int
    bad: tuple[tuple[str, str], ...]


def info() -> Info:
    """The disk cache as the environment's settings have it."""
    folder, state = settings.folder(), "usable"
    found: list[files.EntryFile] = []
    left: list[files.EntryFile] = []
    try:
        if files.check_folder(folder):
            found, left = files.entries(folder), files.entries(folder, _LEFTOVERS)
        else:
            state = "absent"
    except OSError as error:
        state = f"not used: {error}"
    size = sum(entry.size for entry in found)
    return Info(folder, settings.mode(), state, settings.limit(), len(found), size, len(left))


def clear() -> Cleared:
    """Removes every entry, and what was left behind; other files stay.

    Raises:
        OSError: if the folder must not be used, or cannot be read.
    """
    folder = settings.folder()
    if not files.check_folder(folder):
        return Cleared(folder, 0, 0, 0)
    found = files.entries(folder, (files.SUFFIX, *_LEFTOVERS))
    gone = [entry.size for entry in found if files.remove(entry.path)]
    return Cleared(folder, len(gone), sum(gone), len(found) - len(gone))


def verify() -> Verified:
    """Reads every entry and checks length, checksum and name; nothing is changed.

    Raises:
        OSError: if the folder must not be used, or cannot be read.
    """
    folder = settings.folder()
    if not files.check_folder(folder):
        return Verified(folder, 0, ())
    found = files.entries(folder)
    bad: list[tuple[str, str]] = []
    for entry in found:
        try:
            _check(folder, entry.path)
        except (files.BadEntry, OSError) as error:
            bad.append((entry.path, str(error)))
    return Verified(folder, len(found) - len(bad), tuple(bad))


def _check(folder: str, path: str) -> None:
    """Raises BadEntry or OSError if a file is not what its name says; one that is gone meanwhile is not bad."""
    name = path[len(folder) + 1 : -len(files.SUFFIX)]
    try:
        key = bytes.fromhex(name)
    except ValueError:
        raise files.BadEntry("its name is no key") from None
    data = files.read_file(path)
    if data is not None:
        files.unframe(data, key)
