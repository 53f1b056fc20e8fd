"""Symbolic dimensions as LLVM arithmetic, against their evaluation in Python."""

import ctypes

import numpy as np
from entry_parts import M, N

from codegen import engine
from codegen.emit.text import ModuleText
from codegen.runtime.dimcode import emit_condition, emit_dim
from graphcore import dims

LOOSE = dims.symbol("k", low=-1000)
EXPRESSIONS = [
    0,
    7,
    N,
    3 * N * N * M - 2 * N + 5,
    dims.floordiv(N + 2, M),
    dims.mod(N * 7, M + 1),
    dims.floordiv(LOOSE, 3),
    dims.mod(LOOSE, 3),
    dims.floordiv(LOOSE - N, M) * N + dims.mod(LOOSE - N, M),
    dims.minimum(N, M) - dims.maximum(2 * N, LOOSE),
    dims.ceildiv(N, 4) * dims.ceildiv(N, 4),
]


def test_dims_as_instructions():
    module = ModuleText()
    fn = module.function("dims", ["ptr %in", "ptr %out"])
    symbols = {}
    for i, name in enumerate("nmk"):
        symbols[name] = fn.emit(f"load i64, ptr {fn.emit(f'getelementptr i64, ptr %in, i64 {i}')}")
    memo = {}
    conditions = [("eq", N, M), ("lt", LOOSE, N), ("le", N, M), ("le", 3, 4), ("eq", 3, 4)]
    values = [emit_dim(fn, e, symbols) for e in EXPRESSIONS] + [
        emit_dim(fn, e, symbols, memo) for e in EXPRESSIONS
    ]
    tests = [emit_condition(fn, c, symbols, memo) for c in conditions]
    values += [fn.emit(f"zext i1 {test} to i64") for test in tests]
    for i, value in enumerate(values):
        fn.line(f"store i64 {value}, ptr {fn.emit(f'getelementptr i64, ptr %out, i64 {i}')}")
    fn.ret()
    library = engine.load_object(engine.compile_object(module.render()).data, ["dims"])
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(library.address("dims"))
    for n, m, k in ((1, 1, 0), (5, 3, -7), (100, 7, -1000), (2, 9, 1000), (3, 3, 3)):
        given, got = np.array([n, m, k]), np.zeros(len(values), np.int64)
        call(given.ctypes.data, got.ctypes.data)
        wanted = [dims.evaluate(e, {"n": n, "m": m, "k": k}) for e in EXPRESSIONS]
        assert got.tolist() == [*wanted, *wanted, n == m, k < n, n <= m, True, False]
