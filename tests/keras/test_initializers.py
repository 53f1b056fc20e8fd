"""Initializers, regularizers, constraints and activations: names, statistics, seeds, configs, values and errors."""

import json
import math
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import activations, constraints, initializers, regularizers

Array = np.ndarray
SIZE = (200, 300)

# Initializers ----------------------------------------------------------------------------------------------------

UNIFORM = {
    "RandomUniform": 0.05, "GlorotUniform": math.sqrt(6 / 500), "HeUniform": math.sqrt(6 / 200),
    "LecunUniform": math.sqrt(3 / 200),
}  # fmt: skip
TRUNCATED = {
    "GlorotNormal": math.sqrt(2 / 500), "HeNormal": math.sqrt(2 / 200), "LecunNormal": math.sqrt(1 / 200),
    "VarianceScaling": math.sqrt(1 / 200),
}  # fmt: skip


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_statistics(name: str) -> None:
    tf.random.set_seed(5)
    x = getattr(initializers, name)()(SIZE).numpy().astype(float)
    limit = UNIFORM[name]
    assert np.abs(x).max() <= limit
    assert abs(x.mean()) < 4 * limit / math.sqrt(3 * x.size)
    assert x.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize("name", TRUNCATED)
def test_truncated_statistics(name: str) -> None:
    tf.random.set_seed(5)
    x = getattr(initializers, name)()(SIZE).numpy().astype(float)
    assert x.std() == pytest.approx(TRUNCATED[name], rel=0.02)
    assert abs(x.mean()) < 4 * TRUNCATED[name] / math.sqrt(x.size)
    assert np.abs(x).max() <= 2 * TRUNCATED[name] / 0.87962566103423978 * (1 + 1e-6)


def test_normal_statistics() -> None:
    tf.random.set_seed(5)
    x = initializers.RandomNormal(0.5, 0.1)(SIZE).numpy().astype(float)
    assert (x.mean(), x.std()) == (pytest.approx(0.5, abs=2e-3), pytest.approx(0.1, rel=0.02))
    x = initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")(SIZE).numpy().astype(float)
    assert x.std() == pytest.approx(math.sqrt(2 / 300), rel=0.02)
    assert np.abs(x).max() > 3 * math.sqrt(2 / 300)
    x = initializers.TruncatedNormal(stddev=0.5)(SIZE).numpy().astype(float)
    assert np.abs(x).max() <= 1.0
    assert x.std() == pytest.approx(0.5 * 0.87962566103423978, rel=0.02)


def test_units_of_kernels_count_their_field() -> None:
    x = initializers.GlorotUniform(seed=1)((3, 3, 8, 16)).numpy()
    limit = math.sqrt(6 / (9 * 8 + 9 * 16))
    assert 0.98 * limit < np.abs(x).max() <= limit


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4), (4, 4)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    x = initializers.Orthogonal(gain=2.0, seed=3)(shape, dtype="float64").numpy().reshape(-1, shape[-1])
    product = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_fixed_initializers() -> None:
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), 3 * np.eye(2, 3))
    np.testing.assert_array_equal(initializers.Constant([1, 2, 3, 4])((2, 2)), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(initializers.Constant(np.eye(2))((2, 2), dtype="int32"), np.eye(2))
    assert initializers.Zeros()((2,), dtype="bool").dtype == tf.bool
    assert initializers.Ones()((2,)).dtype == tf.float32
    integers = initializers.RandomUniform(0, 5, seed=1)((50,), dtype="int32").numpy()
    assert set(integers) == {0, 1, 2, 3, 4}


def test_a_seed_gives_the_same_numbers_each_time() -> None:
    one = initializers.HeNormal(seed=4)
    np.testing.assert_array_equal(one((3, 2)), one((3, 2)))
    np.testing.assert_array_equal(one((3, 2)), initializers.HeNormal(seed=4)((3, 2)))
    assert not np.array_equal(one((3, 2)), initializers.HeNormal(seed=5)((3, 2)))
    tf.keras.utils.set_random_seed(8)
    first = initializers.HeNormal()
    drawn = first((3, 2)).numpy()
    assert not np.array_equal(drawn, first((3, 2)))
    tf.keras.utils.set_random_seed(8)
    np.testing.assert_array_equal(first((3, 2)), drawn)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("GlorotUniform", [0.7008239, -0.074102163, 0.18570328]),
        ("TruncatedNormal", [0.0063325153, -0.024650829, 0.031559538]),
        ("RandomNormal", [0.0063325153, -0.024650829, 0.031559538]),
        ("Orthogonal", [0.065261006, -0.52365458, -0.54226851]),
    ],
)  # fmt: skip
def test_seeds_give_the_numbers_of_tensorflow(name: str, first: list[float]) -> None:
    # What tf.keras of TensorFlow 2.15 draws with seed=1 for the shape (4, 3).
    np.testing.assert_allclose(getattr(initializers, name)(seed=1)((4, 3)).numpy()[0], first, rtol=2e-6)


