"""A layer that masks steps of sequences."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.ops.array import cast
from eager.ops.math import not_equal, reduce_any


@registry.add()
class Masking(Layer):
    """Masks the steps all of whose features are `mask_value`, and makes them 0 (tf.keras.layers.Masking)."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        """Takes the value."""
        super().__init__(**kwargs)
        self.supports_masking = True
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True for the steps with a feature that is not the value."""
        return reduce_any(not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        """The inputs with masked steps set to 0."""
        kept = reduce_any(not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * cast(kept, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"mask_value": self.mask_value}
