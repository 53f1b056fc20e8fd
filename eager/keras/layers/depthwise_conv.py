"""Depthwise convolution layers over one and two spatial axes."""

from __future__ import annotations

from typing import Any

from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.convolution import Conv
from eager.keras.layers.table import registry
from eager.ops.array import reshape
from eager.tensor_shape import TensorShape


def multiplier(value: Any) -> int:
    """The number of filters per channel. Raises ValueError unless it is a positive integer."""
    return arguments.integers(value, 1, "depth_multiplier")[0]


def depthwise_filters(kernel: Any) -> Any:
    """A kernel (*kernel_size, channels, multiplier) as one of a convolution with a group per channel."""
    sizes = [int(n) for n in kernel.shape]
    return reshape(kernel, (*sizes[:-2], 1, sizes[-2] * sizes[-1]))


class DepthwiseConv(Conv):
    """What depthwise convolution layers share."""

    _groups_allowed = False
    _roles = ("depthwise", "bias")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            kernel_size: an integer, or one per spatial axis.
            strides: likewise; they may differ.
            padding: valid or same.
            depth_multiplier: the number of filters, and so of outputs, per input channel.
            data_format: channels_last or channels_first.
            dilation_rate: the filter's own step through the input.
            activation: name or function; None is linear.
            use_bias: whether a bias is added.
            depthwise_initializer, bias_initializer: how the weights start.
            depthwise_regularizer, bias_regularizer, activity_regularizer: penalties.
            depthwise_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.

        Raises:
            ValueError: as Conv2D; for groups.
        """
        super().__init__(
            1, kernel_size, strides, padding, data_format, dilation_rate, activation=activation, use_bias=use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = multiplier(depth_multiplier)
        self._set_role("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def _output_channels(self, input_shape: Any) -> int | None:
        channels = TensorShape(input_shape)[arguments.channel_axis(self.data_format, self.rank)]
        return None if channels is None else channels * self.depth_multiplier

    def build(self, input_shape: Any) -> None:
        """Makes depthwise_kernel (*kernel_size, channels, depth_multiplier) and bias (channels * depth_multiplier,).

        Raises:
            ValueError: for another rank, unknown channels, or an output that would be empty.
        """
        rank = self.rank + 2
        if len(TensorShape(input_shape)) != rank:
            raise ValueError(
                f"Inputs to `{type(self).__name__}` should have rank {rank}. "
                f"Received input_shape={TensorShape(input_shape)}."
            )
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self._make_weight("depthwise_kernel", shape, "depthwise")
        self._finish(channels, channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        """activation(every channel with its own filters + bias). Raises ValueError if the output would be empty."""
        self._require_output(inputs.shape)
        return self._with_bias(self._convolve(inputs, depthwise_filters(self.depthwise_kernel)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config() | {"depth_multiplier": self.depth_multiplier}
        del config["filters"]
        return config


@registry.add()
class DepthwiseConv1D(DepthwiseConv):
    """Every channel convolved over one axis with filters of its own (tf.keras.layers.DepthwiseConv1D).

    Takes (batch, steps, channels) and gives (batch, new steps, channels * depth_multiplier); with channels_first the
    channels stand second.
    """

    rank = 1


@registry.add()
class DepthwiseConv2D(DepthwiseConv):
    """Every channel convolved over two axes with filters of its own (tf.keras.layers.DepthwiseConv2D).

    Takes (batch, rows, columns, channels) and gives (batch, new rows, new columns, channels * depth_multiplier); with
    channels_first the channels stand second.
    """

    rank = 2
