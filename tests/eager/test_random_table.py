"""Every function of tf.random: traced = eager to the last bit, faults, and that none is left out."""

import numpy as np
import pytest
from tf_cases import lookup

import eager as tf
from eager.ops.public import NAMES

R = tf.random
FLOATS = (tf.float16, tf.bfloat16, tf.float32, tf.float64)
INTEGERS = (tf.int32, tf.int64, tf.uint32, tf.uint64)
SEED = (20, 24)
ALPHAS = [0.2, 1.0, 1.0, 4.5]
RATES = [0.5, 9.0, 10.0, 300.0]
LOGITS = [[0.1, 2.0, -np.inf, 0.0, 1.0], [1.0, 1.0, -3.0, 0.5, np.nan]]


def parameters(values, dtype):
    return tf.constant(np.asarray(values).astype(dtype.numpy))


DRAWS = {
    "random.uniform": (lambda s, d: R.uniform(s, -1, 3, d, seed=2), (*FLOATS, tf.int32, tf.int64, tf.int8)),
    "random.normal": (lambda s, d: R.normal(s, 1.0, 2.0, d, seed=2), FLOATS),
    "random.truncated_normal": (lambda s, d: R.truncated_normal(s, 1.0, 2.0, d, seed=2), FLOATS),
    "random.gamma": (lambda s, d: R.gamma(s, parameters(ALPHAS, d), 2.0, d, seed=2), FLOATS),
    "random.poisson": (
        lambda s, d: R.poisson(s, parameters(RATES, tf.float32), d, seed=2), (*FLOATS, tf.int32, tf.int64)),
    "random.categorical": (lambda s, d: R.categorical(LOGITS, s[0] * 3, d, seed=2), (tf.int32, tf.int64)),
    "random.shuffle": (lambda s, d: R.shuffle(tf.reshape(tf.range(s[0] * 12, dtype=d), (-1, 3)), seed=2),
                       (tf.float32, tf.int32)),
    "random.stateless_uniform": (lambda s, d: R.stateless_uniform(s, SEED, -1, 3, d),
                                 (*FLOATS, tf.int32, tf.int64)),
    "random.stateless_uniform full": (lambda s, d: R.stateless_uniform(s, SEED, None, None, d), INTEGERS),
    "random.stateless_normal": (lambda s, d: R.stateless_normal(s, SEED, 1.0, 2.0, d), FLOATS),
    "random.stateless_truncated_normal": (lambda s, d: R.stateless_truncated_normal(s, SEED, 1.0, 2.0, d), FLOATS),
    "random.stateless_parameterized_truncated_normal": (
        lambda s, d: R.stateless_parameterized_truncated_normal(
            (*s, 3), SEED, parameters([0.0, 5.0, 0.0], d), parameters(1.0, d), parameters([-1.0, -np.inf, 0.1], d),
            parameters([9.0, 1.0, 0.2], d)), FLOATS),
    "random.stateless_gamma": (lambda s, d: R.stateless_gamma((*s, 4), SEED, parameters(ALPHAS, d), None, d), FLOATS),
    "random.stateless_poisson": (lambda s, d: R.stateless_poisson((*s, 4), SEED, RATES, d),
                                 (*FLOATS, tf.int32, tf.int64)),
    "random.stateless_binomial": (
        lambda s, d: R.stateless_binomial((*s, 4), SEED, [5.0, 40.0, 1000.0, 9.0], [0.3, 0.5, 0.99, 0.7], d),
        (*FLOATS, tf.int32, tf.int64)),
    "random.stateless_categorical": (lambda s, d: R.stateless_categorical(LOGITS, s[0] * 3, SEED, d),
                                     (tf.int32, tf.int64)),
    "random.experimental.stateless_shuffle": (
        lambda s, d: R.experimental.stateless_shuffle(tf.range(s[0] * 12, dtype=d), SEED), (tf.float32, tf.int32)),
    "random.experimental.index_shuffle": (
        lambda s, d: R.experimental.index_shuffle(tf.range(s[0] + 1, dtype=d), SEED, 300), (tf.int32, tf.int64)),
    "random.split": (lambda s, d: R.split(tf.constant(SEED, d), s[0]), (tf.int32, tf.int64)),
    "random.fold_in": (lambda s, d: R.fold_in(SEED, tf.constant(7, d)), (tf.int32, tf.int64)),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_traced_draws_are_the_eager_ones(name):
    """All dtypes in one function, called twice; two calls of a stream differ, of a seed they do not."""
    draw, kinds = DRAWS[name]
    native = tf.function(lambda: [draw((7, 3), kind) for kind in kinds], strict=True)
    results = []
    for run in (native, lambda: [draw((7, 3), kind) for kind in kinds]):
        R.set_seed(91)
        results.append([run(), run()])
    for got, want in zip(*results, strict=True):
        for g, w, kind in zip(got, want, kinds, strict=True):
            assert g.dtype is w.dtype is kind and g.shape == w.shape
            np.testing.assert_array_equal(g.numpy(), w.numpy())
    stateless = not name.startswith("random.") or "stateless" in name or name in STATELESS
    for a, b in zip(*results[0], strict=True):
        assert np.array_equal(a.numpy(), b.numpy()) == stateless


STATELESS = ("random.experimental.index_shuffle", "random.split", "random.fold_in")

OPEN = {
    "truncated_normal": lambda x: R.stateless_truncated_normal(tf.shape(x), SEED),
    "parameterized": lambda x: R.stateless_parameterized_truncated_normal(tf.shape(x), SEED, 0.0, 1.0, -1.0, 3.0),
    "gamma": lambda x: R.stateless_gamma(tf.shape(x), SEED, 1 + tf.abs(x)),
    "poisson": lambda x: R.stateless_poisson(tf.shape(x), SEED, 1 + tf.abs(x)),
    "binomial": lambda x: R.stateless_binomial(tf.shape(x), SEED, 9.0, [0.1, 0.5, 0.9]),
    "categorical": lambda x: R.stateless_categorical(x, 5, SEED),
    "shuffle": lambda x: R.experimental.stateless_shuffle(x, SEED),
    "stream": lambda x: R.gamma((2,), tf.abs(x) + 1, seed=4) + R.truncated_normal(tf.shape(x), seed=4),
}


@pytest.mark.parametrize("name", OPEN)
def test_open_sizes_draw_the_same(name):
    native = tf.function(OPEN[name], strict=True, input_signature=[tf.TensorSpec((None, 3))])
    results = []
    for run in (native, OPEN[name]):
        R.set_seed(3)
        results.append([run(tf.constant(np.linspace(-1, 1, 3 * n, dtype=np.float32).reshape(n, 3))) for n in (4, 1, 7)])
    for got, want in zip(*results, strict=True):
        np.testing.assert_array_equal(got.numpy(), want.numpy())


METHODS = {
    "truncated_normal": lambda g: g.truncated_normal((5,)),
    "uniform_full_int": lambda g: g.uniform_full_int((5,)),
    "binomial": lambda g: g.binomial((6, 2), [10.0, 20.0], [0.8]),
    "make_seeds": lambda g: g.make_seeds(4),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_generators_run_traced(name):
    eager, traced = (R.Generator.from_seed(6) for _ in range(2))
    native = tf.function(lambda: METHODS[name](traced), strict=True)
    for _ in range(2):
        np.testing.assert_array_equal(native().numpy(), METHODS[name](eager).numpy())
    np.testing.assert_array_equal(eager.state.numpy(), traced.state.numpy())


def test_seeds_and_generators_split_off():
    g = R.Generator.from_seed(1)
    keys = R.Generator.from_seed(1).uniform_full_int((3,), tf.int64).numpy()
    parts = g.split(3)
    assert [p.state.numpy().tolist() for p in parts] == [[0, 0, k] for k in keys.tolist()]
    seeds = R.Generator.from_seed(1).make_seeds(3).numpy()
    np.testing.assert_array_equal(seeds, [keys, np.zeros(3)])
    with pytest.raises(tf.errors.UnsupportedError, match="make_seeds"):
        tf.function(lambda: g.split(2)[0].normal(()), strict=True)()


def test_the_global_generator_can_be_replaced():
    before, mine = R.get_global_generator(), R.Generator.from_seed(8)
    try:
        R.set_global_generator(mine)
        assert R.get_global_generator() is mine
        np.testing.assert_array_equal(R.normal((3,)).numpy(), R.Generator.from_seed(8).normal((3,)).numpy())
    finally:
        R.set_global_generator(before)


def test_names_of_algorithms():
    assert R.Algorithm.PHILOX.value == 1 and R.experimental.Algorithm is R.Algorithm
    same = [R.stateless_normal((2,), SEED, alg=alg).numpy() for alg in ("philox", R.Algorithm.AUTO_SELECT, 1)]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])


