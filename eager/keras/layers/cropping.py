"""Layers that cut off the borders of spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.tensor_shape import TensorShape

_Pairs = tuple[arguments.Ints, ...]


def _cropped_shape(shape: Any, layout: str, cropping: _Pairs, name: str) -> TensorShape:
    """The shape without the borders. Raises ValueError if nothing of an axis would be left."""
    sizes = arguments.spatial_sizes(shape, layout, len(cropping))
    found = [None if n is None else n - sum(p) for n, p in zip(sizes, cropping, strict=True)]
    if any(n is not None and n <= 0 for n in found):
        raise ValueError(
            f"{name}: `cropping` must be smaller than the input. Received: input shape {TensorShape(shape)} and "
            f"cropping={cropping}, which would leave spatial sizes {tuple(found)}"
        )
    channels = TensorShape(shape)[arguments.channel_axis(layout, len(cropping))]
    return arguments.with_spatial(shape, layout, found, channels)


def _cropped(inputs: Any, layout: str, cropping: _Pairs) -> Any:
    parts = [slice(before, -after if after else None) for before, after in cropping]
    return inputs[tuple(arguments.spatial_entries(layout, parts, slice(None)))]


@registry.add()
class Cropping1D(Layer):
    """The steps of (batch, steps, channels) without the first and last ones (tf.keras.layers.Cropping1D)."""

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        """Takes how many: an integer, or (before, after). Raises ValueError for anything else."""
        super().__init__(**kwargs)
        self.cropping = arguments.integers(cropping, 2, "cropping", 0)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """The cropped inputs. Raises ValueError if nothing would be left."""
        self.compute_output_shape(inputs.shape)
        return _cropped(inputs, "channels_last", (self.cropping,))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, steps - before - after, channels). Raises ValueError if nothing would be left."""
        return _cropped_shape(input_shape, "channels_last", (self.cropping,), self.name)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"cropping": self.cropping}


class Cropping(Layer):
    """What cropping layers over several axes share.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        """Makes a layer.

        Args:
            cropping: an integer, one per spatial axis, or a pair (before, after) per spatial axis.
            data_format: channels_last (batch, ..., channels) or channels_first (batch, channels, ...).
            **kwargs: as for Layer.

        Raises:
            ValueError: for another cropping or data format.
        """
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.cropping = arguments.pairs(cropping, self.rank, "cropping")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """The cropped inputs. Raises ValueError if nothing would be left."""
        self.compute_output_shape(inputs.shape)
        return _cropped(inputs, self.data_format, self.cropping)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape with smaller spatial sizes. Raises ValueError if nothing would be left."""
        return _cropped_shape(input_shape, self.data_format, self.cropping, self.name)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"cropping": self.cropping, "data_format": self.data_format}


@registry.add()
class Cropping2D(Cropping):
    """Images (batch, rows, columns, channels) without their borders (tf.keras.layers.Cropping2D)."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        """Makes a layer that by default cuts off nothing; the arguments are those of Cropping3D."""
        super().__init__(cropping, data_format, **kwargs)


@registry.add()
class Cropping3D(Cropping):
    """Volumes (batch, depth, rows, columns, channels) without their borders (tf.keras.layers.Cropping3D)."""

    rank = 3
