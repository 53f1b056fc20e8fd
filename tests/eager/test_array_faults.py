"""Faults that only the run can see: a native function refuses them as eager does, and leaves variables alone."""

import numpy as np
import pytest

import eager as tf

X = np.arange(12, dtype=np.float32).reshape(3, 4)
CALLS = {
    "gather": (lambda x, i: tf.gather(x, i), [0, 2], [0, 3]),
    "gather of a negative index": (lambda x, i: tf.gather(x, i, axis=1), [0, 2], [-1, 3]),
    "gather in a batch": (lambda x, i: tf.gather(x, i[:, None], batch_dims=1), [0, 1, 2], [0, 4, 2]),
    "gather_nd": (lambda x, i: tf.gather_nd(x, i[None]), [2, 3], [2, 4]),
    "scatter_nd": (lambda x, i: tf.scatter_nd(i[:, None], x, [4, 4]), [3, 0, 3], [3, 0, 4]),
    "tensor_scatter_nd_update": (lambda x, i: tf.tensor_scatter_nd_update(x, i[:, None], x[1:]), [0, 2], [0, 3]),
    "unsorted_segment_sum": (lambda x, i: tf.math.unsorted_segment_sum(x, i, 2), [0, -1, 1], [0, 1, 2]),
    "unsorted_segment_max": (lambda x, i: tf.math.unsorted_segment_max(x, i, 2), [0, -7, 1], [9, 1, 1]),
    "bincount": (lambda x, i: tf.math.bincount(i, minlength=2, maxlength=2), [5, 0], [-1, 0]),
    "confusion_matrix": (lambda x, i: tf.math.confusion_matrix(i, i, 3), [0, 2], [0, 3]),
    "invert_permutation": (lambda x, i: tf.math.invert_permutation(i), [2, 0, 1], [2, 0, 0]),
    "unravel_index": (lambda x, i: tf.unravel_index(i, tf.shape(x)), [11, 0], [12, 0]),
    "reverse_sequence": (lambda x, i: tf.reverse_sequence(x, i, 1), [4, 0, 1], [5, 0, 1]),
    "slice": (lambda x, i: tf.slice(x, i, [2, 2]), [1, 2], [2, 2]),
    "index": (lambda x, i: x[i[0], i[1]], [-3, 3], [0, 4]),
    "embedding_lookup": (lambda x, i: tf.nn.embedding_lookup(x, i), [2], [3]),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_run_fails_as_a_whole(name):
    call, good, bad = CALLS[name]
    v = tf.Variable(0.0)

    @tf.function(strict=True)
    def native(x, i):
        v.assign_add(1.0)
        return call(x, i)

    x, right, wrong = tf.constant(X), tf.constant(good, tf.int32), tf.constant(bad, tf.int32)
    np.testing.assert_array_equal(native(x, right).numpy(), call(x, right).numpy())
    for run in (call, native):
        with pytest.raises((tf.errors.InvalidArgumentError, IndexError)):
            run(x, wrong)
    assert v.numpy() == 1
