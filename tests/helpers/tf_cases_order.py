"""Rows for sorting, the largest k, positions in sorted rows, and cumulative sums, products and log-sum-exps."""

from typing import Any

import numpy as np
from tf_cases import case, custom, fault, floats, ints

import eager as tf

X = floats(3, 4, 5)
TIES = np.array([[3, 1, 3, 2], [0, 0, 7, 7]], np.int32)

for _axis in (-1, 0, 1):
    case("sort", X, lambda x, a=_axis: np.sort(x, a), _axis, exact=True)
    case("sort", X, lambda x, a=_axis: -np.sort(-x, a), _axis, "DESCENDING", exact=True)
    case("argsort", X, lambda x, a=_axis: np.argsort(x, a).astype(np.int32), axis=_axis, smooth=False)
case("sort", TIES, lambda x: np.sort(x), smooth=False)
case("sort", np.array([np.nan, 1, -np.inf, 0.0]), lambda x: np.sort(x), smooth=False)
case("argsort", TIES, lambda x: np.argsort(-x, kind="stable").astype(np.int32), direction="DESCENDING", smooth=False)
case("argsort", TIES, lambda x: np.argsort(x, kind="stable").astype(np.int32), stable=True, smooth=False)
case("sort", floats(2, 0), lambda x: x, smooth=False)
for _n in ("sort", "argsort"):
    fault(_n, ValueError, X, 3)
    fault(_n, ValueError, X, direction="UP")
    fault(_n, ValueError, 3.0)
    fault(_n, TypeError, X, axis=1.5)


def _top(x: Any, k: int) -> Any:
    order = np.argsort(-x, -1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order.astype(np.int32)


custom("math.top_k", lambda x: tf.math.top_k(x, 3)[0], X, lambda x: _top(x, 3)[0])
custom("math.top_k", lambda x: tf.math.top_k(x, 2), TIES, lambda x: _top(x, 2), smooth=False)
custom("nn.top_k", lambda x: tf.nn.top_k(x, tf.constant(2), sorted=False).indices, X, lambda x: _top(x, 2)[1],
       smooth=False)  # fmt: skip
custom("math.top_k", lambda x: tf.math.top_k(x, index_type=tf.int64).indices, X, lambda x: _top(x, 1)[1].astype(int),
       smooth=False)  # fmt: skip
custom("math.top_k", lambda x: tf.math.top_k(x, tf.shape(x)[1] - 2).values, X, lambda x: _top(x, 2)[0])
fault("math.top_k", ValueError, X, 6)
fault("math.top_k", ValueError, X, -1)
fault("math.top_k", ValueError, 3.0)
_scores = np.array([[0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.3, 0.3, 0.4], [np.inf, 0, 1], [0.2, 0.5, 0.3]])
custom("math.in_top_k", lambda t, p: tf.math.in_top_k(t, p, 2), (np.array([0, 0, 2, 1, 5], np.int32), _scores),
       lambda t, p: np.array([True, True, True, False, False]), smooth=False)  # fmt: skip
custom("nn.in_top_k", lambda t, p: tf.nn.in_top_k(t, p, k=1), (np.array([1, 0], np.int64), _scores[:2]),
       lambda t, p: np.array([True, False]), smooth=False)  # fmt: skip
fault("math.in_top_k", ValueError, [[0]], _scores, 1)
fault("math.in_top_k", TypeError, [0.0], _scores[:1], 1)
fault("math.in_top_k", ValueError, [0, 1], _scores, 1)

_rows, _wanted = np.sort(ints(3, 7), -1), ints(3, 9)
for _side in ("left", "right"):
    case("searchsorted", (np.array([1.0, 2, 2, 3, 9]), np.array([0.0, 1, 2, 2.5, 9, 10])),
         lambda r, v, s=_side: np.searchsorted(r, v, s).astype(np.int32), side=_side, smooth=False)  # fmt: skip
    case("searchsorted", (_rows, _wanted), lambda r, v, s=_side: np.stack(
        [np.searchsorted(a, b, s) for a, b in zip(r, v, strict=True)]), _side, tf.int64, smooth=False)  # fmt: skip
case("searchsorted", (np.zeros(0), floats(3)), lambda r, v: np.zeros(3, np.int32), smooth=False)
case("searchsorted", (np.sort(floats(2, 1, 4)), floats(2, 1, 3)), lambda r, v: np.stack(
    [np.searchsorted(a[0], b[0]) for a, b in zip(r, v, strict=True)])[:, None].astype(np.int32),
    smooth=False)  # fmt: skip
fault("searchsorted", ValueError, [1.0], [1.0], "middle")
fault("searchsorted", ValueError, [[1.0]], [1.0])
fault("searchsorted", ValueError, [[1.0], [2.0]], [[1.0]])
fault("searchsorted", TypeError, tf.ones(2), tf.ones(2, tf.int32))


def _along(accumulate: Any, empty: Any) -> Any:
    """A cumulative reference with TensorFlow's flags."""

    def reference(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
        source = np.flip(x, axis) if reverse else x
        found = accumulate(source, axis)
        if exclusive:
            first = np.full_like(found.take([0], axis), empty)
            found = np.concatenate([first, found.take(range(x.shape[axis] - 1), axis)], axis)
        return np.flip(found, axis) if reverse else found

    return reference


for _name, _reference in (
    ("cumsum", _along(np.cumsum, 0)), ("math.cumprod", _along(np.cumprod, 1)),
    ("math.cumulative_logsumexp", _along(np.logaddexp.accumulate, -np.inf)),
):  # fmt: skip
    for _axis in (0, -1, 1):
        for _exclusive, _reverse in ((False, False), (True, False), (False, True), (True, True)):
            # The gradient test sums minus infinity, which leaves nothing of the others.
            _smooth = not (_exclusive and "logsumexp" in _name)
            case(_name, X, lambda x, r=_reference, a=_axis, e=_exclusive, b=_reverse: r(x, a, e, b), _axis, _exclusive,
                 _reverse, smooth=_smooth)  # fmt: skip
    fault(_name, ValueError, X, 3)
    fault(_name, ValueError, 3.0)
    fault(_name, TypeError, X, 1.5)
case("math.cumsum", TIES, lambda x: np.cumsum(x, 1, dtype=np.int32), 1, smooth=False)
case("math.cumprod", TIES, lambda x: np.cumprod(x, 1, dtype=np.int32), 1, smooth=False)
case("math.cumprod", np.array([2.0, 0, 3, 0, 5]), np.cumprod)
case("math.cumulative_logsumexp", np.array([-np.inf, -np.inf, 2.0, 900.0]),
     lambda x: np.array([-np.inf, -np.inf, 2, 900]), smooth=False)  # fmt: skip
fault("math.cumulative_logsumexp", TypeError, TIES)
