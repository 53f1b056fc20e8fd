"""What ops compute: against float64, mpmath and published values."""

import math

import mpmath
import numpy as np
import pytest

from graphcore import get_op
from graphcore.builder import evaluate_op
from graphcore.dtypes import bfloat16, float32, float64, int32, int64, uint8, uint32
from graphcore.errors import InvalidArgumentError
from graphcore.handler import cast_array, erf, numpy_handler
from graphcore.ops import philox
from graphcore.ops.random import per_block


def run(name, *arrays, **attrs):
    results = evaluate_op(get_op(name), [np.asarray(a) for a in arrays], attrs)
    return results[0] if len(results) == 1 else tuple(results)


def ulps(got, x, exact):
    """Largest deviation from the exact function, in units of the last place of the exact result."""
    worst = 0.0
    with mpmath.workprec(160):
        for a, b in zip(x.tolist(), got.tolist(), strict=True):
            true = exact(mpmath.mpf(a))
            unit = np.spacing(np.abs(got.dtype.type(float(true))))
            worst = max(worst, float(abs(mpmath.mpf(b) - true) / mpmath.mpf(float(unit))))
    return worst


def gelu_tanh(t):
    return t / (1 + mpmath.exp(-mpmath.sqrt(8 / mpmath.pi) * (t + mpmath.mpf("0.044715") * t**3)))


EXACT = {
    "sigmoid": (lambda t: 1 / (1 + mpmath.exp(-t)), 100, 740),
    "silu": (lambda t: t / (1 + mpmath.exp(-t)), 100, 740),
    "softplus": (lambda t: mpmath.log1p(mpmath.exp(t)), 100, 740),
    "gelu": (lambda t: t * mpmath.erfc(-t / mpmath.sqrt(2)) / 2, 14, 38),
    "gelu_tanh": (gelu_tanh, 10, 21),
    "erf": (mpmath.erf, 4, 6),
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_are_accurate_everywhere(name, dtype, rng):
    exact, *reach = EXACT[name]
    low = -reach[dtype is np.float64]
    x = np.concatenate([rng.uniform(low, 6, 400), rng.normal(size=300), rng.normal(size=50) * 1e-6]).astype(
        dtype
    )
    # NumPy's own float32 exp is off by up to 2.6 ulp; that is on top of what native code may deviate.
    bound = {"erf": 1.1, "sigmoid": 2.0}.get(name, 4.0) + (
        1.6 if dtype is np.float32 and name != "erf" else 0.3
    )
    assert ulps(run(name, x), x, exact) <= bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_activations_at_extremes(dtype):
    far = np.array([-1e4, -300, 300, 1e4], dtype)
    np.testing.assert_array_equal(
        run("sigmoid", far), [0, 0 if dtype != np.float64 else run("sigmoid", far)[1], 1, 1]
    )
    for name in ("silu", "softplus", "gelu", "gelu_tanh"):
        y = run(name, far)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y[2:], far[2:])
        np.testing.assert_allclose(y[:2], 0, atol=1e-30)
    for name in EXACT:
        assert np.isnan(run(name, np.array([np.nan], dtype)))[0]
    np.testing.assert_array_equal(run("gelu", np.array([-np.inf, np.inf], dtype)), [0, np.inf])
    np.testing.assert_array_equal(run("gelu_tanh", np.array([-np.inf, np.inf], dtype)), [0, np.inf])
    np.testing.assert_array_equal(
        run("relu", np.array([-1, np.nan, 2], dtype)), np.array([0, np.nan, 2], dtype)
    )


def test_bfloat16_activations():
    dtype = bfloat16().numpy
    x = np.array([-3, -1, 0, 0.5, 2], dtype)
    for name in EXACT:
        y = run(name, x)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.astype(float), run(name, x.astype(np.float64)), rtol=2**-7)


