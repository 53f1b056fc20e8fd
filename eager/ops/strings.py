"""tf.strings: functions of each string by itself: case, length, pieces, patterns."""

from __future__ import annotations

import re
import string as characters
from collections.abc import Callable
from typing import Any

from eager.convert import convert
from eager.errors import InvalidArgumentError, UnsupportedError
from eager.ops.common import InvalidTypeError
from eager.ops.public import public
from eager.ops.strings_host import elementwise, string_tensor, text_of
from eager.tensor import Tensor, type_of
from graphcore.dtypes import bool_, int32

_SPACE = b" \t\n\v\f\r"
_UNITS = ("BYTE", "UTF8_CHAR")


def _cased(
    x: Any, encoding: str, name: str, of_bytes: Callable[[bytes], bytes], of_text: Callable[[str], str]
) -> Tensor:
    if encoding not in ("", "utf-8"):
        raise InvalidArgumentError(f"strings.{name}: encoding is {encoding!r}, expected '' (ASCII) or 'utf-8'")
    one = of_bytes if not encoding else lambda s: of_text(text_of(s)).encode()
    return elementwise(name, one, [string_tensor(x, name)])


@public("strings.lower")
def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Upper-case letters made lower-case (tf.strings.lower).

    Args:
        input: strings of any shape.
        encoding: "" changes A to Z only; "utf-8" changes all letters.
        name: accepted for compatibility.

    Raises:
        InvalidTypeError: unless the dtype is string.
        InvalidArgumentError: for another encoding.
    """
    del name
    return _cased(input, encoding, "lower", bytes.lower, str.lower)


@public("strings.upper")
def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Lower-case letters made upper-case (tf.strings.upper); arguments and errors as for `lower`."""
    del name
    return _cased(input, encoding, "upper", bytes.upper, str.upper)


@public("strings.strip")
def strip(input: Any, name: str | None = None) -> Tensor:
    """The strings without ASCII white space at both ends (tf.strings.strip)."""
    del name
    return elementwise("strip", lambda s: s.strip(_SPACE), [string_tensor(input, "strip")])


def _unit(unit: str, name: str) -> bool:
    """Whether characters are counted instead of bytes."""
    if unit not in _UNITS:
        raise InvalidArgumentError(f"strings.{name}: unit is {unit!r}, expected 'BYTE' or 'UTF8_CHAR'")
    return unit == "UTF8_CHAR"


def _starts(s: bytes) -> list[int]:
    """Where characters of UTF-8 begin, and the end: continuation bytes belong to the character before."""
    return [*(i for i, b in enumerate(s) if b & 0xC0 != 0x80), len(s)]


@public("strings.length")
def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """How long each string is, int32, in bytes or in characters ("UTF8_CHAR") (tf.strings.length).

    Raises:
        InvalidArgumentError: for another unit.
    """
    del name
    one = (lambda s: len(_starts(s)) - 1) if _unit(unit, "length") else len
    return elementwise("length", one, [string_tensor(input, "length")], int32)


