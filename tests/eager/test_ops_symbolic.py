"""Functions on tensors of open sizes: one native function for every batch size, equal to eager."""

import numpy as np
import pytest

import eager as tf

W = tf.constant(np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3))

CALLS = {
    "zeros": lambda x: tf.zeros((tf.shape(x)[0], 3)) + x[:, :3],
    "ones_like": lambda x: tf.ones_like(x),
    "fill": lambda x: tf.fill(tf.shape(x), 2.0),
    "eye": lambda x: tf.eye(tf.shape(x)[0]) @ x,
    "range": lambda x: tf.range(tf.shape(x)[0], dtype=tf.float32),
    "range from": lambda x: tf.range(1, tf.shape(x)[0] + 1, 2),
    "shape": lambda x: tf.shape(x),
    "size": lambda x: tf.size(x) * 2,
    "reshape": lambda x: tf.reshape(x, (-1, 2)),
    "reshape with a size": lambda x: tf.reshape(x, (tf.shape(x)[0], 2, -1)),
    "reshape to one row": lambda x: tf.reshape(x, (1, -1)),
    "transpose": lambda x: tf.transpose(x),
    "expand_dims": lambda x: tf.squeeze(tf.expand_dims(x, 1), 1),
    "concat": lambda x: tf.concat([x, x * 2], 0),
    "stack": lambda x: tf.stack([x, x], 1),
    "unstack": lambda x: tf.unstack(x, axis=1),
    "split columns": lambda x: tf.split(x, 2, 1),
    "split rows": lambda x: tf.split(x, [1, -1], 0),
    "tile": lambda x: tf.tile(x, (2, 1)),
    "repeat": lambda x: tf.repeat(x, 2, 0),
    "roll": lambda x: tf.roll(x, 1, 0),
    "pad": lambda x: tf.pad(x, ((1, 2), (0, 1)), constant_values=9.0),
    "pad by a size": lambda x: tf.pad(x, [[0, tf.shape(x)[0]], [0, 0]]),
    "reflect": lambda x: tf.pad(x, ((1, 0), (0, 0)), "REFLECT"),
    "reverse": lambda x: tf.reverse(x, [0]),
    "slice": lambda x: tf.slice(x, (1, 0), (-1, 2)),
    "gather": lambda x: tf.gather(x, tf.range(tf.shape(x)[0])),
    "where": lambda x: tf.where(x > 0, x, 0.0),
    "one_hot": lambda x: tf.one_hot(tf.cast(x[:, 0], tf.int32), 4),
    "one_hot of open depth": lambda x: tf.one_hot([0, 1], tf.shape(x)[0]),
    "sequence_mask": lambda x: tf.sequence_mask([1, 2], tf.shape(x)[0]),
    "reduce_mean": lambda x: tf.reduce_mean(x, 0),
    "reduce_mean of ints": lambda x: tf.reduce_mean(tf.cast(x * 5, tf.int32)),
    "variance": lambda x: tf.math.reduce_variance(x, 0),
    "logsumexp": lambda x: tf.reduce_logsumexp(x, 0),
    "argmax": lambda x: tf.argmax(x, 0),
    "softmax": lambda x: tf.nn.softmax(x, 0),
    "moments": lambda x: tf.nn.moments(x, [0]),
    "matmul": lambda x: tf.matmul(x, x, transpose_b=True),
    "batched matmul": lambda x: tf.matmul(x[:, None, :], W),
    "einsum": lambda x: tf.einsum("...x,xy->...y", x, W),
    "outer": lambda x: tf.einsum("i,j->ij", x[:, 0], x[:, 1]),
    "tensordot": lambda x: tf.tensordot(x, W, 1),
    "bias": lambda x: tf.nn.bias_add(x, W[:, 0]),
    "cross-entropy": lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(tf.zeros((tf.shape(x)[0],), tf.int32), x),
    "broadcast": lambda x: tf.broadcast_to(x[:1], tf.shape(x)),
    "ensure_shape": lambda x: tf.ensure_shape(x, (None, 4)),
    "normalize": lambda x: tf.math.l2_normalize(x, 0),
    "clip": lambda x: tf.clip_by_norm(x, 1.0, 0),
    "linspace": lambda x: (tf.linspace(0.0, 1.0, tf.shape(x)[0]), tf.linspace(x[:, 0], 1.0, 3, axis=1)),
    "gather in a batch": lambda x: tf.gather(x, tf.argsort(x, 1), batch_dims=1),
    "gather_nd": lambda x: tf.gather_nd(x, tf.stack([tf.range(tf.shape(x)[0])] * 2, 1) * 0),
    "scatter_nd": lambda x: tf.scatter_nd(tf.range(tf.shape(x)[0])[:, None], x, tf.shape(x) + 1 * [1, 0]),
    "tensor_scatter": lambda x: tf.tensor_scatter_nd_max(x, [[1, 0], [0, 3]], x[0, :2]),
    "sort": lambda x: (tf.sort(x, 0), tf.sort(x, 1, "DESCENDING"), tf.argsort(x, 0)),
    "top_k": lambda x: tf.math.top_k(x, 2),
    "top_k of open rows": lambda x: tf.math.top_k(tf.transpose(x), tf.shape(x)[0] - 1),
    "in_top_k": lambda x: tf.math.in_top_k(tf.range(tf.shape(x)[0]) % 4, x, 2),
    "searchsorted": lambda x: tf.searchsorted(tf.sort(x, 1), x, "right"),
    "searchsorted in open rows": lambda x: tf.searchsorted(tf.sort(x[:, 0]), x[:, 1]),
    "cumsum": lambda x: (tf.cumsum(x), tf.cumsum(x, 1, True, True), tf.math.cumprod(x, 0, True)),
    "cumulative_logsumexp": lambda x: tf.math.cumulative_logsumexp(x, 0, reverse=True),
    "unsorted_segment_sum": lambda x: tf.math.unsorted_segment_sum(x, tf.range(tf.shape(x)[0]) % 2, 3),
    "unsorted_segment_mean": lambda x: tf.math.unsorted_segment_mean(x, tf.range(tf.shape(x)[0]) % 3,
                                                                     tf.shape(x)[0]),
    "unsorted_segment_max": lambda x: tf.math.unsorted_segment_max(x[:, 0], tf.range(tf.shape(x)[0]) // 2, 9),
    "bincount": lambda x: tf.math.bincount(tf.cast(x * x, tf.int32), minlength=3, maxlength=3),
    "bincount of rows": lambda x: tf.math.bincount(tf.cast(x * x, tf.int32), None, 3, 3, axis=-1),
    "histogram": lambda x: tf.histogram_fixed_width(x, [-1.0, 1.0], 5),
    "confusion_matrix": lambda x: tf.math.confusion_matrix(tf.argmax(x, 1), tf.argmin(x, 1), 4),
    "diag": lambda x: (tf.linalg.diag(x[:, 0]), tf.linalg.diag(x), tf.linalg.diag(x[:, 0], k=1)),
    "diag_part": lambda x: tf.linalg.diag_part(tf.matmul(x, x, transpose_b=True)),
    "diag_part of columns": lambda x: tf.linalg.diag_part(tf.concat([x, x], 1), k=1),
    "band of diagonals": lambda x: tf.linalg.diag_part(tf.matmul(x, x, transpose_b=True), k=(-1, 1)),
    "set_diag": lambda x: tf.linalg.set_diag(tf.matmul(x, x, transpose_b=True), x[:, 0]),
    "band_part": lambda x: tf.linalg.band_part(tf.matmul(x, x, transpose_b=True), 1, -1),
    "trace": lambda x: tf.linalg.trace(tf.matmul(x, x, transpose_b=True)),
    "tensor_diag": lambda x: tf.linalg.tensor_diag_part(tf.linalg.tensor_diag(x)),
    "einsum of a diagonal": lambda x: tf.einsum("ii,ij->j", tf.matmul(x, x, transpose_b=True), x),
    "einsum of three": lambda x: tf.einsum("ij,kj,kl->il", x, x, x),
    "broadcasting einsum": lambda x: tf.einsum("...i,...i->...", x[:, None], x[None]),
    "reverse_sequence": lambda x: tf.reverse_sequence(x, tf.cast(tf.argmax(x, 1), tf.int32), 1),
    "invert_permutation": lambda x: tf.math.invert_permutation(tf.argsort(x[:, 0])),
    "unravel_index": lambda x: tf.unravel_index(tf.argmax(tf.reshape(x, (-1,)), 0), tf.shape(x)),
    "broadcast_dynamic_shape": lambda x: tf.broadcast_dynamic_shape(tf.shape(x), [4]),
    "dynamic slice": lambda x: tf.slice(x, [tf.argmax(x[:2, 0]), 0], [1, -1]),
    "strided_slice": lambda x: tf.strided_slice(x, [0, 1], [-1, 4], [1, 2]),
    "bitcast": lambda x: tf.bitcast(x, tf.uint8),
    "zero_fraction": lambda x: tf.math.zero_fraction(tf.nn.relu(x)),
    "is_non_decreasing": lambda x: tf.math.is_non_decreasing(tf.sort(x[:, 0])),
    "average loss": lambda x: tf.nn.compute_average_loss(x, sample_weight=x[:, 0]),
    "statistics": lambda x: tf.nn.sufficient_statistics(x, [0])[:3],
    "tridiagonal_matmul": lambda x: tf.linalg.tridiagonal_matmul(tf.transpose(x[:, :3]), x),
}


@pytest.mark.parametrize("name", CALLS)
def test_one_native_function_serves_all_sizes(name, rng):
    call = CALLS[name]
    native = tf.function(call, strict=True)
    for n in (2, 6, 3, 17):
        x = tf.constant(rng.normal(size=(n, 4)).astype(np.float32))
        for got, want in zip(tf.nest.flatten(native(x)), tf.nest.flatten(call(x)), strict=True):
            assert got.dtype is want.dtype and got.shape == want.shape
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=3e-6, atol=3e-6)
    assert len(native.concrete_functions) <= 2