def test_erf_equals_the_c_library():
    x = np.concatenate([np.linspace(-7, 7, 4001), [0.0, -0.0, np.inf, -np.inf, 1e-300, 0.84375]])
    want = np.array([math.erf(v) for v in x])
    got = erf(x)
    assert np.all(np.abs(got - want) <= 2 * np.spacing(np.abs(want)))
    np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    assert np.isnan(erf(np.float64("nan"))) and erf(np.zeros(())).shape == ()
    np.testing.assert_array_equal(
        erf(x.astype(np.float32)), erf(x.astype(np.float32).astype(float)).astype(np.float32)
    )


def test_integer_arithmetic_wraps_and_division_by_zero_is_zero():
    top = np.array([np.iinfo(np.int32).max], np.int32)
    assert run("add", top, np.array([1], np.int32))[0] == np.iinfo(np.int32).min
    np.testing.assert_array_equal(run("floordiv", np.array([7, -7, 5]), np.array([2, 2, 0])), [3, -4, 0])
    np.testing.assert_array_equal(run("mod", np.array([7, -7, 5]), np.array([3, 3, 0])), [1, 2, 0])


def test_integer_power():
    base = np.array([2, 3, -3, 0, 1, -1, -1, 2, 0, 7], np.int64)
    exponent = np.array([10, 0, 3, 0, -5, -3, -4, -1, -2, 23], np.int64)
    np.testing.assert_array_equal(
        run("pow", base, exponent), [1024, 1, -27, 1, 1, -1, 1, 0, 0, np.int64(7) ** 23]
    )


def test_shifts_beyond_the_width():
    x = np.array([1, -8, 5], np.int32)
    np.testing.assert_array_equal(run("shift_left", x, np.array([31, 32, -1], np.int32)), [-(2**31), 0, 0])
    np.testing.assert_array_equal(run("shift_right", x, np.array([1, 40, -1], np.int32)), [0, -1, 0])


@pytest.mark.parametrize("target", [int32, int64, uint8, uint32])
def test_float_to_integer_saturates(target):
    low, high = int(target.min), int(target.max)
    for source in (np.float32, np.float64):
        x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 3.9, 0.0], source)
        np.testing.assert_array_equal(
            cast_array(x, target), np.array([0, high, low, high, low, 3, 0], target.numpy)
        )
        assert cast_array(source(-3.9), target) == max(low, -3)


def test_casts_to_bool_and_between_integers():
    np.testing.assert_array_equal(
        run("cast", np.array([0.0, -0.0, 0.1, np.nan]), dtype="bool"), [False, False, True, True]
    )
    np.testing.assert_array_equal(run("cast", np.array([2**32 + 5, -1]), dtype=int32), [5, -1])


def test_round_is_half_to_even():
    np.testing.assert_array_equal(run("round", np.array([0.5, 1.5, 2.5, -0.5, -1.5])), [0, 2, 2, 0, -2])


def test_reductions_of_nothing_give_the_neutral_element():
    x = np.zeros((0, 2), np.float32)
    for name, want in (("sum", 0), ("prod", 1), ("max", -np.inf), ("min", np.inf)):
        np.testing.assert_array_equal(run(f"reduce_{name}", x, axes=(0,), keepdims=False), [want, want])
    assert run("reduce_max", np.zeros(0, np.int32), axes=(0,), keepdims=False) == np.iinfo(np.int32).min
    assert not run("reduce_any", np.zeros(0, bool), axes=(0,), keepdims=False)
    with pytest.raises(InvalidArgumentError, match="argmax: axis 0 of shape"):
        run("argmax", x, axis=0)


def test_reductions_keep_their_dtype():
    assert run("reduce_sum", np.ones(3, np.int32), axes=(0,), keepdims=False).dtype == np.int32
    assert run("reduce_prod", np.ones(3, np.uint8), axes=(0,), keepdims=False).dtype == np.uint8


