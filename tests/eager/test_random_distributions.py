"""Distributions of tf.random against SciPy's: Kolmogorov-Smirnov and chi square; gradients; rows of a shuffle."""

import numpy as np
import pytest
from scipy import special, stats

import eager as tf

R = tf.random
N = 8000
SEEDS = [(1, 2), (2024, 11)]
LEVEL = 1e-4


def fits(sample, distribution):
    return stats.kstest(np.asarray(sample, np.float64).ravel(), distribution.cdf).pvalue > LEVEL


def counts_fit(sample, distribution):
    """Chi square over the numbers that are expected at least eight times, the rest in two further classes."""
    x = np.asarray(sample, np.int64).ravel()
    k = np.arange(x.min(), x.max() + 1)
    k = k[x.size * distribution.pmf(k) >= 8]
    seen = [np.sum(x < k[0]), *(np.sum(x == i) for i in k), np.sum(x > k[-1])]
    share = np.array([distribution.cdf(k[0] - 1), *distribution.pmf(k), distribution.sf(k[-1])])
    used = share * x.size > 1
    seen, expected = np.array(seen)[used], (share * x.size)[used]
    return stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > LEVEL


@pytest.mark.parametrize("seed", SEEDS, ids=str)
@pytest.mark.parametrize("alpha", [0.05, 0.6, 1.0, 1.3, 30.0])
def test_gamma(seed, alpha):
    print("seed", seed)
    for dtype in (tf.float32, tf.float64):
        x = R.stateless_gamma((N,), seed, alpha, 2.0, dtype).numpy()
        x = x[x > np.finfo(x.dtype).tiny] if alpha < 0.1 else x  # what would be 0 becomes the least normal number
        assert alpha < 0.1 or fits(x, stats.gamma(alpha, scale=0.5))
        assert abs(x.mean() * 2 - alpha) < 6 * np.sqrt(alpha / N) + 0.02 * (alpha < 0.1)


def test_gamma_is_the_documented_algorithm():
    """One sample by hand: float64 normals and uniforms of the lane's own blocks, the second of a block first."""
    alpha, number = 2.5, 3
    g = R.Generator.from_state([256 * number, 0, 77])
    normal = g.normal((2,), dtype=tf.float64).numpy()[1]
    u = R.Generator.from_state([256 * number + 1, 0, 77]).uniform((2,), dtype=tf.float64).numpy()[1]
    d = alpha - 1 / 3
    v = (1 + normal / 3 / np.sqrt(d)) ** 3
    assert u < 1 - 0.0331 * normal**4  # accepted at once
    from eager.ops.random_gamma import _gamma
    from eager.ops.random_lanes import Lanes

    a, one = tf.constant(alpha, tf.float64), tf.constant(1.0, tf.float64)
    got = _gamma(tf.constant([0, 0, 77], tf.int64), Lanes((5,), (a,), "gamma"), a, one, tf.float64)
    np.testing.assert_allclose(got.numpy()[number], d * v, rtol=4e-16)


@pytest.mark.parametrize("seed", SEEDS, ids=str)
@pytest.mark.parametrize("rate", [0.2, 4.0, 9.99, 10.0, 55.0, 1e4])
def test_poisson(seed, rate):
    print("seed", seed)
    assert counts_fit(R.stateless_poisson((N,), seed, rate).numpy(), stats.poisson(rate))


def test_poisson_rates_without_a_distribution():
    lam = tf.constant([-1.0, 0.0, np.nan, np.inf])
    np.testing.assert_array_equal(R.poisson((), lam).numpy(), [0, 0, np.nan, np.inf])
    np.testing.assert_array_equal(R.poisson((), lam, tf.int32).numpy(), [0, 0, 0, 2**31 - 1])
    native = tf.function(lambda x: R.poisson((), x), strict=True)
    np.testing.assert_array_equal(native(lam).numpy(), [0, 0, np.nan, np.inf])
    assert np.isnan(R.gamma((), [-1.0, np.nan]).numpy()).all()


@pytest.mark.parametrize("seed", SEEDS, ids=str)
@pytest.mark.parametrize(("n", "p"), [(7, 0.3), (12, 0.9), (40, 0.5), (100, 0.02), (5000, 0.7), (30, 0.33)])
def test_binomial(seed, n, p):
    print("seed", seed)
    for kind in (tf.float32, tf.float64):
        counts, probs = tf.constant(float(n), kind), tf.constant(p, kind)
        assert counts_fit(R.stateless_binomial((N,), seed, counts, probs).numpy(), stats.binom(n, p))


def test_binomial_edges():
    got = R.stateless_binomial((5, 5), (1, 2), [4.0, 0.0, -3.0, 6.0, 5.0], [0.0, 0.5, 0.5, 1.0, np.nan], tf.float32)
    np.testing.assert_array_equal(got.numpy(), [[0, 0, 0, 6, np.nan]] * 5)


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_categorical(seed):
    print("seed", seed)
    logits = np.log([[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01]])
    x = R.stateless_categorical(tf.constant(logits), N, seed).numpy()
    for row, p in zip(x, np.exp(logits), strict=True):
        assert stats.chisquare(np.bincount(row, minlength=4), N * p / p.sum()).pvalue > LEVEL
    # By inversion of the cumulated probabilities with the uniform numbers of the same seed.
    u = R.stateless_uniform((2, N), seed, dtype=tf.float64).numpy()
    want = [np.searchsorted(np.cumsum(np.exp(r - r.max())), v * np.exp(r - r.max()).sum(), "right")
            for r, v in zip(logits, u, strict=True)]  # fmt: skip
    np.testing.assert_array_equal(x, want)
    excluded = R.stateless_categorical([[0.0, -np.inf, 1.0, np.nan]], N, seed).numpy()
    assert set(np.unique(excluded)) == {0, 2}


