"""The layerjit command: each command on a real dump, and one line with exit code 2 for every error."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from eager import cli, cli_dump
from eager.cli import main
from graphcore import GraphBuilder, TensorType
from graphcore.dtypes import float32
from graphcore.inspect import Dump, collect, read_dump, write_dump
from graphcore.inspect.optable import table_markdown
from graphcore.optable import OPS
from graphcore.passes import PassRecord, run

USER_MODULE = """
import numpy as np
import eager as tf

@tf.function
def called(x, y):
    return tf.exp(x) * y + 1.0

@tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
def signed(x):
    return tf.reduce_sum(x * 2.0, axis=1)

def plain(x):
    return tf.tanh(x) * 0.5

def with_args(x, factor):
    return x * factor

def with_args_args():
    return np.ones((2, 2), np.float32), np.float32(3)

def broken(x):
    return tf.reshape(x, (7, 7))

class Scale:
    input_shape = (None, 4)

    def __call__(self, x):
        return x * 2.0

scale = Scale()

class Holder:
    pass

holder = Holder()
holder.inner = tf.function(plain)
number = 3
"""
CALL = "called(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))\n"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    path = tmp_path / "user_code.py"
    path.write_text(USER_MODULE, encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    b = GraphBuilder("step")
    x = b.input(TensorType(float32, (4,)), "x")
    records: list[PassRecord] = []
    run(b.finish(b.emit("neg", b.emit("identity", [x]))), record=records)
    made = SimpleNamespace(name="loop_0", node_ids=[1], category="loop", loops="for i\n", llvm="define\n")
    path = tmp_path / "step.gcdump"
    write_dump(path, collect("step", records, [made]))
    return path


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that a failing command writes to stderr."""
    assert main([str(w) for w in words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("layerjit: ") and err.count("\n") == 1, (out, err)
    return err


def works(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(w) for w in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_views(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert works(capsys, "show", file).startswith("step\nlayerjit ")
    assert "canonicalize" in works(capsys, "passes", file)
    assert works(capsys, "passes", file, "--graph", "traced").startswith('graph "step" {\n  input %0 "x"')
    assert (
        works(capsys, "kernel", "loop_0", file)
        == works(capsys, "kernel", "loop_0", file, "--loops")
        == "for i\n"
    )
    assert works(capsys, "kernel", "loop_0", file, "--llvm") == "define\n"
    assert works(capsys, "dot", file).startswith('digraph "step" {')


def test_dot_writes_a_file(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "g.dot"
    assert str(target) in works(capsys, "dot", file, "-o", target, "--stage", "traced")
    assert "identity" in target.read_text(encoding="utf-8")


def test_op_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {r["name"] for r in rows} == set(OPS)
    by_name = {r["name"]: r for r in rows}
    assert by_name["add"] == {"name": "add", "kind": "elementwise", "runs": "native", "gradient": "yes", "max_ulp": 0}
    assert by_name["cholesky"]["runs"] == "host"
    assert by_name["floor"]["gradient"] == "none"
    assert main(["ops", "--count"]) == 0
    assert capsys.readouterr().out.startswith(f"{len(OPS)} ops: ")
    assert main(["ops"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(OPS) + 1


def test_the_page_of_the_op_table_is_the_table() -> None:
    page = Path(__file__).parents[2] / "graphcore" / "ops" / "README.md"
    assert page.read_text(encoding="utf-8") == table_markdown(), "write it again: layerjit ops --markdown"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert works(capsys, "--version").startswith("layerjit 0.")
    assert "COMMAND" in works(capsys, "--help")


@pytest.mark.parametrize("view", [["show"], ["passes"], ["dot"], ["kernel", "loop_0"]])
def test_bad_dumps(view: list[str], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such file" in fails(capsys, *view, tmp_path / "none.gcdump")
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    assert "truncated" in fails(capsys, *view, file)
    file.write_bytes(b"no dump")
    assert "is not a dump" in fails(capsys, *view, file)


def test_wrong_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean loop_0" in fails(capsys, "kernel", "lop_0", file, "--llvm")
    assert "did you mean fuse" in fails(capsys, "passes", file, "--graph", "fus")
    assert "did you mean cse" in fails(capsys, "dot", file, "--stage", "cs")
    assert "invalid choice: 'shw'" in fails(capsys, "shw", file)
    assert "required" in fails(capsys)
    assert "not allowed with" in fails(capsys, "kernel", "loop_0", file, "--llvm", "--loops")
    assert "Not a directory" in fails(capsys, "dot", file, "-o", file / "x")


def test_control_characters_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.gcdump"
    write_dump(path, Dump("a\x1b]0;title\x07b\ud800"))
    assert "\x1b" not in works(capsys, "show", path)
    assert "\x1b" not in fails(capsys, "show", "\x1b[2Jx")


def test_demo_gets_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    demo = ModuleType("eager.demo")
    demo.main = lambda words: seen.append(words)
    monkeypatch.setitem(sys.modules, "eager.demo", demo)
    assert main(["demo", "--quick"]) == 0 and seen == [["--quick"]]


def test_output_may_be_closed_early(file: Path) -> None:
    words = ["passes", str(file), "--graph", "traced"]
    code = f"import sys; from eager.cli import main; sys.exit(main({words!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait() == 0 and process.stderr.read() == b""
    process.stderr.close()


# dump


@pytest.mark.parametrize(
    ("name", "words", "ops"),
    [
        ("called", [], {"exp", "mul", "add"}),
        ("signed", [], {"mul", "reduce_sum"}),
        ("plain", ["--spec", "float32[?,8]"], {"tanh", "mul"}),
        ("holder.inner", ["--spec", "float32[]"], {"tanh", "mul"}),
        ("with_args", [], {"mul"}),
        ("scale", [], {"mul"}),
    ],
)
def test_dump_of_a_file(
    name: str, words: list[str], ops: set[str], user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    user.write_text(USER_MODULE + (CALL if name == "called" else ""), encoding="utf-8")
    path = tmp_path / "out.gcdump"
    assert f"wrote {path}" in works(capsys, "dump", f"{user}:{name}", "-o", path, *words)
    dump = read_dump(path)
    assert {node.op for node in dump.stages[0].graph.nodes} >= ops
    assert dump.kernels and all(k.llvm and k.loops for k in dump.kernels)
    assert "what ran where" in works(capsys, "show", path)
    if name in ("plain", "scale", "signed"):
        assert re.fullmatch(r"float32\[[a-z]\w*, [48]\]", dump.stages[0].graph.inputs[0].type)


def test_dump_of_a_module(
    user: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(user.parent)
    monkeypatch.delitem(sys.modules, "user_code", raising=False)
    works(capsys, "dump", "user_code:signed")
    assert read_dump("signed.gcdump").stages


@pytest.mark.parametrize(
    ("target", "words", "message"),
    [
        ("plain", [], "give --spec float32[8,64] per argument, or define plain_args or example_args()"),
        ("plane", [], "has no 'plane'; did you mean plain"),
        ("Holder", [], "is no function or layer"),
        ("number", [], "is no function or layer but 3"),
        ("broken", ["--spec", "float32[2,2]"], "reshape"),
        ("plain", ["--spec", "float32"], "is no type; write it as"),
        ("plain", ["--spec", "float33[2]"], "Cannot convert 'float33'"),
        ("plain", ["--spec", "float32[2,-1]"], "is no type"),
    ],
)
def test_dump_errors(
    target: str,
    words: list[str],
    message: str,
    user: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "out.gcdump"
    assert message in fails(capsys, "dump", f"{user}:{target}", "-o", path, *words)
    assert not path.exists()


def test_dump_of_what_cannot_be_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "names no function" in fails(capsys, "dump", "module")
    assert "no such file" in fails(capsys, "dump", f"{tmp_path}/none.py:f")
    assert "ModuleNotFoundError" in fails(capsys, "dump", "no_such_module_here:f")
    bad = tmp_path / "bad_module.py"
    bad.write_text("x = 1\nraise ValueError('two\\nlines')\n", encoding="utf-8")
    assert f"{bad}:2: ValueError: two lines" in fails(capsys, "dump", f"{bad}:f")
    bad.write_text("import sys\nsys.exit(0)\n", encoding="utf-8")
    assert "ended the program (0)" in fails(capsys, "dump", f"{bad}:f")


def test_specs_name_types() -> None:
    spec = cli_dump.parse_spec(" int32 [ 8, ? ] ")
    assert spec.dtype == "int32" and list(spec.shape) == [8, None]
    assert list(cli_dump.parse_spec("bool[]").shape) == []
    assert cli.clean("a\tb\nc\x07") == "a\tb\nc\N{REPLACEMENT CHARACTER}"
