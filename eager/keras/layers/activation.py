"""Layers that apply an activation function."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras import activations
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops import math, nn
from eager.ops.array import cast
from eager.tensor_shape import TensorShape
from graphcore.dtypes import float16


class _SameShape(Layer):
    """A layer whose output has the input's shape and mask."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape


@registry.add()
class Activation(_SameShape):
    """An activation function as a layer (tf.keras.layers.Activation)."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        """Takes a name or function. Raises ValueError for an unknown name."""
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """activation(inputs)."""
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"activation": activations.serialize(self.activation)}


@registry.add()
class ReLU(_SameShape):
    """max(x, 0), with slope, ceiling and threshold as options (tf.keras.layers.ReLU)."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        """Takes the options. Raises ValueError for a negative one."""
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"{name} of a ReLU layer cannot be a negative value. Received: {value}")
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs: Any) -> Any:
        """The rectified inputs."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold,
        }  # fmt: skip


@registry.add()
class LeakyReLU(_SameShape):
    """x where positive, else alpha * x (tf.keras.layers.LeakyReLU)."""

    def __init__(self, alpha: float = 0.3, **kwargs: Any) -> None:
        """Takes the slope. Raises ValueError for None."""
        super().__init__(**kwargs)
        if alpha is None:
            raise ValueError("The alpha value of a Leaky ReLU layer cannot be None.")
        self.alpha = float(alpha)

    def call(self, inputs: Any) -> Any:
        """The inputs with negative ones scaled."""
        return nn.leaky_relu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"alpha": self.alpha}


@registry.add()
class ELU(_SameShape):
    """x where positive, else alpha * (exp(x) - 1) (tf.keras.layers.ELU)."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        """Takes the scale. Raises ValueError for None."""
        super().__init__(**kwargs)
        if alpha is None:
            raise ValueError("Alpha of an ELU layer cannot be None.")
        self.alpha = float(alpha)

    def call(self, inputs: Any) -> Any:
        """elu(inputs, alpha)."""
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"alpha": self.alpha}


@registry.add()
class PReLU(WeightRoles, _SameShape):
    """x where positive, else a weight alpha * x, one for each feature (tf.keras.layers.PReLU, He et al. 2015)."""

    _roles = ("alpha",)

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        """Takes the options of alpha, and the axes, counted with the batch, along which it is shared."""
        super().__init__(**kwargs)
        self._set_role("alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        self.shared_axes = None if shared_axes is None else [*nest.flatten(shared_axes)]

    def build(self, input_shape: Any) -> None:
        """Makes alpha. Raises ValueError for a shared axis out of range."""
        shape = TensorShape(input_shape)
        sizes: list[Any] = shape.as_list()[1:]
        for axis in self.shared_axes or ():
            if not -len(sizes) < axis <= len(sizes):
                raise ValueError(f"PReLU: shared axis {axis} is out of range for an input of shape {shape}.")
            sizes[axis - 1] = 1
        self.alpha = self._make_weight("alpha", sizes)
        shared = self.shared_axes or ()
        self.input_spec = InputSpec(
            ndim=len(shape), axes={i: shape[i] for i in range(1, len(shape)) if i not in shared}
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The inputs with negative ones scaled."""
        return nn.relu(inputs) - self.alpha * nn.relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self._role_config() | {"shared_axes": self.shared_axes}


@registry.add()
class ThresholdedReLU(_SameShape):
    """x above a threshold, else 0 (tf.keras.layers.ThresholdedReLU)."""

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        """Takes the threshold. Raises ValueError for None or a negative one."""
        super().__init__(**kwargs)
        if theta is None:
            raise ValueError(f"Theta of a Thresholded ReLU layer cannot be None, expecting a float. Received: {theta}")
        if theta < 0:
            raise ValueError(f"The theta value of a Thresholded ReLU layer should be >=0. Received: {theta}")
        self.theta = float(theta)

    def call(self, inputs: Any) -> Any:
        """The inputs with those up to the threshold set to 0."""
        return inputs * cast(math.greater(inputs, self.theta), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"theta": self.theta}


@registry.add()
class Softmax(_SameShape):
    """softmax along an axis, or several; a mask leaves elements out (tf.keras.layers.Softmax)."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        """Takes the axis or axes."""
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Probabilities; elements where the mask is False get none."""
        if mask is not None:
            low = -65504.0 if inputs.dtype is float16 else -1e9
            inputs = inputs + (1.0 - cast(mask, inputs.dtype)) * low
        axes = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        if len(axes) > 1:
            return math.exp(inputs - math.reduce_logsumexp(inputs, axes, keepdims=True))
        return activations.softmax(inputs, axes[0])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


