"""The pool in forked and spawned processes, and at the interpreter's exit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

COMMON = """
import multiprocessing, os, signal, sys, threading, time
import numpy as np
from codegen import compile_graph
from codegen.pool.pool import pool
from graphcore import dtypes, passes
from graphcore.builder import GraphBuilder
from graphcore.types import TensorType

def compiled(rows=512):
    b = GraphBuilder("row")
    x = b.input(TensorType(dtypes.float32, (rows, 600)), "x", "argument")
    return compile_graph(passes.run(b.finish(b.emit("exp", [b.emit("sin", [x])[0]])), "canonicalize,fuse,memory"))

X = np.linspace(-3, 3, 512 * 600, dtype=np.float32).reshape(512, 600)

def check(threads):
    pool().set_threads(threads)
    function = compiled()
    alone = function.run([X])[0]
    pool().start()
    before = pool().jobs
    again = function.run([X])[0]
    assert np.array_equal(alone, again)
    assert pool().running == threads - 1 and pool().jobs == before + 1, (pool().running, pool().jobs)
"""


def run(code: str, *, timeout: float = 60) -> str:
    """Runs a script in a fresh interpreter; returns what it printed. Fails if it does."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", COMMON + code], capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert not done.stderr, done.stderr
    return done.stdout


def test_forked_children_start_their_own_threads():
    printed = run("""
check(3)
child = os.fork()
if child == 0:
    assert pool().running == 0
    check(3)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
check(3)
process = multiprocessing.get_context("fork").Process(target=check, args=(2,))
process.start(); process.join()
assert process.exitcode == 0
check(3)
print("done")
""")
    assert printed == "done\n"


def test_a_fork_while_another_thread_computes():
    printed = run("""
check(2)
function, stop = compiled(), threading.Event()
function.run([X])
def work():
    while not stop.is_set():
        function.run([X])
thread = threading.Thread(target=work)
thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        pool().start()
        before = pool().jobs
        function.run([X])
        os._exit(0 if pool().jobs == before + 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set(); thread.join()
print("done")
""")
    assert printed == "done\n"


@pytest.mark.slow
def test_spawned_children(tmp_path):
    script = tmp_path / "spawned.py"
    script.write_text(COMMON + """
if __name__ == "__main__":
    check(2)
    process = multiprocessing.get_context("spawn").Process(target=check, args=(2,))
    process.start(); process.join()
    print(process.exitcode)
""")
    paths = os.pathsep.join(filter(None, [str(Path.cwd()), os.getenv("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_exit_with_work_in_flight():
    printed = run("""
check(3)
function, started = compiled(), threading.Event()
def work():
    while True:
        function.run([X])
        started.set()
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
assert started.wait(60)
print("done")
""")
    assert printed == "done\n"


def test_the_pool_is_started_by_the_first_large_kernel():
    printed = run("""
small = compiled(2)
small.run([X[:2]])
assert pool().running == 0 and threading.active_count() == 1
pool().set_threads(2)
large = compiled()
alone = large.run([X])[0]
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
assert pool().running == 1
assert np.array_equal(alone, large.run([X])[0]) and pool().jobs == 1
pool().set_threads(1)
assert pool().running == 0
assert np.array_equal(alone, large.run([X])[0]) and pool().running == 0
print("done")
""")
    assert printed == "done\n"
