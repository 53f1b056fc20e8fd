"""tf.keras.metrics: running statistics of losses and predictions. Most are loaded when they are first asked for."""

from __future__ import annotations

from typing import Any

from eager.keras import metric_base
from eager.keras.loss_functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    hinge,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from eager.keras.losses import as_data, find, from_data
from eager.keras.metric_base import Mean, MeanMetricWrapper, Metric, Sum
from eager.keras.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from eager.keras.metrics.mean_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from eager.lazy import lazy_names

registry = metric_base.registry
for _metric in (Mean, Sum, MeanMetricWrapper):
    registry.add()(_metric)

_MODULES = {
    "eager.keras.metrics.area": "AUC",
    "eager.keras.metrics.confusion": "FalseNegatives FalsePositives Precision Recall TrueNegatives TruePositives",
    "eager.keras.metrics.constrained": "PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity "
    "SpecificityAtSensitivity",
    "eager.keras.metrics.f_score": "F1Score FBetaScore",
    "eager.keras.metrics.overlap": "BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU",
    "eager.keras.metrics.regression": "MeanRelativeError MeanTensor R2Score RootMeanSquaredError",
}
_SNAKE = {
    "eager.keras.metrics.area": "auc",
    "eager.keras.metrics.confusion": "false_negatives false_positives precision recall true_negatives true_positives",
    "eager.keras.metrics.f_score": "f1_score fbeta_score",
    "eager.keras.metrics.regression": "mean_tensor r2_score root_mean_squared_error",
}
"""Further names of those that need no arguments, as Keras 3 takes them in `compile`."""
registry.add_homes(_MODULES)
registry.add_homes(_SNAKE)

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh


def get(identifier: Any) -> Any:
    """A metric from a name, config, class, instance or callable (tf.keras.metrics.get).

    Raises:
        ValueError: for None, an unknown name, or something that is no metric.
    """
    if identifier is None:
        raise ValueError(f"Could not interpret metric identifier: {identifier}")
    return find(registry, identifier, "metric")


def serialize(metric: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes a metric (tf.keras.metrics.serialize).

    Args:
        metric: a Metric, or a function.
        use_legacy_format: gives only class_name and config, and of a function its name.
    """
    return as_data(metric, use_legacy_format)


def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """A metric from `serialize` (tf.keras.metrics.deserialize); both formats are known without being told."""
    del use_legacy_format
    return from_data(config, custom_objects, registry)


__getattr__, __dir__ = lazy_names(globals(), "tf.keras.metrics", _MODULES)

__all__ = [
    "KLD", "MAE", "MAPE", "MSE", "MSLE", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge", "KLDivergence", "LogCoshError", "Mean",
    "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanMetricWrapper", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Metric", "Poisson", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SquaredHinge", "Sum", "TopKCategoricalAccuracy", "binary_accuracy",
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_accuracy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "deserialize", "get", "hinge", "kl_divergence", "kld",
    "kullback_leibler_divergence", "log_cosh", "logcosh", "mae", "mape", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "mse", "msle", "poisson",
    "registry", "serialize", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy",
]  # fmt: skip
