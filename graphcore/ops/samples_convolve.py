"""Inputs worth trying for convolutions and windows: strides, paddings of any sign, dilations, groups, empty ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphcore.dtypes import float32, float64, int32
from graphcore.ops.samples import Sample, Shape, draw
from graphcore.ops.spread import dilated, windowed_size

Ints = tuple[int, ...]


def _attrs(rank: int, **given: Any) -> dict[str, Any]:
    ones, none = (1,) * rank, (0,) * rank
    base = {"strides": ones, "low": none, "high": none, "lhs_dilation": ones, "rhs_dilation": ones, "groups": 1}
    return base | given


def convolutions() -> list[Sample]:
    """1, 2 and 3 spatial dimensions; depthwise and grouped ones; empty batch, empty result."""
    cases: list[tuple[Shape, Shape, dict[str, Any]]] = [
        ((2, 7, 3), (3, 3, 5), _attrs(1)),
        ((1, 8, 2), (3, 2, 17), _attrs(1, strides=(2,), low=(1,), high=(2,))),
        ((2, 5, 6, 4), (3, 3, 4, 8), _attrs(2, low=(1, 1), high=(1, 1))),
        ((1, 9, 7, 4), (3, 2, 2, 6), _attrs(2, strides=(2, 3), low=(1, 0), high=(0, 2), groups=2)),
        ((2, 6, 6, 17), (3, 3, 1, 17), _attrs(2, low=(1, 1), high=(1, 1), groups=17)),
        ((1, 7, 7, 4), (2, 3, 1, 8), _attrs(2, rhs_dilation=(2, 1), groups=4)),
        ((1, 9, 9, 3), (3, 3, 3, 5), _attrs(2, rhs_dilation=(2, 3), low=(2, 3), high=(2, 3))),
        ((2, 4, 3, 5), (3, 3, 5, 4), _attrs(2, lhs_dilation=(2, 3), low=(1, 2), high=(2, 1))),
        ((1, 6, 6, 20), (3, 3, 20, 33), _attrs(2, low=(-1, 1), high=(2, -2))),
        ((1, 6, 7, 2), (1, 1, 2, 5), _attrs(2, strides=(2, 2))),
        ((1, 4, 5, 3, 2), (2, 3, 2, 2, 4), _attrs(3, strides=(1, 2, 1), low=(0, 1, 1), high=(1, 1, 0))),
        ((0, 6, 6, 3), (3, 3, 3, 4), _attrs(2)),
        ((2, 2, 3), (4, 3, 5), _attrs(1)),
        ((3, 30, 16), (5, 16, 32), _attrs(1, low=(2,), high=(2,))),
    ]  # fmt: skip
    return [
        ((draw(x, float32 if i % 3 else float64), draw(w, float32 if i % 3 else float64, 1)), attrs)
        for i, (x, w, attrs) in enumerate(cases)
    ]


def convolution_filters() -> list[Sample]:
    """What the convolutions above are given, and cotangents of their results."""
    none = (draw((2, 5, 0), float32), draw((2, 3, 5), float32, 2))
    found: list[Sample] = [(none, {**_attrs(1), "kernel": (3,)})]
    for (x, w), attrs in convolutions():
        rows = zip(
            x.shape[1:-1], w.shape, *(attrs[k] for k in ("strides", "low", "high", "lhs_dilation", "rhs_dilation")),
            strict=False,
        )  # fmt: skip
        out: list[Any] = [
            windowed_size(dilated(n, base) + low + high, dilated(k, spread), stride)
            for n, k, stride, low, high, base, spread in rows
        ]
        y = draw((x.shape[0], *out, w.shape[-1]), float64 if x.dtype == np.float64 else float32, 2)
        found.append(((x, y), {**attrs, "kernel": w.shape[:-2]}))
    return found


def _window(rank: int, window: Ints, **given: Any) -> dict[str, Any]:
    ones, none = (1,) * rank, (0,) * rank
    base = {"window": window, "strides": ones, "low": none, "high": none, "base_dilation": ones}
    return base | {"window_dilation": ones} | given


def windows(combine: Sequence[str]) -> list[Sample]:
    """Every `combine` over ranks 1 to 5; ties, NaN, windows that show nothing but padding."""
    cases: list[tuple[Shape, dict[str, Any]]] = [
        ((9,), _window(1, (3,), strides=(2,), low=(1,), high=(1,))),
        ((4, 17), _window(2, (2, 3), strides=(1, 2))),
        ((2, 6, 7, 5), _window(4, (1, 2, 2, 1), strides=(1, 2, 2, 1), high=(0, 0, 1, 0))),
        ((1, 7, 6, 33), _window(4, (1, 3, 3, 1), low=(0, 1, 1, 0), high=(0, 1, 1, 0))),
        ((1, 9, 8, 3), _window(4, (1, 2, 3, 1), window_dilation=(1, 3, 2, 1))),
        ((2, 3, 4, 2), _window(4, (1, 2, 2, 1), base_dilation=(1, 2, 3, 1), low=(0, 1, 2, 0), high=(0, 1, -1, 0))),
        ((1, 4, 4, 1), _window(4, (1, 2, 2, 1), strides=(1, 2, 2, 1), low=(0, 2, 0, 0), high=(0, 0, 3, 0))),
        ((2, 3, 4, 3, 2), _window(5, (1, 2, 2, 2, 1), strides=(1, 1, 2, 1, 1))),
        ((0, 4, 4, 3), _window(4, (1, 2, 2, 1))),
        ((3, 20), _window(2, (1, 20))),
    ]
    pool = (float32, float64, int32)
    found: list[Sample] = []
    for number, word in enumerate(combine):
        for i, (shape, attrs) in enumerate(cases):
            x = draw(shape, pool[(i + number) % 3])
            found.append(((np.round(x),) if i % 2 else (x,), {"combine": word, **attrs}))
    return found
