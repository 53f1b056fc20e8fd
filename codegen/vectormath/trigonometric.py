"""sin, cos and tan.

Both are internal helper functions of the module, so that kernels stay straight-line: the argument is reduced
to x = q * pi / 2 + r, then sin r or cos r is a polynomial, picked and negated by q; tan is
a quotient of both. Up to 2**20 quarter turns
the reduction multiplies q by pi / 2 in parts whose products are exact (Cody and Waite); lanes beyond take
Payne and Hanek's reduction in integers, one lane at a time. float32 is computed in float64. The float64
polynomials are those of fdlibm's k_sin.c and k_cos.c (Sun Microsystems, 1993, freely usable); no call leaves
the module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codegen.vectormath.common import FLOAT64, polynomial
from codegen.vectormath.payne_hanek import reduce_lane
from graphcore.dtypes import float32, float64, int64

if TYPE_CHECKING:
    from codegen.emit.text import FunctionText
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler

_TWO_OVER_PI = 0.6366197723675814
# pi / 2 in three parts of 33 bits and a rest.
_PIO2_PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
_FAST_LIMIT = 2.0**20
_SIN64 = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
_COS64 = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
# Short ones (our own, Remez exchange) for results that are rounded to float32.
_SIN32 = (
    -0.1666665487335786, 0.008332173540391377, -0.00019516655590065513,
)  # fmt: skip
_COS32 = (
    0.04166664674704465, -0.0013887361436244676, 2.4437729393197628e-05,
)  # fmt: skip


def sin(k: LlvmHandler, x: Val) -> Val:
    """The sine of radians, for every finite argument; NaN for infinities, keeps -0.0."""
    k.require_float("sin", x)
    return _call(k, x, "sin", lambda k, x: _sin_of_turned(k, x, 0))


def cos(k: LlvmHandler, x: Val) -> Val:
    """The cosine of radians, for every finite argument; NaN for infinities."""
    k.require_float("cos", x)
    return _call(k, x, "cos", lambda k, x: _sin_of_turned(k, x, 1))


def tan(k: LlvmHandler, x: Val) -> Val:
    """The tangent of radians, for every finite argument; NaN for infinities, keeps -0.0."""
    k.require_float("tan", x)
    return _call(k, x, "tan", _tan_of)


def _call(k: LlvmHandler, x: Val, word: str, formula: Callable[[LlvmHandler, Val], Val]) -> Val:
    name = f"layerjit.{word}.{x.dtype.name}.x{x.lanes}"

    def build(fn: FunctionText) -> None:
        handler = type(k)(fn, k.isa, k.lanes, has_fma=k.has_fma)
        argument = type(x)("%x", x.dtype, x.lanes)
        fn.ret(formula(handler, argument).typed)

    k.fn.module.helper(name, [f"{x.type} %x"], x.type, build)
    return type(x)(k.fn.call(x.type, name, [(x.type, x.text)], external=False), x.dtype, x.lanes)


def _sin_of_turned(k: LlvmHandler, x: Val, turn: int) -> Val:
    """`sin(x + turn * pi / 2)`."""
    q, sine, cosine = _quarter(k, x)
    q = k.add(q, k.const(turn, int64))
    value = k.select(_is_odd(k, q), cosine, sine)
    flip = k.shl(k.and_(q, k.const(2, int64)), k.const(62, int64))
    result = k.cast(k.bitcast(k.xor(k.bits(value), flip), float64), x.dtype)
    return result if turn else k.select(k.eq(x, k.like(0.0, x)), x, result)


def _tan_of(k: LlvmHandler, x: Val) -> Val:
    """`sin(x) / cos(x)`, of an odd quarter turn -cos(r) / sin(r)."""
    q, sine, cosine = _quarter(k, x)
    odd = _is_odd(k, q)
    value = k.div(k.select(odd, k.neg(cosine), sine), k.select(odd, sine, cosine))
    return k.select(k.eq(x, k.like(0.0, x)), x, k.cast(value, x.dtype))


def _quarter(k: LlvmHandler, x: Val) -> tuple[Val, Val, Val]:
    """(q, sin(r), cos(r)) in float64, with x = q * pi / 2 + r."""
    wide = k.cast(x, float64)
    single = x.dtype is float32
    q, r, rest = _reduce(k, wide, _reduce_short if single else _reduce_fast)
    return q, *(_polynomials32(k, r) if single else _polynomials64(k, r, rest))


def _is_odd(k: LlvmHandler, q: Val) -> Val:
    return k.ne(k.and_(q, k.const(1, int64)), k.const(0, int64))


def _polynomials32(k: LlvmHandler, r: Val) -> tuple[Val, Val]:
    z = k.mul(r, r)
    sine = k.fma(k.mul(r, z), polynomial(k, z, _SIN32), r)
    return sine, polynomial(k, z, (1.0, -0.5, *_COS32))


def _polynomials64(k: LlvmHandler, r: Val, rest: Val) -> tuple[Val, Val]:
    """The sin and cos of r + rest, as fdlibm's __kernel_sin and __kernel_cos arrange them."""
    z = k.mul(r, r)
    cube, half, one = k.mul(z, r), k.like(0.5, r), k.like(1.0, r)
    inner = k.sub(k.mul(half, rest), k.mul(cube, polynomial(k, z, _SIN64[1:])))
    low = k.sub(k.mul(z, inner), rest)
    sine = k.sub(r, k.sub(low, k.mul(cube, k.like(_SIN64[0], r))))
    half_z = k.mul(half, z)
    w = k.sub(one, half_z)
    correction = k.sub(k.mul(k.mul(z, z), polynomial(k, z, _COS64)), k.mul(r, rest))
    cosine = k.add(w, k.add(k.sub(k.sub(one, w), half_z), correction))
    return sine, cosine


