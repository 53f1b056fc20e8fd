"""tf.nn convolutions: one op with strides, dilations, groups and every padding, in both data formats."""

from __future__ import annotations

from typing import Any

from eager.convert import convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape
from eager.ops.public import public
from eager.ops.sliding import Ints, Layout, batched, exactly, groups_of, paddings, per_axis, unbatched
from eager.tensor import Tensor, type_of


def convolve(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str | None, dilations: Any, name: str,
    spatial: int = 0,
) -> Tensor:  # fmt: skip
    """A convolution with arguments in any of their forms; `spatial` 0 takes the number of dimensions from the filter.

    Raises:
        ShapeError: for a rank or channels that do not fit, or a filter larger than the padded input.
        InvalidArgumentError: for strides, dilations, paddings or a data format of another form.
    """
    x, w = convert_pair(input, filters, name)
    count = spatial or len(raw_shape(w)) - 2
    if not 1 <= count <= 3:
        raise ShapeError(f"{name}: filters are {type_of(w)}, expected rank 3, 4 or 5: [*kernel, in, out]")
    layout = Layout(data_format, count, name)
    exactly(w, count + 2, name, "filters")
    flat, lead = batched(x, layout, "input")
    flat = layout.last(flat)
    steps, spread = per_axis(strides, layout, "strides"), per_axis(dilations, layout, "dilations")
    return unbatched(layout.back(_apply(flat, w, steps, padding, spread, layout)), lead)


def _apply(x: Tensor, w: Tensor, strides: Ints, padding: Any, spread: Ints, layout: Layout) -> Tensor:
    """The op on a batch with channels last."""
    shape, kernel = raw_shape(x), raw_shape(w)
    groups = groups_of(layout.name, x, shape[-1], kernel[-2])
    low, high = paddings(padding, layout, shape[1:-1], kernel[:-2], strides, spread)
    return op(
        "convolution", x, w, strides=strides, low=low, high=high, lhs_dilation=(1,) * len(strides),
        rhs_dilation=spread, groups=groups,
    )  # fmt: skip


@public("nn.convolution")
def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID", data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A convolution over 1 to 3 spatial dimensions (tf.nn.convolution).

    Args:
        input: [batch..., *spatial, channels], or channels before the spatial dimensions for NCW, NCHW, NCDHW.
        filters: [*kernel, channels / groups, out channels]; fewer channels than the input's make groups.
        strides: an integer, or one per spatial dimension.
        padding: VALID, SAME, or a pair (before, after) per dimension.
        data_format: NWC, NHWC, NDHWC (or None), NCW, NCHW, NCDHW.
        dilations: an integer, or one per spatial dimension: the filter's step through the input.
        name: accepted for compatibility.

    Raises:
        ShapeError: for a rank or channels that do not fit, or a filter larger than the padded input.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return convolve(input, filters, strides, padding, data_format, dilations, "nn.convolution")


@public("nn.conv1d")
def conv1d(
    input: Any, filters: Any, stride: Any, padding: Any, data_format: str = "NWC", dilations: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A convolution over one dimension (tf.nn.conv1d): input [batch..., width, in], filters [width, in, out].

    Raises:
        ShapeError: for a rank or channels that do not fit, or a filter larger than the padded input.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return convolve(input, filters, stride, padding, data_format, dilations, "nn.conv1d", 1)


@public("nn.conv2d")
def conv2d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str = "NHWC", dilations: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A convolution over two dimensions (tf.nn.conv2d): input [batch..., height, width, in].

    The filter is [height, width, in / groups, out]; strides and dilations are an integer or lists of 1, 2 or 4.

    Raises:
        ShapeError: for a rank or channels that do not fit, or a filter larger than the padded input.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return convolve(input, filters, strides, padding, data_format, dilations, "nn.conv2d", 2)


@public("nn.conv3d")
def conv3d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str = "NDHWC", dilations: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A convolution over three dimensions (tf.nn.conv3d): input [batch..., depth, height, width, in].

    Raises:
        ShapeError: for a rank or channels that do not fit, or a filter larger than the padded input.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return convolve(input, filters, strides, padding, data_format, dilations, "nn.conv3d", 3)


@public("nn.depthwise_conv2d")
def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None = None, dilations: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Every channel convolved with filters of its own (tf.nn.depthwise_conv2d).

    Args:
        input: [batch, height, width, channels].
        filter: [height, width, channels, multiplier].
        strides: a list of 4.
        padding: VALID, SAME, or pairs.
        data_format: NHWC (or None), or NCHW.
        dilations: an integer, or two. Together with strides they mean what they mean in tf.nn.conv2d; TensorFlow allows
            only one of them above 1, and gives other values otherwise.
        name: accepted for compatibility.

    Returns:
        [batch, out height, out width, channels * multiplier].

    Raises:
        ShapeError, InvalidArgumentError: as tf.nn.conv2d.
    """
    del name
    return _depthwise(input, filter, strides, padding, data_format, dilations, "nn.depthwise_conv2d")


def _depthwise(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None, dilations: Any, name: str
) -> Tensor:
    x, w = convert_pair(input, filter, name)
    height, width, channels, multiplier = exactly(w, 4, name, "filter")
    layout = Layout(data_format, 2, name)
    have = layout.others(exactly(x, 4, name, "input"))[1]
    if have != channels:
        raise ShapeError(
            f"{name}: input {type_of(x)} has {have} channels, filter {type_of(w)} is for {channels}; give one filter "
            "[height, width, channels, multiplier] per channel"
        )
    flat = op("reshape", w, shape=(height, width, 1, channels * multiplier))
    return convolve(x, flat, strides, padding, data_format, dilations, name, 2)


@public("nn.separable_conv2d")
def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any,
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A depthwise convolution, then one of 1 x 1 that mixes channels (tf.nn.separable_conv2d).

    Raises:
        ShapeError: if the pointwise filter is not [1, 1, channels * multiplier, out]; else as tf.nn.conv2d.
    """
    del name
    shown = "nn.separable_conv2d"
    deep = _depthwise(input, depthwise_filter, strides, padding, data_format, dilations, shown)
    _, w = convert_pair(deep, pointwise_filter, shown)
    shape = exactly(w, 4, shown, "pointwise_filter")
    channels = Layout(data_format, 2, shown).others(raw_shape(deep))[1]
    if shape[:2] != (1, 1) or shape[2] != channels:
        raise ShapeError(f"{shown}: pointwise_filter is {type_of(w)}, expected [1, 1, {channels}, out]")
    return convolve(deep, w, 1, "VALID", data_format, None, shown, 2)


@public("nn.atrous_conv2d")
def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any, name: str | None = None) -> Tensor:
    """A convolution whose filter steps by `rate` through the input (tf.nn.atrous_conv2d).

    Raises:
        InvalidArgumentError: for a rate below 1; else as tf.nn.conv2d.
    """
    del name
    if rate < 1:
        raise InvalidArgumentError(f"nn.atrous_conv2d: rate is {rate}, expected at least 1")
    return convolve(value, filters, 1, padding, "NHWC", rate, "nn.atrous_conv2d", 2)
