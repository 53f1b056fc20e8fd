"""Functions on arrays for every dtype: eager is native, NumPy and Python operands adapt, tensors mix strictly."""

import numpy as np
import pytest

import eager as tf

DTYPES = [
    "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64",
]  # fmt: skip
ROWS = tf.constant([0, 2, 0])
MOVES = {
    "gather": lambda x: tf.gather(x, [[0, 1], [2, 2], [3, 0]], batch_dims=1),
    "gather_nd": lambda x: tf.gather_nd(x, [[2, 3], [0, 0]]),
    "scatter_nd": lambda x: tf.scatter_nd([[3], [1], [3]], x, (4, 4)),
    "add": lambda x: tf.tensor_scatter_nd_add(x, [[0], [0]], x[1:]),
    "max": lambda x: tf.tensor_scatter_nd_max(x, [[0], [0]], x[1:]),
    "update": lambda x: tf.tensor_scatter_nd_update(x, [[0], [2]], x[1:]),
    "boolean_mask": lambda x: tf.boolean_mask(x, [True, False, True]),
    "sort": lambda x: (tf.sort(x), tf.sort(x, 0, "DESCENDING"), tf.argsort(x)),
    "top_k": lambda x: tuple(tf.math.top_k(x, 2)),
    "searchsorted": lambda x: tf.searchsorted(tf.sort(x), x),
    "cumsum": lambda x: tf.cumsum(x, 1, True, True),
    "cumprod": lambda x: tf.math.cumprod(x, 1),
    "segment_sum": lambda x: tf.math.segment_sum(x, [0, 0, 2]),
    "segment_max": lambda x: tf.math.segment_max(x, [0, 0, 2]),
    "unsorted_segment_sum": lambda x: tf.math.unsorted_segment_sum(x, ROWS, 4),
    "unsorted_segment_mean": lambda x: tf.math.unsorted_segment_mean(x, ROWS, 4),
    "unsorted_segment_max": lambda x: tf.math.unsorted_segment_max(x, ROWS, 4),
    "unsorted_segment_min": lambda x: tf.math.unsorted_segment_min(x, ROWS, 4),
    "diag": lambda x: (tf.linalg.diag(x), tf.linalg.diag_part(x, k=1), tf.linalg.set_diag(x, x[:, 0])),
    "band_part": lambda x: tf.linalg.band_part(x, 0, 1),
    "trace": lambda x: tf.linalg.trace(x),
    "einsum": lambda x: tf.einsum("ij,kj->ik", x, x),
    "reverse_sequence": lambda x: tf.reverse_sequence(x, [4, 0, 2], 1),
    "strided_slice": lambda x: x[::-1, 3:0:-2],
    "truncatediv": lambda x: (tf.truncatediv(x, x[:, ::-1]), tf.truncatemod(x, x[:, ::-1])),
    "zero_fraction": lambda x: tf.math.zero_fraction(x),
    "order": lambda x: (tf.math.is_non_decreasing(x), tf.math.is_strictly_increasing(x)),
    "dynamic_stitch": lambda x: tf.dynamic_stitch([[2, 0, 1]], [x]),
    "bitcast": lambda x: tf.bitcast(tf.bitcast(x, tf.uint8), x.dtype) if x.dtype.size > 1 else tf.bitcast(x, tf.uint8),
}


def numbers(dtype):
    values = np.array([[1, 5, 2, 3], [4, 1, 1, 7], [3, 2, 9, 1]])
    if not dtype.startswith("u"):
        values = values * [1, -1, 1, 1]
    return tf.cast(tf.constant(values), getattr(tf, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_native_is_eager_and_keeps_its_dtype(dtype):
    x = numbers(dtype)

    @tf.function(strict=True)
    def every(t):
        return [call(t) for call in MOVES.values()]

    for (name, call), native in zip(MOVES.items(), every(x), strict=True):
        for got, want in zip(tf.nest.flatten(native), tf.nest.flatten(call(x)), strict=True):
            assert got.dtype is want.dtype
            np.testing.assert_array_equal(got.numpy(), want.numpy(), err_msg=f"{name} of {dtype}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_has_the_values_of_float64(dtype):
    """All results of these small numbers are exact, or wrap; quotients are rounded towards zero."""
    for name in set(MOVES) - {"bitcast", "unsorted_segment_max", "unsorted_segment_min", "cumprod", "truncatediv"}:
        want = tf.nest.flatten(MOVES[name](numbers("float64" if not dtype.startswith("u") else "uint64")))
        for got, exact in zip(tf.nest.flatten(MOVES[name](numbers(dtype))), want, strict=True):
            reference = exact.numpy().astype(got.dtype.numpy)
            if name == "unsorted_segment_mean" and got.dtype.is_integer:
                reference = np.trunc(exact.numpy()).astype(got.dtype.numpy)
            np.testing.assert_array_equal(got.numpy(), reference, err_msg=f"{name} of {dtype}")


PAIRS = {
    "tensor_scatter_nd_add": lambda x, y: tf.tensor_scatter_nd_add(x, [[0]], y),
    "tensor_scatter_nd_update": lambda x, y: tf.tensor_scatter_nd_update(x, [[0]], y),
    "set_diag": lambda x, y: tf.linalg.set_diag(x[None], y),
    "searchsorted": lambda x, y: tf.searchsorted(x, y),
    "cross": lambda x, y: tf.linalg.cross(tf.tile(x, [3]), tf.tile(y, [3]) if tf.is_tensor(y) else np.tile(y, 3)),
    "truncatediv": lambda x, y: tf.truncatediv(x, y),
    "truncatemod": lambda x, y: tf.truncatemod(x, y),
    "xdivy": lambda x, y: tf.math.xdivy(x, y),
    "polyval": lambda x, y: tf.math.polyval([x, y], x),
    "einsum": lambda x, y: tf.einsum("i,i->i", x, y),
    "matmul": lambda x, y: tf.linalg.matvec(x[None], y),
    "tensordot": lambda x, y: tf.tensordot(x, y, 1),
    "where": lambda x, y: tf.where([True], x, y),
    "weighted cross-entropy": lambda x, y: tf.nn.weighted_cross_entropy_with_logits(x, y, 2.0),
    "log_poisson_loss": lambda x, y: tf.nn.log_poisson_loss(x, y),
}


@pytest.mark.parametrize("name", PAIRS)
def test_operands_adapt_or_are_refused(name):
    call = PAIRS[name]
    for dtype in (tf.float32, tf.float64):
        x = tf.constant([2.0], dtype)
        for y in ([3.0], np.array([3.0]), np.array([3.0], np.float32)):
            found = call(x, y)
            assert found.dtype in (dtype, tf.int32)
    with pytest.raises(TypeError, match=r"float32.*float64|float64.*float32"):
        call(tf.constant([2.0]), tf.constant([3.0], tf.float64))
