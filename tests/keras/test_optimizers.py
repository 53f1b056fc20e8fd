"""Each optimizer's steps against its rule in NumPy float64: eager and traced, dense and sparse gradients."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import optimizers
from eager.keras.optimizers import legacy
from tests.helpers.optimizer_rules import LEGACY_RULES, RULES, whole

Array = np.ndarray[Any, Any]
LR = 0.05
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(RULES)]
LEGACY_IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(LEGACY_RULES)]


def steps(
    optimizer: Any, rule: Any, options: dict[str, Any], traced: bool, rng: np.random.Generator, dtype: str
) -> tuple[list[Any], list[Array]]:
    """Five steps on a matrix and a vector; returns the variables and what the rule makes of them."""
    weights = [rng.normal(size=(3, 2)).astype(dtype), rng.normal(size=4).astype(dtype)]
    variables = [tf.Variable(w) for w in weights]
    expected, states = [w.astype(np.float64) for w in weights], [{}, {}]

    def step(*gradients: Any) -> Any:
        return optimizer.apply_gradients(zip(gradients, variables, strict=True))

    run: Any = tf.function(step, strict=True) if traced else step
    for t in range(1, 6):
        gradients = [rng.normal(size=w.shape).astype(dtype) for w in weights]
        assert int(run(*map(tf.constant, gradients))) == t
        expected = [
            rule(w, g.astype(np.float64), t, s, LR, **options)
            for w, g, s in zip(expected, gradients, states, strict=True)
        ]
    if traced:
        assert len(run.concrete_functions) == 1
        assert run.concrete_functions[0].function.compiled.host_calls == []
    return variables, expected


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("case", range(len(RULES)), ids=IDS)
def test_steps(case: int, traced: bool, rng: np.random.Generator) -> None:
    name, rule, options = RULES[case]
    optimizer = getattr(optimizers, name)(LR, **options)
    variables, expected = steps(optimizer, rule, options, traced, rng, "float32")
    for v, w in zip(variables, expected, strict=True):
        np.testing.assert_allclose(v, w, rtol=3e-5, atol=3e-6)


@pytest.mark.parametrize("case", range(len(RULES)), ids=IDS)
def test_float64_steps_use_exact_numbers(case: int, rng: np.random.Generator) -> None:
    name, rule, options = RULES[case]
    optimizer = getattr(optimizers, name)(lambda: tf.constant(LR, tf.float64), **options)
    variables, expected = steps(optimizer, rule, options, False, rng, "float64")
    for v, w in zip(variables, expected, strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("case", range(len(RULES)), ids=IDS)
def test_gradients_of_rows(case: int, traced: bool, rng: np.random.Generator) -> None:
    name, rule, options = RULES[case]
    optimizer = getattr(optimizers, name)(LR, **options)
    w = rng.normal(size=(5, 2)).astype(np.float32)
    table = tf.Variable(w)
    expected, state = w.astype(np.float64), {}

    def step(indices: Any, values: Any) -> Any:
        return optimizer.apply_gradients([(tf.IndexedSlices(values, indices, tf.constant([5, 2])), table)])

    run = tf.function(step, strict=True) if traced else step
    for t in range(1, 5):
        indices, values = rng.integers(0, 4, size=6), rng.normal(size=(6, 2)).astype(np.float32)
        run(tf.constant(indices), tf.constant(values))
        expected = rule(expected, whole((5, 2), indices, values.astype(np.float64)), t, state, LR, **options)
    np.testing.assert_allclose(table, expected, rtol=3e-5, atol=3e-6)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("case", range(len(LEGACY_RULES)), ids=LEGACY_IDS)
def test_legacy_steps(case: int, traced: bool, rng: np.random.Generator) -> None:
    name, rule, options, further = LEGACY_RULES[case]
    optimizer = getattr(legacy, name)(LR, **options)
    variables, expected = steps(optimizer, rule, options | further, traced, rng, "float32")
    for v, w in zip(variables, expected, strict=True):
        np.testing.assert_allclose(v, w, rtol=3e-5, atol=3e-6)


# What a gradient of rows leaves alone elsewhere: "w" the weight, else entries of the rule's state.
LAZY = {
    "SGD": ("w", "m"), "RMSprop": ("w",), "Adam": (), "Adamax": ("w",), "Nadam": ("w",), "Adagrad": ("w", "n"),
    "Adadelta": ("w", "g", "x"), "Ftrl": ("w", "n", "z"),
}  # fmt: skip


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("case", range(len(LEGACY_RULES)), ids=LEGACY_IDS)
def test_legacy_gradients_of_rows(case: int, traced: bool, rng: np.random.Generator) -> None:
    name, rule, options, further = LEGACY_RULES[case]
    optimizer = getattr(legacy, name)(LR, **options)
    lazy = ("w", "v", "a", "p") if name == "RMSprop" and "momentum" in options else LAZY[name]
    w = rng.normal(size=(5, 2)).astype(np.float32)
    table = tf.Variable(w)
    expected, state = w.astype(np.float64), {}

    def step(indices: Any, values: Any) -> Any:
        return optimizer.apply_gradients([(tf.IndexedSlices(values, indices, tf.constant([5, 2])), table)])

    run = tf.function(step, strict=True) if traced else step
    for t in range(1, 5):
        indices, values = rng.integers(0, 4, size=3), rng.normal(size=(3, 2)).astype(np.float32)
        run(tf.constant(indices), tf.constant(values))
        touched, before = np.isin(np.arange(5), indices)[:, None], dict(state)
        gradient = whole((5, 2), indices, values.astype(np.float64))
        new = rule(expected, gradient, t, state, LR, **options, **further)
        expected = np.where(touched, new, expected) if "w" in lazy else new
        for key in set(lazy) & set(state):
            start = options.get("initial_accumulator_value", 0.1) if key == "n" else 0.0
            state[key] = np.where(touched, state[key], before.get(key, start))
    np.testing.assert_allclose(table, expected, rtol=3e-5, atol=3e-6)


def test_adamw_decays_apart_from_the_gradient() -> None:
    v = tf.Variable([2.0, -4.0])
    optimizers.AdamW(0.5, weight_decay=0.1).apply_gradients([(tf.zeros(2), v)])
    np.testing.assert_allclose(v, [2.0 * 0.95, -4.0 * 0.95], rtol=1e-6)
