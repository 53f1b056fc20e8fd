"""Transposed convolution layers over one to three spatial axes."""

from __future__ import annotations

from typing import Any

from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.convolution import Conv, Conv1D, Conv2D, Conv3D
from eager.keras.layers.table import registry
from eager.ops.array import shape as shape_of
from eager.ops.conv_transpose import conv_transpose
from eager.tensor_shape import TensorShape


class ConvTranspose(Conv):
    """What transposed convolution layers share."""

    _groups_allowed = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
            filters: the number of output channels.
            kernel_size: an integer, or one per spatial axis.
            strides: likewise: how many outputs an input is apart from the next.
            padding: valid or same: of the convolution that this one transposes.
            output_padding: how many elements more the output has along each axis, below the stride; None lets the
                stride and the padding decide the size.
            data_format: channels_last or channels_first.
            dilation_rate: the filter's own step through the output; also Conv3DTranspose heeds it.
            activation: name or function; None is linear.
            use_bias: whether a bias is added.
            kernel_initializer, bias_initializer: how the weights start.
            kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.

        Raises:
            ValueError: as Conv2D; for causal padding, groups, or an output padding that is not below the stride.
        """
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation=activation,
            use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = arguments.integers(output_padding, self.rank, "output_padding", 0)
            if any(more >= stride for more, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    "Strides must be greater than output padding. Received "
                    f"strides={self.strides}, output_padding={self.output_padding}."
                )

    def build(self, input_shape: Any) -> None:
        """Makes kernel (*kernel_size, filters, channels) and bias (filters,).

        Raises:
            ValueError: for another rank, unknown channels, or an output that would be empty.
        """
        rank = self.rank + 2
        if len(TensorShape(input_shape)) != rank:
            raise ValueError(f"Inputs should have rank {rank}. Received input_shape={TensorShape(input_shape)}.")
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)
        self.kernel = self._make_weight("kernel", (*self.kernel_size, self.filters, channels))
        self._finish(channels, self.filters)

    def call(self, inputs: Any) -> Any:
        """activation(transposed convolution + bias). Raises ValueError if the output would be empty."""
        self._require_output(inputs.shape)
        outputs = conv_transpose(
            inputs, self.kernel, self._wanted(inputs), self.strides, self.padding.upper(),
            arguments.op_format(self.data_format, self.rank), self.dilation_rate,
        )  # fmt: skip
        return self._with_bias(outputs)

    def _wanted(self, inputs: Any) -> list[Any]:
        """The spatial sizes of the output; those that the trace leaves open are computed at run time."""
        known = arguments.spatial_sizes(inputs.shape, self.data_format, self.rank)
        first = 2 if self.data_format == "channels_first" else 1
        sizes = [shape_of(inputs)[first + i] if n is None else n for i, n in enumerate(known)]
        return self._spatial_outputs(sizes)

    def _spatial_outputs(self, sizes: list[Any]) -> list[Any]:
        extra = self.output_padding or (None,) * self.rank
        every = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, extra, strict=True)
        return [None if n is None else _transposed_size(n, k, self.padding, s, d, e) for n, k, s, d, e in every]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"output_padding": self.output_padding}


def _transposed_size(n: Any, window: int, padding: str, stride: int, dilation: int, extra: int | None) -> Any:
    """The size of the output along one axis."""
    span = (window - 1) * dilation + 1
    if extra is None:
        return n * stride + (max(span - stride, 0) if padding == "valid" else 0)
    around = 2 * (span // 2) if padding == "same" else 0
    return n * stride + (span - stride - around + extra)


@registry.add("Convolution1DTranspose")
class Conv1DTranspose(ConvTranspose, Conv1D):
    """Transposed convolution over one axis (tf.keras.layers.Conv1DTranspose).

    Takes (batch, steps, channels) and gives the same with larger sizes and `filters` channels; with
    channels_first the channels stand second.
    """

    _causal_allowed = False
    _default_format = None


@registry.add("Convolution2DTranspose")
class Conv2DTranspose(ConvTranspose, Conv2D):
    """Transposed convolution over two axes (tf.keras.layers.Conv2DTranspose).

    Takes (batch, rows, columns, channels) and gives the same with larger sizes and `filters` channels; with
    channels_first the channels stand second.
    """


@registry.add("Convolution3DTranspose")
class Conv3DTranspose(ConvTranspose, Conv3D):
    """Transposed convolution over three axes (tf.keras.layers.Conv3DTranspose).

    Takes (batch, depth, rows, columns, channels) and gives the same with larger sizes and `filters` channels; with
    channels_first the channels stand second.
    """

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; in tf.keras, which ignores it here, the dilation rate is none of them."""
        config = super().get_config()
        if max(self.dilation_rate) == 1:
            del config["dilation_rate"]
        return config