@pytest.mark.parametrize("seed", SEEDS, ids=str)
@pytest.mark.parametrize(
    ("mean", "deviation", "low", "high"),
    [(0, 1, -1, np.inf), (0, 1, 3, np.inf), (1, 2, 1.1, 1.4), (5, 1, -np.inf, 2), (0, 1, -0.5, 0.5), (1, 2, -9, 1.5),
     (0, 1, 8, 12)],
)  # fmt: skip
def test_parameterized_truncated_normal(seed, mean, deviation, low, high):
    print("seed", seed)
    args = [tf.constant(float(v), tf.float64) for v in (mean, deviation, low, high)]
    x = R.stateless_parameterized_truncated_normal((N,), seed, *args).numpy()
    ends = (low - mean) / deviation, (high - mean) / deviation
    assert fits(x, stats.truncnorm(*ends, mean, deviation)) and x.min() >= low - 1e-12 and x.max() <= high + 1e-12


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_truncated_normal_takes_the_normals_inside_in_order(dtype):
    """Four elements (two in float64) come from the normals of their own part of the stream."""
    width = 4 if dtype is tf.float32 else 2
    got = R.Generator.from_state([0, 0, 9]).truncated_normal((400,), dtype=dtype).numpy()
    for group in (0, 1, 57, 99):
        stream = R.Generator.from_state([64 * width * group, 0, 9]).normal((40,), dtype=dtype).numpy()
        np.testing.assert_array_equal(got[width * group :][:width], stream[np.abs(stream) < 2][:width])
    assert fits(R.stateless_truncated_normal((N,), (3, 4), dtype=dtype), stats.truncnorm(-2, 2))


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_a_shuffle_moves_whole_rows(n):
    x = np.arange(n * 3).reshape(n, 3)
    for y in (R.shuffle(x, seed=3).numpy(), R.experimental.stateless_shuffle(x, (1, 2)).numpy()):
        np.testing.assert_array_equal(np.sort(y[:, 0]), x[:, 0])
        np.testing.assert_array_equal(y - y[:, :1], x - x[:, :1])
    if n == 50:
        assert not np.array_equal(y, x)


def test_orders_are_equally_likely():
    x = np.array([R.experimental.stateless_shuffle([0, 1, 2], (7, i)).numpy() for i in range(600)])
    _, seen = np.unique(x @ [9, 3, 1], return_counts=True)
    assert seen.size == 6 and stats.chisquare(seen).pvalue > LEVEL
    top = 299
    assert sorted(R.experimental.index_shuffle(tf.range(top + 1), (1, 2), top).numpy()) == list(range(top + 1))


@pytest.mark.parametrize("traced", [False, True])
def test_gradients_of_gamma_keep_the_probability(traced):
    """The draw with gamma(a, b) at fixed probability p is gammaincinv(a, p) / b."""
    alpha, beta = np.array([0.4, 1.0, 1.7, 8.0]), np.array([1.0, 2.0, 0.5, 3.0])

    def both(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            x = R.stateless_gamma((4,), (5, 6), a, b, tf.float64)
        return x, *tape.gradient(x, [a, b])

    run = tf.function(both) if traced else both
    x, da, db = (t.numpy() for t in run(tf.constant(alpha), tf.constant(beta)))
    p = special.gammainc(alpha, x * beta)
    step = 1e-6
    slope = (special.gammaincinv(alpha + step, p) - special.gammaincinv(alpha - step, p)) / (2 * step) / beta
    np.testing.assert_allclose(da, slope, rtol=2e-6)
    np.testing.assert_allclose(db, -x / beta, rtol=1e-12)


def test_gradients_of_normals_go_through_mean_and_deviation():
    mean, deviation = tf.constant(1.0), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch([mean, deviation])
        x = R.stateless_truncated_normal((6,), (1, 2), mean, deviation)
    z = R.stateless_truncated_normal((6,), (1, 2)).numpy()
    dm, ds = tape.gradient(x, [mean, deviation])
    assert float(dm) == 6 and float(ds) == pytest.approx(z.sum(), rel=1e-6)


def test_draws_with_a_seed_repeat_after_set_seed_and_differ_by_kind():
    def draw():
        return [
            R.gamma((3,), 2.0, seed=4), R.poisson((3,), 50.0, seed=4), R.truncated_normal((3,), seed=4),
            R.gamma((3,), 2.0, seed=4), R.shuffle(tf.range(30), seed=4), R.categorical([[0.0] * 9], 5, seed=4),
        ]  # fmt: skip

    R.set_seed(1)
    first = [t.numpy() for t in draw()]
    R.set_seed(1)
    second = [t.numpy() for t in draw()]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], first[3])