def test_sizes_that_must_agree_become_guards():
    halves = tf.function(lambda x: tf.split(x, 2)[1], strict=True)
    product = tf.function(lambda x, y: tf.matmul(x, y), strict=True)
    for n in (2, 4, 8):
        assert halves(tf.range(n)).numpy().tolist() == list(range(n // 2, n))
    with pytest.raises(ValueError, match="add up"):
        halves(tf.range(5))
    for n, m in ((2, 2), (3, 3), (1, 4), (5, 1), (7, 7)):
        assert product(tf.ones((n, 2, 3)), tf.ones((m, 3, 2))).shape == (max(n, m), 2, 2)
    with pytest.raises(ValueError, match="broadcast"):
        product(tf.ones((2, 2, 3)), tf.ones((3, 3, 2)))


DATA_SIZED = {
    "repeat": lambda x: tf.repeat(x, tf.cast(x, tf.int32)),
    "sequence_mask": lambda x: tf.sequence_mask(tf.cast(x, tf.int32)),
    "where": lambda x: tf.where(x > 1),
    "boolean_mask": lambda x: tf.boolean_mask(x, x > 1),
    "index": lambda x: x[x > 1],
    "unique": lambda x: tf.unique(x),
    "unique_with_counts": lambda x: tf.unique_with_counts(x),
    "dynamic_partition": lambda x: tf.dynamic_partition(x, tf.cast(x, tf.int32) - 1, 2),
    "dynamic_stitch": lambda x: tf.dynamic_stitch([tf.cast(x, tf.int32)], [x]),
    "segment_sum": lambda x: tf.math.segment_sum(x, tf.cast(x, tf.int32)),
    "bincount": lambda x: tf.math.bincount(tf.cast(x, tf.int32)),
    "confusion_matrix": lambda x: tf.math.confusion_matrix(tf.cast(x, tf.int32), tf.cast(x, tf.int32)),
    "slice": lambda x: x[: tf.cast(x[0], tf.int32)],
}


@pytest.mark.parametrize("name", DATA_SIZED)
def test_a_size_that_depends_on_data_ends_the_trace(name):
    """The call goes on eagerly with the right value; the warning and the ledger name the line and the function."""
    call = DATA_SIZED[name]
    traced = tf.function(call)
    x = tf.constant([1.0, 2.0])
    with pytest.warns(tf.FallbackWarning, match=r"test_ops_symbolic\.py:\d+"):
        found = traced(x)
    for got, want in zip(tf.nest.flatten(found), tf.nest.flatten(call(x)), strict=True):
        np.testing.assert_array_equal(got.numpy(), want.numpy())
    assert any(e.kind == "fallback" for e in traced.ledger)


def test_gradients_flow_through_functions_whose_size_depends_on_data():
    x = tf.constant([3.0, -1, 2])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.boolean_mask(x, x > 0) ** 2) + tf.reduce_sum(tf.unique(x).y * [1.0, 2, 3])
    np.testing.assert_array_equal(tf.convert_to_tensor(tape.gradient(y, x)).numpy(), [7, 2, 7])
