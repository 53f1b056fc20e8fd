"""Reading literals of the text form: sizes, types, constants, attribute values. No evaluation of any text."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype
from graphcore.graph import Const
from graphcore.text_print import DTYPE_NAMES
from graphcore.text_scan import Scanner
from graphcore.types import TensorType

MAX_FACTORS = 64
"""A longer product in a size is refused; putting it in order takes more than linear time."""

Symbols = Mapping[str, Dim]
_WORDS = {"True": True, "False": False, "None": None}
_FLOATS = {"inf": float("inf"), "nan": float("nan")}
_DIM_FUNCTIONS: dict[str, Callable[[Dim, Dim], Dim]] = {
    "floordiv": dims.floordiv, "mod": dims.mod, "min": dims.minimum, "max": dims.maximum,
}  # fmt: skip


def read_literal(s: Scanner, symbols: Symbols) -> Any:
    """One attribute value. Raises ParseError with the line."""
    s.enter()
    try:
        return _read(s, symbols)
    finally:
        s.leave()


def _read(s: Scanner, symbols: Symbols) -> Any:
    kind, text = s.ahead.kind, s.ahead.text
    if kind == "string":
        return s.string()
    if kind == "opaque":
        s.fail(f"{text} stands for an object of the running program and cannot be read back from text")
    if kind == "sign" and text in "([{":
        return {"(": _tuple, "[": _list, "{": _dict}[text](s, symbols)
    if kind == "name" and text in _WORDS:
        s.take()
        return _WORDS[text]
    if kind == "name" and text in DTYPE_NAMES:
        return _typed(s, symbols)
    return _number(s, symbols)


def _tuple(s: Scanner, symbols: Symbols) -> tuple[Any, ...]:
    return tuple(_items(s, symbols, "(", ")", read_literal))


def _list(s: Scanner, symbols: Symbols) -> list[Any]:
    return _items(s, symbols, "[", "]", read_literal)


def _dict(s: Scanner, symbols: Symbols) -> dict[str, Any]:
    def pair(s: Scanner, symbols: Symbols) -> tuple[str, Any]:
        key = s.string()
        s.expect("sign", ":")
        return key, read_literal(s, symbols)

    return dict(_items(s, symbols, "{", "}", pair))


def _items(s: Scanner, symbols: Symbols, first: str, last: str, read: Callable[..., Any]) -> list[Any]:
    s.expect("sign", first)
    found: list[Any] = []
    while not s.accept(last):
        if found:
            s.expect("sign", ",")
            if s.accept(last):
                break
        found.append(read(s, symbols))
    return found


def _number(s: Scanner, symbols: Symbols) -> Any:
    """A float, or a size (an int is one)."""
    negative = s.ahead.text == "-" and s.ahead.kind == "sign"
    if not negative:
        return _float(s) if _i_float(s) else read_dim(s, symbols)
    s.take()
    return -_float(s) if _i_float(s) else read_dim(s, symbols, sign=-1)


def _i_float(s: Scanner) -> bool:
    text = s.ahead.text
    if s.ahead.kind == "name":
        return text in _FLOATS
    return s.ahead.kind == "number" and any(c in text for c in ".eExX")


def _float(s: Scanner) -> float:
    """A float without sign: decimal, hexadecimal, inf or nan."""
    token = s.take()
    if token.kind == "name" and token.text in _FLOATS:
        return _FLOATS[token.text]
    if token.kind != "number":
        s.fail(f"expected a number, found {token.text!r}")
    try:
        return float.fromhex(token.text) if token.text[:2] in ("0x", "0X") else float(token.text)
    except (OverflowError, ValueError):
        return s.fail(f"{token.text} is not a float")


def read_dim(s: Scanner, symbols: Symbols, sign: int = 1) -> Dim:
    """A size: a sum of products of ints, symbols and floordiv, mod, min, max of sizes."""
    s.enter()
    total: Dim = 0
    while True:
        if s.ahead.kind == "sign" and s.ahead.text in "+-":
            sign = -sign if s.take().text == "-" else sign
        total = total + sign * _term(s, symbols)
        if not (s.ahead.kind == "sign" and s.ahead.text in ("+", "-")):
            s.leave()
            return total
        sign = 1


def _term(s: Scanner, symbols: Symbols) -> Dim:
    term = _factor(s, symbols)
    factors = 1
    while s.accept("*"):
        factors += 1
        if factors > MAX_FACTORS:
            s.fail(f"a product of more than {MAX_FACTORS} factors")
        term = term * _factor(s, symbols)
    return term


def _factor(s: Scanner, symbols: Symbols) -> Dim:
    if s.ahead.kind == "number":
        return read_int(s)
    if s.accept("$"):
        name = s.string()
    else:
        name = s.expect("name").text
        if name in _DIM_FUNCTIONS:
            return _function(s, symbols, name)
    if name not in symbols:
        s.fail(f"symbol {name!r} is not declared; add a line such as `dims {name} >= 1`")
    return symbols[name]


def _function(s: Scanner, symbols: Symbols, name: str) -> Dim:
    s.expect("sign", "(")
    a = read_dim(s, symbols)
    s.expect("sign", ",")
    b = read_dim(s, symbols)
    s.expect("sign", ")")
    try:
        return _DIM_FUNCTIONS[name](a, b)
    except ZeroDivisionError:
        return s.fail(f"{name}({a}, {b}) divides by zero")


def read_int(s: Scanner) -> int:
    """A plain int without sign."""
    text = s.expect("number").text
    try:
        return int(text)
    except ValueError:
        return s.fail(f"{text[:40]} is not an integer")


def read_type(s: Scanner, symbols: Symbols) -> TensorType:
    """A type such as float32[n, 4]."""
    dtype = _dtype(s)
    return TensorType(dtype, _items(s, symbols, "[", "]", read_dim))


def _dtype(s: Scanner) -> DType:
    name = s.expect("name").text
    if name not in DTYPE_NAMES:
        s.fail(f"{name} is not a dtype")
    return as_dtype(name)


def _typed(s: Scanner, symbols: Symbols) -> Any:
    """What starts with a dtype: the dtype, a scalar, a type or a constant."""
    dtype = _dtype(s)
    if s.ahead.text == "(" and s.ahead.kind == "sign":
        return dtype.numpy.type(_items(s, symbols, "(", ")", read_literal)[0])
    if not (s.ahead.text == "[" and s.ahead.kind == "sign"):
        return dtype
    type_ = TensorType(dtype, _items(s, symbols, "[", "]", read_dim))
    if s.accept("base64"):
        return _encoded(s, type_)
    if s.ahead.kind == "name" and s.ahead.text == "sha256":
        s.fail(f"the elements of this constant ({type_}) were left out; only their digest is in the text")
    if s.ahead.kind == "sign" and s.ahead.text == "(":
        return _listed(s, type_, _items(s, symbols, "(", ")", read_literal))
    return type_


def _listed(s: Scanner, type_: TensorType, items: list[Any]) -> Const:
    if len(items) != type_.size or not all(isinstance(v, bool | int | float) for v in items):
        s.fail(f"constant {type_} lists {len(items)} elements, or one that is not a number")
    try:
        # By way of object, NumPy would guess; element by element nothing is rounded twice or wrapped.
        flat = np.fromiter((type_.dtype.numpy.type(v) for v in items), type_.dtype.numpy, len(items))
    except (OverflowError, ValueError, TypeError) as error:
        s.fail(f"constant {type_}: {error}")
    return Const(flat.reshape([int(d) for d in type_.shape]))


def _encoded(s: Scanner, type_: TensorType) -> Const:
    try:
        data = binascii.a2b_base64(s.string(), strict_mode=True)
    except binascii.Error as error:
        s.fail(f"constant {type_}: bad base64: {error}")
    if not type_.is_static or len(data) != type_.bytes or type_.dtype.kind == "O":
        s.fail(f"constant {type_} needs {type_.bytes} bytes, the text has {len(data)}")
    little = np.frombuffer(data, type_.dtype.numpy.newbyteorder("<"))
    return Const(little.astype(type_.dtype.numpy).reshape([int(d) for d in type_.shape]))
