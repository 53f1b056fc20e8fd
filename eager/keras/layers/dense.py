"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from eager.keras import activations, regularizers
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.array import cast
from eager.ops.linalg import matmul, tensordot
from eager.ops.nn import bias_add
from eager.tensor_shape import TensorShape
from graphcore.dtypes import as_dtype


@registry.add()
class Dense(WeightRoles):
    """activation(inputs @ kernel + bias) over the last axis (tf.keras.layers.Dense).

    Takes (batch, ..., n) and gives (batch, ..., units).
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            units: the size of the output's last axis.
            activation: name or function; None is linear.
            use_bias: whether a bias is added.
            kernel_initializer, bias_initializer: how the weights start.
            kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.

        Raises:
            ValueError: if units is no positive integer.
        """
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units) if not isinstance(units, int) else units
        if self.units <= 0:
            raise ValueError(
                f"Received an invalid value for `units`, expected a positive integer. Received: units={units}"
            )
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._set_role("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_role("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Makes kernel (n, units) and bias (units,).

        Raises:
            TypeError: if the compute dtype is not floating.
            ValueError: if the last size is unknown.
        """
        if not as_dtype(self.compute_dtype).is_floating:
            raise TypeError(
                f"A Dense layer can only be built with a floating-point dtype. Received: dtype={self.dtype}"
            )
        shape = TensorShape(input_shape)
        last = shape[-1]
        if last is None:
            raise ValueError(
                "The last dimension of the inputs to a Dense layer should be defined. Found None. "
                f"Full input shape received: {shape}"
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self._make_weight("kernel", (last, self.units))
        if self.use_bias:
            self.bias = self._make_weight("bias", (self.units,))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """activation(inputs @ kernel + bias); inputs of any other dtype are cast to the compute dtype."""
        if inputs.dtype.name != self.compute_dtype:
            inputs = cast(inputs, self.compute_dtype)
        product = matmul(inputs, self.kernel) if inputs.ndim == 2 else tensordot(inputs, self.kernel, 1)
        if self.bias is not None:
            product = bias_add(product, self.bias)
        return self.activation(product)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape with `units` as the last size. Raises ValueError if the last size is unknown."""
        shape = TensorShape(input_shape)
        if shape[-1] is None:
            raise ValueError(
                f"The last dimension of the input shape of a Dense layer should be defined. Received: {shape}"
            )
        return shape[:-1].concatenate(self.units)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        } | self._role_config()
