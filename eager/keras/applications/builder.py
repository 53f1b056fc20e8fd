"""What the classifiers of tf.keras.applications have in common: their arguments, their entry and their end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from eager.errors import UnsupportedError
from eager.keras import backend, layers
from eager.keras.engine.keras_tensor import is_symbolic
from eager.keras.engine.model import Model
from eager.keras.utils import get_source_inputs

MINIMUM = 32
"""The smallest height and width: five halvings leave one pixel."""
BATCH_EPSILON = 1.001e-5
"""The epsilon of batch normalisation in the residual and dense families."""

ARGUMENTS = """

    Args:
        include_top: whether the classifier stands at the end.
        weights: None for fresh weights, or the path of a file of weights.
        input_tensor: a Keras tensor to begin from, instead of an input of the model's own.
        input_shape: the images' shape without the batch; by default ({size}, {size}, 3) with the classifier and
            open sizes without.
        pooling: without the classifier: None for the feature map, "avg" or "max" for its pooled features.
        classes: how many classes the classifier tells apart.
        classifier_activation: what is applied to the logits; None gives the logits.

    Returns:
        A functional model.

    Raises:
        UnsupportedError: for `weights="imagenet"`, as nothing is downloaded.
        ValueError: for a weights file that is not there, and for images of a wrong rank or too small.
    """


class Request(NamedTuple):
    """The arguments that every constructor takes."""

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any


def channel_axis() -> int:
    """The axis of channels in a batch of images."""
    return 1 if backend.image_data_format() == "channels_first" else 3


def channels_of(x: Any) -> int:
    """How many channels a batch of images has."""
    return int(x.shape[channel_axis()])


def batch_norm(x: Any, name: str, **options: Any) -> Any:
    """Normalises each channel."""
    return layers.BatchNormalization(axis=channel_axis(), name=name, **options)(x)


def divisible(number: float, divisor: int = 8) -> int:
    """The nearest multiple of a divisor, at least the divisor, that loses no more than a tenth (MobileNetV2)."""
    rounded = max(divisor, int(number + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * number else rounded


def halving_pad(x: Any, kernel: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding before a valid convolution of stride 2 that keeps ceil(n / 2) pixels; unknown sizes count as odd."""
    start = channel_axis() % 3 + 1
    half = kernel // 2
    top, left = (half - (1 - size % 2) if size is not None else half - 1 for size in x.shape[start : start + 2])
    return (top, half), (left, half)


def check_weights(request: Request) -> None:
    """Looks at `weights`.

    Raises:
        UnsupportedError: for "imagenet".
        ValueError: for a file that is not there.
    """
    weights = request.weights
    if weights == "imagenet":
        raise UnsupportedError(
            'weights="imagenet": layerjit downloads nothing. Pass weights=None for fresh weights, or weights=path with '
            "a file of this architecture, such as model.save_weights('imagenet.weights.h5') writes it in tf.keras"
        )
    if weights is not None and not Path(weights).exists():
        raise ValueError(
            "The `weights` argument should be either `None` (random initialization), `imagenet` (pre-training on "
            f"ImageNet), or the path to the weights file to be loaded. Received: weights={weights}"
        )


def image_shape(request: Request, size: int) -> tuple[int | None, ...]:
    """The images' shape without the batch.

    Raises:
        ValueError: for a wrong rank, too small images, or open sizes where the classifier needs known ones.
    """
    first = channel_axis() == 1
    if request.input_shape is None:
        side = size if request.include_top else None
        return (3, side, side) if first else (side, side, 3)
    shape = tuple(request.input_shape)
    if len(shape) != 3:
        raise ValueError("`input_shape` must be a tuple of three integers.")
    sides = shape[1:] if first else shape[:2]
    if any(side is not None and side < MINIMUM for side in sides):
        raise ValueError(
            f"Input size must be at least {MINIMUM}x{MINIMUM}; Received: input_shape={request.input_shape}"
        )
    if request.include_top and None in shape:
        raise ValueError(
            "If `include_top` is True, you should specify a static `input_shape`. "
            f"Received: input_shape={request.input_shape}"
        )
    return shape


def assemble(
    name: str,
    request: Request,
    size: int,
    body: Callable[[Any], Any],
    top: Callable[[Any, Request], Any],
    pools: tuple[str | None, str | None] = (None, None),
) -> Any:
    """Builds a classifier.

    Args:
        name: the model's name.
        request: the constructor's arguments.
        size: the height and width of images by default.
        body: from images to the feature map.
        top: from the feature map to the classes.
        pools: the names of the average and the maximum over the feature map.
    """
    check_weights(request)
    if request.pooling not in (None, "avg", "max"):
        raise ValueError(f'`pooling` should be None, "avg" or "max". Received: pooling={request.pooling}')
    images, sources = _entry(request, image_shape(request, size))
    features = body(images)
    outputs = top(features, request) if request.include_top else _pooled(features, request.pooling, pools)
    model: Any = Model(sources, outputs, name=name)
    if request.weights is not None:
        model.load_weights(request.weights)
    return model


def _entry(request: Request, shape: tuple[int | None, ...]) -> tuple[Any, Any]:
    """The tensor that the body begins from, and the model's inputs."""
    tensor = request.input_tensor
    if tensor is None:
        images = layers.Input(shape=shape)
        return images, images
    met = tuple(tensor.shape)[1:]
    if request.input_shape is not None and any(
        a is not None and b is not None and a != b for a, b in zip(met, shape, strict=False)
    ):
        raise ValueError(f"input_shape: {shape} and input_tensor: {tensor} do not meet the same shape requirements")
    if not is_symbolic(tensor):
        images = layers.Input(tensor=tensor)
        return images, images
    sources = get_source_inputs(tensor)
    return tensor, sources[0] if len(sources) == 1 else sources


def _pooled(features: Any, pooling: str | None, names: tuple[str | None, str | None]) -> Any:
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name=names[0])(features)
    return layers.GlobalMaxPooling2D(name=names[1])(features) if pooling == "max" else features


def average_top(features: Any, request: Request) -> Any:
    """The average over the feature map, then one layer of classes."""
    pooled = layers.GlobalAveragePooling2D(name="avg_pool")(features)
    return layers.Dense(request.classes, activation=request.classifier_activation, name="predictions")(pooled)


def constructor(
    name: str,
    paper: str,
    body: Callable[[Any], Any],
    top: Callable[[Any, Request], Any] = average_top,
    pools: tuple[str | None, str | None] = ("avg_pool", "max_pool"),
) -> Callable[..., Any]:
    """A public constructor with the usual arguments, for images of 224 by 224."""

    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
    ) -> Any:
        request = Request(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation
        )
        return assemble(name.lower(), request, 224, body, top, pools)

    return named(build, name, paper, 224)


def named(build: Callable[..., Any], name: str, paper: str, size: int) -> Callable[..., Any]:
    """Gives a made constructor its name and documentation."""
    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"{name} (tf.keras.applications.{name}; {paper})." + ARGUMENTS.format(size=size)
    return build


__all__ = [
    "ARGUMENTS", "BATCH_EPSILON", "MINIMUM", "Request", "assemble", "average_top", "batch_norm", "channel_axis",
    "channels_of", "check_weights", "constructor", "divisible", "halving_pad", "image_shape", "named",
]  # fmt: skip
