"""Calls of tf.keras.losses and of the metrics that are means of them, against NumPy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from public_calls_table import equal, near, row, rows

import eager as tf

L, M = tf.keras.losses, tf.keras.metrics
LOSSES, METRICS = "tf.keras.losses", "tf.keras.metrics"

U, V = np.array([[1.0, 2.0], [4.0, 5.0]]), np.array([[2.0, 1.5], [2.0, 4.0]])  # numbers
T, P = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.6, 0.4], [0.3, 0.7]])  # classes and their probabilities
S = np.array([[-1.0, 1.0], [1.0, -1.0]])  # classes as signs
D = np.abs(U - V)
PT = np.where(T == 1, P, 1 - P)


def unit(x: Any) -> Any:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


WANT: dict[str, tuple[Any, Any, Any]] = {
    "mean_squared_error": (U, V, (D**2).mean(-1)),
    "mean_absolute_error": (U, V, D.mean(-1)),
    "mean_absolute_percentage_error": (U, V, 100 * (D / U).mean(-1)),
    "mean_squared_logarithmic_error": (U, V, ((np.log1p(U) - np.log1p(V)) ** 2).mean(-1)),
    "huber": (U, V, np.where(D <= 1, D**2 / 2, D - 0.5).mean(-1)),
    "log_cosh": (U, V, np.log(np.cosh(D)).mean(-1)),
    "poisson": (U, V, (V - U * np.log(V)).mean(-1)),
    "cosine_similarity": (U, V, -(unit(U) * unit(V)).sum(-1)),
    "hinge": (T, P, np.maximum(1 - S * P, 0).mean(-1)),
    "squared_hinge": (T, P, (np.maximum(1 - S * P, 0) ** 2).mean(-1)),
    "categorical_hinge": (T, P, np.array([1 + 0.6 - 0.4, 1 + 0.7 - 0.3])),
    "kl_divergence": (T, P, -np.log([0.4, 0.3])),
    "binary_crossentropy": (T, P, -np.log(PT).mean(-1)),
    "categorical_crossentropy": (T, P, -np.log([0.4, 0.3])),
    "sparse_categorical_crossentropy": (np.array([1, 0]), P, -np.log([0.4, 0.3])),
    "binary_focal_crossentropy": (T, P, -((1 - PT) ** 2 * np.log(PT)).mean(-1)),
    "categorical_focal_crossentropy": (T, P, -0.25 * np.array([0.6**2 * np.log(0.4), 0.7**2 * np.log(0.3)])),
}
SHORT = {
    "mean_squared_error": "mse MSE", "mean_absolute_error": "mae MAE", "mean_absolute_percentage_error": "mape MAPE",
    "mean_squared_logarithmic_error": "msle MSLE", "log_cosh": "logcosh",
    "kl_divergence": "kld KLD kullback_leibler_divergence",
}  # fmt: skip
CLASSES = {
    "MeanSquaredError": "mean_squared_error", "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error", "Huber": "huber", "LogCosh": "log_cosh",
    "Poisson": "poisson", "CosineSimilarity": "cosine_similarity", "Hinge": "hinge", "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge", "KLDivergence": "kl_divergence",
    "BinaryCrossentropy": "binary_crossentropy", "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
}  # fmt: skip
ONLY_LOSSES = ("huber", "cosine_similarity", "categorical_hinge")


def function_is(module: Any, name: str, full: str) -> bool:
    y_true, y_pred, want = WANT[full]
    return near(getattr(module, name)(y_true, y_pred), want)


def loss_is(name: str, full: str) -> bool:
    """The mean over the batch, and the values of the rows without reduction."""
    y_true, y_pred, want = WANT[full]
    rowwise = getattr(L, name)(reduction="none")(y_true, y_pred)
    return near(getattr(L, name)()(y_true, y_pred), want.mean()) and near(rowwise, want)


def metric_is(name: str, full: str) -> bool:
    """The mean over what was seen, in two updates; the similarity is no loss, so that its sign is the other."""
    y_true, y_pred, want = WANT[full]
    metric = getattr(M, name)()
    for i in range(2):
        metric.update_state(y_true[i : i + 1], y_pred[i : i + 1])
    return near(metric.result(), want.mean() * (-1 if full == "cosine_similarity" else 1))


for _full in WANT:
    for _name in [_full, *SHORT.get(_full, "").split()]:
        row(LOSSES, _name, lambda n=_name, f=_full: function_is(L, n, f))
        if _full not in ONLY_LOSSES:
            row(METRICS, _name, lambda n=_name, f=_full: function_is(M, n, f))
for _name, _full in CLASSES.items():
    row(LOSSES, _name, lambda n=_name, f=_full: loss_is(n, f))
    if _full != "huber" and "focal" not in _full:
        _metric = "LogCoshError" if _name == "LogCosh" else _name
        row(METRICS, _metric, lambda n=_metric, f=_full: metric_is(n, f))


class Largest(L.Loss):
    """The largest difference of a row, times a factor."""

    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.factor * tf.reduce_max(tf.abs(y_true - y_pred), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


rows(LOSSES, {
    "Loss": lambda: near(Largest(2.0, reduction="sum")(tf.constant(U), tf.constant(V)), 2 * D.max(-1).sum()),
    "Reduction": lambda: near(L.MeanSquaredError(L.Reduction.SUM)(U, V), (D**2).mean(-1).sum())
    and L.Reduction.all() >= ("auto", "none"),
    "get": lambda: L.get("mse") is L.mse and isinstance(L.get("Hinge"), L.Hinge) and L.get(None) is None,
    "serialize deserialize": lambda: near(
        L.deserialize(json.loads(json.dumps(L.serialize(L.Huber(delta=0.5)))))(U, V), L.Huber(delta=0.5)(U, V)
    ),
})  # fmt: skip
rows("tf.keras.losses.Loss", {
    "call": lambda: near(Largest(3.0).call(tf.constant(U), tf.constant(V)), 3 * D.max(-1))
    and near(L.MeanSquaredError().call(U, V), (D**2).mean(-1)),
    "get_config": lambda: Largest(2.0, name="far").get_config() == {"reduction": "auto", "name": "far", "factor": 2.0},
    "from_config": lambda: Largest.from_config({"factor": 4.0, "reduction": "sum"}).factor == 4
    and equal(L.Huber.from_config(L.Huber(2.0).get_config())(U, V), L.Huber(2.0)(U, V)),
})  # fmt: skip
