"""tf.nn pooling: maxima, means and positions of maxima over windows."""

from __future__ import annotations

from typing import Any, NamedTuple

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import InvalidTypeError, op, raw_shape, size_tensor
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.ops.sliding import Ints, Layout, Pairs, exactly, paddings, per_axis
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, int64
from graphcore.errors import InconclusiveDim
from graphcore.ops.spread import dilated

Window = dict[str, Any]


def _pooling(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None, name: str, spatial: int,
    dilations: Any = None,
) -> tuple[Tensor, Layout, Window]:  # fmt: skip
    """The input with channels last, and the window's attributes for all its axes."""
    x = convert(input)
    count = spatial or x.ndim - 2
    if not 1 <= count <= 3:
        raise ShapeError(f"{name}: input is {type_of(x)}, expected rank 3, 4 or 5: a batch, *spatial and channels")
    layout = Layout(data_format, count, name)
    exactly(x, count + 2, name, "input")
    flat = layout.last(x)
    window, steps = per_axis(ksize, layout, "ksize"), per_axis(strides, layout, "strides")
    spread = per_axis(dilations, layout, "dilations")
    if max(steps) > 1 and max(spread) > 1:
        raise InvalidArgumentError(f"{name}: strides {steps} and dilations {spread} cannot both be above 1")
    pairs = paddings(padding, layout, raw_shape(flat)[1:-1], window, steps, spread)
    if not isinstance(padding, str):
        _check_padding(name, pairs, [dilated(k, d) for k, d in zip(window, spread, strict=True)])
    return flat, layout, _attrs(window, steps, pairs, spread)


def _check_padding(name: str, pairs: Pairs, spans: list[Dim]) -> None:
    for low, high, span in zip(*pairs, spans, strict=True):
        try:
            fits = dims.less(low, span) and dims.less(high, span)
        except InconclusiveDim:
            continue
        if not fits:
            raise InvalidArgumentError(f"{name}: padding ({low}, {high}) must be smaller than the window of {span}")


def _attrs(window: Ints, strides: Ints, pairs: Pairs, spread: Ints) -> Window:
    ones = (1,) * (len(window) + 2)
    return {
        "window": (1, *window, 1), "strides": (1, *strides, 1), "low": (0, *pairs[0], 0), "high": (0, *pairs[1], 0),
        "base_dilation": ones, "window_dilation": (1, *spread, 1),
    }  # fmt: skip


def _max(*args: Any) -> Tensor:
    x, layout, window = _pooling(*args)
    return layout.back(op("window_reduce", x, combine="max", **window))


def _mean(*args: Any) -> Tensor:
    x, layout, window = _pooling(*args)
    if not (x.dtype.is_floating or x.dtype.is_complex):
        raise InvalidTypeError(f"{layout.name}: input is {type_of(x)}, expected floating; write tf.cast(x, tf.float32)")
    total = op("window_reduce", x, combine="add", **window)
    return layout.back(op("div", total, _counts(x, window)))


def _counts(x: Tensor, window: Window) -> Tensor:
    """How many elements every window shows: padding does not count."""
    count = 1
    for k in window["window"]:
        count *= k
    if all(isinstance(v, int) and v == 0 for v in (*window["low"], *window["high"])):
        return convert(float(count), like=x.dtype)
    shape = (1, *raw_shape(x)[1:-1], 1)
    ones = op("broadcast_to", convert(1.0, like=x.dtype), shape=shape)
    return op("window_reduce", ones, combine="add", **window)


@public("nn.max_pool")
def max_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """The maximum over windows of 1 to 3 spatial dimensions (tf.nn.max_pool); padding never wins.

    NaN and -infinity count as in tf.reduce_max, where TensorFlow's kernels drop NaN and give the lowest finite number.

    Args:
        input: [batch, *spatial, channels], or channels first as `data_format` says.
        ksize: the window's size: an integer, or a list of 1, n or n + 2.
        strides: likewise.
        padding: SAME, VALID, or a pair (before, after) per dimension, smaller than the window.
        data_format: NWC, NHWC, NDHWC (or None), NCW, NCHW, NCDHW.
        name: accepted for compatibility.

    Raises:
        ShapeError: for another rank, or a window larger than the padded input.
        InvalidArgumentError: for sizes, strides, a padding or a data format of another form.
    """
    del name
    return _max(input, ksize, strides, padding, data_format, "nn.max_pool", 0)