@public("strings.substr")
def substr(
    input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None
) -> Tensor:
    """Pieces of strings, from `pos` (negative: from the end), at most `len` long (tf.strings.substr).

    Args:
        input: strings.
        pos: int32 or int64, of a shape that broadcasts with the others.
        len: of the dtype of `pos`; negative ones reach to the end.
        unit: what is counted: "BYTE" or "UTF8_CHAR".
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if a position lies outside of its string, or for another unit.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    by_character = _unit(unit, "substr")
    starts, counts = convert(pos), convert(len)
    if not (starts.dtype.is_integer and counts.dtype.is_integer):
        raise InvalidTypeError(f"strings.substr: pos is {type_of(starts)} and len {type_of(counts)}, expected integers")

    def piece(s: bytes, at: int, count: int) -> bytes:
        edges = _starts(s) if by_character else range(s.__len__() + 1)
        whole = edges.__len__() - 1
        if not -whole <= at <= whole:
            raise InvalidArgumentError(f"strings.substr: pos {at} out of range for string {s!r}")
        first = at % whole if at < 0 else at
        return s[edges[first] : edges[min(first + count, whole) if count >= 0 else whole]]

    return elementwise("substr", piece, [string_tensor(input, "substr"), starts, counts])


_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "word": r"\w",
    "space": r"\s", "blank": r" \t", "xdigit": "0-9A-Fa-f", "cntrl": r"\x00-\x1f\x7f",
    "punct": re.escape(characters.punctuation),
}  # fmt: skip


def _pattern(pattern: Any, name: str) -> re.Pattern[str]:
    r"""RE2's syntax for Python's re, which differs in what follows.

    Raises:
        UnsupportedError: for Unicode classes (\p).
        InvalidArgumentError: for what is no pattern.
    """
    text = pattern.decode() if isinstance(pattern, bytes) else str(pattern)
    if re.search(r"(?<!\\)(\\\\)*\\[pP]", text):
        raise UnsupportedError(f"strings.{name}: Unicode classes such as \\pL are not implemented; list the characters")
    text = re.sub(r"\[:(\w+):\]", lambda m: _POSIX.get(m[1], m[0]), text)
    text = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", lambda m: r"\Z" if m[0] == "$" else m[0], text)
    try:
        return re.compile(text.replace(r"\z", r"\Z"), re.ASCII)
    except re.error as error:
        raise InvalidArgumentError(f"strings.{name}: invalid pattern {pattern!r}: {error}") from error


def _rewriter(rewrite: Any) -> Callable[[re.Match[str]], str]:
    text = rewrite.decode() if isinstance(rewrite, bytes) else str(rewrite)
    parts = re.split(r"\\(\d|\\)", text)

    def write(match: re.Match[str]) -> str:
        made = list(parts)
        made[1::2] = ["\\" if p == "\\" else match[int(p)] or "" for p in parts[1::2]]
        return "".join(made)

    return write


def _replaced(text: str, find: re.Pattern[str], write: Callable[[re.Match[str]], str], most: int) -> str:
    """As RE2: no empty match right behind a match."""
    made: list[str] = []
    end, count = 0, 0
    for match in find.finditer(text):
        if match.start() == match.end() == end and count:
            continue
        made += [text[end : match.start()], write(match)]
        end, count = match.end(), count + 1
        if count == most:
            break
    return "".join([*made, text[end:]])


def _literal(value: Any) -> Any:
    return value.numpy() if isinstance(value, Tensor) else value


@public("strings.regex_replace")
def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""What matches a pattern replaced (tf.strings.regex_replace).

    Args:
        input: strings of UTF-8.
        pattern: a regular expression of RE2, whose common part Python's `re` matches here.
        rewrite: what stands instead; \0 is the match, \1 to \9 its groups.
        replace_global: whether all matches are replaced, or the first.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for what is no pattern.
        UnsupportedError: for Unicode classes in the pattern.
    """
    del name
    find, write = _pattern(_literal(pattern), "regex_replace"), _rewriter(_literal(rewrite))
    most = 0 if replace_global else 1

    def one(s: bytes) -> bytes:
        text = s.decode("utf-8", "surrogateescape")
        return _replaced(text, find, write, most).encode("utf-8", "surrogateescape")

    return elementwise("regex_replace", one, [string_tensor(input, "regex_replace")])


@public("strings.regex_full_match")
def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether each string matches a pattern as a whole, bool (tf.strings.regex_full_match).

    Raises:
        InvalidArgumentError: for what is no pattern.
        UnsupportedError: for Unicode classes in the pattern.
    """
    del name
    find = _pattern(_literal(pattern), "regex_full_match")

    def one(s: bytes) -> bool:
        return find.fullmatch(s.decode("utf-8", "surrogateescape")) is not None

    return elementwise("regex_full_match", one, [string_tensor(input, "regex_full_match")], bool_)
