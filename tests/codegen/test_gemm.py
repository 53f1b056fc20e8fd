"""Contractions: right within the bound, one ascending chain per output, nothing outside C touched."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gemm_harness import ISAS, Compiled, aligned, emit_dim

from codegen.emit.gemm import (
    GemmSpec,
    Operand,
    OutPoint,
    ReadPoint,
    emit_gemm,
    emit_pack_b,
    packed_elements,
    view_epilogue,
)
from codegen.emit.gemm_index import Index, ptr_at
from codegen.emit.text import FunctionText
from codegen.emit.values import LlvmHandler, Val
from codegen.engine import undefined_symbols
from codegen.schedule import GemmSchedule
from codegen.target import host_target
from graphcore.dims import Dim, evaluate, symbol
from graphcore.dtypes import DType, float16, float32, float64, int32, int64
from graphcore.errors import InvalidArgumentError, UnsupportedError

TAILS = (0, 1, 2, 3, 7, 13, 14, 15, 16, 17, 31, 32, 33, 64, 65)
FMA_ISAS = [isa for isa in ISAS if isa in ("avx512", "avx2")]
GUARD = 77


def values(rng: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    if dtype.kind == "i":
        return aligned(rng.integers(-1000, 1000, shape).astype(dtype.numpy))
    return aligned(rng.standard_normal(shape).astype(dtype.numpy))


def check(c: Any, a: Any, b: Any) -> None:
    """Compares with float64 within c * K * eps * sum |a||b|; integers exactly."""
    if c.dtype.kind == "i":
        np.testing.assert_array_equal(c, np.matmul(a, b))
        return
    exact = np.longdouble if c.dtype == np.float64 else np.float64
    a, b = a.astype(exact), b.astype(exact)
    bound = 2 * max(a.shape[-1], 1) * np.finfo(c.dtype).eps * (np.abs(a) @ np.abs(b))
    assert (np.abs(c - a @ b) <= bound).all()


def spec_for(
    kind: str, dtype: DType, m: Dim, n: Dim, k: Dim, packed: bool = False
) -> tuple[GemmSpec, Callable[[Any, Any], tuple[Any, Any]]]:
    """A contraction whose A and B are stored plainly ("n"), transposed ("t") or spread out ("s")."""
    strides_a = {"n": (k, 1), "t": (1, m), "s": (2 * k, 2)}[kind[0]]
    strides_b = {"n": (1, n), "t": (k, 1), "s": (2, 2 * n)}[kind[1]]
    a = Operand(0, outer=strides_a[0], k=strides_a[1])
    b = Operand(1, outer=strides_b[0], k=strides_b[1])

    def store(x: Any, how: str) -> Any:
        if how == "s":
            wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
            wide[..., ::2] = x
            return aligned(wide)
        return aligned(x.T if how == "t" else x)

    return GemmSpec(dtype, m, n, k, a, b, b_packed=packed), lambda x, y: (
        store(x, kind[0]),
        store(y, kind[1]),
    )


def matmul(
    a: Any,
    b: Any,
    kind: str = "nn",
    *,
    isa: str | None = None,
    symbolic: str = "",
    packed: bool = False,
    **over: Any,
) -> Any:
    """Compiles and runs one contraction; `over` overrides the schedule."""
    (m, k), n, dtype = (
        a.shape,
        b.shape[1],
        {"f4": float32, "f8": float64, "i4": int32, "i8": int64}[a.dtype.str[1:]],
    )
    dims = {
        name: symbol(name, 0) if name in symbolic else size for name, size in (("M", m), ("N", n), ("K", k))
    }
    spec, store = spec_for(kind, dtype, dims["M"], dims["N"], dims["K"], packed)
    out = view_epilogue(Operand(2, outer=dims["N"], k=1), dtype.size, emit_dim)

    def build(module: Any, target: Any) -> Any:
        schedule = GemmSchedule(spec, target, **over) if over else None
        kernels = [
            emit_gemm(module, "gemm", spec, target, emit_dim=emit_dim, epilogue=out, schedule=schedule)
        ]
        if packed:
            plain, _ = spec_for(kind, dtype, dims["M"], dims["N"], dims["K"])
            kernels.append(emit_pack_b(module, "pack", plain, target, emit_dim=emit_dim, out_arg=2))
        return kernels

    made = Compiled(build, isa)
    env = {"M": m, "N": n, "K": k}
    stored = store(a, b)
    if packed:
        room = aligned(np.zeros(evaluate(packed_elements(spec, made.target), env), a.dtype))
        made.run([*stored, room], env, kernel=1)
        stored = (stored[0], room)
    c = aligned(np.full(m * n + 2 * 16, GUARD, a.dtype))
    made.run([*stored, c[16:]], env)
    assert (c[:16] == GUARD).all()
    assert (c[16 + m * n :] == GUARD).all()
    return c[16 : 16 + m * n].reshape(m, n)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("kind", ["nn", "tt"])
def test_all_tails_of_a_symbolic_kernel(isa: str, kind: str) -> None:
    m, n, k = symbol("M", 0), symbol("N", 0), symbol("K", 0)
    spec, store = spec_for(kind, float32, m, n, k)
    out = view_epilogue(Operand(2, outer=n, k=1), 4, emit_dim)
    made = Compiled(lambda mod, t: [emit_gemm(mod, "g", spec, t, emit_dim=emit_dim, epilogue=out)], isa)
    rng = np.random.default_rng(0)
    a, b = values(rng, (65, 65), float32), values(rng, (65, 65), float32)
    expected: dict[int, Any] = {}
    for rows, columns, depth in itertools.product(TAILS, TAILS, TAILS):
        if depth not in expected:
            expected[depth] = a[:, :depth].astype(float) @ b[:depth].astype(float)
        c = np.full((rows * columns + 1,), GUARD, np.float32)
        made.run([*store(a[:rows, :depth], b[:depth, :columns]), c], {"M": rows, "N": columns, "K": depth})
        assert c[-1] == GUARD
        got = c[:-1].reshape(rows, columns)
        np.testing.assert_allclose(got, expected[depth][:rows, :columns], rtol=0, atol=1e-4)


SHAPES = [
    (1, 1, 1),
    (1, 100, 33),
    (2, 7, 300),
    (5, 32, 64),
    (13, 65, 40),
    (50, 128, 17),
    (100, 70, 50),
    (33, 200, 3),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_static_shapes(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    rng = np.random.default_rng(1)
    for dtype in (float32, float64):
        a, b = values(rng, (m, k), dtype), values(rng, (k, n), dtype)
        check(matmul(a, b), a, b)


@pytest.mark.parametrize(("m", "n", "k"), [(0, 5, 3), (3, 0, 5), (4, 20, 0), (0, 0, 0)])
def test_empty_sizes(m: int, n: int, k: int) -> None:
    c = matmul(np.ones((m, k), np.float32), np.ones((k, n), np.float32))
    np.testing.assert_array_equal(c, np.zeros((m, n), np.float32))


@pytest.mark.parametrize("kind", ["nn", "tn", "nt", "tt", "sn", "ns", "ss"])
@pytest.mark.parametrize("symbolic", ["", "M", "MNK"])
def test_layouts_give_the_same_bits(kind: str, symbolic: str) -> None:
    rng = np.random.default_rng(2)
    a, b = values(rng, (61, 90), float32), values(rng, (90, 150), float32)
    c = matmul(a, b, kind, symbolic=symbolic)
    check(c, a, b)
    np.testing.assert_array_equal(c, matmul(a, b))


@pytest.mark.parametrize("isa", FMA_ISAS)
def test_every_path_is_one_chain(isa: str) -> None:
    rng = np.random.default_rng(3)
    a, b = values(rng, (45, 130), float32), values(rng, (130, 97), float32)
    base = matmul(a, b)
    check(base, a, b)
    paths: list[dict[str, Any]] = [
        {}, {"packed": True}, {"direct_rows": 0}, {"direct_rows": 1000}, {"block_k": 32}, {"block_m": 12},
        {"packed": True, "block_k": 48, "block_m": 20, "symbolic": "M"},
        {"tiles": ((6, 2), (1, 4)), "symbolic": "M"},
        {"tiles": ((3, 2), (2, 4), (1, 8)), "symbolic": "N"}, {"block_n": 64, "block_k": 7},
    ]  # fmt: skip
    for path in paths:
        np.testing.assert_array_equal(matmul(a, b, isa=isa, **path), base, err_msg=str(path))
    for row in (0, 44):
        np.testing.assert_array_equal(matmul(a[row : row + 1], b, isa=isa), base[row : row + 1])


def test_the_chain_ascends_and_is_fused() -> None:
    if not FMA_ISAS:
        pytest.skip("no FMA")
    a = np.array([[2.0**24, 1.0, -(2.0**24), 1 + 2.0**-12]], np.float32)
    b = np.array([[1.0], [1.0], [1.0], [1 + 2.0**-12]], np.float32)
    # 2^24 + 1 rounds to 2^24; the last product is exact only inside a fused multiply-add with a sum of 0.
    np.testing.assert_array_equal(matmul(a, b), [[np.float32((1 + 2.0**-12) ** 2)]])
    c = np.array([[-1.0, 1 + 2.0**-12]], np.float32)
    d = np.array([[1.0], [1 + 2.0**-12]], np.float32)
    assert matmul(c, d)[0, 0] == np.float32(2.0**-11 + 2.0**-24)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [float32, float64, int32, int64], ids=lambda d: d.name)
def test_dtypes(isa: str, dtype: DType) -> None:
    rng = np.random.default_rng(4)
    a, b = values(rng, (23, 40), dtype), values(rng, (40, 77), dtype)
    for kind, symbolic, packed in (("nn", "M", True), ("tt", "", False)):
        check(matmul(a, b, kind, isa=isa, symbolic=symbolic, packed=packed), a, b)


@pytest.mark.parametrize("kind", ["nn", "tt", "ss"])
def test_long_sums_and_many_blocks(kind: str) -> None:
    rng = np.random.default_rng(5)
    a, b = values(rng, (260, 2500), float32), values(rng, (2500, 80), float32)
    c = matmul(a, b, kind, symbolic="MK")
    check(c, a, b)
    np.testing.assert_array_equal(c[:40], matmul(a[:40], b, packed=True))


def test_chunks_may_run_in_any_order() -> None:
    rng = np.random.default_rng(6)
    a, b = values(rng, (300, 64), float32), values(rng, (64, 1100), float32)
    spec, _ = spec_for("nn", float32, 300, 1100, 64)
    out = view_epilogue(Operand(2, outer=1100, k=1), 4, emit_dim)
    made = Compiled(lambda mod, t: [emit_gemm(mod, "g", spec, t, emit_dim=emit_dim, epilogue=out)])
    count = evaluate(made.kernels[0].chunk_count, {})
    assert count > 2
    whole, parts = np.zeros((300, 1100), np.float32), np.zeros((300, 1100), np.float32)
    made.run([a, b, whole])
    made.run([a, b, parts], chunks=[(i, i + 1) for i in reversed(range(count))])
    np.testing.assert_array_equal(whole, parts)
    check(whole, a, b)


@pytest.mark.parametrize("packed", [False, True])
def test_batches_with_a_repeated_operand(packed: bool) -> None:
    rng = np.random.default_rng(7)
    a, b = values(rng, (3, 2, 10, 20), float32), values(rng, (2, 20, 40), float32)
    x = Operand(0, outer=20, k=1, batch=(400, 200))
    y = Operand(1, outer=1, k=40, batch=(0, 800))
    out = view_epilogue(Operand(2, outer=40, k=1, batch=(800, 400)), 4, emit_dim)
    s = symbol("S")
    spec = GemmSpec(float32, 10, 40, 20, x, y, (s, 2), b_packed=packed)

    def build(module: Any, target: Any) -> Any:
        plain = GemmSpec(float32, 10, 40, 20, x, y, (s, 2))
        return [
            emit_gemm(module, "g", spec, target, emit_dim=emit_dim, epilogue=out),
            emit_pack_b(module, "pack", plain, target, emit_dim=emit_dim, out_arg=2),
        ]

    made, env = Compiled(build), {"S": 3}
    second = b
    if packed:
        second = aligned(np.zeros(evaluate(packed_elements(spec, made.target), env), np.float32))
        made.run([a, b, second], env, kernel=1)
    c = np.zeros((3, 2, 10, 40), np.float32)
    made.run([a, second, c], env)
    check(c, a, b)


def relu_of(position: int, bias: int, residual: int) -> Callable[[FunctionText], Any]:
    """relu(sum + bias[n]) + residual[m, n], and the sum itself as a second output of dtype float64."""

    def begin(fn: FunctionText) -> Any:
        ix = Index(fn)
        pointers = {i: ix.load_arg(i) for i in (position, position + 1, bias, residual)}

        def store(k: LlvmHandler, acc: Val, at: OutPoint) -> None:
            flat = ix.add(ix.mul(at.m, 50), at.n)

            def place(i: int, size: int, index: str) -> str:
                return ptr_at(ix, pointers[i], ix.mul(index, size))

            shift = k.load(place(bias, 4, at.n), float32, acc.lanes, at.mask)
            total = k.max(k.add(acc, shift), k.const(0, float32))
            other = k.load(place(residual, 4, flat), float32, acc.lanes, at.mask)
            k.store(place(position, 4, flat), k.add(total, other), at.mask)
            k.store(place(position + 1, 8, flat), k.cast(acc, float64), at.mask)

        return store

    return begin


@pytest.mark.parametrize("isa", ISAS)
def test_epilogue_with_bias_residual_and_two_outputs(isa: str) -> None:
    rng = np.random.default_rng(8)
    a, b = values(rng, (20, 30), float32), values(rng, (30, 50), float32)
    bias, residual = values(rng, (50,), float32), values(rng, (20, 50), float32)
    spec, _ = spec_for("nn", float32, 20, 50, 30)
    made = Compiled(
        lambda mod, t: [emit_gemm(mod, "g", spec, t, emit_dim=emit_dim, epilogue=relu_of(2, 4, 5))], isa
    )
    c, sums = np.full((21, 50), GUARD, np.float32), np.full((21, 50), GUARD, np.float64)
    made.run([a, b, c, sums, bias, residual])
    plain = matmul(a, b, isa=isa)
    np.testing.assert_array_equal(c[:20], np.maximum(plain + bias, np.float32(0)) + residual)
    np.testing.assert_array_equal(sums[:20], plain.astype(float))
    assert (c[20] == GUARD).all()
    assert (sums[20] == GUARD).all()


@pytest.mark.parametrize("axis", ["k", "outer", ""])
def test_computed_operands(axis: str) -> None:
    """A = x + 1 and B = y * y are computed while they are packed, in any vector direction."""

    def reader(arg: int, strides: tuple[int, int], body: Callable[[LlvmHandler, Val], Val]) -> Any:
        def begin(fn: FunctionText) -> Any:
            ix = Index(fn)
            base = ix.load_arg(arg)

            def read(k: LlvmHandler, p: ReadPoint) -> Val:
                at = ix.add(ix.mul(p.outer, strides[0] * 4), ix.mul(p.k, strides[1] * 4))
                return body(k, k.load(ptr_at(ix, base, at), float32, p.lanes, p.mask))

            return read

        return begin

    m, n, k = 19, 70, 45
    rng = np.random.default_rng(9)
    x, y = values(rng, (m, k), float32), values(rng, (k, n), float32)
    strides = {"k": ((k, 1), (k, 1)), "outer": ((1, m), (1, n)), "": ((k, 1), (1, n))}[axis]
    first = Operand(read=reader(0, strides[0], lambda h, v: h.add(v, h.const(1, float32))), axis=axis)
    second = Operand(read=reader(1, strides[1], lambda h, v: h.mul(v, v)), axis=axis)
    spec = GemmSpec(float32, m, n, k, first, second)
    out = view_epilogue(Operand(2, outer=n, k=1), 4, emit_dim)
    made = Compiled(lambda mod, t: [emit_gemm(mod, "g", spec, t, emit_dim=emit_dim, epilogue=out)])
    c = np.zeros((m, n), np.float32)
    stored_x = x.T if axis == "outer" else x
    made.run([aligned(stored_x), aligned(y.T if axis == "k" else y), c])
    np.testing.assert_array_equal(c, matmul(x + np.float32(1), y * y))


@pytest.mark.parametrize("isa", ISAS)
def test_objects_need_nothing_from_the_process(isa: str) -> None:
    spec, _ = spec_for("tt", float64, symbol("M"), symbol("N"), symbol("K"))
    out = view_epilogue(Operand(2, outer=symbol("N"), k=1), 8, emit_dim)
    made = Compiled(lambda mod, t: [emit_gemm(mod, "g", spec, t, emit_dim=emit_dim, epilogue=out)], isa)
    assert not undefined_symbols(made.object.data)


def test_other_dtypes_are_refused_with_a_remedy() -> None:
    spec = GemmSpec(float16, 4, 4, 4, Operand(0, outer=4, k=1), Operand(1, outer=1, k=4))
    with pytest.raises(UnsupportedError, match=r"float16.*cast"):
        GemmSchedule(spec, host_target())
    with pytest.raises(InvalidArgumentError, match="operand A has 0 batch strides"):
        GemmSpec(float32, 4, 4, 4, Operand(0, outer=4, k=1), Operand(1, outer=1, k=4, batch=(1,)), (2,))


@pytest.mark.parametrize("isa", ISAS)
def test_accumulators_fit_the_registers(isa: str) -> None:
    registers = 32 if isa == "avx512" else 16
    for m, n in itertools.product((1, 5, 14, 32, 64, 171, 1000, symbol("M")), (8, 64, 512, symbol("N"))):
        spec, _ = spec_for("nn", float32, m, n, 256)
        schedule = GemmSchedule(spec, host_target(isa))
        for height, vectors in schedule.kinds:
            live = height * vectors + min(vectors if height > 1 else 1, vectors) + 1
            assert live <= registers, (m, n, height, vectors)
        assert schedule.block_m % schedule.tiles[0][0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("kind", ["nn", "tn", "nt", "ss"])
def test_static_sweep(isa: str, kind: str) -> None:
    rng = np.random.default_rng(10)
    for _ in range(60):
        m, n, k = (int(x) for x in np.exp(rng.uniform(0, np.log(300), 3)))
        dtype = (float32, float64)[int(rng.integers(2))]
        a, b = values(rng, (m, k), dtype), values(rng, (k, n), dtype)
        c = matmul(a, b, kind, isa=isa)
        check(c, a, b)
        np.testing.assert_array_equal(c, matmul(a, b, isa=isa, packed=True, symbolic="M"))
