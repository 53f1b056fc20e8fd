"""What canonicalization rules ask about values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.types import TensorType

Operands: TypeAlias = tuple[Value, ...]
Rule: TypeAlias = Callable[[Functions, Node, Operands], Value | None]
"""(emitting op functions, node, its operands in the new graph) -> what equals the node's result, or None."""

RuleTable: TypeAlias = Mapping[str, tuple[Rule, ...]]
"""Op name -> the rules to try on nodes of that op, in order."""

_MAX_SEARCHED = 4096


def made_by(value: Value, op: str) -> bool:
    """Whether a node of this op gives the value."""
    return value.node.op.name == op


def constant_array(value: Value) -> np.ndarray[Any, Any] | None:
    """The array of a constant, or of a constant that is broadcast; None for other values."""
    if made_by(value, "broadcast_to"):
        value = value.node.operands[0]
    return value.node.attrs["value"].array if made_by(value, "constant") else None


def uniform(value: Value) -> Any:
    """The NumPy scalar that every element of a constant is, bit for bit; None if there is no such scalar."""
    array = constant_array(value)
    if array is None or not 0 < array.size <= _MAX_SEARCHED or array.dtype.kind == "O":
        return None
    first = array.reshape(-1)[0]
    return first if array.size == 1 or array.tobytes() == first.tobytes() * array.size else None


def is_all(value: Value, number: float) -> bool:
    """Whether every element of a constant has exactly the bits of `number` in the constant's dtype."""
    found = uniform(value)
    return found is not None and found.tobytes() == value.type.dtype.numpy.type(number).tobytes()


def single(value: Value, number: float) -> bool:
    """As `is_all`, for constants of one element, broadcast or not."""
    array = constant_array(value)
    return array is not None and array.size == 1 and is_all(value, number)


def has_integers(value: Value) -> bool:
    """Whether a value holds integers (bool is none)."""
    return value.type.dtype.is_integer


def fitted(f: Functions, value: Value, type_: TensorType) -> Value:
    """The value broadcast to a type's shape, if it does not have it already."""
    return value if value.type.shape == type_.shape else f.broadcast_to(value, shape=type_.shape)


def filled(f: Functions, node: Node, number: Any) -> Value:
    """A value of the type of the node's result whose elements all are `number`."""
    return f.full(node.result.type, number)


def other_than(x: Operands, found: Callable[[Value], bool]) -> Value | None:
    """Of two operands the one beside the one that `found` accepts."""
    if found(x[1]):
        return x[0]
    return x[1] if found(x[0]) else None
