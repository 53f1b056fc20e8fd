"""The pool of threads: every chunk once, the lowest failure, two callers, numbers of threads, idle workers."""

import ctypes
import os
import threading
import time

import pytest

from codegen.engine import compile_object, load_object, undefined_symbols
from codegen.pool import cpus, text, words
from codegen.pool.pool import ThreadPool
from codegen.pool.pool import pool as shared
from graphcore.errors import InvalidArgumentError

# Adds 1 to element i of table[0] for every chunk i; chunk i fails with status table[1][i] where that is not 0. The
# byte of scratch counts the chunks that its owner ran.
KERNEL = """
define i32 @kernel(ptr %table, ptr %dims, ptr %scratch, i64 %begin, i64 %end) {
entry:
  %counts = load ptr, ptr %table
  %second = getelementptr ptr, ptr %table, i64 1
  %codes = load ptr, ptr %second
  br label %head
head:
  %i = phi i64 [ %begin, %entry ], [ %next, %fine ]
  %more = icmp ult i64 %i, %end
  br i1 %more, label %body, label %done
body:
  %count = getelementptr i32, ptr %counts, i64 %i
  %old = load i32, ptr %count
  %new = add i32 %old, 1
  store i32 %new, ptr %count
  store volatile i64 %i, ptr %scratch
  %again = load volatile i64, ptr %scratch
  %mine = icmp eq i64 %again, %i
  %code = getelementptr i32, ptr %codes, i64 %i
  %status = load i32, ptr %code
  %wrong = select i1 %mine, i32 %status, i32 77
  %failed = icmp ne i32 %wrong, 0
  br i1 %failed, label %fail, label %fine
fine:
  %next = add i64 %i, 1
  br label %head
done:
  ret i32 0
fail:
  ret i32 %wrong
}
"""
CHUNKS = 1000


@pytest.fixture(scope="module")
def kernel():
    return load_object(compile_object(KERNEL).data, ["kernel"]).keep()


@pytest.fixture(params=[None, False], ids=["system", "condition"])
def pool(request):
    made = ThreadPool(futex=request.param)
    yield made
    assert made.stop()


class Job:
    """The kernel's buffers, and calls of it through a pool."""

    def __init__(self, pool, kernel):
        self.counts, self.codes = (ctypes.c_int32 * CHUNKS)(), (ctypes.c_int32 * CHUNKS)()
        self.scratch = (ctypes.c_int64 * 8)()
        self.table = (ctypes.c_void_p * 2)(ctypes.addressof(self.counts), ctypes.addressof(self.codes))
        self.pool, self.kernel = pool, kernel

    def run(self, grain=7, scratch=64):
        kind = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 5, *[ctypes.c_int64] * 3)
        function = kind(ctypes.c_int64.from_address(self.pool.address + words.RUN).value)
        return function(
            self.pool.address, self.kernel.address("kernel"), ctypes.addressof(self.table), None,
            ctypes.addressof(self.scratch), CHUNKS, grain, scratch,
        )  # fmt: skip


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_every_chunk_runs_once(pool, kernel, threads):
    pool.set_threads(threads)
    pool.start()
    assert pool.running == threads - 1
    job = Job(pool, kernel)
    for times, (grain, scratch) in enumerate([(1, 8), (7, 5000), (999, 0), (1000, 64), (5000, 100_000)] * 20):
        assert job.run(grain, scratch) == 0
        assert set(job.counts) == {times + 1}
    assert pool.jobs == 100


def test_the_lowest_failure_is_reported(pool, kernel):
    pool.set_threads(3)
    pool.start()
    job = Job(pool, kernel)
    job.codes[500], job.codes[499], job.codes[990] = 4, 9, 1
    for grain in (1, 7, 300):
        assert {job.run(grain) for _ in range(20)} == {9}
    job.codes[3] = 2
    assert job.run() == 2
    job.codes[:] = [0] * CHUNKS
    assert job.run() == 0


def test_a_second_caller_runs_alone(pool, kernel):
    pool.set_threads(2)
    pool.start()
    jobs = [Job(pool, kernel) for _ in range(3)]

    def calls(job):
        for _ in range(300):
            assert job.run(3) == 0

    callers = [threading.Thread(target=calls, args=(job,)) for job in jobs]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(set(job.counts) == {300} for job in jobs)
    assert 300 <= pool.jobs <= 900


