"""Layers that put zeros around spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.ops.array import pad
from eager.tensor_shape import TensorShape


def _padded(shape: Any, layout: str, padding: tuple[arguments.Ints, ...]) -> TensorShape:
    sizes = arguments.spatial_sizes(shape, layout, len(padding))
    found = [None if n is None else n + sum(p) for n, p in zip(sizes, padding, strict=True)]
    channels = TensorShape(shape)[arguments.channel_axis(layout, len(padding))]
    return arguments.with_spatial(shape, layout, found, channels)


@registry.add()
class ZeroPadding1D(Layer):
    """Zeros before and after the steps of (batch, steps, channels) (tf.keras.layers.ZeroPadding1D)."""

    def __init__(self, padding: Any = 1, **kwargs: Any) -> None:
        """Takes how many: an integer, or (before, after). Raises ValueError for anything else."""
        super().__init__(**kwargs)
        self.padding = arguments.integers(padding, 2, "padding", 0)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """The padded inputs."""
        return pad(inputs, [(0, 0), self.padding, (0, 0)])

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, steps + before + after, channels)."""
        return _padded(input_shape, "channels_last", (self.padding,))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"padding": self.padding}


class ZeroPadding(Layer):
    """What padding layers over several axes share.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        """Makes a layer.

        Args:
            padding: an integer, one per spatial axis, or a pair (before, after) per spatial axis.
            data_format: channels_last (batch, ..., channels) or channels_first (batch, channels, ...).
            **kwargs: as for Layer.

        Raises:
            ValueError: for another padding or data format.
        """
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.padding = arguments.pairs(padding, self.rank, "padding")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """The padded inputs."""
        return pad(inputs, arguments.spatial_entries(self.data_format, self.padding, (0, 0)))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape with larger spatial sizes."""
        return _padded(input_shape, self.data_format, self.padding)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"padding": self.padding, "data_format": self.data_format}


@registry.add()
class ZeroPadding2D(ZeroPadding):
    """Zeros around images (batch, rows, columns, channels) (tf.keras.layers.ZeroPadding2D)."""

    rank = 2


@registry.add()
class ZeroPadding3D(ZeroPadding):
    """Zeros around volumes (batch, depth, rows, columns, channels) (tf.keras.layers.ZeroPadding3D)."""

    rank = 3
