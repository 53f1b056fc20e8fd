"""tf.keras.layers. Each module of layers is loaded when the first of its names is asked for."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_layer import Input, InputLayer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.op_layer import TFOpLambda
from eager.keras.layers.table import registry
from eager.lazy import lazy_names

_MODULES = {
    "eager.keras.layers.activation": "ELU Activation LeakyReLU ReLU Softmax",
    "eager.keras.layers.dense": "Dense",
    "eager.keras.layers.embedding": "Embedding",
    "eager.keras.layers.lambda_layer": "Lambda",
    "eager.keras.layers.merge": "Add Average Concatenate Maximum Minimum Multiply Subtract add average concatenate "
    "maximum minimum multiply subtract",
    "eager.keras.layers.normalization": "LayerNormalization",
    "eager.keras.layers.regularization": "ActivityRegularization Dropout",
    "eager.keras.layers.reshaping": "Flatten Permute RepeatVector Reshape",
}

for _layer in (Layer, InputLayer, TFOpLambda):
    registry.add()(_layer)
registry.add_homes(_MODULES)


def serialize(layer: Any) -> Any:
    """Plain data that describes a layer (tf.keras.layers.serialize)."""
    from eager.keras.serialization import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """A layer from `serialize` (tf.keras.layers.deserialize). Raises TypeError for an unknown class."""
    from eager.keras.serialization import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, registry)


__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "TFOpLambda", "deserialize", "registry", "serialize"]

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.layers", _MODULES)
