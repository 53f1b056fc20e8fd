"""tf.nn.depthwise_conv2d_backprop_*: the gradients of a depthwise convolution, as functions of their own."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.errors import ShapeError
from eager.ops.common import raw_shape, shape_argument
from eager.ops.conv import depthwise_conv2d
from eager.ops.create import zeros
from eager.ops.public import public
from eager.tape import GradientTape
from eager.tensor import Tensor, type_of


def _gradient(x: Tensor, w: Tensor, ct: Tensor, how: tuple[Any, ...], name: str, of_filter: bool) -> Tensor:
    source = w if of_filter else x
    with GradientTape() as tape:
        tape.watch(source)
        y = depthwise_conv2d(x, w, *how)
    if raw_shape(y) != raw_shape(ct):
        raise ShapeError(f"{name}: out_backprop is {type_of(ct)}, but the convolution gives {type_of(y)}")
    return tape.gradient(y, source, ct)


@public("nn.depthwise_conv2d_backprop_input")
def depthwise_conv2d_backprop_input(
    input_sizes: Any, filter: Any, out_backprop: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of tf.nn.depthwise_conv2d with respect to its input (tf.nn.depthwise_conv2d_backprop_input).

    Args:
        input_sizes: the shape of the input.
        filter: [height, width, channels, multiplier].
        out_backprop: the gradient of the convolution's result.
        strides, padding, data_format, dilations: of the convolution.
        name: accepted for compatibility.

    Raises:
        ShapeError, InvalidArgumentError: as tf.nn.depthwise_conv2d; ShapeError if `out_backprop` has another shape.
    """
    del name
    shown, ct = "nn.depthwise_conv2d_backprop_input", convert(out_backprop)
    w = convert(filter, like=ct.dtype)
    x = zeros(shape_argument(input_sizes, shown), ct.dtype)
    return _gradient(x, w, ct, (strides, padding, data_format, dilations), shown, of_filter=False)


@public("nn.depthwise_conv2d_backprop_filter")
def depthwise_conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of tf.nn.depthwise_conv2d with respect to its filter (tf.nn.depthwise_conv2d_backprop_filter).

    Args:
        input: [batch, height, width, channels].
        filter_sizes: the shape of the filter.
        out_backprop: the gradient of the convolution's result.
        strides, padding, data_format, dilations: of the convolution.
        name: accepted for compatibility.

    Raises:
        ShapeError, InvalidArgumentError: as tf.nn.depthwise_conv2d; ShapeError if `out_backprop` has another shape.
    """
    del name
    shown, ct = "nn.depthwise_conv2d_backprop_filter", convert(out_backprop)
    x = convert(input, like=ct.dtype)
    w = zeros(shape_argument(filter_sizes, shown), ct.dtype)
    return _gradient(x, w, ct, (strides, padding, data_format, dilations), shown, of_filter=True)
