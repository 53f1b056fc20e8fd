"""tf.math special functions; all but digamma need SciPy, the extra `special`, and run on the host.

Operands are floating and of one dtype. Without SciPy a call raises ImportError, which names the extra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.convert import convert, convert_pair, dtype_clash
from eager.ops.common import floating, op
from eager.ops.public import public
from eager.tensor import Tensor


def _apply(name: str, *operands: Tensor) -> Tensor:
    from graphcore.ops.special import FUNCTIONS

    return op("special", *operands, function=name) if name in FUNCTIONS else op(name, *operands)


def _unary(name: str, what: str, spaces: Sequence[str] = ("math.special",)) -> Callable[..., Tensor]:
    """A public function of one operand."""

    def function(x: Any, name: str | None = None) -> Tensor:
        del name
        return _apply(op_name, floating(x, f"math.{op_name}"))

    op_name = name
    function.__name__ = name
    function.__doc__ = f"""{what}, elementwise (tf.{spaces[-1]}.{name}).

    Takes a floating tensor of any shape and returns one of the same shape and dtype. Where the function has a pole or
    is not real, the value is SciPy's.

    Raises:
        TypeError: for an integer or bool tensor.
        ImportError: without SciPy.
    """
    return public(*(f"{space}.{name}" for space in spaces))(function)


_BOTH = ("math", "math.special")
bessel_i0 = _unary("bessel_i0", "The modified Bessel function of the first kind of order 0", _BOTH)
bessel_i1 = _unary("bessel_i1", "The modified Bessel function of the first kind of order 1", _BOTH)
bessel_i0e = _unary("bessel_i0e", "exp(-|x|) I0(x) of the modified Bessel function of order 0", _BOTH)
bessel_i1e = _unary("bessel_i1e", "exp(-|x|) I1(x) of the modified Bessel function of order 1", _BOTH)
bessel_j0 = _unary("bessel_j0", "The Bessel function of the first kind of order 0")
bessel_j1 = _unary("bessel_j1", "The Bessel function of the first kind of order 1")
bessel_k0 = _unary("bessel_k0", "The modified Bessel function of the second kind of order 0")
bessel_k0e = _unary("bessel_k0e", "exp(x) K0(x) of the modified Bessel function of the second kind")
bessel_k1 = _unary("bessel_k1", "The modified Bessel function of the second kind of order 1")
bessel_k1e = _unary("bessel_k1e", "exp(x) K1(x) of the modified Bessel function of the second kind")
bessel_y0 = _unary("bessel_y0", "The Bessel function of the second kind of order 0")
bessel_y1 = _unary("bessel_y1", "The Bessel function of the second kind of order 1")
dawsn = _unary("dawsn", "Dawson's integral exp(-x^2) times the integral of exp(t^2) from 0 to x")
expint = _unary("expint", "The exponential integral Ei(x)")
fresnel_cos = _unary("fresnel_cos", "Fresnel's integral of cos(pi t^2 / 2) from 0 to x")
fresnel_sin = _unary("fresnel_sin", "Fresnel's integral of sin(pi t^2 / 2) from 0 to x")
spence = _unary("spence", "Spence's integral of log(t) / (1 - t) from 1 to x")


def _pair(x: Any, y: Any, name: str) -> tuple[Tensor, Tensor]:
    a, b = convert_pair(x, y, name)
    return (a, b) if isinstance(x, Tensor) or isinstance(y, Tensor) else (floating(x, name), floating(y, name))


@public("math.igamma")
def igamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The lower regularised incomplete gamma function P(a, x) (tf.math.igamma), differentiable in both.

    NaN unless a > 0 and x >= 0. Operands broadcast.

    Raises:
        DTypeError: if dtypes differ, or are not floating.
        ImportError: without SciPy.
    """
    del name
    return op("igamma", *_pair(a, x, "math.igamma"))


@public("math.igammac")
def igammac(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The upper regularised incomplete gamma function Q(a, x) = 1 - P(a, x) (tf.math.igammac).

    NaN unless a > 0 and x >= 0. Operands broadcast; differentiable in both.

    Raises:
        DTypeError: if dtypes differ, or are not floating.
        ImportError: without SciPy.
    """
    del name
    return op("igammac", *_pair(a, x, "math.igammac"))


@public("math.betainc")
def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularised incomplete beta function I_x(a, b) (tf.math.betainc), with a gradient in x.

    Operands broadcast.

    Raises:
        DTypeError: if dtypes differ, or are not floating.
        ImportError: without SciPy.
    """
    del name
    like = next((t.dtype for t in (a, b, x) if isinstance(t, Tensor)), None)
    operands = [convert(t, like=like) if like else floating(t, "math.betainc") for t in (a, b, x)]
    for t in operands[1:]:
        if t.dtype is not operands[0].dtype:
            raise dtype_clash("math.betainc", operands[0].dtype, t.dtype)
    return op("betainc", *operands)


@public("math.zeta")
def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Hurwitz's zeta function, the sum of (k + q)^-x over k >= 0 (tf.math.zeta), with a gradient in q.

    NaN for x < 1, infinite for x = 1. Operands broadcast.

    Raises:
        DTypeError: if dtypes differ, or are not floating.
        ImportError: without SciPy.
    """
    del name
    return op("zeta", *_pair(x, q, "math.zeta"))


@public("math.polygamma")
def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of order `a` of digamma at x (tf.math.polygamma), with a gradient in x.

    NaN unless a is 0, 1, 2, ... Operands broadcast.

    Raises:
        DTypeError: if dtypes differ, or are not floating.
        ImportError: without SciPy.
    """
    del name
    n, t = _pair(a, x, "math.polygamma")
    zero, one, two = (convert(float(v), like=n.dtype) for v in (0, 1, 2))
    whole = op("logical_and", op("equal", op("floor", n), n), op("greater_equal", n, zero))
    n = op("stop_gradient", op("select", whole, n, one))
    first = op("equal", n, zero)
    order = op("select", first, two, n + 1.0)
    size = op("exp", op("lgamma", order)) * op("zeta", order, t)
    even = op("equal", op("mod", n, two), zero)
    higher = op("select", even, op("neg", size), size)
    result = op("select", first, op("digamma", t), higher)
    return op("select", whole, result, convert(float("nan"), like=n.dtype))
