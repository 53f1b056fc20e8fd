"""The dump file: gzip of JSON lines, a versioned header first and a closing line last.

Line by line: {"format": "gcdump", "version": 1, "name": ...}, one {"record": KIND, "data": ...} per record,
then {"record": "end", "count": N}, by which a file that lost its end is told.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphcore.errors import DumpError
from graphcore.inspect.json_form import from_json, to_json
from graphcore.inspect.records import (
    Dump,
    GroupRecord,
    KernelRecord,
    MemoryRecord,
    Placement,
    StageRecord,
)  # fmt: skip

FORMAT = "gcdump"
VERSION = 1
MAX_COMPRESSED = 64 * 2**20
MAX_BYTES = 256 * 2**20
MAX_LINES = 1_000_000
MAX_HEADER = 2**20

_LISTS: dict[str, tuple[str, type]] = {
    "stage": ("stages", StageRecord), "group": ("groups", GroupRecord), "kernel": ("kernels", KernelRecord),
    "placement": ("placement", Placement),
}  # fmt: skip
_PLAIN = {"ledger": ("ledger", dict), "host_call": ("host_calls", str)}


def write_dump(path: str | os.PathLike[str], dump: Dump) -> None:
    """Writes a dump; a file of that name is replaced in one step, or stays as it was.

    Raises:
        DumpError: if the file cannot be written.
    """
    target = Path(path)
    try:
        _replace(target, _lines(dump))
    except OSError as error:
        raise DumpError(f"cannot write {target}: {error.strerror or error}") from error


def _replace(target: Path, lines: Iterator[dict[str, Any]]) -> None:
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as raw:
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                for line in lines:
                    packed.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            raw.flush()
            os.fsync(raw.fileno())
        # mkstemp makes the file private; a dump is as readable as any file its owner writes.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lines(dump: Dump) -> Iterator[dict[str, Any]]:
    yield {"format": FORMAT, "version": VERSION, "name": dump.name, "environment": dump.environment}
    count = 0
    for kind, data in _records(dump):
        yield {"record": kind, "data": data}
        count += 1
    yield {"record": "end", "count": count}


def _records(dump: Dump) -> Iterator[tuple[str, Any]]:
    for kind, (field, _) in _LISTS.items():
        yield from ((kind, to_json(record)) for record in getattr(dump, field))
    for kind, (field, _) in _PLAIN.items():
        yield from ((kind, value) for value in getattr(dump, field))
    if dump.memory is not None:
        yield "memory", to_json(dump.memory)


def read_dump(path: str | os.PathLike[str]) -> Dump:
    """Reads a dump back; nothing in it is executed.

    Raises:
        DumpError: in one line, when the file is missing, not a dump, of another version, truncated, damaged,
            or larger than a dump can be.
    """
    source = Path(path)
    try:
        return _read(source)
    except FileNotFoundError:
        raise DumpError(f"{source}: no such file") from None
    except EOFError:
        raise DumpError(f"{source} is truncated; write the dump again") from None
    except gzip.BadGzipFile as error:
        raise DumpError(f"{source} is damaged, or not a dump: {error}") from None
    except OSError as error:
        raise DumpError(f"cannot read {source}: {error.strerror or error}") from None
    except (zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, DumpError):
            raise
        raise DumpError(f"{source} is damaged: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _read(source: Path) -> Dump:
    if source.is_file() and source.stat().st_size > MAX_COMPRESSED:
        raise DumpError(f"{source} has {source.stat().st_size} bytes; a dump has at most {MAX_COMPRESSED}")
    with source.open("rb") as raw:
        magic = raw.read(2)
        if magic != b"\x1f\x8b":
            raise DumpError(
                f"{source} is empty" if not magic else f"{source} is not a dump: it is no gzip file"
            )
        raw.seek(0)
        with gzip.GzipFile(fileobj=raw) as packed:
            lines = _limited_lines(packed, source)
            dump = _header(next(lines, b""), source)
            return _fill(dump, lines, source)


def _limited_lines(packed: gzip.GzipFile, source: Path) -> Iterator[bytes]:
    """The lines of the unpacked text; a small file that unpacks without end is stopped."""
    total = 0
    for number in range(MAX_LINES + 1):
        line = packed.readline((MAX_BYTES if number else MAX_HEADER) - total + 1)
        total += len(line)
        if not line:
            return
        if total > (MAX_BYTES if number else MAX_HEADER):
            raise DumpError(f"{source} unpacks to more than a dump may hold ({MAX_BYTES} bytes)")
        yield line
    raise DumpError(f"{source} has more than {MAX_LINES} lines")


def _header(line: bytes, source: Path) -> Dump:
    try:
        header: Any = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DumpError(f"{source} is not a dump: its first line is no {FORMAT} header")
    if header.get("version") != VERSION:
        raise DumpError(
            f"{source} has dump version {str(header.get('version'))[:40]}, "
            f"this layerjit reads version {VERSION}; write the dump again"
        )
    environment: Any = header.get("environment")
    if not isinstance(header.get("name"), str) or not isinstance(environment, dict):
        raise ValueError("the header has no name or no environment")
    return Dump(header["name"], {str(k): str(v) for k, v in environment.items()})


def _fill(dump: Dump, lines: Iterator[bytes], source: Path) -> Dump:
    for count, line in enumerate(lines):
        if not line.endswith(b"\n"):
            break
        entry: Any = json.loads(line)
        if not isinstance(entry, dict):
            raise ValueError("a line is no object")
        if entry.get("record") == "end":
            if entry.get("count") != count or next(lines, None) is not None:
                raise ValueError("the closing line does not match the records")
            return dump
        _add(dump, entry.get("record"), entry.get("data"))
    raise DumpError(f"{source} is truncated; write the dump again")


def _add(dump: Dump, kind: Any, data: Any) -> None:
    if kind in _LISTS:
        field, cls = _LISTS[kind]
        getattr(dump, field).append(from_json(cls, data))
    elif kind in _PLAIN:
        field, cls = _PLAIN[kind]
        if not isinstance(data, cls):
            raise ValueError(f"{kind} is {type(data).__name__}, expected {cls.__name__}")
        getattr(dump, field).append(data)
    elif kind == "memory":
        dump.memory = from_json(MemoryRecord, data)
    else:
        raise ValueError(f"unknown record {str(kind)[:40]!r}")
