"""Random numbers: TensorFlow's published values, streams, eager = traced, distributions."""

import math

import numpy as np
import pytest

import eager as tf


@pytest.fixture(autouse=True)
def seeded():
    tf.random.set_seed(1234)


def test_known_words_of_philox():
    """The test vectors of Random123 (kat_vectors): counter and key 0, and all ones."""
    zero = tf.random.Generator.from_state([0, 0, 0], alg="philox").uniform((4,), None, None, tf.uint32)
    assert [hex(w) for w in zero.numpy()] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]
    ones = tf.random.Generator.from_state([-1, -1, -1], alg="philox").uniform((4,), None, None, tf.uint32)
    assert [hex(w) for w in ones.numpy()] == ["0x408f276d", "0x41c83b0e", "0xa20bc7c6", "0x6d5451fd"]


def test_values_published_in_tensorflows_guide():
    """As https://www.tensorflow.org/guide/random_numbers prints them."""
    got = tf.random.Generator.from_seed(1).normal(shape=[2, 3]).numpy()
    want = [[0.43842277, -0.53439844, -0.07710262], [1.5658046, -0.1012345, -0.2744976]]
    np.testing.assert_allclose(got, want, rtol=3e-7)
    got = tf.random.stateless_normal(shape=[2, 3], seed=[1, 2]).numpy()
    want = [[0.5441101, 0.20738031, 0.07356433], [0.04643455, -1.30159, -0.95385665]]
    np.testing.assert_allclose(got, want, rtol=3e-7)


def test_values_published_in_tensorflows_reference():
    """The documentation of tf.random.Generator, normal, split, fold_in and index_shuffle prints them."""
    r = tf.random
    got = r.Generator.from_seed(123, alg="philox").normal(shape=(2, 3)).numpy()
    want = [[0.8673864, -0.29899067, -0.9310337], [-1.5828488, 1.2481191, -0.6770643]]
    np.testing.assert_allclose(got, want, rtol=3e-7)
    g = r.Generator.from_seed(1234)
    g.normal(shape=(2, 3))
    assert g.state.numpy().tolist() == [2770, 0, 0]
    r.set_seed(5)
    want = [[-1.3768897, -0.01258316], [-0.169515, 1.0824056]]
    np.testing.assert_allclose(r.normal([2, 2], 0, 1, tf.float32, seed=1).numpy(), want, rtol=3e-7)
    seeds = r.split([1, 2], num=3)
    assert seeds.numpy().tolist() == [[1105988140, 1738052849], [-335576002, 370444179], [10670227, -246211131]]
    want = [-0.59835213, -0.9578608, 0.9002807]
    np.testing.assert_allclose(r.stateless_normal([3], seeds[0]).numpy(), want, rtol=3e-7)
    seed = r.fold_in([1, 2], 3)
    assert seed.numpy().tolist() == [1105988140, 3]
    want = [0.03197195, 0.8979765, 0.13253039]
    np.testing.assert_allclose(r.stateless_normal([3], seed).numpy(), want, rtol=3e-7)
    shuffled = r.experimental.index_shuffle
    assert shuffled(tf.range(4), [5, 9], 3).numpy().tolist() == [2, 0, 1, 3]
    assert [int(shuffled(i, [5, 8], 9)) for i in range(10)] == [3, 8, 0, 1, 2, 7, 6, 9, 4, 5]


DRAWS = {
    "normal": lambda g, shape: g.normal(shape, 2.0, 3.0),
    "normal64": lambda g, shape: g.normal(shape, dtype=tf.float64),
    "uniform": lambda g, shape: g.uniform(shape, -1.0, 2.0),
    "uniform64": lambda g, shape: g.uniform(shape, dtype=tf.float64),
    "int32": lambda g, shape: g.uniform(shape, -5, 17, tf.int32),
    "int64": lambda g, shape: g.uniform(shape, -(2**40), 2**50, tf.int64),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (0, 2)])
