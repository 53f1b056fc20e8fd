"""Calls of the metrics that are no means of losses, against numbers worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from public_calls_table import near, rows, shows

import eager as tf

M = tf.keras.metrics

Y, Q = np.array([0, 1, 1, 0, 1]), np.array([0.2, 0.9, 0.4, 0.6, 0.8])  # above 0.5: two right, one wrong, one missed
TOP = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])  # class 1, then 0; second places 2 and 2
HOT = np.eye(3)


def after(metric: Any, *values: Any, **more: Any) -> Any:
    """What a metric gives after one update."""
    metric.update_state(*values, **more)
    return metric.result()


def double(metric: Any) -> bool:
    """Twice the same data leave the mean of a metric, and `reset_state` empties it."""
    metric.update_state([2.0, 4.0])
    metric.update_state([2.0, 4.0])
    return near(metric.result(), [2.0, 4.0]) and metric.reset_state() is None and near(metric.result(), [0.0, 0.0])


rows("tf.keras.metrics", {
    "Mean": lambda: near(after(M.Mean(), [1.0, 3.0, 5.0], sample_weight=[1, 1, 0]), 2.0),
    "Sum": lambda: near(after(M.Sum(), [1.0, 3.0, 5.0]), 9.0),
    "MeanTensor": lambda: double(M.MeanTensor()),
    "MeanMetricWrapper": lambda: near(after(M.MeanMetricWrapper(tf.keras.losses.mae), [[1.0]], [[3.0]]), 2.0),
    "MeanRelativeError": lambda: near(
        after(M.MeanRelativeError([1.0, 2.0, 4.0]), [1.0, 2.0, 4.0], [2.0, 2.0, 3.0]), (1 + 0 + 0.25) / 3
    ),
    "RootMeanSquaredError": lambda: near(after(M.RootMeanSquaredError(), [0.0, 0.0], [3.0, 4.0]), np.sqrt(12.5)),
    "R2Score": lambda: near(after(M.R2Score(), [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]), 1 - 2 / (14 / 3)),
    "Accuracy": lambda: near(after(M.Accuracy(), [[1], [2], [3], [4]], [[0], [2], [3], [4]]), 0.75),
    "BinaryAccuracy": lambda: near(after(M.BinaryAccuracy(), Y[:, None], Q[:, None]), 0.6),
    "CategoricalAccuracy": lambda: near(after(M.CategoricalAccuracy(), HOT[[1, 2]], TOP), 0.5),
    "SparseCategoricalAccuracy": lambda: near(after(M.SparseCategoricalAccuracy(), [1, 2], TOP), 0.5),
    "TopKCategoricalAccuracy": lambda: near(after(M.TopKCategoricalAccuracy(k=2), HOT[[2, 1]], TOP), 0.5),
    "SparseTopKCategoricalAccuracy": lambda: near(after(M.SparseTopKCategoricalAccuracy(k=2), [2, 1], TOP), 0.5),
    "binary_accuracy": lambda: near(M.binary_accuracy(Y[:, None], Q[:, None]), [1, 1, 0, 0, 1]),
    "categorical_accuracy": lambda: near(M.categorical_accuracy(HOT[[1, 2]], TOP), [1, 0]),
    "sparse_categorical_accuracy": lambda: near(M.sparse_categorical_accuracy([1, 2], TOP), [1, 0]),
    "top_k_categorical_accuracy": lambda: near(M.top_k_categorical_accuracy(HOT[[2, 1]], TOP, k=2), [1, 0]),
    "sparse_top_k_categorical_accuracy": lambda: near(M.sparse_top_k_categorical_accuracy([2, 1], TOP, k=2), [1, 0]),
    "TruePositives": lambda: near(after(M.TruePositives(), Y, Q), 2),
    "TrueNegatives": lambda: near(after(M.TrueNegatives(), Y, Q), 1),
    "FalsePositives": lambda: near(after(M.FalsePositives(), Y, Q), 1),
    "FalseNegatives": lambda: near(after(M.FalseNegatives(), Y, Q), 1),
    "Precision": lambda: near(after(M.Precision(), Y, Q), 2 / 3),
    "Recall": lambda: near(after(M.Recall(), Y, Q), 2 / 3),
    "F1Score": lambda: near(after(M.F1Score(threshold=0.5), Y[:, None].astype(float), Q[:, None]), [2 / 3]),
    "FBetaScore": lambda: near(
        after(M.FBetaScore(beta=2.0, threshold=0.65), Y[:, None].astype(float), Q[:, None]),
        [5 * 1 * (2 / 3) / (4 * 1 + 2 / 3)],
    ),
    "AUC": lambda: near(after(M.AUC(), Y, Q), 5 / 6, 0.02),  # 5 of the 6 pairs stand in the right order
    "PrecisionAtRecall": lambda: near(after(M.PrecisionAtRecall(0.6), Y, Q), 1.0),
    "RecallAtPrecision": lambda: near(after(M.RecallAtPrecision(0.9), Y, Q), 2 / 3),
    "SensitivityAtSpecificity": lambda: near(after(M.SensitivityAtSpecificity(1.0), Y, Q), 2 / 3),
    "SpecificityAtSensitivity": lambda: near(after(M.SpecificityAtSensitivity(1.0), Y, Q), 0.5),
    "MeanIoU": lambda: near(after(M.MeanIoU(2), [0, 0, 1, 1], [0, 1, 0, 1]), 1 / 3),
    "IoU": lambda: near(after(M.IoU(2, target_class_ids=[0]), [0, 0, 1, 1], [0, 1, 1, 1]), 0.5),
    "BinaryIoU": lambda: near(after(M.BinaryIoU([0, 1], 0.5), [0, 0, 1, 1], [0.1, 0.2, 0.4, 0.7]), (2 / 3 + 0.5) / 2),
    "OneHotIoU": lambda: near(after(M.OneHotIoU(3, target_class_ids=[1]), HOT[[1, 2]], TOP), 1.0),
    "OneHotMeanIoU": lambda: near(after(M.OneHotMeanIoU(3), HOT[[1, 2]], TOP), 1 / 3),
    "get": lambda: isinstance(M.get("AUC"), M.AUC) and M.get("mse")([[1.0]], [[3.0]]).numpy() == 4,
    "serialize deserialize": lambda: M.deserialize(
        json.loads(json.dumps(M.serialize(M.Precision(top_k=2, name="p"))))
    ).get_config() == M.Precision(top_k=2, name="p").get_config(),
})  # fmt: skip


class Longest(M.Metric):
    """The largest number that was seen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = self.add_weight("most", (), initializer="zeros")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.most.assign(tf.maximum(self.most, tf.reduce_max(tf.cast(values, self.most.dtype))))

    def result(self) -> Any:
        return self.most + 0.0


@shows("tf.keras.metrics", "Metric")
def _derived() -> None:
    metric = Longest()
    assert float(metric([1.0, 7.0])) == 7 and float(metric([2.0])) == 7
    assert [v.name for v in metric.variables] == ["most:0"] and not metric.trainable_weights


@shows("tf.keras.metrics.Metric", "update_state result reset_state reset_states merge_state")
def _state() -> None:
    one, other = M.Mean(), M.Mean()
    one.update_state([1.0, 2.0])
    other.update_state([6.0])
    one.merge_state([other])
    assert near(one.result(), 3.0)
    one.reset_state()
    assert near(one.result(), 0.0)
    other.reset_states()
    assert near(other.result(), 0.0)
