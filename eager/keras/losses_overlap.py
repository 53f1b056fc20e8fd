"""Losses that Keras 3 adds: Dice and Tversky, which measure overlap, and connectionist temporal classification."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.errors import ShapeError
from eager.keras.loss_functions import registry
from eager.keras.losses import LossFunctionWrapper
from eager.keras.reduction import Reduction
from eager.ops.array import cast, fill
from eager.ops.array import shape as shape_of
from eager.ops.ctc import ctc_loss
from eager.ops.math import not_equal, reduce_sum
from eager.tensor import Tensor
from graphcore.dtypes import int32, int64


def _floats(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor, float]:
    """Targets and predictions in the predictions' dtype, and what keeps a division finite."""
    from eager.keras.backend import epsilon

    p = convert(y_pred)
    return cast(convert(y_true), p.dtype), p, epsilon()


@registry.add()
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """1 - 2 |T and P| / (|T| + |P|) over axes, by default all (keras.losses.dice of Keras 3)."""
    t, p, small = _floats(y_true, y_pred)
    both = reduce_sum(t * p, axis)
    return 1.0 - 2.0 * both / (reduce_sum(t, axis) + reduce_sum(p, axis) + small)


@registry.add()
def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Tensor:
    """1 - |T and P| / (|T and P| + alpha |T without P| + beta |P without T|) (keras.losses.tversky of Keras 3)."""
    t, p, small = _floats(y_true, y_pred)
    both = reduce_sum(t * p, axis)
    missed, extra = reduce_sum((1.0 - p) * t, axis), reduce_sum(p * (1.0 - t), axis)
    return 1.0 - both / (both + missed * alpha + extra * beta + small)


@registry.add()
def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """The negative log-likelihood of label sequences; class 0 is the blank (keras.losses.ctc of Keras 3).

    As `tf.nn.ctc_loss` it runs on the host, also in traced functions.

    Args:
        y_true: class numbers (batch, labels), padded with 0.
        y_pred: logits (batch, frames, classes).

    Returns:
        (batch,).

    Raises:
        ShapeError: for other ranks.
    """
    t, p = cast(convert(y_true), int64), convert(y_pred)
    if t.ndim != 2 or p.ndim != 3:
        raise ShapeError(
            f"ctc: targets have shape {t.shape} and logits {p.shape}; expected (batch, labels) and "
            "(batch, frames, classes)"
        )
    sizes = shape_of(p)
    lengths = reduce_sum(cast(not_equal(t, 0), int32), -1)
    frames = fill([sizes[0]], sizes[1])
    return ctc_loss(t, p, lengths, frames, logits_time_major=False, blank_index=0)


@registry.add()
class Dice(LossFunctionWrapper):
    """How little targets and predictions overlap (keras.losses.Dice of Keras 3)."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "dice", axis: Any = None) -> None:
        """Takes reduction, name and the axes to sum over, by default all."""
        super().__init__(dice, reduction, name, axis=axis)
        self.axis = axis


@registry.add()
class Tversky(LossFunctionWrapper):
    """Dice with weights for what is missed and what is too much (keras.losses.Tversky of Keras 3)."""

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5, reduction: str = Reduction.AUTO, name: str = "tversky",
        axis: Any = None,
    ) -> None:  # fmt: skip
        """Takes both weights, reduction, name and the axes to sum over, by default all."""
        super().__init__(tversky, reduction, name, alpha=alpha, beta=beta, axis=axis)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis


@registry.add()
class CTC(LossFunctionWrapper):
    """Connectionist temporal classification (keras.losses.CTC of Keras 3); runs on the host."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str = "ctc") -> None:
        """Takes reduction and name."""
        super().__init__(ctc, reduction, name)


__all__ = ["CTC", "Dice", "Tversky", "ctc", "dice", "tversky"]
