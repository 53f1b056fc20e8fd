"""The builder: inference on emit, hash-consing, folding, source locations, effects."""

import numpy as np
import pytest

from graphcore import GraphBuilder, Location, TensorType, dims, interpret, verify
from graphcore.dtypes import bool_, float32, int32
from graphcore.errors import DTypeError, ShapeError

F4 = TensorType(float32, (4,))


def ops(graph):
    return [n.op.name for n in graph.nodes]


def test_equal_nodes_are_one_and_collect_their_lines():
    lines = iter([Location("a.py", 1), Location("a.py", 2), Location("a.py", 3)])
    builder = GraphBuilder("g", locate=lambda: next(lines))
    x = builder.input(F4, "x")
    (a,), (b,) = builder.emit("exp", (x,)), builder.emit("exp", (x,))
    assert a is b and {at.line for at in a.node.locations} == {1, 2}
    (c,) = builder.emit("log", (x,))
    assert c is not a and str(next(iter(c.node.locations))) == "a.py:3"


def test_attribute_types_and_zero_signs_do_not_collide():
    builder = GraphBuilder("g")
    constants = [builder.constant(np.asarray(v)) for v in (1, 1.0, True, 0.0, -0.0, np.float32(1))]
    assert len({id(c.node) for c in constants}) == 6
    assert builder.constant(np.asarray(-0.0)) is constants[4]


def test_effects_are_not_merged():
    builder = GraphBuilder("g")
    x = builder.input(TensorType(bool_, ()), "x")
    builder.emit("assert", (x,), message="m")
    builder.emit("assert", (x,), message="m")
    assert ops(builder.finish([x])) == ["input", "assert", "assert"]


def test_small_constants_fold_and_large_ones_do_not():
    builder = GraphBuilder("g")
    (small,) = builder.emit("add", (builder.constant(np.float32(1)), builder.constant(np.float32(2))))
    assert small.node.op.name == "constant" and small.node.attrs["value"].array == 3
    (large,) = builder.emit("broadcast_to", (small,), shape=(1000,))
    assert large.node.op.name == "broadcast_to"
    (state,) = (builder.constant(np.array([0, 0, 1])),)
    assert builder.emit("random_bits", (state,), shape=(4,))[0].node.op.name == "random_bits"
    assert GraphBuilder("h", fold_bytes=0).emit is not None


def test_folding_can_be_off():
    builder = GraphBuilder("g", fold_bytes=0)
    (value,) = builder.emit("exp", (builder.constant(np.float32(1)),))
    assert value.node.op.name == "exp"


def test_folding_is_silent_about_overflow():
    builder = GraphBuilder("g")
    (value,) = builder.emit("div", (builder.constant(np.float32(1)), builder.constant(np.float32(0))))
    assert np.isposinf(value.node.attrs["value"].array)


def test_emit_infers_and_refuses():
    builder = GraphBuilder("g")
    x, y = builder.input(F4, "x"), builder.input(TensorType(int32, (4,)), "y")
    with pytest.raises(DTypeError, match=r"add: .*float32\[4\].*int32\[4\]"):
        builder.emit("add", (x, y))
    with pytest.raises(ShapeError, match="reshape: "):
        builder.emit("reshape", (x,), shape=(3,))
    with pytest.raises(KeyError, match="did you mean reduce_sum"):
        builder.emit("reduce_summ", (x,))
    assert ops(builder.finish([x])) == ["input", "input"]


def test_graph_runs_for_every_size():
    n = dims.symbol("n")
    builder = GraphBuilder("g")
    x = builder.input(TensorType(float32, (n, 3)), "x")
    (total,) = builder.emit("reduce_sum", (x,), axes=(1,), keepdims=True)
    (mean,) = builder.emit("div", (x, total))
    graph = verify(builder.finish([mean, total], output_names=("mean", "total")))
    for size in (1, 2, 7):
        data = np.arange(1, size * 3 + 1, dtype=np.float32).reshape(size, 3)
        got, sums = interpret(graph, [data])
        np.testing.assert_array_equal(sums, data.sum(1, keepdims=True))
        np.testing.assert_array_equal(got, data / sums)
    with pytest.raises(ShapeError, match="expected shape"):
        interpret(graph, [np.zeros((2, 4), np.float32)])


def test_users_and_walk():
    builder = GraphBuilder("g")
    x = builder.input(F4, "x")
    (y,) = builder.emit("mul", (x, x))
    (z,) = builder.emit("add", (y, x))
    graph = builder.finish([z])
    assert [n.op.name for n in graph.users()[x]] == ["mul", "add"] and list(graph.walk()) == graph.nodes
    assert "mul" in repr(y.node) and repr(y).startswith("%")
