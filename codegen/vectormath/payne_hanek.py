"""Payne and Hanek's reduction of one huge float64 modulo pi / 2, in integers.

Of the endless binary fraction of 2 / pi only 192 bits matter for a given exponent: higher ones add whole
turns, lower ones are below the precision. The window times the mantissa, modulo 2**192, holds the quadrant in
its top two bits and the fraction of a quarter turn below.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from graphcore.dtypes import float64, int64

if TYPE_CHECKING:
    from codegen.emit.text import FunctionText
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler

# 64 zero bits and the first 1216 bits of 2 / pi after the binary point, most significant first.
_TWO_OVER_PI_WORDS = (
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
)
_PIO2_HIGH, _PIO2_LOW = 1.5707963267948966, 6.123233995736766e-17


def reduce_lane(k: LlvmHandler, x: Val) -> tuple[Val, Val, Val]:
    """(q, r, rest) of one finite scalar |x| >= 1: q modulo 4 as int64, and r + rest = x - q * pi / 2."""
    fn = k.fn
    name = "layerjit.trig_reduce"
    result = "{ i64, double, double }"

    def build(helper: FunctionText) -> None:
        _build(type(k)(helper, k.isa, 1, has_fma=k.has_fma), type(x)("%x", float64, 1))

    fn.module.helper(name, ["double %x"], result, build)
    packed = fn.call(result, name, [("double", x.text)], external=False)
    parts = [fn.emit(f"extractvalue {result} {packed}, {i}") for i in range(3)]
    make = type(x)
    return make(parts[0], int64, 1), make(parts[1], float64, 1), make(parts[2], float64, 1)


def _build(k: LlvmHandler, x: Val) -> None:
    fn = k.fn
    bits = k.bits(k.abs(x)).text
    exponent = fn.emit(f"lshr i64 {bits}, 52")
    fraction = fn.emit(f"and i64 {bits}, {(1 << 52) - 1}")
    mantissa = fn.emit(f"or i64 {fraction}, {1 << 52}")
    # |x| = mantissa * 2**e with e = exponent - 1075. Bits of 2 / pi from number e - 1 on count (the first
    # bit is number 1); the table starts 64 places early, so that the place is never negative.
    place = fn.emit(f"sub i64 {exponent}, {1075 + 2 - 64}")
    product = _window_product(fn, mantissa, place)
    quadrant, magnitude, negative = _split_product(fn, product)
    r, rest = _to_radians(k, magnitude)
    flip = fn.emit(f"xor i1 {negative}, {k.lt(x, k.like(0.0, x)).text}")
    parts = [fn.emit(f"select i1 {flip}, {k.neg(v).typed}, {v.typed}") for v in (r, rest)]
    turned = fn.emit(f"sub i64 0, {quadrant}")
    q = fn.emit(f"select i1 {k.lt(x, k.like(0.0, x)).text}, i64 {turned}, i64 {quadrant}")
    result = "{ i64, double, double }"
    packed = fn.emit(f"insertvalue {result} poison, i64 {q}, 0")
    packed = fn.emit(f"insertvalue {result} {packed}, double {parts[0]}, 1")
    fn.ret(f"{result} {fn.emit(f'insertvalue {result} {packed}, double {parts[1]}, 2')}")


def _window_product(fn: FunctionText, mantissa: str, place: str) -> tuple[str, str, str]:
    """The low 192 bits of mantissa * window, as words from the least significant up."""
    count = len(_TWO_OVER_PI_WORDS)
    values = ", ".join(f"i64 {w - (1 << 64) if w >> 63 else w}" for w in _TWO_OVER_PI_WORDS)
    table = fn.module.constant(f"[{count} x i64]", f"[{values}]", 64)
    first, shift = fn.emit(f"lshr i64 {place}, 6"), fn.emit(f"and i64 {place}, 63")
    words: list[str] = []
    for i in range(4):
        index = fn.emit(f"add i64 {first}, {i}")
        pointer = fn.emit(f"getelementptr i64, ptr {table}, i64 {index}")
        words.append(fn.emit(f"load i64, ptr {pointer}, align 8"))
    window = [
        fn.call("i64", "llvm.fshl.i64", [("i64", a), ("i64", b), ("i64", shift)])
        for a, b in itertools.pairwise(words)
    ]
    wide = fn.emit(f"zext i64 {mantissa} to i128")
    low = fn.emit(f"mul i128 {wide}, {fn.emit(f'zext i64 {window[2]} to i128')}")
    middle = fn.emit(f"mul i128 {wide}, {fn.emit(f'zext i64 {window[1]} to i128')}")
    middle = fn.emit(f"add i128 {middle}, {fn.emit(f'lshr i128 {low}, 64')}")
    carried = fn.emit(f"trunc i128 {fn.emit(f'lshr i128 {middle}, 64')} to i64")
    high = fn.emit(f"add i64 {fn.emit(f'mul i64 {mantissa}, {window[0]}')}, {carried}")
    return fn.emit(f"trunc i128 {low} to i64"), fn.emit(f"trunc i128 {middle} to i64"), high


def _split_product(fn: FunctionText, words: tuple[str, str, str]) -> tuple[str, str, str]:
    """(quadrant rounded to nearest, |fraction| as an i128 in units of 2**-128, whether it is negative)."""
    low, middle, high = words
    rounded = fn.emit(f"add i64 {high}, {1 << 61}")
    quadrant = fn.emit(f"lshr i64 {rounded}, 62")
    top = fn.call("i64", "llvm.fshl.i64", [("i64", high), ("i64", middle), ("i64", "2")])
    bottom = fn.call("i64", "llvm.fshl.i64", [("i64", middle), ("i64", low), ("i64", "2")])
    shifted = fn.emit(f"shl i128 {fn.emit(f'zext i64 {top} to i128')}, 64")
    fraction = fn.emit(f"or i128 {shifted}, {fn.emit(f'zext i64 {bottom} to i128')}")
    negative = fn.emit(f"icmp slt i128 {fraction}, 0")
    minus = fn.emit(f"sub i128 0, {fraction}")
    magnitude = fn.emit(f"select i1 {negative}, i128 {minus}, i128 {fraction}")
    return quadrant, magnitude, negative


def _to_radians(k: LlvmHandler, magnitude: str) -> tuple[Val, Val]:
    """The fraction of a quarter turn (i128, units of 2**-128) times pi / 2, as a sum of two float64."""
    fn = k.fn
    zeros = fn.call("i128", "llvm.ctlz.i128", [("i128", magnitude), ("i1", "false")])
    normal = fn.emit(f"shl i128 {magnitude}, {zeros}")
    # 53 leading bits, and the 53 after them: both convert exactly.
    top = fn.emit(f"trunc i128 {fn.emit(f'lshr i128 {normal}, 75')} to i64")
    below = fn.emit(f"trunc i128 {fn.emit(f'lshr i128 {normal}, 22')} to i64")
    below = fn.emit(f"and i64 {below}, {(1 << 53) - 1}")
    make = type(k.const(0, int64))
    unit = fn.emit(f"sub i64 {1023 - 53}, {fn.emit(f'trunc i128 {zeros} to i64')}")
    scale = k.bitcast(make(fn.emit(f"shl i64 {unit}, 52"), int64), float64)
    a = k.mul(k.cast(make(top, int64), float64), scale)
    b = k.mul(k.mul(k.cast(make(below, int64), float64), scale), k.const(2.0**-53, float64))
    pio2 = k.const(_PIO2_HIGH, float64)
    high = k.mul(a, pio2)
    low = k.add(
        _product_error(k, a, pio2, high), k.add(k.mul(a, k.const(_PIO2_LOW, float64)), k.mul(b, pio2))
    )
    r = k.add(high, low)
    return r, k.add(k.sub(high, r), low)


def _product_error(k: LlvmHandler, a: Val, b: Val, product: Val) -> Val:
    """`a * b - product` exactly, by splitting the factors into halves (Dekker)."""
    a_high, a_low = _halves(k, a)
    b_high, b_low = _halves(k, b)
    rest = k.sub(k.mul(a_high, b_high), product)
    rest = k.add(k.add(rest, k.mul(a_high, b_low)), k.mul(a_low, b_high))
    return k.add(rest, k.mul(a_low, b_low))


def _halves(k: LlvmHandler, a: Val) -> tuple[Val, Val]:
    mask = k.const(-(1 << 27), int64)
    high = k.bitcast(k.and_(k.bits(a), mask), float64)
    return high, k.sub(a, high)
