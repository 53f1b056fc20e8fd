"""Canonicalization of logic, comparisons, bits and selection."""

from __future__ import annotations

from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.passes.match import (
    Operands,
    RuleTable,
    filled,
    fitted,
    has_integers,
    is_all,
    made_by,
    other_than,
)

_NEGATED = {"equal": "not_equal", "not_equal": "equal"}
_NEGATED_ORDER = {
    "less": "greater_equal", "less_equal": "greater", "greater": "less_equal", "greater_equal": "less",
}  # fmt: skip
_TRUE_OF_EQUALS = frozenset(("equal", "less_equal", "greater_equal"))


def not_not(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: not not x = x."""
    return x[0].node.operands[0] if made_by(x[0], "logical_not") else None


def not_comparison(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: not (a == b) = a != b; not (a < b) = a >= b and so on for integers only, because of NaN."""
    inner = x[0].node
    name = _NEGATED.get(inner.op.name)
    if name is None and inner.operands and has_integers(inner.operands[0]):
        name = _NEGATED_ORDER.get(inner.op.name)
    return None if name is None else f.apply(name, inner.operands, {})[0]


def compare_self(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x == x is true and x < x is false for integers and bools (NaN differs from itself)."""
    if x[0] is not x[1] or x[0].type.dtype.kind not in "iub":
        return None
    return filled(f, node, node.op.name in _TRUE_OF_EQUALS)


def and_or_self(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x & x = x | x = x."""
    return x[0] if x[0] is x[1] else None


def xor_self(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x ^ x = 0."""
    return filled(f, node, 0) if x[0] is x[1] else None


def and_constant(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x & (all ones) = x and x & 0 = 0; all ones is True for bool."""
    kept = other_than(x, _all_ones)
    if kept is not None:
        return fitted(f, kept, node.result.type)
    return None if other_than(x, _all_zeros) is None else filled(f, node, 0)


def or_constant(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x | 0 = x and x | (all ones) = all ones."""
    kept = other_than(x, _all_zeros)
    if kept is not None:
        return fitted(f, kept, node.result.type)
    return None if other_than(x, _all_ones) is None else filled(f, node, _ones(x[0]))


def xor_zero(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x ^ 0 = x."""
    kept = other_than(x, _all_zeros)
    return None if kept is None else fitted(f, kept, node.result.type)


def xor_true(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x ^ True = not x for bool."""
    if not x[0].type.dtype.is_bool or node.op.name != "logical_xor":
        return None
    kept = other_than(x, _all_ones)
    return None if kept is None else fitted(f, f.logical_not(kept), node.result.type)


def shift_zero(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x << 0 = x >> 0 = x."""
    return fitted(f, x[0], node.result.type) if _all_zeros(x[1]) else None


def select_constant(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: select(True, a, b) = a and select(False, a, b) = b."""
    if _all_ones(x[0]):
        return fitted(f, x[1], node.result.type)
    return fitted(f, x[2], node.result.type) if _all_zeros(x[0]) else None


def select_equal(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: select(c, a, a) = a."""
    return fitted(f, x[1], node.result.type) if x[1] is x[2] else None


def select_not(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: select(not c, a, b) = select(c, b, a)."""
    return f.select(x[0].node.operands[0], x[2], x[1]) if made_by(x[0], "logical_not") else None


def _ones(value: Value) -> int:
    """All bits set, as a number of the value's dtype."""
    dtype = value.type.dtype
    return 1 if dtype.is_bool else (2 ** (dtype.size * 8) - 1 if dtype.is_unsigned else -1)


def _all_ones(value: Value) -> bool:
    return is_all(value, _ones(value))


def _all_zeros(value: Value) -> bool:
    return is_all(value, 0)


RULES: RuleTable = {
    "logical_not": (not_not, not_comparison),
    "logical_and": (and_or_self, and_constant),
    "logical_or": (and_or_self, or_constant),
    "logical_xor": (xor_self, xor_zero, xor_true),
    "bitwise_and": (and_or_self, and_constant),
    "bitwise_or": (and_or_self, or_constant),
    "bitwise_xor": (xor_self, xor_zero),
    "shift_left": (shift_zero,),
    "shift_right": (shift_zero,),
    "equal": (compare_self,),
    "not_equal": (compare_self,),
    "less": (compare_self,),
    "less_equal": (compare_self,),
    "greater": (compare_self,),
    "greater_equal": (compare_self,),
    "select": (select_constant, select_equal, select_not),
}
"""Op name -> rules."""
