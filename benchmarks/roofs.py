# pyright: basic
"""The machine's limits, measured in the same run: fused multiply-adds per second, and bytes per second of a copy.

Both are LLVM text compiled for the CPU by llvmlite: chains of multiply-adds that do not wait for each other, and a loop
of vector loads and stores over an array that fits L3 but no L2. Each thread has its own data.
"""

import ctypes
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from benchmarks.costs import Roofs

_CHAINS = 12
_STEPS = 1_000_000
_COPY_BYTES = 4 << 20  # per thread and array
_COPIES = 16
_ROUNDS = 25


def _lanes() -> int:
    """float32 lanes of the widest vector that the CPU's names of features tell."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("fma") else 4


def _fma_text(lanes: int) -> str:
    vector = f"<{lanes} x float>"
    numbers = range(_CHAINS)
    phis = "\n".join(f"  %a{i} = phi {vector} [ %seed, %entry ], [ %b{i}, %loop ]" for i in numbers)
    steps = "\n".join(
        f"  %b{i} = call {vector} @llvm.fma.v{lanes}f32({vector} %a{i}, {vector} %half, {vector} %seed)"
        for i in numbers
    )
    stores = "\n".join(
        f"  %p{i} = getelementptr {vector}, ptr %out, i64 {i}\n  store {vector} %b{i}, ptr %p{i}, align 4"
        for i in numbers
    )
    return f"""
declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})
define void @fma(ptr %out, i64 %count) {{
entry:
  %seed = load {vector}, ptr %out, align 4
  %half = fmul {vector} %seed, %seed
  br label %loop
loop:
  %n = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}
{steps}
  %next = add i64 %n, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done
done:
{stores}
  ret void
}}
"""


def _copy_text(lanes: int) -> str:
    vector, size = f"<{lanes} x float>", lanes * 4
    moves = "\n".join(
        f"""  %at{i} = add i64 %n, {i * size}
  %s{i} = getelementptr i8, ptr %from, i64 %at{i}
  %d{i} = getelementptr i8, ptr %to, i64 %at{i}
  %v{i} = load {vector}, ptr %s{i}, align 4
  store {vector} %v{i}, ptr %d{i}, align 4"""
        for i in range(4)
    )
    return f"""
define void @copy(ptr %to, ptr %from, i64 %bytes) {{
entry:
  br label %loop
loop:
  %n = phi i64 [ 0, %entry ], [ %next, %loop ]
{moves}
  %next = add i64 %n, {4 * size}
  %more = icmp ult i64 %next, %bytes
  br i1 %more, label %loop, label %done
done:
  ret void
}}
"""


def _compile(text: str) -> Any:
    """An execution engine that keeps the code alive."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def _together(pool: ThreadPoolExecutor, calls: list[Any]) -> float:
    """Seconds from the first start to the last end; ctypes lets the threads run at once."""
    barrier = Barrier(len(calls))

    def timed(call: Any) -> tuple[float, float]:
        barrier.wait()
        start = time.perf_counter()
        call()
        return start, time.perf_counter()

    spans = list(pool.map(timed, calls))
    return max(end for _, end in spans) - min(start for start, _ in spans)


def measure(threads: int) -> Roofs:
    """Returns the limits with this many threads: the best tenth of several rounds.

    Raises:
      ImportError: if llvmlite is not installed.
    """
    import numpy as np

    lanes = _lanes()
    engine = _compile(_fma_text(lanes) + _copy_text(lanes))
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
    fma = signature(engine.get_function_address("fma"))
    copier = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    copy = copier(engine.get_function_address("copy"))
    seeds = [np.full(lanes * _CHAINS, 0.5, np.float32) for _ in range(threads)]
    arrays = [np.ones((2, _COPY_BYTES), np.uint8) for _ in range(threads)]

    def copying(pair: Any) -> None:
        for _ in range(_COPIES):
            copy(pair[0].ctypes.data, pair[1].ctypes.data, _COPY_BYTES)

    fmas = [lambda seed=seed: fma(seed.ctypes.data, _STEPS) for seed in seeds]
    copies = [lambda pair=pair: copying(pair) for pair in arrays]
    with ThreadPoolExecutor(threads) as pool:
        times = [(_together(pool, fmas), _together(pool, copies)) for _ in range(_ROUNDS)]
    work = threads * _STEPS * _CHAINS * lanes * 2
    moved = threads * 2 * _COPIES * _COPY_BYTES
    return Roofs(work / _low([f for f, _ in times]), moved / _low([c for _, c in times]))


def _low(values: list[float]) -> float:
    return statistics.quantiles(values, n=10)[0]

