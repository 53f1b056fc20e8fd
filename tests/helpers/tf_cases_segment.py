"""Rows for reductions over segments, counts of numbers, and histograms."""

from typing import Any

import numpy as np
from tf_cases import case, custom, fault, floats, ints

import eager as tf

X = floats(5, 2)
SORTED = np.array([0, 0, 2, 2, 2], np.int32)
MIXED = np.array([3, 0, -1, 3, 0], np.int64)
LOWEST, HIGHEST = np.finfo(np.float64).min, np.finfo(np.float64).max


def _rows(x: Any, ids: Any, count: int, reduce: Any, empty: Any) -> Any:
    """Each segment reduced by a NumPy function, `empty` where there is none."""
    x = x.reshape((ids.size, *x.shape[ids.ndim :]))
    ids = ids.reshape(-1)
    lines = [reduce(x[ids == i], axis=0) if (ids == i).any() else np.full(x.shape[1:], empty) for i in range(count)]
    return np.stack(lines).astype(x.dtype)


def _root_mean(x: Any, axis: int) -> Any:
    return np.sum(x, axis=axis) / np.sqrt(x.shape[axis])


for _name, _reduce, _empty in (
    ("sum", np.sum, 0), ("mean", np.mean, 0), ("prod", np.prod, 1), ("max", np.max, 0), ("min", np.min, 0),
):  # fmt: skip
    _n = f"math.segment_{_name}"
    custom(_n, lambda x, n=_n: _call(n)(x, SORTED), X, lambda x, r=_reduce, e=_empty: _rows(x, SORTED, 3, r, e),
           exact=False)  # fmt: skip
    custom(_n, lambda x, n=_n: _call(n)(x, [0, 1, 1]), np.array([6, 7, 9], np.int32),
           lambda x, r=_reduce, e=_empty: _rows(x, np.array([0, 1, 1]), 2, r, e), smooth=False)  # fmt: skip
    custom(_n, lambda x, n=_n: _call(n)(x, np.zeros(0, np.int32)), floats(0, 2), lambda x: x, smooth=False)
    fault(_n, ValueError, X, [0, 1, 0, 1, 1])
    fault(_n, ValueError, X, [-1, 0, 1, 1, 1])
    fault(_n, ValueError, X, [0, 1])
    fault(_n, ValueError, X, [[0, 0]] * 5)
    fault(_n, TypeError, X, [0.0, 0, 0, 0, 0])


def _call(name: str) -> Any:
    return getattr(tf.math, name.removeprefix("math."))


for _name, _reduce, _empty in (
    ("sum", np.sum, 0), ("mean", np.mean, 0), ("sqrt_n", _root_mean, 0), ("prod", np.prod, 1), ("max", np.max, LOWEST),
    ("min", np.min, HIGHEST),
):  # fmt: skip
    _n = f"math.unsorted_segment_{_name}"
    for _ids, _array in ((MIXED, X), (MIXED, X[:, 0].copy()), (ints(2, 3, low=-1, high=4), floats(2, 3, 2))):
        # Sums of squares of the lowest number would overflow in the gradient test.
        _smooth = abs(_empty) < 2 and _name != "prod"
        case(_n, (_array, _ids), lambda x, i, r=_reduce, e=_empty: _rows(x, i, 4, r, e), 4, smooth=_smooth)
    case(_n, (floats(6, 2), np.array([1, 0, 1, 2, 3, 0], np.int32)),
         lambda x, i, r=_reduce, e=_empty: _rows(x, i, 4, r, e), tf.constant(4, tf.int64))  # fmt: skip
    fault(_n, ValueError, X, [0, 1, 4, 0, 0], 4)
    fault(_n, ValueError, X, [0, 1], 4)
    fault(_n, ValueError, X, MIXED, -1)
    fault(_n, TypeError, X, [0.0, 1, 1, 1, 1], 4)
for _name, _value in (("max", np.iinfo(np.int32).min), ("min", np.iinfo(np.int32).max)):
    case(f"math.unsorted_segment_{_name}", (np.array([5, 7], np.int32), np.array([2, 2], np.int32)),
         lambda x, i, n=_name, v=_value: np.array([v, v, 7 if n == "max" else 5], np.int32), 3,
         smooth=False)  # fmt: skip

# Counts.

