"""Convolution layers over one to three spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras import activations, regularizers
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.array import reshape
from eager.ops.conv import convolution
from eager.ops.nn import bias_add
from eager.tensor_shape import TensorShape
from eager.variable import Variable


class Conv(WeightRoles):
    """What all convolution layers share: arguments, weights, shapes, the configuration.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]
    _causal_allowed: ClassVar[bool] = False
    _default_format: ClassVar[str | None] = None
    _groups_allowed: ClassVar[bool] = True

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
            strides: likewise: the step from window to window.
            padding: valid (none), same (as many outputs as inputs / stride) or, for Conv1D, causal (all before).
            data_format: channels_last (batch, ..., channels) or channels_first (batch, channels, ...).
            dilation_rate: as strides: the filter's own step through the input.
            groups: how many parts the channels fall into, each convolved with filters of its own.
            activation: name or function; None is linear.
            use_bias: whether a bias is added.
            kernel_initializer, bias_initializer: how the weights start.
            kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.

        Raises:
            ValueError: for numbers that are not positive, tuples of another length, filters that `groups` does not
                divide, an unknown padding or data format, or strides together with a dilation.
        """
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.groups = groups or 1
        if self.groups != 1 and not self._groups_allowed:
            raise ValueError(f"{type(self).__name__} has no groups; leave them out. Received: groups={groups}")
        self.filters = _filter_count(filters, self.groups)
        self.kernel_size = arguments.integers(kernel_size, self.rank, "kernel_size")
        self.strides = arguments.integers(strides, self.rank, "strides")
        self.padding = arguments.padding_word(padding, self._causal_allowed)
        self.data_format = arguments.data_format(data_format, self._default_format)
        self.dilation_rate = arguments.integers(dilation_rate, self.rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._set_role("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_role("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=self.rank + 2)
        self.bias: Variable | None = None

    def _input_channels(self, input_shape: Any) -> int:
        return arguments.channels_of(input_shape, self.data_format, self.rank, type(self).__name__)

    def _output_channels(self, input_shape: Any) -> int | None:
        """The number of channels of the output."""
        del input_shape
        return self.filters

    def build(self, input_shape: Any) -> None:
        """Makes kernel (*kernel_size, channels / groups, filters) and bias (filters,).

        Raises:
            ValueError: if the channels are unknown or `groups` does not divide them, or the output would be empty.
        """
        channels = self._input_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups. Received "
                f"groups={self.groups}, but the input has {channels} channels (full input shape is "
                f"{TensorShape(input_shape)})."
            )
        self.compute_output_shape(input_shape)
        self.kernel = self._make_weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._finish(channels, self.filters, more_batches=True)

    def _finish(self, channels: int, outputs: int, more_batches: bool = False) -> None:
        """Makes the bias and takes note of the channels that inputs must have from now on."""
        if self.use_bias:
            self.bias = self._make_weight("bias", (outputs,))
        rank = self.rank + 2
        axes: dict[int, int | None] = {arguments.channel_axis(self.data_format, self.rank): channels}
        self.input_spec = InputSpec(min_ndim=rank, axes=axes) if more_batches else InputSpec(ndim=rank, axes=axes)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """activation(inputs * kernel + bias). Raises ValueError if the output would be empty."""
        self._require_output(inputs.shape)
        return self._with_bias(self._convolve(inputs, self.kernel))

    def _convolve(self, inputs: Any, kernel: Any) -> Any:
        padding: Any = self.padding.upper()
        if padding == "CAUSAL":
            padding = [(self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)]
        layout = arguments.op_format(self.data_format, self.rank)
        return convolution(inputs, kernel, self.strides, padding, layout, self.dilation_rate)

    def _with_bias(self, outputs: Any) -> Any:
        """activation(outputs + bias)."""
        if self.bias is not None and self.data_format == "channels_first":
            outputs = outputs + reshape(self.bias, (-1, *(1,) * self.rank))
        elif self.bias is not None:
            outputs = bias_add(outputs, self.bias)
        return self.activation(outputs)

    # Shapes --------------------------------------------------------------------------------------------------------

    def _spatial_outputs(self, sizes: list[int | None]) -> list[int | None]:
        every = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return [arguments.windowed(n, k, self.padding, s, d) for n, k, s, d in every]

    def _require_output(self, input_shape: Any) -> list[int | None]:
        """The spatial sizes of the output. Raises ValueError if one is not positive."""
        found = self._spatial_outputs(arguments.spatial_sizes(input_shape, self.data_format, self.rank))
        channels = self._output_channels(input_shape)
        arguments.require_positive(found, self.name, input_shape, self.data_format, channels)
        return found

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the output. Raises ValueError if a size would not be positive."""
        found = self._require_output(input_shape)
        return arguments.with_spatial(input_shape, self.data_format, found, self._output_channels(input_shape))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides, "padding": self.padding,
            "data_format": self.data_format, "dilation_rate": self.dilation_rate, "groups": self.groups,
            "activation": activations.serialize(self.activation), "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        } | self._role_config()  # fmt: skip


def _filter_count(filters: Any, groups: int) -> int:
    """The number of filters. Raises ValueError unless it is positive and a multiple of `groups`."""
    if isinstance(filters, float):
        filters = int(filters)
    if not hasattr(filters, "__index__") or filters <= 0:
        raise ValueError(
            f"Invalid value for argument `filters`. Expected a strictly positive value. Received filters={filters}."
        )
    if groups < 0 or filters % groups:
        raise ValueError(
            "The number of filters must be evenly divisible by the number of groups. Received: "
            f"groups={groups}, filters={filters}"
        )
    return int(filters)


@registry.add("Convolution1D")
class Conv1D(Conv):
    """Convolution over one axis (tf.keras.layers.Conv1D).

    Takes (batch..., steps, channels) and gives (batch..., new steps, filters); with channels_first the channels stand
    before the steps.
    """

    rank = 1
    _causal_allowed = True
    _default_format = "channels_last"


@registry.add("Convolution2D")
class Conv2D(Conv):
    """Convolution over two axes (tf.keras.layers.Conv2D).

    Takes (batch..., rows, columns, channels) and gives (batch..., new rows, new columns, filters); with channels_first
    the channels stand before the rows.
    """

    rank = 2


@registry.add("Convolution3D")
class Conv3D(Conv):
    """Convolution over three axes (tf.keras.layers.Conv3D).

    Takes (batch..., depth, rows, columns, channels) and gives the same with new sizes and `filters` channels; with
    channels_first the channels stand before the depth.
    """

    rank = 3
