"""Many random graphs in several processes: what they held, and which failed."""

import faulthandler
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

from graphcore.optable import OPS
from random_graphs.check import case_text, draw_case, failure, shrink
from random_graphs.chooser import Seeded
from random_graphs.draw import LEFT_OUT, draw_graph, live_ops

LOOPS_ONE_IN = 10
"""The loop interpreter, which is slow, runs one graph in so many."""

_CHUNK = 25
_CHUNKS_PER_PROCESS = 40
_SHRUNK = 3
"""So many failures of a chunk are shrunk; the others are named."""


class Tally(NamedTuple):
    """What graphs held.

    Attributes:
        sizes: live nodes of every graph, without inputs and constants.
        ops: how often every op was live.
        folding: how many graphs have a reduction or contraction.
        failures: one text per failure.
    """

    sizes: list[int]
    ops: Counter[str]
    folding: int
    failures: list[str]

    def seldom(self, least: float) -> dict[str, int]:
        """The drawn ops that were live fewer than `least` times."""
        drawn = OPS.keys() - LEFT_OUT.keys() - {"input", "constant"}
        return {name: self.ops[name] for name in sorted(drawn) if self.ops[name] < least}

    def summary(self) -> str:
        """The counts in a few lines."""
        rare = self.ops.most_common()[: -6 : -1]
        return (
            f"{len(self.sizes)} graphs, {len(self.failures)} failures\n"
            f"nodes: median {median(self.sizes):g}, most {max(self.sizes)}, in all {sum(self.sizes)}\n"
            f"with a reduction or contraction: {self.folding / len(self.sizes):.0%}\n"
            f"ops: {len(self.ops)}; the rarest: {', '.join(f'{name} {count}' for name, count in rare)}\n"
            f"left out: {'; '.join(f'{name} ({why})' for name, why in LEFT_OUT.items())}"
        )


def total(parts: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    found = Tally([], Counter(), 0, [])
    for part in parts:
        found = Tally(
            found.sizes + part.sizes, found.ops + part.ops, found.folding + part.folding, found.failures + part.failures
        )
    return found


def run_seeds(seeds: range, marks: Path | None = None) -> Tally:
    """Draws and checks one graph per seed; the seed at work is kept in a file in case the process dies."""
    found: list[Tally] = []
    shrunk = 0
    for seed in seeds:
        if marks is not None:
            (marks / str(os.getpid())).write_text(str(seed))
        chooser = Seeded(seed)
        graph, case = draw_graph(chooser), draw_case(chooser, LOOPS_ONE_IN)
        names = live_ops(graph)
        folds = any(OPS[name].kind in ("reduce", "contract") for name in names)
        problems: list[str] = []
        problem = failure(graph, case, strict=True)
        if problem:
            shrunk += 1
            small = shrink(graph, case) if shrunk <= _SHRUNK else graph
            problems.append(f"seed {seed}, {case.isa}: {problem}\n{case_text(small, case, problem)}")
        found.append(Tally([len(names)], Counter(names), int(folds), problems))
    return total(found)


def run_campaign(first: int, count: int, marks: Path, workers: int) -> Tally:
    """As run_seeds for `count` seeds from `first` on, in processes of their own.

    Raises:
        RuntimeError: if a process dies; it names the seeds that were at work.
    """
    chunks = [range(i, min(i + _CHUNK, first + count)) for i in range(first, first + count, _CHUNK)]
    # Fresh processes now and then, since compiled code is never unmapped. (The executor's own way of replacing them,
    # max_tasks_per_child, can wait for ever in Python 3.11.)
    turn = _CHUNKS_PER_PROCESS * workers
    return total(_run_chunks(chunks[i : i + turn], marks, workers) for i in range(0, len(chunks), turn))


def _run_chunks(chunks: Sequence[range], marks: Path, workers: int) -> Tally:
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=faulthandler.enable) as pool:
        try:
            return total(pool.map(run_seeds, chunks, [marks] * len(chunks)))
        except BrokenProcessPool as error:
            seeds = sorted(path.read_text() for path in marks.iterdir())
            raise RuntimeError(f"a process died; the last seeds at work were {', '.join(seeds)}") from error
