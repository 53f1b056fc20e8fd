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


@pytest.mark.parametrize(
    "call",
    [
        lambda x: tf.repeat(x, tf.cast(x, tf.int32)),
        lambda x: tf.sequence_mask(tf.cast(x, tf.int32)),
        lambda x: tf.where(x > 0),
    ],
)
def test_sizes_that_depend_on_data_are_refused_in_a_trace_with_a_remedy(call):
    with pytest.raises(tf.errors.UnsupportedError, match=r"give|needs|use"):
        tf.function(call)(tf.constant([1.0, 2.0]))
