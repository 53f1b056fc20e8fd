"""The rows that need fresh processes: first calls with and without a disk cache, footprint, memory."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import footprint, peers
from benchmarks.fresh import SIZES
from benchmarks.goals import Goal
from benchmarks.process import PeerError, Process
from benchmarks.report import Row
from benchmarks.session import Session

_PREDICT_ROUNDS = 15
_MEMORY = "transformer_train 4 block 8x128"


class First(NamedTuple):
    """A workload whose first call is timed, and the goals in seconds without and with a disk cache."""

    workload: str
    cold: float
    cached: float
    listed: bool = True


FIRST = (
    First("mlp batch 32", 0.05, 0.005),
    First("mlp batch 50", 0.05, 0.005, listed=False),
    First("cnn batch 32", 0.08, 0.008),
    First("cnn batch 4", 0.08, 0.008, listed=False),
    First("transformer 1 block 8x128", 0.15, 0.02),
    First("transformer 4 block 8x128", 0.25, 0.05),
    First("transformer 2 block 4x200", 0.25, 0.05, listed=False),
    First("transformer_train 4 block 8x128", 0.8, 0.1),
    First("transformer_train 2 block 4x200", 0.8, 0.1, listed=False),
)

Measure = Callable[[Process, str], float]
"""Seconds, of a process and a variant."""
InFolder = Callable[[str, str, Mapping[str, str]], float | None]
"""Seconds, of a side, a variant and the environment that names the cache folder."""


def rows(session: Session, wanted: Callable[[str], bool], quick: bool) -> Iterator[Row]:
    """Yields the rows whose name is wanted."""
    repeat = 1 if quick else 3
    for first in FIRST:
        names = (f"first_call_cold {first.workload}", f"first_call_cached {first.workload}")
        if any(map(wanted, names)):
            yield from _first_calls(session, names, first, repeat, quick)
    yield from _named(session, "batch_sizes", f"mlp 1..{SIZES}", (0.06, 0.013), _batch_sizes, wanted, repeat, quick)
    yield from _named(session, "start_to_result", "mlp batch 32", (0.45, 0.16), None, wanted, repeat, quick)
    yield from _footprint(session, wanted, repeat)
    if wanted("predict_overhead mlp batch 32"):
        yield _predict(session)
    if wanted(f"memory {_MEMORY}"):
        yield from _memory(session, quick)


def _variants(session: Session, quick: bool) -> list[tuple[str, str]]:
    return [
        (side, variant)
        for side in session.loaded
        for variant in peers.PEERS[side].variants
        if not (quick and variant == "compile")
    ]


def cache_environment(folder: Path) -> dict[str, str]:
    """Where each library is told to keep what it compiles."""
    names = ("LAYERJIT_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR")
    limits = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    return dict.fromkeys(names, str(folder)) | limits


def _cold_and_cached(
    session: Session, pair: tuple[Row, Row], measure: InFolder, repeat: int, quick: bool
) -> None:
    """Fills two rows: in each round a process with an empty cache folder, and one that finds what the first left."""
    samples: tuple[dict[str, list[float]], ...] = ({}, {})
    for _ in range(repeat):
        for side, variant in _variants(session, quick):
            label = peers.label(side, variant)
            with tempfile.TemporaryDirectory() as folder:
                for row, values in zip(pair, samples, strict=True):
                    if row is pair[1] and not any(Path(folder).iterdir()):
                        break  # it has no disk cache
                    try:
                        seconds = measure(side, variant, cache_environment(Path(folder)))
                    except PeerError as error:
                        row.missing[label] = str(error)
                        break
                    if seconds is None:
                        break  # it has no such workload
                    values.setdefault(label, []).append(seconds)
    for row, values in zip(pair, samples, strict=True):
        row.take(values)


def _first_calls(session: Session, names: tuple[str, str], first: First, repeat: int, quick: bool) -> Iterator[Row]:
    import numpy as np

    pair = tuple(
        Row(name, session.threads, goal=Goal(value, "figure", first.listed))
        for name, value in zip(names, first[1:3], strict=True)
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "expected.npz")
        np.savez(file, session.expected(first.workload)[0])

        def measure(side: str, variant: str, environment: Mapping[str, str]) -> float | None:
            with _process(session, side, environment) as process:
                process.ask("load", late=True)
                return process.ask("first_call", workload=first.workload, variant=variant, file=str(file))

        _cold_and_cached(session, (pair[0], pair[1]), measure, repeat, quick)
    yield from pair


def _named(
    session: Session,
    family: str,
    size: str,
    goals: tuple[float, float],
    ask: Measure | None,
    wanted: Callable[[str], bool],
    repeat: int,
    quick: bool,
) -> Iterator[Row]:
    """Rows `FAMILY_cold` and `FAMILY_cached`; without `ask` it is the time from the process's start to a result."""
    names = [f"{family}_{kind} {size}" for kind in ("cold", "cached")]
    if not any(map(wanted, names)):
        return
    first, second = (
        Row(name, session.threads, goal=Goal(value, "figure")) for name, value in zip(names, goals, strict=True)
    )

    def measure(side: str, variant: str, environment: Mapping[str, str]) -> float:
        start = time.perf_counter()
        with _process(session, side, environment) as process:
            process.ask("load", late=ask is not None)
            if ask is not None:
                return ask(process, variant)
            process.ask("first_result", variant=variant)
            return time.perf_counter() - start

    _cold_and_cached(session, (first, second), measure, repeat, quick)
    yield from (first, second)


