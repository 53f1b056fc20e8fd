"""float16 and bfloat16: stored in 16 bits, computed in float32, rounded once per op, on every instruction set."""

import numpy as np
import pytest
from dtype_samples import assert_op_close, extremes, of_op
from fusion_graphs import build, layer_norm, softmax, tensor
from vector_kernels import distinct_isas

from codegen.compile import compile_graph
from codegen.engine import undefined_symbols
from codegen.loop_interpret import interpret_graph
from graphcore import OPS, GraphBuilder, dims
from graphcore.dtypes import ALL, as_dtype, bfloat16, float16, float32, float64
from graphcore.handler import cast_array
from graphcore.interpret import interpret
from graphcore.passes.pipeline import run
from graphcore.text import parse, to_text
from graphcore.types import TensorType

HALVES = (float16, bfloat16())
ISAS = distinct_isas()
REST = tuple(d for d in ALL if d.is_native and d is not float16)
N = dims.symbol("n")

# Overflow and NaN are among the values under test, and NumPy warns of them.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

halves = pytest.mark.parametrize("half", HALVES, ids=lambda d: d.name)
isas = pytest.mark.parametrize("isa", ISAS)


def patterns(half):
    """Every value of a 16-bit type."""
    return np.arange(1 << 16, dtype=np.uint16).view(half.numpy)


def bits_differ(got, want):
    """Where two arrays of 16-bit floats differ in their bits, NaN aside."""
    nan = np.isnan(got.astype(np.float32)) & np.isnan(want.astype(np.float32))
    return (got.view(np.uint16) != want.view(np.uint16)) & ~nan


def converted(array, dtype, isa):
    """What native code and the loop interpreter make of a cast."""
    return tuple(found[0] for found in convert_all([(array, dtype)], isa))


def convert_all(pairs, isa):
    """As `converted`, of several arrays each to its dtype in one graph."""
    b = GraphBuilder("casts")
    arrays = [array for array, _ in pairs]
    inputs = [b.input(TensorType(as_dtype(a.dtype), a.shape)) for a in arrays]
    graph = run(b.finish([b.emit("cast", [x], dtype=d)[0] for x, (_, d) in zip(inputs, pairs, strict=True)]))
    return compile_graph(graph, isa=isa).run(arrays), interpret_graph(graph, arrays)


def value_of(bits, half):
    """What 16 bits mean, from their definition."""
    exponent_bits = 5 if half is float16 else 8
    mantissa_bits = 15 - exponent_bits
    bias = 2 ** (exponent_bits - 1) - 1
    exponent = (bits >> mantissa_bits) & (2**exponent_bits - 1)
    mantissa = (bits & (2**mantissa_bits - 1)) / 2.0**mantissa_bits
    normal = np.ldexp(1 + mantissa, exponent.astype(np.int64) - bias)
    size = np.where(exponent == 0, np.ldexp(mantissa, 1 - bias), normal)
    special = np.where(mantissa == 0, np.inf, np.nan)
    size = np.where(exponent == 2**exponent_bits - 1, special, size)
    return np.where(bits >> 15, -size, size)


@halves
@isas
def test_all_patterns_convert_to_every_dtype(half, isa):
    x = patterns(half)
    want = value_of(np.arange(1 << 16), half)
    for found in convert_all([(x, d) for d in REST], isa):
        for got, dtype in zip(found, REST, strict=True):
            np.testing.assert_array_equal(got, cast_array(want, dtype), dtype.name)
            if dtype.is_floating:
                np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(want[want == 0]))


@halves
@isas
def test_all_patterns_come_back_from_float32_and_float64(half, isa):
    x = patterns(half)
    for wide in (float32, float64):
        for got in converted(x.astype(wide.numpy), half, isa):
            assert not bits_differ(got, x).any()
            assert np.isnan(got.astype(np.float32)).sum() == np.isnan(x.astype(np.float32)).sum()


def nearest(wide, half):
    """The nearest value of a 16-bit type to each float64, ties to even, by search among all values."""
    infinity = int(np.asarray(np.inf, np.float32).astype(half.numpy).view(np.uint16))
    ladder = value_of(np.arange(infinity), half)
    beyond = 2 * ladder[-1] - ladder[-2]  # where the next value would be
    steps = np.append(ladder, beyond)
    size = np.abs(wide)
    low = np.clip(np.searchsorted(steps, size, side="right") - 1, 0, infinity - 1)
    below, above = size - steps[low], steps[low + 1] - size
    up = (above < below) | ((above == below) & (low % 2 == 1))
    bits = np.where(size > beyond, infinity, low + up).astype(np.uint16)
    return (bits | (np.signbit(wide).astype(np.uint16) << 15)).view(half.numpy)


