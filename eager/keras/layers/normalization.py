"""Layers that normalise each example, and what layers of that kind share: scale gamma and shift beta."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.array import cast, reshape
from eager.ops.math import rsqrt
from eager.ops.nn import l2_normalize, moments
from eager.tensor_shape import TensorShape


def given_axes(axis: Any) -> Any:
    """An axis argument: an int, or several as a list. Raises TypeError for anything else."""
    if isinstance(axis, int):
        return axis
    if isinstance(axis, list | tuple) and all(isinstance(a, int) for a in axis):
        return list(axis)
    raise TypeError(f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}")


def axes_within(axis: int | list[int], rank: int | None) -> list[int]:
    """The axes of a rank counted from 0.

    Raises:
        ValueError: for one out of range or given twice, or an unknown rank.
    """
    if rank is None:
        raise ValueError("Input has undefined rank; give the input of a normalization layer a known number of axes.")
    given = [axis] if isinstance(axis, int) else axis
    axes = [a + rank if a < 0 else a for a in given]
    if any(not 0 <= a < rank for a in axes):
        raise ValueError(
            f"Invalid value for `axis` argument. Expected 0 <= axis < inputs.rank (with inputs.rank={rank}). "
            f"Received: axis={tuple(given)}"
        )
    if len(set(axes)) != len(axes):
        raise ValueError(f"Duplicate axis: {tuple(axes)}")
    return axes


def known_sizes(shape: TensorShape, axes: list[int], layer: str) -> list[int]:
    """The sizes along axes. Raises ValueError for an unknown one."""
    sizes = [shape[a] for a in axes]
    if any(n is None for n in sizes):
        raise ValueError(
            f"Input shape {shape} of layer {layer!r} has an unknown size along a normalised axis {axes}; its weights "
            "need that size."
        )
    return [int(n) for n in sizes if n is not None]


def wide_dtype(dtype: Any) -> Any:
    """The dtype in which statistics are computed: at least float32."""
    return "float32" if dtype.size < 4 else dtype


def as_floating(x: Any, dtype: str) -> Any:
    """Floating values as they are, others (integers, bools) in a layer's compute dtype."""
    return x if x.dtype.is_floating else cast(x, dtype)


class ScaleAndShift(WeightRoles):
    """A layer with optional weights gamma, which scales, and beta, which shifts."""

    _roles = ("beta", "gamma")

    def __init__(
        self,
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
        """Takes which weights there are, and their options."""
        super().__init__(**kwargs)
        self.center = center
        self.scale = scale
        self._set_role("beta", beta_initializer, beta_regularizer, beta_constraint)
        self._set_role("gamma", gamma_initializer, gamma_regularizer, gamma_constraint)
        self.supports_masking = True
        self.gamma = None
        self.beta = None

    def _add_scale_and_shift(self, shape: Any, dtype: Any = None) -> None:
        """Makes the weights that the layer has; they keep their dtype under mixed precision."""
        options: dict[str, Any] = {"shape": shape, "dtype": dtype, "autocast": False}
        if self.scale:
            self.gamma = self._make_weight("gamma", **options)
        if self.center:
            self.beta = self._make_weight("beta", **options)

    def _normalize(self, x: Any, mean: Any, variance: Any, shape: list[int] | None, epsilon: float) -> Any:
        """Scaled and shifted (x - mean) / sqrt(variance + epsilon); `shape` is that of the weights beside x."""
        beta, gamma = (self._beside(w, x, shape) for w in (self.beta, self.gamma))
        factor = rsqrt(variance + epsilon)
        # The mean goes first: x * factor - mean * factor would lose the digits that a large mean takes.
        result = (x - mean) * (factor if gamma is None else factor * gamma)
        return result if beta is None else result + beta

    def _beside(self, weight: Any, x: Any, shape: list[int] | None) -> Any:
        """A weight in the dtype of x and a shape that broadcasts to it."""
        if weight is None:
            return None
        value = cast(weight, x.dtype)
        return value if shape is None else reshape(value, shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"center": self.center, "scale": self.scale} | self._role_config()


@registry.add()
class LayerNormalization(ScaleAndShift):
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
        super().__init__(
            center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        self.axis = given_axes(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Makes gamma and beta of the normalised sizes. Raises ValueError for an axis out of range."""
        shape = TensorShape(input_shape)
        self.axis = axes_within(self.axis, shape.rank)
        self._add_scale_and_shift(known_sizes(shape, self.axis, self.name))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The normalised inputs, computed in at least float32."""
        axes: list[int] = self.axis
        inputs = as_floating(inputs, self.compute_dtype)
        x = cast(inputs, wide_dtype(inputs.dtype))
        mean, variance = moments(x, axes, keepdims=True)
        last = axes == list(range(inputs.ndim - len(axes), inputs.ndim))
        shape = None if last else [inputs.shape[i] if i in axes else 1 for i in range(inputs.ndim)]
        return cast(self._normalize(x, mean, variance, shape, self.epsilon), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"axis": self.axis, "epsilon": self.epsilon}


@registry.add()
class UnitNormalization(Layer):
    """Each example with a Euclidean norm of 1 along axes (tf.keras.layers.UnitNormalization)."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        """Takes the axis or axes. Raises TypeError unless they are integers."""
        super().__init__(**kwargs)
        try:
            self.axis = given_axes(axis)
        except TypeError as error:
            raise TypeError(
                f"Invalid value for `axis` argument: expected an int or a list/tuple of ints. Received: axis={axis}"
            ) from error
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the axes. Raises ValueError for one out of range."""
        self.axis = axes_within(self.axis, TensorShape(input_shape).rank)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The inputs divided by their norms."""
        return l2_normalize(as_floating(inputs, self.compute_dtype), self.axis, 1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"axis": self.axis}
