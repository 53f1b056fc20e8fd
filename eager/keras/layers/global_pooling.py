"""Pooling layers over whole spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.ops.array import cast, expand_dims
from eager.ops.math import reduce_max, reduce_mean, reduce_sum
from eager.tensor_shape import TensorShape


class GlobalPooling(Layer):
    """What global pooling layers share.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]
    _default_format: ClassVar[str | None] = None

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        """Makes a layer.

        Args:
            data_format: channels_last (batch, ..., channels) or channels_first (batch, channels, ...).
            keepdims: whether the spatial axes stay, with size 1.
            **kwargs: as for Layer.

        Raises:
            ValueError: for an unknown data format.
        """
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format, self._default_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _axes(self) -> tuple[int, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def build(self, input_shape: Any) -> None:
        """Makes no weights. Raises ValueError if a spatial size is 0."""
        shape = TensorShape(input_shape)
        for axis in self._axes:
            if shape[axis] == 0:
                raise ValueError(
                    f"{self.name}: incorrect input shape {shape} with dimension 0 at reduction axis {axis}; an empty "
                    "axis has neither mean nor maximum"
                )
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, channels), with `keepdims` and sizes of 1."""
        shape = TensorShape(input_shape)
        channels = shape[arguments.channel_axis(self.data_format, self.rank)]
        if self.keepdims:
            return arguments.with_spatial(shape, self.data_format, [1] * self.rank, channels)
        return TensorShape([shape[0], channels])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"data_format": self.data_format, "keepdims": self.keepdims}


class GlobalAveragePooling(GlobalPooling):
    """What layers that give means share."""

    def call(self, inputs: Any) -> Any:
        """The means over the spatial axes."""
        return reduce_mean(inputs, self._axes, keepdims=self.keepdims)


class GlobalMaxPooling(GlobalPooling):
    """What layers that give maxima share."""

    def call(self, inputs: Any) -> Any:
        """The maxima over the spatial axes."""
        return reduce_max(inputs, self._axes, keepdims=self.keepdims)


@registry.add("GlobalAvgPool1D")
class GlobalAveragePooling1D(GlobalPooling):
    """The mean over the steps of (batch, steps, channels): (batch, channels) (tf.keras.layers.GlobalAveragePooling1D).

    A mask (batch, steps) leaves out steps; where it leaves out all, the mean is NaN.
    """

    rank = 1
    _default_format = "channels_last"

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        """Makes a layer; the arguments are those of GlobalAveragePooling2D."""
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The means over the steps that the mask keeps."""
        (axis,) = self._axes
        if mask is None:
            return reduce_mean(inputs, axis, keepdims=self.keepdims)
        kept = expand_dims(cast(mask, inputs.dtype), 3 - axis)
        total = reduce_sum(inputs * kept, axis, keepdims=self.keepdims)
        return total / reduce_sum(kept, axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the steps are gone."""
        del inputs, mask


@registry.add("GlobalAvgPool2D")
class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel of (batch, rows, columns, channels) (tf.keras.layers.GlobalAveragePooling2D).

    Gives (batch, channels), with `keepdims` also sizes of 1; with channels_first the channels stand second.
    """

    rank = 2


@registry.add("GlobalAvgPool3D")
class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of each channel of (batch, depth, rows, columns, channels) (tf.keras.layers.GlobalAveragePooling3D).

    Gives (batch, channels), with `keepdims` also sizes of 1; with channels_first the channels stand second.
    """

    rank = 3


@registry.add("GlobalMaxPool1D")
class GlobalMaxPooling1D(GlobalMaxPooling):
    """The maximum of each channel of (batch, steps, channels) (tf.keras.layers.GlobalMaxPooling1D).

    Gives (batch, channels), with `keepdims` also sizes of 1; with channels_first the channels stand second.
    """

    rank = 1
    _default_format = "channels_last"


@registry.add("GlobalMaxPool2D")
class GlobalMaxPooling2D(GlobalMaxPooling):
    """The maximum of each channel of (batch, rows, columns, channels) (tf.keras.layers.GlobalMaxPooling2D).

    Gives (batch, channels), with `keepdims` also sizes of 1; with channels_first the channels stand second.
    """

    rank = 2


@registry.add("GlobalMaxPool3D")
class GlobalMaxPooling3D(GlobalMaxPooling):
    """The maximum of each channel of (batch, depth, rows, columns, channels) (tf.keras.layers.GlobalMaxPooling3D).

    Gives (batch, channels), with `keepdims` also sizes of 1; with channels_first the channels stand second.
    """

    rank = 3
