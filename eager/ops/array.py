"""All tf.* functions on arrays under one name: making, shaping, joining, picking."""

from __future__ import annotations

from eager.ops.create import (
    constant,
    convert_to_tensor,
    eye,
    fill,
    linspace,
    meshgrid,
    one_hot,
    ones,
    ones_like,
    range,
    sequence_mask,
    zeros,
    zeros_like,
)
from eager.ops.join import concat, pad, repeat, roll, split, stack, tile, unstack
from eager.ops.pick import gather, reverse, slice, where
from eager.ops.shaping import (
    broadcast_static_shape,
    broadcast_to,
    cast,
    ensure_shape,
    expand_dims,
    identity,
    rank,
    reshape,
    shape,
    size,
    squeeze,
    stop_gradient,
    transpose,
)

__all__ = [
    "broadcast_static_shape", "broadcast_to", "cast", "concat", "constant", "convert_to_tensor", "ensure_shape",
    "expand_dims", "eye", "fill", "gather", "identity", "linspace", "meshgrid", "one_hot", "ones", "ones_like",
    "pad", "range", "rank", "repeat", "reshape", "reverse", "roll", "sequence_mask", "shape", "size", "slice",
    "split", "squeeze", "stack", "stop_gradient", "tile", "transpose", "unstack", "where", "zeros", "zeros_like",
]  # fmt: skip