_numbers = np.array([1, 5, 1, 0, 3], np.int32)
_weights = floats(5)
custom("math.bincount", lambda: tf.math.bincount(_numbers), (), lambda: np.array([1, 2, 0, 1, 0, 1], np.int32))
custom("math.bincount", lambda: tf.math.bincount(_numbers, minlength=8, dtype=tf.float32), (),
       lambda: np.bincount(_numbers, minlength=8).astype(np.float32))  # fmt: skip
custom("math.bincount", lambda: tf.math.bincount(_numbers, maxlength=3), (), lambda: np.array([1, 2, 0], np.int32))
custom("math.bincount", lambda: tf.math.bincount(np.zeros(0, np.int32)), (), lambda: np.zeros(0, np.int32))
custom("math.bincount", lambda n, w: tf.math.bincount(n, w, 4, 4), (_numbers, _weights),
       lambda n, w: np.bincount(n, w)[:4], exact=False)  # fmt: skip
custom("math.bincount", lambda n: tf.math.bincount(n, minlength=4, maxlength=4, binary_output=True), _numbers,
       lambda n: np.array([1, 1, 0, 1], np.int32), smooth=False)  # fmt: skip
custom("math.bincount", lambda n: tf.math.bincount(n, minlength=3, maxlength=3, axis=-1),
       np.array([[1, 1], [2, 0], [9, 0]], np.int64),
       lambda n: np.array([[0, 2, 0], [1, 0, 1], [1, 0, 0]], np.int32), smooth=False)  # fmt: skip
custom("math.bincount", lambda n: tf.math.bincount(n, minlength=3, maxlength=3, axis=-1), np.array([1, 1], np.int32),
       lambda n: np.array([0, 2, 0], np.int32), smooth=False)  # fmt: skip
fault("math.bincount", ValueError, [-1])
fault("math.bincount", ValueError, [1], weights=[1.0, 2.0])
fault("math.bincount", ValueError, [1], weights=[1.0], binary_output=True)
fault("math.bincount", ValueError, [1], axis=1)
fault("math.bincount", ValueError, [[[1]]], axis=-1)
fault("math.bincount", ValueError, [1], minlength=-1)
fault("math.bincount", TypeError, [1.0])

# The examples of tf.histogram_fixed_width's documentation.
_values = np.array([-1.0, 0.0, 1.5, 2.0, 5.0, 15])
case("histogram_fixed_width", _values, lambda x: np.array([2, 1, 1, 0, 2], np.int32), [0.0, 5.0], 5, smooth=False)
case("histogram_fixed_width_bins", _values, lambda x: np.array([0, 0, 1, 2, 4, 4], np.int32), [0.0, 5.0], 5,
     smooth=False)  # fmt: skip
case("histogram_fixed_width", floats(4, 25), lambda x: np.histogram(x, 7, (-2, 2))[0], [-2.0, 2.0], 7, tf.int64,
     smooth=False)  # fmt: skip
case("histogram_fixed_width", np.array([0, 3, 9], np.int32), lambda x: np.array([1, 2], np.int32), [0, 4], 2,
     smooth=False)  # fmt: skip
for _n in ("histogram_fixed_width", "histogram_fixed_width_bins"):
    fault(_n, ValueError, _values, [5.0, 0.0])
    fault(_n, ValueError, _values, [0.0, 5.0], 0)
    fault(_n, ValueError, _values, [0.0, 1.0, 2.0])
    fault(_n, TypeError, [True], [0.0, 1.0])
custom("math.confusion_matrix", lambda: tf.math.confusion_matrix([1, 2, 4], [2, 2, 4]), (),
       lambda: np.array([[0] * 5, [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0] * 5, [0, 0, 0, 0, 1]], np.int32))  # fmt: skip
case("math.confusion_matrix", (np.array([0, 1, 1], np.int32), np.array([[0], [1], [0]], np.int64)),
     lambda a, b: np.array([[1.0, 0], [3, 2]]), 2, [1, 2, 3], tf.float64, smooth=False)  # fmt: skip
fault("math.confusion_matrix", ValueError, [0, 3], [0, 0], 3)
fault("math.confusion_matrix", ValueError, [0, -1], [0, 0], 3)
fault("math.confusion_matrix", ValueError, [0, 1], [0])

# TensorFlow 2.15's own numbers: it divides sums of integers as `/` does here, and towards 0 in segment_mean.

custom("math.unsorted_segment_mean", lambda x: tf.math.unsorted_segment_mean(x, [0, 0, 1, 1], 2),
       np.array([1, 2, -3, -4], np.int32), lambda x: np.array([1.5, -3.5]), smooth=False)  # fmt: skip
