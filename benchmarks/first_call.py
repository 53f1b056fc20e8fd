"""From weights in arrays to the first result of the MLP, in a process of its own: `first_call.py SIDE`.

What is timed: making the model, tracing, compiling, running once. Imports and the start of the library's
backend are not in it. The result is checked against float64 NumPy.
"""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import harness

_TIME_LIMIT = 300
BATCH = 32


def measure(side: str) -> float:
    """Returns the seconds of a side's first call, in a fresh process.

    Raises:
      RuntimeError: if the process failed; the message is its last line.
    """
    command = [sys.executable, "-m", "benchmarks.first_call", side]
    root = Path(__file__).resolve().parent.parent
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT,
        cwd=root,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if result.returncode:
        raise RuntimeError((result.stderr.strip().splitlines() or ["no message"])[-1])
    return float(result.stdout.split()[-1])


def main(name: str) -> int:
    """Times one side in this process and prints the seconds."""
    import numpy as np

    from benchmarks import peers
    from benchmarks.workloads import mlp

    library, _, variant = name.partition(":")
    module, _version = peers.load(library)
    workload = mlp(BATCH)
    data = workload.data()
    start = time.perf_counter()
    side: harness.Side = module.build(workload, data, variant == "compile")[variant]
    result = np.asarray(side.to_numpy(side.run()))
    seconds = time.perf_counter() - start
    expected = workload.expected(data)[0]
    if np.max(np.abs(result - expected)) > workload.tolerance * np.max(np.abs(expected)):
        raise ValueError(f"the first call of {name} gave a wrong result")
    print(seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
