"""tf.keras.losses: the classes; the functions stand in `loss_functions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from eager.convert import convert
from eager.keras.loss_functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
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
from eager.keras.plain_values import as_lists
from eager.keras.reduction import Reduction, join_masks, mask_weights, squeeze_or_expand, weighted_loss
from eager.keras.serialization import deserialize_keras_object, get_registered_name, serialize_keras_object
from eager.lazy import lazy_names


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
        mask = join_masks(getattr(y_pred, "_keras_mask", None), getattr(values, "_keras_mask", None))
        weights = mask_weights(values, sample_weight, mask, self.reduction)
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
        """Reduction, name, the function's options and its registered name."""
        return super().get_config() | plain(self._fn_kwargs) | {"fn": get_registered_name(self.fn)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss from `get_config`."""
        options = {key: value for key, value in config.items() if key != "fn"}
        if cls is LossFunctionWrapper:
            options["fn"] = get(config["fn"])
        return cls(**options)


def plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as data: tensors, variables and arrays become lists or numbers."""
    return {key: as_lists(value) for key, value in options.items()}


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


_MODULES = {
    "eager.keras.losses_focal": "BinaryFocalCrossentropy CategoricalFocalCrossentropy",
    "eager.keras.losses_overlap": "CTC Dice Tversky ctc dice tversky",
}
registry.add_homes(_MODULES)
registry.entries["huber_loss"] = huber

bce = BCE = binary_crossentropy
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh


def get(identifier: Any) -> Any:
    """A loss from a name, config, class, instance or callable (tf.keras.losses.get); None for None.

    Raises:
        ValueError: for an unknown name, or something that is no loss.
    """
    return find(registry, identifier, "loss function")


def find(table: Any, identifier: Any, kind: str) -> Any:
    """What an identifier means in a table; a name of a class means an instance of it.

    Raises:
        ValueError: for an unknown name, or something that is not callable.
    """
    if identifier is not None and not isinstance(identifier, str | dict) and not callable(identifier):
        raise ValueError(f"Could not interpret {kind} identifier: {identifier}")
    return table.get(identifier)


def serialize(loss: Any, use_legacy_format: bool = False) -> Any:
    """Plain data that describes a loss (tf.keras.losses.serialize).

    Args:
        loss: a Loss, or a function.
        use_legacy_format: gives only class_name and config, and of a function its name.
    """
    return as_data(loss, use_legacy_format)


def as_data(obj: Any, legacy: bool) -> Any:
    """The serialized form of a loss or metric, or the older one, which has only class_name and config."""
    form = serialize_keras_object(obj)
    if not legacy or not isinstance(form, dict):
        return form
    return form["config"] if form["class_name"] == "function" else {k: form[k] for k in ("class_name", "config")}


def deserialize(name: Any, custom_objects: Any = None, use_legacy_format: bool = False) -> Any:
    """A loss from `serialize` (tf.keras.losses.deserialize); both formats are known without being told."""
    del use_legacy_format
    return from_data(name, custom_objects, registry)


def from_data(form: Any, custom_objects: Any, table: Any) -> Any:
    """A loss or metric from its serialized form or its name; the name of a class means an instance of it."""
    if isinstance(form, str):
        found = table.find(form, custom_objects)
        return found() if isinstance(found, type) else found
    return deserialize_keras_object(form, custom_objects, table)


__getattr__, __dir__ = lazy_names(globals(), "tf.keras.losses", _MODULES)


__all__ = [
    "BCE", "KLD", "MAE", "MAPE", "MSE", "MSLE", "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge",
    "CosineSimilarity", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "MeanAbsoluteError",
    "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "Reduction",
    "SparseCategoricalCrossentropy", "SquaredHinge", "bce", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_hinge", "cosine_similarity", "deserialize", "get", "hinge", "huber", "kl_divergence", "kld",
    "kullback_leibler_divergence", "log_cosh", "logcosh", "mae", "mape", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "mse", "msle", "poisson",
    "serialize", "sparse_categorical_crossentropy", "squared_hinge",
]  # fmt: skip
