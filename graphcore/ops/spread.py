"""Arithmetic of windows that slide over padded and dilated axes, shared by convolutions and window reductions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim


def dilated(n: Dim, dilation: Dim) -> Dim:
    """The length of n elements with dilation - 1 places between neighbours; 0 for none."""
    if dilation == 1:
        return n
    return n + dims.maximum(n - 1, 0) * (dilation - 1)


def windowed_size(n: Dim, window: Dim, stride: Dim) -> Dim:
    """How many windows fit, 0 if not even one does."""
    return dims.maximum(dims.floordiv(n - window + stride, stride), 0)


def padded_array(
    x: Any, low: Sequence[int], high: Sequence[int], dilation: Sequence[int], fill: Any
) -> Any:
    """An array spread by `dilation` and padded with `fill`, or cut where the padding is negative; one entry per axis.

    It is x itself where nothing changes.
    """
    if not any(low) and not any(high) and all(d == 1 for d in dilation):
        return x
    spans = [int(dilated(n, d)) for n, d in zip(x.shape, dilation, strict=True)]
    shape = [max(n + a + b, 0) for n, a, b in zip(spans, low, high, strict=True)]
    result = np.full(shape, fill, x.dtype)
    target: list[slice] = []
    source: list[slice] = []
    for n, size, a, d in zip(x.shape, shape, low, dilation, strict=True):
        first = max(-(a // d), 0)  # the first element at or after position 0
        last = min((size - 1 - a) // d + 1, n)
        source.append(slice(first, max(last, first)))
        target.append(slice(first * d + a, max((last - 1) * d + a + 1, first * d + a), d))
    result[tuple(target)] = x[tuple(source)]
    return result
