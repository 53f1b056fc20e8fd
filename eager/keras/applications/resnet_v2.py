"""tf.keras.applications.resnet_v2: residual networks that normalise before they convolve (He and others, 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.keras import layers
from eager.keras.applications.builder import constructor
from eager.keras.applications.imagenet_utils import decode_predictions, in_mode
from eager.keras.applications.resnet import FILTERS, normal_relu, stem

_PAPER = "He and others, arXiv:1603.05027"


def _block(x: Any, filters: int, stride: int, projected: bool, name: str) -> Any:
    """x plus a narrow convolution of its activation; the last block of a stage halves height and width."""
    active = normal_relu(x, f"{name}_preact_bn", f"{name}_preact_relu")
    if projected:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(active)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    y = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(active)
    y = normal_relu(y, f"{name}_1_bn", f"{name}_1_relu")
    y = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(y)
    y = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(y)
    y = normal_relu(y, f"{name}_2_bn", f"{name}_2_relu")
    y = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(y)
    return layers.Add(name=f"{name}_out")([shortcut, y])


def _res_net(name: str, repeats: Sequence[int]) -> Callable[..., Any]:
    """The constructor of a ResNetV2 with so many blocks in each stage."""

    def body(images: Any) -> Any:
        x = stem(images, normalised=False)
        for stage, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), 2):
            for i in range(1, count + 1):
                stride = 2 if i == count and stage < 5 else 1
                x = _block(x, filters, stride, i == 1, f"conv{stage}_block{i}")
        return normal_relu(x, "post_bn", "post_relu")

    return constructor(name, _PAPER, body)


ResNet50V2 = _res_net("ResNet50V2", (3, 4, 6, 3))
ResNet101V2 = _res_net("ResNet101V2", (3, 4, 23, 3))
ResNet152V2 = _res_net("ResNet152V2", (3, 8, 36, 3))
preprocess_input = in_mode("tf", "ResNetV2")

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]
