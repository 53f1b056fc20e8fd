"""The benchmarks compute what they say, and notice a side that does not."""

import json
import math
from typing import Any

import numpy as np
import pytest

from benchmarks import goals, harness, kinds, report, turns
from benchmarks.costs import Cost, Roofs
from benchmarks.peers import kinds_jax, kinds_tensorflow, kinds_torch, layerjit_, numpy_
from benchmarks.workloads import WORKLOADS, Workload

SMALL = [work for work in WORKLOADS if work.size in {"(8,)", "(8,)+(8,)", "32x1000", "17x129x65", "batch 1"}]


def shifted(run: Any, offset: float) -> harness.Side:
    return harness.Side(run, lambda value: np.asarray(value) + np.float32(offset))


def test_names_are_unique() -> None:
    assert len({work.name for work in WORKLOADS}) == len(WORKLOADS)
    assert {work.family for work in SMALL} == {work.family for work in WORKLOADS}


@pytest.mark.parametrize("work", SMALL, ids=lambda work: work.name)
def test_numpy_side_reaches_the_float64_result(work: Workload) -> None:
    data = work.data()
    (side,) = numpy_.build(work, data, True).values()
    assert harness.worst_error(side, work.expected(data)) <= work.tolerance


@pytest.mark.parametrize("module", [numpy_, layerjit_], ids=["numpy", "layerjit"])
@pytest.mark.parametrize("work", kinds.KINDS, ids=lambda work: work.name)
def test_every_kind_reaches_the_float64_result(work: Workload, module: Any) -> None:
    data = work.data()
    (side,) = module.build(work, data, False).values()
    assert harness.worst_error(side, work.expected(data)) <= work.tolerance


def test_every_side_has_every_kind() -> None:
    names = set(kinds.PLAIN)
    assert {kinds.name_of(work) for work in kinds.KINDS} <= names
    for module in (kinds_tensorflow, kinds_torch, kinds_jax):
        assert set(module.FAMILIES) == names


@pytest.mark.parametrize("offset", [1e-3, math.nan])
def test_a_wrong_result_is_noticed(offset: float) -> None:
    work = SMALL[0]
    data = work.data()
    (side,) = numpy_.build(work, data, True).values()
    assert harness.worst_error(shifted(side.run, offset), work.expected(data)) > work.tolerance
    with pytest.raises(ValueError, match="shape"):
        harness.worst_error(harness.Side(side.run, lambda value: value[None]), work.expected(data))


def test_training_that_does_not_update_is_noticed() -> None:
    work = next(work for work in SMALL if work.family == "mlp_train")
    data = work.data()
    first = work.expected(data)[0]
    frozen = harness.Side(lambda: first, np.asarray)
    assert harness.worst_error(frozen, work.expected(data)) > work.tolerance


class Clock:
    """A side that takes as long as it is told."""

    def __init__(self, seconds: float, log: list[float]) -> None:
        self.seconds, self.log = seconds, log

    def calibrate(self, seconds: float, warm_up: float) -> int:
        return 3

    def sample(self, count: int) -> float:
        assert count == 3
        self.log.append(self.seconds)
        return self.seconds


def test_sides_take_turns() -> None:
    log: list[float] = []
    sides = {"a": Clock(1.0, log), "b": Clock(2.0, log)}
    samples = turns.measure(sides, turns.Effort(rounds=3, sample=1e-5, warm_up=0.0, limit=1.0))
    assert log == [1.0, 2.0] * 3
    assert turns.medians(samples) == {"a": 1.0, "b": 2.0}


def test_samples_are_seconds_per_call() -> None:
    assert harness.calibrate(lambda: None, 1e-4, 0.0) >= 1
    assert harness.sample(lambda: None, 10) > 0


def test_ratios_and_file(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"layerjit": 1e-6, "numpy": 4e-6, "jax": 2e-6, "torch:eager": 3e-6}
    assert goals.best_peer(figures) == "jax"
    assert (goals.ratio(figures, "numpy"), goals.ratio(figures, "jax")) == (0.25, 0.5)
    assert goals.ratio(figures, None) is None
    row = report.Row("r", 2, goal=goals.Goal(0.5), cost=Cost(2e3, 8.0), roofs=Roofs(4e9, 1e9))
    row.figures, row.missing["x"] = figures, "absent"
    assert (row.met, row.share, report.share_text(row)) == (True, 0.5, "50 % fma")
    report.Table(list(figures)).row(row)
    assert " 0.50 " in capsys.readouterr().out
    report.write_json(tmp_path / "out.json", report.content([row], {"jax": "1"}, {"threads": [2]}))
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["rows"][0]["ratio_to_best_peer"] == 0.5
    assert report.rows_of(data) == [row]


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (goals.Goal(0.5), True),
        (goals.Goal(0.4), False),
        (goals.Goal(1.5, "figure"), True),
        (goals.Goal(0.5, "figure"), False),
        (goals.Goal(0.7, "above numpy"), True),
        (goals.Goal(0.5, "above numpy"), False),
    ],
)
def test_goals(goal: goals.Goal, met: bool) -> None:
    assert goal.met({"layerjit": 1.0, "numpy": 0.4, "jax": 2.0}) is met
    assert goal.met({"numpy": 0.4, "jax": 2.0}) is None
    if goal.kind != "figure":
        assert goal.met({"layerjit": 1.0}) is None


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (1.5e-7, "150 ns"), (2e-3, "2 ms"), (3.0, "3 s")])
def test_durations(seconds: float | None, text: str) -> None:
    assert report.duration(seconds) == text
