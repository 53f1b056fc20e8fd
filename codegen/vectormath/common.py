"""Pieces that several functions share: polynomials, rounding by a magic number, scaling by powers of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphcore.dtypes import DType, float32, int32, int64

if TYPE_CHECKING:
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler


class Format:
    """The layout of a floating dtype.

    Attributes:
        mantissa: stored mantissa bits.
        bias: the exponent's bias.
        integer: the signed integer dtype of equal size.
        magic: 1.5 * 2**mantissa; adding it rounds a small number to an integer, kept in the low bits of the
            sum.
        magic_bits: the bits of `magic`.
    """

    __slots__ = ("bias", "integer", "magic", "magic_bits", "mantissa")

    def __init__(self, mantissa: int, bias: int, integer: DType) -> None:
        self.mantissa = mantissa
        self.bias = bias
        self.integer = integer
        self.magic = 1.5 * 2.0**mantissa
        self.magic_bits = ((bias + mantissa) << mantissa) | (1 << (mantissa - 1))


FLOAT32 = Format(23, 127, int32)
FLOAT64 = Format(52, 1023, int64)


def format_of(x: Val) -> Format:
    """The layout of x's dtype."""
    return FLOAT32 if x.dtype is float32 else FLOAT64


def polynomial(k: LlvmHandler, x: Val, coefficients: Sequence[float]) -> Val:
    """Horner's scheme; coefficients from the constant term up."""
    result = k.splat(k.like(coefficients[-1], x), x.lanes)
    for c in reversed(coefficients[:-1]):
        result = k.fma(result, x, k.like(c, x))
    return result


def round_magic(k: LlvmHandler, x: Val, factor: float) -> tuple[Val, Val]:
    """`x * factor` rounded to an integer: (the sum with the magic number, whose low bits hold it; the float).

    Needs |x * factor| < 2**(mantissa - 2).
    """
    magic = k.like(format_of(x).magic, x)
    biased = k.fma(x, k.like(factor, x), magic)
    return biased, k.sub(biased, magic)


def exponent_field(k: LlvmHandler, biased: Val) -> Val:
    """The integer in a magic sum, shifted into the exponent's place (add it to a float's bits to scale)."""
    return k.shl(k.bits(biased), k.const(format_of(biased).mantissa, format_of(biased).integer))


def scale_small(k: LlvmHandler, x: Val, biased: Val) -> Val:
    """`x * 2**n`, where neither x nor the result is zero, denormal or infinite; n as in `round_magic`."""
    return k.bitcast(k.add(k.bits(x), exponent_field(k, biased)), x.dtype)


def power_of_two(k: LlvmHandler, n: Val, dtype: DType) -> Val:
    """2.0**n for an integer vector within the normal exponents."""
    form = FLOAT32 if dtype is float32 else FLOAT64
    field = k.shl(k.add(n, k.like(form.bias, n)), k.like(form.mantissa, n))
    return k.bitcast(field, dtype)


def to_float(k: LlvmHandler, n: Val, dtype: DType) -> Val:
    """A small integer vector as floats; int64 goes through the magic number, as only AVX-512 converts it."""
    if dtype is float32:
        return k.cast(n, dtype)
    return k.sub(k.bitcast(k.add(n, k.like(FLOAT64.magic_bits, n)), dtype), k.const(FLOAT64.magic, dtype))


def scale(k: LlvmHandler, x: Val, biased: Val, rounded: Val) -> Val:
    """`x * 2**n` with one rounding, into denormals and infinity; x near 1, |n| < 1.2 * (largest exponent).

    AVX-512 has an instruction. Elsewhere the power is applied in two halves: the first product is exact, so
    the bits are equal.
    """
    native = 512 // (8 * x.dtype.size)
    if k.isa == "avx512" and x.lanes % native == 0:
        return _scalef(k, x, rounded, native)
    form = format_of(x)
    n = k.sub(k.bits(biased), k.const(form.magic_bits, form.integer))
    half = k.shr(n, k.like(1, n))
    first = k.mul(x, power_of_two(k, half, x.dtype))
    return k.mul(first, power_of_two(k, k.sub(n, half), x.dtype))


def _scalef(k: LlvmHandler, x: Val, n: Val, native: int) -> Val:
    suffix, mask = ("ps", "i16") if x.dtype is float32 else ("pd", "i8")
    parts: list[Val] = []
    for start in range(0, x.lanes, native):
        part, power = k.slice(x, start, native), k.slice(n, start, native)
        operands = [(v.type, v.text) for v in (part, power, part)]
        name = f"llvm.x86.avx512.mask.scalef.{suffix}.512"
        text = k.fn.call(part.type, name, [*operands, (mask, "-1"), ("i32", "4")])
        parts.append(type(x)(text, x.dtype, native))
    return k.concat(parts)
