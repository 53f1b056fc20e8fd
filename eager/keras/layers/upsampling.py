"""Layers that make spatial axes larger by a whole factor."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.ops.image_upsample import METHODS, upsample
from eager.tensor_shape import TensorShape


def _larger_shape(shape: Any, layout: str, factors: arguments.Ints) -> TensorShape:
    sizes = arguments.spatial_sizes(shape, layout, len(factors))
    found = [None if n is None else n * f for n, f in zip(sizes, factors, strict=True)]
    channels = TensorShape(shape)[arguments.channel_axis(layout, len(factors))]
    return arguments.with_spatial(shape, layout, found, channels)


def _larger(inputs: Any, layout: str, factors: arguments.Ints, method: str) -> Any:
    return upsample(inputs, 2 if layout == "channels_first" else 1, factors, method)


@registry.add()
class UpSampling1D(Layer):
    """Every step of (batch, steps, channels) several times (tf.keras.layers.UpSampling1D)."""

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        """Takes how many times. Raises ValueError unless it is positive."""
        super().__init__(**kwargs)
        (self.size,) = arguments.integers(int(size), 1, "size")
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """The repeated steps."""
        return _larger(inputs, "channels_last", (self.size,), "nearest")

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, steps * size, channels)."""
        return _larger_shape(input_shape, "channels_last", (self.size,))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"size": self.size}


class UpSampling(Layer):
    """What upsampling layers over several axes share.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]
    interpolation: str = "nearest"

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        """Makes a layer.

        Args:
            size: the factor: an integer, or one per spatial axis.
            data_format: channels_last (batch, ..., channels) or channels_first (batch, channels, ...).
            **kwargs: as for Layer.

        Raises:
            ValueError: for a factor that is not positive, or an unknown data format.
        """
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.size = arguments.integers(size, self.rank, "size")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """The enlarged inputs."""
        return _larger(inputs, self.data_format, self.size, self.interpolation)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape with larger spatial sizes."""
        return _larger_shape(input_shape, self.data_format, self.size)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"size": self.size, "data_format": self.data_format}


@registry.add()
class UpSampling2D(UpSampling):
    """Images (batch, rows, columns, channels) enlarged by whole factors (tf.keras.layers.UpSampling2D).

    The output keeps a floating input's dtype, in mixed precision too; other dtypes become float32 unless the method
    is nearest.
    """

    rank = 2

    def __init__(
        self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        """Makes a layer.

        Args:
            size: the factor: an integer, or one per spatial axis.
            data_format: channels_last or channels_first.
            interpolation: nearest, bilinear, bicubic, area, lanczos3, lanczos5, gaussian or mitchellcubic.
            **kwargs: as for Layer.

        Raises:
            ValueError: for a factor that is not positive, or an unknown data format.
            NotImplementedError: for another interpolation.
        """
        super().__init__(size, data_format, **kwargs)
        self.interpolation = interpolation.lower()
        if self.interpolation not in METHODS:
            raise NotImplementedError(
                f"Value not recognized for `interpolation`: {interpolation}. Supported values are: {', '.join(METHODS)}"
            )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"interpolation": self.interpolation}


@registry.add()
class UpSampling3D(UpSampling):
    """Every element of volumes (batch, depth, rows, columns, channels) several times (tf.keras.layers.UpSampling3D)."""

    rank = 3
