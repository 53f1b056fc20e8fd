"""Variables: assignment, versions, copy-on-write, slices, copies."""

import copy
import pickle

import numpy as np
import pytest

import eager as tf


def test_assign_returns_the_variable_and_counts_versions():
    v = tf.Variable([1.0, 2.0])
    assert v.assign([3.0, 4.0]) is v
    assert v.assign_add([1.0, 1.0]).assign_sub(0.5 * tf.ones(2)) is v
    assert v.numpy().tolist() == [3.5, 4.5]
    assert v.version == 3


def test_wrong_shape_is_an_error_and_changes_nothing():
    v = tf.Variable([1.0, 2.0], name="v")
    with pytest.raises(ValueError, match=r"v:0.*\(2,\).*\(3,\)"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="float32"):
        v.assign(tf.constant([1, 2]))
    assert v.numpy().tolist() == [1.0, 2.0]
    assert v.version == 0


def test_earlier_reads_keep_their_values():
    v = tf.Variable([1.0, 2.0])
    array, tensor = v.numpy(), v.value()
    v.assign([5.0, 6.0])
    assert array.tolist() == [1.0, 2.0]
    assert tensor.numpy().tolist() == [1.0, 2.0]


def test_slices_can_be_assigned():
    v = tf.Variable(np.zeros((3, 4), np.float32))
    v[1:, 0].assign([1.0, 2.0])
    v[0, ::-2].assign(tf.constant([7.0, 8.0]))
    v[2].assign_add(tf.ones(4))
    expected = np.zeros((3, 4), np.float32)
    expected[1:, 0] = [1, 2]
    expected[0, ::-2] = [7, 8]
    expected[2] += 1
    assert np.array_equal(v.numpy(), expected)


def test_variables_are_unhashable_and_compare_elementwise():
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(TypeError):
        hash(v)
    assert (v == [1.0, 3.0]).numpy().tolist() == [True, False]
    assert {v.ref(): 1}[v.ref()] == 1
    assert v.ref().deref() is v


def test_names_and_repr():
    v = tf.Variable(1.0, name="alpha", trainable=False)
    assert v.name == "alpha:0"
    assert not v.trainable
    assert repr(v) == "<tf.Variable 'alpha:0' shape=() dtype=float32, numpy=1.0>"
    assert tf.Variable(1.0).name == "Variable:0"


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({}, ValueError), ({"initial_value": 1.0, "name": 3}, TypeError), ({"initial_value": 1.0, "foo": 1}, TypeError),
        ({"initial_value": [1.0], "shape": (2,)}, ValueError), ({"initial_value": 1.5, "dtype": tf.int32}, TypeError),
    ],
)  # fmt: skip
def test_bad_arguments(kwargs, error):
    with pytest.raises(error):
        tf.Variable(**kwargs)


def test_callable_initial_value_and_dtype():
    v = tf.Variable(lambda: tf.ones((2, 2)), dtype=tf.float32)
    assert v.shape == (2, 2)
    assert tf.Variable(1, dtype=tf.float64).dtype is tf.float64


def test_operators_and_conversion():
    v = tf.Variable([1.0, 2.0])
    assert (v * 2 + 1).numpy().tolist() == [3.0, 5.0]
    assert (1 - v).numpy().tolist() == [0.0, -1.0]
    assert (-v).numpy().tolist() == [-1.0, -2.0]
    assert np.asarray(v).tolist() == [1.0, 2.0]
    assert tf.convert_to_tensor(v).dtype is tf.float32


def test_copies_are_independent():
    v = tf.Variable([1.0], name="a")
    for other in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        v.assign_add([1.0])
        assert other.numpy().tolist() == [1.0]
        assert other.name == "a:0"
