"""Layers that scale the values or the size of images."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.preprocessing.base import ShapedLayer
from eager.keras.layers.preprocessing.image_common import center_crop, checked_interpolation, fit_into, images_of
from eager.keras.layers.table import registry
from eager.ops.array import cast
from eager.ops.image_resize import resize
from eager.tensor_shape import TensorShape


def _with_size(input_shape: Any, height: int | None, width: int | None) -> TensorShape:
    sizes = TensorShape(input_shape).as_list()
    return TensorShape([*sizes[:-3], height, width, sizes[-1]])


@registry.add()
class Rescaling(Layer):
    """inputs * scale + offset (tf.keras.layers.Rescaling); any shape, integers become the layer's dtype."""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        """Takes a factor and an offset: numbers, or lists for the last axis."""
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Any) -> Any:
        """inputs * scale + offset."""
        dtype = self.compute_dtype
        return cast(inputs, dtype) * cast(self.scale, dtype) + cast(self.offset, dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"scale": self.scale, "offset": self.offset}


@registry.add()
class Resizing(ShapedLayer):
    """Images of another size (tf.keras.layers.Resizing).

    Takes (height, width, channels) or a batch of them.
    """

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the new size and how it is reached.

        Args:
            height, width: the size of the results.
            interpolation: bilinear, nearest, bicubic, area, lanczos3, lanczos5, gaussian or mitchellcubic.
            crop_to_aspect_ratio: whether images are first cropped in the middle so that they keep their proportions.
            **kwargs: as for Layer.

        Raises:
            NotImplementedError: for another interpolation.
        """
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self._method = checked_interpolation(interpolation)

    def call(self, inputs: Any) -> Any:
        """The images in the new size."""
        x = images_of(inputs, self.compute_dtype)
        size = (self.height, self.width)
        made = fit_into(x, size, self._method) if self.crop_to_aspect_ratio else resize(x, size, self._method)
        return cast(made, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape with the new height and width."""
        return _with_size(input_shape, self.height, self.width)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "height": self.height, "width": self.width, "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
        }  # fmt: skip


@registry.add()
class CenterCrop(ShapedLayer):
    """The middle of images (tf.keras.layers.CenterCrop); those that are too small are resized and then cropped."""

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        """Takes the size of the results."""
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def call(self, inputs: Any) -> Any:
        """The middle of the images."""
        x = images_of(inputs, self.compute_dtype)
        return cast(center_crop(x, (self.height, self.width)), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape with the new height and width."""
        return _with_size(input_shape, self.height, self.width)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"height": self.height, "width": self.width}
