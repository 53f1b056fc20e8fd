"""Elementwise ops: operands broadcast as in NumPy; all rules of one op stand together.

A gradient rule of a two-operand op is a pair, one function per operand; rules are computed only when asked
for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.dtypes import as_dtype, bool_
from graphcore.errors import InvalidArgumentError
from graphcore.handler import cast_array, erf, numpy_handler
from graphcore.ops import scalar as program
from graphcore.ops.rules import (
    ANY,
    BITS,
    BOOL,
    FLOATING,
    INEXACT,
    INTEGER,
    NUMBER,
    REAL,
    Attrs,
    Types,
    binary,
    broadcast,
    conj,
    keep_where,
    require_kind,
    require_same_dtype,
    samples,
    scalar,
    scaled,
    unary,
)  # fmt: skip
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

# Arithmetic. Integers wrap; integer division by zero gives 0, as in NumPy.

add = binary(
    "add", NUMBER, np.add, lambda k, x, y: k.add(x, y),
    (lambda f, ct, x, y, z: ct, lambda f, ct, x, y, z: ct),
)  # fmt: skip
sub = binary(
    "sub", NUMBER, np.subtract, lambda k, x, y: k.sub(x, y),
    (lambda f, ct, x, y, z: ct, lambda f, ct, x, y, z: f.neg(ct)),
)  # fmt: skip
mul = binary(
    "mul", NUMBER, np.multiply, lambda k, x, y: k.mul(x, y),
    (lambda f, ct, x, y, z: f.mul(ct, conj(f, y)), lambda f, ct, x, y, z: f.mul(ct, conj(f, x))),
)  # fmt: skip
div = binary(
    "div", INEXACT, np.divide, lambda k, x, y: k.div(x, y),
    (lambda f, ct, x, y, z: f.div(ct, conj(f, y)),
     lambda f, ct, x, y, z: f.neg(f.mul(ct, conj(f, f.div(z, y))))),
)  # fmt: skip
floordiv = binary("floordiv", REAL, np.floor_divide, lambda k, x, y: k.floordiv(x, y))
mod = binary(
    "mod", REAL, np.mod, lambda k, x, y: k.mod(x, y),
    (lambda f, ct, x, y, z: ct, lambda f, ct, x, y, z: f.neg(f.mul(ct, f.floordiv(x, y)))),
)  # fmt: skip


def _power(x: Any, y: Any) -> Any:
    """NumPy's power; an integer to a negative power is truncated: 0 unless the base is 1 or -1."""
    if np.asarray(y).dtype.kind == "i" and np.any(np.less(y, 0)):
        return program.power(numpy_handler, x, y)
    return np.power(x, y)


def _log_or_zero(f: Functions, x: Any) -> Any:
    compare = f.not_equal if f.type(x).dtype.is_complex else f.greater
    positive = compare(x, scalar(f, x, 0))
    return keep_where(f, positive, f.log(f.select(positive, x, scalar(f, x, 1))))


pow = binary(
    "pow", NUMBER, _power, program.power,
    (lambda f, ct, x, y, z: f.mul(f.mul(ct, conj(f, y)), conj(f, f.pow(x, f.sub(y, scalar(f, y, 1))))),
     lambda f, ct, x, y, z: f.mul(f.mul(ct, conj(f, z)), conj(f, _log_or_zero(f, x)))),
    max_ulp=4, sampler=samples("powers"),
)  # fmt: skip
# Ties go to the first operand, as in TensorFlow.
minimum = binary(
    "minimum", REAL, lambda x, y: np.minimum(x, y), lambda k, x, y: k.min(x, y),
    (lambda f, ct, x, y, z: keep_where(f, f.less_equal(x, y), ct),
     lambda f, ct, x, y, z: keep_where(f, f.logical_not(f.less_equal(x, y)), ct)),
)  # fmt: skip
maximum = binary(
    "maximum", REAL, lambda x, y: np.maximum(x, y), lambda k, x, y: k.max(x, y),
    (lambda f, ct, x, y, z: keep_where(f, f.greater_equal(x, y), ct),
     lambda f, ct, x, y, z: keep_where(f, f.logical_not(f.greater_equal(x, y)), ct)),
)  # fmt: skip
neg = unary("neg", NUMBER, np.negative, lambda k, x: k.neg(x), lambda f, ct, x, y: f.neg(ct))


