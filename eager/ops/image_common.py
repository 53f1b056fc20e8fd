"""What image functions share: ranks, batches of one, sizes that must be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, settled, shape_argument
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim

_LARGEST = 1 << 40


def image_tensor(image: Any, name: str, ranks: tuple[int, ...] = (3, 4)) -> Tensor:
    """An image [height, width, channels] or a batch of them. Raises ShapeError for another rank."""
    x = convert(image)
    if x.ndim not in ranks:
        raise ShapeError(
            f"{name}: image is {type_of(x)}, expected rank {' or '.join(map(str, ranks))}: [height, width, channels]"
            f"{' or [batch, height, width, channels]' if 4 in ranks else ''}; use tf.expand_dims or tf.squeeze"
        )
    return x


def as_batch(x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """A function of a batch of images on a batch, or on one image."""
    if x.ndim == 4:
        return function(x)
    y = function(op("reshape", x, shape=(1, *raw_shape(x))))
    return op("reshape", y, shape=raw_shape(y)[1:])


def require_channels(x: Tensor, count: int, name: str) -> None:
    """Raises ShapeError unless the last axis has that many channels."""
    shape = raw_shape(x)
    if not shape or not settled(lambda: dims.equal(shape[-1], count)):
        raise ShapeError(f"{name}: image is {type_of(x)}, expected {count} channel{'s' * (count > 1)} on the last axis")


def known_size(d: Dim) -> int:
    """A size as a number. In a trace a symbolic one is found by questions, which become guards of the trace.

    Raises:
        InconclusiveDim: in a trace without real arguments.
    """
    if isinstance(d, int):
        return d
    low, high = 0, 1
    while not settled(lambda high=high: dims.less_equal(d, high)):
        low, high = high + 1, min(2 * high, _LARGEST)
    while low < high:
        middle = (low + high) // 2
        if settled(lambda middle=middle: dims.less_equal(d, middle)):
            high = middle
        else:
            low = middle + 1
    settled(lambda: dims.equal(d, low))
    return low


def size_pair(size: Any, name: str) -> tuple[int, int]:
    """(height, width) of at least 1. Raises InvalidArgumentError for anything else."""
    given = shape_argument(size, name)
    if len(given) != 2 or any(known_size(d) < 1 for d in given):
        raise InvalidArgumentError(f"{name}: size is {size!r}, expected two positive integers (height, width)")
    return known_size(given[0]), known_size(given[1])
