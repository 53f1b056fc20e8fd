"""Rows for functions on arrays: gather and scatter, masks, distinct elements, slices, computed positions, bytes."""

from typing import Any

import numpy as np
from tf_cases import bools, case, custom, fault, floats, ints

import eager as tf

X = floats(3, 4)
INT = np.array([1, 2], np.int32)

# gather, gather_nd, scatter.

_deep, _picks = floats(2, 3, 4), ints(2, 5, low=0, high=3)
case("gather", (_deep, _picks), lambda x, i: np.stack([a[j] for a, j in zip(x, i, strict=True)]), batch_dims=1,
     exact=True)  # fmt: skip
case("gather", (_deep, _picks), lambda x, i: np.stack([a[:, j] for a, j in zip(x, i, strict=True)]), axis=2,
     batch_dims=1, exact=True)  # fmt: skip
case("gather", (_deep, ints(2, 3, 2, low=0, high=4)), lambda x, i: np.take_along_axis(x, i, 2), batch_dims=2,
     exact=True)  # fmt: skip
case("gather", (_deep, ints(2, 3, 2, low=0, high=4)), lambda x, i: np.take_along_axis(x, i, 2), batch_dims=-1, axis=-1,
     exact=True)  # fmt: skip
case("gather", (_deep, np.array([1, 0], np.int8)), lambda x, i: x[:, i], axis=1, exact=True)
fault("gather", ValueError, X, [[0]], axis=0, batch_dims=1)
fault("gather", ValueError, X, [[0], [0]], batch_dims=1)
fault("gather", ValueError, X, [0], batch_dims=2)

_pairs = np.array([[[0, 1], [2, 3]], [[1, 1], [0, 0]]], np.int32)
case("gather_nd", (X, _pairs), lambda x, i: x[i[..., 0], i[..., 1]], exact=True)
case("gather_nd", (X, np.array([[2], [0]], np.int64)), lambda x, i: x[i[:, 0]], exact=True)
case("gather_nd", (X, np.zeros((2, 0), np.int32)), lambda x, i: np.stack([x, x]), exact=True)
case("gather_nd", (_deep, np.array([[[1, 2]], [[0, 3]]], np.int32)),
     lambda x, i: np.stack([x[b, i[b, :, 0], i[b, :, 1]] for b in range(2)]), batch_dims=1, exact=True)  # fmt: skip
fault("gather_nd", ValueError, X, [[3, 0]])
fault("gather_nd", ValueError, X, [[0, 0, 0]])
fault("gather_nd", TypeError, X, [[0.0]])
fault("gather_nd", ValueError, X, [[0, 0]], batch_dims=5)


def _scattered(x: Any, i: Any, u: Any, ufunc: Any = np.add) -> Any:
    result = np.array(x)
    ufunc.at(result, tuple(np.moveaxis(i, -1, 0)), u)
    return result


class _Replace:
    """As a ufunc whose `at` replaces."""

    @staticmethod
    def at(x: Any, i: Any, u: Any) -> None:
        x[i] = u


_spots = np.array([[4], [1], [4]], np.int32)
custom("scatter_nd", lambda i, u: tf.scatter_nd(i, u, (5, 2)), (_spots, floats(3, 2)),
       lambda i, u: _scattered(np.zeros((5, 2)), i, u), exact=False)  # fmt: skip
custom("scatter_nd", lambda i, u: tf.scatter_nd(i, u, tf.constant([3, 4], tf.int64)), (_pairs, floats(2, 2)),
       lambda i, u: _scattered(np.zeros((3, 4)), i, u))  # fmt: skip
custom("scatter_nd", lambda i, u: tf.scatter_nd(i, u, (5,)), (_spots, ints(3)),
       lambda i, u: _scattered(np.zeros(5, np.int32), i, u), smooth=False)  # fmt: skip
