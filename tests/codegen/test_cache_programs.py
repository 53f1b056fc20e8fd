"""The disk cache seen by whole programs: bit-equal results, without passes and without LLVM."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from cache_cases import HIT, STORED, host, mlp, origin, passes_run, reported, run, small, training

import eager as tf
from codegen.cache import machine
from codegen.cache.settings import CacheWarning


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A disk cache of this test."""
    path = tmp_path / "cache"
    monkeypatch.setenv("LAYERJIT_CACHE", "on")
    monkeypatch.setenv("LAYERJIT_CACHE_DIR", str(path))
    return path


def test_another_process_computes_the_same_without_passes_and_llvm(folder):
    found, function = training()
    assert origin(function) == STORED and passes_run(function) > 0
    assert reported(training, folder, PYTHONHASHSEED="17") == [str(found), HIT, "0", "[]"]


@pytest.mark.slow
def test_a_model_in_another_process(folder):
    found, how, _, loaded = reported(mlp, folder, PYTHONHASHSEED="3")
    assert how == STORED and "llvmlite" in loaded
    assert reported(mlp, folder, PYTHONHASHSEED="4") == [found, HIT, "0", "[]"]


@pytest.mark.parametrize("case", [mlp, training, small, host])
def test_a_hit_computes_the_same(folder, case):
    first, made = case()
    count = len(list(folder.iterdir()))
    second, read = case()
    assert first == second and origin(made) == STORED and origin(read) == HIT and passes_run(read) == 0
    assert count == len(list(folder.iterdir()))


def test_packed_copies_follow_assignments_after_a_hit(folder):
    assert mlp()[0] == mlp()[0]
    found, function = mlp()
    compiled = function.concrete_functions[0].function.compiled
    assert compiled.packed and len(set(found[:3])) == 3 and compiled.origin == HIT


def test_training_writes_in_place_after_a_hit(folder):
    assert training()[0][-2:] == training()[0][-2:] == [4, 1]


def test_sizes_stay_symbolic_after_a_hit(folder):
    assert mlp()[0][-1] == mlp()[0][-1] == 2  # the first batch, then any


def test_off_and_readonly(folder, monkeypatch):
    monkeypatch.setenv("LAYERJIT_CACHE", "off")
    expected, function = training()
    assert origin(function).startswith("compiled, not from") and not folder.exists()
    monkeypatch.setenv("LAYERJIT_CACHE", "readonly")
    assert training()[0] == expected and not folder.exists()
    monkeypatch.setenv("LAYERJIT_CACHE", "on")
    training()
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    monkeypatch.setenv("LAYERJIT_CACHE", "readonly")
    found, function = training()
    assert found == expected and origin(function) == HIT
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps
    monkeypatch.setenv("LAYERJIT_CACHE", "perhaps")
    with pytest.warns(CacheWarning, match="LAYERJIT_CACHE='perhaps' is none of on, readonly, off"):
        assert training()[0] == expected


def test_options_that_change_code_are_part_of_the_key(folder, monkeypatch):
    training()
    count = len(list(folder.iterdir()))
    monkeypatch.setenv("LAYERJIT_ISA", "portable")
    assert origin(training()[1]) == STORED and len(list(folder.iterdir())) > count
    assert origin(training()[1]) == HIT
    monkeypatch.delenv("LAYERJIT_ISA")
    assert origin(training()[1]) == HIT


@pytest.mark.parametrize("what", ["cpu", "llvm", "versions", "sources"])
def test_code_of_another_machine_or_version_is_not_taken(folder, monkeypatch, what):
    expected = small()[0]
    assert origin(small()[1]) == HIT
    monkeypatch.setattr(machine, what, lambda: "another")
    again, function = small()
    assert again == expected and origin(function) == STORED


def test_debug_topics_show_what_is_compiled(folder, monkeypatch, capsys):
    from codegen import debug

    small()
    monkeypatch.setenv("LAYERJIT_DEBUG", "llvm")
    debug._topics.cache_clear()
    try:
        small()
    finally:
        monkeypatch.delenv("LAYERJIT_DEBUG")
        debug._topics.cache_clear()
    assert "define" in capsys.readouterr().err


def test_explain_and_dump_after_a_hit(folder, tmp_path):
    from graphcore.inspect import read_dump

    told: list[list[str]] = []
    for number in range(2):
        function = mlp()[1]
        function.dump(tmp_path / "f.gcdump")
        dump = read_dump(tmp_path / "f.gcdump")
        told.append([*(s.text for s in dump.stages), *(k.llvm for k in dump.kernels), str(dump.memory)])
        assert ("disk cache: read from the disk cache" in function.explain()) is bool(number)
    assert told[0] == told[1] and len(told[0]) > 6


def test_messages_name_the_lines_of_today(folder, tmp_path):
    text = """@tf.function
def f(x, i):
    tf.debugging.assert_greater(x, 0.0, message="positive")
    return tf.gather(x, i)
"""
    told: list[list[str]] = []
    for lines in (0, 7):
        path = tmp_path / f"program_{lines}.py"
        path.write_text("import eager as tf\n" + "\n" * lines + text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.f(np.ones(3, np.float32), np.zeros(2, np.int32))
        assert origin(module.f) == (HIT if lines else STORED)
        messages: list[str] = []
        for x, i in ((-1.0, 0), (1.0, 7)):
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                module.f(np.full(3, x, np.float32), np.full(2, i, np.int32))
            messages.append(str(caught.value))
        told.append(messages)
    for before, after, line in zip(*told, (4, 5), strict=True):
        assert f"program_0.py:{line}" in before and f"program_7.py:{line + 7}" in after


def test_host_calls_use_this_programs_functions(folder):
    first, made = host(2.0)
    other, read = host(5.0)
    assert origin(made) == STORED and origin(read) == HIT and first != other
    assert host(2.0)[0] == first


def test_what_is_not_cached_is_said(folder):
    function = tf.function(lambda x: (tf.strings.length(x), tf.strings.join([x, x])))
    function(tf.constant(["a", "bc"]))
    assert "disk cache: compiled, and not for the disk cache: strings" in function.explain()


def test_a_cache_that_cannot_be_made_changes_nothing(tmp_path, monkeypatch):
    expected = small()[0]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAYERJIT_CACHE", "on")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("LAYERJIT_CACHE_DIR", str(folder))
        with pytest.warns(CacheWarning, match="the disk cache"):
            assert small()[0] == expected
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # said once
            assert small()[0] == expected


@pytest.mark.slow
def test_compilation_does_not_depend_on_the_order_of_hashes(tmp_path):
    code = """
import hashlib
from cache_cases import mlp, training, host
for case in (mlp, training, host):
    for concrete in case()[1].concrete_functions:
        compiled = concrete.function.compiled
        print(hashlib.sha256(compiled.object_bytes).hexdigest(), compiled.messages)
"""
    first, second = (run(code, tmp_path, LAYERJIT_CACHE="off", PYTHONHASHSEED=seed).stdout for seed in ("1", "2"))
    assert first == second
