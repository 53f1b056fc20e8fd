"""tf.keras.losses: the classes; the functions stand in `loss_functions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from eager.convert import convert
from eager.keras.loss_functions import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    registry,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from eager.keras.reduction import Reduction, mask_weights, squeeze_or_expand, weighted_loss
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object


class Loss:
    """Base of losses: `call(y_true, y_pred)` gives one value per example, which are reduced (tf.keras.losses.Loss).

    Attributes:
        reduction: "auto" and "sum_over_batch_size" give the mean, "sum" the sum, "none" all values.
        name: the loss's name.
    """

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = None) -> None:
        """Takes reduction and name. Raises ValueError for an unknown reduction."""
        Reduction.validate(reduction)
        self.reduction = reduction
        self.name = name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss, weighted per example.

        Args:
            y_true: the targets.
            y_pred: the predictions; a mask that they carry leaves elements out.
            sample_weight: a factor for all, per example or per element.
        """
        values = convert(self.call(y_true, y_pred))
        weights = mask_weights(values, sample_weight, getattr(y_pred, "_keras_mask", None), self.reduction)
        return weighted_loss(values, weights, self.reduction)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value per example.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `call(self, y_true, y_pred)`")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss from `get_config`."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss function as a Loss."""

    def __init__(
        self, fn: Callable[..., Any], reduction: str = Reduction.AUTO, name: str | None = None, **kwargs: Any
    ) -> None:
        """Takes the function (y_true, y_pred, **kwargs)."""
        super().__init__(reduction, name)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The function's value; an axis of size 1 that only one of the two has is removed first."""
        y_pred = convert(y_pred)
        y_true, y_pred = squeeze_or_expand(convert(y_true, like=y_pred.dtype), y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """Reduction, name and the function's options."""
        return super().get_config() | self._fn_kwargs


@registry.add()
class MeanSquaredError(LossFunctionWrapper):
    """mean((y_pred - y_true) ** 2) (tf.keras.losses.MeanSquaredError)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "mean_squared_error") -> None:
        """Takes reduction and name."""
        super().__init__(mean_squared_error, reduction, name)


@registry.add()
class MeanAbsoluteError(LossFunctionWrapper):
    """mean(|y_pred - y_true|) (tf.keras.losses.MeanAbsoluteError)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "mean_absolute_error") -> None:
        """Takes reduction and name."""
        super().__init__(mean_absolute_error, reduction, name)


@registry.add()
class MeanAbsolutePercentageError(LossFunctionWrapper):
    """100 * mean(|y_true - y_pred| / |y_true|) (tf.keras.losses.MeanAbsolutePercentageError)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "mean_absolute_percentage_error") -> None:
        """Takes reduction and name."""
        super().__init__(mean_absolute_percentage_error, reduction, name)


@registry.add()
class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """mean((log(y_true + 1) - log(y_pred + 1)) ** 2) (tf.keras.losses.MeanSquaredLogarithmicError)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "mean_squared_logarithmic_error") -> None:
        """Takes reduction and name."""
        super().__init__(mean_squared_logarithmic_error, reduction, name)


@registry.add()
class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of independent yes-or-no targets (tf.keras.losses.BinaryCrossentropy)."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str = Reduction.AUTO,
        name: str = "binary_crossentropy",
    ) -> None:  # fmt: skip
        """Takes whether predictions are logits, the smoothing, the axis of the mean, reduction and name."""
        super().__init__(
            binary_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


@registry.add()
class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot targets (tf.keras.losses.CategoricalCrossentropy)."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str = Reduction.AUTO,
        name: str = "categorical_crossentropy",
    ) -> None:  # fmt: skip
        """Takes whether predictions are logits, the smoothing, the class axis, reduction and name."""
        super().__init__(
            categorical_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing,
            axis=axis,
        )  # fmt: skip


