# pyright: basic
"""The elementary functions against references of higher precision, on every instruction set of the host."""

from __future__ import annotations

import functools
import math

import mpmath
import numpy as np
import pytest
from vector_kernels import Kernels, assert_same, distinct_isas, ulp_error, word

from codegen import vectormath
from codegen.vectormath import MAX_ULP

ISAS = distinct_isas()
UNARY = ("exp", "exp2", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos", "sigmoid", "rsqrt", "tan")
_libm_erf = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x):
    return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))


# float64 functions, for float32 arguments: their own error is 2**-29 ulp of the result.
WIDE = {name: getattr(np, name) for name in UNARY if hasattr(np, name)}
WIDE |= {"erf": _libm_erf, "sigmoid": _sigmoid, "rsqrt": lambda x: 1 / np.sqrt(x)}

EXACT = {name: getattr(mpmath, name) for name in UNARY if hasattr(mpmath, name)}
EXACT |= {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
}


@functools.cache
def kernels(isa, dtype):
    bodies = {name: word(name, dtype) for name in UNARY}
    return Kernels(isa, bodies | {"pow": word("pow", dtype, dtype)})


def float32_patterns(step, start=0):
    """Every `step`-th bit pattern, both signs, and the edges of the functions' ranges."""
    bits = np.arange(start, 1 << 32, step, dtype=np.uint64).astype(np.uint32)
    edges = [
        0, 1, math.e, 88.72283, 88.72284, 87.33655, 103.97208, 103.972, 17.328, 9.01, 3.9192, 0.5625, 1e-45,
        1.4e-38, 3.4e38, np.inf, np.nan, 127, 128, 126, 149, 150, 0.34657359, 1.5707964, 3.1415927, 1647099.3,
        16367173.0, np.nextafter(np.float32(1), 0), np.nextafter(np.float32(1), 2), np.sqrt(0.5), np.sqrt(2),
    ]  # fmt: skip
    edges = np.array(edges, np.float32)
    return np.concatenate([bits.view(np.float32), edges, -edges, np.nextafter(edges, np.float32(0))])


@functools.cache
def reference32(name, step, start=0):
    x = float32_patterns(step, start)
    with np.errstate(all="ignore"):
        return x, WIDE[name](x.astype(np.float64))


def check32(isa, name, step, start=0):
    x, want = reference32(name, step, start)
    error = ulp_error(kernels(isa, "float32").run(name, x), want)
    worst = int(np.argmax(error))
    assert error[worst] <= MAX_ULP[name], f"{name}({x[worst]!r}): {error[worst]:.3f} ulp on {isa}"


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", UNARY)
def test_float32_error(isa, name):
    check32(isa, name, 16001)


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", UNARY)
def test_float32_error_densely(isa, name):
    check32(isa, name, 4001)
    check32(isa, name, 1021, 7)
    reference32.cache_clear()


def float64_points(name, count):
    """Arguments over all magnitudes, with more where the function is not saturated."""
    rng = np.random.default_rng(len(name))
    u = rng.standard_normal(count)
    anywhere = np.exp(rng.uniform(-700, 700, count)) * np.sign(u)
    parts = [u, 10 * u, 1e-5 * u, anywhere, rng.integers(1, 1 << 50, count).astype(np.int64).view(np.float64)]
    if name in ("exp", "exp2", "expm1", "sigmoid"):
        parts += [300 * u, rng.uniform(-746, -700, count), rng.uniform(-1076, -1000, count)]
    if name in ("log", "log1p"):
        parts += [1 + 0.01 * u, rng.uniform(-1, 2, count)]
    if name in ("tanh", "erf"):
        parts += [rng.uniform(-6, 6, count)]
    if name in ("sin", "cos", "tan"):
        quarters = np.arange(1, count + 1) * (math.pi / 2)
        # The last one is the float64 that lies closest to a multiple of pi / 2.
        parts += [
            1e3 * u,
            1e6 * u,
            1e8 * u,
            quarters,
            1e6 * quarters,
            np.array([6381956970095103 * 2.0**797]),
        ]
    return np.concatenate(parts)


def exactly(name, x):
    """(rounded value, rest) of the function at a float, by mpmath."""
    if (name in ("log", "rsqrt") and x <= 0) or (name == "log1p" and x <= -1):
        return (math.nan, 0.0) if x < (-1 if name == "log1p" else 0) else (-math.inf, 0.0)
    if name in ("exp", "exp2", "expm1", "sigmoid") and abs(x) > 2000:
        low = -1.0 if name == "expm1" else 0.0
        return (low if x < 0 else 1.0 if name == "sigmoid" else math.inf), 0.0
    if name in ("tanh", "erf") and abs(x) > 40:
        return math.copysign(1.0, x), 0.0
    value = EXACT[name](mpmath.mpf(x))
    rounded = float(value)
    return rounded, float(value - mpmath.mpf(rounded)) if math.isfinite(rounded) else 0.0


