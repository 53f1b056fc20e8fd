"""Convolution with a kernel of its own at every position."""

from __future__ import annotations

from typing import Any

from eager.errors import UnsupportedError
from eager.keras import activations, backend, regularizers
from eager.keras.backend_images import local_conv1d, local_conv2d
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers.conv_arguments import (
    channel_axis,
    channels_of,
    data_format,
    integers,
    padding_word,
    require_positive,
    spatial_sizes,
    windowed,
    with_spatial,
)
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.math import add
from eager.tensor_shape import TensorShape


class LocallyConnected(WeightRoles):
    """Base of LocallyConnected1D and 2D."""

    _spatial: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        """Takes the options of a convolution.

        Args:
            filters: channels of the output.
            kernel_size, strides: one integer, or one per spatial axis.
            padding: valid; a kernel of its own has no place outside.
            data_format: channels_last or channels_first.
            activation: name or function.
            use_bias: whether a bias per position and filter is added.
            kernel_initializer, bias_initializer: how the weights start.
            kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, bias_constraint: applied after each update.
            implementation: 1; 2 and 3 of tf.keras store the same weights in other shapes.
            **kwargs: as for Layer.

        Raises:
            ValueError: for a number of filters that is not positive, another padding, or sizes of another form.
            UnsupportedError: for another implementation.
        """
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if filters is not None and filters <= 0:
            raise ValueError(f"Received an invalid value for `filters`, expected a positive integer: {filters}")
        if padding_word(padding) != "valid":
            raise ValueError(f"Invalid border mode for {type(self).__name__} (only 'valid' is supported): {padding}")
        if implementation != 1:
            raise UnsupportedError(
                f"{type(self).__name__}: implementation={implementation} is not supported; implementation=1 computes "
                "the same values"
            )
        self.filters = filters
        self.kernel_size = integers(kernel_size, self._spatial, "kernel_size")
        self.strides = integers(strides, self._spatial, "strides")
        self.padding = "valid"
        self.data_format = _format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._set_role("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_role("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.implementation = implementation
        self.input_spec = InputSpec(ndim=self._spatial + 2)
        self.bias = None

    def _positions(self, input_shape: Any) -> list[int | None]:
        sizes = spatial_sizes(input_shape, self.data_format, self._spatial)
        return [windowed(n, k, "valid", s) for n, k, s in zip(sizes, self.kernel_size, self.strides, strict=True)]

    def build(self, input_shape: Any) -> None:
        """Makes kernel (positions, kernel elements * channels, filters) and bias (*positions, filters).

        Raises:
            ValueError: if a size but the batch's is open, or no window fits.
        """
        channels = channels_of(input_shape, self.data_format, self._spatial, type(self).__name__)
        found = self._positions(input_shape)
        require_positive(found, self.name, input_shape, self.data_format, self.filters)
        positions, elements, sizes = 1, channels, [n for n in found if n is not None]
        if len(sizes) < len(found):
            raise ValueError(
                f"The spatial dimensions of the inputs to {type(self).__name__} should be fully-defined, but layer "
                f"{self.name!r} received an input_shape of {TensorShape(input_shape)}"
            )
        for n, k in zip(sizes, self.kernel_size, strict=True):
            positions, elements = positions * n, elements * k
        self._output_sizes = tuple(sizes)
        self.kernel = self._make_weight("kernel", (positions, elements, self.filters))
        if self.use_bias:
            self.bias = self._make_weight("bias", (*sizes, self.filters))
        axis = channel_axis(self.data_format, self._spatial)
        self.input_spec = InputSpec(ndim=self._spatial + 2, axes={axis: channels})
        self.built = True

    def _convolve(self, inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must override `_convolve(self, inputs)`")

    def call(self, inputs: Any) -> Any:
        """activation(every window times the kernel of its position, plus bias)."""
        outputs = self._convolve(inputs)
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = backend.permute_dimensions(bias, (self._spatial, *range(self._spatial)))
            outputs = add(outputs, bias)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape with `filters` channels and one place per window."""
        return with_spatial(input_shape, self.data_format, self._positions(input_shape), self.filters)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "implementation": self.implementation,
        } | self._role_config()


_format = data_format  # the constructor's argument has the same name


@registry.add()
class LocallyConnected1D(LocallyConnected):
    """1-D convolution with a kernel of its own at every step (tf.keras.layers.LocallyConnected1D).

    Takes (batch, steps, channels) and gives (batch, new steps, filters), or the same with channels first.
    """

    _spatial = 1

    def _convolve(self, inputs: Any) -> Any:
        return local_conv1d(inputs, self.kernel, self.kernel_size, self.strides, self.data_format)


@registry.add()
class LocallyConnected2D(LocallyConnected):
    """2-D convolution with a kernel of its own at every place (tf.keras.layers.LocallyConnected2D).

    Takes (batch, rows, columns, channels) and gives (batch, new rows, new columns, filters), or with channels first.
    """

    _spatial = 2

    def _convolve(self, inputs: Any) -> Any:
        return local_conv2d(
            inputs, self.kernel, self.kernel_size, self.strides, self._output_sizes, self.data_format
        )
