"""The loop interpreter on kernels written by hand: lanes, guards, checks, row buffers, contractions."""

import numpy as np
import pytest

from codegen.loop_interpret import KernelFailure, interpret_kernel
from codegen.loopir import (
    Accumulate,
    Buffer,
    Check,
    Compute,
    Condition,
    Const,
    Contract,
    Finish,
    FromIndex,
    IndexOf,
    Init,
    Kernel,
    Load,
    Loop,
    Operand,
    Store,
)
from codegen.lower.program import data_index
from graphcore import dims
from graphcore.dtypes import bool_, float32, int32, int64

I = dims.symbol("i", 0)  # noqa: E741


def kernel(buffers, body, messages=()):
    return Kernel("k", "test", (), tuple(buffers), body, 1, tuple(messages))


def buffers(size, dtype=float32, out=None):
    return [Buffer("x", dtype, size, "in"), Buffer("y", dtype, size if out is None else out, "out")]


def add(k, a, b):
    return k.add(a, b)


def sum_kernel(size):
    body = [
        Init("acc", float32, 0, add, add, "sum"),
        Loop("i", size, "vector", False, [Load("t", float32, "x", I), Accumulate("acc", ("t",))]),
        Finish("s", float32, "acc"),
        Store("y", 0, "s"),
    ]
    return kernel(buffers(size, out=1), body)


def test_a_sum_has_sixteen_lanes_that_are_combined_by_halves():
    x = np.random.default_rng(0).standard_normal(37).astype(np.float32)
    lanes = np.zeros(48, np.float32)
    lanes[:37] = x
    state = np.zeros(16, np.float32)
    for row in lanes.reshape(3, 16):
        state = state + row
    while state.size > 1:
        half = state.size // 2
        state = state[:half] + state[half:]
    y = np.zeros(1, np.float32)
    interpret_kernel(sum_kernel(37), [x, y], {})
    assert y[0] == state[0]


def test_a_sum_of_nothing_is_its_start():
    y = np.ones(1, np.float32)
    interpret_kernel(sum_kernel(0), [np.zeros(0, np.float32), y], {})
    assert y[0] == 0


def test_a_guarded_load_reads_nothing_where_the_guard_is_false():
    body = [Loop("i", 6, "vector", True, [
        Condition("g", "lt", I, 3), Load("t", float32, "x", I, "g"), Store("y", I, "t"),
    ])]  # fmt: skip
    y = np.full(6, 9, np.float32)
    interpret_kernel(kernel(buffers(3, out=6), body), [np.array([1, 2, 3], np.float32), y], {})
    assert y.tolist() == [1, 2, 3, 0, 0, 0]


def test_data_become_indices_and_a_check_stops_the_run():
    place = data_index("d")
    body = [Loop("i", 3, "vector", False, [
        Load("t", int32, "x", I), IndexOf("d", "t"), Condition("low", "le", 0, place),
        Condition("high", "lt", place, 3), Compute("in", bool_, "and_", ("low", "high")), Check("c", "in", 1),
        Load("u", int32, "x", place), Store("y", I, "u"),
    ])]  # fmt: skip
    k = kernel(buffers(3, int32), body, ["an index is out of range"])
    y = np.zeros(3, np.int32)
    interpret_kernel(k, [np.array([2, 0, 1], np.int32), y], {})
    assert y.tolist() == [1, 2, 0]
    with pytest.raises(KernelFailure, match="out of range") as failure:
        interpret_kernel(k, [np.array([2, 3, 1], np.int32), y], {})
    assert failure.value.code == 1


def test_sizes_come_from_outside():
    n = dims.symbol("n")
    body = [Loop("i", n, "vector", True, [
        FromIndex("t", int64, n - 1 - I), Const("c", int64, 10), Compute("u", int64, "mul", ("t", "c")),
        Store("y", I, "u"),
    ])]  # fmt: skip
    y = np.zeros(4, np.int64)
    interpret_kernel(kernel([Buffer("y", int64, n, "out")], body), [y], {"n": 4})
    assert y.tolist() == [30, 20, 10, 0]


def test_a_row_buffer_lives_in_scratch_memory():
    row = dims.symbol("r", 0)
    body = [Loop("r", 2, "serial", True, [
        Loop("i", 3, "vector", False, [Load("t", float32, "x", row * 3 + I), Store("keep", I, "t")]),
        Loop("i", 3, "vector", False, [Load("u", float32, "keep", 2 - I), Store("y", row * 3 + I, "u")]),
    ])]  # fmt: skip
    x, y = np.arange(6, dtype=np.float32), np.zeros(6, np.float32)
    interpret_kernel(kernel([*buffers(6), Buffer("keep", float32, 3, "scratch")], body), [x, y], {})
    assert y.tolist() == [2, 1, 0, 5, 4, 3]


def test_a_contraction_runs_its_body_at_every_row():
    m, n = dims.symbol("m", 0), dims.symbol("n", 0)
    body = [Contract(
        "sum", float32, (), ("m", 4), ("n", 3), ("k", 5), Operand("a", 0, 5, 1), Operand("b", 0, 1, 3),
        [Compute("neg", float32, "neg", ("sum",)), Store("y", m * 3 + n, "neg")],
    )]  # fmt: skip
    used = [Buffer("a", float32, 20, "in"), Buffer("b", float32, 15, "in"), Buffer("y", float32, 12, "out")]
    made = kernel(used, body)
    a, b = np.arange(20, dtype=np.float32).reshape(4, 5), np.arange(15, dtype=np.float32).reshape(5, 3)
    y = np.zeros((4, 3), np.float32)
    interpret_kernel(made, [a, b, y], {})
    np.testing.assert_array_equal(y, -(a @ b))
    assert "contract sum" in str(made)