@registry.add()
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of class numbers (tf.keras.losses.SparseCategoricalCrossentropy)."""

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str = Reduction.AUTO,
        name: str = "sparse_categorical_crossentropy",
    ) -> None:  # fmt: skip
        """Takes whether predictions are logits, a class that counts nothing, reduction and name."""
        super().__init__(
            sparse_categorical_crossentropy, reduction, name, from_logits=from_logits, ignore_class=ignore_class
        )


@registry.add()
class Huber(LossFunctionWrapper):
    """Squared error near 0, absolute error beyond delta (tf.keras.losses.Huber)."""

    def __init__(self, delta: float = 1.0, reduction: str = Reduction.AUTO, name: str = "huber_loss") -> None:
        """Takes delta, reduction and name."""
        super().__init__(huber, reduction, name, delta=delta)


@registry.add()
class LogCosh(LossFunctionWrapper):
    """mean(log(cosh(y_pred - y_true))) (tf.keras.losses.LogCosh)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "log_cosh") -> None:
        """Takes reduction and name."""
        super().__init__(log_cosh, reduction, name)


@registry.add()
class Hinge(LossFunctionWrapper):
    """mean(max(1 - y_true * y_pred, 0)), targets -1 or 1 (tf.keras.losses.Hinge)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "hinge") -> None:
        """Takes reduction and name."""
        super().__init__(hinge, reduction, name)


@registry.add()
class SquaredHinge(LossFunctionWrapper):
    """mean(max(1 - y_true * y_pred, 0) ** 2) (tf.keras.losses.SquaredHinge)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "squared_hinge") -> None:
        """Takes reduction and name."""
        super().__init__(squared_hinge, reduction, name)


@registry.add()
class CategoricalHinge(LossFunctionWrapper):
    """max(neg - pos + 1, 0) of one-hot targets (tf.keras.losses.CategoricalHinge)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "categorical_hinge") -> None:
        """Takes reduction and name."""
        super().__init__(categorical_hinge, reduction, name)


@registry.add()
class Poisson(LossFunctionWrapper):
    """mean(y_pred - y_true * log(y_pred)) (tf.keras.losses.Poisson)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "poisson") -> None:
        """Takes reduction and name."""
        super().__init__(poisson, reduction, name)


@registry.add()
class KLDivergence(LossFunctionWrapper):
    """sum(y_true * log(y_true / y_pred)) (tf.keras.losses.KLDivergence)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "kl_divergence") -> None:
        """Takes reduction and name."""
        super().__init__(kl_divergence, reduction, name)


@registry.add()
class CosineSimilarity(LossFunctionWrapper):
    """-sum(l2_normalize(y_true) * l2_normalize(y_pred)) (tf.keras.losses.CosineSimilarity)."""

    def __init__(self, axis: int = -1, reduction: str = Reduction.AUTO, name: str = "cosine_similarity") -> None:
        """Takes the axis, reduction and name."""
        super().__init__(cosine_similarity, reduction, name, axis=axis)


bce = BCE = binary_crossentropy
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh


def get(identifier: Any) -> Any:
    """A loss from a name, config, class, instance or callable. Raises ValueError for an unknown name."""
    return registry.get(identifier)


def serialize(loss: Any) -> Any:
    """Plain data that describes a loss; a function by its name."""
    if registry.holds(loss) and not isinstance(loss, type):
        return loss.__name__
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """A loss from `serialize`."""
    if isinstance(name, str):
        return registry.find(name, custom_objects)
    return deserialize_keras_object(name, custom_objects, registry)


__all__ = [
    "BCE", "KLD", "MAE", "MAPE", "MSE", "MSLE", "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge",
    "CosineSimilarity", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "MeanAbsoluteError",
    "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "Reduction",
    "SparseCategoricalCrossentropy", "SquaredHinge", "bce", "binary_crossentropy", "categorical_crossentropy",
    "categorical_hinge", "cosine_similarity", "deserialize", "get", "hinge", "huber", "kl_divergence", "kld",
    "kullback_leibler_divergence", "log_cosh", "logcosh", "mae", "mape", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "mse", "msle", "poisson",
    "serialize", "sparse_categorical_crossentropy", "squared_hinge",
]  # fmt: skip
