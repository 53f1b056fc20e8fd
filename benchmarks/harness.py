"""Checks and times one side in the process that it runs in.

`benchmarks.serve` calls these in a process per library; `benchmarks.turns` decides whose turn it is.
"""

import os
import time
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Side(NamedTuple):
    """One way to compute a workload: what is timed, and how its result becomes an array afterwards."""

    run: Callable[[], Any]
    to_numpy: Callable[[Any], Any]


def limit_threads(count: int) -> None:
    """Holds this process and its children to `count` threads; call it before importing numpy."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(count)
    eigen = "true" if count > 1 else "false"
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={count}"
    os.environ["LAYERJIT_THREADS"] = str(count)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # XLA runs independent steps side by side whatever these say (1.8 processors in a training step).
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def worst_error(side: Side, expected: Sequence[Any]) -> float:
    """Runs the side once per expected result; returns the largest error relative to a result's largest value.

    Raises:
      ValueError: if a result's shape is not the expected one.
    """
    import numpy as np

    worst = 0.0
    for number, want in enumerate(expected):
        got = np.asarray(side.to_numpy(side.run()), np.float64)
        if got.shape != np.shape(want):
            raise ValueError(f"call {number}: shape {got.shape} instead of {np.shape(want)}")
        scale = float(np.max(np.abs(want))) or 1.0
        error = float(np.max(np.abs(got - want))) / scale
        worst = max(worst, error if error == error else float("inf"))
    return worst


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""What a second is. Processor time of all threads leaves out what other programs on the machine take away."""


def sample(run: Callable[[], Any], count: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds per call, over `count` calls."""
    start = clock()
    for _ in repeat(None, count):
        run()
    return (clock() - start) / count


def calibrate(run: Callable[[], Any], seconds: float, warm_up: float) -> int:
    """Warms the side up for `warm_up` seconds; returns how many calls fill a sample of `seconds`."""
    end = time.perf_counter() + warm_up
    best = sample(run, 1)
    while time.perf_counter() < end:
        best = min(best, sample(run, 1))
    count = max(1, round(seconds / best))
    return max(1, round(seconds / sample(run, count))) if count > 1 else 1
