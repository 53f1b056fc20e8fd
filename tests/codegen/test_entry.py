"""The native call entry: what it accepts, what goes to the slow path, what it returns."""

import ctypes
import gc
import sys

import numpy as np
import pytest
from entry_parts import M, N, Slow, Tensor, adder, f32, main_text, make, native, tensor, tensor_of

from codegen.runtime import layout
from codegen.runtime.plan import EntryPlan
from graphcore import dims
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError, UnsupportedError


def test_layout_holds_or_says_why():
    if layout.native_entry_supported():
        assert layout.layout().key() == layout.layout().key()
    else:
        with pytest.raises(UnsupportedError, match="not available here"):
            layout.layout()


def test_slots_are_found():
    assert layout.slot_offset(Tensor) >= object.__basicsize__
    value = tensor([1.0])
    assert layout.check_slot(value) == id(value) + layout.slot_offset(Tensor)
    with pytest.raises(UnsupportedError, match="not a slot"):
        layout.slot_offset(Slow)


@native
def test_tensors_and_arrays():
    add, slow = adder()
    a, b = tensor([1, 2, 3]), tensor([10, 20, 30])
    result = add(a, b)
    assert type(result) is Tensor and result._array.tolist() == [11, 22, 33]
    assert result._array.flags.owndata and result._array.dtype is np.dtype(np.float32)
    assert add(a._array, b)._array.tolist() == add(a, b._array)._array.tolist() == [11, 22, 33]
    assert add(tensor([5]), tensor([6]))._array.tolist() == [11]
    assert not slow.calls
    with pytest.raises(AttributeError):
        _ = result._keras_history


@native
def test_dispatch_through_an_instance_does_not_bind():
    add, slow = adder()
    function = type("Function", (), {"__slots__": (), "__call__": add})()
    assert function(tensor([1]), tensor([2]))._array.tolist() == [3]
    assert not slow.calls


class SubTensor(Tensor):
    __slots__ = ()


class SubArray(np.ndarray):
    pass


def traced():
    made = Tensor()
    made._array = None
    return made


def sub_tensor():
    made = SubTensor()
    made._array = np.zeros(3, np.float32)
    return made


UNUSUAL = {
    "few": lambda x: (x,),
    "many": lambda x: (x, x, x),
    "none": lambda x: (),
    "number": lambda x: (x, 2.0),
    "null": lambda x: (None, x),
    "list": lambda x: (x, [1.0, 2.0, 3.0]),
    "float64": lambda x: (x, np.zeros(3)),
    "swapped": lambda x: (x, np.zeros(3, ">f4")),
    "strided": lambda x: (x, np.zeros(6, np.float32)[::2]),
    "unaligned": lambda x: (x, np.frombuffer(bytes(13), np.float32, 3, 1)),
    "rank": lambda x: (x, np.zeros((3, 1), np.float32)),
    "scalar": lambda x: (x, np.float32(1)),
    "0-d": lambda x: (x, np.zeros((), np.float32)),
    "sizes differ": lambda x: (x, np.zeros(4, np.float32)),
    "empty": lambda x: (np.zeros(0, np.float32), np.zeros(0, np.float32)),
    "subclass of ndarray": lambda x: (x, np.zeros(3, np.float32).view(SubArray)),
    "subclass of Tensor": lambda x: (sub_tensor(), x),
    "traced": lambda x: (traced(), x),
    "never set": lambda x: (Tensor(), x),
    "Tensor of a subclass": lambda x: (x, tensor_of(np.zeros(3, np.float32).view(SubArray))),
}


@native
@pytest.mark.parametrize("case", UNUSUAL)
def test_everything_unusual_is_a_slow_call(case):
    add, slow = adder()
    args = UNUSUAL[case](tensor([1, 2, 3]))
    counts = [sys.getrefcount(a) for a in args if a is not None]
    assert add(*args) == "slow"
    assert len(slow.calls) == 1 and all(a is b for a, b in zip(slow.calls[0][0], args, strict=True))
    slow.calls.clear()
    assert [sys.getrefcount(a) for a in args if a is not None] == counts


