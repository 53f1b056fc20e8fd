"""A side in a process of its own answers, fails and dies as `benchmarks.serve` says."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import footprint, fresh_rows, markdown, peers, report, session, turns
from benchmarks.__main__ import main as benchmarks_main
from benchmarks.goals import Goal
from benchmarks.process import PeerError, Process
from benchmarks.workloads import WORKLOADS

QUICK = turns.Effort(rounds=2, sample=1e-6, warm_up=0.0, limit=1.0)
FAKE = '''
import os
import numpy as np
from benchmarks.harness import Side

def load():
    print("libraries may print", flush=True)
    return "1.0"

def any_batch(data, slow):
    from benchmarks import reference
    weights = reference.mlp_weights(data, np.float32)
    return {"": lambda x: reference.mlp(x, weights)}

def build(workload, data, slow):
    from benchmarks.peers import numpy_
    if workload.family == "mlp":
        with open(os.path.join(os.environ["LAYERJIT_CACHE_DIR"], "entry"), "w") as file:
            file.write("compiled")
        return numpy_.build(workload, data, slow)
    if workload.family == "cnn":
        return {}
    def die():
        os._exit(3)
    if workload.family == "add":
        return {"": Side(die, np.asarray)}
    x = data["x"]
    return {"": Side(lambda: x * 2 + 1, np.asarray), "off": Side(lambda: x * 2, np.asarray),
            "failing": Side(lambda: 1 // 0, np.asarray)}
'''


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[session.Session]:
    """A run with one side, the module above."""
    (tmp_path / "fake_peer.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(peers.PEERS, "fake", peers.Peer("fake_peer", "fake_peer", ("fake",)))
    monkeypatch.setitem(peers.PEERS, "absent", peers.Peer("absent_peer", "absent_peer", ("absent",)))
    run = session.Session(["fake", "absent"], dict.fromkeys(["fake", "absent"], sys.executable), 1, False)
    yield run
    run.close()


def test_a_side_that_is_absent_wrong_failing_or_dead(fake: session.Session) -> None:
    assert fake.versions["fake"] == "1.0"
    assert fake.versions["absent"] == "left out: ModuleNotFoundError: No module named 'absent_peer'"
    scale = next(work for work in WORKLOADS if work.family == "scale_shift")
    row = fake.run(scale, QUICK)
    assert set(row.figures) == {"fake"} and row.figures["fake"] > 0
    assert row.missing["fake:off"].startswith("wrong by ")
    assert row.missing["fake:failing"] == "ZeroDivisionError: integer division or modulo by zero"
    dead = fake.run(next(work for work in WORKLOADS if work.family == "add"), QUICK)
    assert dead.missing == {"fake": "the process ended with 3: libraries may print"}
    assert set(fake.run(scale, QUICK).figures) == {"fake"}  # a new process has taken its place


def test_a_silent_process_is_ended(fake: session.Session) -> None:
    process: Process = fake.start("fake")
    with pytest.raises(PeerError, match="time limit"):
        process.ask("load", limit=0.0)
    assert not process.alive


def test_first_calls_run_in_fresh_processes(fake: session.Session) -> None:
    names = {"first_call_cold mlp batch 32", "batch_sizes_cold mlp 1..64"}
    lacking = "first_call_cold cnn batch 4"
    rows = {row.name: row for row in fresh_rows.rows(fake, (names | {lacking}).__contains__, quick=True)}
    assert names | {"first_call_cached mlp batch 32"} <= set(rows)
    assert all(rows[name].figures["fake"] > 0 and not rows[name].missing for name in names)
    assert not rows[lacking].figures and not rows[lacking].missing
    assert rows["first_call_cached mlp batch 32"].figures["fake"] > 0  # it has left a file
    assert not rows["batch_sizes_cached mlp 1..64"].figures  # it has not


def test_the_table_as_markdown(tmp_path: Path) -> None:
    row = report.Row("mlp batch 1", 1, figures={"layerjit": 1e-6, "torch:eager": 4e-6, "torch:compile": 2e-6})
    data = report.content([row], {"layerjit": "1", "torch": "2", "jax": "left out: no"}, {}) | {"date": "2026-01-02"}
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{markdown.BEGIN}\nold\n{markdown.END}\nafter\n")
    markdown.write(readme, data)
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith(f"{markdown.END}\nafter\n") and "old" not in text
    assert "| mlp batch 1 | 1 | 1 us | 2 us | 0.50 | - | - | - |" in text and "jax" not in text


def test_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks import picture

    row = report.Row("r", 1, goal=Goal(0.9), figures={"layerjit": 1e-6, "jax": 2e-6})
    picture.draw(tmp_path / "run.svg", report.content([row], {}, {}))
    assert "<svg" in (tmp_path / "run.svg").read_text()
    with pytest.raises(ValueError, match="no row"):
        picture.draw(tmp_path / "run.svg", report.content([], {}, {}))


def test_installed_size_follows_requirements() -> None:
    python = sys.executable
    alone, whole = (footprint.installed(python, (name,)) for name in ("numpy", "layerjit"))
    assert 10 < alone < whole
    with pytest.raises(RuntimeError, match="not installed: no-such-thing"):
        footprint.installed(python, ("no-such-thing",))


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    row = report.Row("r", 1, figures={"layerjit": 3.0, "jax": 2.0}, lowest={"layerjit": 1.0, "jax": 2.0})
    report.write_json(file, report.content([row], {"layerjit": "1"}, {"sides": ["layerjit"]}) | {"date": "2026-01-02"})
    assert benchmarks_main(["--read", str(file)]) == 0
    assert " 1.50 " in capsys.readouterr().out
    assert benchmarks_main(["--read", str(file), "--lowest"]) == 0
    assert " 0.50 " in capsys.readouterr().out
    for wrong in ("--sides=nothing", "--threads=0", "--python=torch"):
        with pytest.raises(SystemExit):
            benchmarks_main([wrong])
