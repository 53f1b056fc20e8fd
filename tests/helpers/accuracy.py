# pyright: basic
"""How many units in the last place native kernels are from the true value of their op, by references of more precision.

float32, float16 and bfloat16 are judged by float64 functions of NumPy and SciPy, float64 by mpmath.
"""

from __future__ import annotations

import functools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import mpmath
import numpy as np
from scipy import special

from codegen.compile import compile_graph
from codegen.lower.nodes import is_native
from graphcore import GraphBuilder, dims
from graphcore.dtypes import as_dtype
from graphcore.optable import OPS
from graphcore.passes.pipeline import run
from graphcore.types import TensorType

NAMES = sorted(name for name, op in OPS.items() if op.max_ulp and op.kind == "elementwise" and op.native)
"""Every op whose native kernel may deviate."""


def _silu(x):
    return x * special.expit(x)


def _gelu_tanh(x):
    a = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
    return np.where(np.isinf(x), np.where(x > 0, x, -0.0), x * special.expit(2 * a))


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _gelu(x):
    return np.where(np.isneginf(x), -0.0, x * special.ndtr(x))


def _within(function, low, high):
    """NaN outside of [low, high], where SciPy gives it too, but takes its time."""

    def inside(x):
        outside = ~((x >= low) & (x <= high))
        y = function(np.where(outside, (low + high) / 2, x))
        return np.where(x == 0, y if low == 0 else x, np.where(outside, np.nan, y))

    return inside


WIDE = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh,
    "erf": special.erf, "sin": np.sin, "cos": np.cos, "tan": np.tan, "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": special.expit, "silu": _silu, "softplus": _softplus, "gelu": _gelu, "gelu_tanh": _gelu_tanh,
    "pow": np.power, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh,
    "cosh": np.cosh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "erfc": special.erfc,
    "erfinv": _within(special.erfinv, -1, 1), "ndtri": _within(special.ndtri, 0, 1),
    "lgamma": lambda x: np.where(np.isinf(x), np.inf, special.gammaln(x)), "digamma": special.psi,
}  # fmt: skip
"""The functions in float64; a few are wrong in the last bits of float64, which is 2**-29 of those of float32."""


def _newton(start, value, slope):
    """The root that a float64 solution is near, to twice its digits each time."""
    y = mpmath.mpf(start)
    for _ in range(4):
        y -= value(y) / slope(y)
    return y


def _exact_erfinv(x):
    start = special.erfinv(float(x))
    slope = lambda y: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-y * y)  # noqa: E731
    if abs(x) < 0.5:
        return _newton(start, lambda y: mpmath.erf(y) - x, slope)
    rest = 1 - abs(x)
    return mpmath.sign(x) * _newton(abs(start), lambda y: rest - mpmath.erfc(y), slope)


def _exact_ndtri(p):
    flip = -1 if p > 0.5 else 1
    p = 1 - p if flip < 0 else p
    root = mpmath.sqrt(2)
    return flip * _newton(
        special.ndtri(float(p)), lambda y: mpmath.erfc(-y / root) / 2 - p,
        lambda y: mpmath.exp(-y * y / 2) / mpmath.sqrt(2 * mpmath.pi),
    )  # fmt: skip


def _exact_sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


