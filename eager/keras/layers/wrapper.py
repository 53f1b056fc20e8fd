"""The base of layers that wrap another layer."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object


@registry.add()
class Wrapper(Layer):
    """A layer around another one, `layer`, whose weights are its own (tf.keras.layers.Wrapper).

    Subclasses compute in `call`; `build` builds the inner layer.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        """Takes the inner layer. Raises ValueError if it is none."""
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer} supplied to wrapper is not a supported layer type. Please ensure wrapped layer is a "
                "valid Keras layer."
            )
        self.layer = layer
        super().__init__(**kwargs)

    def build(self, input_shape: Any = None) -> None:
        """Builds the inner layer, whose weights are named as this layer's."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        super().build(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`. Raises TypeError for an inner layer of an unknown class."""
        given = dict(config)
        return cls(deserialize_keras_object(given.pop("layer"), custom_objects, registry), **given)
