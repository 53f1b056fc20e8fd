"""tf.nn transposed convolutions: the gradient of a convolution with respect to its input, as a function of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert_pair
from eager.errors import ShapeError
from eager.ops.common import op, raw_shape, shape_argument
from eager.ops.public import public
from eager.ops.sliding import Layout, exactly, paddings, per_axis
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim
from graphcore.ops.spread import dilated, windowed_size


def transposed(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any, data_format: str | None, dilations: Any,
    name: str, spatial: int = 0,
) -> Tensor:  # fmt: skip
    """What a convolution of an array of `output_shape` would pass back for a cotangent `input`.

    Args:
        input: [batch, *spatial, in].
        filters: [*kernel, out, in]: out before in.
        output_shape: of the result, or its spatial sizes alone.
        strides, padding, data_format, dilations: of that convolution.
        name: for messages.
        spatial: number of spatial dimensions, 0 to take it from the filter.

    Raises:
        ShapeError: if a rank, the channels, or the output shape do not fit.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    x, w = convert_pair(input, filters, name)
    count = spatial or len(raw_shape(w)) - 2
    if not 1 <= count <= 3:
        raise ShapeError(f"{name}: filters are {type_of(w)}, expected rank 3, 4 or 5: [*kernel, out, in]")
    layout = Layout(data_format, count, name)
    kernel = exactly(w, count + 2, name, "filters")
    exactly(x, count + 2, name, "input")
    flat = layout.last(x)
    shape = raw_shape(flat)
    if shape[-1] != kernel[-1]:
        raise ShapeError(
            f"{name}: input {type_of(x)} has {shape[-1]} channels, filters {type_of(w)} are for {kernel[-1]}; "
            "filters are [*kernel, out, in]"
        )
    sizes = _sizes(output_shape, layout, shape, kernel[-2])
    steps, spread = per_axis(strides, layout, "strides"), per_axis(dilations, layout, "dilations")
    low, high = paddings(padding, layout, sizes, kernel[:-2], steps, spread)
    spans = [dilated(k, d) for k, d in zip(kernel[:-2], spread, strict=True)]
    for n, want, a, b, span, s in zip(shape[1:-1], sizes, low, high, spans, steps, strict=True):
        _check(layout.name, n, windowed_size(want + a + b, span, s), (want, padding, s))
    flipped = op("transpose", op("reverse", w, axes=tuple(range(count))), perm=(*range(count), count + 1, count))
    before = tuple(span - 1 - a for span, a in zip(spans, low, strict=True))
    have = [dilated(n, s) for n, s in zip(shape[1:-1], steps, strict=True)]
    after = tuple(want - n + span - 1 - a for want, n, span, a in zip(sizes, have, spans, before, strict=True))
    return layout.back(op(
        "convolution", flat, flipped, strides=(1,) * count, low=before, high=after, lhs_dilation=steps,
        rhs_dilation=spread, groups=1,
    ))  # fmt: skip


def _sizes(output_shape: Any, layout: Layout, shape: Sequence[Dim], channels: Dim) -> tuple[Dim, ...]:
    """The spatial sizes of the result."""
    given = shape_argument(output_shape, layout.name)
    if len(given) == layout.spatial:
        return given
    if len(given) != layout.spatial + 2:
        raise ShapeError(f"{layout.name}: output_shape is {given}, expected {layout.spatial + 2} sizes")
    batch, deep = layout.others(given)
    if _differ(batch, shape[0]) or _differ(deep, channels):
        raise ShapeError(
            f"{layout.name}: output_shape is {given}, but the input has batch {shape[0]} and the filters give "
            f"{channels} channels"
        )
    return layout.own(given)


def _differ(a: Dim, b: Dim) -> bool:
    try:
        return not (isinstance(a, int) and a == -1) and not dims.equal(a, b)
    except InconclusiveDim:
        return False


def _check(name: str, have: Dim, wanted: Dim, forward: tuple[Dim, Any, int]) -> None:
    if _differ(have, wanted):
        size, padding, stride = forward
        raise ShapeError(
            f"{name}: a convolution of {size} elements with stride {stride} and padding {padding!r} gives {wanted}, "
            f"but the input has {have}; give another output_shape"
        )


@public("nn.conv1d_transpose")
def conv1d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution over one dimension (tf.nn.conv1d_transpose); filters are [width, out, in].

    Raises:
        ShapeError: if a rank, the channels, or the output shape do not fit.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return transposed(input, filters, output_shape, strides, padding, data_format, dilations, "nn.conv1d_transpose", 1)


@public("nn.conv2d_transpose")
def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution over two dimensions (tf.nn.conv2d_transpose).

    Args:
        input: [batch, height, width, in].
        filters: [height, width, out, in].
        output_shape: the shape of the result.
        strides: an integer, or a list of 1, 2 or 4: of the convolution that this transposes.
        padding: SAME, VALID, or pairs, likewise.
        data_format: NHWC or NCHW.
        dilations: an integer, or a list of 1, 2 or 4.
        name: accepted for compatibility.

    Raises:
        ShapeError: if a rank, the channels, or the output shape do not fit.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return transposed(input, filters, output_shape, strides, padding, data_format, dilations, "nn.conv2d_transpose", 2)


@public("nn.conv3d_transpose")
def conv3d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NDHWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution over three dimensions (tf.nn.conv3d_transpose).

    Raises:
        ShapeError: if a rank, the channels, or the output shape do not fit.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return transposed(input, filters, output_shape, strides, padding, data_format, dilations, "nn.conv3d_transpose", 3)


@public("nn.conv_transpose")
def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution over 1 to 3 dimensions (tf.nn.conv_transpose).

    Raises:
        ShapeError: if a rank, the channels, or the output shape do not fit.
        InvalidArgumentError: for strides, dilations, a padding or a data format of another form.
    """
    del name
    return transposed(input, filters, output_shape, strides, padding, data_format, dilations, "nn.conv_transpose")


@public("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: Any, name: str | None = None
) -> Tensor:
    """The transpose of tf.nn.atrous_conv2d (tf.nn.atrous_conv2d_transpose).

    Raises:
        ShapeError: if a rank, the channels, or the output shape do not fit.
        InvalidArgumentError: for a padding of another form, or a rate below 1.
    """
    del name
    return transposed(value, filters, output_shape, 1, padding, "NHWC", rate, "nn.atrous_conv2d_transpose", 2)