fault("scatter_nd", ValueError, [[5]], [1.0], (5,))
fault("scatter_nd", ValueError, [[0]], [1.0, 2.0], (5,))
fault("scatter_nd", TypeError, [[0.0]], [1.0], (5,))
fault("scatter_nd", ValueError, [[0]], [1.0], (-5,))
for _name, _ufunc in (("add", np.add), ("sub", np.subtract), ("max", np.maximum), ("min", np.minimum)):
    _n = f"tensor_scatter_nd_{_name}"
    case(_n, (floats(5, 2), _spots, floats(3, 2)), lambda x, i, u, f=_ufunc: _scattered(x, i, u, f))
    case(_n, (X, _pairs, floats(2, 2)), lambda x, i, u, f=_ufunc: _scattered(x, i, u, f))
    case(_n, (ints(5), _spots, ints(3)), lambda x, i, u, f=_ufunc: _scattered(x, i, u, f), smooth=False)
case("tensor_scatter_nd_update", (X, _pairs, floats(2, 2)), lambda x, i, u: _scattered(x, i, u, _Replace), exact=True)
case("tensor_scatter_nd_update", (floats(5, 2), _spots[:2], floats(2, 2)),
     lambda x, i, u: _scattered(x, i, u, _Replace), exact=True)  # fmt: skip
case("tensor_scatter_nd_update", (ints(5), _spots, ints(3)), lambda x, i, u: _scattered(x, i, u, _Replace),
     smooth=False)  # fmt: skip
for _name in ("add", "sub", "max", "min", "update"):
    _n = f"tensor_scatter_nd_{_name}"
    fault(_n, ValueError, X, [[3]], floats(1, 4))
    fault(_n, ValueError, X, [[0]], floats(1, 3))
    fault(_n, TypeError, X, [[0.0]], floats(1, 4))
    fault(_n, TypeError, tf.ones(3), [[0]], tf.ones(1, tf.float64))


# Results as large as the data says; the masks and numbers of these rows are constants, so that they can be traced.

for _mask, _axis in ((bools(3), None), (bools(3, 4), 0), (bools(4), 1), (bools(4), -1)):
    custom("boolean_mask", lambda x, m=_mask, a=_axis: tf.boolean_mask(x, m, a), X,
           lambda x, m=_mask, a=_axis: x[:, m] if a in (1, -1) else x[m])  # fmt: skip
custom("boolean_mask", lambda x: x[tf.constant([True, False, True])], X, lambda x: x[[0, 2]])
fault("boolean_mask", ValueError, X, True)
fault("boolean_mask", ValueError, X, [True, False])
fault("boolean_mask", TypeError, X, [1, 0, 1])
fault("boolean_mask", ValueError, X, [True], axis=2)
_flags = bools(3, 4)
custom("where", lambda: tf.where(_flags), (), lambda: np.argwhere(_flags))
custom("where", lambda: tf.where([0.0, 2.0, -1.0]), (), lambda: np.array([[1], [2]]))
_vector = np.array([4, 1, 4, 2, 1, 4], np.int64)
custom("unique", lambda: tf.unique(_vector), (),
       lambda: [np.array([4, 1, 2]), np.array([0, 1, 0, 2, 1, 0], np.int32)])  # fmt: skip
custom("unique", lambda: tf.unique([2.5, 2.5], tf.int64), (),
       lambda: [np.array([2.5], np.float32), np.array([0, 0])])  # fmt: skip
custom("unique_with_counts", lambda: tf.unique_with_counts(_vector), (),
       lambda: [np.array([4, 1, 2]), np.array([0, 1, 0, 2, 1, 0], np.int32),
                np.array([3, 2, 1], np.int32)])  # fmt: skip
fault("unique", ValueError, X)
fault("unique_with_counts", ValueError, 3)
_parts = np.array([1, 0, 1], np.int32)
custom("dynamic_partition", lambda x: tf.dynamic_partition(x, _parts, 3), X,
       lambda x: [x[_parts == i] for i in range(3)])  # fmt: skip
fault("dynamic_partition", ValueError, X, [0, 3, 1], 3)
fault("dynamic_partition", ValueError, X, [0, 1], 2)
fault("dynamic_partition", TypeError, X, [0.0, 1, 2], 2)
custom("dynamic_stitch", lambda a, b: tf.dynamic_stitch([[0, 3], [2, 1, 0]], [a, b]), (floats(2, 2), floats(3, 2)),
       lambda a, b: np.stack([b[2], b[1], b[0], a[1]]))  # fmt: skip