@halves
@isas
def test_conversions_round_once_to_nearest_even(half, isa):
    positive = value_of(np.arange(1 << 15), half)
    finite = positive[np.isfinite(positive)]
    middle = np.append((finite[1:] + finite[:-1]) / 2, finite[-1] + (finite[-1] - finite[-2]) / 2)
    near = np.concatenate([middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf), middle * (1 + 2.0**-40)])
    near = np.concatenate([near, -near, [np.inf, -np.inf, 1e300, -1e-320, 0.0, -0.0]])
    for wide in (near, near.astype(np.float32)):
        want = nearest(wide.astype(np.float64), half)
        for got in converted(wide, half, isa):
            assert not bits_differ(got, want).any()


@halves
def test_integers_convert_as_in_numpy(half, rng):
    given = []
    for dtype in REST:
        if dtype.is_integer:
            low, high = int(dtype.min), int(dtype.max)
            x = rng.integers(low, high, 4000, dtype=dtype.numpy, endpoint=True)
            small = np.clip(x // 3, max(low, -7000), min(high, 7000))
            given.append(np.concatenate([x, np.array([low, 0, 1, high], dtype.numpy), small]))
    for isa in ISAS:
        for found in convert_all([(x, half) for x in given], isa):
            for got, x in zip(found, given, strict=True):
                want = x.astype(np.float32).astype(half.numpy)
                assert not bits_differ(got, want).any(), (x.dtype, isa)


ARITHMETIC = ("add", "sub", "mul", "div", "minimum", "maximum", "floordiv", "mod")
FUNCTIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "minimum": np.minimum,
    "maximum": np.maximum, "floordiv": np.floor_divide, "mod": np.mod, "sqrt": np.sqrt, "floor": np.floor,
    "ceil": np.ceil, "round": np.rint, "neg": np.negative, "abs": np.absolute, "exp": np.exp, "log": np.log,
    "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "expm1": np.expm1, "log1p": np.log1p,
}  # fmt: skip


@halves
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_is_float32_rounded_once(half, name, rng):
    hard = extremes(half)
    x = np.concatenate([np.repeat(hard, hard.size), rng.integers(0, 1 << 16, 20000).astype(np.uint16).view(half.numpy)])
    y = np.concatenate([np.tile(hard, hard.size), rng.integers(0, 1 << 16, 20000).astype(np.uint16).view(half.numpy)])
    want = FUNCTIONS[name](x.astype(np.float32), y.astype(np.float32)).astype(half.numpy)
    graph = run(of_op(OPS[name], [x, y], {}))
    assert not bits_differ(interpret(graph, [x, y])[0], want).any()
    assert not bits_differ(interpret_graph(graph, [x, y])[0], want).any()
    for isa in ISAS:
        assert not bits_differ(compile_graph(graph, isa=isa).run([x, y])[0], want).any(), isa


@halves
@pytest.mark.parametrize("name", ["sqrt", "floor", "ceil", "round", "neg", "abs"])
def test_exact_functions_on_every_value(half, name):
    x = patterns(half)
    want = FUNCTIONS[name](x.astype(np.float64)).astype(np.float32).astype(half.numpy)
    graph = of_op(OPS[name], [x], {})
    for isa in ISAS:
        assert not bits_differ(compile_graph(graph, isa=isa).run([x])[0], want).any(), isa


@halves
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sin", "cos", "expm1", "log1p"])
def test_functions_are_within_one_unit_on_every_value(half, name):
    x = patterns(half)
    exact = FUNCTIONS[name](x.astype(np.float64))
    want = nearest(exact, half)
    compiled = compile_graph(of_op(OPS[name], [x], {}))
    got = compiled.run([x])[0]
    known = ~np.isnan(exact)
    np.testing.assert_array_equal(np.isnan(got.astype(np.float32)), ~known)
    apart = np.abs(ordered(got[known]) - ordered(want[known]))
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.01


