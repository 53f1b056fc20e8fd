"""The Python call path and the context table."""

import numpy as np
import pytest
from entry_parts import ARENA, HOST, N, f32, host_add_ten, main_text

from codegen import engine
from codegen.runtime.call import GraphCall
from codegen.runtime.context import Context, register, slot
from codegen.runtime.host import HOST_ERROR
from graphcore.errors import DTypeError, InvalidArgumentError, LayerJitError, ShapeError


def call_of(text, inputs, outputs, **more):
    library = engine.load_object(engine.compile_object(text).data)
    return GraphCall(library.address("layerjit_main"), inputs, outputs, keep=library, **more)


def test_python_path():
    call = call_of(main_text((2, 0, 1, "0")), [f32(N), f32(N)], [f32(N)])
    (total,) = call.run([np.arange(6, dtype=np.float32)[::2], np.ones(3, np.float32)])
    assert total.tolist() == [1, 3, 5]
    with pytest.raises(ShapeError, match=r"input 1 has shape \(4,\)"):
        call.run([np.zeros(3, np.float32), np.zeros(4, np.float32)])
    with pytest.raises(ShapeError, match="outside of its bounds"):
        call.run([np.zeros(0, np.float32), np.zeros(0, np.float32)])
    with pytest.raises(ShapeError, match=r"shape \(1, 3\)"):
        call.run([np.zeros((1, 3), np.float32), np.zeros(3, np.float32)])
    with pytest.raises(DTypeError, match="cast it"):
        call.run([np.zeros(3), np.zeros(3, np.float32)])
    with pytest.raises(InvalidArgumentError, match="1 arrays given"):
        call.run([np.zeros(3)])


def test_python_path_with_arena_host_calls_and_failures():
    call = call_of(main_text((1, 0, 0, "0"), body=ARENA), [f32(N)], [f32(N)], arena=4 * N)
    for size in (100, 3, 500):
        assert call.run([np.ones(size, np.float32)])[0].tolist() == [2.0] * size
    call = call_of(main_text(body=HOST), [f32(N)], [f32(N)], host=host_add_ten())
    assert call.run([np.ones(2, np.float32)])[0].tolist() == [11, 11]
    call = call_of(main_text(body=HOST), [f32(N)], [f32(N)], host=host_add_ten(KeyboardInterrupt("now")))
    with pytest.raises(KeyboardInterrupt, match="now"):
        call.run([np.ones(2, np.float32)])
    call = call_of(main_text(status=HOST_ERROR), [f32(N)], [f32(N)])
    with pytest.raises(LayerJitError, match="status -1"):
        call.run([np.ones(2, np.float32)])


def test_contexts_carry_registered_addresses():
    register("main.7", 1234)
    try:
        context = Context()
        assert context.table[slot("main.7")] == 1234 and context.address == context.table.ctypes.data
    finally:
        register("main.7", 0)
    with pytest.raises(KeyError, match="not a slot for kernels"):
        register("arena", 1)
