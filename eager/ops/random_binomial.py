"""Binomial draws: geometric steps for few expected successes, Hörmann's transformed rejection for many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import DTypeError
from eager.ops.common import op, shape_argument
from eager.ops.public import public
from eager.ops.random_exact import both, log, log1p, negation, number
from eager.ops.random_lanes import Lanes, accepted, filled, uniform_pair
from eager.ops.random_poisson import certain
from eager.ops.random_state import RESERVED, floating_dtype, stateless_state
from eager.ops.shaping import cast
from eager.tensor import Tensor
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, float32, float64, int32, int64

_STEPS_RESERVED = 42
"""How many blocks TensorFlow sets aside for a draw by geometric steps."""

# log(k!) less Stirling's formula for (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2, for k from 0 to 9.
_TAIL = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _tail(k: Tensor) -> Tensor:
    near = op("gather", convert(np.array(_TAIL)), cast(op("maximum", op("minimum", k, number(9)), number(0)), int32),
              axis=0)  # fmt: skip
    after = k + number(1)
    square = after * after
    far = (number(1 / 12) - (number(1 / 360) - number(1 / 1260) / square) / square) / after
    return op("select", op("less_equal", k, number(9)), near, far)


def _transformed(n: Tensor, p: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """One proposal of BTRS (Hörmann, The generation of binomial random variates, 1993), and whether it is accepted."""
    one, half = number(1), number(0.5)
    spread = op("sqrt", n * p * (one - p))
    b = number(1.15) + number(2.53) * spread
    a = number(-0.0873) + number(0.0248) * b + number(0.01) * p
    box = number(0.92) - number(4.2) / b
    ratio = p / (one - p)
    alpha = (number(2.83) + number(5.1) / b) * spread
    m = op("floor", (n + one) * p)
    u = u - half
    us = half - op("abs", u)
    k = op("floor", (number(2) * a / us + b) * u + (n * p + half))
    inside = both(op("greater_equal", us, number(0.07)), op("less_equal", v, box))
    sensible = both(op("greater_equal", k, number(0)), op("less_equal", k, n))
    k_safe = op("select", sensible, k, m)
    height = log(v * alpha / (a / (us * us) + b))
    bound = (
        (m + half) * log((m + one) / (ratio * (n - m + one)))
        + (n + one) * log((n - m + one) / (n - k_safe + one))
        + (k_safe + half) * log(ratio * (n - k_safe + one) / (k_safe + one))
        + _tail(m) + _tail(n - m) - _tail(k_safe) - _tail(n - k_safe)
    )  # fmt: skip
    return k, op("logical_or", inside, both(sensible, op("less_equal", height, bound)))


def _binomial(state: Tensor, lanes: Lanes, n: Tensor, p: Tensor, many: Tensor) -> Tensor:
    """Draws for float64 counts and probabilities up to 1/2, from each lane's own stream."""
    few = certain(many)
    scale = log1p(op("neg", p))

    def attempt(trial: Tensor, done: Tensor, total: Tensor, count: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        u, v = uniform_pair(state, first + trial)
        once = total + op("ceil", log(u) / scale)
        total = once + op("ceil", log(v) / scale)
        hit = op("greater", once, n)
        now = op("logical_or", hit, op("greater", total, n))
        found = op("select", hit, count, count + number(1))
        if not few:
            k, fits = _transformed(n, p, u, v)
            now, found = op("select", many, fits, now), op("select", many, k, found)
        now = both(now, negation(done))
        return op("logical_or", done, now), total, count + number(2), op("select", now, found, values)

    apart = op("select", many, convert(RESERVED, like=int64), convert(_STEPS_RESERVED, like=int64))
    first = lanes.numbers() * apart
    # Only counts and probabilities above 0 have something to draw; NaN is neither.
    idle = negation(both(op("greater", n, number(0)), op("greater", p, number(0)), op("less", n, number(np.inf))))
    return accepted(attempt, idle, filled(0, first), filled(0, first), filled(0, first))[-1]


def binomial_of(
    state_for: Callable[[Lanes], Tensor], sizes: tuple[Dim, ...], counts: Any, probs: Any, dtype: Any, name: str
) -> Tensor:
    """Draws of a shape, with the state that `state_for(lanes)` gives.

    Raises:
        DTypeError: if counts and probs are not floating and of one dtype.
        ShapeError: if `sizes` does not end with the shape of the parameters.
    """
    p = convert(probs, like=None if hasattr(probs, "dtype") else float32)
    kind = floating_dtype(p.dtype, name)
    n = convert(convert(counts, like=kind), dtype=kind, name="counts")
    result = as_dtype(dtype)
    if not (result.is_integer or result.is_floating):
        raise DTypeError(f"{name}: dtype is {result.name}, expected an integer or floating one")
    lanes = Lanes(sizes, (n, p), name)
    n, p = lanes.spread(n), lanes.spread(p)
    flip = op("greater", p, convert(0.5, like=kind))
    less = op("select", flip, convert(1, like=kind) - p, p)
    many = op("greater_equal", n * less, convert(10, like=kind))
    wide = cast(n, float64)
    drawn = _binomial(state_for(lanes), lanes, wide, cast(less, float64), many)
    drawn = op("select", flip, wide - drawn, drawn)
    bad = op("is_nan", p)
    return lanes.packed(cast(_edges(drawn, wide, cast(p, float64), bad), result))


def _edges(drawn: Tensor, n: Tensor, p: Tensor, bad: Tensor) -> Tensor:
    """The results that need no draw: 0 without trials or chance, all for a sure success, NaN for no probability."""
    never = op("logical_or", op("less_equal", n, number(0)), op("less_equal", p, number(0)))
    sure = op("greater_equal", p, number(1))
    found = op("select", sure, n, drawn)
    return op("select", never, number(0), op("select", bad, number(np.nan), found))


def reserved(lanes: Lanes) -> Dim:
    """How many elements TensorFlow's Generator.binomial advances its state by."""
    return lanes.columns * 200 * (lanes.samples + 3) // 4


@public("random.stateless_binomial")
def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = int32, name: str | None = None
) -> Tensor:
    """Binomial draws from a pair of seeds alone (tf.random.stateless_binomial). There is no gradient.

    The numbers are TensorFlow's. Counts and probabilities of 0 and below give 0, probabilities of 1 and above the
    count; NaN gives NaN (0 for integers).

    Args:
        shape: of the result; it ends with the shape that counts and probs broadcast to.
        seed: two integers.
        counts: how many trials, floating.
        probs: the probability of success, of the same dtype.
        output_dtype: of the result, integer or floating.
        name: accepted for compatibility.

    Raises:
        DTypeError: if counts and probs are not floating and of one dtype.
        ShapeError: if `shape` does not end with the shape of the parameters.
    """
    del name
    state = stateless_state(seed)
    sizes = shape_argument(shape, "stateless_binomial")
    return binomial_of(lambda _: state, sizes, counts, probs, output_dtype, "stateless_binomial")


__all__ = ["binomial_of", "reserved", "stateless_binomial"]