def _reduce(
    k: LlvmHandler, x: Val, fast: Callable[[LlvmHandler, Val], tuple[Val, Val, Val]]
) -> tuple[Val, Val, Val]:
    """(q, r, rest) with x = q * pi / 2 + r + rest, q modulo 4 in its low bits, |r| about pi / 4 at most."""
    fn, lanes = k.fn, x.lanes
    q, r, rest = fast(k, x)
    size = k.abs(x)
    far = k.and_(k.ge(size, k.like(_FAST_LIMIT, x)), k.lt(size, k.like(float("inf"), x)))
    slow, join, before = fn.new_label("far"), fn.new_label("near"), fn.block
    fn.branch_if(k.any_lane(far), slow, join)
    fn.place(slow)
    far_q, far_r, far_rest = _reduce_far(k, k.select(far, x, k.like(_FAST_LIMIT, x)))
    picked = [k.select(far, a, b) for a, b in ((far_q, q), (far_r, r), (far_rest, rest))]
    after = fn.block
    fn.branch(join)
    fn.place(join)
    values: list[Val] = []
    for near, chosen in zip((q, r, rest), picked, strict=True):
        text = fn.phi(near.type, [(near.text, before), (chosen.text, after)])
        values.append(type(x)(text, near.dtype, lanes))
    return values[0], values[1], values[2]


def _reduce_short(k: LlvmHandler, x: Val) -> tuple[Val, Val, Val]:
    """For results of float32: no float32 is so close to a multiple of pi / 2 that more than 86 bits count."""
    biased = k.add(k.mul(x, k.like(_TWO_OVER_PI, x)), k.like(FLOAT64.magic, x))
    n = k.sub(biased, k.like(FLOAT64.magic, x))
    r = k.sub(x, k.mul(n, k.like(_PIO2_PARTS[0], x)))
    r = k.sub(r, k.mul(n, k.like(_PIO2_PARTS[1] + _PIO2_PARTS[2], x)))
    return k.bits(biased), r, k.splat(k.like(0.0, x), x.lanes)


def _reduce_fast(k: LlvmHandler, x: Val) -> tuple[Val, Val, Val]:
    magic = k.like(FLOAT64.magic, x)
    biased = k.add(k.mul(x, k.like(_TWO_OVER_PI, x)), magic)
    n = k.sub(biased, magic)
    # The products with the first three parts are exact, so each step loses only what is kept in its error.
    first = k.sub(x, k.mul(n, k.like(_PIO2_PARTS[0], x)))
    high, error = _exact_difference(k, first, k.mul(n, k.like(_PIO2_PARTS[1], x)))
    higher, error2 = _exact_difference(k, high, k.mul(n, k.like(_PIO2_PARTS[2], x)))
    low = k.sub(k.add(error, error2), k.mul(n, k.like(_PIO2_PARTS[3], x)))
    r = k.add(higher, low)
    rest = k.add(k.sub(higher, r), low)
    return k.bits(biased), r, rest


def _exact_difference(k: LlvmHandler, a: Val, b: Val) -> tuple[Val, Val]:
    """(d, e) with a - b == d + e exactly and d the rounded difference (Knuth)."""
    d = k.sub(a, b)
    part = k.sub(d, a)
    return d, k.sub(k.sub(a, k.sub(d, part)), k.add(b, part))


def _reduce_far(k: LlvmHandler, x: Val) -> tuple[Val, Val, Val]:
    """The reduction of every lane by integers, in a loop over the lanes through memory."""
    fn, lanes = k.fn, x.lanes
    slots = [fn.alloca(v) for v in (x.type, f"[{lanes} x i64]", x.type, x.type)]
    k.store(slots[0], x)
    loop, done = fn.new_label("lane"), fn.new_label("lanes_done")
    arms = [("0", fn.block)]
    fn.branch(loop)
    fn.place(loop)
    lane = fn.phi("i64", arms)
    places = [fn.emit(f"getelementptr double, ptr {slot}, i64 {lane}") for slot in slots]
    scalars = reduce_lane(k, k.load(places[0], float64, 1))
    for place, value in zip(places[1:], scalars, strict=True):
        k.store(place, value)
    following = fn.emit(f"add i64 {lane}, 1")
    arms.append((following, fn.block))
    again = fn.emit(f"icmp ult i64 {following}, {lanes}")
    fn.branch_if(again, loop, done)
    fn.place(done)
    q, r, rest = slots[1:]
    return k.load(q, int64, lanes), k.load(r, float64, lanes), k.load(rest, float64, lanes)
