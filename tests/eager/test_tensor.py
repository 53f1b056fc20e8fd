"""Tensors: making, converting, operators, indexing, printing, copying."""

import copy
import pickle

import numpy as np
import pytest

import eager as tf


def test_constant_dtypes_follow_tensorflow():
    assert tf.constant(1).dtype is tf.int32
    assert tf.constant(1.5).dtype is tf.float32
    assert tf.constant(True).dtype is tf.bool
    assert tf.constant(2**40).dtype is tf.int64
    assert tf.constant([1, 2.5]).dtype is tf.float32
    assert tf.constant(np.ones(2)).dtype is tf.float64
    assert tf.constant("a").dtype is tf.string
    assert tf.constant([1, 2], dtype=tf.float64).dtype == "float64"


def test_constant_fills_a_shape():
    assert np.array_equal(tf.constant(3, shape=(2, 2)).numpy(), [[3, 3], [3, 3]])
    assert np.array_equal(tf.constant([1, 2, 3, 4], shape=(2, 2)).numpy(), [[1, 2], [3, 4]])


@pytest.mark.parametrize("value", [1.5, [1, 2.5]])
def test_fractions_do_not_become_integers(value):
    with pytest.raises(TypeError):
        tf.constant(value, dtype=tf.int32)


def test_repr_is_tensorflows():
    x = tf.constant([[1.0, 2.0]])
    assert repr(x) == "<tf.Tensor: shape=(1, 2), dtype=float32, numpy=array([[1., 2.]], dtype=float32)>"
    assert repr(tf.zeros((2, 1))).endswith("numpy=\narray([[0.],\n       [0.]], dtype=float32)>")
    assert repr(tf.constant(1.0)) == "<tf.Tensor: shape=(), dtype=float32, numpy=1.0>"
    assert str(tf.constant([1, 2])) == "tf.Tensor([1 2], shape=(2,), dtype=int32)"


def test_tensor_is_final_and_unhashable():
    with pytest.raises(TypeError):
        hash(tf.constant(1))
    assert tf.constant(1).ref() != tf.constant(1).ref()
    with pytest.raises(TypeError):
        tf.Tensor(np.ones(1))


def test_numpy_is_a_read_only_view():
    x = tf.constant([1.0, 2.0])
    view = x.numpy()
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5
    assert np.asarray(x).flags.writeable is False


def test_arrays_given_are_copied():
    a = np.ones(3, np.float32)
    x = tf.constant(a)
    a[0] = 7
    assert x.numpy()[0] == 1


def test_operators_match_numpy():
    a, b = np.array([7, -7, 3], np.int32), np.array([2, 2, -2], np.int32)
    x, y = tf.constant(a), tf.constant(b)
    for got, expected in (
        (x + y, a + b), (x - y, a - b), (x * y, a * b), (x // y, a // b), (x % y, a % b), (x / y, a / b),
        (x**2, a**2), (-x, -a), (abs(x), abs(a)), (x < y, a < b), (x >= y, a >= b), (x == y, a == b),
        (x != y, a != b), (x & y, a & b), (x | y, a | b), (x ^ y, a ^ b), (~x, ~a), (2 * x, 2 * a), (1 - x, 1 - a),
        (b + x, b + a),
    ):  # fmt: skip
        assert np.array_equal(got.numpy(), expected)
    assert (x / y).dtype is tf.float64
    assert (tf.constant([1], tf.int8) / tf.constant([2], tf.int8)).dtype is tf.float32


def test_logic_operators_on_bool():
    x, y = tf.constant([True, False]), tf.constant([True, True])
    assert (x & y).numpy().tolist() == [True, False]
    assert (~x).numpy().tolist() == [False, True]


def test_mixed_dtypes_name_both_and_the_cast():
    with pytest.raises(TypeError, match=r"float32 and int32.*tf\.cast") as info:
        tf.ones(2) + tf.constant([1, 2])
    assert isinstance(info.value, tf.errors.InvalidArgumentError)
    with pytest.raises(TypeError, match="float32 and float64"):
        tf.ones(2) * tf.ones(2, tf.float64)


def test_arrays_and_numbers_adapt_to_the_tensor():
    x = tf.ones(2)
    assert (x + np.ones(2)).dtype is tf.float32
    assert (x * 2).dtype is tf.float32
    assert (np.ones(2) + x).dtype is tf.float32
    with pytest.raises(TypeError):
        tf.constant([1, 2]) + 1.5


def test_clashing_shapes_name_both():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(4,\)"):
        tf.ones((2, 3)) + tf.ones(4)


def test_equality_with_none_and_other_shapes():
    x = tf.ones(3)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert bool(x == tf.ones(2)) is False
    assert (x != tf.ones(2)).shape == ()


A = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "key",
    [
        0, -1, (1, 2), (slice(None), 1), (Ellipsis, 0), (slice(None), None, 1), slice(0, 0), (0, slice(1, None)),
        (slice(None), slice(None, None, -1)), (Ellipsis, slice(3, 0, -2)),
        (slice(-1, None), slice(-5, 9), slice(1, 4, 2)),
        (None, Ellipsis, None), (slice(None), slice(None), slice(None, None, 3)), (1, Ellipsis, slice(-3, -1)),
    ],
)  # fmt: skip
def test_indexing_matches_numpy(key):
    got = tf.constant(A)[key].numpy()
    assert got.shape == A[key].shape
    assert np.array_equal(got, A[key])


def test_indexing_with_a_scalar_tensor():
    assert np.array_equal(tf.constant(A)[tf.constant(1)].numpy(), A[1])


@pytest.mark.parametrize(
    ("key", "error"), [(2, IndexError), ((0, 0, 0, 0), IndexError), ("a", TypeError), (1.0, TypeError)]
)
def test_bad_indices(key, error):
    with pytest.raises(error):
        tf.constant(A)[key]


def test_python_conversions():
    assert int(tf.constant(3)) == 3
    assert float(tf.constant([2.5])) == 2.5
    assert [10, 20, 30][tf.constant(1)] == 20
    assert len(tf.ones((4, 2))) == 4
    assert [float(v) for v in tf.constant([1.0, 2.0])] == [1.0, 2.0]
    assert f"{tf.constant(1.25):.1f}" == "1.2"
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tf.constant([True, False]))
    with pytest.raises(TypeError):
        len(tf.constant(1))


def test_pickle_and_copy():
    x = tf.constant([1.0, 2.0])
    assert np.array_equal(pickle.loads(pickle.dumps(x)).numpy(), x.numpy())
    assert copy.deepcopy(x) is x


def test_no_warning_leaks_from_numpy_and_its_state_is_untouched():
    before = np.geterr()
    assert np.isinf((tf.constant(1.0) / tf.constant(0.0)).numpy())
    assert np.isnan(tf.math.log(tf.constant(-1.0)).numpy())
    assert np.geterr() == before


def test_shapes():
    shape = tf.ones((2, 3)).shape
    assert shape == (2, 3)
    assert shape.as_list() == [2, 3]
    assert shape[0] == 2
    assert shape[1:] == tf.TensorShape([3])
    assert str(tf.TensorShape([None, 2])) == "(None, 2)"
    assert tf.TensorShape([None, 2]).is_compatible_with((5, 2))
    assert not tf.TensorShape([None, 2]).is_compatible_with((5, 3))
    assert tf.TensorShape(None).rank is None
    with pytest.raises(ValueError, match="incompatible"):
        tf.TensorShape([2]).merge_with([3])


def test_unknown_names_suggest_near_ones():
    with pytest.raises(AttributeError, match="matmul"):
        tf.matmull  # noqa: B018
