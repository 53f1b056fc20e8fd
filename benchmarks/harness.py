"""Checks and times the sides of one workload.

Sides are timed in turn, round after round in one process, so that a change of the machine's mood meets all of
them; each figure is the median of its rounds.
"""

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any, NamedTuple

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Side(NamedTuple):
    """One way to compute a workload: what is timed, and how its result becomes an array afterwards."""

    run: Callable[[], Any]
    to_numpy: Callable[[Any], Any]


class Effort(NamedTuple):
    """How long to measure: rounds, seconds per round and side, seconds of warm-up per side."""

    rounds: int
    sample: float
    warm_up: float


FULL = Effort(rounds=21, sample=0.01, warm_up=0.1)
QUICK = Effort(rounds=5, sample=0.003, warm_up=0.01)


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


def worst_error(side: Side, expected: list[Any]) -> float:
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


def _sample(run: Callable[[], Any], count: int) -> float:
    """Seconds per call, over `count` calls."""
    clock = time.perf_counter
    start = clock()
    for _ in repeat(None, count):
        run()
    return (clock() - start) / count


def _calibrate(run: Callable[[], Any], effort: Effort) -> int:
    """Warms the side up; returns how many calls fill a sample."""
    end = time.perf_counter() + effort.warm_up
    best = _sample(run, 1)
    while time.perf_counter() < end:
        best = min(best, _sample(run, 1))
    count = max(1, round(effort.sample / best))
    return max(1, round(effort.sample / _sample(run, count))) if count > 1 else 1


def measure(sides: Mapping[str, Side], effort: Effort) -> dict[str, float]:
    """Returns the median seconds per call of each side."""
    counts = {name: _calibrate(side.run, effort) for name, side in sides.items()}
    samples: dict[str, list[float]] = {name: [] for name in sides}
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(effort.rounds):
            for name, side in sides.items():
                samples[name].append(_sample(side.run, counts[name]))
            gc.collect(0)
    finally:
        if was_enabled:
            gc.enable()
    return {name: statistics.median(values) for name, values in samples.items()}
