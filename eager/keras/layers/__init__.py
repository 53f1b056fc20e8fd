"""tf.keras.layers."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_layer import Input, InputLayer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.op_layer import TFOpLambda
from eager.keras.layers.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from eager.keras.layers.dense import Dense
from eager.keras.layers.embedding import Embedding
from eager.keras.layers.lambda_layer import Lambda
from eager.keras.layers.merge import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from eager.keras.layers.normalization import LayerNormalization
from eager.keras.layers.regularization import ActivityRegularization, Dropout
from eager.keras.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from eager.keras.layers.table import registry

for _layer in (Layer, InputLayer, TFOpLambda):
    registry.add()(_layer)


def serialize(layer: Any) -> Any:
    """Plain data that describes a layer (tf.keras.layers.serialize)."""
    from eager.keras.serialization import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """A layer from `serialize` (tf.keras.layers.deserialize). Raises TypeError for an unknown class."""
    from eager.keras.serialization import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, registry)


__all__ = [
    "ELU", "Activation", "ActivityRegularization", "Add", "Average", "Concatenate", "Dense", "Dropout", "Embedding",
    "Flatten", "Input", "InputLayer", "InputSpec", "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "Maximum",
    "Minimum", "Multiply", "Permute", "ReLU", "RepeatVector", "Reshape", "Softmax", "Subtract", "TFOpLambda", "add",
    "average", "concatenate", "deserialize", "maximum", "minimum", "multiply", "registry", "serialize", "subtract",
]  # fmt: skip
