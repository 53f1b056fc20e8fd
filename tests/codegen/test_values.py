# pyright: basic
"""The handler's arithmetic against NumPy: equal bits on every instruction set that the host runs."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest
from vector_kernels import Kernels, assert_same, distinct_isas, word

from codegen.emit.text import ModuleText
from codegen.emit.values import LlvmHandler, Val
from graphcore.dtypes import ALL, as_dtype, complex64, float32, int32, int64
from graphcore.errors import DTypeError, UnsupportedError
from graphcore.handler import VOCABULARY, numpy_handler

ISAS = distinct_isas()
FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")
FLOAT_WORDS = ("add", "sub", "mul", "div", "floordiv", "mod", "min", "max")
FLOAT_UNARY = ("neg", "abs", "sign", "sqrt", "rsqrt", "floor", "ceil", "rint", "trunc")
INT_WORDS = ("add", "sub", "mul", "floordiv", "mod", "min", "max", "and_", "or_", "xor", "shl", "shr")
INT_UNARY = ("neg", "abs", "sign", "not_")
MATH = ("exp", "exp2", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos", "tan", "pow")


def pairs(values, dtype):
    """Every pair of the values and some random ones, a number of them that 16 does not divide."""
    values = np.array(values, dtype)
    a, b = (m.ravel() for m in np.meshgrid(values, values))
    rng = np.random.default_rng(0)
    extra = rng.integers(0, 1 << 8, (2, 1001 * values.itemsize), dtype=np.uint8).view(values.dtype)
    if dtype == "bool":
        extra = rng.integers(0, 2, (2, 1001)).astype(bool)
    return np.concatenate([a, extra[0]]), np.concatenate([b, extra[1]])


@functools.cache
def operands(name):
    """Pairs of a dtype: extremes against each other, and random bits."""
    dtype = as_dtype(name).numpy
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        size = 2.0**limits.nmant
        ends = [
            limits.max,
            limits.tiny,
            limits.smallest_subnormal,
            np.inf,
            size,
            size - 0.5,
            2 * size,
            size / 2 + 0.5,
        ]
        plain = [0.0, 1.0, 0.5, 1.5, 2.5, 0.1, 3.7, 5.0, 1e30, 1 - limits.epsneg, 0.5 - limits.epsneg / 2]
        near = np.random.default_rng(1).normal(0, 10, (2, 500)).astype(dtype)
        a, b = pairs([*ends, *plain, *(-v for v in ends), *(-v for v in plain), np.nan], name)
        return np.concatenate([a, near[0]]), np.concatenate([b, near[1]])
    if dtype.kind == "b":
        return pairs([False, True], name)
    limits = np.iinfo(dtype)
    values = {
        limits.min,
        limits.min + 1,
        limits.max,
        limits.max // 2,
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        31,
        32,
        33,
        63,
        64,
        65,
    }
    values |= {-v for v in values}
    return pairs(sorted(v for v in values if limits.min <= v <= limits.max), name)


def reference(name, *arrays):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.asarray(getattr(numpy_handler, name)(*arrays))


def check(isa, words, unary, dtype, lanes=16):
    a, b = operands(dtype)
    bodies = {w: word(w, dtype, dtype) for w in words}
    bodies |= {w: word(w, dtype) for w in unary}
    bodies |= {w: word(w, dtype, dtype, result="bool") for w in COMPARE}
    kernels = Kernels(isa, bodies, lanes)
    for name in (*words, *COMPARE):
        assert_same(kernels.run(name, a, b), reference(name, a, b), f"{name} {dtype} {isa}")
    for name in unary:
        assert_same(kernels.run(name, a), reference(name, a), f"{name} {dtype} {isa}")
    return kernels


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_float_arithmetic_has_numpys_bits(isa, dtype):
    kernels = check(isa, FLOAT_WORDS, FLOAT_UNARY, dtype)
    assert kernels.undefined is None or kernels.undefined <= {"fmod", "fmodf"}


# Narrow integers are legalised in one way; the lesser instruction sets try the ones that differ.
@pytest.mark.parametrize(
    ("isa", "dtype"),
    [
        (isa, t)
        for isa in ISAS
        for t in INTEGERS
        if isa == ISAS[0] or t in ("int8", "int32", "int64", "uint64")
    ],
)
def test_integer_arithmetic_has_numpys_bits(isa, dtype):
    kernels = check(isa, INT_WORDS if dtype[0] == "i" else (*INT_WORDS, "mulhi"), INT_UNARY, dtype)
    assert not kernels.undefined


@pytest.mark.parametrize("isa", ISAS)
def test_bool_logic_has_numpys_values(isa):
    assert not check(isa, ("and_", "or_", "xor", "add", "mul", "min", "max"), ("not_",), "bool").undefined


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "bool"])
def test_scalars_agree_with_vectors(dtype):
    kind = as_dtype(dtype).kind
    words, unary = (FLOAT_WORDS, FLOAT_UNARY) if kind == "f" else (INT_WORDS, INT_UNARY)
    if kind == "b":
        words, unary = ("and_", "or_"), ("not_",)
    check(ISAS[0], words, unary, dtype, lanes=1)


@pytest.mark.parametrize("isa", ISAS)
def test_minimum_picks_operands_as_numpy_does(isa):
    """Zeros of both signs and NaN payloads: the very operand that NumPy returns."""
    bits = np.array([0, 0x80000000, 0x7FC00001, 0xFFC00002, 0x3F800000], np.uint32).view(np.float32)
    a, b = (np.ascontiguousarray(m.ravel()) for m in np.meshgrid(bits, bits))
    kernels = Kernels(isa, {w: word(w, "float32", "float32") for w in ("min", "max")})
    for name, function in (("min", np.minimum), ("max", np.maximum)):
        np.testing.assert_array_equal(kernels.run(name, a, b).view(np.uint32), function(a, b).view(np.uint32))


@pytest.mark.parametrize("isa", ISAS)
def test_casts_between_all_types(isa):
    fewer = ("int8", "int16", "uint16", "uint32") if isa != ISAS[0] else ()
    names = [d.name for d in ALL if d.is_native and not d.is_half and d.name not in fewer]
    for source in names:
        bodies = {f"to_{t}": (lambda k, x, t=t: k.cast(x, as_dtype(t)), (source,), t) for t in names}
        kernels = Kernels(isa, bodies)
        assert not kernels.undefined, kernels.undefined
        values = operands(source)[0]
        for target in names:
            with np.errstate(all="ignore"):
                want = numpy_handler.cast(values, as_dtype(target))
            assert_same(kernels.run(f"to_{target}", values), want, f"{source} to {target} {isa}")


def test_casts_out_of_range_saturate():
    values = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 300.7, -0.5, -1.0, 127.9, -128.9], np.float32)
    kernels = Kernels(ISAS[0], {"to": (lambda k, x: k.cast(x, as_dtype("uint8")), ("float32",), "uint8")})
    assert kernels.run("to", values).tolist() == [0, 255, 0, 255, 0, 255, 0, 0, 127, 0]


@pytest.mark.parametrize("isa", ISAS)
def test_integer_power_wraps(isa):
    kernels = Kernels(isa, {f"p_{t}": word("pow", t, t) for t in ("int32", "int64", "uint8")})
    assert not kernels.undefined
    for dtype in ("int32", "int64", "uint8"):
        a, b = operands(dtype)
        if dtype[0] == "i":
            a, b = a[b >= 0], b[b >= 0]
        assert_same(kernels.run(f"p_{dtype}", a, b), np.power(a, b), f"pow {dtype}")


def test_integer_power_of_negative_exponents_truncates_the_reciprocal():
    kernels = Kernels(ISAS[0], {"p": word("pow", "int32", "int32")})
    base = np.array([2, 1, -1, -1, 0, 7, -2], np.int32)
    exponent = np.array([-1, -5, -3, -4, -1, -(2**31), -2], np.int32)
    assert kernels.run("p", base, exponent).tolist() == [0, 1, -1, 1, 0, 0, 0]


def test_select_and_bitcast():
    bodies = {
        "select": (lambda k, c, a, b: k.select(c, a, b), ("bool", "float64", "float64"), "float64"),
        "bits": (lambda k, a: k.bitcast(a, int64), ("float64",), "int64"),
        "nan": word("is_nan", "float64", result="bool"),
        "mixed": (lambda k, a: k.mul(k.const(2.5, a.dtype), a), ("float64",), "float64"),
    }
    a, b = operands("float64")
    for isa in ISAS:
        kernels = Kernels(isa, bodies)
        assert_same(kernels.run("select", a < b, a, b), np.where(a < b, a, b))
        assert_same(kernels.run("bits", a), a.view(np.int64))
        assert_same(kernels.run("nan", a), np.isnan(a))
        with np.errstate(all="ignore"):
            assert_same(kernels.run("mixed", a), 2.5 * a)


def run_custom(isa, build, out, *arrays):
    """Calls a function whose whole text `build(fn, k)` writes, with pointers %out, %x0, %x1, ..."""
    import ctypes

    from codegen.engine import compile_object, load_object
    from codegen.target import host_target

    module = ModuleText()
    pointers = [f"ptr %x{i}" for i in range(len(arrays))]
    fn = module.function("f", ["ptr %out", *pointers])
    build(fn, LlvmHandler(fn, isa, 16))
    fn.ret()
    library = load_object(compile_object(module.render(), host_target(isa)).data, ["f"])
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (1 + len(arrays)))(library.address("f"))
    call(out.ctypes.data, *(a.ctypes.data for a in arrays))
    return out


@pytest.mark.parametrize("isa", ISAS)
def test_horizontal_tree_combines_halves(isa):
    x = (np.random.default_rng(0).normal(size=16) * 10.0 ** np.arange(16)).astype(np.float32)

    def build(fn, k):
        k.store("%out", k.reduce(k.load("%x0", float32), k.add))

    want = x
    while want.size > 1:
        half = want.size // 2
        want = want[:half] + want[half:]
    assert_same(run_custom(isa, build, np.zeros(1, np.float32), x), want)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_gather_and_scatter(isa, dtype):
    kind = as_dtype(dtype)
    source = operands(dtype)[0][:64].copy()
    where = np.random.default_rng(0).permutation(64)[:16].astype(np.int64)

    def build(fn, k):
        offsets = k.load("%x1", int64)
        mask = k.lt(k.iota(int64), k.const(11, int64))
        got = k.gather("%x0", offsets, kind, mask, scale=kind.size)
        k.scatter("%out", offsets, got, mask, scale=kind.size)

    want = np.zeros(64, kind.numpy)
    want[where[:11]] = source[where[:11]]
    assert_same(run_custom(isa, build, np.zeros(64, kind.numpy), source, where), want)


def test_masked_access_stays_inside():
    x = np.arange(16, dtype=np.int32)

    def build(fn, k):
        mask = k.tail_mask(k.const(5, int64))
        k.store("%out", k.add(k.load("%x0", int32, mask=mask), k.const(100, int32)), mask)

    out = run_custom(ISAS[0], build, np.full(16, -1, np.int32), x)
    assert out.tolist() == [100, 101, 102, 103, 104] + [-1] * 11


def test_every_word_of_the_vocabulary_exists():
    missing = [
        name for name in (*VOCABULARY, "const", "cast", "bitcast", "dtype") if not hasattr(LlvmHandler, name)
    ]
    assert not missing


def test_portable_and_sse2_share_their_text():
    """Neither has FMA or rounding instructions, and no intrinsic of a CPU may appear."""
    texts = []
    for isa in ("sse2", "portable"):
        module = ModuleText()
        for name in (*MATH[:-1], "floor", "rint"):
            _add(module, name, isa)
        texts.append(module.render())
    assert texts[0] == texts[1]
    assert "llvm.x86" not in texts[0] and "llvm.fma" not in texts[0]


def _add(module, name, isa):
    fn = module.function(name, ["<16 x float> %x"], "<16 x float>")
    x = getattr(LlvmHandler(fn, isa, 16), name)(Val("%x", float32, 16))
    fn.ret(x.typed)


def test_mistakes_name_the_word_and_types():
    fn = ModuleText().function("f", [])
    k = LlvmHandler(fn, "sse2", 16)
    one, whole = k.const(1.0, float32), k.const(1, int32)
    with pytest.raises(DTypeError, match="add of float32 and int32"):
        k.add(one, whole)
    with pytest.raises(DTypeError, match="exp of int32"):
        k.exp(whole)
    with pytest.raises(DTypeError, match="condition is float32"):
        k.select(one, one, one)
    with pytest.raises(UnsupportedError, match="complex64"):
        k.const(1.0, complex64)