def test_configs_of_initializers() -> None:
    for name in (*UNIFORM, *TRUNCATED, "RandomNormal", "TruncatedNormal", "Orthogonal", "Identity", "Zeros", "Ones"):
        made = getattr(initializers, name)()
        data = json.loads(json.dumps(initializers.serialize(made)))
        assert data["class_name"] == name
        assert data["module"] == "keras.initializers"
        again = initializers.deserialize(data)
        assert type(again) is type(made)
        assert again.get_config() == made.get_config()
    assert initializers.GlorotUniform(seed=2).get_config() == {"seed": 2}
    assert list(initializers.VarianceScaling().get_config()) == ["scale", "mode", "distribution", "seed"]
    kept = initializers.deserialize(json.loads(json.dumps(initializers.serialize(initializers.Constant(np.eye(2))))))
    np.testing.assert_array_equal(kept((2, 2)), np.eye(2))
    of_keras = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0], "dtype": "float64"}}
    np.testing.assert_array_equal(initializers.Constant.from_config({"value": of_keras})((2,)), [1, 2])


def test_names_of_initializers() -> None:
    for name in ("zeros", "Zeros", "zero", "one", "constant", "uniform", "normal", "random_uniform", "he_normal"):
        assert isinstance(initializers.get(name), initializers.Initializer)
    assert initializers.glorot_uniform is initializers.GlorotUniform
    assert (initializers.zeros, initializers.constant) == (initializers.Zeros, initializers.Constant)
    legacy = initializers.serialize(initializers.HeNormal(seed=1), use_legacy_format=True)
    assert legacy == {"class_name": "HeNormal", "config": {"seed": 1}}
    assert initializers.deserialize(legacy, use_legacy_format=True).get_config() == {"seed": 1}
    assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
    assert initializers.get(None) is None
    with pytest.raises(ValueError, match=r"Unknown initializer: 'glorotUniform'\. Did you mean 'GlorotUniform'"):
        initializers.get("glorotUniform")
    with pytest.raises(ValueError, match="Could not interpret initializer"):
        initializers.get(3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: initializers.RandomNormal()((2,), dtype="int32"), ValueError, "Expected floating point"),
        (lambda: initializers.Zeros()((2,), dtype="string"), ValueError, "numeric or boolean"),
        (lambda: initializers.Zeros()((2,), foo=1), TypeError, "Unknown keyword arguments"),
        (lambda: initializers.Constant([1, 2, 3])((2,)), TypeError, "3 elements"),
        (lambda: initializers.Identity()((2,)), ValueError, "2D matrices"),
        (lambda: initializers.Orthogonal()((2,)), ValueError, "at least two-dimensional"),
        (lambda: initializers.VarianceScaling(scale=0), ValueError, "positive"),
        (lambda: initializers.VarianceScaling(mode="fan"), ValueError, "`mode`"),
        (lambda: initializers.VarianceScaling(distribution="gamma"), ValueError, "`distribution`"),
    ],
)
def test_bad_initializers(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_parts_of_weights() -> None:
    part = initializers.HeUniform()((400, 10), partition_shape=(20, 10), partition_offset=(0, 0)).numpy()
    assert part.shape == (20, 10)
    assert 0.9 * math.sqrt(6 / 400) < np.abs(part).max() <= math.sqrt(6 / 400)


# Regularizers ----------------------------------------------------------------------------------------------------

W = np.array([[1.0, -2.0], [3.0, 4.0], [0.5, 0.1]])


def cosines(w: Array) -> float:
    unit = w / np.linalg.norm(w, axis=1, keepdims=True)
    pairs = [abs(unit[i] @ unit[j]) for i in range(len(w)) for j in range(i)]
    return sum(pairs) / len(pairs)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (regularizers.L1(0.1), 0.1 * np.abs(W).sum()),
        (regularizers.L2(0.1), 0.1 * (W**2).sum()),
        (regularizers.L1L2(0.1, 0.2), 0.1 * np.abs(W).sum() + 0.2 * (W**2).sum()),
        (regularizers.L1L2(), 0.0),
        (regularizers.OrthogonalRegularizer(0.1), 0.1 * cosines(W)),
        (regularizers.OrthogonalRegularizer(0.1, mode="columns"), 0.1 * cosines(W.T)),
    ],
)
def test_regularizers(made: Any, expected: float) -> None:
    assert float(made(tf.constant(W))) == pytest.approx(expected, rel=1e-12)
    assert made(tf.constant(W)).dtype == tf.float64
    traced = tf.function(lambda x: made(x), strict=True)
    assert float(traced(tf.constant(W))) == pytest.approx(expected, rel=1e-12)
    again = regularizers.deserialize(json.loads(json.dumps(regularizers.serialize(made))))
    assert again.get_config() == made.get_config()


