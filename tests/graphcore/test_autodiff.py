"""backward(records): identity of objects, accumulation, paths, graphs."""

import numpy as np
import pytest

from graphcore import GraphBuilder, Record, TensorType, backward, interpret
from graphcore.autodiff import copy_into, graph_records
from graphcore.builder import evaluate_op
from graphcore.dtypes import float64
from graphcore.errors import LayerJitError
from graphcore.functions import Functions, array_functions, graph_functions
from graphcore.ops import samples
from graphcore.optable import OpDef

F = array_functions()


def tape():
    records = []

    def apply(op, inputs, attrs):
        outputs = [np.array(r) for r in evaluate_op(op, inputs, attrs)]
        records.append(Record(op, tuple(inputs), tuple(outputs), attrs))
        return outputs

    return Functions(apply, F.type, lambda a: a), records


def test_equal_values_computed_twice_are_independent():
    f, records = tape()
    x = np.array(3.0)
    a, b = f.mul(x, np.array(2.0)), f.mul(x, np.array(2.0))
    y = f.mul(a, b)
    assert backward(records, [y], [a], [np.array(1.0)], F) == [6.0]
    assert backward(records, [y], [x], [np.array(1.0)], F) == [24.0]


def test_contributions_add_up_over_every_path():
    f, records = tape()
    x = np.array([1.0, 2.0])
    y = f.add(f.mul(x, x), f.exp(x))
    (got,) = backward(records, [y], [x], [np.ones(2)], F)
    np.testing.assert_allclose(got, 2 * x + np.exp(x))


def test_a_source_on_the_way_keeps_its_cotangent():
    f, records = tape()
    x = np.array(2.0)
    h = f.mul(x, x)
    y = f.mul(h, h)
    assert backward(records, [y], [x, h], [np.array(1.0)], F) == [32.0, 8.0]


def test_unconnected_and_stopped_sources_are_none():
    f, records = tape()
    x, z = np.array(2.0), np.array(1.0)
    y = f.mul(f.stop_gradient(x), x)
    assert backward(records, [y], [x, z], [np.array(1.0)], F) == [2.0, None]
    y = f.floor(x)
    assert backward(records, [y], [x], [np.array(1.0)], F) == [None]


def test_a_target_that_is_a_source():
    x = np.array(2.0)
    assert backward([], [x], [x], [np.array(5.0)], F) == [5.0]


def test_several_targets():
    f, records = tape()
    x = np.array(2.0)
    y, z = f.mul(x, x), f.neg(x)
    assert backward(records, [y, z], [x], [np.array(1.0), np.array(10.0)], F) == [-6.0]


def test_an_op_without_rule_is_named():
    op = OpDef("opaque", "host", lambda types, attrs: types, lambda x: x)
    x = np.array(1.0)
    y = np.array(1.0)
    with pytest.raises(LayerJitError, match=r"op opaque has no gradient; use tf\.stop_gradient"):
        backward([Record(op, (x,), (y,), {})], [y], [x], [np.array(1.0)], F)


def test_gradient_of_a_graph_is_a_graph():
    type_ = TensorType(float64, (3,))
    builder = GraphBuilder("forward")
    x = builder.input(type_, "x")
    (h,) = builder.emit("tanh", (x,))
    forward = builder.finish(builder.emit("mul", (h, x)))
    assert [r.op.name for r in graph_records(forward.nodes)] == ["tanh", "mul"]
    builder = GraphBuilder("backward")
    f = graph_functions(builder)
    again = builder.input(type_, "x")
    records, outputs = copy_into(forward, [again], f)
    (grad,) = backward(records, outputs, [again], [f.full(type_, 1.0)], f)
    data = np.array([-1.0, 0.5, 2.0])
    (got,) = interpret(builder.finish([grad]), [data])
    np.testing.assert_allclose(got, np.tanh(data) + data * (1 - np.tanh(data) ** 2))


def test_call_uses_the_functions_own_gradient():
    arrays, attrs = samples.calls()[0]
    f, records = tape()
    (y,) = f.apply("call", arrays, attrs)
    (got,) = backward(records, [y], [arrays[0]], [np.ones(7, np.float32)], F)
    np.testing.assert_array_equal(got, np.full(7, 2))
