"""One library in a process of its own, asked over pipes: `python -m benchmarks.serve MODULE THREADS CLOCK`.

MODULE is as `benchmarks.peers` describes, CLOCK is one of `harness.CLOCKS`. A request is one line of JSON on standard
input, `{"do": NAME, ...}`; the answer is one line on what was standard output, `{"result": ...}` or `{"error": TEXT}`.
What libraries print goes to standard error instead. The end of the input ends the process.
"""

import gc
import importlib
import json
import os
import sys
import time
from typing import Any

from benchmarks import fresh, harness

Reply = dict[str, Any]
_AWAKE = 0.005  # seconds


class Server:
    """The sides of one workload at a time. Each public method is a request."""

    def __init__(self, module: str, clock: str) -> None:
        """Imports nothing yet: `load` does, so that its failure is an answer."""
        self._name = module
        self._clock = harness.CLOCKS[clock]
        self._sides: dict[str, harness.Side] = {}

    def load(self, late: bool = True) -> str:
        """Imports the library, with `late` also what it imports on first use; returns its version."""
        self._module = importlib.import_module(self._name)
        version = self._module.load()
        if late and hasattr(self._module, "load_late"):
            self._module.load_late()
        return version

    def fresh(self, name: str, **arguments: Any) -> Any:
        """A request of `benchmarks.fresh`."""
        return fresh.REQUESTS[name](self._module, **arguments)

    def build(self, workload: str, expected: str, slow: bool) -> dict[str, Reply]:
        """Builds and checks a workload's sides against the arrays in the file `expected` (an .npz).

        Returns:
            For each variant `{"error": ...}`, its error relative to the result's largest value, or `{"problem": ...}`.
        """
        import numpy as np

        from benchmarks.catalogue import find

        work = find(workload)
        with np.load(expected, allow_pickle=False) as file:
            results = [file[f"arr_{number}"] for number in range(len(file.files))]
        self._sides = self._module.build(work, work.data(), slow)
        return {name: self._check(side, results) for name, side in self._sides.items()}

    def _check(self, side: harness.Side, results: list[Any]) -> Reply:
        try:
            return {"error": harness.worst_error(side, results)}
        except Exception as problem:
            return {"problem": describe(problem)}

    def calibrate(self, variant: str, seconds: float, warm_up: float) -> int:
        """How many calls fill a sample."""
        return harness.calibrate(self._sides[variant].run, seconds, warm_up)

    def sample(self, variant: str, count: int) -> float:
        """Seconds per call; some calls before that are not counted, they refill caches and wake threads up."""
        gc.collect(0)
        run = self._sides[variant].run
        end = time.perf_counter() + _AWAKE
        run()
        while time.perf_counter() < end:
            run()
        return harness.sample(run, count, self._clock)

    def limits(self, threads: int) -> list[float]:
        """The machine's limits, see `roofs`."""
        from benchmarks import roofs

        return list(roofs.measure(threads))

    def drop(self) -> None:
        """Forgets the workload."""
        self._sides = {}
        gc.collect()


def describe(problem: BaseException) -> str:
    """The error in one line."""
    lines = str(problem).strip().splitlines() or ["no message"]
    return f"{type(problem).__name__}: {lines[0]}"


def _answer(server: Server, line: str) -> Reply:
    request = json.loads(line)
    name = request.pop("do")
    try:
        if name in fresh.REQUESTS:
            return {"result": server.fresh(name, **request)}
        return {"result": getattr(server, name)(**request)}
    except Exception as problem:
        return {"error": describe(problem)}


def main(module: str, threads: int, clock: str) -> int:
    """Answers requests until there are no more."""
    harness.limit_threads(threads)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    gc.disable()
    server = Server(module, clock)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(server, line)) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
