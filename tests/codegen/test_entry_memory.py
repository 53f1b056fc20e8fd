"""The native call entry: reference counts, memory, arena, threads."""

import gc
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from entry_parts import (
    ARENA,
    N,
    Tensor,
    Variable,
    adder,
    counter,
    f32,
    host_add_ten,
    host_function,
    main_text,
    make,
    native,
    tensor,
)

from codegen.runtime.context import slot
from graphcore.errors import LayerJitError


@native
def test_references_are_balanced():
    variable = Variable([1, 2, 3])
    dtype = np.dtype(np.float32)
    for work in (0, 10**9):
        step, _ = make(
            main_text((3, 0, 1, 3), (4, 0, 2, 3)),
            inputs=[("arg", 0), ("arg", 1), variable.source],
            input_types=[f32(N), f32(3), f32(3)],
            output_types=[f32(N), f32(3)],
            updates=[(1, 2, True)],
            result="tuple",
            returned=[0, 1, 1],
            work=work,
            arena=N * 64,
            slow=lambda *args: None,
        )
        a, b = tensor([1, 1, 1]), tensor([0, 0, 0])
        things = [a, b, a._array, b._array, dtype, Tensor, None, np.ndarray, variable.version, step]
        step(a, b)
        before = [sys.getrefcount(thing) for thing in things]
        for _ in range(1000):
            step(a, b)
            step(a)
        after = [sys.getrefcount(thing) for thing in things]
        assert all(abs(x - y) < 20 for x, y in zip(after, before, strict=True)), list(
            zip(before, after, strict=True)
        )
        result = step(a, b)
        assert [sys.getrefcount(t) for t in result] == [2 + 1, 3 + 1, 3 + 1]
        owners = sys.getrefcount(result[0]._array)
        assert owners == 2


@native
def test_memory_does_not_grow():
    variable = Variable(np.zeros(3))
    step, _ = counter(variable, returned=True)
    fail, _ = host_function(host_add_ten(ValueError("no")))
    ones = tensor([1, 1, 1])

    def calls(count):
        for _ in range(count):
            step(ones)
            with pytest.raises(ValueError, match="no"):
                fail(ones)

    calls(50)
    gc.collect()
    tracemalloc.start()
    try:
        calls(20)
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        calls(300)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < first + 20_000
    finally:
        tracemalloc.stop()


@native
def test_entries_die_with_their_cycles():
    class Owner:
        def __call__(self, *args):
            return "slow"

    owner = Owner()
    add = owner.entry = adder(slow=owner)[0]
    table = add.__self__.context.table
    del add, owner
    gc.collect()
    assert sys.getrefcount(table) == 2


@native
def test_arena_is_reused_aligned_and_grows():
    function, _ = make(
        main_text((1, 0, 0, "0"), body=ARENA),
        inputs=[("arg", 0)],
        input_types=[f32(N)],
        output_types=[f32(N)],
        arena=4 * N,
    )
    table = function.__self__.context.table
    blocks = []
    for size in (1000, 10, 1000, 5000, 100_000):
        assert function(np.ones(size, np.float32))._array.tolist() == [2.0] * size
        blocks.append(int(table[slot("arena")]))
    assert blocks[0] == blocks[1] == blocks[2] != 0


@native
@pytest.mark.parametrize("work", [0, N * 10**6, 10**9])
def test_threads(work):
    function, slow = make(
        main_text((1, 0, 0, "0"), body=ARENA),
        inputs=[("arg", 0)],
        input_types=[f32(N)],
        output_types=[f32(N)],
        arena=4 * N,
        work=work,
    )
    wrong = []

    def calls(number):
        x = np.full(2000 + number, number, np.float32)
        for _ in range(200):
            if not np.array_equal(function(x)._array, x + x):
                wrong.append(number)

    threads = [threading.Thread(target=calls, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and not slow.calls


@native
@pytest.mark.parametrize("work", [0, 10**9])
def test_threads_that_update_and_read_one_variable(work):
    variable = Variable(np.zeros(1000))
    step, _ = make(
        main_text((2, 0, 1, 1000)),
        inputs=[("arg", 0), variable.source],
        input_types=[f32(1000)] * 2,
        output_types=[f32(1000)],
        updates=[(0, 1, True)],
        result="none",
        work=work,
    )
    torn = []
    ones = np.ones(1000, np.float32)

    def update():
        for _ in range(300):
            step(ones)

    def read():
        for _ in range(300):
            value = variable._array
            if value.min() != value.max():
                torn.append(value)

    threads = [threading.Thread(target=f) for f in (update, read, update, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn and 300 <= variable._array[0] <= 600 and variable.version == 600


@native
def test_the_interpreter_lock_is_released_for_long_work_only():
    # Waits, for a while, until another Python thread changes the input; status 5 if that does not happen.
    text = """
define i32 @layerjit_main(ptr %ctx, ptr %bufs, ptr %dims, ptr %arena) {
entry:
  %p = load ptr, ptr %bufs
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %j, %again ]
  %x = load volatile float, ptr %p
  %seen = fcmp ogt float %x, 0.0
  br i1 %seen, label %good, label %again
again:
  call void asm sideeffect "", ""()
  %j = add i64 %i, 1
  %go = icmp ult i64 %j, LIMIT
  br i1 %go, label %head, label %bad
good:
  ret i32 0
bad:
  ret i32 5
}
"""

    def wait(work, limit):
        function, _ = make(
            text.replace("LIMIT", str(limit)),
            inputs=[("arg", 0)],
            input_types=[f32(1)],
            output_types=[f32(1)],
            result="none",
            work=work,
        )
        flag = np.zeros(1, np.float32)
        gate = threading.Lock()

        def change():
            with gate:
                flag[0] = 1

        gate.acquire()
        thread = threading.Thread(target=change)
        thread.start()
        # From here on the other thread gets the lock only if the call releases it.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1000)
        try:
            gate.release()
            function(flag)
        finally:
            sys.setswitchinterval(interval)
            thread.join()

    wait(10**9, 20_000_000_000)
    with pytest.raises(LayerJitError, match="status 5"):
        wait(0, 20_000_000)
