"""tf.keras.applications.resnet: residual networks (He and others, 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.keras import layers
from eager.keras.applications.builder import BATCH_EPSILON, Request, assemble, average_top, batch_norm, named
from eager.keras.applications.imagenet_utils import decode_predictions, in_mode

FILTERS = (64, 128, 256, 512)
"""The width of the four stages; a block gives four times as many channels."""


def stem(images: Any, normalised: bool) -> Any:
    """The 7 x 7 convolution and the pooling that quarter height and width."""
    x = layers.ZeroPadding2D(3, name="conv1_pad")(images)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if normalised:
        x = normal_relu(x, "conv1_bn", "conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def normal_relu(x: Any, normal: str, relu: str) -> Any:
    """Batch normalisation, then relu."""
    return layers.Activation("relu", name=relu)(batch_norm(x, normal, epsilon=BATCH_EPSILON))


def _block(x: Any, filters: int, stride: int, projected: bool, name: str) -> Any:
    """Narrow, convolve, widen, and add to x, which a projection fits where the shape changes."""
    shortcut = x
    if projected:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = batch_norm(shortcut, f"{name}_0_bn", epsilon=BATCH_EPSILON)
    y = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    y = normal_relu(y, f"{name}_1_bn", f"{name}_1_relu")
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(y)
    y = normal_relu(y, f"{name}_2_bn", f"{name}_2_relu")
    y = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(y)
    y = batch_norm(y, f"{name}_3_bn", epsilon=BATCH_EPSILON)
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([shortcut, y]))


def _res_net(name: str, repeats: Sequence[int]) -> Callable[..., Any]:
    """The constructor of a ResNet with so many blocks in each stage."""

    def body(images: Any) -> Any:
        x = stem(images, normalised=True)
        for stage, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), 2):
            for i in range(1, count + 1):
                stride = 2 if i == 1 and stage > 2 else 1
                x = _block(x, filters, stride, i == 1, f"conv{stage}_block{i}")
        return x

    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        **kwargs: Any,
    ) -> Any:
        activation = kwargs.pop("classifier_activation", "softmax")
        if kwargs:
            raise ValueError(f"Unknown argument(s): {kwargs}")
        request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, activation)
        return assemble(name.lower(), request, 224, body, average_top, ("avg_pool", "max_pool"))

    return named(build, name, "He and others, arXiv:1512.03385", 224)


ResNet50 = _res_net("ResNet50", (3, 4, 6, 3))
ResNet101 = _res_net("ResNet101", (3, 4, 23, 3))
ResNet152 = _res_net("ResNet152", (3, 8, 36, 3))
preprocess_input = in_mode("caffe", "ResNet")

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]
