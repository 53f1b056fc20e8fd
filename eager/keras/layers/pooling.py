"""Pooling layers over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.ops.pool import avg_pool, max_pool
from eager.tensor_shape import TensorShape


class Pooling(Layer):
    """What pooling layers share.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]
    _default_format: ClassVar[str | None] = None
    _pool: ClassVar[Callable[..., Any]]

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Makes a layer.

        Args:
            pool_size: the window: an integer, or one per spatial axis.
            strides: likewise: the step from window to window; None takes the window's size.
            padding: valid (none) or same (as many outputs as inputs / stride); padding never counts.
            data_format: channels_last (batch, ..., channels) or channels_first (batch, channels, ...).
            **kwargs: as for Layer.

        Raises:
            ValueError: for numbers that are not positive, tuples of another length, an unknown padding or format.
        """
        super().__init__(**kwargs)
        self.pool_size = arguments.integers(pool_size, self.rank, "pool_size")
        self.strides = arguments.integers(pool_size if strides is None else strides, self.rank, "strides")
        self.padding = arguments.padding_word(padding)
        self.data_format = arguments.data_format(data_format, self._default_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """The windows' maxima or means. Raises ValueError if the output would be empty."""
        self.compute_output_shape(inputs.shape)
        layout = arguments.op_format(self.data_format, self.rank)
        return type(self)._pool(inputs, self.pool_size, self.strides, self.padding.upper(), layout)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the output. Raises ValueError if a size would not be positive."""
        sizes = arguments.spatial_sizes(input_shape, self.data_format, self.rank)
        every = zip(sizes, self.pool_size, self.strides, strict=True)
        found = [arguments.windowed(n, k, self.padding, s) for n, k, s in every]
        channels = TensorShape(input_shape)[arguments.channel_axis(self.data_format, self.rank)]
        arguments.require_positive(found, self.name, input_shape, self.data_format, channels)
        return arguments.with_spatial(input_shape, self.data_format, found, channels)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "pool_size": self.pool_size, "strides": self.strides, "padding": self.padding,
            "data_format": self.data_format,
        }  # fmt: skip


@registry.add("MaxPool1D")
class MaxPooling1D(Pooling):
    """The largest value of windows over one axis (tf.keras.layers.MaxPooling1D).

    Takes (batch, steps, channels) and gives the same with new sizes; with channels_first the channels
    stand second.
    """

    rank = 1
    _pool = max_pool
    _default_format = "channels_last"


@registry.add("MaxPool2D")
class MaxPooling2D(Pooling):
    """The largest value of windows over two axes (tf.keras.layers.MaxPooling2D).

    Takes (batch, rows, columns, channels) and gives the same with new sizes; with channels_first the channels
    stand second.
    """

    rank = 2
    _pool = max_pool


@registry.add("MaxPool3D")
class MaxPooling3D(Pooling):
    """The largest value of windows over three axes (tf.keras.layers.MaxPooling3D).

    Takes (batch, depth, rows, columns, channels) and gives the same with new sizes; with channels_first the channels
    stand second.
    """

    rank = 3
    _pool = max_pool


@registry.add("AvgPool1D")
class AveragePooling1D(Pooling):
    """The mean of windows over one axis (tf.keras.layers.AveragePooling1D).

    Takes (batch, steps, channels) and gives the same with new sizes; with channels_first the channels
    stand second.
    """

    rank = 1
    _pool = avg_pool
    _default_format = "channels_last"


@registry.add("AvgPool2D")
class AveragePooling2D(Pooling):
    """The mean of windows over two axes (tf.keras.layers.AveragePooling2D).

    Takes (batch, rows, columns, channels) and gives the same with new sizes; with channels_first the channels
    stand second.
    """

    rank = 2
    _pool = avg_pool


@registry.add("AvgPool3D")
class AveragePooling3D(Pooling):
    """The mean of windows over three axes (tf.keras.layers.AveragePooling3D).

    Takes (batch, depth, rows, columns, channels) and gives the same with new sizes; with channels_first the channels
    stand second.
    """

    rank = 3
    _pool = avg_pool
