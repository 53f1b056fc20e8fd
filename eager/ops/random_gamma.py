"""Gamma draws: Marsaglia and Tsang's rejection, and gradients by implicit reparameterisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.ops.common import op, raw_shape, shape_argument
from eager.ops.public import public
from eager.ops.random_exact import both, exp, log, negation, number
from eager.ops.random_lanes import Lanes, accepted, filled, uniform_pair
from eager.ops.random_state import RESERVED, floating_dtype, stateless_state
from eager.ops.random_streams import stream
from eager.ops.shaping import cast
from eager.own_gradient import custom_gradient
from eager.tensor import Tensor
from graphcore.dtypes import DType, bool_, float32, float64, int64
from graphcore.types import broadcast_shapes


def _standard(state: Tensor, lanes: Lanes, alpha: Tensor) -> Tensor:
    """Gamma draws of scale 1 for the float64 alphas of lanes (Marsaglia and Tsang, TOMS 26, 2000).

    Each lane takes normals and uniforms from its stream as TensorFlow's StatelessRandomGamma: a block gives two, of
    which the second is used first.
    """
    one, zero = number(1), number(0)
    small = op("less", alpha, one)
    d = alpha + op("select", small, number(2 / 3), number(-1 / 3))
    c = number(1 / 3) / op("sqrt", d)
    inverse = one / alpha

    def take(name: str, at: Tensor, spare: Tensor, has: Tensor, active: Tensor) -> tuple[Tensor, ...]:
        """(number, next block, what is left of the block, whether something is)."""
        pair = op(f"random_{name}", state, at, shape=(*raw_shape(at), 2), dtype=float64)
        fresh = both(active, negation(has))
        value = op("select", has, spare, pair[:, 1])
        spare = op("select", fresh, pair[:, 0], spare)
        return value, at + cast(fresh, int64), spare, op("select", active, fresh, has)

    def attempt(trial: Tensor, done: Tensor, at: Tensor, n: Tensor, has_n: Tensor, r: Tensor, has_r: Tensor,
                values: Tensor) -> tuple[Tensor, ...]:  # fmt: skip
        del trial
        active = negation(done)
        x, at, n, has_n = take("normal", at, n, has_n, active)
        v = one + c * x
        active = both(active, op("greater", v, zero))
        v = v * v * v
        u, at, r, has_r = take("uniform", at, r, has_r, active)
        squeeze = op("less", u, one - number(0.0331) * (x * x) * (x * x))
        exact = op("less", log(u), number(0.5) * x * x + d * (one - v + log(v)))
        active = both(active, op("logical_or", squeeze, exact))
        b, at, r, has_r = take("uniform", at, r, has_r, both(active, small))
        boost = op("select", small, exp(log(b) * inverse), one)
        return op("logical_or", done, active), at, n, has_n, r, has_r, op("select", active, d * v * boost, values)

    first = lanes.numbers() * convert(RESERVED, like=int64)
    # One draw from the exponential distribution; for what is no parameter NaN.
    flat, valid = op("equal", alpha, one), op("greater_equal", alpha, zero)
    usual = both(valid, op("less", alpha, number(np.inf)))
    known = op("select", usual, op("neg", log(one - uniform_pair(state, first)[0])),
               op("select", valid, alpha, number(np.nan)))  # fmt: skip
    done, blank, no = op("logical_or", flat, negation(usual)), filled(0, first), filled(False, first, bool_)
    return accepted(attempt, done, first, blank, no, blank, no, known)[-1]


def _gamma(state: Tensor, lanes: Lanes, alpha: Tensor, beta: Tensor, dtype: DType) -> Tensor:
    """Draws in the shape of the lanes, differentiable in both parameters."""

    def draw(parameter: Tensor) -> tuple[Tensor, Any]:
        wide = cast(parameter, float64)
        samples = _standard(state, lanes, op("stop_gradient", wide))
        rounded = cast(samples, dtype)

        def gradient(upstream: Tensor) -> Tensor:
            return upstream * cast(_slope(wide, samples), dtype)

        return rounded, gradient

    samples = lanes.packed(custom_gradient(draw)(lanes.spread(alpha)))
    return op("maximum", convert(np.finfo(dtype.numpy).tiny if dtype.name != "bfloat16" else 2.0**-126, like=dtype),
              samples / beta)  # fmt: skip


def _slope(alpha: Tensor, x: Tensor) -> Tensor:
    """The derivative of a draw in alpha at constant probability (Figurnov, Mohamed, Mnih, 2018)."""
    density = op("exp", (alpha - number(1)) * op("log", x) - x - op("lgamma", alpha))
    slope = op("neg", op("special", alpha, x, function="igamma_grad_a")) / density
    return op("select", op("greater", density, number(0)), slope, number(0))


def _parameters(alpha: Any, beta: Any, dtype: Any, name: str) -> tuple[Tensor, Tensor, DType]:
    kind = floating_dtype(dtype, name)
    given = [convert(p, like=kind) for p in (alpha, 1 if beta is None else beta)]
    return convert(given[0], dtype=kind, name="alpha"), convert(given[1], dtype=kind, name="beta"), kind


@public("random.stateless_gamma")
def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """Gamma draws from a pair of seeds alone (tf.random.stateless_gamma).

    The numbers are TensorFlow's to 4 ulp, but for float64 and alpha < 1, where the power of a uniform number costs
    up to about log(1 / x) ulp at a draw x. Draws below the least normal number of the dtype become that number.

    Args:
        shape: of the result; it ends with the shape that alpha and beta broadcast to.
        seed: two integers.
        alpha: the concentration; negative ones give NaN.
        beta: the inverse scale, 1 by default. Gradients reach both; that of alpha needs SciPy.
        dtype: of alpha, beta and the result, floating.
        name: accepted for compatibility.

    Raises:
        DTypeError: if a parameter has another dtype.
        ShapeError: if `shape` does not end with the shape of the parameters.
    """
    del name
    a, b, kind = _parameters(alpha, beta, dtype, "stateless_gamma")
    lanes = Lanes(shape_argument(shape, "stateless_gamma"), (a, b), "stateless_gamma")
    return _gamma(stateless_state(seed), lanes, a, b, kind)


@public("random.gamma")
def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Gamma draws (tf.random.gamma): a block of `shape` for every parameter; see stateless_gamma.

    Returns:
        A tensor of `shape` followed by the shape that alpha and beta broadcast to.

    Raises:
        DTypeError: if a parameter has another dtype.
    """
    del name
    a, b, kind = _parameters(alpha, beta, dtype, "gamma")
    tail = broadcast_shapes(raw_shape(a), raw_shape(b))
    lanes = Lanes((*shape_argument(shape, "gamma"), *tail), (a, b), "gamma")
    return _gamma(stream(seed, f"gamma {kind.name}").reserve(lanes.count), lanes, a, b, kind)


__all__ = ["gamma", "stateless_gamma"]