EXACT = {
    name: getattr(mpmath, name)
    for name in (
        "exp", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
        "asinh", "acosh", "atanh", "erfc", "digamma", "atan2",
    )
}  # fmt: skip
EXACT |= {
    "exp2": lambda x: mpmath.mpf(2) ** x, "rsqrt": lambda x: 1 / mpmath.sqrt(x), "sigmoid": _exact_sigmoid,
    "silu": lambda x: x * _exact_sigmoid(x), "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2, "pow": lambda x, y: x**y,
    "gelu_tanh": lambda x: x * _exact_sigmoid(
        2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)
    ),
    "erfinv": _exact_erfinv, "ndtri": _exact_ndtri, "lgamma": lambda x: mpmath.re(mpmath.loggamma(x)),
}  # fmt: skip
DOMAIN = {
    "log": (0, math.inf), "rsqrt": (0, math.inf), "log1p": (-1, math.inf), "asin": (-1, 1), "acos": (-1, 1),
    "atanh": (-1, 1), "acosh": (1, math.inf), "erfinv": (-1, 1), "ndtri": (0, 1),
}  # fmt: skip
FAR = {
    "exp": (-760, 715), "exp2": (-1090, 1030), "expm1": (-60, 715), "sigmoid": (-760, 60), "silu": (-760, 1e300),
    "softplus": (-760, 1e300), "gelu": (-60, 1e300), "gelu_tanh": (-60, 1e300), "tanh": (-40, 40), "erf": (-10, 10),
    "erfc": (-10, 30), "sinh": (-715, 715), "cosh": (-715, 715), "lgamma": (-1e15, 1e300), "digamma": (-1e15, 1e300),
}  # fmt: skip
"""Where mpmath is asked; beyond, a float64 function of NumPy or SciPy has long saturated and is exact enough."""
BETWEEN_ZEROS = ("lgamma", "digamma")
"""In float64 these are judged at negative arguments in the last place of 1, or of the value at -x, where that is
larger than the result's (see graphcore/ops/scalar_gamma.py)."""
PRECISION = {"sin": 1300, "cos": 1300, "tan": 1300}


class Worst(NamedTuple):
    """The largest error met, and the operands where it was."""

    ulp: float
    operands: tuple[float, ...]
    got: float
    want: float

    def check(self, name, dtype, isa):
        """Fails if the error is beyond the table's bound."""
        bound = OPS[name].max_ulp
        assert self.ulp <= bound, (
            f"{name}({', '.join(map(repr, self.operands))}) of {dtype} on {isa} is {self.got!r}, "
            f"expected {self.want!r}: {self.ulp:.3f} ulp, the bound is {bound}"
        )


@functools.cache
def kernel(name, dtype, isa):
    """The native kernel of one op over arrays of one size, or None if the dtype has no native form."""
    builder = GraphBuilder(name)
    type_ = TensorType(as_dtype(dtype), (dims.symbol("n"),))
    count = 2 if name in ("pow", "atan2") else 1
    operands = [builder.input(type_, f"x{i}") for i in range(count)]
    graph = run(builder.finish(builder.emit(name, operands)))
    if not all(is_native(n) for n in graph.nodes if n.op.name != "input"):
        return None
    return compile_graph(graph, isa=isa)


_FORMAT = {"float16": (10, -14), "bfloat16": (7, -126), "float32": (23, -126), "float64": (52, -1022)}


def ulp_error(got, high, low: Any = 0.0):
    """|got - (high + low)| in units in the last place of the reference, which has more precision than `got`.

    Where the reference is NaN, or rounds to an infinity or zero, the error is 0 if `got` is that (in sign, too), 1 if
    it is the nearest number to it, else infinite.
    """
    mantissa, least = _FORMAT[as_dtype(got.dtype).name]
    with np.errstate(all="ignore"):
        value, rounded = got.astype(np.float64), high.astype(got.dtype).astype(np.float64)
        shift = np.maximum(np.frexp(high)[1] - 1, least) - mantissa
        # In two steps, since 2**-shift may be beyond float64.
        first = np.minimum(-shift, 900)
        error = np.ldexp(np.abs(np.ldexp(value - high, first) - np.ldexp(low, first)), -shift - first)
        same = (value == rounded) & (np.signbit(value) == np.signbit(rounded)) | (np.isnan(value) & np.isnan(rounded))
        usual = np.isfinite(rounded) & np.isfinite(value) & ((value != 0) | (rounded != 0))
        smaller, larger = np.minimum(np.abs(value), np.abs(rounded)), np.maximum(np.abs(value), np.abs(rounded))
        edge = np.isinf(larger) & (smaller == float(as_dtype(got.dtype).max)) & (value * rounded > 0)
        error = np.where(usual, error, np.where(edge, 1.0, np.inf))
        return np.where(same & ~usual, 0.0, error)


