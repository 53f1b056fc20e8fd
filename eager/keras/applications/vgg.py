"""The VGG networks: stages of 3 x 3 convolutions, each closed by a pooling (Simonyan and Zisserman, 2014)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.keras import layers
from eager.keras.applications.builder import Request, constructor

_FILTERS = (64, 128, 256, 512, 512)


def vgg(name: str, repeats: Sequence[int]) -> Callable[..., Any]:
    """The constructor of a VGG network with so many convolutions in each of the five stages."""

    def body(x: Any) -> Any:
        for stage, (filters, count) in enumerate(zip(_FILTERS, repeats, strict=True), 1):
            for i in range(1, count + 1):
                convolution = layers.Conv2D(
                    filters, 3, activation="relu", padding="same", name=f"block{stage}_conv{i}"
                )
                x = convolution(x)
            x = layers.MaxPooling2D(2, strides=2, name=f"block{stage}_pool")(x)
        return x

    return constructor(name, "Simonyan and Zisserman, arXiv:1409.1556", body, _top, (None, None))


def _top(features: Any, request: Request) -> Any:
    x = layers.Flatten(name="flatten")(features)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return layers.Dense(request.classes, activation=request.classifier_activation, name="predictions")(x)
