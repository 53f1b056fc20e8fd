"""Layers that normalise."""

from __future__ import annotations

from typing import Any

from eager.keras import constraints, initializers, regularizers
from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.ops.array import cast, reshape
from eager.ops.nn import batch_normalization, moments
from eager.tensor_shape import TensorShape


@registry.add()
class LayerNormalization(Layer):
    """Mean 0 and variance 1 over axes of each example, then scale and shift (tf.keras.layers.LayerNormalization)."""

    def __init__(
        self,
        axis: Any = -1,
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
        """Takes axes, epsilon, and the options of scale gamma and shift beta.

        Raises:
            TypeError: if the axis is no integer or list of integers.
        """
        super().__init__(**kwargs)
        if not isinstance(axis, int | list | tuple):
            raise TypeError(f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}")
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.gamma = None
        self.beta = None

    def _axes(self, rank: int) -> list[int]:
        given = [self.axis] if isinstance(self.axis, int) else self.axis
        axes = [a + rank if a < 0 else a for a in given]
        if any(not 0 <= a < rank for a in axes) or len(set(axes)) != len(axes):
            raise ValueError(f"Invalid value for `axis` argument: {self.axis} for an input of rank {rank}")
        return axes

    def build(self, input_shape: Any) -> None:
        """Makes gamma and beta of the normalised sizes. Raises ValueError for an axis out of range."""
        shape = TensorShape(input_shape)
        axes = self._axes(len(shape))
        sizes = [shape[a] for a in axes]
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", sizes, initializer=self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, autocast=False,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                "beta", sizes, initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, autocast=False,
            )  # fmt: skip
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The normalised inputs, computed in at least float32."""
        axes = self._axes(inputs.ndim)
        wide = "float32" if inputs.dtype.size < 4 else inputs.dtype
        x = cast(inputs, wide)
        mean, variance = moments(x, axes, keepdims=True)
        outputs = batch_normalization(
            x, mean, variance, self._spread(self.beta, x, axes), self._spread(self.gamma, x, axes), self.epsilon
        )
        return cast(outputs, inputs.dtype)

    def _spread(self, weight: Any, x: Any, axes: list[int]) -> Any:
        """The weight in a shape that broadcasts to x."""
        if weight is None:
            return None
        value = cast(weight, x.dtype)
        if axes == [x.ndim - 1]:
            return value
        return reshape(value, [x.shape[i] if i in axes else 1 for i in range(x.ndim)])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
