"""Reading source locations back from the comments of the text form."""

from __future__ import annotations

import re

from graphcore.graph import Location
from graphcore.text_scan import unquote

_STRING = r'"(?:[^"\\]|\\.)*"'
_LOCATION = re.compile(
    rf'\s*(?P<file>{_STRING}|[^\s"();]+):(?P<line>-?\d{{1,9}})'
    rf'(?: in (?P<function>{_STRING}|[^\s"();]+))?'
    rf'(?: \((?P<layers>(?:{_STRING}|[^\s"();])+)\))?\s*(?:;|\Z)'
)
_LAYER = re.compile(rf'({_STRING}|[^/"]+)(?:/|\Z)')


def parse_locations(comment: str) -> list[Location]:
    """The locations that a comment holds; none if it is a remark of another form."""
    try:
        return _read(comment)
    except ValueError:
        return []


def _read(comment: str) -> list[Location]:
    found: list[Location] = []
    at = 0
    while at < len(comment):
        match = _LOCATION.match(comment, at)
        if match is None:
            return []
        layers = tuple(_unquote(p) for p in _LAYER.findall(match["layers"] or ""))
        file, function = _unquote(match["file"]), _unquote(match["function"] or "")
        found.append(Location(file, int(match["line"]), function, layers))
        at = match.end()
    return found


def _unquote(text: str) -> str:
    return unquote(text) if text.startswith('"') else text
