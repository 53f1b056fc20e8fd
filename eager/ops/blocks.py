"""tf.* functions that move blocks between space, depth and batch, cut patches out, and look at neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import floating, op, pairs_argument, raw_shape, settled
from eager.ops.math import pow
from eager.ops.public import public
from eager.ops.sliding import Layout, exactly, paddings, per_axis
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.ops.spread import dilated, windowed_size


def divided(name: str, n: Dim, by: int, what: str) -> Dim:
    """n / by. Raises ShapeError if it does not divide."""
    if by < 1 or not settled(lambda: dims.equal(dims.mod(n, by), 0)):
        raise ShapeError(f"{name}: {what} of {n} does not divide by the block size {by}; pad or crop first")
    return dims.floordiv(n, by)


def _block(block_size: Any, name: str) -> int:
    size = int(block_size)
    if size < 2:
        raise InvalidArgumentError(f"{name}: block_size is {block_size}, expected at least 2")
    return size


@public("nn.space_to_depth")
def space_to_depth(input: Any, block_size: Any, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Blocks of pixels become channels (tf.nn.space_to_depth): [n, h, w, c] to [n, h/b, w/b, b * b * c].

    Raises:
        ShapeError: for another rank, or sizes that do not divide by the block.
        InvalidArgumentError: for a block below 2, or another data format.
    """
    del name
    shown, b = "nn.space_to_depth", _block(block_size, "nn.space_to_depth")
    layout = Layout(data_format, 2, shown)
    x = convert(input)
    exactly(x, 4, shown, "input")
    x = layout.last(x)
    n, h, w, c = raw_shape(x)
    rows, columns = divided(shown, h, b, "a height"), divided(shown, w, b, "a width")
    split = op("reshape", x, shape=(n, rows, b, columns, b, c))
    moved = op("transpose", split, perm=(0, 1, 3, 2, 4, 5))
    return layout.back(op("reshape", moved, shape=(n, rows, columns, b * b * c)))


