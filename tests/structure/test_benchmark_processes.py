"""A side in a process of its own answers, fails and dies as `benchmarks.serve` says."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import peers, session, turns
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

def build(workload, data, slow):
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