def test_argmax_takes_the_first_and_counts_nan():
    assert run("argmax", np.array([1.0, 3.0, 3.0]), axis=0) == 1
    assert run("argmax", np.array([1.0, np.nan, 3.0]), axis=0) == 1
    assert run("argmin", np.array([2, 1, 1]), axis=0, output_type=int32).dtype == np.int32


def test_dot_general_is_einsum(rng):
    a, b = rng.normal(size=(2, 5, 3, 4)), rng.normal(size=(4, 2, 6, 5))
    got = run("dot_general", a, b, contracting=((3, 1), (0, 3)), batch=((0,), (1,)))
    np.testing.assert_allclose(got, np.einsum("bkmc,cbnk->bmn", a, b), rtol=1e-12)
    x, y = rng.normal(size=(2, 3, 5)), rng.normal(size=(4, 5))
    got = run("dot_general", x, y, contracting=((2,), (1,)), batch=((), ()))
    np.testing.assert_allclose(got, np.einsum("abk,nk->abn", x, y), rtol=1e-12)
    assert run("dot_general", a[:0], b[:, :0], contracting=((3, 1), (0, 3)), batch=((0,), (1,))).shape == (
        0,
        3,
        6,
    )


@pytest.mark.parametrize(
    ("indices", "shown"),
    [([0, 5], r"indices\[1\] = 5"), ([[-1]], r"indices\[0, 0\] = -1"), (7, "indices = 7")],
)
def test_indices_out_of_range_are_named(indices, shown):
    with pytest.raises(InvalidArgumentError, match=rf"^gather: {shown} is not in \[0, 5\)"):
        run("gather", np.zeros((5, 2)), np.array(indices), axis=0)
    updates = np.zeros((*np.shape(indices), 2))
    with pytest.raises(InvalidArgumentError, match=rf"^scatter: {shown}"):
        run("scatter", np.zeros((5, 2)), np.array(indices)[..., None], updates, combine="add")


def test_scatter_adds_duplicates_and_leaves_its_operand():
    x = np.ones((3, 2), np.float32)
    got = run("scatter", x, np.array([[1], [1], [0]]), np.full((3, 2), 2, np.float32), combine="add")
    np.testing.assert_array_equal(got, [[3, 3], [5, 5], [1, 1]])
    assert (x == 1).all()


def test_pad_with_interior():
    got = run("pad", np.array([1, 2, 3]), np.array(0), low=(1,), high=(2,), interior=(1,))
    np.testing.assert_array_equal(got, [0, 1, 0, 2, 0, 3, 0, 0])


def test_assert_raises_its_message():
    with pytest.raises(InvalidArgumentError, match="loss is finite"):
        run("assert", np.array([True, False]), message="loss is finite")


# Known-answer vectors of Random123 (Salmon et al. 2011), file kat_vectors, philox4x32 10.
VECTORS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0],
     [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "want"), VECTORS)
def test_philox_known_answers(counter, key, want):
    def words(values):
        return tuple(np.array([v], np.uint32) for v in values)

    assert [int(w[0]) for w in philox.rounds(numpy_handler, words(counter), words(key))] == want
    low, high, whole = (int.from_bytes(np.array(p, np.uint32).tobytes(), "little", signed=True)
                        for p in (counter[:2], counter[2:], key))  # fmt: skip
    state = np.array([low, high, whole])
    assert run("random_bits", state, shape=(4,)).tolist() == want


def test_the_counter_carries_into_its_upper_half():
    whole = run("random_bits", np.array([-1, 6, 9]), shape=(8,))
    np.testing.assert_array_equal(whole[4:], run("random_bits", np.array([0, 7, 9]), shape=(4,)))


def test_draws_continue_where_the_counter_stands():
    for name, attrs, dtype in (("random_bits", {}, uint32), ("random_uniform", {"dtype": float64}, float64),
                               ("random_normal", {"dtype": float32}, float32),
                               ("random_normal", {"dtype": float64}, float64)):  # fmt: skip
        step = 8 // per_block(dtype)
        whole = run(name, np.array([5, 0, 1]), shape=(16,), **attrs)
        np.testing.assert_array_equal(whole[8:], run(name, np.array([5 + step, 0, 1]), shape=(8,), **attrs))


