"""Depthwise separable convolution layers over one and two spatial axes."""

from __future__ import annotations

from typing import Any

from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.convolution import Conv
from eager.keras.layers.depthwise_conv import depthwise_filters, multiplier
from eager.keras.layers.table import registry
from eager.ops.conv import convolution


class SeparableConv(Conv):
    """What separable convolution layers share."""

    _groups_allowed = False
    _roles = ("kernel", "depthwise", "pointwise", "bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            filters: the number of output channels.
            kernel_size: of the depthwise step: an integer, or one per spatial axis.
            strides: likewise; they may differ.
            padding: valid, same or, for SeparableConv1D, causal.
            data_format: channels_last or channels_first.
            dilation_rate: the filter's own step through the input.
            depth_multiplier: the number of channels per input channel after the depthwise step.
            activation: name or function; None is linear.
            use_bias: whether a bias is added.
            depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
            depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties.
            depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.

        Raises:
            ValueError: as Conv2D; for groups.
        """
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation=activation,
            use_bias=use_bias, bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = multiplier(depth_multiplier)
        self._set_role("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._set_role("pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Makes depthwise_kernel (*kernel_size, channels, depth_multiplier), pointwise_kernel and bias (filters,).

        pointwise_kernel is (1, ..., channels * depth_multiplier, filters).

        Raises:
            ValueError: if the channels are unknown, or the output would be empty.
        """
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)
        deep = (*self.kernel_size, channels, self.depth_multiplier)
        point = (*(1,) * self.rank, self.depth_multiplier * channels, self.filters)
        self.depthwise_kernel = self._make_weight("depthwise_kernel", deep, "depthwise")
        self.pointwise_kernel = self._make_weight("pointwise_kernel", point, "pointwise")
        self._finish(channels, self.filters)

    def call(self, inputs: Any) -> Any:
        """activation(depthwise, then pointwise convolution, + bias). Raises ValueError if the output would be empty."""
        self._require_output(inputs.shape)
        deep = self._convolve(inputs, depthwise_filters(self.depthwise_kernel))
        layout = arguments.op_format(self.data_format, self.rank)
        return self._with_bias(convolution(deep, self.pointwise_kernel, 1, "VALID", layout))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"depth_multiplier": self.depth_multiplier}


@registry.add("SeparableConvolution1D")
class SeparableConv1D(SeparableConv):
    """A depthwise convolution over one axis, then one of width 1 that mixes channels (tf.keras.layers.SeparableConv1D).

    Takes (batch, steps, channels) and gives (batch, new steps, filters); with channels_first the channels stand second.
    """

    rank = 1
    _causal_allowed = True


@registry.add("SeparableConvolution2D")
class SeparableConv2D(SeparableConv):
    """A depthwise convolution over two axes, then one of 1 x 1 that mixes channels (tf.keras.layers.SeparableConv2D).

    Takes (batch, rows, columns, channels) and gives (batch, new rows, new columns, filters); with channels_first the
    channels stand second.
    """

    rank = 2
