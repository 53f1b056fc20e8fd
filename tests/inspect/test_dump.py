"""Dump files: what they hold, that they round trip, and that bad ones are refused; the views over them."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from graphcore import GraphBuilder, Location, TensorType, dims
from graphcore.dtypes import float32
from graphcore.errors import DumpError, InvalidArgumentError
from graphcore.functions import graph_functions
from graphcore.graph import Graph
from graphcore.inspect import (
    Dump,
    collect,
    kernel_text,
    passes,
    read_dump,
    show,
    stage_text,
    summary,
    to_dot,
    write_dump,
)  # fmt: skip
from graphcore.inspect import dump as dump_file
from graphcore.passes import run
from graphcore.text import parse

WEIGHTS = np.linspace(0, 1, 400, dtype=np.float32).reshape(4, 100)


def softmax_model() -> Graph:
    b = GraphBuilder("model")
    b_here = Location("model.py", 12, "call", ("model", "dense"))
    f = graph_functions(b)
    n = dims.symbol("n")
    x = b.input(TensorType(float32, (n, 4)), "x")
    v = b.input(TensorType(float32, (100,)), "bias", "variable")
    y = f.dot_general(f.identity(x), b.constant(WEIGHTS), contracting=((1,), (0,)), batch=((), ()))
    y = f.add(y, v)
    y.node.locations = frozenset((b_here,))
    e = f.exp(f.sub(y, f.reduce_max(y, axes=(1,), keepdims=True)))
    p = f.div(e, f.reduce_sum(e, axes=(1,), keepdims=True))
    return b.finish([p, f.mul(v, f.constant(0.5, like=v))], [(1, 1)], ["p", "bias"])


def kernel(name: str, nodes: list[int], category: str) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, node_ids=nodes, category=category, loops=f"kernel {name}\n", llvm=f"define i32 @{name}()\n"
    )


def make(with_constants: bool = False) -> Dump:
    records: list[Any] = []
    run(softmax_model(), record=records)
    return collect(
        "step",
        records,
        [kernel("dense_0", [5], "contract"), kernel("softmax_1", [6, 7], "row")],
        ledger=[{"kind": "trace", "where": Location("a.py", 3), "shape": (1, None)}],
        host_calls=["numpy_function", "numpy_function"],
        placement=[("layer tree", "eager", "dynamic=True")],
        isa="avx2",
        environment={"cpus": "2"},
        with_constants=with_constants,
    )


@pytest.fixture(scope="module")
def dump() -> Dump:
    return make()


@pytest.fixture
def file(tmp_path: Path, dump: Dump) -> Path:
    path = tmp_path / "step.gcdump"
    write_dump(path, dump)
    return path


def test_round_trip(dump: Dump, file: Path) -> None:
    assert read_dump(file) == dump
    assert [p.name for p in file.parent.iterdir()] == ["step.gcdump"]


def test_same_dump_gives_same_bytes(dump: Dump, file: Path) -> None:
    other = file.with_name("other.gcdump")
    write_dump(other, dump)
    assert other.read_bytes() == file.read_bytes()


def test_stages_hold_text_and_structure(dump: Dump) -> None:
    assert [s.name for s in dump.stages] == ["traced", "canonicalize", "fold", "cse", "dce", "fuse", "memory"]
    first = dump.stages[0]
    assert [(p.name, p.role, p.type) for p in first.graph.inputs] == [
        ("x", "argument", "float32[n, 4]"), ("bias", "variable", "float32[100]"),
    ]  # fmt: skip
    assert [(p.name, p.role) for p in first.graph.outputs] == [("p", "output"), ("bias", "update of bias")]
    add = next(n for n in first.graph.nodes if n.op == "add")
    assert add.types == ["float32[n, 100]"] and add.locations == ["model.py:12 in call (model/dense)"]
    assert dump.stages[1].notes == ["forward: 1"]
    assert all(n.bodies for n in dump.stages[-1].graph.nodes if n.op == "fusion")


def test_no_weights_unless_asked(dump: Dump, tmp_path: Path) -> None:
    assert 'float32[4, 100] sha256 "' in dump.stages[0].text and "base64" not in str(dump)
    path = tmp_path / "full.gcdump"
    write_dump(path, make(with_constants=True))
    graph = parse(read_dump(path).stages[0].text)
    (weights,) = [n for n in graph.nodes if n.op.name == "constant" and n.result.type.shape == (4, 100)]
    np.testing.assert_array_equal(weights.attrs["value"].array, WEIGHTS)


def test_groups_say_category_members_lines_and_reason(dump: Dump) -> None:
    assert dump.groups
    assert any("dot_general" in g.members for g in dump.groups)
    assert any(g.locations == ["model.py:12 in call (model/dense)"] for g in dump.groups)
    assert all(g.category and g.reason for g in dump.groups)


def test_environment_ledger_and_memory(dump: Dump) -> None:
    assert dump.environment.items() >= {"isa": "avx2", "cpus": "2", "numpy": np.__version__}.items()
    assert dump.ledger == [{"kind": "trace", "where": ["a.py", 3, "", []], "shape": [1, None]}]
    assert dump.memory is not None and dump.memory.total == dump.memory.slots[0] and "n" in dump.memory.total
    assert dump.memory.donations == 1 and "output 1 is written over input 1" in dump.memory.text
    assert [k.calls for k in dump.kernels] == [1, 2]


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dump_file.os, "fsync", broken)
    with pytest.raises(DumpError, match=r"cannot write .*step.gcdump: No space left"):
        write_dump(file, Dump("other"))
    assert file.read_bytes() == before and len(list(file.parent.iterdir())) == 1


def test_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="cannot write"):
        write_dump(tmp_path / "none" / "x.gcdump", Dump("x"))


# bad files


def packed(*lines: Any) -> bytes:
    return gzip.compress(
        "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()
    )


HEADER = {"format": "gcdump", "version": 1, "name": "f", "environment": {}}
END = {"record": "end", "count": 0}
KERNEL = {"name": "k", "nodes": [1], "category": "loop", "loops": "", "llvm": "", "calls": 1}
BAD: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty", lambda good: b"", "is empty"),
    ("text", lambda good: b"hello\n", "is not a dump: it is no gzip file"),
    ("zip of something else", lambda good: gzip.compress(b"hello\n"), "is not a dump: its first line"),
    ("json of something else", lambda good: packed({"version": 1}), "is not a dump: its first line"),
    ("nothing inside", lambda good: gzip.compress(b""), "is not a dump: its first line"),
    ("half", lambda good: good[: len(good) // 2], "is truncated"),
    ("all but a byte", lambda good: good[:-1], "is truncated"),
    ("header only", lambda good: good[:5], "is truncated"),
    ("lines lost", lambda good: packed(HEADER), "is truncated"),
    ("line cut", lambda good: gzip.compress(json.dumps(HEADER).encode() + b"\n{"), "is truncated"),
    ("version", lambda good: packed({**HEADER, "version": 2}, END), "has dump version 2, .* reads version 1"),
    ("flipped bit", lambda good: good[:60] + bytes([good[60] ^ 16]) + good[61:], "is damaged|is not a dump"),
    ("trailing rubbish", lambda good: good + b"rubbish", "is damaged"),
    ("no name", lambda good: packed({**HEADER, "name": 3}, END), "is damaged: the header"),
    ("list", lambda good: packed(HEADER, [], END), "is damaged: a line is no object"),
    ("no json", lambda good: packed(HEADER, "{nope", END), "is damaged"),
    ("unknown record", lambda good: packed(HEADER, {"record": "x", "data": 1}, END), "unknown record 'x'"),
    ("wrong count", lambda good: packed(HEADER, {"record": "end", "count": 4}), "the closing line"),
    ("after the end", lambda good: packed(HEADER, END, END), "the closing line"),
    ("deep", lambda good: packed(HEADER, "[" * 200_000, END), "is damaged"),
    ("field missing", lambda good: packed(HEADER, {"record": "kernel", "data": {}}), "other fields"),
    ("field type", lambda good: packed(
        HEADER, {"record": "kernel", "data": {**KERNEL, "nodes": "1"}}), "nodes is str, expected a list"),
    ("item type", lambda good: packed(
        HEADER, {"record": "kernel", "data": {**KERNEL, "nodes": [True]}}), "nodes is bool, expected int"),
    ("ledger type", lambda good: packed(HEADER, {"record": "ledger", "data": 3}), "ledger is int"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_files_get_one_line(file: Path, change: Callable[[bytes], bytes], message: str) -> None:
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(DumpError, match=message) as caught:
        read_dump(file)
    assert "\n" not in str(caught.value) and "step.gcdump" in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="no such file"):
        read_dump(tmp_path / "none")
    with pytest.raises(DumpError, match=r"cannot read .*: Is a directory"):
        read_dump(tmp_path)


def test_deep_bodies_are_refused(file: Path) -> None:
    graph: dict[str, Any] = {"name": "g", "inputs": [], "outputs": [], "nodes": []}
    for _ in range(80):
        node = {
            "id": 0,
            "op": "o",
            "operands": [],
            "attrs": "",
            "types": [],
            "locations": [],
            "bodies": [graph],
        }
        graph = {"name": "g", "inputs": [], "outputs": [], "nodes": [node]}
    stage = {"name": "s", "seconds": 0, "notes": [], "text": "", "graph": graph}
    file.write_bytes(packed(HEADER, {"record": "stage", "data": stage}, END))
    with pytest.raises(DumpError, match="nested deeper"):
        read_dump(file)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_COMPRESSED", "bytes; a dump has at most"),
        ("MAX_BYTES", "unpacks to more"),
        ("MAX_LINES", "lines"),
    ],
)
def test_large_files_are_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, limit: str, message: str
) -> None:
    monkeypatch.setattr(dump_file, limit, 5)
    with pytest.raises(DumpError, match=message):
        read_dump(file)


def test_a_bomb_is_stopped(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_file, "MAX_BYTES", 2**20)
    file.write_bytes(packed(HEADER, '"' + " " * 2**24 + '"'))
    with pytest.raises(DumpError, match="unpacks to more"):
        read_dump(file)


# views


def test_show_tells_everything(dump: Dump) -> None:
    text = show(dump)
    for part in (
        "step\n", "isa avx2", "inputs (2)", "x     float32[n, 4]  argument", "update of bias", "canonicalize",
        "fusion groups (", "model.py:12 in call (model/dense)", "kernels (2)", "softmax_1", "%6, %7",
        "host calls (2)\n  numpy_function ×2",
        "memory: 1 arena slots, ", "  output 1 is written over input 1\n",
        "what ran where",
        "layer tree", "ledger (1)\n  kind: trace",
    ):  # fmt: skip
        assert part in text, part


def test_summary_counts_what_ran_where(dump: Dump) -> None:
    text = summary(dump)
    assert "what ran where: 2 native, 2 host, 1 eager" in text
    assert "  eager: layer tree (dynamic=True)" in text and "inputs" not in text


def test_passes_is_a_table(dump: Dump) -> None:
    lines = passes(dump).splitlines()
    assert lines[0].split() == ["pass", "nodes", "in", "kernels", "constants", "ms", "notes"]
    assert lines[1].split()[:2] == ["traced", "9"] and lines[2].endswith("forward: 1")
    assert len(lines) == 8


def test_views_of_an_empty_dump() -> None:
    assert show(Dump("f")) == summary(Dump("f")) == "f" and passes(Dump("f")) == ""
    with pytest.raises(InvalidArgumentError, match="holds no graph"):
        to_dot(Dump("f"))
    with pytest.raises(InvalidArgumentError, match="the dump holds none"):
        kernel_text(Dump("f"), "k")


def test_kernel_and_stage_by_name(dump: Dump) -> None:
    assert kernel_text(dump, "dense_0") == "kernel dense_0\n"
    assert kernel_text(dump, "dense_0", "llvm") == "define i32 @dense_0()\n"
    assert stage_text(dump, "cse") == dump.stages[3].text and stage_text(dump) == dump.stages[-1].text
    with pytest.raises(InvalidArgumentError, match="no kernel is named 'dense'; did you mean dense_0"):
        kernel_text(dump, "dense")
    with pytest.raises(InvalidArgumentError, match="no pass is named 'fus'; did you mean fuse"):
        stage_text(dump, "fus")


def test_dot_has_clusters_and_balanced_braces(dump: Dump) -> None:
    text = to_dot(dump)
    assert text.startswith('digraph "step" {') and text.count("{") == text.count("}")
    assert text.count("subgraph cluster_") == len(dump.groups)
    names = {line.split()[0] for line in text.splitlines() if "[label=" in line}
    for line in text.splitlines():
        if "->" in line:
            source, target = line.strip().rstrip(";").split(" -> ")
            assert source in names and target in names, line
    assert "cluster" not in to_dot(dump, "traced")
