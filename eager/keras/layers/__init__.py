"""tf.keras.layers. Each module of layers is loaded when the first of its names is asked for."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_layer import Input, InputLayer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.model_parts import AddLoss, AddMetric
from eager.keras.engine.op_layer import TFOpLambda
from eager.keras.layers.preprocessing import MODULES as PREPROCESSING
from eager.keras.layers.table import registry
from eager.lazy import lazy_names

_MODULES = {
    "eager.keras.layers.activation": "ELU Activation LeakyReLU PReLU ReLU Softmax ThresholdedReLU",
    "eager.keras.layers.conv_transpose": "Conv1DTranspose Conv2DTranspose Conv3DTranspose "
    "Convolution1DTranspose=Conv1DTranspose Convolution2DTranspose=Conv2DTranspose "
    "Convolution3DTranspose=Conv3DTranspose",
    "eager.keras.layers.convolution": "Conv1D Conv2D Conv3D Convolution1D=Conv1D Convolution2D=Conv2D "
    "Convolution3D=Conv3D",
    "eager.keras.layers.cropping": "Cropping1D Cropping2D Cropping3D",
    "eager.keras.layers.dense": "Dense",
    "eager.keras.layers.depthwise_conv": "DepthwiseConv1D DepthwiseConv2D",
    "eager.keras.layers.dot_layer": "Dot dot",
    "eager.keras.layers.masking": "Masking",
    "eager.keras.layers.embedding": "Embedding",
    "eager.keras.layers.global_pooling": "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
    "GlobalAvgPool1D=GlobalAveragePooling1D GlobalAvgPool2D=GlobalAveragePooling2D "
    "GlobalAvgPool3D=GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
    "GlobalMaxPool1D=GlobalMaxPooling1D GlobalMaxPool2D=GlobalMaxPooling2D GlobalMaxPool3D=GlobalMaxPooling3D",
    "eager.keras.layers.experimental": "experimental=",
    "eager.keras.layers.identity": "Identity",
    "eager.keras.layers.lambda_layer": "Lambda",
    "eager.keras.layers.locally_connected": "LocallyConnected1D LocallyConnected2D",
    "eager.keras.layers.merge": "Add Average Concatenate Maximum Minimum Multiply Subtract add average concatenate "
    "maximum minimum multiply subtract",
    "eager.keras.layers.attention": "AdditiveAttention Attention",
    "eager.keras.layers.multi_head_attention": "MultiHeadAttention",
    "eager.keras.layers.einsum_dense": "EinsumDense",
    "eager.keras.layers.batch_normalization": "BatchNormalization SyncBatchNormalization",
    "eager.keras.layers.group_normalization": "GroupNormalization",
    "eager.keras.layers.normalization": "LayerNormalization UnitNormalization",
    "eager.keras.layers.padding": "ZeroPadding1D ZeroPadding2D ZeroPadding3D",
    "eager.keras.layers.pooling": "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D=AveragePooling1D "
    "AvgPool2D=AveragePooling2D AvgPool3D=AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D "
    "MaxPool1D=MaxPooling1D MaxPool2D=MaxPooling2D MaxPool3D=MaxPooling3D",
    "eager.keras.layers.noise": "AlphaDropout GaussianDropout GaussianNoise",
    "eager.keras.layers.regularization": "ActivityRegularization Dropout SpatialDropout1D SpatialDropout2D "
    "SpatialDropout3D",
    "eager.keras.layers.spectral_normalization": "SpectralNormalization",
    "eager.keras.layers.wrapper": "Wrapper",
    "eager.keras.layers.rnn.base_rnn": "RNN",
    "eager.keras.layers.rnn.bidirectional": "Bidirectional",
    "eager.keras.layers.rnn.conv_lstm": "ConvLSTM1D ConvLSTM2D ConvLSTM3D",
    "eager.keras.layers.rnn.gru": "GRU GRUCell",
    "eager.keras.layers.rnn.lstm": "LSTM LSTMCell",
    "eager.keras.layers.rnn.simple_rnn": "SimpleRNN SimpleRNNCell",
    "eager.keras.layers.rnn.stacked_cells": "AbstractRNNCell StackedRNNCells",
    "eager.keras.layers.rnn.time_distributed": "TimeDistributed",
    "eager.keras.layers.reshaping": "Flatten Permute RepeatVector Reshape",
    "eager.keras.layers.separable_conv": "SeparableConv1D SeparableConv2D SeparableConvolution1D=SeparableConv1D "
    "SeparableConvolution2D=SeparableConv2D",
    "eager.keras.layers.upsampling": "UpSampling1D UpSampling2D UpSampling3D",
    **PREPROCESSING,
}

for _layer in (Layer, InputLayer, TFOpLambda, AddLoss, AddMetric):
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
