"""A compact binary form of plain values, sizes and types, which reads back to equal ones: what entries are made of.

Every value is a tag byte and its content. Nothing that is read is run: a damaged form raises `BadForm`.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from graphcore.dims import Atom, SymDim
from graphcore.dtypes import DType, as_dtype
from graphcore.graph import Const
from graphcore.types import TensorType

MAX_DEPTH = 60
_INT, _FLOAT, _LENGTH = struct.Struct("<q"), struct.Struct("<d"), struct.Struct("<I")
_ATOMS = frozenset(("symbol", "floordiv", "mod", "min", "max"))


class BadForm(ValueError):
    """Bytes that are not the form of a value."""


class Opaque:
    """Stands for an object of the traced graph that no file can hold: the number of its first appearance."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        """Takes the number."""
        self.number = number


def dump(value: Any) -> bytes:
    """The form of a value.

    It may be None, bool, int, float, str, bytes, tuple, list, dict, SymDim, DType, TensorType, Const or Opaque.

    Raises:
        TypeError: for anything else.
    """
    parts: list[bytes] = []
    _dump(value, parts.append)
    return b"".join(parts)


def _dump(value: Any, add: Any) -> None:
    kind = type(value)
    if value is None:
        add(b"N")
    elif kind is bool:
        add(b"T" if value else b"F")
    elif kind is int and -(2**63) <= value < 2**63:
        add(b"i" + _INT.pack(value))
    elif kind is float:
        add(b"f" + _FLOAT.pack(value))
    elif kind is str:
        data = value.encode("utf-8", "surrogatepass")
        add(b"s" + _LENGTH.pack(len(data)) + data)
    elif kind is bytes:
        add(b"b" + _LENGTH.pack(len(value)) + value)
    elif kind is tuple or kind is list:
        add((b"t" if kind is tuple else b"l") + _LENGTH.pack(len(value)))
        for item in value:
            _dump(item, add)
    elif kind is dict:
        add(b"d" + _LENGTH.pack(len(value)))
        for key, item in value.items():
            _dump(key, add)
            _dump(item, add)
    else:
        _dump_own(value, add)


def _dump_own(value: Any, add: Any) -> None:
    """What is not plain Python."""
    if isinstance(value, SymDim):
        add(b"S")
        _dump(tuple((tuple(map(_atom, monomial)), c) for monomial, c in value.terms), add)
    elif isinstance(value, DType):
        add(b"D")
        _dump(value.name, add)
    elif isinstance(value, TensorType):
        add(b"Y")
        _dump((value.dtype, value.shape), add)
    elif isinstance(value, Const) and not value.array.dtype.hasobject:
        add(b"A")
        _dump((value.array.dtype.name, value.array.shape, value.array.tobytes()), add)
    elif isinstance(value, Opaque):
        add(b"O" + _LENGTH.pack(value.number))
    else:
        raise TypeError(f"{type(value).__name__} has no binary form")


def _atom(atom: Atom) -> tuple[Any, ...]:
    return atom.kind, atom.name, atom.args, atom.low, atom.high


def load(data: bytes) -> Any:
    """The value of a form. Raises BadForm if it is damaged or longer than the value."""
    reader = _Reader(data)
    try:
        value = reader.read(0)
    except (struct.error, UnicodeDecodeError, TypeError, ValueError, ImportError) as error:
        raise BadForm(f"a damaged form: {error}") from error
    if reader.at != len(data):
        raise BadForm(f"{len(data) - reader.at} bytes follow the value")
    return value


class _Reader:
    """Reads values one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, depth: int) -> Any:
        """The next value."""
        if depth > MAX_DEPTH:
            raise BadForm("nested too deeply")
        tag = self._take(1)
        if tag in b"NTF":
            return None if tag == b"N" else tag == b"T"
        if tag == b"i":
            return _INT.unpack(self._take(8))[0]
        if tag == b"f":
            return _FLOAT.unpack(self._take(8))[0]
        if tag == b"s":
            return self._take(self._length()).decode("utf-8", "surrogatepass")
        if tag == b"b":
            return self._take(self._length())
        if tag in b"tl":
            items = [self.read(depth + 1) for _ in range(self._length())]
            return tuple(items) if tag == b"t" else items
        if tag == b"d":
            return {self.read(depth + 1): self.read(depth + 1) for _ in range(self._length())}
        return self._own(tag, depth + 1)

    def _own(self, tag: bytes, depth: int) -> Any:
        if tag == b"S":
            terms = self.read(depth)
            return SymDim(tuple((tuple(_read_atom(*a) for a in monomial), _integer(c)) for monomial, c in terms))
        if tag == b"D":
            return as_dtype(str(self.read(depth)))
        if tag == b"Y":
            dtype, shape = self.read(depth)
            if not isinstance(dtype, DType) or not all(isinstance(d, int | SymDim) for d in shape):
                raise BadForm("not a type")
            return TensorType(dtype, shape)
        if tag == b"A":
            name, shape, data = self.read(depth)
            return Const(np.frombuffer(data, as_dtype(name).numpy).reshape(shape))
        if tag == b"O":
            return Opaque(_LENGTH.unpack(self._take(4))[0])
        raise BadForm(f"unknown tag {tag!r}")

    def _take(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        if len(found) != count:
            raise BadForm("cut off")
        self.at += count
        return found

    def _length(self) -> int:
        """A length: never more than the bytes that are left, since every item takes one."""
        (length,) = _LENGTH.unpack(self._take(4))
        if length > len(self.data) - self.at:
            raise BadForm("a length beyond the end")
        return length


def _read_atom(kind: str, name: str, args: tuple[Any, ...], low: Any, high: Any) -> Atom:
    if kind not in _ATOMS or not isinstance(name, str) or not all(isinstance(a, int | SymDim) for a in args):
        raise BadForm("not an atom")
    return Atom(kind, name, args, low, high)


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise BadForm("not an integer")
    return value
