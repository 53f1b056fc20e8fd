"""tf.nest: order, named tuples, dicts, empty structures, mismatches."""

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import pytest

import eager as tf


class Point(NamedTuple):
    x: Any
    y: Any


@pytest.mark.parametrize(
    ("structure", "flat"),
    [
        (1, [1]), (None, [None]), ([], []), ((), []), ({}, []), ("ab", ["ab"]), ([1, (2, [3])], [1, 2, 3]),
        ({"b": 1, "a": 2}, [2, 1]), (OrderedDict(b=1, a=[2, 3]), [2, 3, 1]), (Point(1, [2, None]), [1, 2, None]),
        ([{}, [[]], 5], [5]), ({"x": Point({"z": 1, "y": 2}, 3)}, [2, 1, 3]),
    ],
    ids=str,
)  # fmt: skip
def test_flatten_and_pack_are_inverse(structure, flat):
    assert tf.nest.flatten(structure) == flat
    packed = tf.nest.pack_sequence_as(structure, flat)
    assert packed == structure and type(packed) is type(structure)
    assert tf.nest.map_structure(lambda x: x, structure) == structure


def test_packing_keeps_the_order_and_kind_of_dicts():
    packed = tf.nest.pack_sequence_as(OrderedDict(b=0, a=0), [1, 2])
    assert list(packed.items()) == [("b", 2), ("a", 1)] and type(packed) is OrderedDict
    assert tf.nest.pack_sequence_as([0, 0], (1, 2)) == [1, 2]


def test_tensors_and_arrays_are_leaves():
    x = tf.ones((2, 2))
    assert tf.nest.flatten([x, {"k": x.numpy()}])[0] is x
    assert not tf.nest.is_nested(x) and not tf.nest.is_nested("text") and tf.nest.is_nested([])


def test_map_over_several_structures():
    got = tf.nest.map_structure(lambda a, b: a + b, {"p": (1, 2), "q": 3}, {"q": 30, "p": (10, 20)})
    assert got == {"p": (11, 22), "q": 33}
    assert tf.nest.map_structure(lambda a, b: (a, b), [1], (2,), check_types=False) == [(1, 2)]


@pytest.mark.parametrize(
    ("a", "b"), [([1], [1, 2]), ([1], 1), ({"a": 1}, {"b": 1}), ([1, [2]], [1, 2]), ([[]], [1])], ids=str
)
def test_structures_that_differ(a, b):
    with pytest.raises(ValueError, match="structure"):
        tf.nest.assert_same_structure(a, b)
    with pytest.raises(ValueError, match="structure"):
        tf.nest.map_structure(lambda x, y: x, a, b)


def test_types_that_differ():
    for a, b in (([1], (1,)), ({"a": 1}, [1]), (Point(1, 2), (1, 2))):
        with pytest.raises(TypeError, match="types"):
            tf.nest.assert_same_structure(a, b)
    tf.nest.assert_same_structure([1, (2,)], (1, [2]), check_types=False)
    tf.nest.assert_same_structure({"a": 1}, OrderedDict(a=2))


def test_bad_input():
    with pytest.raises(ValueError, match="2 atoms"):
        tf.nest.pack_sequence_as([0, 0], [1])
    with pytest.raises(TypeError, match="sortable"):
        tf.nest.flatten({1: 0, "a": 0})
    with pytest.raises(TypeError, match="callable"):
        tf.nest.map_structure(3, [1])
    made = tf.nest.pack_sequence_as(defaultdict(list, a=1), [5])
    assert type(made) is defaultdict and made["a"] == 5 and made["new"] == []
