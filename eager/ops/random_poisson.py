"""Poisson draws: Knuth's product of uniforms for small rates, Hörmann's transformed rejection for large ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import DTypeError
from eager.ops import math
from eager.ops.common import InvalidTypeError, is_traced, op, raw_shape, shape_argument
from eager.ops.public import public
from eager.ops.random_exact import both, exp, lgamma, log, negation, number
from eager.ops.random_lanes import Lanes, accepted, filled, uniform_pair
from eager.ops.random_state import RESERVED, stateless_state
from eager.ops.random_streams import stream
from eager.ops.shaping import cast
from eager.tensor import Tensor
from graphcore.dtypes import DType, as_dtype, float32, float64, int32, int64

_SMALL = 10.0


def certain(condition: Tensor) -> bool:
    """Whether the condition is known to hold nowhere, so that what it guards need not be computed."""
    return not is_traced(condition) and not bool(math.reduce_any(condition))


def _poisson(state: Tensor, lanes: Lanes, rate: Tensor) -> Tensor:
    """Draws for the float64 rates of lanes, with TensorFlow's use of each lane's stream.

    Knuth (The Art of Computer Programming 2, 3.4.1) counts how many uniforms the product exp(-rate) takes; for large
    rates PTRS (Hörmann, The transformed rejection method for generating Poisson random variables, 1993).
    """
    one = number(1)
    small = op("less", rate, number(_SMALL))
    floor = exp(op("neg", rate))
    large = negation(small)
    only_small = certain(large)

    def attempt(trial: Tensor, done: Tensor, product: Tensor, count: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        u, v = uniform_pair(state, first + trial)
        once = product * u
        product = once * v
        hit = op("less_equal", once, floor)
        now = op("logical_or", hit, op("less_equal", product, floor))
        found = op("select", hit, count, count + one)
        if not only_small:
            k, fits = _transformed(rate, u, v)
            now, found = op("select", small, now, fits), op("select", small, found, k)
        now = both(now, negation(done))
        return op("logical_or", done, now), product, count + number(2), op("select", now, found, values)

    first = lanes.numbers() * convert(RESERVED, like=int64)
    endless = negation(op("less", rate, number(np.inf)))  # NaN and infinity give themselves
    start = op("select", endless, rate, number(0))
    return accepted(attempt, endless, filled(1, first), filled(0, first), start)[-1]


def _transformed(rate: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """One proposal of PTRS, and whether it is accepted."""
    b = number(0.931) + number(2.53) * op("sqrt", rate)
    a = number(-0.059) + number(0.02483) * b
    inverse_alpha = number(1.1239) + number(1.1328) / (b - number(3.4))
    u = u - number(0.5)
    us = number(0.5) - op("abs", u)
    k = op("floor", (number(2) * a / us + b) * u + rate + number(0.43))
    box = number(0.9277) - number(3.6224) / (b - number(2))
    inside = both(op("greater_equal", us, number(0.07)), op("less_equal", v, box))
    corner = both(op("less", us, number(0.013)), op("greater", v, us))
    # Both logarithms are of proposals that may be senseless; those are rejected by the next line.
    s = log(v * inverse_alpha / (a / (us * us) + b))
    t = k * log(rate) - rate - lgamma(op("maximum", k, number(0)) + number(1))
    sensible = both(op("greater_equal", k, number(0)), negation(corner))
    return k, op("logical_or", inside, both(sensible, op("less_equal", s, t)))


def _rate(lam: Any, dtype: Any, name: str) -> tuple[Tensor, DType]:
    kind, rate = as_dtype(dtype), convert(lam)
    if kind.is_bool or kind.is_complex or kind.name == "string":
        raise DTypeError(f"{name}: dtype is {kind.name}, expected an integer or floating one")
    if not (rate.dtype.is_floating or rate.dtype.is_integer):
        raise InvalidTypeError(f"{name}: lam is {rate.dtype.name}, expected an integer or floating tensor")
    return rate, kind


@public("random.stateless_poisson")
def stateless_poisson(shape: Any, seed: Any, lam: Any, dtype: Any = int32, name: str | None = None) -> Tensor:
    """Poisson draws from a pair of seeds alone (tf.random.stateless_poisson). There is no gradient.

    The numbers are TensorFlow's. As there, a negative rate gives 0; NaN and infinite rates, with which TensorFlow's
    kernel does not end, give NaN and infinity (for integers 0 and the largest number).

    Args:
        shape: of the result; it ends with the shape of `lam`.
        seed: two integers.
        lam: the rates.
        dtype: of the result, integer or floating.
        name: accepted for compatibility.

    Raises:
        DTypeError: for another dtype.
        ShapeError: if `shape` does not end with the shape of `lam`.
    """
    del name
    rate, kind = _rate(lam, dtype, "stateless_poisson")
    lanes = Lanes(shape_argument(shape, "stateless_poisson"), (rate,), "stateless_poisson")
    return lanes.packed(cast(_poisson(stateless_state(seed), lanes, lanes.spread(cast(rate, float64))), kind))


@public("random.poisson")
def poisson(shape: Any, lam: Any, dtype: Any = float32, seed: int | None = None, name: str | None = None) -> Tensor:
    """Poisson draws (tf.random.poisson): a block of `shape` for every rate; see stateless_poisson.

    Returns:
        A tensor of `shape` followed by the shape of `lam`.

    Raises:
        DTypeError: for a dtype that is neither integer nor floating.
    """
    del name
    rate, kind = _rate(lam, dtype, "poisson")
    lanes = Lanes((*shape_argument(shape, "poisson"), *raw_shape(rate)), (rate,), "poisson")
    state = stream(seed, f"poisson {rate.dtype.name} {kind.name}").reserve(lanes.count)
    return lanes.packed(cast(_poisson(state, lanes, lanes.spread(cast(rate, float64))), kind))


__all__ = ["certain", "poisson", "stateless_poisson"]
