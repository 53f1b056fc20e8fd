"""The tokens of the text form."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from graphcore.errors import ParseError

_TOKEN = re.compile(
    r"""[ \t]*(?:
      (?P<newline>\r?\n)
    | (?P<comment>\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<value>%\d+(?:\.\d+)?)
    | (?P<number>0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?[pP][+-]?\d+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<opaque><[^<>\n]*>)
    | (?P<sign>>=|\.\.|[()\[\]{},:=+\-*$])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(?:(["\\])|([ntr])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|\\')
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}


class Token(NamedTuple):
    """One token: its kind (a group of the pattern), its text, and its line."""

    kind: str
    text: str
    line: int


class Scanner:
    """Reads tokens from a text with one token of look-ahead.

    Attributes:
        ahead: the token that comes next.
        depth: how deep the parser stands in brackets and body graphs.
    """

    def __init__(self, text: str, max_depth: int) -> None:
        """Starts before the first token of `text`."""
        self._text, self._at, self._line, self._max_depth = text, 0, 1, max_depth
        self.depth = 0
        self.ahead = self._scan()

    def _scan(self) -> Token:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            rest = self._text[self._at : self._at + 20].split("\n", 1)[0].strip()
            raise ParseError(f"line {self._line}: {rest!r} does not start a word of the graph text")
        self._at = found.end()
        token = Token(found.lastgroup, found[found.lastgroup], self._line)
        self._line += token.kind == "newline"
        return token

    def take(self) -> Token:
        """The next token; moves past it."""
        token = self.ahead
        if token.kind != "end":
            self.ahead = self._scan()
        return token

    def expect(self, kind: str, text: str | None = None) -> Token:
        """The next token, which must be of this kind (and text)."""
        token = self.ahead
        if token.kind != kind or (text is not None and token.text != text):
            self.fail(f"expected {text or kind}, found {token.text.strip() or token.kind!r}")
        return self.take()

    def accept(self, text: str) -> bool:
        """Moves past a sign or name if it comes next."""
        if self.ahead.kind in ("sign", "name") and self.ahead.text == text:
            self.take()
            return True
        return False

    def skip_lines(self) -> None:
        """Moves past empty lines and lines that hold only a comment."""
        while self.ahead.kind in ("newline", "comment"):
            self.take()

    def end_line(self) -> str:
        """Moves past the end of the line; returns its comment, without the sign."""
        comment = self.take().text[1:].strip() if self.ahead.kind == "comment" else ""
        if self.ahead.kind != "end":
            self.expect("newline")
        return comment

    def enter(self) -> None:
        """Goes one level deeper. Raises ParseError past the limit."""
        self.depth += 1
        if self.depth > self._max_depth:
            self.fail(f"nested deeper than {self._max_depth} levels")

    def leave(self) -> None:
        """Comes one level back up."""
        self.depth -= 1

    def fail(self, problem: str) -> NoReturn:
        """Raises ParseError at the next token's line."""
        raise ParseError(f"line {self.ahead.line}: {problem}")

    def string(self) -> str:
        """The value of the string literal that comes next."""
        line = self.ahead.line
        try:
            return unquote(self.expect("string").text)
        except ValueError as error:
            raise ParseError(f"line {line}: {str(error).removeprefix(f'line {line}: ')}") from None


def unquote(text: str) -> str:
    """The value of a string literal, quotes included in `text`. Raises ValueError for an unknown escape."""

    def replace(found: re.Match[str]) -> str:
        plain, control, short, long = found.groups()
        if plain or control:
            return plain or _CONTROL[control]
        code = int(short or long or "110000", 16)
        if code > 0x10FFFF:
            raise ValueError(f"{found[0]} is not an escape of a string")
        return chr(code)

    return _ESCAPE.sub(replace, text[1:-1])
