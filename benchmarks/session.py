"""The processes of one run with one number of threads, and what is asked of them."""

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import costs, peers, turns
from benchmarks.catalogue import find
from benchmarks.process import PeerError, Process
from benchmarks.report import LEFT_OUT, Row
from benchmarks.workloads import Workload


class Remote(NamedTuple):
    """A variant in its process, as `turns` wants it."""

    process: Process
    variant: str

    def calibrate(self, seconds: float, warm_up: float) -> int:
        """How many calls fill a sample."""
        return self.process.ask("calibrate", variant=self.variant, seconds=seconds, warm_up=warm_up)

    def sample(self, count: int) -> float:
        """Seconds per call."""
        return self.process.ask("sample", variant=self.variant, count=count)


class Session:
    """A process per side, started when first wanted and again when it has died.

    Attributes:
        versions: of each side its version, or the reason why it is left out.
    """

    def __init__(
        self, sides: list[str], pythons: Mapping[str, str], threads: int, slow: bool, clock: str = "wall"
    ) -> None:
        """`pythons` names the interpreter of each side; `slow` asks for variants that compile for long."""
        self.threads, self._clock = threads, clock
        self._pythons, self._slow = pythons, slow
        self._processes: dict[str, Process] = {}
        self.versions: dict[str, str] = {}
        self._loaded: list[str] = []
        for side in sides:
            try:
                self.versions[side] = self._process(side)[1]
                self._loaded.append(side)
            except PeerError as error:
                self.versions[side] = f"{LEFT_OUT}: {error}"

    @property
    def loaded(self) -> list[str]:
        """The sides that are installed."""
        return list(self._loaded)

    def start(self, side: str, environment: Mapping[str, str] | None = None) -> Process:
        """A fresh process of a side, in which nothing is loaded yet; the caller closes it."""
        return Process(self._pythons[side], peers.PEERS[side].module, self.threads, self._clock, environment)

    def python(self, side: str) -> str:
        """The interpreter that has this side installed."""
        return self._pythons[side]

    def _process(self, side: str) -> tuple[Process, str]:
        if side in self._processes and self._processes[side].alive:
            return self._processes[side], self.versions[side]
        process = self.start(side)
        try:
            version = process.ask("load")
        except PeerError:
            process.close()
            raise
        self._processes[side] = process
        return process, version

    def limits(self) -> costs.Roofs:
        """The machine's limits with this number of threads.

        Raises:
            PeerError: if they cannot be measured.
        """
        process = self.start("layerjit")
        try:
            return costs.Roofs(*process.ask("limits", threads=self.threads))
        finally:
            process.close()

    @staticmethod
    @functools.cache
    def expected(workload: str) -> list[Any]:
        """The float64 results of a workload."""
        work = find(workload)
        return work.expected(work.data())

    def run(self, work: Workload, effort: turns.Effort) -> Row:
        """Checks every side against the float64 result and times those that reach it."""
        data = work.data()
        expected = self.expected(work.name)
        row = Row(work.name, self.threads, goal=work.goal, cost=costs.cost(work.family, data, expected))
        timed = self._build(work, expected, row)
        try:
            row.take(turns.measure(timed, effort))
        except PeerError as error:
            row.missing["all"] = str(error)
        for process in {id(it.process): it.process for it in timed.values() if it.process.alive}.values():
            process.ask("drop")
        return row

    def _build(self, work: Workload, expected: list[Any], row: Row) -> dict[str, Remote]:
        import numpy as np

        sides: dict[str, Remote] = {}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "expected.npz")
            np.savez(file, *expected)
            for side in self._loaded:
                try:
                    process, _version = self._process(side)
                    replies = process.ask("build", workload=work.name, expected=str(file), slow=self._slow)
                except PeerError as error:
                    row.missing[side] = str(error)
                    continue
                for variant, reply in replies.items():
                    name = peers.label(side, variant)
                    problem = _problem(reply, work.tolerance)
                    if problem:
                        row.missing[name] = problem
                    else:
                        sides[name] = Remote(process, variant)
        return sides

    def close(self) -> None:
        """Ends all processes."""
        for process in self._processes.values():
            process.close()


def _problem(reply: Mapping[str, Any], tolerance: float) -> str | None:
    """Why a side is not timed."""
    if "problem" in reply:
        return reply["problem"]
    if reply["error"] > tolerance:
        return f"wrong by {reply['error']:.1e} of the largest value (allowed: {tolerance:.0e})"
    return None
