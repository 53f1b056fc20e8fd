"""Learning rate schedules against their formulas in NumPy float64, eager and traced; configs; use in an optimizer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import optimizers
from eager.keras.optimizers import schedules


def half(share: float) -> float:
    return 0.5 * (1 + np.cos(np.pi * share))


def restarts(first: float, t_mul: float, m_mul: float, alpha: float) -> Callable[[float], float]:
    def rate(step: float) -> float:
        start, length, factor = 0.0, first, 1.0
        while step >= start + length:
            start, length, factor = start + length, length * t_mul, factor * m_mul
        return 0.1 * ((1 - alpha) * factor * half((step - start) / length) + alpha)

    return rate


def cycle(step: float) -> float:
    end = 10 * max(np.ceil(step / 10), 1)
    return 0.09 * (1 - step / end) ** 0.5 + 0.01


def warm(step: float) -> float:
    if step < 4:
        return 0.05 + step / 4 * 0.15
    return 0.2 * (0.9 * half(min(step - 4, 20) / 20) + 0.1)


CASES: list[tuple[Any, Callable[[float], float]]] = [
    (schedules.ExponentialDecay(0.1, 10, 0.5), lambda s: 0.1 * 0.5 ** (s / 10)),
    (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), lambda s: 0.1 * 0.5 ** (s // 10)),
    (schedules.InverseTimeDecay(0.1, 10, 0.5), lambda s: 0.1 / (1 + 0.5 * s / 10)),
    (schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True), lambda s: 0.1 / (1 + 0.5 * (s // 10))),
    (schedules.PolynomialDecay(0.1, 10), lambda s: 0.0999 * (1 - min(s, 10) / 10) + 0.0001),
    (schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0), lambda s: 0.09 * (1 - min(s, 10) / 10) ** 2 + 0.01),
    (schedules.PolynomialDecay(0.1, 10, 0.01, power=0.5, cycle=True), cycle),
    (schedules.PiecewiseConstantDecay([5, 12], [1.0, 0.5, 0.1]), lambda s: 1.0 if s <= 5 else 0.5 if s <= 12 else 0.1),
    (schedules.PiecewiseConstantDecay([5.5, 12.0], [1.0, 0.5, 0.1]),
     lambda s: 1.0 if s <= 5 else 0.5 if s <= 12 else 0.1),
    (schedules.CosineDecay(0.1, 20), lambda s: 0.1 * half(min(s, 20) / 20)),
    (schedules.CosineDecay(0.1, 20, 0.1), lambda s: 0.1 * (0.9 * half(min(s, 20) / 20) + 0.1)),
    (schedules.CosineDecay(0.05, 20, 0.1, warmup_target=0.2, warmup_steps=4), warm),
    (schedules.CosineDecay(0.05, 20, 0.1, warmup_target=0.2), lambda s: 0.2 * (0.9 * half(min(s, 20) / 20) + 0.1)),
    (schedules.CosineDecayRestarts(0.1, 5), restarts(5, 2.0, 1.0, 0.0)),
    (schedules.CosineDecayRestarts(0.1, 5, t_mul=1.0, m_mul=0.8, alpha=0.1), restarts(5, 1.0, 0.8, 0.1)),
    (schedules.CosineDecayRestarts(0.1, 4, t_mul=1.5, m_mul=0.8, alpha=0.1), restarts(4, 1.5, 0.8, 0.1)),
]  # fmt: skip
STEPS = (0, 1, 3, 4, 5, 6, 9, 10, 12, 13, 15, 19, 20, 25, 34, 35, 36, 75, 100)


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case[0]).__name__)
def test_rates(case: Any) -> None:
    schedule, expected = case
    traced = tf.function(schedule, strict=True)
    for step in STEPS:
        wanted = pytest.approx(expected(step), rel=2e-5, abs=1e-7)
        assert float(schedule(step)) == wanted
        assert float(schedule(tf.constant(float(step)))) == wanted
        assert float(traced(tf.constant(step, tf.int64))) == wanted
    assert schedule(3).dtype == tf.float32
    assert len(traced.concrete_functions) == 1
    assert traced.concrete_functions[0].function.compiled.host_calls == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case[0]).__name__)
def test_configs(case: Any) -> None:
    schedule, _ = case
    config = schedule.get_config()
    assert type(schedule).from_config(config).get_config() == config
    for old in (False, True):
        data = schedules.serialize(schedule, use_legacy_format=old)
        restored = schedules.deserialize(data)
        assert type(restored) is type(schedule) and restored.get_config() == config
    assert data == {"class_name": type(schedule).__name__, "config": config}


def test_restarts_begin_exactly_at_their_steps() -> None:
    schedule = schedules.CosineDecayRestarts(1.0, 10, t_mul=2.0)
    for n in range(1, 16):
        assert float(schedule(10 * (2**n - 1))) == 1.0
    schedule = schedules.CosineDecayRestarts(1.0, 7, t_mul=3.0)
    for n in range(1, 10):
        assert float(schedule(7 * (3**n - 1) // 2)) == 1.0


def test_large_whole_steps_are_told_apart() -> None:
    schedule = schedules.PiecewiseConstantDecay([2**24 + 1], [1.0, 0.5])
    assert [float(schedule(tf.constant(2**24 + d, tf.int64))) for d in (0, 1, 2)] == [1.0, 1.0, 0.5]


class Halving(schedules.LearningRateSchedule):
    """A schedule of one's own."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, step: Any) -> Any:
        return self.start * 0.5 ** tf.cast(step, tf.float32)

    def get_config(self) -> dict[str, Any]:
        return {"start": self.start}


class Silent(schedules.LearningRateSchedule):
    """A schedule without a config."""

    def __call__(self, step: Any) -> Any:
        return 0.5


@pytest.mark.parametrize("traced", [False, True])
def test_schedules_of_ones_own(traced: bool) -> None:
    v = tf.Variable(0.0)
    optimizer = optimizers.SGD(Halving(1.0))

    def step() -> Any:
        return optimizer.apply_gradients([(tf.constant(1.0), v)])

    run = tf.function(step, strict=True) if traced else step
    found = []
    for _ in range(3):
        run()
        found.append(float(v))
    assert found == [-1.0, -1.5, -1.75]
    assert float(optimizer.learning_rate) == 0.125
    config = optimizers.serialize(optimizer)
    assert config["config"]["learning_rate"]["config"] == {"start": 1.0}
    restored = optimizers.deserialize(config, custom_objects={"Halving": Halving})
    assert isinstance(restored._learning_rate, Halving)
    optimizers.SGD(Silent()).apply_gradients([(tf.constant(1.0), v)])
    assert float(v) == -2.25


def test_errors() -> None:
    with pytest.raises(ValueError, match="length of boundaries should be 1 less"):
        schedules.PiecewiseConstantDecay([1, 2], [0.5, 0.1])
    with pytest.raises(NotImplementedError, match="get_config"):
        Silent().get_config()
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(1)
    with pytest.raises(TypeError, match="Could not locate class"):
        schedules.deserialize({"class_name": "Nada", "config": {}})
