"""Calls of the parts of layers: activations, initializers, regularizers, constraints, and mixed precision."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from public_calls_table import equal, near, rows, shows
from scipy.special import erf

import eager as tf

A, I, R, C, MP = (  # noqa: E741
    tf.keras.activations, tf.keras.initializers, tf.keras.regularizers, tf.keras.constraints, tf.keras.mixed_precision
)  # fmt: skip
X = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
W = np.array([[3.0, -0.1], [4.0, 0.2]])
NORMS = np.sqrt((W**2).sum(0))


def again(module: Any, thing: Any) -> Any:
    """A thing through its serialized form, as text."""
    return module.deserialize(json.loads(json.dumps(module.serialize(thing))))


rows("tf.keras.activations", {
    "elu": lambda: near(A.elu(X, alpha=2.0), np.where(X > 0, X, 2 * np.expm1(X))),
    "exponential": lambda: near(A.exponential(X), np.exp(X)),
    "gelu": lambda: near(A.gelu(X), X * (1 + erf(X / np.sqrt(2))) / 2),
    "hard_sigmoid": lambda: near(A.hard_sigmoid(X), (0.2 * X + 0.5).clip(0, 1)),
    "linear": lambda: equal(A.linear(X), X),
    "mish": lambda: near(A.mish(X), X * np.tanh(np.log1p(np.exp(X)))),
    "relu": lambda: near(A.relu(X, alpha=0.1), np.where(X > 0, X, X / 10)),
    "selu": lambda: near(A.selu(X), 1.05070098 * np.where(X > 0, X, 1.67326324 * np.expm1(X))),
    "sigmoid": lambda: near(A.sigmoid(X), 1 / (1 + np.exp(-X))),
    "softmax": lambda: near(A.softmax(tf.constant(X)), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "softplus": lambda: near(A.softplus(X), np.log1p(np.exp(X))),
    "softsign": lambda: near(A.softsign(X), X / (1 + np.abs(X))),
    "swish": lambda: near(A.swish(X), X / (1 + np.exp(-X))),
    "tanh": lambda: near(A.tanh(X), np.tanh(X)),
    "get": lambda: A.get("relu") is A.relu and A.get(None) is A.linear and A.get(np.tanh) is np.tanh,
    "serialize deserialize": lambda: A.serialize(A.tanh) == "tanh" and A.deserialize("tanh") is A.tanh,
})  # fmt: skip


# Initializers -------------------------------------------------------------------------------------------------------


def limited(make: Any, limit: float) -> bool:
    """Uniform numbers up to a limit that is nearly met; the seed decides them."""
    x = np.asarray(make(seed=3)((40, 60)))
    return bool(0.95 * limit < np.abs(x).max() <= limit) and equal(make(seed=3)((40, 60)), x)


def spread(make: Any, deviation: float, cut: float | None = None) -> bool:
    """Normal numbers of a standard deviation, cut off at some multiple."""
    x = np.asarray(make(seed=3)((40, 60)))
    inside = cut is None or np.abs(x).max() <= cut * deviation / 0.87962566 + 1e-6
    return near(x.std(), deviation, 0.05 * deviation) and bool(inside)


def orthogonal(make: Any) -> bool:
    q = np.asarray(make(gain=2.0, seed=1)((5, 3)))
    return near(q.T @ q, 4 * np.eye(3))


FAN_IN, FANS = np.sqrt(1 / 40), np.sqrt(2 / 100)
KINDS = {
    "GlorotNormal glorot_normal": lambda m: spread(m, FANS, 2),
    "HeNormal he_normal": lambda m: spread(m, np.sqrt(2) * FAN_IN, 2),
    "LecunNormal lecun_normal": lambda m: spread(m, FAN_IN, 2),
    "GlorotUniform glorot_uniform": lambda m: limited(m, np.sqrt(3) * FANS),
    "HeUniform he_uniform": lambda m: limited(m, np.sqrt(6) * FAN_IN),
    "LecunUniform lecun_uniform": lambda m: limited(m, np.sqrt(3) * FAN_IN),
    "RandomNormal random_normal": lambda m: spread(m, 0.05),
    "RandomUniform random_uniform": lambda m: limited(m, 0.05),
    "TruncatedNormal truncated_normal": lambda m: spread(m, 0.05 * 0.87962566, 2),
    "VarianceScaling variance_scaling": lambda m: spread(m, FAN_IN, 2)
    and limited(lambda seed: m(3.0, "fan_out", "uniform", seed), np.sqrt(9 / 60)),
    "Orthogonal orthogonal": orthogonal,
    "Identity identity": lambda m: equal(m(3.0)((2, 2)), 3 * np.eye(2)),
    "Ones ones": lambda m: equal(m()((2, 3), "int32"), np.ones((2, 3))),
    "Zeros zeros": lambda m: equal(m()((2, 3)), np.zeros((2, 3))) and m()((2,), "float64").dtype == tf.float64,
    "Constant constant": lambda m: equal(m(4.0)((2,)), [4, 4]),
}  # fmt: skip
rows("tf.keras.initializers", {
    name: lambda n=name, c=check: c(getattr(I, n)) for names, check in KINDS.items() for name in names.split()
})  # fmt: skip


class Halves(I.Initializer):
    """All numbers 0.5."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return tf.fill(shape, tf.cast(0.5, dtype or "float32"))


def with_halves() -> Any:
    layer = tf.keras.layers.Dense(2, kernel_initializer=Halves())
    layer.build((None, 3))
    return layer.kernel


