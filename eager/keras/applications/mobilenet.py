"""tf.keras.applications.mobilenet: depthwise separable convolutions (Howard and others, 2017)."""

from __future__ import annotations

from typing import Any

from eager.keras import layers
from eager.keras.applications.builder import Request, assemble, batch_norm, channel_axis, image_shape
from eager.keras.applications.imagenet_utils import decode_predictions, in_mode

_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Width and stride of each block."""


def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    **kwargs: Any,
) -> Any:
    """MobileNet (tf.keras.applications.MobileNet; Howard and others, arXiv:1704.04861).

    Args:
        input_shape: the images' shape without the batch; by default (224, 224, 3) with the classifier and open sizes
            without.
        alpha: what the width of every layer is multiplied by.
        depth_multiplier: how many channels a depthwise convolution makes of one.
        dropout: the share of features dropped before the classifier.
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
        x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(images)
        x = _normal_relu(x, "conv1")
        for i, (filters, stride) in enumerate(_BLOCKS, 1):
            x = _block(x, int(filters * alpha), depth_multiplier, stride, i)
        return x

    def top(features: Any, request: Request) -> Any:
        x = layers.GlobalAveragePooling2D(keepdims=True)(features)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = layers.Reshape((classes,), name="reshape_2")(x)
        return layers.Activation(request.classifier_activation, name="predictions")(x)

    return assemble(f"mobilenet_{alpha:0.2f}_{rows}", request, 224, body, top)


def _normal_relu(x: Any, name: str) -> Any:
    return layers.ReLU(6.0, name=f"{name}_relu")(batch_norm(x, f"{name}_bn"))


def _block(x: Any, filters: int, multiplier: int, stride: int, number: int) -> Any:
    """A convolution of each channel, then one across channels."""
    if stride == 2:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    depthwise = layers.DepthwiseConv2D(
        3, strides=stride, padding="same" if stride == 1 else "valid", depth_multiplier=multiplier, use_bias=False,
        name=f"conv_dw_{number}",
    )  # fmt: skip
    x = _normal_relu(depthwise(x), f"conv_dw_{number}")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
    return _normal_relu(x, f"conv_pw_{number}")


preprocess_input = in_mode("tf", "MobileNet")

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