def test_the_number_changes_while_others_call(pool, kernel):
    pool.set_threads(2)
    pool.start()
    job, going = Job(pool, kernel), threading.Event()
    runs = 0

    def calls():
        nonlocal runs
        while not going.is_set():
            if ctypes.c_int64.from_address(pool.address + words.RUN).value:
                assert job.run(3) == 0
                runs += 1

    caller = threading.Thread(target=calls)
    caller.start()
    for number in (3, 5, 2, 8, 2):
        pool.set_threads(number)
        pool.start()
    going.set()
    caller.join()
    assert set(job.counts) == {runs}


def test_numbers_of_threads(monkeypatch):
    made = ThreadPool()
    for wrong in (-1, 257, 2.0, True, "2"):
        with pytest.raises(InvalidArgumentError, match="from 0 to 256"):
            made.set_threads(wrong)
    made.set_threads(5)
    assert made.threads == 5
    made.set_threads(0)
    monkeypatch.setenv("LAYERJIT_THREADS", "3")
    assert made.threads == 3
    monkeypatch.setenv("LAYERJIT_THREADS", "1")
    made.start()
    assert made.running == 0
    for wrong in ("two", "-1", "1.5"):
        monkeypatch.setenv("LAYERJIT_THREADS", wrong)
        with pytest.raises(InvalidArgumentError, match="LAYERJIT_THREADS"):
            ThreadPool()
    for default in ("", " ", "0"):
        monkeypatch.setenv("LAYERJIT_THREADS", default)
        assert made.threads == cpus.usable_cpus()


def test_idle_workers_use_no_time(kernel):
    pool = ThreadPool()
    pool.set_threads(4)
    pool.start()
    job = Job(pool, kernel)
    assert job.run() == 0
    sleepers = ctypes.c_int64.from_address(pool.address + words.SLEEPERS)
    deadline = time.monotonic() + 20
    while sleepers.value < 3 and time.monotonic() < deadline:
        os.sched_yield()
    assert sleepers.value == 3
    before = time.process_time()
    threading.Event().wait(0.5)
    assert time.process_time() - before < 0.1
    assert job.run() == 0
    assert pool.stop()


def test_the_code_needs_nothing_from_outside():
    for futex in (True, False):
        code = compile_object(text.pool_text("x86_64", futex=futex)).data
        assert not undefined_symbols(code)
        assert compile_object(text.pool_text("unknown machine", futex=futex)).data


def test_the_code_compiles_for_arm():
    from codegen.target import Target

    target = Target("portable", "aarch64-unknown-linux-gnu")
    symbols = undefined_symbols(compile_object(text.pool_text("aarch64", futex=True), target).data)
    assert symbols is not None and all(name.startswith("__aarch64_") for name in symbols), symbols


def files(root, **contents):
    for name, content in contents.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_quota_of_version_2(tmp_path):
    root = files(tmp_path, proc__self__cgroup="0::/a/b\n")
    base = root / "sys/fs/cgroup"
    (base / "a/b").mkdir(parents=True)
    assert cpus.cgroup_quota(root) == float("inf")
    (base / "a/b/cpu.max").write_text("max 100000\n")
    assert cpus.cgroup_quota(root) == float("inf")
    (base / "a/cpu.max").write_text("250000 100000\n")
    assert cpus.cgroup_quota(root) == 2.5
    (base / "a/b/cpu.max").write_text("50000 100000\n")
    assert cpus.cgroup_quota(root) == 0.5
    assert cpus.usable_cpus(root) == 1
    (base / "a/b/cpu.max").write_text("nonsense\n")
    assert cpus.cgroup_quota(root) == 2.5


def test_quota_of_version_1(tmp_path):
    root = files(tmp_path, proc__self__cgroup="4:memory:/x\n3:cpu,cpuacct:/docker/77\n")
    group = root / "sys/fs/cgroup/cpu,cpuacct"
    group.mkdir(parents=True)
    assert cpus.cgroup_quota(root) == float("inf")
    (group / "cpu.cfs_quota_us").write_text("-1\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    assert cpus.cgroup_quota(root) == float("inf")
    (group / "cpu.cfs_quota_us").write_text("150000\n")  # the group's path is not seen inside of a container
    assert cpus.cgroup_quota(root) == 1.5


def test_affinity():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity masks here")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cpus.usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= cpus.usable_cpus() <= len(before)


def test_there_is_one_pool():
    assert shared() is shared()
