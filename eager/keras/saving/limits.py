"""What a file may contain to be loaded, and the reading of JSON within those limits.

Files may come from strangers: loading is data only, and a file beyond a limit is refused before it costs memory.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from graphcore.errors import InvalidArgumentError


class UnsafeFileError(InvalidArgumentError):
    """A file that loading refuses: broken, too large for a limit, or with contents that could do harm."""


class Limits(NamedTuple):
    """The limits of loading. `set_limits` changes them.

    Attributes:
        file_bytes: the size of a file.
        members: the number of members of a ZIP file, or of objects in an HDF5 file.
        expansion: how many times larger than stored a compressed member or dataset may be.
        small_bytes: below this size the expansion is not looked at.
        json_bytes: the size of a JSON text.
        json_depth: how deep objects and lists of a JSON text may be nested.
        array_bytes: the size of one array.
        total_bytes: the size of all members together, or of all arrays together.
        group_depth: how deep groups of an HDF5 file may be nested.
    """

    file_bytes: int = 1 << 37
    members: int = 100_000
    expansion: int = 200
    small_bytes: int = 1 << 20
    json_bytes: int = 1 << 26
    json_depth: int = 200
    array_bytes: int = 1 << 36
    total_bytes: int = 1 << 37
    group_depth: int = 64


_active = [Limits()]
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def limits() -> Limits:
    """The limits in force."""
    return _active[-1]


def set_limits(**changes: int) -> Limits:
    """Changes limits by name, and returns the ones before; `set_limits(**old._asdict())` brings them back.

    Raises:
        ValueError: for an unknown name.
    """
    before = _active[-1]
    _active[-1] = before._replace(**changes)
    return before


def check(size: int, limit: str, what: str) -> None:
    """Raises UnsafeFileError if `size` is beyond the limit of that name."""
    most = getattr(_active[-1], limit)
    if size > most:
        raise UnsafeFileError(
            f"Refused: {what} is {size}, and the limit {limit} is {most}. If you trust the file, raise it with "
            f"tf.keras.saving.set_limits({limit}={size})."
        )


def check_expansion(size: int, stored: int, what: str) -> None:
    """Raises UnsafeFileError if something is stored in far fewer bytes than it would take."""
    if size > _active[-1].small_bytes:
        check(size // max(stored, 1), "expansion", f"the expansion of {what} ({stored} bytes stored, {size} in memory)")


def parse_json(text: bytes | str, what: str) -> Any:
    """The data of a JSON text.

    Raises:
        UnsafeFileError: if it is no JSON, too long or too deep, or an object has a key twice.
    """
    data = text.encode() if isinstance(text, str) else bytes(text)
    check(len(data), "json_bytes", f"the size of {what}")
    depth = deepest = 0
    for token in _TOKEN.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(depth, deepest)
        elif first in b"]}":
            depth -= 1
    check(deepest, "json_depth", f"the depth of {what}")
    try:
        return json.loads(data, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise UnsafeFileError(f"Refused: {what} is no valid JSON: {error}") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"an object has a key twice: {[k for k, _ in pairs]}")
    return found
