"""tf.keras.losses: cross-entropies in which easy examples count less (Lin et al., 2018)."""

from __future__ import annotations

from typing import Any

from eager.keras.loss_functions import binary_focal_crossentropy, categorical_focal_crossentropy, registry
from eager.keras.losses import LossFunctionWrapper
from eager.keras.reduction import Reduction


@registry.add()
class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary cross-entropy in which easy examples count less (tf.keras.losses.BinaryFocalCrossentropy)."""

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: str = Reduction.AUTO,
        name: str = "binary_focal_crossentropy",
    ) -> None:  # fmt: skip
        """Takes the options of `binary_focal_crossentropy`, reduction and name."""
        super().__init__(
            binary_focal_crossentropy, reduction, name, apply_class_balancing=apply_class_balancing, alpha=alpha,
            gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits


@registry.add()
class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Categorical cross-entropy in which easy examples count less (tf.keras.losses.CategoricalFocalCrossentropy)."""

    def __init__(
        self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
        axis: int = -1, reduction: str = Reduction.AUTO, name: str = "categorical_focal_crossentropy",
    ) -> None:  # fmt: skip
        """Takes the options of `categorical_focal_crossentropy`, reduction and name."""
        super().__init__(
            categorical_focal_crossentropy, reduction, name, alpha=alpha, gamma=gamma, from_logits=from_logits,
            label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits


__all__ = ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"]