def ordered(x):
    """Positions of 16-bit floats in their order; zeros of both signs are one."""
    bits = x.view(np.uint16).astype(np.int64)
    return np.where(bits >> 15, -(bits & 0x7FFF), bits)


@halves
def test_every_op_of_a_fused_chain_rounds(half, rng):
    """With one kernel for all, results are still those of one NumPy call after another."""
    x, y = (rng.normal(size=500).astype(np.float32).astype(half.numpy) for _ in range(2))

    def chain(f, a, b):
        return f.sub(f.mul(f.add(f.mul(a, b), a), f.relu(b)), f.abs(f.neg(a)))

    graph = run(build(chain, tensor(N, dtype=half), tensor(N, dtype=half)))
    product = (x * y).astype(half.numpy)
    want = (product + x) * np.maximum(y, half.numpy.type(0)) - np.abs(-x)
    for isa in ISAS:
        compiled = compile_graph(graph, isa=isa)
        assert len(compiled.kernels) == 1
        assert not bits_differ(compiled.run([x, y])[0], want).any(), isa


@halves
def test_exact_words_do_not_convert_twice(half):
    graph = run(build(lambda f, a, b: f.maximum(f.minimum(f.abs(a), b), a), *(tensor(N, dtype=half) for _ in range(2))))
    loops = compile_graph(graph).kernels[0].loops
    assert loops.count("cast(") == 3  # both operands to float32, and the result back


@halves
@pytest.mark.parametrize("name", ["reduce_sum", "reduce_prod"])
def test_folds_accumulate_in_float32_and_round_once(half, name, rng):
    x = (1 + rng.normal(size=(7, 3000)) / 100).astype(np.float32).astype(half.numpy)
    fold = {"reduce_sum": np.add, "reduce_prod": np.multiply}[name]
    exact = fold.reduce(x.astype(np.float64), axis=1)
    want = nearest(exact, half)
    graph = run(of_op(OPS[name], [x], {"axes": (1,), "keepdims": False}))
    for got in (interpret(graph, [x])[0], interpret_graph(graph, [x])[0], compile_graph(graph).run([x])[0]):
        assert np.abs(ordered(got) - ordered(want)).max() <= 1
    assert "float32 = reduce_" in compile_graph(graph).kernels[0].loops


@halves
@isas
@pytest.mark.parametrize("shape", [(3, 5, 4), (64, 70, 33), (33, 300, 100), (1, 512, 64), (130, 64, 1)])
def test_products_accumulate_in_float32(half, isa, shape, rng):
    m, k, n = shape
    a = rng.normal(size=(m, k)).astype(np.float32).astype(half.numpy)
    b = rng.normal(size=(k, n)).astype(np.float32).astype(half.numpy)
    bias = rng.normal(size=n).astype(np.float32).astype(half.numpy)

    def dense(f, x, w, c):
        return f.relu(f.add(f.dot_general(x, w, contracting=((1,), (0,)), batch=((), ())), c))

    graph = run(build(dense, tensor(m, k, dtype=half), tensor(k, n, dtype=half), tensor(n, dtype=half)))
    compiled = compile_graph(graph, isa=isa)
    assert not compiled.host_calls
    product = a.astype(np.float64) @ b.astype(np.float64)
    rounded = nearest(product, half).astype(np.float64) + bias.astype(np.float64)
    want = np.maximum(nearest(rounded, half).astype(np.float64), 0)
    eps = float(half.finfo().eps)
    bound = eps * (np.abs(product) + np.abs(rounded)) + k * 2.0**-23 * (np.abs(a) @ np.abs(b)).astype(np.float64)
    given = [a, b, bias]
    for (got,) in (compiled.run(given), interpret_graph(graph, given), interpret(graph, given)):
        assert got.dtype == half.numpy
        assert (np.abs(got.astype(np.float64) - want) <= bound).all()


