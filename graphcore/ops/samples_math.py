"""Inputs worth trying for the functions of `transcendental`, within their domains and at the ends of them."""

from __future__ import annotations

import numpy as np

from graphcore.dtypes import float32, float64
from graphcore.ops.samples import Sample, binary, draw, unary


def between_ones() -> list[Sample]:
    """One operand, many of whose values lie between -1 and 1."""
    found = unary("f")
    for d in (float32, float64):
        x = np.tanh(draw((3, 17), d, 5))
        ends = np.array([np.nextafter(d.numpy.type(1), d.numpy.type(0)), 0.5, 0.25, 0.85, 1e-30], d.numpy)
        found += [((x,), {}), ((np.concatenate([ends, -ends]),), {})]
    return found


def above_one() -> list[Sample]:
    """One operand, many of whose values lie above 1."""
    return unary("f") + [((1 + np.square(draw((3, 17), d, 5)),), {}) for d in (float32, float64)]


def angles() -> list[Sample]:
    """The coordinates of points in every octant, on the axes, and far out."""
    found = binary("f")
    for d in (float32, float64):
        turns = np.arange(33) * (np.pi / 16)
        found.append(((np.sin(turns).astype(d.numpy), np.cos(turns).astype(d.numpy)), {}))
        found.append(((np.array([[3e38], [1e-45]], d.numpy), np.array([3e38, 1e-45, -3e38], d.numpy)), {}))
    return found


def steps() -> list[Sample]:
    """Numbers and neighbours on the way to which they step."""
    found = binary("f")
    for d in (float32, float64):
        x = draw((33,), d, 5)
        found += [((x, x), {}), ((x, np.nextafter(x, d.numpy.type(np.inf))), {})]
    return found
