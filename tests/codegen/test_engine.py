"""LLVM text to objects to addresses: errors, symbols, targets, threads."""

import ctypes
import subprocess
import sys
import threading

import pytest

from codegen import engine, target
from graphcore.errors import InvalidArgumentError, UnsupportedError

ADD = """
define i64 @add(i64 %a, i64 %b) {
  %c = add i64 %a, %b
  ret i64 %c
}
"""
CALLS = """
declare i64 @layerjit_nowhere(i64)
declare double @cos(double)
define i64 @outer(i64 %a) {
  %d = sitofp i64 %a to double
  %e = call double @cos(double %d)
  %f = fptosi double %e to i64
  %c = call i64 @layerjit_nowhere(i64 %f)
  ret i64 %c
}
"""
BINARY = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def test_compiles_loads_and_measures():
    code = engine.compile_object(ADD)
    library = engine.load_object(code.data, ["add"])
    assert BINARY(library.address("add"))(40, 2) == 42
    assert code.seconds == code.parse_seconds + code.codegen_seconds > 0 and library.load_seconds > 0
    assert "add" in library and "sub" not in library
    with pytest.raises(KeyError, match="sub is not among"):
        library.address("sub")


def test_one_object_loads_twice():
    data = engine.compile_object(ADD).data
    first, second = (engine.load_object(data, ["add"]).keep() for _ in range(2))
    assert first.name != second.name and first.address("add") != second.address("add")
    assert first.keep() is first


@pytest.mark.parametrize("text", ["define i64 @f( {", "define i64 @f() {\n  ret i32 0\n}"])
def test_text_that_does_not_parse_shows_the_place(text):
    with pytest.raises(engine.CodegenError, match="not valid") as caught:
        engine.compile_object(text)
    assert "1 define i64 @f(" in str(caught.value)


def test_text_that_does_not_verify():
    text = "define void @f() {\nentry:\n  br label %entry\n}"
    with pytest.raises(engine.CodegenError, match="not valid"):
        engine.compile_object(text)


def test_undefined_symbols_are_listed():
    data = engine.compile_object(CALLS).data
    assert engine.undefined_symbols(data) == {"layerjit_nowhere", "cos"}
    assert engine.undefined_symbols(engine.compile_object(ADD).data) == frozenset()
    assert engine.undefined_symbols(b"\xcf\xfa\xed\xfe" + bytes(60)) is None
    with pytest.raises(UnsupportedError, match="64-bit little-endian"):
        engine.undefined_symbols(data[:18] + b"\x08\x00" + data[20:])


def test_an_unresolved_symbol_is_named():
    data = engine.compile_object(CALLS).data
    with pytest.raises(engine.CodegenError, match="layerjit_nowhere"):
        engine.load_object(data, ["outer"])
    with pytest.raises(engine.CodegenError, match="other"):
        engine.load_object(engine.compile_object(ADD).data, ["other"])


def test_assembly():
    assert "add:" in engine.assembly(ADD)


def test_foreign_target():
    arm = target.Target("portable", "aarch64-unknown-linux-gnu")
    assert arm.has_fma and arm.vector_bits == 128
    assert "add\tx0, x0, x1" in engine.assembly(ADD, arm)
    assert engine.undefined_symbols(engine.compile_object(CALLS, arm).data) == {"layerjit_nowhere", "cos"}
    with pytest.raises(InvalidArgumentError, match="no code generator"):
        engine.compile_object(ADD, target.Target("portable", "pdp11-dec-unix"))


def test_host_target_is_the_best(monkeypatch):
    monkeypatch.delenv("LAYERJIT_ISA", raising=False)
    host = target.host_target()
    assert host.isa == target.host_isa() and host == target.host_target(host.isa)
    if host.isa == "avx512":
        assert host.vector_bits == 512 and host.has_fma and "-prefer-256-bit" in host.features
    assert len({host, target.host_target("portable")}) == 2
    assert host.isa in repr(host)


@pytest.mark.parametrize("isa", target.ISA_NAMES)
def test_lower_instruction_sets(monkeypatch, isa):
    monkeypatch.setenv("LAYERJIT_ISA", isa)
    if isa != "portable" and target.ISA_NAMES.index(isa) < target.ISA_NAMES.index(target.host_isa()):
        with pytest.raises(InvalidArgumentError, match="this CPU has only"):
            target.host_target()
        return
    if isa != "portable" and target.host_isa() == "portable":
        pytest.skip("no x86-64 machine")
    text = """
define void @f(ptr %p) {
  %x = load <16 x float>, ptr %p, align 4
  %y = fadd <16 x float> %x, %x
  store <16 x float> %y, ptr %p, align 4
  ret void
}
"""
    found = target.host_target()
    assert found.isa == isa
    assembly = engine.assembly(text, found)
    assert ("zmm" in assembly) == (isa == "avx512")
    if isa != "avx512":
        assert ("ymm" in assembly) == (isa == "avx2")
    library = engine.load_object(engine.compile_object(text, found).data, ["f"])
    numbers = (ctypes.c_float * 16)(*range(16))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("f"))(ctypes.addressof(numbers))
    assert list(numbers) == [2 * i for i in range(16)]


def test_an_instruction_set_above_the_hosts(monkeypatch):
    monkeypatch.setattr(target, "host_isa", lambda: "sse2")
    target._host_target.cache_clear()
    try:
        with pytest.raises(InvalidArgumentError, match=r"'avx2' was asked for.*only 'sse2'"):
            target.host_target("avx2")
        with pytest.raises(InvalidArgumentError, match="unknown instruction set"):
            target.host_target("mmx")
    finally:
        target._host_target.cache_clear()


def test_threads_compile_and_load_at_once():
    results = []

    def work(number):
        text = ADD.replace("@add", f"@add{number}")
        library = engine.load_object(engine.compile_object(text).data, [f"add{number}"])
        results.append(BINARY(library.address(f"add{number}"))(number, 1) == number + 1)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def test_importing_the_engine_does_not_import_llvm(root):
    script = (
        "import codegen.engine, codegen.target, codegen.runtime.entry, codegen.runtime.call, sys;"
        "assert 'llvmlite' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)