def test_eager_and_native_draws_are_equal_to_the_last_bit(name, shape):
    eager, traced = (tf.random.Generator.from_seed(9) for _ in range(2))
    native = tf.function(lambda: (DRAWS[name](traced, shape), DRAWS[name](traced, shape)), strict=True)
    for _ in range(2):
        for got in native():
            want = DRAWS[name](eager, shape)
            assert got.dtype is want.dtype
            np.testing.assert_array_equal(got.numpy(), want.numpy())
    np.testing.assert_array_equal(eager.state.numpy(), traced.state.numpy())


def test_a_symbolic_shape_draws_the_same():
    eager, traced = (tf.random.Generator.from_seed(3) for _ in range(2))
    native = tf.function(lambda x: traced.normal(tf.shape(x)), strict=True)
    for n in (2, 5, 4, 1):
        np.testing.assert_array_equal(native(tf.zeros((n, 3))).numpy(), eager.normal((n, 3)).numpy())


def test_set_seed_repeats_global_and_op_streams():
    def draw():
        return [tf.random.normal((3,)), tf.random.uniform((2,), seed=5), tf.random.normal((3,)),
                tf.random.uniform((2,), seed=6), tf.random.uniform((2,), seed=5)]  # fmt: skip

    tf.random.set_seed(77)
    first = [t.numpy() for t in draw()]
    tf.random.set_seed(77)
    second = [t.numpy() for t in draw()]
    tf.random.set_seed(78)
    third = [t.numpy() for t in draw()]
    for a, b, c in zip(first, second, third, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    assert not np.array_equal(first[0], first[2])
    assert not np.array_equal(first[1], first[3])
    assert not np.array_equal(first[1], first[4])


def test_the_global_stream_continues_through_native_calls():
    f = tf.function(lambda: tf.random.normal((3,)), strict=True)
    tf.random.set_seed(5)
    got = [tf.random.normal((3,)).numpy(), f().numpy(), tf.random.normal((3,)).numpy(), f().numpy()]
    tf.random.set_seed(5)
    for g in got:
        np.testing.assert_array_equal(g, tf.random.normal((3,)).numpy())


def test_state_skip_and_copies_of_generators():
    g = tf.random.Generator.from_seed(11)
    h = tf.random.Generator(copy_from=g)
    np.testing.assert_array_equal(g.state.numpy(), [11, 0, 0])
    first = g.normal((8,)).numpy()
    np.testing.assert_array_equal(g.state.numpy(), [11 + 8 * 256, 0, 0])
    assert h.skip(8).numpy().tolist() == [11, 0, 0]
    np.testing.assert_array_equal(h.normal((4,)).numpy(), g.normal((4,)).numpy())
    g.reset_from_seed(11)
    np.testing.assert_array_equal(g.normal((8,)).numpy(), first)
    g.reset([1, 2, 3])
    assert g.state.numpy().tolist() == [1, 2, 3] and int(g.key) == 3 and g.algorithm == 1
    g.reset_from_key_counter(7, [5, 6])
    assert g.state.numpy().tolist() == [5, 6, 7]
    h = tf.random.Generator.from_key_counter(7, [5, 6], "philox")
    assert h.state.numpy().tolist() == [5, 6, 7]
    assert tf.random.create_rng_state([3, 4], "philox").numpy().tolist() == [0, 3, 4]
    assert tf.random.Generator.from_seed(2**64 + 5).state.numpy().tolist() == [5, 1, 0]
    assert tf.random.Generator.from_seed(-1).state.numpy().tolist() == [-1, -1, -1]
    a, b = (tf.random.Generator.from_non_deterministic_state() for _ in range(2))
    assert a.state.numpy().tolist() != b.state.numpy().tolist()


@pytest.mark.parametrize("delta", [3, tf.constant(3)])
def test_the_counter_carries_into_its_upper_half(delta):
    g = tf.random.Generator.from_state([-2 * 256, 4, 5])
    skip = tf.function(lambda d: g.skip(d), strict=True)
    if isinstance(delta, int):
        g.skip(delta)
    else:
        skip(delta)
    assert g.state.numpy().tolist() == [256, 5, 5]


def test_stateless_draws_depend_on_the_seed_alone():
    def draw(seed):
        return tf.random.stateless_uniform((5,), seed), tf.random.stateless_normal((5,), seed, 1.0, 2.0, tf.float64)

    first = draw((1, 2))
    tf.random.normal((3,))
    traced = tf.function(draw, strict=True)(tf.constant([1, 2]))
    for a, b, c, d in zip(first, draw((1, 2)), traced, draw((2, 1)), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        np.testing.assert_array_equal(a.numpy(), c.numpy())
        assert not np.array_equal(a.numpy(), d.numpy())


N = 20000


def kolmogorov(sample, distribution):
    """The largest distance of the empirical from the true distribution, in units of its 1e-6 quantile."""
    x = np.sort(np.asarray(sample, np.float64).ravel())
    p, n = distribution(x), x.size
    distance = max((np.arange(1, n + 1) / n - p).max(), (p - np.arange(n) / n).max())
    return distance / math.sqrt(math.log(2 / 1e-6) / (2 * n))


def normal_cdf(x):
    return np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)))(x)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