def error32(got, high):
    """`ulp_error` of float32, in a fraction of its time."""
    with np.errstate(all="ignore"):
        rounded = high.astype(np.float32)
        error = np.abs(got - high) / np.spacing(np.abs(rounded))
    # Where the unit is of no use, and for the sign of zeros.
    odd = ~np.isfinite(error) | (error == 0) & (rounded == 0)
    same = (got.view(np.int32) == rounded.view(np.int32)) | (got != got) & (rounded != rounded)
    error[odd & same] = 0
    rest = np.flatnonzero(odd & ~same)
    error[rest] = ulp_error(got[rest], high[rest])
    return error


def worst_of(got, high, low, operands):
    """The largest error over arrays."""
    error = error32(got, high) if got.dtype == np.float32 else ulp_error(got, high, low)
    at = int(np.argmax(error))
    return Worst(float(error[at]), tuple(float(x[at]) for x in operands), float(got[at]), float(high[at]))


def narrow(name, dtype, operands, isa):
    """The worst error on arrays of a dtype narrower than float64, or None if it has no native kernel."""
    compiled = kernel(name, dtype, isa)
    if compiled is None:
        return None
    with np.errstate(all="ignore"):
        high = np.asarray(WIDE[name](*(x.astype(np.float64) for x in operands)))
    return worst_of(compiled.run(list(operands))[0], high, 0.0, operands)


def dense(name, step, isa):
    """The worst error over every `step`-th bit pattern of float32, in pieces that stay in the cache, on two threads."""
    assert kernel(name, "float32", isa) is not None
    reach = step << 18

    def piece(start):
        return narrow(name, "float32", (patterns(start, step, min(start + reach, 1 << 32)),), isa)

    with ThreadPoolExecutor(2) as pool:
        found = [narrow(name, "float32", (edges(),), isa), *pool.map(piece, range(0, 1 << 32, reach))]
    return max((worst for worst in found if worst is not None), key=lambda worst: worst.ulp)


def every16(dtype):
    """All 65536 values of a 16-bit floating dtype."""
    return np.arange(1 << 16, dtype=np.uint16).view(as_dtype(dtype).numpy)