@halves
@isas
def test_row_kernels(half, isa, rng):
    x = rng.normal(size=(9, 100)).astype(np.float32).astype(half.numpy)
    graph = run(build(softmax, tensor(N, 100, dtype=half)))
    got = compile_graph(graph, isa=isa).run([x])[0].astype(np.float64)
    e = np.exp(x.astype(np.float64) - x.astype(np.float64).max(1, keepdims=True))
    np.testing.assert_allclose(got, e / e.sum(1, keepdims=True), rtol=4 * float(half.finfo().eps))
    weights = [np.ones(100, half.numpy), np.zeros(100, half.numpy)]
    graph = run(build(layer_norm, *(tensor(*s, dtype=half) for s in ((N, 100), (100,), (100,)))))
    compiled = compile_graph(graph, isa=isa)
    assert not compiled.host_calls
    wide = x.astype(np.float64)
    normal = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-3)
    got = compiled.run([x, *weights])[0].astype(np.float64)
    np.testing.assert_allclose(got, normal, atol=32 * float(half.finfo().eps))


@halves
@isas
def test_objects_call_nothing_but_fmod(half, isa):
    """A conversion that LLVM cannot do itself would call __truncsfhf2 or __extendhfsf2 of a library."""
    b = GraphBuilder("conversions")
    x = b.input(TensorType(half, (N,)))
    outs = [b.emit("cast", [x], dtype=d)[0] for d in REST]
    outs += [b.emit("cast", [b.input(TensorType(d, (N,)))], dtype=half)[0] for d in REST]
    outs += [b.emit(op, [x, x])[0] for op in ("add", "mod", "pow")] + [b.emit("exp", [x])[0]]
    needed = undefined_symbols(compile_graph(run(b.finish(outs)), isa=isa).object_bytes)
    assert needed is not None
    assert needed <= {"fmod", "fmodf"}


@halves
def test_text_form_and_constants(half):
    b = GraphBuilder("constants")
    x = b.input(TensorType(half, (4,)), "x")
    table = b.constant(np.array([1.5, -0.0, np.inf, 3e-5], np.float32).astype(half.numpy))
    one = b.constant(np.asarray(1, half.numpy))
    graph = b.finish(b.emit("mul", [b.emit("add", [x, table])[0], one]))
    again = parse(to_text(graph))
    assert to_text(again) == to_text(graph)
    array = np.array([1, 2, 3, 4], np.float32).astype(half.numpy)
    want = interpret(graph, [array])[0]
    assert not bits_differ(interpret(again, [array])[0], want).any()
    assert not bits_differ(compile_graph(run(again)).run([array])[0], want).any()


def test_one_type_becomes_the_other_in_one_rounding():
    for have, want in (HALVES, HALVES[::-1]):
        x = patterns(have)
        x = x[~np.isnan(x.astype(np.float32))]
        for isa in ISAS:
            got, looped = converted(x, want, isa)
            assert not bits_differ(got, nearest(x.astype(np.float64), want)).any(), isa
            assert not bits_differ(looped, got).any()


@halves
def test_gathered_padded_and_scattered_values_keep_their_bits(half, rng):
    x = rng.integers(0, 1 << 16, (6, 5)).astype(np.uint16).view(half.numpy)
    indices = np.array([5, 0, 0], np.int32)
    b = GraphBuilder("moves")
    v, i = b.input(TensorType(half, (6, 5))), b.input(TensorType(as_dtype("int32"), (3,)))
    zero = b.constant(np.zeros((), half.numpy))
    outs = [
        b.emit("gather", [v, i], axis=0, batch_dims=0)[0],
        b.emit("pad", [v, zero], low=(1, 0), high=(0, 2), interior=(0, 1))[0],
        b.emit("transpose", [v], perm=(1, 0))[0],
        b.emit("reverse", [v], axes=(1,))[0],
    ]
    graph = b.finish(outs)
    padded = np.zeros((7, 11), half.numpy)
    padded[1:, :9:2] = x
    wants = [x[indices], padded, x.T, x[:, ::-1]]
    for isa in ISAS:
        for got, want in zip(compile_graph(run(graph), isa=isa).run([x, indices]), wants, strict=True):
            np.testing.assert_array_equal(got.view(np.uint16), np.ascontiguousarray(want).view(np.uint16))


def test_ops_agree_in_float32_and_its_roundings():
    """What a 16-bit op gives is what the float32 op gives, rounded."""
    for half in HALVES:
        x = extremes(half)
        for name in ("sigmoid", "gelu", "softplus", "erf", "rsqrt"):
            op = OPS[name]
            wide = interpret(of_op(op, [x.astype(np.float32)], {}), [x.astype(np.float32)])[0]
            (got,) = interpret(of_op(op, [x], {}), [x])
            assert_op_close(op, got, wide.astype(half.numpy), name)