@functools.cache
def reference64(name, count):
    x = float64_points(name, count)
    with mpmath.workprec(1300 if name in ("sin", "cos", "tan") else 200):
        high, low = zip(*(exactly(name, float(v)) for v in x), strict=True)
    return x, np.array(high), np.array(low)


def check64(isa, name, count):
    x, high, low = reference64(name, count)
    error = ulp_error(kernels(isa, "float64").run(name, x), high, low)
    worst = int(np.argmax(error))
    assert error[worst] <= MAX_ULP[name], f"{name}({x[worst]!r}): {error[worst]:.3f} ulp on {isa}"


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", UNARY)
def test_float64_error(isa, name):
    check64(isa, name, 150)


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", UNARY)
def test_float64_error_densely(isa, name):
    check64(isa, name, 4000)
    reference64.cache_clear()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values_are_numpys(isa, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0], dtype)
    for name in UNARY:
        at = x[:5] if name in ("exp", "expm1", "tanh", "erf", "sin", "cos", "tan", "sigmoid", "log1p") else x
        with np.errstate(all="ignore"):
            want = WIDE[name](at).astype(dtype)
        assert_same(kernels(isa, dtype).run(name, at), want, f"{name} {dtype} {isa}")


@pytest.mark.parametrize("isa", ISAS)
def test_exp2_of_integers_is_exact(isa):
    x = np.arange(-149, 128).astype(np.float32)
    assert_same(kernels(isa, "float32").run("exp2", x), np.exp2(x.astype(np.float64)).astype(np.float32))


SPECIAL = [
    0.0, 1.0, 2.0, 3.0, 0.5, np.inf, 1e-310, 1e308, 5e-324, 1e300, 2.0**53 + 2, 0.1, 1e16, 1e15 + 1, 1 +
    2.0**-52, 1 - 2.0**-53, 1e-45, 1e38, 7.0, 2.0**24 + 2, 2.0**23 + 1,
]  # fmt: skip


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_power_of_special_values(isa, dtype):
    with np.errstate(over="ignore"):
        values = np.array([*SPECIAL, *(-v for v in SPECIAL), np.nan]).astype(dtype)
    a, b = (np.ascontiguousarray(m.ravel()) for m in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        want = np.power(a, b)
    assert ulp_error(kernels(isa, dtype).run("pow", a, b), want).max() <= MAX_ULP["pow"]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("dtype", "limit"), [("float32", 88), ("float64", 709)])
def test_power_error(isa, dtype, limit):
    rng = np.random.default_rng(0)
    a = np.concatenate([np.exp(rng.uniform(-80, 80, 500)), rng.uniform(0.5, 2, 500)]).astype(dtype)
    b = (rng.uniform(-1.04 * limit, limit, 1000) / np.log(a.astype(np.float64))).astype(dtype)
    with mpmath.workprec(200):
        exact = [mpmath.mpf(float(x)) ** mpmath.mpf(float(y)) for x, y in zip(a, b, strict=True)]
        high = np.array([float(v) for v in exact])
        low = np.array(
            [float(v - mpmath.mpf(h)) if math.isfinite(h) else 0.0 for v, h in zip(exact, high, strict=True)]
        )
    with np.errstate(over="ignore"):
        assert ulp_error(kernels(isa, dtype).run("pow", a, b), high, low).max() <= MAX_ULP["pow"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_instruction_sets_with_fma_agree_to_the_bit(dtype):
    isas = [isa for isa in ISAS if isa in ("avx512", "avx2")]
    with np.errstate(invalid="ignore"):
        x = float32_patterns(100003).astype(dtype)
    for name in UNARY:
        results = [kernels(isa, dtype).run(name, x) for isa in isas]
        for other in results[1:]:
            assert_same(other, results[0], name)


@pytest.mark.parametrize("isa", ISAS)
def test_lanes_do_not_change_results(isa):
    names = ("exp", "log", "sin", "tanh", "pow")
    bodies = {n: word(n, *["float32"] * (1 + (n == "pow"))) for n in names}
    scalar, eight = Kernels(isa, bodies, lanes=1), Kernels(isa, bodies, lanes=8)
    x = np.abs(float32_patterns(1000003))
    for name in names:
        operands = (x, x[::-1]) if name == "pow" else (x,)
        want = kernels(isa, "float32").run(name, *operands)
        assert_same(scalar.run(name, *operands), want, name)
        assert_same(eight.run(name, *operands), want, name)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_is_called_outside_the_object(isa, dtype):
    assert not kernels(isa, dtype).undefined


def test_every_function_states_its_error():
    assert set(MAX_ULP) == {*UNARY, "pow"}
    assert set(vectormath.__all__) - {"MAX_ULP", "power"} == set(UNARY) - {"rsqrt"}
