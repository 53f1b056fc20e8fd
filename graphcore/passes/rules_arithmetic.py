"""Canonicalization of arithmetic. Laws hold bit for bit: NaN, infinities, signed zeros, wrapping included."""

from __future__ import annotations

import math

import numpy as np

from graphcore.dtypes import DType, as_dtype
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
    single,
    uniform,
)  # fmt: skip


def add_zero(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x + (-0.0) = x for floats (x + 0.0 is 0.0 for x = -0.0), x + 0 = x for integers."""
    zero = -0.0 if x[0].type.dtype.is_floating else 0
    kept = other_than(x, lambda v: is_all(v, zero))
    return None if kept is None else fitted(f, kept, node.result.type)


def sub_zero(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x - 0 = x."""
    return fitted(f, x[0], node.result.type) if is_all(x[1], 0) else None


def sub_self(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x - x = 0 for integers."""
    return filled(f, node, 0) if x[0] is x[1] and has_integers(x[0]) else None


def mul_one(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x * 1 = x."""
    kept = other_than(x, lambda v: is_all(v, 1))
    return None if kept is None else fitted(f, kept, node.result.type)


def mul_zero(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x * 0 = 0 for integers."""
    if not has_integers(x[0]) or other_than(x, lambda v: is_all(v, 0)) is None:
        return None
    return filled(f, node, 0)


def div_one(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x / 1 = x, and x // 1 = x for integers."""
    if not is_all(x[1], 1) or (node.op.name == "floordiv" and not has_integers(x[0])):
        return None
    return fitted(f, x[0], node.result.type)


def mod_one(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x % 1 = 0 for integers."""
    return filled(f, node, 0) if has_integers(x[0]) and is_all(x[1], 1) else None


def div_power_of_two(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x / 2**k = x * 2**-k where 2**-k is a number of the dtype: both round the same real number."""
    divisor = uniform(x[1])
    if divisor is None or not math.isfinite(divisor) or abs(math.frexp(float(divisor))[0]) != 0.5:
        return None
    with np.errstate(all="ignore"):
        inverse = x[1].type.dtype.numpy.type(np.float64(1) / np.float64(divisor))
    if not math.isfinite(inverse) or float(inverse) * float(divisor) != 1:
        return None
    return f.mul(x[0], f.constant(inverse, like=x[1]))


def neg_neg(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: -(-x) = x."""
    return x[0].node.operands[0] if made_by(x[0], "neg") else None


def abs_of_sign_change(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: |-x| = |x| for signed types (unsigned -x wraps), and ||x|| = |x|."""
    if made_by(x[0], "abs"):
        return x[0]
    wraps = x[0].type.dtype.is_unsigned
    return f.abs(x[0].node.operands[0]) if made_by(x[0], "neg") and not wraps else None


def pick_equal(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: min(x, x) = max(x, x) = x."""
    return x[0] if x[0] is x[1] else None


def apply_once(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: g(g(x)) = g(x) for relu and sign."""
    return x[0] if made_by(x[0], node.op.name) else None


def round_rounded(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: floor, ceil and round of what is whole already change nothing."""
    return x[0] if x[0].node.op.name in ("floor", "ceil", "round") else None


def pow_square(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x ** 2 = x * x, which is how NumPy computes it for an exponent of one element."""
    return fitted(f, f.mul(x[0], x[0]), node.result.type) if single(x[1], 2) else None


def pow_one(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x ** 1 = x."""
    return fitted(f, x[0], node.result.type) if single(x[1], 1) else None


def pow_zero(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: x ** 0 = 1, also for NaN."""
    return filled(f, node, 1) if single(x[1], 0) else None


def cast_same(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: a cast or bitcast to the dtype that is there already changes nothing."""
    return x[0] if as_dtype(node.attrs["dtype"]) is x[0].type.dtype else None


def cast_chain(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: cast(cast(x, wide), t) = cast(x, t) where `wide` holds all values of x and both convert alike."""
    if not made_by(x[0], "cast"):
        return None
    source = x[0].node.operands[0]
    target = node.result.type.dtype
    if not holds(x[0].type.dtype, source.type.dtype):
        return None
    # Integers wrap and floats saturate on the way to an integer, so an integer may not pass through a float,
    # unless the target holds it anyway.
    through_float = source.type.dtype.kind in "iu" and x[0].type.dtype.is_floating and target.is_integer
    if through_float and not holds(target, source.type.dtype):
        return None
    return f.cast(source, dtype=target)


def bitcast_chain(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: bitcast(bitcast(x, a), b) = bitcast(x, b)."""
    if not made_by(x[0], "bitcast"):
        return None
    return f.bitcast(x[0].node.operands[0], dtype=node.result.type.dtype)


_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def holds(wide: DType, narrow: DType) -> bool:
    """Whether `wide` represents every value of `narrow` exactly."""
    if wide is narrow or narrow.is_bool:
        return wide is narrow or wide.is_numeric
    if narrow.is_integer:
        value_bits = narrow.size * 8 - (not narrow.is_unsigned)
        if wide.is_integer:
            signs_fit = narrow.is_unsigned or not wide.is_unsigned
            return signs_fit and value_bits <= wide.size * 8 - (not wide.is_unsigned)
        return value_bits < _DIGITS.get(wide.name, 0)
    return (narrow.name, wide.name) in _WIDER_FLOATS


_WIDER_FLOATS = {
    ("float16", "float32"), ("float16", "float64"), ("bfloat16", "float32"), ("bfloat16", "float64"),
    ("float32", "float64"),
}  # fmt: skip


RULES: RuleTable = {
    "add": (add_zero,),
    "sub": (sub_zero, sub_self),
    "mul": (mul_one, mul_zero),
    "div": (div_one, div_power_of_two),
    "floordiv": (div_one,),
    "mod": (mod_one,),
    "pow": (pow_square, pow_one, pow_zero),
    "neg": (neg_neg,),
    "abs": (abs_of_sign_change,),
    "minimum": (pick_equal,),
    "maximum": (pick_equal,),
    "relu": (apply_once,),
    "sign": (apply_once,),
    "floor": (round_rounded,),
    "ceil": (round_rounded,),
    "round": (round_rounded,),
    "cast": (cast_same, cast_chain),
    "bitcast": (cast_same, bitcast_chain),
}
"""Op name -> rules."""
