"""The derivative of the regularised incomplete gamma function P(a, x) in a, in NumPy.

The power series below x = max(1, a) and Gauss's continued fraction of 1 - P above it (Abramowitz and Stegun
6.5.29 and 6.5.31), each differentiated term by term in a, as TensorFlow's igamma_grad_a does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_TERMS = 2000
_EPS = float(np.finfo(np.float64).eps)


def igamma_grad_a(a: Any, x: Any) -> Any:
    """dP(a, x)/da for float64 arrays that broadcast; NaN unless a > 0 and x >= 0, and 0 at x = 0."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    flat_a, flat_x = a.reshape(-1), x.reshape(-1)
    result = np.full(flat_a.shape, np.nan)
    result[(flat_x == 0) & (flat_a > 0)] = 0
    result[np.isinf(flat_x) & (flat_x > 0) & (flat_a > 0) & np.isfinite(flat_a)] = 0
    inside = (flat_a > 0) & (flat_x > 0) & np.isfinite(flat_a) & np.isfinite(flat_x)
    far = inside & (flat_x > 1) & (flat_x > flat_a)
    near = inside & ~far
    with np.errstate(all="ignore"):
        result[near] = _series(flat_a[near], flat_x[near])
        result[far] = -_fraction(flat_a[far], flat_x[far])
    return result.reshape(a.shape)


def _scale(a: Any, x: Any, gamma_of: Any) -> tuple[Any, Any]:
    """x**a exp(-x) / gamma(gamma_of), and the derivative of its logarithm in a."""
    from graphcore.ops.special import scipy_special

    functions = scipy_special()
    factor = np.exp(a * np.log(x) - x - functions.gammaln(gamma_of))
    return factor, np.log(x) - functions.psi(gamma_of)


def _series(a: Any, x: Any) -> Any:
    term, d_term = np.ones_like(a), np.zeros_like(a)
    total, d_total = np.ones_like(a), np.zeros_like(a)
    r = np.array(a)
    for _ in range(_TERMS):
        r += 1
        d_term = d_term * (x / r) - term * x / (r * r)
        term = term * (x / r)
        total += term
        d_total += d_term
        if not np.any(np.abs(d_term) > _EPS * np.abs(d_total)):
            break
    factor, slope = _scale(a, x, a + 1)
    return factor * (d_total + total * slope)


def _fraction(a: Any, x: Any) -> Any:
    """The derivative of 1 - P."""
    y, z, c = 1 - a, x + 2 - a, 0.0
    p = [np.ones_like(a), x + 1]
    q = [np.array(x), z * x]
    dp, dq = [np.zeros_like(a), np.zeros_like(a)], [np.zeros_like(a), -x]
    total = p[1] / q[1]
    d_total = (dp[1] - total * dq[1]) / q[1]
    for _ in range(_TERMS):
        c, y, z = c + 1, y + 1, z + 2
        yc = y * c
        new_p, new_q = p[1] * z - p[0] * yc, q[1] * z - q[0] * yc
        new_dp = dp[1] * z - p[1] - dp[0] * yc + p[0] * c
        new_dq = dq[1] * z - q[1] - dq[0] * yc + q[0] * c
        before = d_total
        total = np.where(new_q != 0, new_p / new_q, total)
        d_total = np.where(new_q != 0, (new_dp - total * new_dq) / new_q, d_total)
        p, q, dp, dq = [p[1], new_p], [q[1], new_q], [dp[1], new_dp], [dq[1], new_dq]
        large = np.abs(new_p) > 1 / _EPS
        if large.any():
            # Only ratios count, so all eight may be made smaller together.
            p, q, dp, dq = ([np.where(large, v * _EPS, v) for v in pair] for pair in (p, q, dp, dq))
        if not np.any(np.abs(d_total - before) > _EPS * np.abs(d_total)):
            break
    factor, slope = _scale(a, x, a)
    return factor * (d_total + total * slope)
