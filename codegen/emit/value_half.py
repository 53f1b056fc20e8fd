"""16-bit floats: their conversion from and to float32, rounded to nearest even, as instructions or integer arithmetic.

A float16 or bfloat16 lies in a register as its 16 bits (i16). With F16C (avx2 and avx512) LLVM converts float16 by one
instruction a vector; elsewhere it would call a library function per lane, so integer arithmetic does it, after
F. Giesen, "Float->half variants" and "half->float variants" (2012). NaN becomes a quiet NaN of the same sign.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codegen.emit.text import FunctionText
from codegen.emit.value_base import Val, scalar_type, vector_type
from graphcore.dtypes import DType, bool_, float32, float64, int32, uint32

if TYPE_CHECKING:
    from codegen.emit.value_arith import Arithmetic

_SIZE = 0x7FFF_FFFF
_INFINITY = 0x7F80_0000
_QUIET = 0x0040_0000
_HALF_OVERFLOW = (127 + 16) << 23  # 2**16, the first power of two beyond float16
_HALF_NORMAL = (127 - 14) << 23  # 2**-14, the smallest normal float16
_REBIAS = (127 - 15) << 23
_DENORMAL_MAGIC = (127 - 15 + 23 - 10 + 1) << 23  # adding this float aligns a denormal float16 to bit 0, rounded


def widen(k: Arithmetic, x: Val) -> Val:
    """A 16-bit float as float32: exact."""
    if x.dtype.name == "bfloat16":
        return _as(k, k.shl(_resize(k, x, "zext", uint32), k.const(16, uint32)), float32)
    if not k.has_half:
        return _called(k, "widen", _widen_bits, x, float32)
    half = k.fn.emit(f"bitcast {x.typed} to {vector_type('half', x.lanes)}")
    text = k.fn.emit(f"fpext {vector_type('half', x.lanes)} {half} to {vector_type('float', x.lanes)}")
    return Val(text, float32, x.lanes)


def narrow(k: Arithmetic, x: Val, dtype: DType) -> Val:
    """A float32 as float16 or bfloat16, rounded to nearest even."""
    if dtype.name == "bfloat16":
        return _resize(k, _bfloat16_bits(k, x), "trunc", dtype)
    if not k.has_half:
        return _called(k, "narrow", lambda h, y: _resize(h, _float16_bits(h, y), "trunc", dtype), x, dtype)
    half = k.fn.emit(f"fptrunc {x.typed} to {vector_type('half', x.lanes)}")
    text = k.fn.emit(f"bitcast {vector_type('half', x.lanes)} {half} to {vector_type('i16', x.lanes)}")
    return Val(text, dtype, x.lanes)


def odd_float32(k: Arithmetic, x: Val) -> Val:
    """A float64 as float32, inexact ones rounded to odd: rounding that to 16 bits is as rounding x once."""
    near = Val(k.fn.emit(f"fptrunc {x.typed} to {vector_type('float', x.lanes)}"), float32, x.lanes)
    back = Val(k.fn.emit(f"fpext {near.typed} to {x.type}"), float64, x.lanes)
    bits, one = _as(k, near, uint32), k.const(1, uint32)
    toward_zero = k.select(k.gt(k.abs(back), k.abs(x)), k.sub(bits, one), bits)
    inexact = k.op("fcmp one", back, x, bool_)
    return _as(k, k.select(inexact, k.or_(toward_zero, one), bits), float32)


def _called(k: Arithmetic, name: str, body: Callable[[Arithmetic, Val], Val], x: Val, dtype: DType) -> Val:
    """A conversion as a function of the module: it is too long to stand wherever a float16 is read or written."""
    result = vector_type(scalar_type(dtype), x.lanes)
    full = f"layerjit.{name}.float16.{x.lanes}"

    def build(fn: FunctionText) -> None:
        fn.ret(body(type(k)(fn, k.isa, k.lanes, has_fma=k.has_fma), Val("%x", x.dtype, x.lanes)).typed)

    k.fn.module.helper(full, [f"{x.type} %x"], result, build)
    return Val(k.fn.call(result, full, [(x.type, x.text)], external=False), dtype, x.lanes)


def _as(k: Arithmetic, x: Val, dtype: DType) -> Val:
    return k.bitcast(x, dtype)


def _resize(k: Arithmetic, x: Val, opcode: str, dtype: DType) -> Val:
    """The bits of x with zeros before them, or the low half of them."""
    wide = "i32" if opcode == "zext" else "i16"
    return Val(k.fn.emit(f"{opcode} {x.typed} to {vector_type(wide, x.lanes)}"), dtype, x.lanes)


def _bfloat16_bits(k: Arithmetic, x: Val) -> Val:
    """The upper half of a float32, rounded; a carry into the exponent is as it should be."""
    bits, shift = _as(k, x, uint32), k.const(16, uint32)
    high = k.shr(bits, shift)
    odd = k.and_(high, k.const(1, uint32))
    rounded = k.shr(k.add(bits, k.add(odd, k.const(0x7FFF, uint32))), shift)
    return k.select(k.is_nan(x), k.or_(high, k.const(_QUIET >> 16, uint32)), rounded)


def _float16_bits(k: Arithmetic, x: Val) -> Val:
    """The bits of the float16 nearest to a float32, in the low half of an int32.

    Without the sign everything is a non-negative int32, which SSE2 can compare.
    """

    def const(value: int) -> Val:
        return k.const(value, int32)

    bits = _as(k, x, int32)
    size = k.and_(bits, const(_SIZE))
    odd = k.and_(k.shr(size, const(13)), const(1))
    normal = k.shr(k.add(k.sub(size, const(_REBIAS - 0xFFF)), odd), const(13))
    magic = const(_DENORMAL_MAGIC)
    tiny = k.sub(_as(k, k.add(_as(k, size, float32), _as(k, magic, float32)), int32), magic)
    nan = k.or_(k.and_(k.shr(size, const(13)), const(0x3FF)), const(0x7E00))
    huge = k.select(k.gt(size, const(_INFINITY)), nan, const(0x7C00))
    found = k.select(k.gt(const(_HALF_NORMAL), size), tiny, normal)
    found = k.select(k.gt(size, const(_HALF_OVERFLOW - 1)), huge, found)
    return k.or_(found, k.and_(k.shr(bits, const(16)), const(0x8000)))


def _widen_bits(k: Arithmetic, x: Val) -> Val:
    """The float32 of a float16."""
    bits = _resize(k, x, "zext", int32)

    def const(value: int) -> Val:
        return k.const(value, int32)

    size = k.shl(k.and_(bits, const(0x7FFF)), const(13))
    normal = k.add(size, const(_REBIAS))
    # A denormal is its bits as a fraction of 2**-14: what 2**-14 has too much is taken off exactly.
    least = const(_HALF_NORMAL)
    tiny = _as(k, k.sub(_as(k, k.add(size, least), float32), _as(k, least, float32)), int32)
    special = k.add(normal, const(_REBIAS))
    quiet = k.select(k.gt(size, const(0x7C00 << 13)), k.or_(special, const(_QUIET)), special)
    found = k.select(k.gt(const(0x0400 << 13), size), tiny, normal)
    found = k.select(k.gt(size, const((0x7C00 << 13) - 1)), quiet, found)
    return _as(k, k.or_(found, k.shl(k.and_(bits, const(0x8000)), const(16))), float32)