def test_distributions(dtype):
    x = tf.random.normal((N,), dtype=dtype).numpy()
    u = tf.random.uniform((N,), 2.0, 5.0, dtype=dtype).numpy()
    assert x.dtype == u.dtype == dtype.numpy
    if dtype is not tf.float16:  # whose few values stand out as steps
        assert kolmogorov(x, normal_cdf) < 1
        assert kolmogorov(u, lambda v: (v - 2) / 3) < 1
        assert u.min() >= 2 and u.max() < 5
    x, u = x.astype(float), u.astype(float)
    # Six standard errors of mean and variance.
    assert abs(x.mean()) < 6 / math.sqrt(N) and abs(x.var() - 1) < 6 * math.sqrt(2 / N)
    assert abs(u.mean() - 3.5) < 6 * math.sqrt(0.75 / N)
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 6 / math.sqrt(N)


def test_truncated_normals_stay_within_two_deviations():
    x = tf.random.truncated_normal((N,), 1.0, 0.5).numpy().astype(float)
    z = (x - 1) / 0.5
    assert np.abs(z).max() <= 2.0001
    low, high = normal_cdf(np.array([-2.0, 2.0]))
    assert kolmogorov(z, lambda v: (normal_cdf(v) - low) / (high - low)) < 1


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64, tf.uint8])
def test_integers_cover_their_range_evenly(dtype):
    x = tf.random.uniform((N,), 3, 10, dtype).numpy()
    counts = np.bincount(x, minlength=10)
    assert x.dtype == dtype.numpy and counts[:3].sum() == 0 and counts.size == 10
    expected = N / 7
    assert ((counts[3:] - expected) ** 2 / expected).sum() < 40  # chi square of 6 degrees of freedom at 1e-6
    assert len(np.unique(tf.random.uniform((100,), 0, 2**62, tf.int64).numpy() >> 40)) > 90


def test_ranges_may_be_tensors():
    x = tf.random.uniform((1000, 2), tf.constant([0.0, 10.0]), tf.constant([1.0, 20.0])).numpy()
    assert x[:, 0].max() < 1 and x[:, 1].min() >= 10


def test_dropout_keeps_its_share_and_the_expected_sum():
    x = tf.nn.dropout(tf.ones((N,)), 0.25).numpy()
    kept = (x > 0).mean()
    assert abs(kept - 0.75) < 6 * math.sqrt(0.25 * 0.75 / N)
    np.testing.assert_allclose(x[x > 0], np.float32(1 / 0.75), rtol=1e-7)
    rows = tf.nn.dropout(tf.ones((50, 8)), 0.5, noise_shape=(None, 1)).numpy()
    assert ((rows == 0).all(1) | (rows == 2).all(1)).all()
    assert tf.nn.dropout(tf.ones(3), tf.constant(0.5)).shape == (3,)
