"""`layerjit cache info | clear | verify`."""

import json
from pathlib import Path

import numpy as np
import pytest

import eager as tf
from eager.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("LAYERJIT_CACHE", "on")
    monkeypatch.setenv("LAYERJIT_CACHE_DIR", str(path))
    return path


def test_info_clear_and_verify(folder, capsys):
    assert main(["cache", "info"]) == 0
    assert f"folder: {folder} (absent)" in capsys.readouterr().out
    assert main(["cache", "clear"]) == main(["cache", "verify"]) == 0
    tf.function(lambda x: tf.exp(x) + 1.0)(np.ones(3))
    capsys.readouterr()
    assert main(["cache", "info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    (path,) = folder.iterdir()
    assert facts == {
        "folder": str(folder), "mode": "on", "state": "usable", "limit": 1 << 30, "entries": 1,
        "bytes": path.stat().st_size, "leftovers": 0,
    }  # fmt: skip
    assert main(["cache", "verify"]) == 0
    assert "1 good and 0 bad entries" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1])
    (folder / "name.ljc").write_bytes(b"")
    assert main(["cache", "verify", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["good"] == 0 and sorted(p for p, _ in found["bad"]) == sorted([str(path), str(folder / "name.ljc")])
    (folder / "abandoned.ljc.1.tmp").write_bytes(b"")
    (folder / "notes.txt").write_text("kept")
    assert main(["cache", "info"]) == 0
    assert "1 bad or unfinished files" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert "removed 3 files" in capsys.readouterr().out and [p.name for p in folder.iterdir()] == ["notes.txt"]


def test_a_folder_that_must_not_be_used(folder, capsys):
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert main(["cache", "clear"]) == 2
    assert "chmod 700" in capsys.readouterr().err
    assert main(["cache", "info"]) == 0
    assert "not used" in capsys.readouterr().out
    assert main(["cache", "burn"]) == 2
