"""The native call entry: variables, updates in place, and failures that leave variables alone."""

import sys

import numpy as np
import pytest
from entry_parts import N, Variable, counter, f32, main_text, make, native, tensor, tensor_of

from graphcore.errors import LayerJitError


@native
def test_update_in_place_when_the_variable_is_the_sole_owner():
    variable = Variable([1, 2, 3])
    step, slow = counter(variable)
    before = variable._array.ctypes.data
    for count in range(1, 4):
        assert step(tensor([1, 1, 1])) is None
        assert variable.version == count
    assert variable._array.tolist() == [4, 5, 6] and variable._array.ctypes.data == before
    assert not slow.calls


@native
@pytest.mark.parametrize("holder", ["array", "view", "memoryview", "tensor"])
def test_what_others_hold_is_not_overwritten(holder):
    variable = Variable([1, 2, 3])
    step, _ = counter(variable)
    held = {
        "array": lambda: variable._array,
        "view": lambda: variable._array[:2],
        "memoryview": lambda: memoryview(variable._array),
        "tensor": lambda: tensor_of(variable._array),
    }[holder]()
    old = id(variable._array)
    step(tensor([1, 1, 1]))
    assert variable._array.tolist() == [2, 3, 4] and id(variable._array) != old
    assert list(held._array if holder == "tensor" else held)[:2] == [1, 2]
    owners = sys.getrefcount(variable._array)
    assert owners == 2


@native
def test_arrays_that_do_not_own_their_memory_are_not_overwritten():
    variable = Variable([1, 2, 3])
    shared = np.array([1, 2, 3], np.float32)
    variable._array = shared[:]
    step, _ = counter(variable)
    step(tensor([1, 1, 1]))
    assert shared.tolist() == [1, 2, 3] and variable._array.tolist() == [2, 3, 4]
    variable._array.flags.writeable = False
    old = variable._array.ctypes.data
    step(tensor([1, 1, 1]))
    assert variable._array.ctypes.data != old and variable._array.tolist() == [3, 4, 5]


@native
def test_updates_that_are_not_donatable_swap():
    variable = Variable([1, 2, 3])
    step, _ = counter(variable, donatable=False)
    old = variable._array
    step(tensor([1, 1, 1]))
    assert old.tolist() == [1, 2, 3] and variable._array.tolist() == [2, 3, 4] and variable.version == 1
    assert sys.getrefcount(old) == 2


@native
def test_a_returned_new_value_is_never_changed_by_a_later_step():
    variable = Variable([1, 2, 3])
    step, slow = counter(variable, returned=True)
    ones = tensor([1, 1, 1])
    results = [step(ones) for _ in range(4)]
    assert [r._array.tolist() for r in results] == [[2 + i, 3 + i, 4 + i] for i in range(4)]
    assert results[-1]._array is variable._array
    results.clear()
    place = variable._array.ctypes.data
    step(ones)
    step(ones)
    assert variable._array.ctypes.data == place and not slow.calls


@native
def test_the_variables_own_array_as_argument():
    variable = Variable([1, 2, 3])
    step, _ = counter(variable)
    value = variable._array
    step(value)
    assert value.tolist() == [1, 2, 3] and variable._array.tolist() == [2, 4, 6]


@native
def test_a_variable_read_through_two_inputs_is_not_overwritten():
    # Buffers: x, v, v again, out: v + x, then out2 = second v + x.
    variable = Variable([1, 2, 3])
    function, _ = make(
        main_text((3, 0, 1, 3), (4, 0, 2, 3)),
        inputs=[("arg", 0), variable.source, variable.source],
        input_types=[f32(3)] * 3,
        output_types=[f32(3), f32(3)],
        updates=[(0, 1, True)],
    )
    assert function(tensor([1, 1, 1]))._array.tolist() == [2, 3, 4]
    assert variable._array.tolist() == [2, 3, 4]