@native
def test_keywords_reach_the_slow_path_and_its_exceptions_come_back():
    def refuse(*args, **kwargs):
        raise ValueError(f"{len(args)} {sorted(kwargs)}")

    add, _ = adder(slow=refuse)
    x = tensor([1])
    with pytest.raises(ValueError, match=r"2 \['training'\]"):
        add(x, x, training=True)
    with pytest.raises(ValueError, match=r"1 \['y'\]"):
        add(x, y=x)


@native
def test_keywords_and_constants_of_the_plan():
    layer = object()
    add, slow = make(
        main_text((2, 0, 1, "0")),
        inputs=[("arg", 1), ("arg", 2)],
        input_types=[f32(N), f32(N)],
        output_types=[f32(N)],
        arguments=2,
        keywords=("other", "training"),
        constants=[(0, layer), (3, True)],
    )
    x = tensor([1, 2])
    assert add(layer, x, other=x, training=True)._array.tolist() == [2, 4]
    assert not slow.calls
    assert add(layer, x, other=x, training=False) == "slow"
    assert add(layer, x, training=True, other=x) == "slow"
    assert add(object(), x, other=x, training=True) == "slow"
    assert add(layer, x, other=x) == "slow"
    assert add(layer, x, x, True) == "slow"
    with pytest.raises(InvalidArgumentError, match="must be an input or a constant"):
        EntryPlan(
            arguments=2,
            inputs=[("arg", 0)],
            input_types=[f32(N)],
            output_types=[f32(N)],
            tensor_type=Tensor,
            slow=slow,
        )


@native
def test_busy_flag_and_chained_entries():
    busy = ctypes.c_int64(0)
    last = Slow()
    doubles, _ = make(
        main_text((2, 0, 1, "0")),
        inputs=[("arg", 0), ("arg", 1)],
        input_types=[f32(N, 2), f32(N, 2)],
        output_types=[f32(N, 2)],
        slow=last,
    )
    add, _ = adder(slow=doubles, busy=busy)
    x, y = tensor([1, 2]), tensor([[1, 2]])
    assert add(x, x)._array.tolist() == [2, 4]
    assert add(y, y)._array.shape == (1, 2)
    assert not last.calls
    busy.value = 1
    assert add(x, x) == "slow"
    busy.value = 0
    assert add(x, x)._array.tolist() == [2, 4]


@native
def test_sizes_that_are_expressions_bounds_and_guards():
    bounded = dims.symbol("n", 2, 5)
    pair = [f32(bounded), f32(2 * bounded + 1), f32(dims.floordiv(M, 3), M, 4)]
    pick, slow = make(
        main_text((3, 0, 1, "0")),
        inputs=[("arg", i) for i in range(3)],
        input_types=pair,
        output_types=[f32(bounded), f32(dims.maximum(bounded, M), dims.mod(M, 3))],
        result="tuple",
        guards=[("lt", bounded, M, True), ("eq", bounded + M, 9, False), ("le", M, 7, True)],
    )

    def call(n, second, m, third=None):
        third = m // 3 if third is None else third
        shapes = ((n,), (second,), (third, m, 4))
        return pick(*(np.ones(shape, np.float32) for shape in shapes))

    first, second = call(3, 7, 5)
    assert first._array.tolist() == [2, 2, 2] and second._array.shape == (5, 2)
    assert call(2, 5, 6)[1]._array.shape == (6, 0)
    assert not slow.calls
    for wrong in ((1, 3, 5), (6, 13, 7), (3, 8, 5), (3, 7, 5, 2), (3, 7, 3), (3, 7, 6), (3, 7, 8)):
        assert call(*wrong) == "slow", wrong


