"""Reading and writing entries such that a failing cache never fails the program."""

from __future__ import annotations

from codegen import debug
from codegen.cache import files, settings

_EVICTION_SHARE = 16  # the folder is measured after every 1/16 of its limit that is written, and at the first write

_written = {"bytes": -1}


class Access:
    """The cache in a folder, for reading and perhaps writing."""

    __slots__ = ("folder", "writes")

    def __init__(self, folder: str, writes: bool) -> None:
        """Takes a folder that may be used."""
        self.folder, self.writes = folder, writes

    def get(self, key: bytes) -> bytes | None:
        """The content of a key's entry; None if there is none, or it is bad: then it is set aside."""
        try:
            found = files.read(self.folder, key)
        except files.BadEntry as error:
            self.reject(key, str(error))
            return None
        except OSError as error:
            settings.warn_once(f"the disk cache in {self.folder} cannot be read: {error}")
            return None
        debug.show("cache", f"{'hit' if found is not None else 'miss'} {key.hex()}")
        if found is not None and self.writes:
            files.touch(self.folder, key)
        return found

    def reject(self, key: bytes, why: str) -> None:
        """Reports an entry that cannot be used, and sets it aside."""
        path = files.path_of(self.folder, key)
        settings.warn_once(f"an entry of the disk cache is bad and is made anew: {path}: {why}")
        if self.writes:
            files.set_aside(self.folder, key)

    def put(self, key: bytes, content: bytes) -> None:
        """Writes an entry, if that is allowed and possible."""
        if not self.writes:
            return
        try:
            files.write(self.folder, key, content)
            self._make_room(len(content))
        except OSError as error:
            settings.warn_once(f"the disk cache in {self.folder} cannot be written: {error}")
            return
        debug.show("cache", f"wrote {key.hex()}, {len(content)} bytes")

    def _make_room(self, size: int) -> None:
        limit = settings.limit()
        _written["bytes"] += size
        if _written["bytes"] == size - 1 or _written["bytes"] * _EVICTION_SHARE > limit:
            files.evict(self.folder, limit)
            _written["bytes"] = 0


def opened() -> Access | None:
    """The cache as the settings say; None where it is off or its folder must not be used."""
    mode = settings.mode()
    if mode == "off" or any(map(debug.wants, ("loops", "llvm", "asm"))):  # these show what is compiled
        return None
    folder = files.folder_in_use()
    return None if folder is None else Access(folder, mode == "on")
