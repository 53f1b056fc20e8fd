"""Rows for short compositions of tf.math and tf.nn: quotients towards zero, polynomials, moments, losses."""

from typing import Any

import numpy as np
from tf_cases import case, custom, fault, floats, ints

import eager as tf

X = floats(3, 4)
_N, _D = np.array([-7, 7, -7, 7, 0, 6], np.int32), np.array([5, 5, -5, -5, 3, -3], np.int32)

case("realdiv", (X, floats(3, 4) + 3), np.divide, exact=True)
fault("realdiv", TypeError, tf.ones(2), tf.ones(2, tf.float64))
case("truncatediv", (_N, _D), lambda x, y: np.trunc(x / y).astype(np.int32), smooth=False)
case("truncatediv", (np.array([200, 7], np.uint8), np.array([3, 9], np.uint8)), np.floor_divide, smooth=False)
case("truncatediv", (_N / 2.0, _D * 1.0), lambda x, y: np.trunc(x / y), smooth=False)
case("truncatemod", (_N, _D), np.fmod, smooth=False)
case("truncatemod", (floats(9, low=-9, high=9), floats(9, low=0.1)), np.fmod, exact=True)
case("truncatemod", (np.array([200, 7], np.uint8), np.array([3, 9], np.uint8)), np.fmod, smooth=False)
for _n in ("truncatediv", "truncatemod"):
    fault(_n, TypeError, tf.ones(2), tf.ones(2, tf.float64))
    fault(_n, ValueError, tf.ones(2), tf.ones(3))
case("math.rint", np.array([-1.5, 0.5, 1.5, 2.4]), np.rint, smooth=False)
fault("math.rint", TypeError, _N)
custom("math.scalar_mul", lambda x: tf.math.scalar_mul(2.5, x), X, lambda x: 2.5 * x)
custom("scalar_mul", tf.scalar_mul, (floats(), X), np.multiply)
fault("math.scalar_mul", ValueError, [1.0, 2.0], X)
fault("math.scalar_mul", TypeError, tf.constant(1), tf.ones(2))
case("math.reciprocal_no_nan", np.array([2.0, -0.5, 4]), lambda x: 1 / x)
case("math.reciprocal_no_nan", np.array([2.0, 0, -0.0]), lambda x: np.array([0.5, 0, 0]), smooth=False)
fault("math.reciprocal_no_nan", TypeError, _N)
case("math.xdivy", (np.array([1.0, 3]), np.array([4.0, -2])), np.divide)
case("math.xdivy", (np.array([0.0, 3, 0]), np.array([0.0, 2, np.nan])), lambda x, y: np.array([0, 1.5, 0]),
     smooth=False)  # fmt: skip
fault("math.xdivy", TypeError, _N, _D)
fault("math.xdivy", ValueError, floats(2), floats(3))
custom("math.polyval", lambda a, b, c, x: tf.math.polyval([a, b, c], x), (floats(), floats(4), floats(3, 1), X),
       lambda a, b, c, x: (a * x + b) * x + c, exact=False)  # fmt: skip
custom("math.polyval", lambda x: tf.math.polyval([3, -1.5], x), X, lambda x: 3 * x - 1.5, exact=False)
custom("math.polyval", lambda x: tf.math.polyval([], x), X, lambda x: 0 * x, smooth=False)
fault("math.polyval", ValueError, 3.0, X)
fault("math.polyval", TypeError, [tf.constant(1)], tf.ones(2))
custom("math.accumulate_n", lambda a, b: tf.math.accumulate_n([a, b, a]), (X, X + 1), lambda a, b: 2 * a + b)
fault("math.accumulate_n", ValueError, [])
fault("math.accumulate_n", ValueError, [X, floats(3, 1)])
fault("math.accumulate_n", ValueError, [X, ints(3, 4)])
for _n, _reference in (("is_non_decreasing", np.less_equal), ("is_strictly_increasing", np.less)):
    for _values in ([1, 2, 3], [1, 1, 3], [[1, 3], [2, 4]], [7], []):
        case(f"math.{_n}", np.array(_values, float), lambda x, r=_reference: r(x.ravel()[:-1], x.ravel()[1:]).all(),
             smooth=False)  # fmt: skip
    fault(f"math.{_n}", TypeError, [True])
case("math.zero_fraction", np.array([[0, 3], [0, 0]], np.int32), lambda x: np.float32(0.75), smooth=False)
custom("nn.zero_fraction", tf.nn.zero_fraction, np.array([0.0, 1, 2]), lambda x: np.float32(1) / np.float32(3),
       smooth=False, exact=False)  # fmt: skip
fault("math.zero_fraction", TypeError, [True])

# Neural networks.

case("nn.crelu", X, lambda x: np.maximum(np.concatenate([x, -x], -1), 0), exact=True)
case("nn.crelu", X, lambda x: np.maximum(np.concatenate([x, -x], 0), 0), axis=0, exact=True)
fault("nn.crelu", ValueError, X, axis=2)
fault("nn.crelu", TypeError, [True])


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


case("nn.weighted_cross_entropy_with_logits", (floats(3, 4, low=0, high=1), X),
     lambda z, x: -2.5 * z * np.log(_logistic(x)) - (1 - z) * np.log(_logistic(-x)), 2.5)  # fmt: skip
