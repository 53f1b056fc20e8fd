"""Words that need a loop: exact floating remainder, and integer power."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from codegen.emit.text import FunctionText
from codegen.emit.value_base import Val, mangle, scalar_type
from graphcore.dtypes import float32, float64

if TYPE_CHECKING:
    from codegen.emit.value_arith import Arithmetic
    from codegen.emit.values import LlvmHandler


def fmod(k: Arithmetic, a: Val, b: Val) -> Val:
    """C's fmod of each lane: exact, the sign of `a`. The only word that calls libm (fmod, fmodf), and seldom.

    With q the quotient of the magnitudes, rounded and truncated, |a| - q |b| is the remainder or the remainder less
    |b|, and both have no more bits than the operands: a fused multiply-add gives it exactly, and float64 does for
    float32. That holds while q has all its bits; vectors with a larger quotient, or with an infinity or NaN, go to
    libm.
    """
    a, b = k.unify(a, b)
    if not k.has_fma and a.dtype is not float32:
        return k.op("frem", a, b)
    name = f"layerjit.fmod.{a.dtype.name}.x{a.lanes}"

    def build(fn: FunctionText) -> None:
        handler = cast("LlvmHandler", type(k)(fn, k.isa, k.lanes, has_fma=k.has_fma))
        _fmod(handler, Val("%a", a.dtype, a.lanes), Val("%b", a.dtype, a.lanes))

    k.fn.module.helper(name, [f"{a.type} %a", f"{a.type} %b"], a.type, build)
    text = k.fn.call(a.type, name, [(a.type, a.text), (a.type, b.text)], external=False)
    return Val(text, a.dtype, a.lanes)


def _fmod(k: LlvmHandler, a: Val, b: Val) -> None:
    fn = k.fn
    x, y, zero = k.abs(a), k.abs(b), k.like(0.0, a)
    quotient = k.trunc(k.div(x, y))
    limit = k.like(2.0 ** (24 if a.dtype is float32 else 53), a)
    by_zero = k.eq(y, zero)
    served = k.and_(k.lt(quotient, limit), k.lt(y, k.like(float("inf"), a)))
    slow, fast = fn.new_label("slow"), fn.new_label("fast")
    # Divisors of zero, as in the lanes beyond the end of an array, give NaN without libm.
    fn.branch_if(any_lane(k, k.not_(k.or_(served, by_zero))), slow, fast)
    fn.place(slow)
    fn.ret(k.op("frem", a, b).typed)
    fn.place(fast)
    if k.has_fma:
        rest = k.fma(k.neg(quotient), y, x)
    else:
        wide = k.mul(k.cast(quotient, float64), k.cast(y, float64))
        rest = k.cast(k.sub(k.cast(x, float64), wide), a.dtype)
    rest = k.select(k.lt(rest, zero), k.add(rest, y), rest)
    rest = k.select(by_zero, k.like(float("nan"), a), rest)
    fn.ret(k.copysign(rest, a).typed)


def any_lane(k: Arithmetic, x: Val) -> str:
    """An i1 that tells whether any lane of a bool is set."""
    if x.lanes == 1:
        return x.text
    return k.fn.call("i1", f"llvm.vector.reduce.or.{mangle('i1', x.lanes)}", [(x.type, x.text)])


def integer_power(k: Arithmetic, base: Val, exponent: Val) -> Val:
    """`base ** exponent`, wrapping; a negative exponent gives the truncated reciprocal (0, 1 or -1)."""
    name = f"layerjit.pow.{base.dtype.name}.{mangle(scalar_type(base.dtype), base.lanes)}"

    def build(fn: FunctionText) -> None:
        handler = type(k)(fn, k.isa, k.lanes, has_fma=k.has_fma)
        _power_loop(handler, Val("%base", base.dtype, base.lanes), Val("%exponent", base.dtype, base.lanes))

    k.fn.module.helper(name, [f"{base.type} %base", f"{base.type} %exponent"], base.type, build)
    text = k.fn.call(base.type, name, [(base.type, base.text), (base.type, exponent.text)], external=False)
    return Val(text, base.dtype, base.lanes)


def _power_loop(k: Arithmetic, base: Val, exponent: Val) -> None:
    fn, lanes = k.fn, base.lanes
    one, zero = k.like(1, base), k.like(0, base)
    count = exponent
    if base.dtype.kind == "i":
        count = k.abs(exponent)
    loop, done = fn.new_label("power"), fn.new_label("done")
    arms = [[(start.text, fn.block)] for start in (k.splat(one, lanes), base, count)]
    fn.branch(loop)
    fn.place(loop)
    result, square, left = (Val(fn.phi(base.type, arm), base.dtype, lanes) for arm in arms)
    # The count is read as unsigned, so that the magnitude of the smallest integer is right too.
    odd = k.ne(k.and_(left, one), zero)
    power = k.select(odd, k.mul(result, square), result)
    rest = k.op("lshr", left, k.splat(one, lanes))
    for arm, value in zip(arms, (power, k.mul(square, square), rest), strict=True):
        arm.append((value.text, loop))
    fn.branch_if(any_lane(k, k.ne(rest, zero)), loop, done)
    fn.place(done)
    if base.dtype.kind == "i":
        unit = k.or_(k.eq(base, one), k.eq(base, k.like(-1, base)))
        reciprocal = k.select(unit, power, zero)
        power = k.select(k.lt(exponent, zero), reciprocal, power)
    fn.ret(power.typed)
