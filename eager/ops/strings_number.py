"""tf.strings: numbers from strings and strings from numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.public import public
from eager.ops.strings_host import elementwise, string_tensor
from eager.tensor import Tensor
from graphcore.dtypes import DType, as_dtype, float32, string

_FLOAT = re.compile(rb"\s*[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?|inf|nan|0x[0-9a-f]+)\s*", re.IGNORECASE)
_INT = re.compile(rb"\s*[-+]?\d+\s*")


@public("strings.to_number")
def to_number(input: Any, out_type: Any = float32, name: str | None = None) -> Tensor:
    """The number that each string writes (tf.strings.to_number).

    Args:
        input: strings.
        out_type: float32, float64, int32 or int64.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for a string that is no number of that dtype, or another dtype.
    """
    del name
    kind = as_dtype(out_type)
    if kind.name not in ("float32", "float64", "int32", "int64"):
        raise InvalidArgumentError(f"strings.to_number: out_type is {kind.name}, expected a 32- or 64-bit number")

    def one(s: bytes) -> float:
        if (_FLOAT if kind.is_floating else _INT).fullmatch(s):
            value = float.fromhex(s.decode()) if b"x" in s.lower() else float(s) if kind.is_floating else int(s)
            if kind.is_floating or kind.min <= value <= kind.max:
                return value
        raise InvalidArgumentError(f"strings.to_number: could not convert {s!r} to {kind.name}")

    return elementwise("to_number", one, [string_tensor(input, "to_number")], kind)


def _style(kind: DType, precision: int, scientific: bool, shortest: bool, width: int, fill: str) -> Callable[..., str]:
    if precision > -1 and not (kind.is_floating or kind.is_complex):
        raise InvalidArgumentError(f"as_string: precision is for floating dtypes, not for {kind.name}")
    if scientific and shortest:
        raise InvalidArgumentError("as_string: give only one of scientific and shortest")
    if len(fill) > 1:
        raise InvalidArgumentError(f"as_string: fill is {fill!r}, expected one character")
    flag = fill if fill in ("0", "-", "+", " ") else ""
    width_text = str(width) if width > -1 else ""
    digits = f".{precision}" if precision > -1 else ""
    letter = "d" if kind.is_integer else "e" if scientific else "g" if shortest else "f"
    return lambda x: f"%{flag}{width_text}{digits}{letter}" % x


@public("strings.as_string", "as_string")
def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1,
    fill: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers written as strings, as C's printf does (tf.strings.as_string).

    Args:
        input: numbers, bools ("true", "false") or strings, which stay.
        precision: digits behind the point of floating numbers; 6 by default.
        scientific: 1.5e+00 instead of 1.500000.
        shortest: the shorter of both (%g).
        width: at least so many characters.
        fill: "0", "+", " " or "-" (to the left).
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for options that do not go with the dtype or with each other.
    """
    del name
    x = convert(input)
    if x.dtype is string:
        return x
    if x.dtype.is_bool:
        return elementwise("as_string", lambda v: b"true" if v else b"false", [x])
    write = _style(x.dtype, precision, scientific, shortest, width, fill)
    if x.dtype.is_complex:
        return elementwise("as_string", lambda v: f"({write(v.real)},{write(v.imag)})".encode(), [x])
    one = np.float64 if x.dtype.is_floating else int
    return elementwise("as_string", lambda v: write(one(v)).encode(), [x])
