"""What is measured once, at the start of a process: first calls, many batch sizes, memory. `benchmarks.serve` asks.

A peer's module may have, beside `load` and `build`:
- `load_late()`: imports what the library loads on first use, so that first calls are not about imports;
- `BUILD_COMPILES = True`: its `build` is where it loads and optimises a model, which its first call then includes;
- `any_batch(data, slow) -> {variant: function}`: the MLP from an array of any batch size to an array;
- `predicting(data) -> (call, predict)`: the MLP's traced call and Keras's `predict`, on one batch;
- `planned_bytes(workload, data) -> int`: the bytes that it planned for a run's intermediates.
"""

import os
import resource
import statistics
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import harness

SIZES = 64


def first_call(module: ModuleType, workload: str, variant: str, file: str) -> float | None:
    """Seconds from a model made of the workload's weights to its first result, which is checked.

    None means that the library has no such workload.

    Raises:
        ValueError: if the result is wrong.
    """
    import numpy as np

    from benchmarks.catalogue import find

    work = find(workload)
    data = work.data()
    start = time.perf_counter()
    side: harness.Side | None = module.build(work, data, variant == "compile").get(variant)
    if side is None:
        return None
    if not getattr(module, "BUILD_COMPILES", False):
        start = time.perf_counter()
    result = side.to_numpy(side.run())
    seconds = time.perf_counter() - start
    with np.load(file, allow_pickle=False) as arrays:
        known = harness.Side(lambda: result, lambda value: value)
        error = harness.worst_error(known, [arrays["arr_0"]])
    if error > work.tolerance:
        raise ValueError(f"the first call gave a result that is wrong by {error:.1e} of its largest value")
    return seconds


def first_result(module: ModuleType, variant: str) -> None:
    """Computes the MLP once; the process's start is what is timed."""
    from benchmarks.workloads import mlp

    work = mlp(32)
    side: harness.Side = module.build(work, work.data(), variant == "compile")[variant]
    side.to_numpy(side.run())


def batch_sizes(module: ModuleType, variant: str) -> float:
    """Seconds for one call with each of 64 batch sizes, compilations included; the results are checked."""
    import numpy as np

    from benchmarks import reference
    from benchmarks.workloads import mlp_data

    data = mlp_data(SIZES)
    start = time.perf_counter()
    function = module.any_batch(data, variant == "compile")[variant]
    if not getattr(module, "BUILD_COMPILES", False):
        start = time.perf_counter()
    results = [function(data["x"][:count]) for count in range(1, SIZES + 1)]
    seconds = time.perf_counter() - start
    expected = reference.mlp(data["x"].astype(np.float64), reference.mlp_weights(data, np.float64))
    for result in results:
        if not np.allclose(result, expected[: len(result)], atol=1e-4):
            raise ValueError(f"wrong result for batch size {len(result)}")
    return seconds


def predict_overhead(module: ModuleType, rounds: int) -> float:
    """Seconds that `predict` on one batch of the MLP takes beyond the traced call."""
    from benchmarks.workloads import mlp_data

    call, predict = module.predicting(mlp_data(32))
    harness.calibrate(call, 0.01, 0.05)
    harness.calibrate(predict, 0.01, 0.05)
    pairs = [(harness.sample(predict, 5), harness.sample(call, 5)) for _ in range(rounds)]
    return statistics.median(slow - fast for slow, fast in pairs)


def memory(module: ModuleType, workload: str, variant: str) -> float:
    """Megabytes that the process grows by, at the peak of the third run, over what it had with its libraries loaded.

    Weights, optimizer state and, where there is any, generated code are in it; memory that only the first runs need
    (compilation) is in it as far as it was not given back.
    """
    from benchmarks.catalogue import find

    work = find(workload)
    data = work.data()
    before = _resident()
    side: harness.Side = module.build(work, data, variant == "compile")[variant]
    for _ in range(2):
        side.run()
    _reset_peak()
    side.run()
    return (_peak() - before) / 1e6


def planned(module: ModuleType, workload: str) -> float:
    """Megabytes that the library planned for the intermediates of one run."""
    from benchmarks.catalogue import find

    work = find(workload)
    return module.planned_bytes(work, work.data()) / 1e6


def _resident() -> int:
    """Bytes of this process that are in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])  # resident pages
    return pages * resource.getpagesize()


def _reset_peak() -> None:
    """Makes the peak begin anew (Linux: 5 is "reset the peak resident set size")."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """The most bytes in memory since the last reset."""
    status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


REQUESTS: dict[str, Any] = {
    "first_call": first_call,
    "first_result": first_result,
    "batch_sizes": batch_sizes,
    "predict_overhead": predict_overhead,
    "memory": memory,
    "planned": planned,
}
"""By the name in the request."""