def patterns(start, step, stop=1 << 32):
    """Every `step`-th bit pattern of float32."""
    return np.arange(start, stop, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def edges(dtype="float32"):
    """Zeros, units, infinities, NaN, extremes, ends of ranges, and the neighbours of all these."""
    info = np.finfo(dtype)
    values = [
        0, float(info.smallest_subnormal), float(info.tiny), float(info.eps), 0.25, 0.41421356, 0.425, 0.47, 0.5, 0.85,
        1, 1.4616321449683622, 1.5, 2, 2.41421356, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 10, 13, 27, 39, 64, 88.72284,
        89.41599, 103.97, 512, 709.78, 710.4758, 745.13, 2.0**26, 2.0**54, 1.5707964, 3.1415927, 16367173.0, 1e10, 1e30,
        float(info.max), np.inf, np.nan, 1 / math.e, math.e, 127, 128, 149, 150, 1023, 1024, 1074, 1075, 9.01, 10.06,
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        x = np.array(values, np.float64).astype(dtype)
        x = np.concatenate([x, np.nextafter(x, x.dtype.type(-np.inf)), np.nextafter(x, x.dtype.type(np.inf))])
    return np.concatenate([x, -x])


def points(name, count):
    """float64 arguments of every magnitude, more of them where the function is not saturated."""
    rng = np.random.default_rng(20240301)
    u, v = rng.standard_normal(count), rng.uniform(-1, 1, count)
    anywhere = rng.integers(0, 1 << 63, count).view(np.float64) * np.sign(u)
    parts = [u, 10 * u, 1e-5 * u, v, 1e3 * v, 1e6 * u, 1 + 1e-3 * u, np.sign(u) * np.exp(-30 * np.abs(v)), anywhere]
    if name in DOMAIN:
        low, high = DOMAIN[name]
        parts += [1 - np.exp(-30 * np.abs(v)), low + np.exp(20 * v)]
        if high <= 1:
            parts += [low + (high - low) * rng.uniform(0, 1, 2 * count), np.exp(-700 * np.abs(v))]
    if name in FAR:
        low, high = FAR[name]
        parts += [rng.uniform(low, min(high, 1100), 2 * count)]
    if name in PRECISION:
        # The last one is the float64 that lies closest to a multiple of pi / 2.
        parts += [np.arange(1, count + 1) * (math.pi / 2), np.array([6381956970095103 * 2.0**797])]
    return np.concatenate([edges("float64"), *parts])


def _exactly(name, operands):
    """(the rounded value, what that leaves) at one place."""
    x = operands[0]
    low, high = DOMAIN.get(name, (-math.inf, math.inf))
    near, far = FAR.get(name, (-math.inf, math.inf))
    usual = all(map(math.isfinite, operands)) and all(operands)
    pole = usual and name in BETWEEN_ZEROS and x < 0 and x.is_integer()
    root = usual and name == "pow" and x < 0 and not operands[1].is_integer()
    inside = usual and low < x < high and near <= x <= far and not pole and not root
    if not inside:
        with np.errstate(all="ignore"):
            return float(WIDE[name](*map(np.float64, operands))), 0.0
    value = mpmath.re(EXACT[name](*map(mpmath.mpf, operands)))
    rounded = float(value)
    return rounded, float(value - mpmath.mpf(rounded)) if math.isfinite(rounded) else 0.0


@functools.cache
def exact_sample(name, count):
    """float64 operands, and the true values as pairs of floats."""
    operands = pairs("float64", count) if name in ("pow", "atan2") else (points(name, count),)
    with mpmath.workprec(PRECISION.get(name, 240)):
        found = [_exactly(name, [float(v) for v in at]) for at in zip(*operands, strict=True)]
    high, low = (np.array(part) for part in zip(*found, strict=True))
    return operands, high, low


def wide(name, count, isa):
    """The worst error on float64."""
    operands, high, low = exact_sample(name, count)
    compiled = kernel(name, "float64", isa)
    assert compiled is not None
    got = compiled.run(list(operands))[0]
    error = ulp_error(got, high, low)
    if name in BETWEEN_ZEROS:
        with np.errstate(all="ignore"):
            unit = np.spacing(np.maximum(np.abs(WIDE[name](-operands[0])), 1))
            loose = (operands[0] < 0) & (unit > np.spacing(np.abs(high)))
            error = np.where(loose, np.abs((got - high) - low) / unit, error)
    at = int(np.argmax(error))
    return Worst(float(error[at]), tuple(float(x[at]) for x in operands), float(got[at]), float(high[at]))


def pairs(dtype, count):
    """Two operands: a grid of special values and of numbers of every magnitude, and pairs that give moderate powers."""
    rng = np.random.default_rng(20240302)
    special_values = edges(dtype)[:: 3 if dtype == "float64" else 1]
    u = rng.standard_normal(count)
    with np.errstate(all="ignore"):
        several = np.concatenate([special_values, u, np.sign(u) * np.exp(rng.uniform(-80, 80, count))]).astype(dtype)
    a, b = (m.ravel() for m in np.meshgrid(several, several))
    if dtype == "float64":
        keep = rng.permutation(a.size)[: 12 * count]
        a, b = a[keep], b[keep]
    limit = 88 if dtype == "float32" else 709
    base = np.concatenate([np.exp(rng.uniform(-80, 80, 9 * count)), rng.uniform(0.5, 2, 9 * count)]).astype(dtype)
    power = (rng.uniform(-1.04 * limit, limit, base.size) / np.log(base.astype(np.float64))).astype(dtype)
    return np.concatenate([a, base]), np.concatenate([b, power])