custom("dynamic_stitch", lambda a, b: tf.dynamic_stitch([3, [[0]]], [a, b]), (floats(2), floats(1, 1, 2)),
       lambda a, b: np.stack([b[0, 0], a * 0, a * 0, a]))  # fmt: skip
fault("dynamic_stitch", ValueError, [[0]], [X, X])
fault("dynamic_stitch", ValueError, [[0]], [X])
fault("dynamic_stitch", ValueError, [[-1, 0, 1]], [X])
fault("dynamic_stitch", TypeError, [[0], [1]], [tf.ones(1), tf.ones(1, tf.int32)])

# Slices and positions.

for _args, _key in (
    ((((0, 1), (3, 3)), {}), (slice(0, 3), slice(1, 3))),
    ((((2, -1), (0, 0), (-1, -2)), {}), (slice(2, 0, -1), slice(-1, 0, -2))),
    ((((0, 1), (3, 3)), {"begin_mask": 2, "end_mask": 1}), (slice(0, None), slice(None, 3))),
    ((((0, 1), (3, 3)), {"shrink_axis_mask": 2}), (slice(0, 3), 1)),
    ((((0, 0, 1), (0, 0, 3)), {"ellipsis_mask": 1, "new_axis_mask": 2}), (Ellipsis, None, slice(1, 3))),
):
    custom("strided_slice", lambda x, a=_args: tf.strided_slice(x, *a[0], **a[1]), X, lambda x, k=_key: x[k])
custom("strided_slice", lambda x, b: tf.strided_slice(x, b, [0, 0], shrink_axis_mask=3),
       (X, np.array([2, -3], np.int32)), lambda x, b: x[2, -3])  # fmt: skip
fault("strided_slice", ValueError, X, (0,), (1, 2))
fault("strided_slice", ValueError, X, (0,), (1,), (0,))
fault("strided_slice", IndexError, X, (0, 0, 0), (1, 1, 1))
fault("strided_slice", ValueError, X, (0, 0), (1, 1), ellipsis_mask=3)
custom("slice", lambda x, b: tf.slice(x, b, [2, 2]), (X, np.array([1, 2], np.int32)), lambda x, b: x[1:3, 2:])
custom("slice", lambda x, b: tf.slice(x, [0, b], [-1, 2]), (X, np.array(1, np.int64)), lambda x, b: x[:, 1:3])
fault("slice", ValueError, X, tf.constant([2, 0]), (2, 1))
_turns = np.array([2, 0, 3], np.int32)
case("reverse_sequence", (X, _turns), lambda x, n: np.stack(
    [np.concatenate([r[:k][::-1], r[k:]]) for r, k in zip(x, n, strict=True)]), 1, exact=True)  # fmt: skip
case("reverse_sequence", (floats(4, 2, 3), _turns), lambda x, n: np.stack(
    [np.concatenate([x[:k, :, b][::-1], x[k:, :, b]]) for b, k in enumerate(n)], -1), seq_axis=0, batch_axis=2,
    exact=True)  # fmt: skip
fault("reverse_sequence", ValueError, X, [5, 0, 0], 1)
fault("reverse_sequence", ValueError, X, [1, 1], 1)
fault("reverse_sequence", ValueError, X, [1, 1, 1], 0, 0)
fault("reverse_sequence", TypeError, X, [1, 1, 1])
fault("reverse_sequence", TypeError, X, [1.0, 1, 1], 1)
case("math.invert_permutation", np.array([3, 0, 2, 1], np.int32), lambda x: np.argsort(x).astype(np.int32),
     smooth=False)  # fmt: skip
for _bad in ([0, 0], [1, 2], [-1, 0], [[0]]):
    fault("math.invert_permutation", ValueError, _bad)
fault("math.invert_permutation", TypeError, [0.0])
case("unravel_index", np.array([22, 0, 9], np.int64), lambda i: np.stack(np.unravel_index(i, (3, 4, 2))), (3, 4, 2),
     smooth=False)  # fmt: skip