def _d_abs(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    if not f.type(x).dtype.is_complex:
        return f.mul(ct, f.sign(x))
    zeros = f.zeros_like(y)
    size = f.select(f.equal(y, zeros), f.full(f.type(y), 1), y)
    return f.mul(f.complex(ct, zeros), f.div(x, f.complex(size, zeros)))


abs = unary("abs", NUMBER, np.absolute, lambda k, x: k.abs(x), _d_abs, real=True)


def _d_sign(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    """Zero for real numbers; the sign of a complex one is x / |x|, which turns with x but keeps its length."""
    if not f.type(x).dtype.is_complex:
        return f.zeros_like(ct)
    size = f.abs(x)
    zeros = f.zeros_like(size)
    along = f.mul(y, f.complex(f.real(f.mul(ct, conj(f, y))), zeros))
    some = f.not_equal(x, scalar(f, x, 0))
    safe = f.select(f.equal(size, zeros), f.full(f.type(size), 1), size)
    return keep_where(f, some, f.div(f.sub(ct, along), f.complex(safe, zeros)))


sign = unary("sign", NUMBER, lambda x: np.sign(x), lambda k, x: k.sign(x), _d_sign)

# Comparisons, logic and bits.

equal = binary("equal", ANY, np.equal, lambda k, x, y: k.eq(x, y), result=bool_)
not_equal = binary("not_equal", ANY, np.not_equal, lambda k, x, y: k.ne(x, y), result=bool_)
less = binary("less", REAL, np.less, lambda k, x, y: k.lt(x, y), result=bool_)
less_equal = binary("less_equal", REAL, np.less_equal, lambda k, x, y: k.le(x, y), result=bool_)
greater = binary("greater", REAL, np.greater, lambda k, x, y: k.gt(x, y), result=bool_)
greater_equal = binary("greater_equal", REAL, np.greater_equal, lambda k, x, y: k.ge(x, y), result=bool_)
logical_and = binary("logical_and", BOOL, np.logical_and, lambda k, x, y: k.and_(x, y))
logical_or = binary("logical_or", BOOL, np.logical_or, lambda k, x, y: k.or_(x, y))
logical_xor = binary("logical_xor", BOOL, np.logical_xor, lambda k, x, y: k.xor(x, y))
logical_not = unary("logical_not", BOOL, np.logical_not, lambda k, x: k.not_(x))
bitwise_and = binary("bitwise_and", BITS, np.bitwise_and, lambda k, x, y: k.and_(x, y))
bitwise_or = binary("bitwise_or", BITS, np.bitwise_or, lambda k, x, y: k.or_(x, y))
bitwise_xor = binary("bitwise_xor", BITS, np.bitwise_xor, lambda k, x, y: k.xor(x, y))
# Shifts by a negative count or by the width or more give 0 (-1 for a negative value shifted right), as in
# NumPy.
shift_left = binary("shift_left", INTEGER, np.left_shift, program.shift_left, sampler=samples("shifts"))
shift_right = binary("shift_right", INTEGER, np.right_shift, program.shift_right, sampler=samples("shifts"))
is_nan = unary("is_nan", FLOATING, np.isnan, lambda k, x: k.is_nan(x), result=bool_)
is_inf = unary(
    "is_inf", FLOATING, np.isinf, lambda k, x: k.eq(k.abs(x), k.const(math.inf, k.dtype(x))), result=bool_
)
is_finite = unary(
    "is_finite",
    FLOATING,
    np.isfinite,
    lambda k, x: k.lt(k.abs(x), k.const(math.inf, k.dtype(x))),
    result=bool_,
)

# Transcendental functions.

exp = unary(
    "exp", INEXACT, np.exp, lambda k, x: k.exp(x), lambda f, ct, x, y: f.mul(ct, conj(f, y)), max_ulp=2
)
exp2 = unary(
    "exp2", FLOATING, np.exp2, lambda k, x: k.exp2(x),
    lambda f, ct, x, y: scaled(f, f.mul(ct, y), math.log(2)), max_ulp=2,
)  # fmt: skip
expm1 = unary(
    "expm1", INEXACT, np.expm1, lambda k, x: k.expm1(x), lambda f, ct, x, y: f.mul(ct, conj(f, f.exp(x))), max_ulp=4
)
log = unary(
    "log", INEXACT, np.log, lambda k, x: k.log(x), lambda f, ct, x, y: f.div(ct, conj(f, x)), max_ulp=2
)
log1p = unary(
    "log1p", INEXACT, np.log1p, lambda k, x: k.log1p(x),
    lambda f, ct, x, y: f.div(ct, conj(f, f.add(x, scalar(f, x, 1)))), max_ulp=4,
)  # fmt: skip


def _unless_masked(f: Functions, ct: Any, x: Any, slope: Any) -> Any:
    """`slope`, but 0 for a cotangent of 0 where the root has no slope: there it is 0 times infinity, or NaN.

    So what a maximum or a select masked stays masked, as in TensorFlow. Elsewhere the cotangent must not decide,
    because the slope is differentiated in it too.
    """
    zero = scalar(f, x, 0)
    steep = f.equal(x, zero) if f.type(x).dtype.is_complex else f.logical_not(f.greater(x, zero))
    return f.select(f.logical_and(steep, f.equal(ct, scalar(f, ct, 0))), scalar(f, ct, 0), slope)


sqrt = unary(
    "sqrt", INEXACT, np.sqrt, lambda k, x: k.sqrt(x),
    lambda f, ct, x, y: _unless_masked(f, ct, x, f.div(scaled(f, ct, 0.5), conj(f, y))),
)  # fmt: skip
rsqrt = unary(
    "rsqrt", INEXACT, numpy_handler.rsqrt, lambda k, x: k.rsqrt(x),
    lambda f, ct, x, y: _unless_masked(f, ct, x, f.mul(scaled(f, ct, -0.5), conj(f, f.mul(y, f.mul(y, y))))), max_ulp=4,
)  # fmt: skip
tanh = unary(
    "tanh", INEXACT, np.tanh, lambda k, x: k.tanh(x),
    lambda f, ct, x, y: f.mul(ct, conj(f, f.sub(scalar(f, y, 1), f.mul(y, y)))), max_ulp=2,
)  # fmt: skip
erf_ = unary(
    "erf", FLOATING, erf, lambda k, x: k.erf(x),
    lambda f, ct, x, y: f.mul(ct, scaled(f, f.exp(f.neg(f.mul(x, x))), 2 / math.sqrt(math.pi))), max_ulp=2,
)  # fmt: skip
sin = unary(
    "sin", INEXACT, np.sin, lambda k, x: k.sin(x), lambda f, ct, x, y: f.mul(ct, conj(f, f.cos(x))), max_ulp=2
)
cos = unary(
    "cos", INEXACT, np.cos, lambda k, x: k.cos(x), lambda f, ct, x, y: f.neg(f.mul(ct, conj(f, f.sin(x)))),
    max_ulp=2,
)

# Rounding has no gradient, as in TensorFlow (None, not zero).

floor = unary("floor", FLOATING, np.floor, lambda k, x: k.floor(x))
ceil = unary("ceil", FLOATING, np.ceil, lambda k, x: k.ceil(x))
round = unary("round", FLOATING, np.rint, lambda k, x: k.rint(x))

# Activations that are primitives: their accurate forms are not the textbook composition (see scalar.py).


def _d_silu(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    s, one = f.sigmoid(x), scalar(f, x, 1)
    return f.mul(ct, f.mul(s, f.add(one, f.mul(x, f.sub(one, s)))))


def _d_gelu(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    cdf = scaled(f, f.add(f.erf(scaled(f, x, math.sqrt(0.5))), scalar(f, x, 1)), 0.5)
    density = scaled(f, f.exp(scaled(f, f.mul(x, x), -0.5)), 1 / math.sqrt(2 * math.pi))
    return f.mul(ct, f.add(cdf, f.mul(x, density)))


def _d_gelu_tanh(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    scale, one = 2 * math.sqrt(2 / math.pi), scalar(f, x, 1)
    square = f.mul(x, x)
    s = f.sigmoid(f.mul(scaled(f, x, scale), f.add(scaled(f, square, 0.044715), one)))
    slope = scaled(f, f.add(scaled(f, square, 3 * 0.044715), one), scale)
    return f.mul(ct, f.mul(s, f.add(one, f.mul(x, f.mul(f.sub(one, s), slope)))))


def _sigmoid(x: Any) -> Any:
    if np.asarray(x).dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    return program.sigmoid(numpy_handler, x)


sigmoid = unary(
    "sigmoid", INEXACT, _sigmoid, program.sigmoid,
    lambda f, ct, x, y: f.mul(ct, conj(f, f.mul(y, f.sub(scalar(f, y, 1), y)))), max_ulp=2,
)  # fmt: skip
silu = unary("silu", FLOATING, lambda x: program.silu(numpy_handler, x), program.silu, _d_silu, max_ulp=4)
softplus = unary(
    "softplus", FLOATING, lambda x: program.softplus(numpy_handler, x), program.softplus,
    lambda f, ct, x, y: f.mul(ct, f.sigmoid(x)), max_ulp=4,
)  # fmt: skip
gelu = unary("gelu", FLOATING, lambda x: program.gelu(numpy_handler, x), program.gelu, _d_gelu, max_ulp=4)
gelu_tanh = unary(
    "gelu_tanh",
    FLOATING,
    lambda x: program.gelu_tanh(numpy_handler, x),
    program.gelu_tanh,
    _d_gelu_tanh,
    max_ulp=4,
)
relu = unary(
    "relu", REAL, lambda x: np.maximum(x, x.dtype.type(0)), lambda k, x: k.max(x, k.const(0, k.dtype(x))),
    lambda f, ct, x, y: keep_where(f, f.greater(y, scalar(f, y, 0)), ct),
)  # fmt: skip

# Ops whose operands have different dtypes.


def _select_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    require_kind("select", types[0], BOOL)
    return (TensorType(require_same_dtype("select", types, first=1), broadcast("select", types)),)


def _select_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    condition, x, y = inputs
    zero = scalar(f, cts[0], 0)
    return (
        None,
        lambda: f.unbroadcast(f.select(condition, cts[0], zero), f.type(x).shape),
        lambda: f.unbroadcast(f.select(condition, zero, cts[0]), f.type(y).shape),
    )


select = register(OpDef(
    "select", "elementwise", _select_infer, np.where, _select_vjp, lambda k, c, x, y: k.select(c, x, y),
    samples=samples("selects"),
))  # fmt: skip


def _cast_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    dtype = f.type(inputs[0]).dtype
    smooth = dtype.kind in INEXACT and as_dtype(attrs["dtype"]).kind in INEXACT
    return (f.cast(cts[0], dtype=dtype) if smooth else None,)


cast = register(OpDef(
    "cast", "elementwise", lambda types, attrs: (types[0].with_dtype(as_dtype(attrs["dtype"])),),
    lambda x, dtype: cast_array(x, as_dtype(dtype)), _cast_vjp, lambda k, x,
    dtype: k.cast(x, as_dtype(dtype)),
    samples=samples("casts"),
))  # fmt: skip


def _bitcast_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    dtype = as_dtype(attrs["dtype"])
    require_kind("bitcast", types[0], REAL)
    if dtype.size != types[0].dtype.size or dtype.kind not in REAL:
        raise InvalidArgumentError(
            f"bitcast: operand is {types[0]!r} and the target {dtype.name} has {dtype.size} bytes, expected "
            f"a number type of {types[0].dtype.size} bytes; write tf.cast to convert values"
        )
    return (types[0].with_dtype(dtype),)


bitcast = register(OpDef(
    "bitcast", "elementwise", _bitcast_infer,
    lambda x, dtype: np.asarray(x).view(as_dtype(dtype).numpy), None,
    lambda k, x, dtype: k.bitcast(x, as_dtype(dtype)), differentiable=False, samples=samples("bitcasts"),
))  # fmt: skip