def test_uniform_follows_tensorflows_bit_layout():
    state = np.array([3, 1, 4])
    words = run("random_bits", state, shape=(8,))
    want = ((words & 0x7FFFFF) | 0x3F800000).view(np.float32) - np.float32(1)
    np.testing.assert_array_equal(run("random_uniform", state, shape=(8,), dtype=float32), want)
    pairs = words.astype(np.uint64).reshape(4, 2)
    mantissa = ((pairs[:, 0] & np.uint64(0xFFFFF)) << np.uint64(32)) | pairs[:, 1]
    want = (mantissa | np.uint64(0x3FF << 52)).view(np.float64) - 1
    np.testing.assert_array_equal(run("random_uniform", state, shape=(4,), dtype=float64), want)


def test_normal_is_the_box_muller_transform():
    state = np.array([3, 1, 4])
    u = run("random_uniform", state, shape=(4000,), dtype=float32).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(np.maximum(u[:, 0], np.float32(1e-7)).astype(float)))
    angle = (2 * np.pi * u[:, 1].astype(float)).astype(np.float32).astype(float)
    want = (np.stack([np.sin(angle), np.cos(angle)], 1) * radius[:, None]).ravel()
    got = run("random_normal", state, shape=(4000,), dtype=float32)
    np.testing.assert_array_max_ulp(got, want.astype(np.float32), maxulp=1)
    u = run("random_uniform", state, shape=(4000,), dtype=float64).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(np.maximum(u[:, 0], 1e-7))), 2 * np.pi * u[:, 1]
    want = (np.stack([np.sin(angle), np.cos(angle)], 1) * radius[:, None]).ravel()
    np.testing.assert_array_max_ulp(run("random_normal", state, shape=(4000,), dtype=float64), want, maxulp=4)


def test_draws_have_the_right_moments():
    state = np.array([0, 0, 42])
    x = run("random_normal", state, shape=(100_000,), dtype=float32).astype(float)
    assert abs(x.mean()) < 0.02 and abs(x.std() - 1) < 0.02 and abs((x**4).mean() - 3) < 0.2
    u = run("random_uniform", state, shape=(100_000,), dtype=float64)
    assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 0.005 and abs(u.var() - 1 / 12) < 0.002


def test_polynomial_logarithm_and_sines(rng):
    x = np.concatenate([rng.uniform(0, 1, 2000), [1e-7, 1.0, 0.5, np.nextafter(1, 0)]])
    got, want = philox.logarithm(numpy_handler, x), np.log(x)
    np.testing.assert_array_max_ulp(got, want, maxulp=2)
    angle = np.concatenate([rng.uniform(0, 2 * np.pi, 2000), np.pi * np.arange(5) / 2])
    for cosine, function in ((False, np.sin), (True, np.cos)):
        got = philox.sine_or_cosine(numpy_handler, angle, np.full(angle.shape, cosine))
        np.testing.assert_array_max_ulp(got, function(angle), maxulp=2)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_ctc_lengths_of_small_integers_do_not_wrap(rng, dtype):
    logits, labels = rng.normal(size=(127, 3, 5)), np.tile([1, 2], (3, 35))
    lengths, frames = np.array([0, 3, 70]), np.array([100, 120, 127])
    want = run("ctc_loss", logits, labels, lengths, frames, blank=0)
    got = run("ctc_loss", logits, *(a.astype(dtype) for a in (labels, lengths, frames)), blank=0)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    log_probs = logits[:100, 0] - np.log(np.exp(logits[:100, 0]).sum(-1, keepdims=True))
    np.testing.assert_allclose(want[0][0], -log_probs[:, 0].sum(), rtol=1e-12)
    assert np.isfinite(want[0]).all()
