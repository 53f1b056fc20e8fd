"""Memory of large arrays: used again when nobody looks at it any more, and never before."""

import gc
import os

import numpy as np
import pytest
from numpy._core.multiarray import get_handler_name

import eager as tf
from codegen.runtime.layout import native_entry_supported
from codegen.runtime.recycle import LARGE, recycler

pytestmark = pytest.mark.skipif(not native_entry_supported(), reason="no native entry here")
COUNT = LARGE // 4 + 1000


@pytest.fixture(autouse=True)
def started():
    recycler().start()
    assert recycler().ready


@tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
def symbolic(x):
    return x * 2.0 + 1.0


@tf.function
def static(x):
    return x * 2.0 + 1.0


def array_of(tensor):
    """The array that owns the tensor's memory."""
    return tensor._array


@pytest.mark.parametrize("function", [symbolic, static])
def test_memory_is_used_again(function):
    x = tf.constant(np.arange(COUNT, dtype=np.float32))
    y = function(x)
    array = array_of(y)
    assert get_handler_name(array) == "layerjit" and array.flags.owndata and array.ctypes.data % 64 == 0
    at = array.ctypes.data
    del y, array
    waiting = recycler().waiting
    assert waiting >= COUNT * 4
    z = function(x)
    assert array_of(z).ctypes.data == at and recycler().waiting < waiting
    assert np.array_equal(z.numpy(), np.arange(COUNT, dtype=np.float32) * 2 + 1)


def test_small_arrays_are_ordinary():
    assert get_handler_name(array_of(symbolic(tf.zeros(100)))) == "default_allocator"
    assert get_handler_name(np.zeros(COUNT)) == "default_allocator"


HOLDERS = {
    "tensor": lambda y: y, "array": lambda y: y.numpy(), "view": lambda y: y.numpy()[3:7],
    "transposed": lambda y: y.numpy().reshape(4, -1).T, "memory": lambda y: memoryview(y.numpy()),
    "dlpack": lambda y: np.from_dlpack(y.numpy()), "capsule": lambda y: tf.experimental.dlpack.to_dlpack(y),
    "variable": tf.Variable,
}  # fmt: skip


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_what_is_looked_at_is_not_used_again(holder):
    x = tf.constant(np.arange(COUNT // 4 * 4, dtype=np.float32))
    y = symbolic(x)
    at, held = array_of(y).ctypes.data, holder(y)
    before = np.array(array_of(y))
    copied = holder is tf.Variable
    del y
    gc.collect()
    others = [symbolic(x + float(i)) for i in range(3)]
    assert copied or all(array_of(o).ctypes.data != at for o in others)
    if isinstance(held, np.ndarray | memoryview):
        assert np.isin(np.asarray(held).ravel()[:4], before).all()


def test_updates_of_variables():
    variable = tf.Variable(np.zeros(COUNT, np.float32))

    @tf.function
    def step(x):
        variable.assign_add(x)

    one = tf.ones(COUNT)
    seen = []
    for _ in range(6):
        seen.append(variable.numpy())
        step(one)
    assert [float(s[0]) for s in seen] == [0, 1, 2, 3, 4, 5] and float(variable.numpy()[-1]) == 6
    assert all((s == s[0]).all() for s in seen)


def test_what_waits_is_bounded():
    recycle = recycler()
    arrays = [recycle.empty((LARGE + i,), np.dtype(np.uint8)) for i in range(0, 50 * 4096, 4096)]
    arrays.clear()
    assert 0 < recycle.waiting <= 33 * (LARGE + 51 * 4096)
    huge = recycle.empty((300 << 20,), np.dtype(np.uint8))
    del huge
    assert recycle.waiting <= 256 << 20
    for _ in range(2):  # nothing of about that size waits
        recycle.empty((5 * LARGE,), np.dtype(np.uint8))
    with pytest.raises(MemoryError):
        recycle.empty((1 << 60,), np.dtype(np.uint8))
    assert recycle.waiting == 0  # given back to the system before giving up


def test_growing_an_array_keeps_its_contents():
    array = recycler().empty((COUNT,), np.dtype(np.float32))
    array[:] = np.arange(COUNT)
    array.resize(3 * COUNT, refcheck=False)
    assert np.array_equal(array[:COUNT], np.arange(COUNT)) and not array[COUNT:].any()
    array.resize(COUNT // 2, refcheck=False)
    assert np.array_equal(array, np.arange(COUNT // 2))


def test_the_python_path_recycles_too():
    compiled = static.get_concrete_function(tf.zeros(COUNT)).function.compiled
    x = np.ones(COUNT, np.float32)
    (y,) = compiled.run([x])
    assert get_handler_name(y) == "layerjit" and (y == 3).all()


def test_a_forked_child_may_free_and_make():
    y = symbolic(tf.ones(COUNT))
    child = os.fork()
    if child == 0:
        del y
        z = symbolic(tf.zeros(COUNT))
        os._exit(0 if float(z[0]) == 1.0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert float(y[0]) == 3.0