@native
def test_result_structures():
    text = main_text((2, 0, 1, "0"), (3, 0, 0, "0"))
    common = {
        "inputs": [("arg", 0), ("arg", 1)],
        "input_types": [f32(N), f32(N)],
        "output_types": [f32(N), f32(N)],
    }
    x, y = tensor([1, 2]), tensor([3, 4])

    def run(**more):
        function, slow = make(text, **common, **more)
        result = function(x, y)
        assert not slow.calls
        return result

    pair = run(result="tuple")
    assert type(pair) is tuple and [t._array.tolist() for t in pair] == [[4, 6], [2, 4]]
    assert type(run(result="list", returned=[1, 0])) is list
    twice = run(result="list", returned=[1, 0, 1])
    assert twice[0] is twice[2] and twice[0]._array.tolist() == [2, 4]
    assert run(result="single", returned=[1])._array.tolist() == [2, 4]
    assert run(result="none") is None
    assert run(result=lambda ts: {"sum": ts[0], "all": ts})["sum"]._array.tolist() == [4, 6]
    assert run(result="tuple", returned=[]) == ()

    def broken(tensors):
        raise RuntimeError("pack")

    with pytest.raises(RuntimeError, match="pack"):
        run(result=broken)


@native
def test_captured_arrays_and_0_d():
    weights = np.array([1, 2, 3], np.float32)
    function, slow = make(
        main_text((2, 0, 1, 3)),
        inputs=[("captured", weights), ("arg", 0)],
        input_types=[f32(3), f32(3)],
        output_types=[f32(3)],
    )
    del weights
    gc.collect()
    assert function(tensor([1, 1, 1]))._array.tolist() == [2, 3, 4]
    scalar, slow = make(
        main_text((1, 0, 0, 1)), inputs=[("arg", 0)], input_types=[f32()], output_types=[f32()]
    )
    result = scalar(np.array(4, np.float32))
    assert result._array.shape == () and result._array == 8 and not slow.calls


@native
def test_plans_that_do_not_fit_are_refused():
    common = {"arguments": 1, "tensor_type": Tensor, "slow": Slow()}
    column = np.zeros((4, 3), np.float32)[:, 0]
    cases = [
        (
            ShapeError,
            "static shape",
            {"inputs": [("arg", 0), ("captured", column)], "input_types": [f32(N), f32(N)]},
        ),
        (
            ShapeError,
            "not an array",
            {"inputs": [("arg", 0), ("captured", 3)], "input_types": [f32(N), f32(4)]},
        ),
        (
            DTypeError,
            "cast it",
            {"inputs": [("arg", 0), ("captured", np.zeros(4))], "input_types": [f32(N), f32(4)]},
        ),
        (
            InvalidArgumentError,
            "contiguous",
            {
                "inputs": [("arg", 0), ("captured", column)],
                "input_types": [f32(N), f32(4)],
            },
        ),
        (InvalidArgumentError, "input types", {"inputs": [("arg", 0)], "input_types": []}),
        (
            InvalidArgumentError,
            "cannot return",
            {"inputs": [("arg", 0)], "input_types": [f32(N)], "returned": [1]},
        ),
        (InvalidArgumentError, "just n", {"inputs": [("arg", 0)], "input_types": [f32(N * 2)]}),
        (
            InvalidArgumentError,
            "cannot update",
            {
                "inputs": [("arg", 0)],
                "input_types": [f32(N)],
                "updates": [(0, 0, True)],
                "result": "none",
            },
        ),
    ]
    for error, message, parts in cases:
        with pytest.raises(error, match=message):
            EntryPlan(**common, output_types=[f32(N)], **parts)


def test_without_a_native_entry(monkeypatch):
    monkeypatch.setattr(layout, "_checked", lambda: (None, "for a test"))
    assert not layout.native_entry_supported()
    with pytest.raises(UnsupportedError, match="for a test"):
        adder()
