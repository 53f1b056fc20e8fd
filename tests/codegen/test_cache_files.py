"""Files of the disk cache: whole or not there, the user's alone, bounded, and never a reason to fail."""

import contextlib
import errno
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cache_cases import HIT, STORED, environment, origin, reported, small, training

from codegen.cache import access, files, settings
from codegen.cache.form import BadForm, dump, load
from codegen.cache.settings import CacheWarning
from graphcore import dims
from graphcore.dtypes import float32
from graphcore.graph import Const
from graphcore.types import TensorType

KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A disk cache of this test."""
    path = tmp_path / "cache"
    monkeypatch.setenv("LAYERJIT_CACHE", "on")
    monkeypatch.setenv("LAYERJIT_CACHE_DIR", str(path))
    settings.warn_once.cache_clear()
    return path


def only_entry(folder: Path) -> Path:
    (path,) = folder.glob("*.ljc")
    return path


def test_what_is_written_is_read(tmp_path):
    folder = str(tmp_path / "a" / "cache")
    assert files.read(folder, KEY) is None
    files.write(folder, KEY, b"content")
    assert files.read(folder, KEY) == b"content"
    files.write(folder, KEY, b"")
    assert files.read(folder, KEY) == b""
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in Path(folder).iterdir()] == [0o600]


def test_every_cut_and_every_flipped_bit_is_noticed(tmp_path):
    folder = str(tmp_path / "cache")
    files.write(folder, KEY, b"some content")
    path = Path(files.path_of(folder, KEY))
    whole = path.read_bytes()
    for size in range(len(whole)):
        with pytest.raises(files.BadEntry):
            files.unframe(whole[:size], KEY)
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(files.BadEntry):
            files.unframe(bytes(changed), KEY)
    path.write_bytes(whole + b"\0")
    with pytest.raises(files.BadEntry, match="45 bytes where 44 were written"):
        files.read(folder, KEY)
    path.write_bytes(whole)
    path.rename(files.path_of(folder, bytes(32)))
    with pytest.raises(files.BadEntry, match="another key"):
        files.read(folder, bytes(32))


def test_only_plain_files_of_some_size_are_read(tmp_path, monkeypatch):
    folder = str(tmp_path / "cache")
    files.write(folder, KEY, b"content")
    path = Path(files.path_of(folder, KEY))
    monkeypatch.setattr(files, "MAX_ENTRY", 64)
    with pytest.raises(files.BadEntry, match="more than an entry may have"):
        files.read(folder, KEY)
    with pytest.raises(OSError, match="too large"):
        files.write(folder, KEY, bytes(64))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        files.read(folder, KEY)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(files.BadEntry, match="no plain file"):
        files.read(folder, KEY)


@pytest.mark.parametrize("damage", ["cut", "flip", "version", "garbage", "form"])
def test_a_bad_entry_is_said_set_aside_and_made_anew(folder, damage):
    expected = small()[0]
    path = only_entry(folder)
    whole = path.read_bytes()
    if damage == "form":  # whole, and yet no entry of a graph
        files.write(str(folder), bytes.fromhex(path.stem), b"t\x05\0\0\0TTTTT")
    else:
        changed = {
            "cut": whole[:-9], "flip": whole[:99] + bytes([whole[99] ^ 4]) + whole[100:],
            "version": whole[:7] + b"\x63" + whole[8:], "garbage": os.urandom(200),
        }  # fmt: skip
        path.write_bytes(changed[damage])
    with pytest.warns(CacheWarning, match="is bad and is made anew") as caught:
        again, function = small()
    assert again == expected and origin(function) == STORED and len(caught) == 1
    assert len(list(folder.glob("*.bad"))) == 1 and only_entry(folder).read_bytes()[:8] == files.MAGIC
    assert origin(small()[1]) == HIT


def test_damaged_forms_raise_bad_form_or_read_as_something_else():
    n = dims.symbol("n", 1, 7)
    value = (
        None, True, False, -5, 2.5, "text", b"bytes", [1, (2,)], {"a": 1}, n * n + dims.floordiv(n, 2), float32,
        TensorType(float32, (n, 3)), Const(np.arange(3)),
    )  # fmt: skip
    whole = dump(value)
    again = load(whole)
    assert again == value and [type(x) for x in again] == [type(x) for x in value]
    assert dims.bounds(again[9]) == dims.bounds(value[9])
    draw = random.Random(11)
    for _ in range(3000):
        changed = bytearray(whole)
        for _ in range(draw.choice((1, 1, 5))):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        with contextlib.suppress(BadForm):
            load(bytes(changed))
    for size in range(len(whole)):
        with pytest.raises(BadForm):
            load(whole[:size])
    for wrong in (whole + b"N", b"t\x01\0\0\0" * 100 + b"N", b"?", b"l\xff\xff\xff\x7f", b"i123"):
        with pytest.raises(BadForm):
            load(wrong)
    with pytest.raises(TypeError, match="object has no binary form"):
        dump(object())


def test_a_folder_that_others_can_enter_is_not_used(folder):
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.warns(CacheWarning, match="is open to others.*chmod 700"):
        _, function = small()
    assert origin(function).startswith("compiled, not from") and not list(folder.iterdir())
    folder.chmod(0o700)
    small()
    assert origin(small()[1]) == HIT


def test_a_folder_of_another_user_is_not_used(folder, monkeypatch):
    small()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.warns(CacheWarning, match=f"belongs to user {owner}, not to you"):
        assert origin(small()[1]).startswith("compiled, not from")
    with pytest.raises(files.BadEntry, match=f"belongs to user {owner}"):
        files.read_file(str(only_entry(folder)))


def test_a_folder_that_cannot_be_written_is_read(folder, monkeypatch):
    expected = small()[0]
    if os.geteuid() != 0:
        folder.chmod(0o500)
    else:  # the superuser may write everywhere

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(os, "utime", refuse)
        monkeypatch.setattr(files, "write", refuse)
    found, function = small()
    assert found == expected and origin(function) == HIT
    with pytest.warns(CacheWarning, match="cannot be written"):
        training()
    folder.chmod(0o700)


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch):
    expected = small()[0]
    before = sorted(folder.iterdir())
    real = os.write

    def full(number: int, data: memoryview) -> int:
        if number > 2 and len(data) > 100:
            return real(number, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.warns(CacheWarning, match="cannot be written.*No space left"):
        training()
    monkeypatch.setattr(os, "write", real)
    assert sorted(folder.iterdir()) == before and small()[0] == expected


@pytest.mark.slow
def test_a_small_file_system(tmp_path):
    mounted = tmp_path / "small"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8k,mode=700", "none", str(mounted)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        found = reported(training, mounted)
        assert found[0] == reported(training, tmp_path / "other")[0]
        assert not list(mounted.glob("*.tmp"))
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


KILLED = """
import os, signal, sys
from codegen.cache import files
step, calls = int(sys.argv[2]), [0]
def dying(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        calls[0] += 1
        if calls[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "write":
            return real(args[0], args[1][: max(len(args[1]) // 2, 1)])
        return real(*args, **kwargs)
    setattr(os, name, call)
for name in ("makedirs", "open", "write", "fsync", "close", "replace"):
    dying(name)
files.write(sys.argv[1], bytes(32), b"content" * 8)
print(calls[0])
"""


@pytest.mark.slow
def test_killed_at_every_step(tmp_path):
    folder, step = tmp_path / "cache", 0
    while True:
        step += 1
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder), str(step)], env=environment(folder), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        found = files.read(str(folder), bytes(32)) if folder.exists() else None
        assert found in (None, b"content" * 8)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not found
    assert step > 8 and found
    left = list(folder.glob("*.tmp"))
    assert left
    for path in left:
        os.utime(path, (0, 0))
    assert files.evict(str(folder), 1 << 20) == len(left)
    assert [path.name for path in folder.iterdir()] == [only_entry(folder).name]


@pytest.mark.slow
def test_eight_processes_at_once(tmp_path):
    folder = tmp_path / "cache"
    code = "import cache_cases; cache_cases.report(cache_cases.training)"
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error::codegen.cache.settings.CacheWarning", "-c", code], env=environment(folder),
            stdout=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    told = [process.communicate(timeout=120)[0].splitlines() for process in started]
    assert {process.returncode for process in started} == {0} and len({lines[0] for lines in told}) == 1
    assert {lines[1] for lines in told} <= {STORED, HIT}
    assert all(files.read(str(folder), bytes.fromhex(path.stem)) for path in folder.iterdir())


def test_the_least_recently_used_entries_go_first(tmp_path):
    folder = str(tmp_path / "cache")
    keys = [bytes([i] * 32) for i in range(6)]
    for i, key in enumerate(keys):
        files.write(folder, key, bytes(1000))
        os.utime(files.path_of(folder, key), (i + 1, i + 1))
    files.touch(folder, keys[0])
    files.set_aside(folder, keys[5])
    (tmp_path / "cache" / "notes.txt").write_text("not the cache's")
    assert files.evict(folder, 1 << 20) == 0
    assert files.evict(folder, 3300) == 3  # the bad one, then 1 and 2
    assert [files.read(folder, key) is not None for key in keys] == [True, False, False, True, True, False]
    assert files.evict(folder, 0) == 3 and [p.name for p in Path(folder).iterdir()] == ["notes.txt"]


def test_the_size_is_bounded_while_entries_are_written(folder, monkeypatch):
    monkeypatch.setenv("LAYERJIT_CACHE_BYTES", "10000")
    monkeypatch.setitem(access._written, "bytes", -1)
    cache = access.opened()
    assert cache is not None
    for i in range(100):
        cache.put(bytes([i] * 32), bytes(900))
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 10000 + 1000
    assert cache.get(bytes([99] * 32)) == bytes(900) and cache.get(bytes(32)) is None
    monkeypatch.setenv("LAYERJIT_CACHE_BYTES", "much")
    with pytest.warns(CacheWarning, match="LAYERJIT_CACHE_BYTES='much'"):
        assert settings.limit() == settings.DEFAULT_BYTES


def test_where_the_folder_is(monkeypatch):
    monkeypatch.delenv("LAYERJIT_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert settings.folder() == "/somewhere/layerjit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert settings.folder() == "/home/somebody/.cache/layerjit"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert settings.folder() == "/home/somebody/Library/Caches/layerjit"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert settings.folder() == "/local/layerjit"