@public("nn.depth_to_space")
def depth_to_space(input: Any, block_size: Any, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Channels become blocks of pixels (tf.nn.depth_to_space): [n, h, w, b * b * c] to [n, h * b, w * b, c].

    Raises:
        ShapeError: for another rank, or channels that do not divide by the block's pixels.
        InvalidArgumentError: for a block below 2, or another data format.
    """
    del name
    shown, b = "nn.depth_to_space", _block(block_size, "nn.depth_to_space")
    layout = Layout(data_format, 2, shown)
    x = convert(input)
    exactly(x, 4, shown, "input")
    x = layout.last(x)
    n, h, w, c = raw_shape(x)
    deep = divided(shown, c, b * b, "a depth")
    split = op("reshape", x, shape=(n, h, w, b, b, deep))
    moved = op("transpose", split, perm=(0, 1, 3, 2, 4, 5))
    return layout.back(op("reshape", moved, shape=(n, h * b, w * b, deep)))


def _sizes(block_shape: Any, name: str) -> list[int]:
    sizes = [int(v) for v in np.asarray(block_shape).reshape(-1).tolist()]
    if not sizes or min(sizes) < 1:
        raise InvalidArgumentError(f"{name}: block_shape is {block_shape!r}, expected sizes of at least 1")
    return sizes


def _pairs(values: Any, count: int, name: str, what: str) -> list[tuple[Dim, Dim]]:
    pairs = pairs_argument(np.asarray(values).tolist() if isinstance(values, np.ndarray) else values, name)
    if len(pairs) != count or any(isinstance(v, int) and v < 0 for p in pairs for v in p):
        raise InvalidArgumentError(f"{name}: {what} is {values!r}, expected {count} pairs (before, after), each >= 0")
    return pairs


@public("space_to_batch", "nn.space_to_batch", "space_to_batch_nd")
def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Positions within blocks of the padded spatial dimensions become batches (tf.space_to_batch).

    Args:
        input: [batch, *spatial, ...].
        block_shape: one size per spatial dimension.
        paddings: one pair (before, after) of zeros per spatial dimension.
        name: accepted for compatibility.

    Returns:
        [batch * product of blocks, *(padded / block), ...].

    Raises:
        ShapeError: if the rank is too small or a padded size does not divide.
        InvalidArgumentError: for blocks or paddings of another form.
    """
    del name
    shown = "space_to_batch"
    x, blocks = convert(input), _sizes(block_shape, shown)
    m = len(blocks)
    pairs = _pairs(paddings, m, shown, "paddings")
    if x.ndim < m + 1:
        raise ShapeError(f"{shown}: input is {type_of(x)}, expected a batch and {m} spatial dimensions")
    rest = x.ndim - m - 1
    if any(pair != (0, 0) for pair in pairs):
        low, high = (tuple(p[i] for p in pairs) for i in (0, 1))
        none = (0,) * rest
        x = op(
            "pad", x, convert(0, like=x.dtype), low=(0, *low, *none), high=(0, *high, *none), interior=(0,) * x.ndim
        )
    shape = raw_shape(x)
    parts = [divided(shown, n, b, "a padded size") for n, b in zip(shape[1:], blocks, strict=False)]
    split = op("reshape", x, shape=(shape[0], *_pairwise(parts, blocks), *shape[m + 1 :]))
    places = range(1, 2 * m + 1)
    perm = (*places[1::2], 0, *places[::2], *range(2 * m + 1, 2 * m + 1 + rest))
    moved = op("transpose", split, perm=perm)
    return op("reshape", moved, shape=(dims.product((*blocks, shape[0])), *parts, *shape[m + 1 :]))


def _pairwise(a: Sequence[Dim], b: Sequence[Dim]) -> list[Dim]:
    return [d for pair in zip(a, b, strict=True) for d in pair]


@public("batch_to_space", "batch_to_space_nd")
def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Batches become positions within blocks of the spatial dimensions, which are then cropped (tf.batch_to_space).

    Args:
        input: [batch, *spatial, ...], the batch a multiple of the product of blocks.
        block_shape: one size per spatial dimension, or an integer for two dimensions.
        crops: one pair (before, after) per spatial dimension.
        name: accepted for compatibility.

    Raises:
        ShapeError: if the rank is too small, the batch does not divide, or more is cropped than there is.
        InvalidArgumentError: for blocks or crops of another form.
    """
    del name
    shown = "batch_to_space"
    both = [block_shape] * 2 if isinstance(block_shape, int) else block_shape
    x, blocks = convert(input), _sizes(both, shown)
    m = len(blocks)
    pairs = _pairs(crops, m, shown, "crops")
    if x.ndim < m + 1:
        raise ShapeError(f"{shown}: input is {type_of(x)}, expected a batch and {m} spatial dimensions")
    shape, rest = raw_shape(x), x.ndim - m - 1
    batch = divided(shown, shape[0], int(np.prod(blocks)), "a batch")
    split = op("reshape", x, shape=(*blocks, batch, *shape[1:]))
    perm = (m, *_pairwise(range(m + 1, 2 * m + 1), range(m)), *range(2 * m + 1, 2 * m + 1 + rest))
    sizes = [n * b for n, b in zip(shape[1:], blocks, strict=False)]
    whole = op("reshape", op("transpose", split, perm=perm), shape=(batch, *sizes, *shape[m + 1 :]))
    if all(pair == (0, 0) for pair in pairs):
        return whole
    full = raw_shape(whole)
    begin = (0, *(p[0] for p in pairs), *(0,) * rest)
    end = (batch, *(n - p[1] for n, p in zip(sizes, pairs, strict=True)), *full[m + 1 :])
    if any(not settled(lambda b=b, e=e: dims.less_equal(b, e)) for b, e in zip(begin, end, strict=True)):
        raise ShapeError(f"{shown}: crops {pairs} cut more than the {tuple(sizes)} elements that there are")
    return op("slice", whole, begin=begin, end=end, strides=(1,) * len(full))


@public("nn.local_response_normalization", "nn.lrn")
def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, name: str | None = None
) -> Tensor:
    """x / (bias + alpha * sum of squares over neighbouring channels) ** beta (tf.nn.lrn; Krizhevsky et al. 2012).

    Raises:
        ShapeError: if the input is not [batch, height, width, channels].
        TypeError: if it is not floating.
    """
    del name
    x = floating(input, "nn.lrn")
    exactly(x, 4, "nn.lrn", "input")
    ones, r = (1,) * 4, (0, 0, 0, int(depth_radius))
    total = op(
        "window_reduce", op("mul", x, x), combine="add", window=(1, 1, 1, 2 * r[3] + 1), strides=ones, low=r, high=r,
        base_dilation=ones, window_dilation=ones,
    )  # fmt: skip
    return x / pow(total * alpha + bias, beta)


def patches(x: Tensor, window: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: Any,
            name: str) -> Tensor:  # fmt: skip
    """[n, rows, columns, window places, channels] of an image batch: what every window shows, 0 in padding."""
    layout = Layout("NHWC", 2, name)
    shape = exactly(x, 4, name, "images")
    low, high = paddings(padding, layout, shape[1:-1], window, tuple(strides), tuple(rates))
    parts = [
        op("reshape", y, shape=(*raw_shape(y)[:3], 1, raw_shape(y)[3]))
        for y in _shifted(x, window, strides, rates, (low, high), 0)
    ]
    return op("concatenate", *parts, axis=3)


def _shifted(
    x: Tensor, window: Sequence[int], strides: Sequence[int], rates: Sequence[int], pads: tuple[Any, Any], fill: float
) -> list[Tensor]:
    """For every place in the window, what the windows show there."""
    low, high = pads
    y = x
    if any(v != 0 for v in (*low, *high)):
        y = op("pad", x, convert(fill, like=x.dtype), low=(0, *low, 0), high=(0, *high, 0), interior=(0,) * 4)
    n, h, w, c = raw_shape(y)
    spans = [dilated(k, d) for k, d in zip(window, rates, strict=True)]
    rows, columns = (windowed_size(size, k, s) for size, k, s in zip((h, w), spans, strides, strict=True))
    found: list[Tensor] = []
    for i, j in itertools.product(*map(range, window)):
        first = (i * rates[0], j * rates[1])
        last = [a + (m - 1) * s + 1 for a, m, s in zip(first, (rows, columns), strides, strict=True)]
        found.append(op("slice", y, begin=(0, *first, 0), end=(n, *last, c), strides=(1, *strides, 1)))
    return found


@public("nn.dilation2d")
def dilation2d(
    input: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: str | None = None
) -> Tensor:
    """Greyscale dilation: the maximum of input plus filter over windows (tf.nn.dilation2d).

    Args:
        input: [batch, height, width, channels].
        filters: [height, width, channels].
        strides: a list of 4.
        padding: SAME or VALID.
        data_format: NHWC.
        dilations: a list of 4: the filter's step through the input.
        name: accepted for compatibility.

    Raises:
        ShapeError: for another rank, or channels that differ.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return _morphology(input, filters, (strides, padding, data_format, dilations), "nn.dilation2d", True)


@public("nn.erosion2d")
def erosion2d(
    value: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: str | None = None
) -> Tensor:
    """Greyscale erosion: the minimum of value minus the flipped filter over windows (tf.nn.erosion2d).

    Raises:
        ShapeError, InvalidArgumentError: as tf.nn.dilation2d.
    """
    del name
    return _morphology(value, filters, (strides, padding, data_format, dilations), "nn.erosion2d", False)


def _never_best(dtype: DType, grow: bool) -> float:
    """What no maximum, or else no minimum, ever is unless there is nothing else."""
    if dtype.is_integer:
        return dtype.min if grow else dtype.max
    return float("-inf") if grow else float("inf")


def _covered(x: Tensor) -> Tensor:
    """True wherever the image is; one batch and one channel."""
    return op("broadcast_to", convert(True), shape=(1, *raw_shape(x)[1:3], 1))


def _morphology(input: Any, filters: Any, how: tuple[Any, Any, Any, Any], name: str, grow: bool) -> Tensor:
    x, w = convert_pair(input, filters, name)
    strides, padding, data_format, dilations = how
    if data_format != "NHWC":
        raise InvalidArgumentError(f"{name}: data_format is {data_format!r}, expected 'NHWC'")
    layout = Layout(data_format, 2, name)
    shape, kernel = exactly(x, 4, name, "input"), exactly(w, 3, name, "filters")
    if shape[-1] != kernel[-1] or not all(isinstance(k, int) for k in kernel):
        raise ShapeError(f"{name}: input {type_of(x)} and filters {type_of(w)} differ in channels")
    window = tuple(int(k) for k in kernel[:2] if isinstance(k, int))
    steps, rates = per_axis(strides, layout, "strides"), per_axis(dilations, layout, "dilations")
    pads = paddings(padding, layout, shape[1:-1], window, steps, rates)
    if not grow:
        w = op("reverse", w, axes=(0, 1))
    fill = _never_best(x.dtype, grow)
    shown = _shifted(x, window, steps, rates, pads, fill)
    flat = op("reshape", w, shape=(window[0] * window[1], kernel[-1]))
    filled = x.dtype.is_integer and any(v != 0 for v in (*pads[0], *pads[1]))
    inside = _shifted(_covered(x), window, steps, rates, pads, False) if filled else []
    join, best = ("add", "maximum") if grow else ("sub", "minimum")
    found: Tensor | None = None
    for i, y in enumerate(shown):
        row = op("slice", flat, begin=(i, 0), end=(i + 1, kernel[-1]), strides=(1, 1))
        one = op(join, y, op("reshape", row, shape=(kernel[-1],)))
        if inside:  # the sum with the fill would wrap around
            one = op("select", op("broadcast_to", inside[i], shape=raw_shape(one)), one,
                     op("broadcast_to", convert(fill, like=x.dtype), shape=raw_shape(one)))  # fmt: skip
        found = one if found is None else op(best, found, one)
    if found is None:
        raise ShapeError(f"{name}: filters {type_of(w)} are empty")
    return found
