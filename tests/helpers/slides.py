"""Convolutions and windows by definition: loops over positions in float64, and graphs of one op."""

import itertools

import numpy as np

from graphcore import dims
from graphcore.builder import GraphBuilder
from graphcore.dtypes import as_dtype
from graphcore.types import TensorType

FOLDS = {"add": sum, "max": max, "min": min}


def reach(out, place, stride, low, base, spread):
    """The element that place `place` of window `out` shows, or None in padding and gaps."""
    at = out * stride + place * spread - low
    return at // base if at % base == 0 else None


def sizes(shape, window, attrs, base):
    spans = [(k - 1) * d + 1 if k else 0 for k, d in zip(window, attrs["spread"], strict=True)]
    full = [(n - 1) * b + 1 if n else 0 for n, b in zip(shape, base, strict=True)]
    rows = zip(full, attrs["low"], attrs["high"], spans, attrs["strides"], strict=True)
    return [max((n + a + b - k) // s + 1, 0) if n + a + b >= k else 0 for n, a, b, k, s in rows]


def convolved(x, w, strides, low, high, lhs_dilation, rhs_dilation, groups):
    x, w = x.astype(np.float64), w.astype(np.float64)
    attrs = {"strides": strides, "low": low, "high": high, "spread": rhs_dilation}
    out = sizes(x.shape[1:-1], w.shape[:-2], attrs, lhs_dilation)
    y = np.zeros((x.shape[0], *out, w.shape[-1]))
    depth, each = w.shape[-2], w.shape[-1] // groups
    for at, place in itertools.product(np.ndindex(*out), np.ndindex(*w.shape[:-2])):
        where = tuple(map(reach, at, place, strides, low, lhs_dilation, rhs_dilation))
        if all(i is not None and 0 <= i < n for i, n in zip(where, x.shape[1:-1], strict=True)):
            for g in range(groups):
                own = slice(g * each, (g + 1) * each)
                part = x[(slice(None), *where)][:, g * depth : (g + 1) * depth]
                y[(slice(None), *at, own)] += part @ w[place][:, own]
    return y


def windowed(x, combine, window, strides, low, high, base_dilation, window_dilation):
    """(values, flat positions of the first extreme or -1)."""
    attrs = {"strides": strides, "low": low, "high": high, "spread": window_dilation}
    out = sizes(x.shape, window, attrs, base_dilation)
    limit = np.iinfo(x.dtype) if x.dtype.kind == "i" else None
    nothing = {"add": 0, "max": limit.min if limit else -np.inf, "min": limit.max if limit else np.inf}[combine]
    y, first = np.full(out, nothing, x.dtype), np.full(out, -1, np.int64)
    for at in np.ndindex(*out):
        shown = []
        for place in np.ndindex(*window):
            where = tuple(map(reach, at, place, strides, low, base_dilation, window_dilation))
            if all(i is not None and 0 <= i < n for i, n in zip(where, x.shape, strict=True)):
                shown.append((x[where], int(np.ravel_multi_index(where, x.shape))))
        if shown:
            y[at] = FOLDS[combine](v for v, _ in shown)
            first[at] = next(p for v, p in shown if v == y[at]) if combine != "add" else -1
    return y, first


def graph_of_one(op, arrays, attrs, symbolic=False):
    """A graph that applies one op; with `symbolic` the first axis of the first operand is an open size."""
    builder = GraphBuilder(op)
    values = []
    for i, a in enumerate(arrays):
        shape = (dims.symbol("n"), *a.shape[1:]) if symbolic and i == 0 and a.shape[0] else a.shape
        values.append(builder.input(TensorType(as_dtype(a.dtype), shape), f"x{i}", "argument"))
    return builder.finish(builder.emit(op, values, **attrs))
