"""tf.nn losses beyond the cross-entropies of `eager.ops.nn`, and crelu."""

from __future__ import annotations

import math
from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import InvalidTypeError, floating, op, raw_shape, size_tensor
from eager.ops.elementwise import divide_no_nan
from eager.ops.join import concat
from eager.ops.nn import relu
from eager.ops.public import public
from eager.ops.reduce import reduce_sum
from eager.ops.shaping import cast, reshape, squeeze
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorShape


@public("nn.crelu")
def crelu(features: Any, axis: Any = -1, name: str | None = None) -> Tensor:
    """relu(x) and relu(-x), joined along an axis (tf.nn.crelu; Shang et al. 2016).

    Raises:
        InvalidArgumentError: for an axis out of range.
        DTypeError: for a bool tensor.
    """
    del name
    x = convert(features)
    return relu(concat([x, op("neg", x)], axis))


def _same_shape(labels: Any, logits: Any, name: str) -> tuple[Tensor, Tensor]:
    z, x = convert_pair(labels, logits, name)
    if not z.shape.is_compatible_with(x.shape):
        raise ShapeError(f"{name}: operands must have the same shape, got {type_of(z)} and {type_of(x)}")
    return z, floating(x, name)


@public("nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Tensor:
    """Sigmoid cross-entropy in which positive labels count `pos_weight` (tf.nn.weighted_cross_entropy_with_logits).

    (1 - z) x + (1 + (q - 1) z) (log(1 + exp(-|x|)) + max(-x, 0)), for labels z, logits x and weight q.

    Args:
        labels: of the shape and dtype of the logits.
        logits: a floating tensor.
        pos_weight: a number, or a tensor that broadcasts with them.
        name: accepted for compatibility.

    Raises:
        ShapeError: if shapes differ.
        DTypeError: if dtypes differ.
    """
    del name
    z, x = _same_shape(labels, logits, "weighted_cross_entropy_with_logits")
    weight = 1.0 + (convert(pos_weight, like=x.dtype) - 1.0) * z
    return (1.0 - z) * x + weight * op("softplus", -x)


@public("nn.log_poisson_loss")
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """exp(c) - z c, for targets z and the logarithm c of the predicted rate (tf.nn.log_poisson_loss).

    Args:
        targets: counts, of the shape and dtype of log_input.
        log_input: a floating tensor.
        compute_full_loss: adds Stirling's approximation of log(z!) where z is above 1.
        name: accepted for compatibility.

    Raises:
        ShapeError: if shapes differ.
        DTypeError: if dtypes differ.
    """
    del name
    z, c = _same_shape(targets, log_input, "log_poisson_loss")
    loss = op("exp", c) - z * c
    if not compute_full_loss:
        return loss
    zero, one = convert(0.0, like=c.dtype), convert(1.0, like=c.dtype)
    small = op("logical_and", op("greater_equal", z, zero), op("less_equal", z, one))
    safe = op("select", small, one, z)
    stirling = safe * op("log", safe) - safe + 0.5 * op("log", 2 * math.pi * safe)
    return loss + op("select", small, zero, stirling)


@public("nn.compute_average_loss")
def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None, name: str | None = None
) -> Tensor:
    """The sum of losses, weighted, divided by the batch size (tf.nn.compute_average_loss).

    Args:
        per_example_loss: a floating tensor of rank 1 or more.
        sample_weight: weights that broadcast with it; a last axis of size 1 may be missing or too much.
        global_batch_size: the divisor, an integer; by default the first size.
        name: accepted for compatibility.

    Raises:
        ValueError: for a scalar loss, or a batch size that is no integer.
    """
    del name
    loss = floating(per_example_loss, "nn.compute_average_loss")
    if loss.ndim == 0:
        raise InvalidArgumentError(
            "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1."
        )
    if global_batch_size is None:
        batch = size_tensor(raw_shape(loss)[0], loss.dtype)
    else:
        size = convert(global_batch_size)
        if not size.dtype.is_integer or size.ndim:
            raise InvalidTypeError(f"compute_average_loss: global_batch_size is {type_of(size)}, expected an integer")
        batch = cast(size, loss.dtype)
    if sample_weight is not None:
        weight = cast(convert(sample_weight, like=loss.dtype), loss.dtype)
        if weight.ndim == loss.ndim + 1 and raw_shape(weight)[-1] == 1:
            weight = squeeze(weight, -1)
        elif weight.ndim and weight.ndim == loss.ndim - 1:
            weight = reshape(weight, TensorShape.of((*raw_shape(weight), 1)))
        loss = loss * weight
    return divide_no_nan(reduce_sum(loss), batch)


@public("nn.scale_regularization_loss")
def scale_regularization_loss(regularization_loss: Any, name: str | None = None) -> Tensor:
    """The sum of losses divided by the number of replicas, of which there is one (tf.nn.scale_regularization_loss).

    Raises:
        InvalidTypeError: for an integer or bool tensor.
    """
    del name
    return reduce_sum(floating(regularization_loss, "nn.scale_regularization_loss"))