@public("nn.max_pool1d")
def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The maximum over windows of [batch, width, channels] (tf.nn.max_pool1d). Raises as tf.nn.max_pool."""
    del name
    return _max(input, ksize, strides, padding, data_format, "nn.max_pool1d", 1)


@public("nn.max_pool2d")
def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """The maximum over windows of [batch, height, width, channels] (tf.nn.max_pool2d). Raises as tf.nn.max_pool."""
    del name
    return _max(input, ksize, strides, padding, data_format, "nn.max_pool2d", 2)


@public("nn.max_pool3d")
def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The maximum over windows of [batch, depth, height, width, channels] (tf.nn.max_pool3d)."""
    del name
    return _max(input, ksize, strides, padding, data_format, "nn.max_pool3d", 3)


@public("nn.avg_pool")
def avg_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """The mean over windows of 1 to 3 spatial dimensions (tf.nn.avg_pool); padding does not count.

    Raises:
        ShapeError, InvalidArgumentError: as tf.nn.max_pool; TypeError for an input that is not floating.
    """
    del name
    return _mean(input, ksize, strides, padding, data_format, "nn.avg_pool", 0)


@public("nn.avg_pool1d")
def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The mean over windows of [batch, width, channels] (tf.nn.avg_pool1d). Raises as tf.nn.avg_pool."""
    del name
    return _mean(input, ksize, strides, padding, data_format, "nn.avg_pool1d", 1)


@public("nn.avg_pool2d")
def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """The mean over windows of [batch, height, width, channels] (tf.nn.avg_pool2d). Raises as tf.nn.avg_pool."""
    del name
    return _mean(input, ksize, strides, padding, data_format, "nn.avg_pool2d", 2)


@public("nn.avg_pool3d")
def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The mean over windows of [batch, depth, height, width, channels] (tf.nn.avg_pool3d). Raises as tf.nn.avg_pool."""
    del name
    return _mean(input, ksize, strides, padding, data_format, "nn.avg_pool3d", 3)


@public("nn.pool")
def pool(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID",
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Means ("AVG") or maxima ("MAX") over windows, which may be dilated (tf.nn.pool).

    Raises:
        InvalidArgumentError: for another `pooling_type`, or strides and dilations both above 1; else as tf.nn.max_pool.
    """
    del name
    rules = {"AVG": _mean, "MAX": _max}
    if pooling_type not in rules:
        raise InvalidArgumentError(f"nn.pool: pooling_type is {pooling_type!r}, expected 'AVG' or 'MAX'")
    return rules[pooling_type](input, window_shape, strides, padding, data_format, "nn.pool", 0, dilations)


class MaxPoolWithArgmax(NamedTuple):
    """What tf.nn.max_pool_with_argmax returns."""

    output: Tensor
    argmax: Tensor


@public("nn.max_pool_with_argmax")
def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", output_dtype: Any = int64,
    include_batch_in_index: bool = False, name: str | None = None,
) -> MaxPoolWithArgmax:  # fmt: skip
    """Maxima over windows and where they are (tf.nn.max_pool_with_argmax).

    Returns:
        The maxima, and the position (y * width + x) * channels + c of each, the first where several are equal;
        with `include_batch_in_index` b * height * width * channels more.

    Raises:
        InvalidArgumentError: for an `output_dtype` that is not int32 or int64; else as tf.nn.max_pool.
    """
    del name
    wanted = as_dtype(output_dtype)
    if wanted.name not in ("int32", "int64"):
        raise InvalidArgumentError(f"nn.max_pool_with_argmax: output_dtype is {wanted.name}, expected int32 or int64")
    x, layout, window = _pooling(input, ksize, strides, padding, data_format, "nn.max_pool_with_argmax", 2)
    if layout.first:
        raise InvalidArgumentError("nn.max_pool_with_argmax: only data_format='NHWC'; transpose the input")
    at = op("window_argmax", x, combine="max", **window)
    if not include_batch_in_index:
        size = dims.product(raw_shape(x)[1:])
        at = op("mod", at, size_tensor(size, int64))
    return MaxPoolWithArgmax(op("window_reduce", x, combine="max", **window), cast(at, wanted))

