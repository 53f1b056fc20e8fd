"""Indexing and slice assignment against NumPy: any key, eager, native, with open sizes."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, basic_indices

import eager as tf


def numbered(shape):
    return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


@st.composite
def indexed(draw):
    shape = draw(array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
    return shape, draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))


@settings(max_examples=300)
@given(indexed())
def test_any_basic_index_is_numpys(pair):
    shape, key = pair
    a = numbered(shape)
    got = tf.constant(a)[key].numpy()
    assert np.shape(got) == np.shape(a[key])
    np.testing.assert_array_equal(got, a[key])


@settings(max_examples=200)
@given(indexed(), st.sampled_from(["assign", "assign_add", "assign_sub"]))
def test_any_basic_index_of_a_variable_can_be_assigned(pair, how):
    shape, key = pair
    a = numbered(shape)
    v = tf.Variable(a)
    value = np.full(np.shape(a[key]), 100.0, np.float32)
    assert getattr(v[key], how)(value) is v
    a[key] = {"assign": value, "assign_add": a[key] + value, "assign_sub": a[key] - value}[how]
    np.testing.assert_array_equal(v.numpy(), a)


@settings(max_examples=15)
@given(st.lists(indexed().filter(lambda p: 0 not in p[0]), min_size=8, max_size=8))
def test_native_code_indexes_as_numpy_and_so_does_its_gradient(pairs):
    """Several keys share one compilation."""
    arrays = [numbered(shape) for shape, _ in pairs]
    keys = [key for _, key in pairs]

    @tf.function(strict=True)
    def parts(tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            results = [t[k] for t, k in zip(tensors, keys, strict=True)]
            total = tf.add_n([tf.reduce_sum(r * r) for r in results])
        return results, tape.gradient(total, tensors)

    results, gradients = parts([tf.constant(a) for a in arrays])
    for a, key, got, gradient in zip(arrays, keys, results, gradients, strict=True):
        np.testing.assert_array_equal(got.numpy(), a[key])
        want = np.zeros_like(a)
        want[key] = 2 * a[key]
        np.testing.assert_array_equal(gradient.numpy(), want)


OPEN_KEYS = [
    0, -1, slice(1, None), slice(None, -1), slice(None, None, 2), slice(None, None, -1), slice(-2, None),
    slice(1, -1), slice(-1, None, -2), (Ellipsis, 0), (None, slice(1, 2)), (slice(None), slice(None, None, -1)),
    slice(0, 0), slice(0, 100), slice(-100, 1), slice(5, None), slice(None, 1, -1),
]  # fmt: skip


@pytest.mark.parametrize("key", OPEN_KEYS, ids=str)
def test_open_sizes(key):
    native = tf.function(lambda x: x[key], strict=True)
    for n in (3, 7, 4, 2, 9):
        a = numbered((n, 3))
        np.testing.assert_array_equal(native(tf.constant(a)).numpy(), a[key])


def test_open_sizes_in_the_key():
    halves = tf.function(
        lambda x: (x[: tf.shape(x)[0] // 2], x[tf.shape(x)[0] - 2 :], x[tf.shape(x)[0] - 1]), strict=True
    )
    for n in (4, 6, 9):
        a = numbered((n, 2))
        first, last, one = halves(tf.constant(a))
        np.testing.assert_array_equal(first.numpy(), a[: n // 2])
        np.testing.assert_array_equal(last.numpy(), a[n - 2 :])
        np.testing.assert_array_equal(one.numpy(), a[n - 1])


def test_scalars_that_only_the_run_knows():
    native = tf.function(lambda x, i: (x[i], x[:, i], x[..., i, None], x[i, ::-1]), strict=True)
    a = numbered((4, 4))
    for i in (0, 3, -1, 2):
        for got, want in zip(
            native(tf.constant(a), tf.constant(i)), (a[i], a[:, i], a[:, i, None], a[i, ::-1]), strict=True
        ):
            np.testing.assert_array_equal(got.numpy(), want)
    with pytest.raises(IndexError):
        tf.constant(a)[tf.constant(4)]
    with pytest.raises(tf.errors.InvalidArgumentError):
        native(tf.constant(a), tf.constant(4))


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (3, IndexError), (-4, IndexError), ((0, 0, 0), IndexError), ((Ellipsis, Ellipsis), IndexError),
        ("a", TypeError),
        (1.0, TypeError), ([0, 1], TypeError), (True, TypeError), (slice(None, None, 0), ValueError),
        (slice("a", None), TypeError), (np.array([1, 2]), TypeError), (tf.constant([True, False]), ValueError),
    ],
    ids=str,
)  # fmt: skip
def test_bad_keys(key, error):
    with pytest.raises(error):
        tf.constant(numbered((3, 2)))[key]


def test_slices_assigned_at_scalars_that_only_the_run_knows():
    v = tf.Variable(numbered((4, 3, 2)))

    @tf.function(strict=True)
    def write(i, j, x):
        v[i, 1:].assign(x)
        v[:, j, None].assign_add(tf.ones((4, 1, 2)))
        v[1, i, j - 2].assign(-1.0)
        return v[i]

    for i, j in ((0, 1), (-1, 2), (1, 0)):
        want = v.numpy().copy()
        x = np.full((2, 2), 10.0 * i + j, np.float32)
        want[i, 1:] = x
        want[:, j, None] += 1
        want[1, i, j - 2] = -1
        np.testing.assert_array_equal(write(tf.constant(i), tf.constant(j), tf.constant(x)).numpy(), want[i])
        np.testing.assert_array_equal(v.numpy(), want)
    before = v.numpy()
    with pytest.raises(tf.errors.InvalidArgumentError):
        write(tf.constant(4), tf.constant(0), tf.constant(x))
    np.testing.assert_array_equal(v.numpy(), before)


def test_slice_assignment_in_native_code_and_its_faults():
    v = tf.Variable(numbered((4, 3)))

    @tf.function(strict=True)
    def step(x):
        v[1:3, 0].assign(x)
        v[-1].assign_add(x[0] * tf.ones(3))
        return v[:, 0]

    want = numbered((4, 3))
    want[1:3, 0] = [7, 8]
    want[-1] += 7
    np.testing.assert_array_equal(step(tf.constant([7.0, 8.0])).numpy(), want[:, 0])
    np.testing.assert_array_equal(v.numpy(), want)
    v[0].assign(5.0)  # broadcasts
    assert v[0].numpy().tolist() == [5, 5, 5]
    before = v.numpy()
    for fault, error in (
        (lambda: v[0].assign([1.0, 2.0]), ValueError),
        (lambda: v[0].assign(tf.ones(3, tf.float64)), TypeError),
        (lambda: v[9].assign(1.0), IndexError),
    ):
        with pytest.raises(error):
            fault()
    np.testing.assert_array_equal(v.numpy(), before)
    flags, text = tf.Variable([True, False]), tf.constant([1, 2])
    flags[0].assign(False)
    assert flags.numpy().tolist() == [False, False]
    with pytest.raises(AttributeError):
        text[0].assign(3)
