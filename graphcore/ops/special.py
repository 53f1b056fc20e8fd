"""Special functions that run on the host, through SciPy (the extra `special`).

igamma, igammac, betainc, zeta, bessel_i0e and bessel_i1e are ops; the seldom used rest is the op
`special`, whose attr `function` is one of the names in FUNCTIONS. All are elementwise, of floating operands of
one dtype that broadcast. float16, bfloat16 and float32 are computed in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphcore.errors import InvalidArgumentError, UnsupportedError
from graphcore.ops.rules import (
    FLOATING,
    Attrs,
    Rule,
    Types,
    broadcast,
    require_kind,
    require_same_dtype,
    samples,
    scalar,
    scaled,
)  # fmt: skip
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

Gradient = Rule | None
"""(f, ct, operands, result) -> cotangent of one operand before summing over broadcast axes."""


class Function(NamedTuple):
    """One entry of the closed set of the op `special`.

    Attributes:
        compute: float64 arrays -> float64 array.
        gradients: one rule per operand; None where TensorFlow has no gradient.
    """

    compute: Callable[..., Any]
    gradients: tuple[Gradient, ...]


def scipy_special() -> Any:
    """The module scipy.special. Raises ImportError naming the extra that brings it."""
    try:
        from scipy import special as module
    except ImportError as error:
        raise ImportError("this special function needs the package scipy: pip install 'layerjit[special]'") from error
    return module


def _scipy(name: str) -> Callable[..., Any]:
    return lambda *arrays: getattr(scipy_special(), name)(*arrays)


def _widely(compute: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    """The function computed in float64, in the dtype of the operands."""
    dtype = arrays[0].dtype
    return np.asarray(compute(*(a.astype(np.float64, copy=False) for a in arrays))).astype(dtype, copy=False)


def _infer(name: str, types: Types) -> tuple[TensorType]:
    dtype = require_same_dtype(name, types)
    require_kind(name, types[0], FLOATING)
    return (TensorType(dtype, broadcast(name, types)),)


def _cotangents(
    f: Functions, gradients: Sequence[Gradient], ct: Any, inputs: Sequence[Any], y: Any
) -> list[Callable[[], Any] | None]:
    def of(rule: Rule, x: Any) -> Callable[[], Any]:
        return lambda: f.unbroadcast(rule(f, ct, inputs, y), f.type(x).shape)

    return [None if rule is None else of(rule, x) for rule, x in zip(gradients, inputs, strict=True)]


def _register(name: str, compute: Callable[..., Any], *gradients: Gradient) -> OpDef:
    """An op of its own, of as many operands as there are gradients."""
    return register(OpDef(
        name, "host", lambda types, attrs: _infer(name, types), lambda *arrays: _widely(compute, arrays),
        lambda f, cts, inputs, outputs, attrs: _cotangents(f, gradients, cts[0], inputs, outputs[0]),
        samples=samples("special_values", name, len(gradients)), native=False,
    ))  # fmt: skip


# NumPy forms, where SciPy's differs from TensorFlow's at the edges.


def _igamma(a: Any, x: Any) -> Any:
    found = np.where((x < 0) | (a <= 0), np.nan, scipy_special().gammainc(a, x))
    return np.where((x == 0) & ~np.isnan(a), 0.0, found)


def _igammac(a: Any, x: Any) -> Any:
    return np.where((x < 0) | (a <= 0), np.nan, scipy_special().gammaincc(a, x))


def _zeta(x: Any, q: Any) -> Any:
    """The sum of (k + q)**-x over k >= 0; NaN for x < 1."""
    found = scipy_special().zeta(np.where(x > 1, x, 2.0), q)
    return np.where(x > 1, found, np.where(x == 1, np.inf, np.nan))


def _igamma_grad_a(a: Any, x: Any) -> Any:
    from graphcore.ops.igamma_grad import igamma_grad_a

    return igamma_grad_a(a, x)


# Gradients.


def _gamma_density(f: Functions, a: Any, x: Any) -> Any:
    """The derivative of igamma(a, x) in x: x**(a-1) exp(-x) / gamma(a)."""
    power = f.mul(f.sub(a, scalar(f, a, 1)), f.log(x))
    return f.exp(f.sub(f.sub(power, x), f.lgamma(a)))


def _times(f: Functions, power: Any, log: Any) -> Any:
    """The product, 0 where the power is: 0 to the power of 0 is 1."""
    zero = scalar(f, power, 0)
    return f.select(f.equal(power, zero), zero, f.mul(power, log))


def _beta_density(f: Functions, operands: Sequence[Any]) -> Any:
    a, b, x = operands
    one = scalar(f, x, 1)
    log_beta = f.sub(f.add(f.lgamma(a), f.lgamma(b)), f.lgamma(f.add(a, b)))
    powers = f.add(_times(f, f.sub(b, one), f.log1p(f.neg(x))), _times(f, f.sub(a, one), f.log(x)))
    return f.exp(f.sub(powers, log_beta))


def _d_igamma_a(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
    return f.mul(ct, f.special(*v, function="igamma_grad_a"))


def _d_i1e(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
    x = v[0]
    small = f.less(f.abs(x), scalar(f, x, float(np.finfo(np.float32).eps) ** 2))
    safe = f.select(small, scalar(f, x, 1), x)
    slope = f.sub(f.bessel_i0e(x), f.mul(y, f.add(f.sign(safe), f.div(scalar(f, x, 1), safe))))
    return f.mul(ct, f.select(small, scalar(f, x, 0.5), slope))


def _d_i1(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
    x = v[0]
    none = f.equal(x, scalar(f, x, 0))
    ratio = f.div(y, f.select(none, scalar(f, x, 1), x))
    return f.mul(ct, f.select(none, scalar(f, x, 0.5), f.sub(_named(f, "bessel_i0", x), ratio)))


def _d_j1(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
    x = v[0]
    none = f.equal(x, scalar(f, x, 0))
    ratio = f.div(y, f.select(none, scalar(f, x, 1), x))
    slope = f.sub(f.special(x, function="bessel_j0"), ratio)
    return f.mul(ct, f.select(none, scalar(f, x, 0.5), slope))


def _d_spence(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
    x, one = v[0], scalar(f, v[0], 1)
    at_one = f.equal(x, one)
    slope = f.div(f.log(x), f.select(at_one, one, f.sub(one, x)))
    return f.mul(ct, f.select(at_one, f.neg(one), slope))


def _fresnel_gradient(wave: str) -> Rule:
    def rule(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
        return f.mul(ct, f.apply(wave, (scaled(f, f.mul(v[0], v[0]), math.pi / 2),), {})[0])

    return rule


def _named(f: Functions, name: str, x: Any) -> Any:
    return f.special(x, function=name)


def _over(f: Functions, y: Any, x: Any) -> Any:
    return f.div(y, x)


igamma = _register(
    "igamma", _igamma, _d_igamma_a, lambda f, ct, v, y: f.mul(ct, _gamma_density(f, *v)),
)  # fmt: skip
igammac = _register(
    "igammac", _igammac, lambda f, ct, v, y: f.neg(_d_igamma_a(f, ct, v, y)),
    lambda f, ct, v, y: f.neg(f.mul(ct, _gamma_density(f, *v))),
)  # fmt: skip
betainc = _register(
    "betainc", _scipy("betainc"), None, None, lambda f, ct, v, y: f.mul(ct, _beta_density(f, v))
)
zeta = _register(
    "zeta", _zeta, None,
    lambda f, ct, v, y: f.neg(f.mul(ct, f.mul(v[0], f.zeta(f.add(v[0], scalar(f, v[0], 1)), v[1])))),
)  # fmt: skip
bessel_i0e = _register(
    "bessel_i0e", _scipy("i0e"),
    lambda f, ct, v, y: f.mul(ct, f.sub(f.bessel_i1e(v[0]), f.mul(f.sign(v[0]), y))),
)  # fmt: skip
bessel_i1e = _register("bessel_i1e", _scipy("i1e"), _d_i1e)


def _no_second(f: Functions, ct: Any, v: Sequence[Any], y: Any) -> Any:
    raise UnsupportedError(
        "igamma: its derivative in a has no derivative, as in TensorFlow; use tf.stop_gradient around a or around it"
    )


FUNCTIONS: dict[str, Function] = {
    "bessel_i0": Function(_scipy("i0"), (lambda f, ct, v, y: f.mul(ct, _named(f, "bessel_i1", v[0])),)),
    "bessel_i1": Function(_scipy("i1"), (_d_i1,)),
    "bessel_j0": Function(_scipy("j0"), (lambda f, ct, v, y: f.neg(f.mul(ct, _named(f, "bessel_j1", v[0]))),)),
    "bessel_j1": Function(_scipy("j1"), (_d_j1,)),
    "bessel_k0": Function(_scipy("k0"), (lambda f, ct, v, y: f.neg(f.mul(ct, _named(f, "bessel_k1", v[0]))),)),
    "bessel_k0e": Function(
        _scipy("k0e"), (lambda f, ct, v, y: f.mul(ct, f.sub(y, _named(f, "bessel_k1e", v[0]))),)),
    "bessel_k1": Function(_scipy("k1"), (
        lambda f, ct, v, y: f.neg(f.mul(ct, f.add(_named(f, "bessel_k0", v[0]), _over(f, y, v[0])))),)),
    "bessel_k1e": Function(_scipy("k1e"), (
        lambda f, ct, v, y: f.mul(ct, f.sub(f.sub(y, _over(f, y, v[0])), _named(f, "bessel_k0e", v[0]))),)),
    "bessel_y0": Function(_scipy("y0"), (lambda f, ct, v, y: f.neg(f.mul(ct, _named(f, "bessel_y1", v[0]))),)),
    "bessel_y1": Function(_scipy("y1"), (
        lambda f, ct, v, y: f.mul(ct, f.sub(_named(f, "bessel_y0", v[0]), _over(f, y, v[0]))),)),
    "dawsn": Function(_scipy("dawsn"), (
        lambda f, ct, v, y: f.mul(ct, f.sub(scalar(f, y, 1), scaled(f, f.mul(v[0], y), 2))),)),
    "expint": Function(_scipy("expi"), (lambda f, ct, v, y: f.mul(ct, f.div(f.exp(v[0]), v[0])),)),
    "fresnel_cos": Function(lambda x: scipy_special().fresnel(x)[1], (_fresnel_gradient("cos"),)),
    "fresnel_sin": Function(lambda x: scipy_special().fresnel(x)[0], (_fresnel_gradient("sin"),)),
    "spence": Function(_scipy("spence"), (_d_spence,)),
    "igamma_grad_a": Function(_igamma_grad_a, (_no_second, _no_second)),
}  # fmt: skip
"""The closed set of the op `special`. igamma_grad_a is the derivative of igamma(a, x) in a; it has none itself."""


def _entry(name: Any) -> Function:
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise InvalidArgumentError(
            f"special: no function is named {name!r}; expected one of {', '.join(FUNCTIONS)}"
        ) from None


def _special_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    name = attrs["function"]
    count = len(_entry(name).gradients)
    if len(types) != count:
        raise InvalidArgumentError(f"special: {name} takes {count} operands, got {len(types)}; give {count}")
    return _infer(f"special {name}", types)


special = register(OpDef(
    "special", "host", _special_infer, lambda *arrays, function: _widely(_entry(function).compute, arrays),
    lambda f, cts, inputs, outputs, attrs: _cotangents(
        f, _entry(attrs["function"]).gradients, cts[0], inputs, outputs[0]),
    samples=samples("special_functions"), native=False,
))  # fmt: skip

__all__ = [
    "FUNCTIONS", "Function", "bessel_i0e", "bessel_i1e", "betainc", "igamma", "igammac",
    "scipy_special", "special", "zeta",
]  # fmt: skip