def _batch_sizes(process: Process, variant: str) -> float:
    return process.ask("batch_sizes", variant=variant)


@contextlib.contextmanager
def _process(session: Session, side: str, environment: Mapping[str, str]) -> Generator[Process]:
    """A fresh process of a side."""
    process = session.start(side, environment)
    try:
        yield process
    finally:
        process.close()


def _each(session: Session, row: Row, measure: Callable[[str], float], repeat: int, sides: list[str]) -> Row:
    """Fills a row that has one figure per library; for a library with variants it stands in the first's column."""
    samples: dict[str, list[float]] = {}
    for _ in range(repeat):
        for side in sides:
            label = peers.label(side, peers.PEERS[side].variants[0])
            try:
                seconds = measure(side)
                samples.setdefault(label, []).append(seconds)
            except (PeerError, RuntimeError) as error:
                row.missing[label] = str(error)
    row.take(samples)
    return row


def _footprint(session: Session, wanted: Callable[[str], bool], repeat: int) -> Iterator[Row]:
    def importing(side: str) -> float:
        return footprint.seconds_of_import(session.python(side), peers.PEERS[side].imports)

    def installed(side: str) -> float:
        return footprint.installed(session.python(side), peers.PEERS[side].distributions)

    if wanted("import"):
        for side in session.loaded:  # the first time fills the system's file cache
            importing(side)
        row = Row("import", session.threads, goal=Goal(0.12, "figure"))
        yield _each(session, row, importing, 3 * repeat, session.loaded)
    if wanted("installed"):
        row = Row("installed", session.threads, "MB", goal=Goal(260.0, "figure"))
        yield _each(session, row, installed, 1, session.loaded)


def _predict(session: Session) -> Row:
    def measure(side: str) -> float:
        with _process(session, side, {}) as process:
            process.ask("load", late=True)
            return process.ask("predict_overhead", rounds=_PREDICT_ROUNDS)

    row = Row("predict_overhead mlp batch 32", session.threads, goal=Goal(1e-4, "figure"))
    sides = [side for side in session.loaded if side in {"layerjit", "tensorflow"}]
    return _each(session, row, measure, 1, sides)


def _memory(session: Session, quick: bool) -> Iterator[Row]:
    """What the process grows by, and what layerjit planned for intermediates (a part of the former)."""
    grown = Row(f"memory {_MEMORY}", session.threads, "MB", goal=Goal(1.1, listed=True))
    for side, variant in _variants(session, quick):
        if side in {"numpy", "onnxruntime"}:
            continue
        _once(session, grown, side, variant, do="memory", workload=_MEMORY, variant=variant)
    planned = Row(f"memory_planned {_MEMORY}", session.threads, "MB")
    if "layerjit" in session.loaded:
        _once(session, planned, "layerjit", "", do="planned", workload=_MEMORY)
    yield from (grown, planned)


def _once(session: Session, row: Row, side: str, variant_label: str, **request: Any) -> None:
    label = peers.label(side, variant_label)
    with _process(session, side, {}) as process:
        try:
            process.ask("load", late=True)
            row.take({label: [process.ask(**request)]})
        except PeerError as error:
            row.missing[label] = str(error)