custom("nn.weighted_cross_entropy_with_logits", tf.nn.weighted_cross_entropy_with_logits,
       (floats(3, 4, low=0, high=1), X, floats(4, low=0.5)),
       lambda z, x, q: -q * z * np.log(_logistic(x)) - (1 - z) * np.log(_logistic(-x)), exact=False)  # fmt: skip
fault("nn.weighted_cross_entropy_with_logits", ValueError, floats(3), floats(4), 1.0)
fault("nn.weighted_cross_entropy_with_logits", TypeError, tf.ones(2), tf.ones(2, tf.float64), 1.0)
_counts = np.array([0.0, 0.5, 1, 2, 7.5, 30])
case("nn.log_poisson_loss", (_counts, floats(6)), lambda z, c: np.exp(c) - z * c)
case("nn.log_poisson_loss", (_counts, floats(6)), lambda z, c: np.exp(c) - z * c + np.where(
    z <= 1, 0, z * np.log(np.maximum(z, 1)) - z + np.log(2 * np.pi * np.maximum(z, 1)) / 2), True,
    smooth=False)  # fmt: skip
case("nn.log_poisson_loss", (_counts[3:], floats(3)), lambda z, c: np.exp(c) - z * c + z * np.log(z) - z
     + np.log(2 * np.pi * z) / 2, compute_full_loss=True)  # fmt: skip
fault("nn.log_poisson_loss", ValueError, floats(3), floats(4))
fault("nn.log_poisson_loss", TypeError, ints(3), ints(3))
case("nn.compute_average_loss", X, lambda x: x.sum() / 3)
case("nn.compute_average_loss", (floats(4), floats(4)), lambda x, w: (x * w).sum() / 8, global_batch_size=8)
custom("nn.compute_average_loss", lambda x, w: tf.nn.compute_average_loss(x, sample_weight=w), (X, floats(3)),
       lambda x, w: (x * w[:, None]).sum() / 3, exact=False)  # fmt: skip
fault("nn.compute_average_loss", ValueError, 1.0)
fault("nn.compute_average_loss", TypeError, [1.0], global_batch_size=2.0)
fault("nn.compute_average_loss", TypeError, ints(3))
case("nn.scale_regularization_loss", X, np.sum)
fault("nn.scale_regularization_loss", TypeError, ints(3))
_weights = floats(3, 1, low=0.2)
custom("nn.weighted_moments", lambda x, w: tf.nn.weighted_moments(x, [0], w), (X, _weights), lambda x, w: [
    np.average(x, 0, w[:, 0]), np.average((x - np.average(x, 0, w[:, 0])) ** 2, 0, w[:, 0])], exact=False)  # fmt: skip
custom("nn.weighted_moments", lambda x, w: tf.nn.weighted_moments(x, [0, 1], w, keepdims=True),
       (X, floats(3, 4, low=0.2)),
       lambda x, w: [np.average(x, None, w).reshape(1, 1),
                     np.average((x - np.average(x, None, w)) ** 2, None, w).reshape(1, 1)], exact=False)  # fmt: skip
fault("nn.weighted_moments", ValueError, X, [2], _weights)
fault("nn.weighted_moments", TypeError, ints(3), [0], 1)
custom("nn.sufficient_statistics", lambda x: tf.nn.sufficient_statistics(x, [0])[:3], X,
       lambda x: [np.float64(3), x.sum(0), (x**2).sum(0)], exact=False)  # fmt: skip
custom("nn.sufficient_statistics", lambda x, s: tf.nn.sufficient_statistics(x, 1, s, keepdims=True), (X, floats()),
       lambda x, s: [np.float64(4), (x - s).sum(1, keepdims=True), ((x - s) ** 2).sum(1, keepdims=True), s],
       exact=False)  # fmt: skip
fault("nn.sufficient_statistics", ValueError, X, [2])
fault("nn.sufficient_statistics", TypeError, ints(3), [0])


def _from_sums(x: Any, shift: Any) -> Any:
    return tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [0], shift))


custom("nn.normalize_moments", lambda x: _from_sums(x, None), X, lambda x: [x.mean(0), x.var(0)], exact=False)
custom("nn.normalize_moments", lambda x: _from_sums(x, 1.5), X, lambda x: [x.mean(0), x.var(0)], exact=False)
fault("nn.normalize_moments", TypeError, tf.ones(()), tf.ones(2, tf.float64), tf.ones(2), None)
_image = (floats(2, 2, 2, 3), floats(3), floats(3, low=0.5), floats(3))
custom("nn.batch_norm_with_global_normalization",
       lambda x, m, v, b, g: tf.nn.batch_norm_with_global_normalization(x, m, v, b, g, 1e-3, True),
       (*_image, floats(3)),
       lambda x, m, v, b, g: g * (x - m) / np.sqrt(v + 1e-3) + b, exact=False)  # fmt: skip
custom("nn.batch_norm_with_global_normalization",
       lambda x, m, v, b: tf.nn.batch_norm_with_global_normalization(x, m, v, b, 7.0, 1e-3, False), _image,
       lambda x, m, v, b: (x - m) / np.sqrt(v + 1e-3) + b, exact=False)  # fmt: skip
fault("nn.batch_norm_with_global_normalization", ValueError, floats(2, 3), *[floats(4)] * 4, 1e-3, True)
