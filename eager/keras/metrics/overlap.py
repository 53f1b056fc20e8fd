"""Intersection over union of predicted and true classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.metric_base import Metric, registry
from eager.ops.array import cast, gather, ones_like, reshape, where
from eager.ops.counting import confusion_matrix
from eager.ops.diagonals import diag_part
from eager.ops.math import argmax, divide_no_nan, greater_equal, not_equal, reduce_sum
from eager.tensor import Tensor


@registry.add()
class IoU(Metric):
    """Of chosen classes, the mean of |T and P| / |T or P| (tf.keras.metrics.IoU).

    Classes that occur in neither targets nor predictions do not count.
    """

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        """Makes the metric.

        Args:
            num_classes: how many classes there are.
            target_class_ids: the classes of the mean.
            name: by default the class's, with a number.
            dtype: the dtype of the counts.
            ignore_class: a class of the targets that does not count.
            sparse_y_true: whether targets are class numbers; else the largest along the axis is the class.
            sparse_y_pred: likewise of predictions.
            axis: the class axis.

        Raises:
            ValueError: for a class that is not below num_classes.
        """
        super().__init__(name=name, dtype=dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(f"Target class id {max(target_class_ids)} is out of range, which is [0, {num_classes}).")
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_weight("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: class numbers, or one value per class along the axis.
            y_pred: likewise.
            sample_weight: what each element counts, of the targets' shape.

        Raises:
            InvalidArgumentError: for a class out of range.
            ShapeError: if there are not as many predictions as targets.
        """
        t, p = convert(y_true), convert(y_pred)
        t = reshape(cast(t if self.sparse_y_true else argmax(t, self.axis), "int64"), (-1,))
        p = reshape(cast(p if self.sparse_y_pred else argmax(p, self.axis), "int64"), (-1,))
        w = None if sample_weight is None else reshape(cast(convert(sample_weight), self.dtype), (-1,))
        if self.ignore_class is not None:
            # Weights of 0 leave the elements out and keep every shape known.
            counted = not_equal(t, self.ignore_class)
            w = cast(counted, self.dtype) if w is None else where(counted, w, 0.0)
            t, p = where(counted, t, 0), where(counted, p, 0)
        w = ones_like(t, self.dtype) if w is None else w
        self.total_cm.assign_add(confusion_matrix(t, p, self.num_classes, w, self.dtype))

    def result(self) -> Tensor:
        """The mean so far, a scalar; 0 where nothing was counted."""
        counts = self.total_cm.value()
        both = diag_part(counts)
        either = reduce_sum(counts, 0) + reduce_sum(counts, 1) - both
        both, either = (gather(x, self.target_class_ids) for x in (both, either))
        present = reduce_sum(cast(not_equal(either, 0), self.dtype))
        return divide_no_nan(reduce_sum(divide_no_nan(both, either)), present)

    def _options(self, *names: str) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, **{name: getattr(self, name) for name in names}}

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        return self._options(
            "num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis"
        )


@registry.add()
class BinaryIoU(IoU):
    """IoU of two classes, predicted by a threshold (tf.keras.metrics.BinaryIoU)."""

    def __init__(
        self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Takes the classes of the mean, the least prediction of class 1, name and dtype."""
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: targets 0 or 1.
            y_pred: predictions of the same shape.
            sample_weight: what each element counts, of the same shape.

        Raises:
            InvalidArgumentError: for targets other than 0 and 1.
        """
        chosen = greater_equal(cast(convert(y_pred), self.dtype), self.threshold)
        super().update_state(y_true, cast(chosen, "int64"), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        return self._options("target_class_ids", "threshold")


@registry.add()
class MeanIoU(IoU):
    """The mean IoU of all classes (tf.keras.metrics.MeanIoU)."""

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
        sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes what IoU takes but the classes."""
        ids = list(range(num_classes))
        super().__init__(num_classes, ids, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        return self._options("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")


@registry.add()
class OneHotIoU(IoU):
    """IoU of one-hot targets (tf.keras.metrics.OneHotIoU)."""

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes what IoU takes but sparse_y_true."""
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        return self._options("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")


@registry.add()
class OneHotMeanIoU(MeanIoU):
    """The mean IoU of all classes, of one-hot targets (tf.keras.metrics.OneHotMeanIoU)."""

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
        sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes what MeanIoU takes but sparse_y_true."""
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        return self._options("num_classes", "ignore_class", "sparse_y_pred", "axis")


__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]