rows("tf.keras.initializers", {
    "Initializer": lambda: equal(with_halves(), np.full((3, 2), 0.5)) and Halves().get_config() == {},
    "get": lambda: isinstance(I.get("he_normal"), I.HeNormal) and I.get(None) is None,
    "serialize deserialize": lambda: again(I, I.RandomNormal(1.0, 0.1, 7)).get_config()
    == {"mean": 1.0, "stddev": 0.1, "seed": 7},
})  # fmt: skip

# Regularizers, constraints ------------------------------------------------------------------------------------------


class Largest(R.Regularizer):
    """The largest number."""

    def __call__(self, x: Any) -> Any:
        return tf.reduce_max(x)

    def get_config(self) -> dict[str, Any]:
        return {}


def regularized(regularizer: Any) -> Any:
    layer = tf.keras.layers.Dense(2, kernel_regularizer=regularizer, kernel_initializer=I.Constant(W))
    layer(np.ones((1, 2), "float32"))
    return layer.losses[0]


L1, L2 = np.abs(W).sum(), (W**2).sum()
COLUMNS = np.abs((W / NORMS).T @ (W / NORMS))[0, 1]
rows("tf.keras.regularizers", {
    "L1": lambda: near(R.L1(0.1)(W), 0.1 * L1), "l1": lambda: near(regularized("l1"), 0.01 * L1),
    "L2": lambda: near(R.L2(0.1)(W), 0.1 * L2), "l2": lambda: near(R.l2(0.3)(W), 0.3 * L2),
    "L1L2": lambda: near(R.L1L2(0.1, 0.2)(W), 0.1 * L1 + 0.2 * L2),
    "l1_l2": lambda: near(R.l1_l2(0.1, 0.2)(W), 0.1 * L1 + 0.2 * L2),
    "OrthogonalRegularizer": lambda: near(R.OrthogonalRegularizer(0.5, "columns")(W), 0.5 * COLUMNS),
    "orthogonal_regularizer": lambda: near(R.orthogonal_regularizer(0.5, "columns")(W), 0.5 * COLUMNS),
    "Regularizer": lambda: near(regularized(Largest()), 4.0),
    "get": lambda: isinstance(R.get("l1_l2"), R.L1L2) and R.get(None) is None,
    "serialize deserialize": lambda: near(again(R, R.L1L2(0.5, 0.25))(W), 0.5 * L1 + 0.25 * L2),
})  # fmt: skip


class Whole(C.Constraint):
    """Rounded to whole numbers."""

    def __call__(self, w: Any) -> Any:
        return tf.round(w)


def constrained(constraint: Any) -> Any:
    """A weight after a step of gradient descent with gradient 0."""
    layer = tf.keras.layers.Dense(2, use_bias=False, kernel_constraint=constraint, kernel_initializer=I.Constant(W))
    layer.build((None, 2))
    tf.keras.optimizers.SGD(1.0).apply_gradients([(tf.zeros((2, 2)), layer.kernel)])
    return layer.kernel


KERNEL = np.arange(9.0).reshape(3, 3, 1, 1)
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]).reshape(3, 3, 1, 1)
LIMITED = W * np.minimum(NORMS, 2) / NORMS
BETWEEN = W * (0.5 * NORMS.clip(1, 2) + 0.5 * NORMS) / NORMS
CONSTRAINTS = {
    "MaxNorm max_norm": lambda c: near(c(2.0)(W), LIMITED, 1e-4),
    "MinMaxNorm min_max_norm": lambda c: near(c(1.0, 2.0, rate=0.5)(W), BETWEEN, 1e-4),
    "NonNeg non_neg": lambda c: near(c()(W), W.clip(0)),
    "RadialConstraint radial_constraint": lambda c: equal(c()(KERNEL), 4 * RING),
    "UnitNorm unit_norm": lambda c: near(c()(W), W / NORMS, 1e-4),
}
rows("tf.keras.constraints", {
    name: lambda n=name, c=check: c(getattr(C, n)) for names, check in CONSTRAINTS.items() for name in names.split()
})  # fmt: skip
rows("tf.keras.constraints", {
    "Constraint": lambda: equal(constrained(Whole()), np.round(W)),
    "get": lambda: isinstance(C.get("non_neg"), C.NonNeg) and equal(constrained("non_neg"), W.clip(0).astype("f4")),
    "serialize deserialize": lambda: again(C, C.MaxNorm(3, axis=1)).get_config() == {"max_value": 3, "axis": 1},
})  # fmt: skip


# Mixed precision ----------------------------------------------------------------------------------------------------


@shows("tf.keras.mixed_precision", "Policy global_policy set_global_policy")
def _policies() -> None:
    policy = MP.Policy("mixed_float16")
    assert (policy.compute_dtype, policy.variable_dtype) == ("float16", "float32")
    assert MP.global_policy().name == "float32"
    MP.set_global_policy("mixed_float16")
    layer = tf.keras.layers.Dense(2)
    assert layer(np.ones((1, 3))).dtype == tf.float16 and layer.kernel.dtype == tf.float32
    assert MP.global_policy().compute_dtype == "float16"


@shows("tf.keras.mixed_precision", "LossScaleOptimizer")
def _loss_scale() -> None:
    optimizer = MP.LossScaleOptimizer(tf.keras.optimizers.SGD(1.0), dynamic=False, initial_scale=8)
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        scaled = optimizer.get_scaled_loss(v * v)
    gradients = optimizer.get_unscaled_gradients(tape.gradient(scaled, [v]))
    assert float(scaled) == 72 and float(gradients[0]) == 6 and float(optimizer.loss_scale) == 8
