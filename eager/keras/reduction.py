"""How values per example become one loss: weights, masks, and the reduction over the batch."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.convert import convert
from eager.errors import ShapeError
from eager.ops.array import broadcast_to, cast, expand_dims, size, squeeze
from eager.ops.array import shape as shape_of
from eager.ops.math import divide_no_nan, logical_and, reduce_sum
from eager.tensor import Tensor
from graphcore.dtypes import float32


class Reduction:
    """The names of reductions (tf.keras.losses.Reduction)."""

    AUTO: ClassVar[str] = "auto"
    NONE: ClassVar[str] = "none"
    SUM: ClassVar[str] = "sum"
    SUM_OVER_BATCH_SIZE: ClassVar[str] = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Every name."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: Any) -> None:
        """Raises ValueError for an unknown name."""
        if key not in cls.all():
            raise ValueError(f'Invalid Reduction Key: {key}. Expected keys are "{cls.all()}"')


def squeeze_or_expand(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Removes a last axis of size 1 that only one of the two has."""
    difference = y_pred.ndim - y_true.ndim
    if difference == 1 and y_pred.shape[-1] == 1:
        y_pred = squeeze(y_pred, -1)
    elif difference == -1 and y_true.shape[-1] in (1, None):
        y_true = squeeze(y_true, -1)
    return y_true, y_pred


def fit_weights(weights: Tensor, rank: int) -> Tensor:
    """Weights with a last axis of size 1 removed or added where that makes the ranks equal.

    Raises:
        ShapeError: if the weights have an axis too many that is not of size 1.
    """
    if weights.ndim == 0 or weights.ndim == rank:
        return weights
    if weights.ndim == rank + 1:
        if weights.shape[-1] not in (1, None):
            raise ShapeError(
                f"sample_weight has shape {weights.shape}, but the values that it weighs have {rank} axes: give one "
                "weight per example, or one per value"
            )
        return squeeze(weights, -1)
    return expand_dims(weights, -1) if weights.ndim == rank - 1 else weights


def broadcast_weights(weights: Tensor, values: Tensor) -> Tensor:
    """Weights in the shape of the values: a scalar, or of equal rank with sizes that are 1 or equal.

    Raises:
        ShapeError: for other shapes.
    """
    pairs = zip(weights.shape, values.shape, strict=False)
    if weights.ndim and (weights.ndim != values.ndim or any(w not in (1, None, v) and v is not None for w, v in pairs)):
        raise ShapeError(
            f"weights can not be broadcast to values: sample_weight has shape {weights.shape}, the values "
            f"{values.shape}"
        )
    return broadcast_to(weights, shape_of(values))


def join_masks(one: Any, two: Any) -> Any:
    """Where both masks hold; None stands for everywhere."""
    if one is None or two is None:
        return one if two is None else two
    return logical_and(one, two)


def mask_weights(values: Tensor, sample_weight: Any, mask: Any, reduction: str) -> Any:
    """Sample weights with a mask multiplied in; for a mean, masked elements do not count as elements."""
    if mask is None:
        return sample_weight
    valid = cast(mask, values.dtype)
    if reduction in (Reduction.AUTO, Reduction.SUM_OVER_BATCH_SIZE):
        total = cast(size(valid), values.dtype)
        valid = valid * divide_no_nan(total, reduce_sum(valid))
    if sample_weight is None:
        return valid
    return valid * fit_weights(cast(convert(sample_weight), values.dtype), valid.ndim)


def weighted_loss(values: Tensor, sample_weight: Any, reduction: str) -> Tensor:
    """The values times their weights, reduced; the mean divides by the number of values, not by the weights."""
    if not values.dtype.is_floating:
        return cast(weighted_loss(cast(values, float32), sample_weight, reduction), values.dtype)
    if sample_weight is not None:
        values = values * fit_weights(cast(convert(sample_weight), values.dtype), values.ndim)
    if reduction == Reduction.NONE:
        return values
    total = reduce_sum(values)
    if reduction == Reduction.SUM:
        return total
    return divide_no_nan(total, cast(size(values), total.dtype))
