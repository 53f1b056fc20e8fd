"""tf.keras.applications.densenet: every layer of a stage sees all earlier ones (Huang and others, 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.keras import layers
from eager.keras.applications.builder import BATCH_EPSILON, batch_norm, channel_axis, channels_of, constructor
from eager.keras.applications.imagenet_utils import decode_predictions, in_mode

_GROWTH = 32
_PAPER = "Huang and others, arXiv:1608.06993"


def _dense_net(name: str, repeats: Sequence[int]) -> Callable[..., Any]:
    """The constructor of a DenseNet with so many blocks in each of its four stages."""

    def body(images: Any) -> Any:
        x = layers.ZeroPadding2D(3)(images)
        x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1/conv")(x)
        x = _normal_relu(x, "conv1/bn", "conv1/relu")
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(layers.ZeroPadding2D(1)(x))
        for stage, count in enumerate(repeats, 2):
            for i in range(1, count + 1):
                x = _block(x, f"conv{stage}_block{i}")
            if stage < 5:
                x = _transition(x, f"pool{stage}")
        return _normal_relu(x, "bn", "relu")

    return constructor(name, _PAPER, body)


def _normal_relu(x: Any, normal: str, relu: str) -> Any:
    return layers.Activation("relu", name=relu)(batch_norm(x, normal, epsilon=BATCH_EPSILON))


def _block(x: Any, name: str) -> Any:
    """Adds `_GROWTH` channels to x."""
    y = _normal_relu(x, f"{name}_0_bn", f"{name}_0_relu")
    y = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = _normal_relu(y, f"{name}_1_bn", f"{name}_1_relu")
    y = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, y])


def _transition(x: Any, name: str) -> Any:
    """Halves channels, height and width."""
    y = _normal_relu(x, f"{name}_bn", f"{name}_relu")
    y = layers.Conv2D(channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv")(y)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(y)


DenseNet121 = _dense_net("DenseNet121", (6, 12, 24, 16))
DenseNet169 = _dense_net("DenseNet169", (6, 12, 32, 32))
DenseNet201 = _dense_net("DenseNet201", (6, 12, 48, 32))
preprocess_input = in_mode("torch", "DenseNet")

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