case("unravel_index", np.array(7, np.int32), lambda i: np.array([1, 3], np.int32), tf.constant([3, 4]), smooth=False)
fault("unravel_index", ValueError, [12], (3, 4))
fault("unravel_index", ValueError, [-1], (3, 4))
fault("unravel_index", TypeError, [1.0], (3, 4))
custom("parallel_stack", lambda a, b: tf.parallel_stack([a, b]), (X, X + 1), lambda a, b: np.stack([a, b]))
fault("parallel_stack", ValueError, [X, floats(2, 3)])

custom("linspace", lambda a, b: tf.linspace(a, b, 5, axis=1), (floats(3, 1), floats(4)),
       lambda a, b: np.linspace(*np.broadcast_arrays(a, b), 5, axis=1), exact=False)  # fmt: skip
custom("linspace", lambda: tf.linspace(0, 10, 5), (), lambda: np.linspace(0, 10, 5))
fault("linspace", ValueError, floats(2), floats(3), 4)
fault("linspace", ValueError, floats(2), floats(2), 4, axis=3)

# Bytes.

for _from, _to in (
    (np.array([1.5, -2], np.float32), np.int32), (np.array([[1, -2]], np.int32), np.uint8),
    (np.array([1, -(2**62)], np.int64), np.uint16), (np.array([-1, 7], np.int8), np.uint8),
):  # fmt: skip
    _wide = _from.view(_to).reshape(*_from.shape, -1)
    _wide = _wide.reshape(_from.shape) if _from.itemsize == np.dtype(_to).itemsize else _wide
    case("bitcast", _from, lambda x, w=_wide: w, tf.as_dtype(_to), smooth=False)
    case("bitcast", _wide, lambda x, w=_from: w, tf.as_dtype(_from.dtype), smooth=False)
fault("bitcast", ValueError, np.zeros((2, 3), np.uint8), tf.float32)
fault("bitcast", TypeError, [True], tf.uint8)

# What is known of tensors.

custom("shape_n", lambda a, b: tf.shape_n([a, b]), (X, INT), lambda a, b: [np.array([3, 4], np.int32),
       np.array([2], np.int32)], smooth=False)  # fmt: skip
fault("shape_n", ValueError, [])
custom("broadcast_dynamic_shape", lambda a, b: tf.broadcast_dynamic_shape(tf.shape(a), tf.shape(b)),
       (floats(3, 1), floats(4)), lambda a, b: np.array([3, 4], np.int32), smooth=False)  # fmt: skip
fault("broadcast_dynamic_shape", ValueError, [3], [4])
custom("is_tensor", lambda: tf.constant([tf.is_tensor(tf.ones(1)), tf.is_tensor(X), tf.is_tensor(3)]), (),
       lambda: np.array([True, False, False]))  # fmt: skip
fault("is_tensor", TypeError)
custom("is_symbolic_tensor", lambda: tf.constant(tf.is_symbolic_tensor(tf.constant(1))), (), lambda: np.array(False))
fault("is_symbolic_tensor", TypeError, 3)
custom("get_static_value", lambda x: tf.constant(tf.get_static_value(tf.shape(x))), X, lambda x: np.array([3, 4],
       np.int32), smooth=False)  # fmt: skip
fault("get_static_value", TypeError, 3)
custom("required_space_to_batch_paddings",
       lambda n: tf.required_space_to_batch_paddings(n, [2, 4], [[1, 0], [0, 0]]), np.array([4, 8], np.int32),
       lambda n: [np.array([[1, 1], [0, 0]], np.int32), np.array([[0, 1], [0, 0]], np.int32)],
       smooth=False)  # fmt: skip
fault("required_space_to_batch_paddings", ValueError, [4, 8], [2])
custom("identity_n", lambda a, b: tf.identity_n([a, b]), (X, X + 1), lambda a, b: [a, b])
fault("identity_n", ValueError, [])
custom("guarantee_const", tf.guarantee_const, X, lambda x: x)
fault("guarantee_const", ValueError, None)
