"""Normalisation of each example within groups of channels."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers.normalization import (
    ScaleAndShift,
    as_floating,
    axes_within,
    given_axes,
    known_sizes,
    wide_dtype,
)
from eager.keras.layers.table import registry
from eager.ops.array import cast, expand_dims, reshape, zeros_like
from eager.ops.array import shape as shape_of
from eager.ops.nn import moments
from eager.ops.statistics import weighted_moments
from eager.tensor_shape import TensorShape


@registry.add()
class GroupNormalization(ScaleAndShift):
    """Mean 0 and variance 1 in each group of channels of each example (tf.keras.layers.GroupNormalization).

    One group is a layer normalisation over all axes; as many groups as channels an instance normalisation
    (Wu and He 2018).
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Takes the number of groups (-1: one for each channel), the axis of channels, and the weights' options.

        Raises:
            TypeError: if the axis is no integer.
        """
        super().__init__(
            center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        self.groups = groups
        self.axis = given_axes(axis)
        if not isinstance(self.axis, int):
            raise TypeError(f"GroupNormalization takes one axis, an int. Received: axis={axis}")
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Makes gamma and beta (channels,).

        Raises:
            ValueError: for an axis out of range, or channels that do not divide into the groups.
        """
        shape = TensorShape(input_shape)
        (axis,) = axes_within(self.axis, shape.rank)
        (channels,) = known_sizes(shape, [axis], self.name)
        if self.groups == -1:
            self.groups = channels
        if self.groups > channels:
            raise ValueError(
                f"Number of groups ({self.groups}) cannot be more than the number of channels ({channels})."
            )
        if channels % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must divide the number of channels ({channels}) evenly."
            )
        self.input_spec = InputSpec(ndim=shape.rank, axes={self.axis: channels})
        self._add_scale_and_shift([channels])
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The normalised inputs, computed in at least float32; a mask leaves elements out of the statistics."""
        axis = self.axis % inputs.ndim
        inputs = as_floating(inputs, self.compute_dtype)
        wide = cast(inputs, wide_dtype(inputs.dtype))
        sizes = [shape_of(inputs)[i] if n is None else n for i, n in enumerate(inputs.shape)]
        channels = inputs.shape[axis]
        split: list[Any] = [*sizes[:axis], self.groups, channels // self.groups, *sizes[axis + 1 :]]
        x = reshape(wide, split)
        axes = [i for i in range(1, x.ndim) if i != axis]
        if mask is None:
            mean, variance = moments(x, axes, keepdims=True)
        else:
            weights = reshape(self._weights_of(mask, wide, axis), split)
            mean, variance = weighted_moments(x, axes, weights, keepdims=True)
        shape = [split[i] if i in (axis, axis + 1) else 1 for i in range(x.ndim)]
        return cast(reshape(self._normalize(x, mean, variance, shape, self.epsilon), sizes), inputs.dtype)

    def _weights_of(self, mask: Any, x: Any, axis: int) -> Any:
        """The mask, with or without an axis of channels, in the input's shape: 1 where an element counts."""
        weights = cast(mask, x.dtype)
        if weights.ndim < x.ndim:
            weights = expand_dims(weights, axis)
        while weights.ndim < x.ndim:
            weights = expand_dims(weights, -1)
        return weights + zeros_like(x)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"groups": self.groups, "axis": self.axis, "epsilon": self.epsilon}
