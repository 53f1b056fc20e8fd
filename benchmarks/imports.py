"""What an import costs, in fresh processes: the median of several, in turn for all."""

import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

MODULES = {
    "layerjit": "graphcore, eager, codegen",
    "numpy": "numpy",
    "jax": "jax",
    "torch": "torch",
    "onnxruntime": "onnxruntime",
    "tensorflow": "tensorflow",
}

_CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def _once(modules: str) -> float:
    """Seconds that one import takes in a fresh interpreter."""
    root = Path(__file__).resolve().parent.parent
    result = subprocess.run(
        [sys.executable, "-c", _CODE.format(modules)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=root,
    )
    if result.returncode:
        raise RuntimeError((result.stderr.strip().splitlines() or ["no message"])[-1])
    return float(result.stdout.split()[-1])


def measure(sides: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Returns the median seconds of each side's import; the first round, which fills caches, is left out.

    Raises:
      RuntimeError: if an import fails.
    """
    samples: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds + 1):
        for side, modules in sides.items():
            seconds = _once(modules)
            if number:
                samples[side].append(seconds)
    return {side: statistics.median(values) for side, values in samples.items()}
