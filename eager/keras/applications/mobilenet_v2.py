"""tf.keras.applications.mobilenet_v2: inverted residuals with linear bottlenecks (Sandler and others, 2018)."""

from __future__ import annotations

from typing import Any

from eager.keras import layers
from eager.keras.applications.builder import (
    Request,
    assemble,
    batch_norm,
    channel_axis,
    channels_of,
    divisible,
    halving_pad,
    image_shape,
)
from eager.keras.applications.imagenet_utils import decode_predictions, in_mode

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, width, blocks and stride of each stage (the paper's table 2)."""


def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    **kwargs: Any,
) -> Any:
    """MobileNetV2 (tf.keras.applications.MobileNetV2; Sandler and others, arXiv:1801.04381).

    Args:
        input_shape: the images' shape without the batch; by default (224, 224, 3) with the classifier and open sizes
            without.
        alpha: what the width of every layer is multiplied by.
        include_top: whether the classifier stands at the end.
        weights: None for fresh weights, or the path of a file of weights.
        input_tensor: a Keras tensor to begin from, instead of an input of the model's own.
        pooling: without the classifier: None for the feature map, "avg" or "max" for its pooled features.
        classes: how many classes the classifier tells apart.
        classifier_activation: what is applied to the logits; None gives the logits.
        **kwargs: none is known.

    Raises:
        UnsupportedError: for `weights="imagenet"`, as nothing is downloaded.
        ValueError: for an unknown argument, a weights file that is not there, and images of a wrong rank or too small.
    """
    if kwargs:
        raise ValueError(f"Unknown argument(s): {kwargs}")
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
    rows = image_shape(request, 224)[channel_axis() % 3]

    def body(images: Any) -> Any:
        first = divisible(32 * alpha)
        x = layers.Conv2D(first, 3, strides=2, padding="same", use_bias=False, name="Conv1")(images)
        x = layers.ReLU(6.0, name="Conv1_relu")(_normal(x, "bn_Conv1"))
        number = 0
        for expansion, filters, count, stride in _STAGES:
            for i in range(count):
                x = _block(x, expansion, divisible(int(filters * alpha)), stride if i == 0 else 1, number)
                number += 1
        last = divisible(1280 * alpha) if alpha > 1.0 else 1280
        x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
        return layers.ReLU(6.0, name="out_relu")(_normal(x, "Conv_1_bn"))

    return assemble(f"mobilenetv2_{alpha:0.2f}_{rows}", request, 224, body, _top)


def _top(features: Any, request: Request) -> Any:
    pooled = layers.GlobalAveragePooling2D()(features)
    return layers.Dense(request.classes, activation=request.classifier_activation, name="predictions")(pooled)


def _normal(x: Any, name: str) -> Any:
    return batch_norm(x, name, epsilon=1e-3, momentum=0.999)


def _block(x: Any, expansion: int, filters: int, stride: int, number: int) -> Any:
    """Expands the channels, convolves each, projects them down, and adds x where the shape allows."""
    name = f"block_{number}" if number else "expanded_conv"
    channels, y = channels_of(x), x
    if number:
        y = layers.Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{name}_expand")(y)
        y = layers.ReLU(6.0, name=f"{name}_expand_relu")(_normal(y, f"{name}_expand_BN"))
    if stride == 2:
        y = layers.ZeroPadding2D(halving_pad(y, 3), name=f"{name}_pad")(y)
    padding = "same" if stride == 1 else "valid"
    y = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"{name}_depthwise")(y)
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_normal(y, f"{name}_depthwise_BN"))
    y = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(y)
    y = _normal(y, f"{name}_project_BN")
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and channels == filters else y


preprocess_input = in_mode("tf", "MobileNetV2")

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
