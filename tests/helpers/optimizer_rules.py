"""The rules of optimizers in NumPy float64, from the papers and the documentation of tf.keras.

A rule is `rule(w, g, t, s, lr, **options)`: weight, gradient, number of the step (from 1), a dict for its state,
learning rate; it returns the new weight.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
State = dict[str, Any]


def sgd(w: Array, g: Array, t: int, s: State, lr: float, momentum: float = 0.0, nesterov: bool = False) -> Array:
    s["m"] = momentum * s.get("m", 0.0) - lr * g
    return w + (momentum * s["m"] - lr * g if nesterov else s["m"])


def rmsprop(
    w: Array, g: Array, t: int, s: State, lr: float, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
    centered: bool = False, outside: bool = False,
) -> Array:  # fmt: skip
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g**2
    s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g
    spread = s["v"] - (s["a"] ** 2 if centered else 0.0)
    root = np.sqrt(spread) + epsilon if outside and not momentum else np.sqrt(spread + epsilon)
    s["p"] = momentum * s.get("p", 0.0) + lr * g / root
    return w - s["p"]


def adam(
    w: Array, g: Array, t: int, s: State, lr: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
    amsgrad: bool = False,
) -> Array:  # fmt: skip
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0.0) + (1 - beta_2) * g**2
    s["h"] = np.maximum(s.get("h", 0.0), s["v"]) if amsgrad else s["v"]
    return w - lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * s["m"] / (np.sqrt(s["h"]) + epsilon)


def adamax(
    w: Array, g: Array, t: int, s: State, lr: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> Array:
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["u"] = np.maximum(beta_2 * s.get("u", 0.0), np.abs(g))
    return w - lr / (1 - beta_1**t) * s["m"] / (s["u"] + epsilon)


def nadam(
    w: Array, g: Array, t: int, s: State, lr: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
    decay: float = 1.0,
) -> Array:  # fmt: skip
    now, following = (beta_1 * (1 - 0.5 * 0.96 ** (decay * step)) for step in (t, t + 1))
    s["product"] = s.get("product", 1.0) * now
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0.0) + (1 - beta_2) * g**2
    ahead = following * s["m"] / (1 - s["product"] * following) + (1 - now) * g / (1 - s["product"])
    return w - lr * ahead / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)


def adagrad(
    w: Array, g: Array, t: int, s: State, lr: float, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
    outside: bool = False,
) -> Array:  # fmt: skip
    s["n"] = s.get("n", initial_accumulator_value) + g**2
    return w - lr * g / (np.sqrt(s["n"]) + epsilon if outside else np.sqrt(s["n"] + epsilon))


def adadelta(w: Array, g: Array, t: int, s: State, lr: float, rho: float = 0.95, epsilon: float = 1e-7) -> Array:
    s["g"] = rho * s.get("g", 0.0) + (1 - rho) * g**2
    change = np.sqrt(s.get("x", 0.0) + epsilon) / np.sqrt(s["g"] + epsilon) * g
    s["x"] = rho * s.get("x", 0.0) + (1 - rho) * change**2
    return w - lr * change


def ftrl(
    w: Array, g: Array, t: int, s: State, lr: float, learning_rate_power: float = -0.5,
    initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
    l2_regularization_strength: float = 0.0, l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0,
) -> Array:  # fmt: skip
    before = s.get("n", np.full_like(w, initial_accumulator_value))
    s["n"] = before + g**2
    sigma = (s["n"] ** -learning_rate_power - before**-learning_rate_power) / lr
    s["z"] = s.get("z", 0.0) + g + 2 * l2_shrinkage_regularization_strength * w - sigma * w
    quadratic = (beta + s["n"] ** -learning_rate_power) / lr + 2 * l2_regularization_strength
    beyond = np.abs(s["z"]) > l1_regularization_strength
    return np.where(beyond, (np.sign(s["z"]) * l1_regularization_strength - s["z"]) / quadratic, 0.0)


def adafactor(
    w: Array, g: Array, t: int, s: State, lr: float, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
    epsilon_2: float = 1e-3, clip_threshold: float = 1.0, relative_step: bool = True,
) -> Array:  # fmt: skip
    def rms(x: Array) -> float:
        return float(np.sqrt(np.mean(x**2)))

    rate = max(epsilon_2, rms(w)) * (min(lr, 1 / np.sqrt(t)) if relative_step else lr)
    keep, squares = 1 - float(t) ** beta_2_decay, g**2 + epsilon_1
    if w.ndim >= 2:
        s["r"] = keep * s.get("r", 0.0) + (1 - keep) * squares.mean(-1)
        s["c"] = keep * s.get("c", 0.0) + (1 - keep) * squares.mean(-2)
        v = (s["r"] / s["r"].mean(-1, keepdims=True))[..., :, None] * s["c"][..., None, :]
    else:
        v = s["v"] = keep * s.get("v", 0.0) + (1 - keep) * squares
    update = g / np.sqrt(v)
    return w - rate * update / max(1.0, rms(update) / clip_threshold)


def lion(w: Array, g: Array, t: int, s: State, lr: float, beta_1: float = 0.9, beta_2: float = 0.99) -> Array:
    m = s.get("m", 0.0)
    s["m"] = beta_2 * m + (1 - beta_2) * g
    return w - lr * np.sign(beta_1 * m + (1 - beta_1) * g)


RULES: list[tuple[str, Any, dict[str, Any]]] = [
    ("SGD", sgd, {}), ("SGD", sgd, {"momentum": 0.9}), ("SGD", sgd, {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", rmsprop, {}), ("RMSprop", rmsprop, {"momentum": 0.5, "rho": 0.8}),
    ("RMSprop", rmsprop, {"centered": True, "momentum": 0.5, "epsilon": 1e-3}),
    ("Adam", adam, {}), ("Adam", adam, {"amsgrad": True}),
    ("Adam", adam, {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 1e-3}),
    ("Adamax", adamax, {}), ("Adamax", adamax, {"beta_1": 0.5, "beta_2": 0.6}),
    ("Nadam", nadam, {}), ("Nadam", nadam, {"beta_1": 0.5, "beta_2": 0.6}),
    ("Adagrad", adagrad, {}), ("Adagrad", adagrad, {"initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    ("Adadelta", adadelta, {}), ("Adadelta", adadelta, {"rho": 0.5, "epsilon": 1e-3}),
    ("Ftrl", ftrl, {}), ("Ftrl", ftrl, {"l1_regularization_strength": 0.3, "l2_regularization_strength": 0.2}),
    ("Ftrl", ftrl, {"l2_shrinkage_regularization_strength": 0.1, "beta": 0.3, "learning_rate_power": -0.7}),
    ("Adafactor", adafactor, {}), ("Adafactor", adafactor, {"relative_step": False, "clip_threshold": 0.1}),
    ("Lion", lion, {}), ("Lion", lion, {"beta_1": 0.5, "beta_2": 0.8}),
]  # fmt: skip
"""Name of the optimizer, its rule, options."""

LEGACY_RULES: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
    *((*row, {}) for row in RULES if row[0] in ("SGD", "Adam", "Adamax", "Adadelta", "Ftrl")),
    *((*row, {"outside": True}) for row in RULES if row[0] in ("RMSprop", "Adagrad")),
    ("Nadam", nadam, {}, {"decay": 0.004}), ("Nadam", nadam, {"beta_1": 0.5}, {"decay": 0.004}),
]  # fmt: skip
"""As RULES for tf.keras.optimizers.legacy, with further options of the rule."""


def whole(shape: tuple[int, ...], indices: Any, values: Array) -> Array:
    """Rows of a tensor as the whole, rows of one index summed."""
    dense = np.zeros(shape)
    np.add.at(dense, indices, values)
    return dense
