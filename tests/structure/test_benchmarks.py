"""The benchmarks compute what they say, and notice a side that does not."""

import json
import math
from typing import Any

import numpy as np
import pytest

from benchmarks import harness, kinds, report
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


def test_measure_times_every_side() -> None:
    sides = {name: harness.Side(lambda: None, np.asarray) for name in "ab"}
    seconds = harness.measure(sides, harness.Effort(rounds=3, sample=1e-5, warm_up=0.0))
    assert set(seconds) == {"a", "b"}
    assert all(value > 0 for value in seconds.values())


def test_ratios_and_file(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    row = report.Row(
        "r", {"layerjit": 1e-6, "numpy": 4e-6, "jax": 2e-6, "torch:eager": 3e-6}, {"x": "absent"}
    )
    assert report.best_peer(row) == "jax"
    assert (report.ratio(row, "numpy"), report.ratio(row, "jax")) == (0.25, 0.5)
    assert report.ratio(row, None) is None
    report.Table(list(row.seconds)).row(row)
    assert "0.25" in capsys.readouterr().out
    report.write_json(tmp_path / "out.json", [row], {"jax": "1"}, {"threads": 1})
    assert json.loads((tmp_path / "out.json").read_text())["rows"][0]["ratio_to_best_peer"] == 0.5


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (1.5e-7, "150 ns"), (2e-3, "2 ms"), (3.0, "3 s")])
def test_durations(seconds: float | None, text: str) -> None:
    assert report.duration(seconds) == text