def test_names_and_arguments_of_regularizers() -> None:
    assert regularizers.get("l2").get_config() == {"l2": 0.01}
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    assert regularizers.get("L1L2").get_config() == {"l1": 0.0, "l2": 0.0}
    assert isinstance(regularizers.get("orthogonal_regularizer"), regularizers.OrthogonalRegularizer)
    assert (regularizers.L1(None).l1, regularizers.L2(l=0.3).l2) == (0.01, 0.3)
    with pytest.raises(ValueError, match=r"Unknown regularizer: 'l1_l3'\. Did you mean .*'l1_l2'"):
        regularizers.get("l1_l3")
    for bad in ("a", math.nan, math.inf):
        with pytest.raises(ValueError, match="not a valid regularization penalty"):
            regularizers.L1(bad)
    with pytest.raises(TypeError, match="not recognized"):
        regularizers.L2(factor=0.3)
    with pytest.raises(ValueError, match="rank 2"):
        regularizers.OrthogonalRegularizer()(tf.ones(3))
    with pytest.raises(ValueError, match="`mode`"):
        regularizers.OrthogonalRegularizer(mode="both")


# Constraints -----------------------------------------------------------------------------------------------------

NORMS = np.linalg.norm(W, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (constraints.MaxNorm(2.0), W * np.minimum(NORMS, 2) / (1e-7 + NORMS)),
        (constraints.MaxNorm(2.0, axis=[0, 1]), W * 2 / (1e-7 + np.linalg.norm(W))),
        (constraints.NonNeg(), np.maximum(W, 0)),
        (constraints.UnitNorm(axis=1), W / (1e-7 + np.linalg.norm(W, axis=1, keepdims=True))),
        (constraints.MinMaxNorm(4.0, 4.1, 0.5), W * (0.5 * np.clip(NORMS, 4, 4.1) + 0.5 * NORMS) / (1e-7 + NORMS)),
    ],
)
def test_constraints(made: Any, expected: Array) -> None:
    np.testing.assert_allclose(made(tf.constant(W)), expected, rtol=1e-12)
    traced = tf.function(lambda w: made(w), strict=True)
    np.testing.assert_allclose(traced(tf.constant(W)), expected, rtol=1e-12)
    again = constraints.deserialize(json.loads(json.dumps(constraints.serialize(made))))
    assert again.get_config() == made.get_config()


@pytest.mark.parametrize(("n", "rings"), [(1, [0]), (3, [0, 4]), (4, [5, 15]), (5, [6, 12, 18])])
def test_radial_constraint_makes_rings_equal(n: int, rings: list[int]) -> None:
    kernel = np.arange(n * n, dtype="float32").reshape(n, n, 1, 1) + np.array([[[[0.0, 100.0]]]], "float32")
    made = constraints.get("radial_constraint")(tf.constant(kernel)).numpy()
    distance = np.abs(np.arange(n) - (n - 1) / 2)
    ring = np.floor(np.maximum(distance[:, None], distance[None])).astype(int)
    np.testing.assert_array_equal(made[..., 0, 0], np.array(rings)[ring])
    np.testing.assert_array_equal(made[..., 0, 1], np.array(rings)[ring] + 100)


def test_names_of_constraints() -> None:
    for name in ("max_norm", "MaxNorm", "maxnorm", "non_neg", "nonneg", "unit_norm", "unitnorm", "min_max_norm"):
        assert isinstance(constraints.get(name), constraints.Constraint)
    with pytest.raises(ValueError, match="Did you mean 'min_max_norm'"):
        constraints.get("minmaxnorm")
    with pytest.raises(ValueError, match="rank 4"):
        constraints.RadialConstraint()(tf.ones((2, 2)))
    with pytest.raises(ValueError, match="as wide as high"):
        constraints.RadialConstraint()(tf.ones((2, 3, 1, 1)))


# Activations -----------------------------------------------------------------------------------------------------


def test_names_of_activations() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("silu") is activations.get("swish")
    assert activations.serialize(tf.nn.relu) == "relu"
    assert activations.serialize(activations.get("silu")) == "swish"
    layer = activations.get("LeakyReLU")
    assert isinstance(layer, tf.keras.layers.LeakyReLU)
    assert isinstance(activations.get(activations.serialize(layer)), tf.keras.layers.LeakyReLU)
    dense = tf.keras.layers.Dense(2, activation="PReLU")
    again = tf.keras.layers.Dense.from_config(json.loads(json.dumps(dense.get_config())))
    assert isinstance(again.activation, tf.keras.layers.PReLU)
    with pytest.raises(ValueError, match="Unknown activation function: 'Relu'"):
        activations.get("Relu")
    with pytest.raises(ValueError, match="1D"):
        activations.softmax(tf.constant([1.0, 2.0]))


def test_relu_options() -> None:
    x = np.array([-3.0, 0.5, 1.5, 4.0])
    got = activations.relu(tf.constant(x), alpha=0.5, max_value=2.0, threshold=1.0)
    np.testing.assert_allclose(got, [-2.0, -0.25, 1.5, 2.0])
