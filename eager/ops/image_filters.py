"""How resizing weighs source pixels: for every output position the source positions and their weights.

Half-pixel centers throughout, as in TensorFlow 2. Bilinear and bicubic without antialiasing follow its resize kernels
(the cubic of Keys with a = -0.5, its fraction rounded to 1/1024); the others follow its scale_and_translate kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Taps = tuple[Array, Array]
"""Positions [out, k] and weights [out, k]."""

_TABLE = 1024


def _triangle(x: Array) -> Array:
    return np.maximum(1 - x, 0)


def _keys(x: Array) -> Array:
    """The cubic convolution kernel with a = -0.5 (Keys 1981)."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _mitchell(x: Array) -> Array:
    """The cubic with B = C = 1/3 (Mitchell and Netravali 1988)."""
    near = (7 / 6 * x - 2) * x * x + 8 / 9
    far = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _lanczos(radius: float) -> Callable[[Array], Array]:
    def kernel(x: Array) -> Array:
        safe = np.maximum(x, 1e-3)
        value = radius * np.sin(np.pi * safe) * np.sin(np.pi * safe / radius) / (np.pi * safe) ** 2
        return np.where(x > radius, 0, np.where(x <= 1e-3, 1, value))

    return kernel


def _gaussian(x: Array) -> Array:
    """A normal distribution, which `_scaled` cuts off at the radius of 1.5."""
    return np.exp(-2 * x * x)


_KERNELS: dict[str, tuple[Callable[[Array], Array], float]] = {
    "bilinear": (_triangle, 1.0), "bicubic": (_keys, 2.0), "lanczos3": (_lanczos(3.0), 3.0),
    "lanczos5": (_lanczos(5.0), 5.0), "gaussian": (_gaussian, 1.5), "mitchellcubic": (_mitchell, 2.0),
}  # fmt: skip

METHODS = (*_KERNELS, "nearest", "area")
"""The names of the resize methods."""


@lru_cache(256)
def taps(method: str, size: int, out: int, antialias: bool) -> Taps:
    """Source positions and weights of every output position along one axis."""
    if method == "nearest":
        scale = np.float32(size) / np.float32(out)
        at = np.floor((np.arange(out, dtype=np.float32) + np.float32(0.5)) * scale).astype(np.int64)
        return np.minimum(at, size - 1)[:, None], np.ones((out, 1))
    if method == "area":
        return _area(size, out)
    if method == "bilinear" and not antialias:
        return _bilinear(size, out)
    if method == "bicubic" and not antialias:
        return _bicubic(size, out)
    return _scaled(method, size, out, antialias)


def _bilinear(size: int, out: int) -> Taps:
    at = (np.arange(out) + 0.5) * (size / out) - 0.5
    low = np.floor(at)
    part = at - low
    places = np.stack([np.maximum(low, 0), np.minimum(np.ceil(at), size - 1)], 1).astype(np.int64)
    return places, np.stack([1 - part, part], 1)


def _bicubic(size: int, out: int) -> Taps:
    # float32 as TensorFlow's, because rounding decides which entry of the table a position takes.
    half = np.float32(0.5)
    at = (np.arange(out, dtype=np.float32) + half) * (np.float32(size) / np.float32(out)) - half
    low = np.floor(at).astype(np.int64)
    part = np.rint((at - np.floor(at)).astype(np.float64) * _TABLE) / _TABLE
    places = low[:, None] + np.arange(-1, 3)
    weights = _keys(np.abs(part[:, None] - np.arange(-1, 3)))
    inside = (places >= 0) & (places < size)
    weights = np.where(inside, weights, 0)
    return np.clip(places, 0, size - 1), _normalised(weights)


def _area(size: int, out: int) -> Taps:
    scale = size / out
    start = np.arange(out) * scale
    first = np.floor(start).astype(np.int64)
    count = int(np.max(np.ceil(start + scale) - first))
    places = first[:, None] + np.arange(count)
    covered = np.minimum(places + 1, (start + scale)[:, None]) - np.maximum(places, start[:, None])
    return np.clip(places, 0, size - 1), np.maximum(covered, 0) / scale


def _scaled(method: str, size: int, out: int, antialias: bool) -> Taps:
    kernel, radius = _KERNELS[method]
    # What is within the radius is decided in float32, as in TensorFlow, because the gaussian ends with a step.
    one, half = np.float32(1), np.float32(0.5)
    inverse = one / (np.float32(out) / np.float32(size))
    stretch = max(inverse, one) if antialias else one
    at = (np.arange(out, dtype=np.float32) + half) * inverse
    reach = np.float32(radius) * stretch
    first = np.clip(np.ceil(at - reach - half), 0, size - 1).astype(np.int64)
    last = np.clip(np.floor(at + reach - half), 0, size - 1).astype(np.int64)
    places = first[:, None] + np.arange(int((last - first).max(initial=0)) + 1)
    away = np.abs(places.astype(np.float32) + half - at[:, None]) * (one / stretch)
    exact = np.abs(places + 0.5 - (np.arange(out)[:, None] + 0.5) * (size / out))
    weights = kernel(exact / (max(size / out, 1.0) if antialias else 1.0))
    weights = np.where(away < radius, weights, 0)
    weights = np.where(places <= last[:, None], weights, 0)
    return np.clip(places, 0, size - 1), _normalised(weights)


def _normalised(weights: Array) -> Array:
    total = weights.sum(1, keepdims=True)
    counts = np.abs(total) >= 1000 * np.finfo(np.float32).tiny
    return np.divide(weights, total, out=np.zeros_like(weights), where=counts)


def matrix(method: str, size: int, out: int, antialias: bool) -> Array:
    """The weights as a dense matrix [out, size]."""
    places, weights = taps(method, size, out, antialias)
    dense = np.zeros((out, size))
    np.add.at(dense, (np.arange(out)[:, None], places), weights)
    return dense
