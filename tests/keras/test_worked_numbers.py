"""Losses, metrics, optimizers, schedules, initializers and the like against NumPy restatements in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from eager.keras.optimizers import schedules

Array = np.ndarray


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


# Losses ------------------------------------------------------------------------------------------------------

EPS = 1e-7
T = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
P = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
Z = np.array([[-1.0, 2.5, 0.5], [3.0, -2.0, 0.0]])


def clip(x: Array) -> Array:
    return np.clip(x, EPS, 1 - EPS)


def binary(t: Array, p: Array) -> Array:
    return -(t * np.log(p + EPS) + (1 - t) * np.log(1 - p + EPS)).mean(-1)


LOSSES: list[tuple[Any, Array, Array, Array]] = [
    (losses.MeanSquaredError(), T, Z, ((T - Z) ** 2).mean(-1)),
    (losses.MeanAbsoluteError(), T, Z, np.abs(T - Z).mean(-1)),
    (losses.MeanAbsolutePercentageError(), T + 1, Z, 100 * np.abs((T + 1 - Z) / (T + 1)).mean(-1)),
    (losses.MeanSquaredLogarithmicError(), T, P, ((np.log(np.maximum(T, EPS) + 1) - np.log(P + 1)) ** 2).mean(-1)),
    (losses.Huber(0.8), T, Z, np.where(np.abs(T - Z) <= 0.8, (T - Z) ** 2 / 2, 0.8 * np.abs(T - Z) - 0.32).mean(-1)),
    (losses.LogCosh(), T, Z, np.log(np.cosh(Z - T)).mean(-1)),
    (losses.KLDivergence(), T, P, (np.clip(T, EPS, 1) * np.log(np.clip(T, EPS, 1) / P)).sum(-1)),
    (losses.Poisson(), T, P, (P - T * np.log(P + EPS)).mean(-1)),
    (losses.Hinge(), np.sign(T - 0.25), Z, np.maximum(1 - np.sign(T - 0.25) * Z, 0).mean(-1)),
    (losses.Hinge(), np.round(T), Z, np.maximum(1 - (2 * np.round(T) - 1) * Z, 0).mean(-1)),
    (losses.SquaredHinge(), np.sign(T - 0.25), Z, (np.maximum(1 - np.sign(T - 0.25) * Z, 0) ** 2).mean(-1)),
    (losses.CategoricalHinge(), T, Z, np.maximum(((1 - T) * Z).max(-1) - (T * Z).sum(-1) + 1, 0)),
    (losses.CosineSimilarity(), T, Z, -(T * Z).sum(-1) / np.linalg.norm(T, axis=-1) / np.linalg.norm(Z, axis=-1)),
    (losses.BinaryCrossentropy(), T, P, binary(T, P)),
    (losses.BinaryCrossentropy(label_smoothing=0.2), T, P, binary(T * 0.8 + 0.1, P)),
    (losses.BinaryCrossentropy(True), T, Z, -(T * np.log(sigmoid(Z)) + (1 - T) * np.log(sigmoid(-Z))).mean(-1)),
    (losses.CategoricalCrossentropy(), T, 2 * P, -(T * np.log(P)).sum(-1)),
    (losses.CategoricalCrossentropy(label_smoothing=0.3), T, P, -((T * 0.7 + 0.1) * np.log(P)).sum(-1)),
    (losses.CategoricalCrossentropy(from_logits=True), T, Z, -(T * np.log(softmax(Z))).sum(-1)),
    (losses.SparseCategoricalCrossentropy(), np.array([1, 2]), P, -np.log(np.array([0.7, 0.4]))),
    (losses.SparseCategoricalCrossentropy(), np.array([[1], [2]]), P, -np.log(np.array([0.7, 0.4]))),
    (losses.SparseCategoricalCrossentropy(True), np.array([1, 2]), Z, -np.log(softmax(Z)[[0, 1], [1, 2]])),
]  # fmt: skip


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case[0].name)
def test_losses(case: Any) -> None:
    loss, target, prediction, expected = case
    p = tf.constant(prediction)
    np.testing.assert_allclose(loss(target, p), expected.mean(), rtol=2e-6)
    loss.reduction = "none"
    np.testing.assert_allclose(loss(target, p), expected, rtol=2e-6, atol=1e-7)
    loss.reduction = "sum"
    weights = np.array([0.5, 2.0])
    np.testing.assert_allclose(loss(target, p, sample_weight=weights), (expected * weights).sum(), rtol=2e-6)
    loss.reduction = "auto"
    np.testing.assert_allclose(loss(target, p, sample_weight=weights), (expected * weights).sum() / 2, rtol=2e-6)
    traced = tf.function(lambda t, q: loss(t, q), strict=True)
    np.testing.assert_allclose(traced(tf.constant(target), p), expected.mean(), rtol=2e-6)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()


def test_loss_of_a_layers_probabilities_keeps_the_logits_precision() -> None:
    far = tf.constant([[40.0, -40.0, 0.0]])
    probabilities = layers.Softmax()(far)
    assert float(losses.SparseCategoricalCrossentropy()([1], probabilities)) == pytest.approx(80.0)
    assert float(losses.BinaryCrossentropy()([[0.0]], layers.Activation("sigmoid")(tf.constant([[50.0]])))) == 50.0


def test_masks_leave_elements_out_of_losses() -> None:
    prediction = tf.constant([[[1.0], [5.0]], [[3.0], [9.0]]])
    prediction._keras_mask = tf.constant([[True, False], [True, False]])
    assert float(losses.MeanSquaredError()(np.zeros((2, 2, 1)), prediction)) == 5.0


def test_bad_losses() -> None:
    with pytest.raises(ValueError, match="Invalid Reduction Key"):
        losses.MeanSquaredError(reduction="mean")
    with pytest.raises(ValueError, match="incompatible"):
        losses.CategoricalCrossentropy()(np.eye(2), np.ones((2, 3)))
    with pytest.raises(ValueError, match="do not broadcast"):
        losses.MeanSquaredError()(np.ones((2, 4)), np.ones((2, 3)))


# Metrics -----------------------------------------------------------------------------------------------------


METRICS: list[tuple[Any, Array, Array, float]] = [
    (metrics.Accuracy(), np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4]), 0.75),
    (metrics.BinaryAccuracy(), np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.1]), 0.5),
    (metrics.BinaryAccuracy(threshold=0.3), np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.1]), 0.75),
    (metrics.CategoricalAccuracy(), np.eye(3)[[0, 1]], np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2]]), 0.5),
    (metrics.SparseCategoricalAccuracy(), np.array([[0], [1]]), np.array([[0.8, 0.1], [0.5, 0.3]]), 0.5),
    (metrics.MeanSquaredError(), T, Z, ((T - Z) ** 2).mean()),
    (metrics.RootMeanSquaredError(), T, Z, np.sqrt(((T - Z) ** 2).mean())),
    (metrics.MeanAbsoluteError(), T, Z, np.abs(T - Z).mean()),
    (metrics.KLDivergence(), T, P, (np.clip(T, EPS, 1) * np.log(np.clip(T, EPS, 1) / P)).sum(-1).mean()),
    (metrics.BinaryCrossentropy(), T, P, binary(T, P).mean()),
    (metrics.CategoricalCrossentropy(from_logits=True), T, Z, -(T * np.log(softmax(Z))).sum(-1).mean()),
    (metrics.SparseCategoricalCrossentropy(), np.array([1, 2]), P, -np.log(np.array([0.7, 0.4])).mean()),
    (metrics.CosineSimilarity(), np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]]), np.sqrt(0.5)),
]


@pytest.mark.parametrize("case", METRICS, ids=lambda case: case[0].name)
def test_metrics(case: Any) -> None:
    metric, target, prediction, expected = case
    assert float(metric(target, prediction)) == pytest.approx(expected, rel=2e-6)
    assert float(metric(target, prediction)) == pytest.approx(expected, rel=2e-6)
    metric.reset_state()
    assert float(metric.result()) == 0.0
    tf.function(metric.update_state, strict=True)(tf.constant(target), tf.constant(prediction))
    assert float(metric.result()) == pytest.approx(expected, rel=2e-6)
    assert not metric.trainable_variables
    assert type(metric).from_config(metric.get_config()).name == metric.name


def test_running_mean_and_sum() -> None:
    mean = metrics.Mean()
    mean.update_state([1.0, 3.0], sample_weight=[3.0, 1.0])
    mean.update_state(6.5)
    assert float(mean.result()) == 2.5
    total = metrics.Sum()
    total.update_state(np.ones((2, 3)))
    assert float(total.result()) == 6.0
    assert [v.name.rpartition("/")[2] for v in mean.variables] == ["total:0", "count:0"]


# Optimizers --------------------------------------------------------------------------------------------------

Rule = Callable[[Array, Array, int, dict[str, Array]], Array]


def sgd(momentum: float, nesterov: bool) -> Rule:
    def rule(w: Array, g: Array, t: int, s: dict[str, Array]) -> Array:
        s["m"] = momentum * s.get("m", 0) - 0.1 * g
        return w + (momentum * s["m"] - 0.1 * g if nesterov else s["m"])

    return rule


def adam(amsgrad: bool, decay: float = 0.0) -> Rule:
    def rule(w: Array, g: Array, t: int, s: dict[str, Array]) -> Array:
        w = w - w * decay * 0.1
        s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
        s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
        s["h"] = np.maximum(s.get("h", 0), s["v"]) if amsgrad else s["v"]
        return w - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["h"]) + 1e-7)

    return rule


def rmsprop(momentum: float, centered: bool) -> Rule:
    def rule(w: Array, g: Array, t: int, s: dict[str, Array]) -> Array:
        s["v"] = 0.9 * s.get("v", 0) + 0.1 * g**2
        s["a"] = 0.9 * s.get("a", 0) + 0.1 * g
        step = 0.1 * g / np.sqrt(s["v"] - (s["a"] ** 2 if centered else 0) + 1e-7)
        s["p"] = momentum * s.get("p", 0) + step
        return w - s["p"]

    return rule


OPTIMIZERS: list[tuple[Any, Rule]] = [
    (lambda: optimizers.SGD(0.1), sgd(0.0, False)),
    (lambda: optimizers.SGD(0.1, momentum=0.9), sgd(0.9, False)),
    (lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True), sgd(0.9, True)),
    (lambda: optimizers.Adam(0.1), adam(False)),
    (lambda: optimizers.Adam(0.1, amsgrad=True), adam(True)),
    (lambda: optimizers.AdamW(0.1, weight_decay=0.05), adam(False, 0.05)),
    (lambda: optimizers.RMSprop(0.1), rmsprop(0.0, False)),
    (lambda: optimizers.RMSprop(0.1, momentum=0.5, centered=True), rmsprop(0.5, True)),
]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("case", range(len(OPTIMIZERS)))
def test_optimizers(case: int, traced: bool, rng: np.random.Generator) -> None:
    make, rule = OPTIMIZERS[case]
    optimizer = make()
    w = rng.normal(size=(3, 2))
    variable = tf.Variable(w)
    state: dict[str, Array] = {}

    def step(g: Any) -> Any:
        return optimizer.apply_gradients([(g, variable)])

    step = tf.function(step, strict=True) if traced else step
    for t in range(1, 6):
        g = rng.normal(size=(3, 2))
        assert int(step(tf.constant(g))) == t
        w = rule(w, g, t, state)
    np.testing.assert_allclose(variable, w, rtol=1e-6, atol=1e-7)
    copied = type(optimizer).from_config(optimizer.get_config())
    assert copied.get_config() == optimizer.get_config()
    assert int(copied.iterations) == 0


def test_clipping() -> None:
    cases = [
        ({"clipvalue": 0.5}, [0.5, -0.5], [0.25]),
        ({"clipnorm": 1.0}, [0.6, -0.8], [0.25]),
        ({"global_clipnorm": 1.0}, np.array([3.0, -4.0]) / np.sqrt(25.0625), [0.25 / np.sqrt(25.0625)]),
    ]
    for options, first, second in cases:
        optimizer = optimizers.SGD(1.0, **options)
        a, b = tf.Variable([0.0, 0.0]), tf.Variable([0.0])
        optimizer.apply_gradients([(tf.constant([3.0, -4.0]), a), (tf.constant([0.25]), b)])
        np.testing.assert_allclose(a, -np.asarray(first), rtol=1e-6)
        np.testing.assert_allclose(b, -np.asarray(second), rtol=1e-6)
    with pytest.raises(ValueError, match="At most one"):
        optimizers.SGD(clipnorm=1.0, global_clipnorm=1.0)


def test_minimize_constraints_and_missing_gradients() -> None:
    v = tf.Variable([1.0, -1.0], constraint=constraints.NonNeg())
    other = tf.Variable(1.0)
    optimizer = optimizers.SGD(0.5)
    with pytest.warns(UserWarning, match="Gradients do not exist for variables"):
        optimizer.minimize(lambda: tf.reduce_sum(v * v), [v, other])
    np.testing.assert_array_equal(v, [0.0, 0.0])
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply_gradients([(None, v)])
    with pytest.raises(ValueError, match="`tape` is required"):
        optimizer.minimize(tf.constant(1.0), [v])
    with pytest.raises(TypeError, match="speed is not a valid argument"):
        optimizers.Adam(speed=1)


def test_learning_rate_can_be_set() -> None:
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25 == float(optimizer.lr)
    assert [v.name for v in optimizer.variables] == ["iteration:0", "learning_rate:0"]
    scheduled = optimizers.SGD(schedules.ExponentialDecay(1.0, 10, 0.5))
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        scheduled.learning_rate = 0.1
    assert isinstance(optimizers.SGD.from_config(scheduled.get_config())._learning_rate, schedules.ExponentialDecay)


SCHEDULES: list[tuple[Any, Callable[[float], float]]] = [
    (schedules.ExponentialDecay(0.1, 10, 0.5), lambda s: 0.1 * 0.5 ** (s / 10)),
    (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), lambda s: 0.1 * 0.5 ** (s // 10)),
    (schedules.CosineDecay(0.1, 20, 0.1), lambda s: 0.1 * (0.9 * (1 + np.cos(np.pi * min(s, 20) / 20)) / 2 + 0.1)),
    (schedules.PiecewiseConstantDecay([5, 12], [1.0, 0.5, 0.1]), lambda s: 1.0 if s <= 5 else 0.5 if s <= 12 else 0.1),
    (schedules.InverseTimeDecay(0.1, 10, 0.5), lambda s: 0.1 / (1 + 0.5 * s / 10)),
    (schedules.PolynomialDecay(0.1, 20, 0.01, 2.0), lambda s: 0.09 * (1 - min(s, 20) / 20) ** 2 + 0.01),
    (schedules.CosineDecay(0.0, 10, warmup_target=0.2, warmup_steps=4),
     lambda s: s / 4 * 0.2 if s < 4 else 0.2 * (1 + np.cos(np.pi * min(s - 4, 10) / 10)) / 2),
]  # fmt: skip


@pytest.mark.parametrize("case", SCHEDULES, ids=lambda case: type(case[0]).__name__)
def test_schedules(case: Any) -> None:
    schedule, expected = case
    traced = tf.function(schedule, strict=True)
    for step in (0, 1, 5, 9, 12, 13, 20, 25):
        assert float(schedule(step)) == pytest.approx(expected(step), rel=1e-5, abs=1e-8)
        assert float(traced(tf.constant(step))) == pytest.approx(expected(step), rel=1e-5, abs=1e-8)
    assert type(schedule).from_config(schedule.get_config()).get_config() == schedule.get_config()


# Initializers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("initializer", "mean", "stddev", "limit"),
    [
        (initializers.RandomNormal(1.0, 2.0), 1.0, 2.0, np.inf),
        (initializers.RandomUniform(-1.0, 3.0), 1.0, 4 / np.sqrt(12), 3.0),
        (initializers.TruncatedNormal(0.0, 1.0), 0.0, 0.87962566103423978, 2.0),
        (initializers.GlorotUniform(), 0.0, np.sqrt(2 / 500), np.sqrt(6 / 500)),
        (initializers.GlorotNormal(), 0.0, np.sqrt(2 / 500), 2 * np.sqrt(2 / 500) / 0.8796),
        (initializers.HeNormal(), 0.0, np.sqrt(2 / 200), np.inf),
        (initializers.HeUniform(), 0.0, np.sqrt(2 / 200), np.sqrt(6 / 200)),
        (initializers.LecunNormal(), 0.0, np.sqrt(1 / 200), np.inf),
        (initializers.LecunUniform(), 0.0, np.sqrt(1 / 200), np.sqrt(3 / 200)),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal"), 0.0, np.sqrt(3 / 300), np.inf),
    ],
)
def test_random_initializers(initializer: Any, mean: float, stddev: float, limit: float) -> None:
    utils.set_random_seed(0)
    draws = initializer((200, 300)).numpy().astype(np.float64)
    assert draws.mean() == pytest.approx(mean, abs=5 * stddev / np.sqrt(draws.size))
    assert draws.std() == pytest.approx(stddev, rel=0.01)
    assert np.abs(draws).max() <= limit * (1 + 1e-6)
    seeded = type(initializer).from_config(initializer.get_config() | {"seed": 3})
    np.testing.assert_array_equal(seeded((4, 5)), seeded((4, 5)))


def test_other_initializers() -> None:
    q = initializers.Orthogonal(seed=1)((5, 3)).numpy()
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=1e-6)
    wide = initializers.Orthogonal(gain=2.0)((2, 6), dtype="float64").numpy()
    np.testing.assert_allclose(wide @ wide.T, 4 * np.eye(2), atol=1e-12)
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), 3 * np.eye(2, 3))
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((2,)), [1.0, 2.0])
    assert initializers.get("he_normal").get_config() == {"seed": None}
    assert initializers.fans((3, 3, 4, 8)) == (36, 72)
    with pytest.raises(ValueError, match="at least two-dimensional"):
        initializers.Orthogonal()((3,))


# Activations, regularizers, constraints ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", lambda x: np.maximum(x, 0)), ("sigmoid", sigmoid), ("tanh", np.tanh), ("softmax", softmax),
        ("swish", lambda x: x * sigmoid(x)), ("silu", lambda x: x * sigmoid(x)),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(x))), ("softplus", lambda x: np.log1p(np.exp(x))),
        ("selu", lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(x))),
        ("softsign", lambda x: x / (1 + np.abs(x))), ("exponential", np.exp), ("linear", lambda x: x),
        ("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1)), ("mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
        ("gelu", lambda x: np.array([[-0.1586552539, 2.4844775, 0.3457312], [2.9959503, -0.0455003, 0.0]])),
    ],
)  # fmt: skip
def test_activations(name: str, expected: Callable[[Array], Array]) -> None:
    x = tf.constant(Z)
    np.testing.assert_allclose(activations.get(name)(x), expected(Z), rtol=2e-6, atol=1e-7)
    function = activations.get(name)
    assert activations.get(activations.serialize(function)) is function


def test_unknown_activation_suggests_near_names() -> None:
    with pytest.raises(ValueError, match=r"Unknown activation function: 'rellu'\. Did you mean 'relu'"):
        layers.Dense(1, activation="rellu")
    with pytest.raises(TypeError, match="Could not interpret"):
        activations.get(3)


def test_regularizers() -> None:
    x = tf.constant(Z)
    assert float(regularizers.L1(0.5)(x)) == pytest.approx(0.5 * np.abs(Z).sum())
    assert float(regularizers.L2(0.5)(x)) == pytest.approx(0.5 * (Z**2).sum())
    assert float(regularizers.L1L2(0.1, 0.2)(x)) == pytest.approx(0.1 * np.abs(Z).sum() + 0.2 * (Z**2).sum())
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    assert regularizers.deserialize(regularizers.serialize(regularizers.L2(0.3))).l2 == 0.3


def test_constraints() -> None:
    norms = np.linalg.norm(Z, axis=0)
    cases = [
        (constraints.MaxNorm(1.0), Z * np.minimum(norms, 1) / (EPS + norms)), (constraints.NonNeg(), np.maximum(Z, 0)),
        (constraints.UnitNorm(), Z / (EPS + norms)),
        (constraints.MinMaxNorm(1.0, 2.0, 0.5), Z * (0.5 * np.clip(norms, 1, 2) + 0.5 * norms) / (EPS + norms)),
    ]  # fmt: skip
    for constraint, expected in cases:
        np.testing.assert_allclose(constraint(tf.constant(Z)), expected, rtol=1e-6)
        assert constraints.deserialize(constraints.serialize(constraint)).get_config() == constraint.get_config()


# Layers ------------------------------------------------------------------------------------------------------


def check(layer: Any, value: Any, expected: Any, **options: Any) -> None:
    """Eager, traced and with an open batch give the expected values."""
    inputs = tf.nest.map_structure(tf.constant, value)
    np.testing.assert_allclose(layer(inputs, **options), expected, rtol=2e-6, atol=1e-7)
    traced = tf.function(lambda x: layer(x, **options), strict=True)
    np.testing.assert_allclose(traced(inputs), expected, rtol=2e-6, atol=1e-7)
    symbolic = tf.nest.map_structure(lambda x: tf.keras.Input(x.shape[1:], dtype=x.dtype), inputs)
    model = tf.keras.Model(symbolic, layer(symbolic, **options))
    np.testing.assert_allclose(model(inputs), expected, rtol=2e-6, atol=1e-7)
    assert model.output.shape.is_compatible_with(np.shape(expected))


def test_values_of_layers(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 3, 2)).astype(np.float32)
    y = rng.normal(size=(4, 3, 2)).astype(np.float32)
    check(layers.Flatten(), x, x.reshape(4, 6))
    check(layers.Flatten(data_format="channels_first"), x, x.transpose(0, 2, 1).reshape(4, 6))
    check(layers.Flatten(), x[:, 0, 0], x[:, :1, 0])
    check(layers.Reshape((2, -1)), x, x.reshape(4, 2, 3))
    check(layers.Permute((2, 1)), x, x.transpose(0, 2, 1))
    check(layers.RepeatVector(2), x[:, 0], np.stack([x[:, 0]] * 2, 1))
    check(layers.Add(), [x, y], x + y)
    check(layers.Subtract(), [x, y], x - y)
    check(layers.Multiply(), [x, y], x * y)
    check(layers.Average(), [x, y], (x + y) / 2)
    check(layers.Maximum(), [x, y], np.maximum(x, y))
    check(layers.Minimum(), [x, y], np.minimum(x, y))
    check(layers.Concatenate(axis=1), [x, y], np.concatenate([x, y], 1))
    check(layers.ReLU(max_value=0.5, negative_slope=0.1, threshold=0.2), x,
          np.where(x >= 0.2, np.minimum(x, 0.5), 0.1 * (x - np.float32(0.2))))  # fmt: skip
    check(layers.LeakyReLU(), x, np.where(x > 0, x, 0.3 * x))
    check(layers.Softmax(), x, softmax(x))
    check(layers.Activation("tanh"), x, np.tanh(x))
    check(layers.Dropout(0.5), x, x)
    check(layers.Lambda(lambda v: v * 2.0), x, 2 * x)


def test_dense_over_more_axes(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 3, 2)).astype(np.float32)
    layer = layers.Dense(5, activation="relu", bias_initializer="ones")
    layer.build((None, 3, 2))
    check(layer, x, np.maximum(x @ layer.kernel.numpy() + 1, 0))
    plain = layers.Dense(5, use_bias=False)
    plain.build((None, 2))
    check(plain, x[:, 0], x[:, 0] @ plain.kernel.numpy())
    assert len(plain.weights) == 1


def test_layer_normalization(rng: np.random.Generator) -> None:
    x = rng.normal(2.0, 3.0, size=(4, 5)).astype(np.float32)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    check(layers.LayerNormalization(), x, expected)
    shifted = layers.LayerNormalization(axis=[1], gamma_initializer="zeros", beta_initializer="ones")
    check(shifted, x, np.ones((4, 5)))


def test_embedding(rng: np.random.Generator) -> None:
    layer = layers.Embedding(6, 3)
    ids = np.array([[0, 5], [2, 2]], np.int32)
    layer.build()
    check(layer, ids, layer.embeddings.numpy()[ids])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(tf.constant(ids)))
    gradient = tf.convert_to_tensor(tape.gradient(total, layer.embeddings))
    np.testing.assert_array_equal(gradient[:, 0], [1, 0, 2, 0, 0, 1])
    with pytest.raises(tf.errors.InvalidArgumentError):
        layer(tf.constant([[6]]))


def test_dropout_streams() -> None:
    x = tf.ones((200,))
    a, b = layers.Dropout(0.25, seed=7), layers.Dropout(0.25, seed=7)
    first, again = a(x, training=True).numpy(), a(x, training=True).numpy()
    np.testing.assert_array_equal(first, b(x, training=True))
    assert not np.array_equal(first, again)
    np.testing.assert_allclose(np.unique(first), [0.0, 4 / 3], rtol=1e-6)
    assert a.weights == []
    rows = layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(tf.ones((6, 4)), training=True).numpy()
    assert all(len(set(row)) == 1 for row in rows)
    np.testing.assert_array_equal(layers.Dropout(1.0)(x, training=True), np.zeros(200))
    with pytest.raises(ValueError, match="between 0 and 1"):
        layers.Dropout(1.5)


def test_utils() -> None:
    np.testing.assert_array_equal(utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
    assert utils.to_categorical(np.zeros((4, 1)), 2).shape == (4, 2)
    utils.set_random_seed(3)
    a = (np.random.rand(), float(tf.random.normal(())))  # noqa: NPY002 (what the seed governs)
    utils.set_random_seed(3)
    assert a == (np.random.rand(), float(tf.random.normal(())))  # noqa: NPY002
    with pytest.raises(ValueError, match="integer"):
        utils.set_random_seed("3")
