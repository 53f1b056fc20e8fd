"""Calls of optimizers and schedules, against the rules of their papers for one step."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from public_calls_table import equal, near, raises, rows, shows

import eager as tf

O = tf.keras.optimizers  # noqa: E741
S = O.schedules


def step(optimizer: Any, gradient: float = 0.5, start: float = 2.0) -> float:
    """Where one step takes a variable."""
    v = tf.Variable(start)
    optimizer.apply_gradients([(tf.constant(gradient), v)])
    assert int(optimizer.iterations) == 1
    return float(v)


G2 = 0.25  # the gradient squared


def nadam(decay: float) -> float:
    """The first step of Nadam, whose momentum grows with 0.96 ** (decay * step)."""
    now, later = (0.9 * (1 - 0.5 * 0.96 ** (decay * n)) for n in (1, 2))
    return 2 - 0.1 * (later * 0.1 / (1 - now * later) + 1)


ADADELTA = np.sqrt(1e-7) / np.sqrt(0.05 * G2 + 1e-7) * 0.5
STEPS = {
    "SGD": (lambda m: m(0.1), 2 - 0.1 * 0.5),
    "Adam": (lambda m: m(0.1), 2 - 0.1),
    "AdamW": (lambda m: m(0.1, weight_decay=0.2), 2 - 0.1 * 0.2 * 2 - 0.1),
    "Adamax": (lambda m: m(0.1), 2 - 0.1),
    "Nadam": (lambda m: m(0.1), nadam(1.0)),
    "Adagrad": (lambda m: m(0.1), 2 - 0.1 * 0.5 / np.sqrt(0.1 + G2)),
    "Adadelta": (lambda m: m(1.0), 2 - ADADELTA),
    "RMSprop": (lambda m: m(0.1), 2 - 0.1 * 0.5 / np.sqrt(0.1 * G2)),
    "Lion": (lambda m: m(0.1), 2 - 0.1),
    "Ftrl": (lambda m: m(0.1), None),
    "Adafactor": (lambda m: m(0.1), 2 - 0.1 * 2.0),  # the update has unit size, times that of the variable
}
NEWER = ("AdamW", "Lion", "Adafactor")  # have no legacy form


def ftrl() -> float:
    """The first step of FTRL-proximal from its initial accumulator 0.1."""
    sigma = (np.sqrt(0.1 + G2) - np.sqrt(0.1)) / 0.1
    linear = 0.5 - sigma * 2.0
    return -linear / (np.sqrt(0.1 + G2) / 0.1)


def takes_its_step(module: Any, name: str) -> bool:
    make, want = STEPS[name]
    want = nadam(0.004) if module is O.legacy and name == "Nadam" else want
    return near(step(make(getattr(module, name))), ftrl() if want is None else want, 2e-4)


rows("tf.keras.optimizers", {name: lambda n=name: takes_its_step(O, n) for name in STEPS})
rows("tf.keras.optimizers.legacy", {
    name: lambda n=name: takes_its_step(O.legacy, n) for name in STEPS if name not in NEWER
})  # fmt: skip
rows("tf.keras.optimizers", {
    "Optimizer": lambda: step(Signs(0.25)) == 1.75 and isinstance(O.Adam(), O.Optimizer),
    "get": lambda: isinstance(O.get("adam"), O.Adam) and raises(ValueError, lambda: O.get("no such optimizer")),
    "serialize deserialize": lambda: near(
        step(O.deserialize(json.loads(json.dumps(O.serialize(O.SGD(0.3)))))), 1.85
    ),
})  # fmt: skip
rows("tf.keras.optimizers.legacy", {
    "Optimizer": lambda: isinstance(O.legacy.SGD(), O.legacy.Optimizer)
    and near(step(O.legacy.SGD(momentum=0.9)), 1.995),
})


class Signs(O.Optimizer):
    """Steps of one size against the sign of the gradient; counts the steps of each variable."""

    def __init__(self, learning_rate: float = 0.1, name: str = "Signs", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)

    def build(self, var_list: Any) -> None:
        super().build(var_list)
        if not hasattr(self, "counts"):
            self.total = self.add_variable((), name="total")
            self.counts = [self.add_variable_from_reference(v, "count") for v in var_list]

    def update_step(self, gradient: Any, variable: Any) -> None:
        variable.assign_sub(self.learning_rate * tf.sign(gradient))
        self.counts[0].assign_add(tf.ones_like(gradient))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "learning_rate": float(self.learning_rate)}


OPTIMIZER = "tf.keras.optimizers.Optimizer"


@shows(OPTIMIZER, "build add_variable add_variable_from_reference update_step get_config from_config apply_gradients "
       "iterations")  # fmt: skip
def _derived() -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    optimizer = Signs.from_config({**Signs(0.5).get_config(), "name": "other"})
    optimizer.build([v])
    assert optimizer.total.shape == () and optimizer.counts[0].shape == (2,)
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant([3.0, -1.0]), v)])
    assert equal(v, [0, 3]) and equal(optimizer.counts[0], [2, 2]) and int(optimizer.iterations) == 2
    assert optimizer.name == "other"


@shows(OPTIMIZER, "compute_gradients aggregate_gradients minimize learning_rate lr")
def _gradients() -> None:
    v, optimizer = tf.Variable(3.0), O.SGD(0.1)
    ((gradient, of),) = optimizer.aggregate_gradients(optimizer.compute_gradients(lambda: v * v, [v]))
    assert float(gradient) == 6 and of is v
    optimizer.minimize(lambda: v * v, [v])
    assert near(v, 2.4)
    optimizer.learning_rate = 0.5
    assert float(optimizer.lr) == 0.5
    optimizer.lr = 0.25
    optimizer.minimize(lambda: v * v, [v])
    assert near(v, 1.2) and float(optimizer.learning_rate) == 0.25


@shows(OPTIMIZER, "variables set_weights save_own_variables load_own_variables")
def _state() -> None:
    v = tf.Variable([1.0, 2.0])
    one, other = O.Adam(0.1), O.Adam(0.1)
    one.apply_gradients([(tf.constant([0.5, -1.0]), v)])
    other.build([v])
    store: dict[str, Any] = {}
    one.save_own_variables(store)
    other.load_own_variables(store)
    kept: Any = one.variables
    values = [np.asarray(x) for x in kept]
    assert len(store) == len(values) == 4 and int(other.iterations) == 1
    other.set_weights([x * 0 for x in values])
    assert int(other.iterations) == 0


@shows(OPTIMIZER, "exclude_from_weight_decay finalize_variable_values")
def _decay_and_averages() -> None:
    v, w = tf.Variable(1.0, name="v"), tf.Variable(1.0, name="bias")
    decayed = O.SGD(0.1, weight_decay=0.5)
    decayed.exclude_from_weight_decay(var_names=["bias"])
    decayed.apply_gradients([(tf.constant(0.0), v), (tf.constant(0.0), w)])
    assert near(v, 0.95) and float(w) == 1
    averaged = O.SGD(1.0, use_ema=True, ema_momentum=0.75)
    x = tf.Variable(1.0)
    averaged.build([x])
    averaged.apply_gradients([(tf.constant(4.0), x)])
    assert float(x) == -3
    averaged.finalize_variable_values([x])
    assert near(x, 0.75 * 1 + 0.25 * -3)


# Schedules ----------------------------------------------------------------------------------------------------------


class Stairs(S.LearningRateSchedule):
    """1 / (step + 1)."""

    def __call__(self, step: Any) -> Any:
        return 1.0 / (tf.cast(step, "float32") + 1.0)

    def get_config(self) -> dict[str, Any]:
        return {}


COSINE = (1 + np.cos(np.pi * 0.3)) / 2
rows("tf.keras.optimizers.schedules", {
    "CosineDecay": lambda: near(S.CosineDecay(2.0, 10, alpha=0.1)(3), 2 * (0.9 * COSINE + 0.1))
    and near(S.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4)(1), 0.25),
    "CosineDecayRestarts": lambda: near(S.CosineDecayRestarts(2.0, 10, t_mul=1.0, m_mul=0.5)(13), COSINE),
    "ExponentialDecay": lambda: near(S.ExponentialDecay(2.0, 10, 0.5)(5), 2 * 0.5**0.5)
    and near(S.ExponentialDecay(2.0, 10, 0.5, staircase=True)(5), 2.0),
    "InverseTimeDecay": lambda: near(S.InverseTimeDecay(2.0, 10, 0.5)(20), 1.0),
    "PiecewiseConstantDecay": lambda: near(
        [float(S.PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1])(n)) for n in (2, 3, 6)], [1, 0.5, 0.1]
    ),
    "PolynomialDecay": lambda: near(S.PolynomialDecay(2.0, 10, 1.0, power=2.0)(5), 1.25),
    "LearningRateSchedule": lambda: step(O.SGD(Stairs()), 0.5) == 1.5,
    "serialize deserialize": lambda: near(
        S.deserialize(json.loads(json.dumps(S.serialize(S.ExponentialDecay(2.0, 10, 0.5)))))(10), 1.0
    ),
})  # fmt: skip
