"""Words that need a loop: exact floating remainder, and integer power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.emit.text import FunctionText
from codegen.emit.value_base import Val, mangle, scalar_type

if TYPE_CHECKING:
    from codegen.emit.value_arith import Arithmetic


def fmod(k: Arithmetic, a: Val, b: Val) -> Val:
    """C's fmod of each lane: exact, the sign of `a`. The only word that calls libm (fmod, fmodf)."""
    return k.op("frem", a, b)


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
