"""Records to JSON and back, checked against their fields' types on the way in."""

from __future__ import annotations

import dataclasses
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

MAX_DEPTH = 48
"""Nesting of records: a body graph inside a node takes two levels."""

_Record = TypeVar("_Record")
_hints: dict[type, dict[str, Any]] = {}


def to_json(record: Any) -> dict[str, Any]:
    """A record as nested dictionaries and lists."""
    return dataclasses.asdict(record)


def from_json(cls: type[_Record], value: object, depth: int = 0) -> _Record:
    """A record of class `cls` from what JSON gave.

    Raises:
        ValueError: naming the field that is missing, unknown or of another type, or the nesting limit.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if not isinstance(value, dict):
        raise ValueError(f"{cls.__name__} is {type(value).__name__}, expected an object")
    hints = _hints.setdefault(cls, get_type_hints(cls))
    if set(value) != set(hints):
        wrong = ", ".join(sorted(set(map(str, value)) ^ set(hints)))
        raise ValueError(f"{cls.__name__} has other fields than expected: {wrong}")
    return cls(**{k: _checked(t, value[k], f"{cls.__name__}.{k}", depth + 1) for k, t in hints.items()})


def _checked(type_: Any, value: Any, where: str, depth: int) -> Any:
    origin, args = get_origin(type_), get_args(type_)
    if type_ is Any:
        return value
    if origin is list:
        if not isinstance(value, list):
            raise ValueError(f"{where} is {type(value).__name__}, expected a list")
        return [_checked(args[0], item, where, depth) for item in value]
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{where} is {type(value).__name__}, expected an object")
        return {str(k): _checked(args[1], v, where, depth) for k, v in value.items()}
    if origin is UnionType:
        return None if value is None and NoneType in args else _checked(args[0], value, where, depth)
    if isinstance(type_, type) and dataclasses.is_dataclass(type_):
        return from_json(type_, value, depth)
    return _scalar(type_, value, where)


def _scalar(type_: type, value: Any, where: str) -> Any:
    if type_ is float and type(value) is int:
        return float(value)
    if type(value) is not type_:
        raise ValueError(f"{where} is {type(value).__name__}, expected {type_.__name__}")
    return value