MATRIX = [[0.0, 1.0]]
FAULTS = {
    "random.uniform": [
        (ValueError, ((2,), 0, None, tf.int32)), (ValueError, ((2,), 5, 5, tf.int32)),
        (TypeError, ((2,), 0, 1, tf.bool)), (TypeError, (2.5,)), (ValueError, ((2,), 0, 1, tf.float32, "x")),
    ],
    "random.normal": [(TypeError, ((2,), 0, 1, tf.int32)), (ValueError, ((None, 2),))],
    "random.truncated_normal": [(TypeError, ((2,), 0, 1, tf.int32))],
    "random.gamma": [(TypeError, ((2,), 1.0, None, tf.int32)), (TypeError, ((2,), tf.constant(1.0, tf.float64)))],
    "random.poisson": [(TypeError, ((2,), 1.0, tf.bool)), (TypeError, ((2,), True))],
    "random.categorical": [
        (ValueError, ([1.0, 2.0], 3)), (ValueError, (MATRIX, -1)), (TypeError, (MATRIX, 3, tf.float32)),
        (TypeError, (tf.constant([[1, 2]]), 3)),
    ],
    "random.shuffle": [(ValueError, (3,))],
    "random.stateless_uniform": [
        (ValueError, ((2,), (1, 2, 3))), (ValueError, ((2,), (1, 2), 0, None, tf.int32)),
        (TypeError, ((2,), (1.5, 2.0))),
    ],
    "random.stateless_normal": [(ValueError, ((2,), 1)), (TypeError, ((2,), (1, 2), 0, 1, tf.int64))],
    "random.stateless_truncated_normal": [(ValueError, ((2,), 1)), (TypeError, ((2,), (1, 2), 0, 1, tf.int64))],
    "random.stateless_parameterized_truncated_normal": [
        (ValueError, ((2,), SEED, 0.0, -1.0)), (ValueError, ((2,), SEED, 0.0, 1.0, 3.0, 2.0)),
        (ValueError, ((2,), SEED, 0.0, 1.0, -np.inf, np.inf)), (ValueError, ((2,), SEED, [0.0, 1.0, 2.0])),
    ],
    "random.stateless_gamma": [
        (ValueError, ((2, 3), SEED, [1.0, 2.0])), (ValueError, ((2,), (1,), 1.0)),
        (TypeError, ((2,), SEED, 1.0, None, tf.int32)), (TypeError, ((2,), SEED, tf.constant(1.0), None, tf.float64)),
    ],
    "random.stateless_poisson": [(ValueError, ((2, 3), SEED, [1.0, 2.0])), (TypeError, ((2,), SEED, 1.0, tf.bool))],
    "random.stateless_binomial": [
        (ValueError, ((2, 3), SEED, [1.0, 2.0], 0.5)), (TypeError, ((2,), SEED, 3.0, tf.constant(1))),
        (TypeError, ((2,), SEED, tf.constant(3.0, tf.float64), 0.5)), (TypeError, ((2,), SEED, 3.0, 0.5, tf.bool)),
    ],
    "random.stateless_categorical": [(ValueError, (MATRIX, 3, (1, 2, 3))), (ValueError, ([1.0], 3, SEED))],
    "random.experimental.stateless_shuffle": [(ValueError, (3, SEED)), (ValueError, ([1, 2], 4))],
    "random.experimental.index_shuffle": [
        (ValueError, (1, [1, 2, 3], 9)), (TypeError, (1.5, SEED, 9)), (ValueError, (1, SEED, [9, 9])),
    ],
    "random.split": [(ValueError, ((1, 2, 3),)), (TypeError, ((1.0, 2.0),))],
    "random.fold_in": [(ValueError, ((1, 2, 3), 4)), (TypeError, (SEED, 1.5)), (ValueError, (SEED, [1, 2]))],
    "random.create_rng_state": [(NotImplementedError, (1, "threefry")), (ValueError, (1, "mersenne"))],
    "random.set_seed": [(ValueError, ("a",))],
    "random.get_global_generator": [(TypeError, (1,))],
    "random.set_global_generator": [(ValueError, (1,))],
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_bad_input_is_refused(name):
    for error, arguments in FAULTS[name]:
        with pytest.raises(error) as info:
            lookup(name)(*arguments)
        assert len(str(info.value)) > 12


def test_bad_bounds_stop_a_traced_run():
    native = tf.function(lambda low: R.stateless_parameterized_truncated_normal((4,), SEED, 0.0, 1.0, low, 2.0))
    assert native(tf.constant(0.5)).shape == (4,)
    with pytest.raises(tf.errors.InvalidArgumentError, match="minval < maxval"):
        native(tf.constant(2.5))


def test_bad_generators_are_refused():
    for arguments in ({}, {"state": [1, 2]}, {"state": [1.5, 2.0, 3.0]}):
        with pytest.raises((ValueError, TypeError), match=r"give either|shape|fractions"):
            R.Generator(**arguments)
    with pytest.raises(tf.errors.UnsupportedError, match="philox"):
        R.Generator.from_seed(1, alg="threefry")
    with pytest.raises(ValueError, match="counter"):
        R.Generator.from_key_counter(1, [1, 2, 3], "philox")
    with pytest.raises(ValueError, match="must end"):
        R.Generator.from_seed(1).binomial((3,), [1.0, 2.0], 0.5)
    with pytest.raises(TypeError, match="integer"):
        R.Generator.from_seed(1).uniform_full_int((3,), tf.float32)


def test_no_function_is_left_out():
    """Loads every name first, so that all functions are known."""
    for space in (R, R.experimental):
        assert all(getattr(space, name) is not None for name in dir(space))
    known = {NAMES[n] for n in NAMES if n.startswith("random.")}
    assert known == {lookup(name) for name in FAULTS}
    drawn = {lookup(name.partition(" ")[0]) for name in DRAWS}
    rest = {"create_rng_state", "set_seed", "get_global_generator", "set_global_generator"}
    assert known - drawn == {getattr(R, name) for name in rest}