@native
def test_many_variables_swapped_at_once():
    variables = [Variable([i, i, i]) for i in range(7)]
    count = len(variables)
    # Every variable becomes its neighbour plus x.
    adds = [(1 + count + i, 1 + (i + 1) % count, 0, 3) for i in range(count)]
    step, _ = make(
        main_text(*adds),
        inputs=[("arg", 0), *(v.source for v in variables)],
        input_types=[f32(3)] * (count + 1),
        output_types=[f32(3)] * count,
        updates=[(i, i + 1, False) for i in range(count)],
        result="none",
    )
    step(tensor([10, 10, 10]))
    assert [v._array[0] for v in variables] == [10 + (i + 1) % count for i in range(count)]
    assert all(sys.getrefcount(v._array) == 2 and v.version == 1 for v in variables)


@native
def test_a_variable_that_is_traced_is_a_slow_call():
    variable = Variable([1, 2, 3])
    step, slow = counter(variable)
    value, variable._array = variable._array, None
    assert step(tensor([1, 1, 1])) == "slow"
    del variable._array
    assert step(tensor([1, 1, 1])) == "slow"
    variable._array = value
    assert step(tensor([1, 1, 1])) is None and len(slow.calls) == 2


@native
def test_version_is_optional():
    variable = Variable([1, 2, 3])
    step, _ = make(
        main_text((2, 0, 1, 3)),
        inputs=[("arg", 0), ("variable", variable, None)],
        input_types=[f32(3), f32(3)],
        output_types=[f32(3)],
        updates=[(0, 1, True)],
        result="none",
    )
    step(tensor([1, 1, 1]))
    assert variable._array.tolist() == [2, 3, 4] and variable.version == 0


@native
@pytest.mark.parametrize("donatable", [False])
def test_a_failure_leaves_variables_as_they_were(donatable):
    variable = Variable([1, 2, 3])
    old = variable._array
    seen = []

    def on_error(status):
        seen.append(status)
        raise ArithmeticError(f"status {status}")

    step, _ = make(
        main_text((2, 0, 1, 3), status=-12),
        inputs=[("arg", 0), variable.source],
        input_types=[f32(3), f32(3)],
        output_types=[f32(3), f32(3)],
        updates=[(0, 1, donatable)],
        result="tuple",
        returned=[0, 1],
        on_error=on_error,
    )
    for _ in range(3):
        with pytest.raises(ArithmeticError, match="status -12"):
            step(tensor([1, 1, 1]))
    assert seen == [-12] * 3
    assert variable._array is old and old.tolist() == [1, 2, 3] and variable.version == 0
    assert sys.getrefcount(old) == 3


@native
def test_a_failure_is_an_error_even_if_on_error_forgets_to_raise():
    add, _ = make(
        main_text((2, 0, 1, "0"), status=3),
        inputs=[("arg", 0), ("arg", 1)],
        input_types=[f32(N), f32(N)],
        output_types=[f32(N)],
        on_error=lambda status: None,
        name="forgetful",
    )
    with pytest.raises(LayerJitError, match="forgetful failed with status 3"):
        add(tensor([1]), tensor([1]))
    add, _ = make(main_text(status=3), inputs=[("arg", 0)], input_types=[f32(N)], output_types=[f32(N)])
    with pytest.raises(LayerJitError, match="failed with status 3"):
        add(tensor([1]))


@native
def test_outputs_too_large_to_allocate():
    huge = 2**58
    variable = Variable([1, 2, 3])
    function, _ = make(
        main_text(),
        inputs=[("arg", 0), variable.source],
        input_types=[f32(N), f32(3)],
        output_types=[f32(N), f32(N * huge), f32(3)],
        updates=[(2, 1, True)],
        result="tuple",
        returned=[0, 1, 2],
    )
    dtype = np.dtype(np.float32)
    before = sys.getrefcount(dtype)
    for _ in range(20):
        with pytest.raises((MemoryError, ValueError)):
            function(tensor([1]))
    assert sys.getrefcount(dtype) == before and variable.version == 0


@native
def test_arena_too_large_to_allocate():
    function, _ = make(
        main_text(), inputs=[("arg", 0)], input_types=[f32(N)], output_types=[f32(N)], arena=N * 2**60
    )
    with pytest.raises(MemoryError):
        function(tensor([1]))
