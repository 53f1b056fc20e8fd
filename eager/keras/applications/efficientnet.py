"""tf.keras.applications.efficientnet: depth, width and resolution scaled together (Tan and Le, 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    named,
)
from eager.keras.applications.imagenet_utils import decode_predictions, in_mode

_STAGES = (
    (3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)  # fmt: skip
"""Kernel, blocks, width, expansion and stride of each stage of B0 (the paper's table 1)."""
_SQUEEZE = 0.25
_PAPER = "Tan and Le, arXiv:1905.11946"


def _normal_init() -> dict[str, Any]:
    return {
        "class_name": "VarianceScaling",
        "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
    }


def _uniform_init() -> dict[str, Any]:
    return {
        "class_name": "VarianceScaling", "config": {"scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"}
    }  # fmt: skip


class _Body:
    """From images to the feature map, for one scale."""

    def __init__(self, width: float, depth: float, drop_rate: float, divisor: int, activation: Any) -> None:
        self.width, self.depth, self.drop_rate = width, depth, drop_rate
        self.divisor, self.activation = divisor, activation

    def __call__(self, images: Any) -> Any:
        """The feature map of a batch of images."""
        x = layers.Normalization(axis=channel_axis())(layers.Rescaling(1.0 / 255.0)(images))
        x = layers.ZeroPadding2D(halving_pad(x, 3), name="stem_conv_pad")(x)
        x = self._convolved(x, self._wide(32), "stem_conv", 3, strides=2, padding="valid")
        x = self._active(x, "stem_bn", "stem_activation")
        counts = [math.ceil(self.depth * stage[1]) for stage in _STAGES]
        done, total = 0, sum(counts)
        for number, (count, (kernel, _, filters, expansion, stride)) in enumerate(zip(counts, _STAGES, strict=True), 1):
            for i in range(count):
                rate = self.drop_rate * done / total
                name = f"block{number}{chr(ord('a') + i)}_"
                x = self._block(x, name, kernel, self._wide(filters), expansion, stride if i == 0 else 1, rate)
                done += 1
        return self._active(self._convolved(x, self._wide(1280), "top_conv"), "top_bn", "top_activation")

    def _wide(self, filters: int) -> int:
        return divisible(filters * self.width, self.divisor)

    def _convolved(self, x: Any, filters: int, name: str, kernel: int = 1, **options: Any) -> Any:
        settings = {"padding": "same", "use_bias": False, "kernel_initializer": _normal_init()} | options
        return layers.Conv2D(filters, kernel, name=name, **settings)(x)

    def _active(self, x: Any, normal: str, name: str) -> Any:
        return layers.Activation(self.activation, name=name)(batch_norm(x, normal))

    def _block(
        self, x: Any, name: str, kernel: int, filters: int, expansion: int, stride: int, rate: float
    ) -> Any:
        """Expands the channels, convolves and weighs each, projects them down, and adds x where the shape allows."""
        channels, y = channels_of(x), x
        if expansion != 1:
            y = self._convolved(y, channels * expansion, f"{name}expand_conv")
            y = self._active(y, f"{name}expand_bn", f"{name}expand_activation")
        if stride == 2:
            y = layers.ZeroPadding2D(halving_pad(y, kernel), name=f"{name}dwconv_pad")(y)
        depthwise = layers.DepthwiseConv2D(
            kernel, strides=stride, padding="valid" if stride == 2 else "same", use_bias=False,
            depthwise_initializer=_normal_init(), name=f"{name}dwconv",
        )  # fmt: skip
        y = self._active(depthwise(y), f"{name}bn", f"{name}activation")
        y = self._excited(y, max(1, int(channels * _SQUEEZE)), f"{name}se_")
        y = batch_norm(self._convolved(y, filters, f"{name}project_conv"), f"{name}project_bn")
        if stride != 1 or channels != filters:
            return y
        if rate > 0:
            # The noise has one number for each image: a block is dropped whole.
            y = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(y)
        return layers.Add(name=f"{name}add")([y, x])

    def _excited(self, x: Any, squeezed: int, name: str) -> Any:
        """x with each channel weighed by what the average of all channels says (squeeze and excite)."""
        channels = channels_of(x)
        y = layers.GlobalAveragePooling2D(name=f"{name}squeeze")(x)
        shape = (channels, 1, 1) if channel_axis() == 1 else (1, 1, channels)
        y = layers.Reshape(shape, name=f"{name}reshape")(y)
        y = self._convolved(y, squeezed, f"{name}reduce", use_bias=True, activation=self.activation)
        y = self._convolved(y, channels, f"{name}expand", use_bias=True, activation="sigmoid")
        return layers.Multiply(name=f"{name}excite")([x, y])


def _top(dropout: float) -> Callable[[Any, Request], Any]:
    def top(features: Any, request: Request) -> Any:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(features)
        if dropout > 0:
            x = layers.Dropout(dropout, name="top_dropout")(x)
        classifier = layers.Dense(
            request.classes, activation=request.classifier_activation, kernel_initializer=_uniform_init(),
            name="predictions",
        )  # fmt: skip
        return classifier(x)

    return top


def _efficient_net(name: str, width: float, depth: float, size: int, dropout: float) -> Callable[..., Any]:
    """The constructor of one scale."""

    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        **kwargs: Any,
    ) -> Any:
        options: dict[str, Any] = {"drop_connect_rate": 0.2, "depth_divisor": 8, "activation": "swish"}
        for key in kwargs:
            if key not in options:
                raise TypeError(
                    f"{name}() got an unexpected keyword argument '{key}'; it takes {', '.join(options)}"
                )
        body = _Body(width, depth, *(options | kwargs).values())
        request = Request(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation
        )
        return assemble(name.lower(), request, size, body, _top(dropout), ("avg_pool", "max_pool"))

    return named(build, name, _PAPER, size)


EfficientNetB0 = _efficient_net("EfficientNetB0", 1.0, 1.0, 224, 0.2)
EfficientNetB1 = _efficient_net("EfficientNetB1", 1.0, 1.1, 240, 0.2)
EfficientNetB2 = _efficient_net("EfficientNetB2", 1.1, 1.2, 260, 0.3)
EfficientNetB3 = _efficient_net("EfficientNetB3", 1.2, 1.4, 300, 0.3)
EfficientNetB4 = _efficient_net("EfficientNetB4", 1.4, 1.8, 380, 0.4)
EfficientNetB5 = _efficient_net("EfficientNetB5", 1.6, 2.2, 456, 0.4)
EfficientNetB6 = _efficient_net("EfficientNetB6", 1.8, 2.6, 528, 0.5)
EfficientNetB7 = _efficient_net("EfficientNetB7", 2.0, 3.1, 600, 0.5)
preprocess_input = in_mode(None, "EfficientNet")

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
    "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip
