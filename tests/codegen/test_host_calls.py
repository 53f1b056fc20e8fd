"""Calls from compiled code back into Python."""

import gc

import numpy as np
import pytest
from entry_parts import HOST, N, Variable, f32, host_add_ten, host_function, main_text, make, native, tensor

from codegen.runtime.host import HostCall, HostCalls, take_error
from graphcore.errors import DTypeError, LayerJitError, ShapeError


@native
def test_host_call():
    function, slow = host_function(host_add_ten())
    assert function(tensor([1, 2]))._array.tolist() == [11, 12] and not slow.calls


@native
def test_host_call_that_raises():
    error = KeyError("from the host")
    function, _ = host_function(host_add_ten(error))
    for _ in range(3):
        with pytest.raises(KeyError, match="from the host"):
            function(tensor([1, 2]))
    assert take_error() is None


@native
@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (np.zeros(3, np.float32), ShapeError),
        (np.zeros(2), DTypeError),
        (None, LayerJitError),
        ((), LayerJitError),
    ],
)
def test_host_call_that_returns_something_else(returned, error):
    host = HostCalls([HostCall("wrong", lambda x: returned, [f32(N)], [f32(N)])], ["n"])
    function, _ = host_function(host)
    with pytest.raises(error, match="wrong"):
        function(tensor([1, 2]))


@native
def test_host_calls_get_copies_or_read_only_views():
    kept = []
    function, _ = host_function(host_add_ten(before=kept.append))
    function(tensor([1, 2]))
    assert kept[0].flags.owndata and kept[0].tolist() == [1, 2]
    host = HostCalls(
        [HostCall("view", lambda x: x.flags.writeable + x, [f32(N)], [f32(N)], copy=False)], ["n"]
    )
    function, _ = host_function(host)
    assert function(tensor([1, 2]))._array.tolist() == [1, 2]


@native
def test_nested_failures_do_not_mix():
    inner, _ = host_function(host_add_ten(ValueError("inner")))

    def call_inner(x):
        with pytest.raises(ValueError, match="inner"):
            inner(x)

    good, _ = host_function(host_add_ten(before=call_inner))
    assert good(tensor([1]))._array.tolist() == [11]
    outer, _ = host_function(host_add_ten(before=inner))
    with pytest.raises(ValueError, match="inner"):
        outer(tensor([1]))
    assert take_error() is None


@native
def test_host_calls_may_replace_what_the_call_reads():
    variable = Variable([1, 2, 3])

    def assign(x):
        variable._array = np.zeros(3, np.float32)
        gc.collect()

    # Buffers: x, variable, out. The host call gets x; then out = x + variable, the old value.
    host = HostCalls([HostCall("assign", assign, [f32(3)], [])])
    text = main_text((2, 0, 1, 3)).replace("entry:\n", "entry:\n" + HOST, 1).replace("%entry ]", "%good ]")
    function, _ = make(
        text,
        inputs=[("arg", 0), variable.source],
        input_types=[f32(3), f32(3)],
        output_types=[f32(3)],
        updates=[(0, 1, True)],
        returned=[0],
        host=host,
    )
    assert function(tensor([1, 1, 1]))._array.tolist() == [2, 3, 4]
    assert variable._array.tolist() == [2, 3, 4]
