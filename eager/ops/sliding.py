"""Arguments of convolutions and pooling: data formats, strides and dilations in all their forms, paddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, pairs_argument, raw_shape, settled
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim
from graphcore.ops.spread import dilated

Ints = tuple[int, ...]
Pairs = tuple[tuple[Dim, ...], tuple[Dim, ...]]

_LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
_FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


class Layout:
    """Where channels are: after the spatial dimensions, or before them."""

    def __init__(self, data_format: str | None, spatial: int, name: str) -> None:
        """Reads a data format; None means channels last.

        Raises:
            InvalidArgumentError: for a format that is none of that many spatial dimensions.
        """
        known = (_LAST[spatial], _FIRST[spatial])
        if data_format is not None and data_format not in known:
            raise InvalidArgumentError(f"{name}: data_format is {data_format!r}, expected {known[0]!r} or {known[1]!r}")
        self.spatial, self.name = spatial, name
        self.first = data_format == known[1]

    def last(self, x: Tensor) -> Tensor:
        """The tensor with channels last."""
        rank = self.spatial + 2
        return op("transpose", x, perm=(0, *range(2, rank), 1)) if self.first else x

    def back(self, y: Tensor) -> Tensor:
        """The tensor, channels last, in the given format."""
        rank = self.spatial + 2
        return op("transpose", y, perm=(0, rank - 1, *range(1, rank - 1))) if self.first else y

    def own(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The spatial ones of one value per dimension."""
        return tuple(values[2:]) if self.first else tuple(values[1:-1])

    def others(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The values of batch and channels."""
        return (values[0], values[1]) if self.first else (values[0], values[-1])


def per_axis(value: Any, layout: Layout, what: str) -> Ints:
    """One integer of at least 1 per spatial dimension, from an integer or a list of 1, n or n + 2; None means 1.

    Raises:
        InvalidArgumentError: for another number of them, one below 1, or not 1 for batch or channels.
    """
    n, name = layout.spatial, layout.name
    given = [1] if value is None else [int(v) for v in np.asarray(value).reshape(-1).tolist()]
    if len(given) == n + 2:
        if any(v != 1 for v in layout.others(given)):
            raise InvalidArgumentError(f"{name}: {what} {given} must be 1 for batch and channels")
        given = list(layout.own(given))
    elif len(given) == 1:
        given *= n
    if len(given) != n or any(v < 1 for v in given):
        raise InvalidArgumentError(
            f"{name}: {what} is {value!r}, expected an integer of at least 1, or a list of 1, {n} or {n + 2} of them"
        )
    return tuple(given)


def explicit_pairs(padding: Any, layout: Layout) -> list[tuple[Dim, Dim]] | None:
    """The spatial pairs of an explicit padding; None for a word.

    Raises:
        InvalidArgumentError: for another number of pairs, or one of batch or channels that is not zero.
    """
    if isinstance(padding, str):
        return None
    pairs = pairs_argument(padding, layout.name)
    if len(pairs) == layout.spatial + 2:
        if any(pair != (0, 0) for pair in layout.others(pairs)):
            raise InvalidArgumentError(f"{layout.name}: padding {padding} must be (0, 0) for batch and channels")
        pairs = list(layout.own(pairs))
    if len(pairs) != layout.spatial or any(isinstance(v, int) and v < 0 for p in pairs for v in p):
        raise InvalidArgumentError(
            f"{layout.name}: padding is {padding!r}, expected 'SAME', 'VALID', or a pair (before, after) of sizes >= 0 "
            f"for each of the {layout.spatial + 2} dimensions"
        )
    return pairs


def paddings(
    padding: Any, layout: Layout, sizes: Sequence[Dim], windows: Sequence[Dim], strides: Ints, spread: Ints
) -> Pairs:
    """What is added before and after every spatial dimension.

    Raises:
        InvalidArgumentError: for an unknown word or malformed pairs.
        ShapeError: if the window does not fit the padded input.
    """
    pairs = explicit_pairs(padding, layout)
    spans = [dilated(k, d) for k, d in zip(windows, spread, strict=True)]
    if pairs is None:
        word = str(padding).upper()
        if word not in ("SAME", "VALID"):
            raise InvalidArgumentError(
                f"{layout.name}: padding is {padding!r}, expected 'SAME', 'VALID', or a list of pairs (before, after)"
            )
        every = zip(sizes, spans, strides, strict=True)
        pairs = [same_padding(n, span, s) if word == "SAME" else (0, 0) for n, span, s in every]
    for n, span, stride, (low, high) in zip(sizes, spans, strides, pairs, strict=True):
        _check_fit(layout.name, (n, low, high), span, stride)
    return tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)


def same_padding(n: Dim, span: Dim, stride: int) -> tuple[Dim, Dim]:
    """(before, after) such that there are ceil(n / stride) windows; the odd one goes after."""
    total = dims.maximum((dims.ceildiv(n, stride) - 1) * stride + span - n, 0)
    low = dims.floordiv(total, 2)
    return low, total - low


def _check_fit(name: str, size: tuple[Dim, Dim, Dim], span: Dim, stride: int) -> None:
    n, low, high = size
    try:
        fits = dims.less_equal(0, n + low + high - span + stride)
    except InconclusiveDim:
        return
    if not fits:
        raise ShapeError(
            f"{name}: a window of {span} does not fit {n} elements padded by {low} and {high}; "
            "use padding='SAME', a larger input or a smaller window"
        )


def batched(x: Tensor, layout: Layout, what: str) -> tuple[Tensor, tuple[Dim, ...]]:
    """The tensor with all leading dimensions joined to one batch, and those dimensions.

    Raises:
        ShapeError: if the rank is too small.
    """
    rank, shape = layout.spatial + 2, raw_shape(x)
    if len(shape) < rank:
        raise ShapeError(
            f"{layout.name}: {what} is {type_of(x)}, expected rank {rank}: a batch, {layout.spatial} spatial "
            "dimensions and channels; add dimensions with tf.expand_dims"
        )
    lead = shape[: len(shape) - rank + 1]
    if len(lead) == 1:
        return x, lead
    return op("reshape", x, shape=(dims.product(lead), *shape[len(lead) :])), lead


def unbatched(y: Tensor, lead: tuple[Dim, ...]) -> Tensor:
    """The result with the leading dimensions that `batched` joined."""
    return y if len(lead) == 1 else op("reshape", y, shape=(*lead, *raw_shape(y)[1:]))


def exactly(x: Tensor, rank: int, name: str, what: str) -> tuple[Dim, ...]:
    """The shape. Raises ShapeError for another rank."""
    shape = raw_shape(x)
    if len(shape) != rank:
        raise ShapeError(f"{name}: {what} is {type_of(x)}, expected rank {rank}; add or drop dimensions")
    return shape


def groups_of(name: str, x: Tensor, channels: Dim, depth: Dim) -> int:
    """How many groups a filter of `depth` input channels makes of the channels of x. Raises ShapeError if none fits."""
    if channels == depth:
        return 1
    if isinstance(channels, int) and isinstance(depth, int):
        if depth and channels % depth == 0:
            return channels // depth
    elif settled(lambda: dims.equal(channels, depth)):
        return 1
    raise ShapeError(
        f"{name}: input {type_of(x)} has {channels} channels, which is no multiple of the filter's {depth} input "
        "channels; give a filter for that many, or another data_format"
    )
