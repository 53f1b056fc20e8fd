"""The layer that changes nothing."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.ops.array import identity


@registry.add()
class Identity(Layer):
    """The inputs as they are, of any structure; stands where a model wants a layer (tf.keras.layers.Identity)."""

    def __init__(self, **kwargs: Any) -> None:
        """Takes the keywords of Layer."""
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return nest.map_leaves(identity, inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape
