"""Inputs worth trying for ops that index, scatter, sort and cumulate: empty arrays, duplicates, ties, NaN, -0.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphcore.dtypes import DType, bool_, float32, float64, int32, int64, uint8, uint32, uint64
from graphcore.ops.samples import Array, Sample, Shape, draw, specials

_WIDE: tuple[DType, ...] = (float32, float64, int32, bool_)


def indices_within(sizes: Sequence[int], lead: Shape, dtype: DType, seed: int) -> Array:
    """Random multi-component indices [*lead, len(sizes)], each component within its size; they repeat."""
    rng = np.random.default_rng([seed, *lead])
    found = np.zeros((*lead, len(sizes)), dtype.numpy)
    for c, size in enumerate(sizes):
        found[..., c] = rng.integers(0, max(size, 1), lead)
    return found


def backwards(x: Array) -> Array:
    """The same numbers in memory of negative strides."""
    return x[(np.s_[::-1],) * x.ndim].copy()[(np.s_[::-1],) * x.ndim]


_GATHERED: tuple[tuple[Shape, Shape, int, int], ...] = (
    ((7,), (), 0, 0), ((7,), (3,), 0, 0), ((5, 4), (3,), 0, 0), ((5, 4), (3,), 1, 0), ((5, 4), (2, 3), 0, 0),
    ((2, 5, 3), (4,), 1, 0), ((2, 5, 3), (2, 2), 2, 0), ((5, 4), (0,), 0, 0), ((5, 0), (3,), 0, 0),
    ((33, 16), (64,), 0, 0), ((3, 5), (3,), 1, 1), ((3, 5), (3, 4), 1, 1), ((3, 2, 5, 4), (3, 6), 2, 1),
    ((2, 3, 5, 4), (2, 3, 2), 3, 2), ((3, 5), (3, 0), 1, 1), ((2, 4, 40), (2, 4, 17), 2, 2),
)  # fmt: skip


def gathers() -> list[Sample]:
    """Indices of every rank, repeated, along every axis, with batch dimensions and without."""
    found: list[Sample] = []
    for i, (shape, lead, axis, batch) in enumerate(_GATHERED):
        indices = indices_within((shape[axis],), lead, (int32, int64, uint8)[i % 3], i)[..., 0]
        x = draw(shape, _WIDE[i % 4])
        attrs: dict[str, Any] = {"axis": axis, "batch_dims": batch} if batch or i % 2 else {"axis": axis}
        found.append(((backwards(x) if i % 3 == 2 else x, indices), attrs))
    return found


_PLACES: tuple[tuple[Shape, Shape, int], ...] = (
    ((7,), (), 1), ((7,), (5,), 1), ((5, 4), (3,), 1), ((5, 4), (6,), 2), ((5, 4), (2, 3), 2), ((2, 5, 3), (4,), 2),
    ((5, 4), (0,), 1), ((5, 0), (3,), 1), ((33, 16), (64,), 1), ((4, 5), (3,), 0), ((), (3,), 0), ((3,), (), 0),
    ((3, 1, 20), (40,), 2), ((0, 3), (0,), 1), ((2, 2, 2), (50,), 3),
)  # fmt: skip


def gathers_nd() -> list[Sample]:
    """No, one and several components, with batch dimensions and without."""
    found: list[Sample] = []
    for i, (shape, lead, count) in enumerate(_PLACES):
        indices = indices_within(shape[:count], lead, (int32, int64, uint32)[i % 3], i)
        found.append(((draw(shape, _WIDE[i % 4]), indices), {"batch_dims": 0} if i % 2 else {}))
    batched: tuple[tuple[Shape, Shape, int, int], ...] = (
        ((3, 5), (3,), 1, 1), ((3, 5, 4), (3, 6), 2, 1), ((2, 3, 5, 4), (2, 3, 2), 1, 2), ((3, 4), (3, 2), 0, 1),
        ((3, 5), (3, 0), 1, 1), ((2, 3), (2, 3), 0, 2),
    )  # fmt: skip
    for i, (shape, lead, count, batch) in enumerate(batched):
        indices = indices_within(shape[batch : batch + count], lead, (int32, int64)[i % 2], i)
        found.append(((draw(shape, _WIDE[i % 4]), indices), {"batch_dims": batch}))
    return found


def scatters() -> list[Sample]:
    """Every way to combine, indices that repeat, updates with NaN and zeros of both signs."""
    pool = (float32, float64, int32, int64, uint8)
    found: list[Sample] = []
    for n, combine in enumerate(("add", "mul", "max", "min", "update")):
        for i, (shape, lead, count) in enumerate(_PLACES):
            dtype = bool_ if combine == "update" and i % 4 == 3 else pool[(i + n) % 5]
            indices = indices_within(shape[:count], lead, (int32, int64)[(i + n) % 2], i)
            updates = draw((*lead, *shape[count:]), dtype, 2)
            x = draw(shape, dtype, 1)
            if dtype.is_floating and updates.size > 20:
                updates.reshape(-1)[:6] = [np.nan, -0.0, 0.0, np.inf, -np.inf, 1e-40]
            found.append(((backwards(x) if i % 3 == 2 else x, indices, updates), {"combine": combine}))
    return found


_WINDOWS: tuple[tuple[Shape, Shape, Shape], ...] = (
    ((), (), ()), ((7,), (0,), (7,)), ((7,), (3,), (4,)), ((7,), (7,), (0,)), ((5, 4), (1, 2), (3, 2)),
    ((0, 3), (0, 1), (0, 2)), ((5, 40), (4, 3), (1, 33)), ((3, 4, 5), (2, 0, 1), (1, 4, 3)), ((64,), (17,), (1,)),
    ((5, 4), (2, 0), (1, 4)),
)  # fmt: skip


def dynamic_slices() -> list[Sample]:
    """Windows at both ends, of one element, of all, of none."""
    return [
        ((draw(shape, _WIDE[i % 4]), np.asarray(start, (np.int32, np.int64)[i % 2])), {"sizes": sizes})
        for i, (shape, start, sizes) in enumerate(_WINDOWS)
    ]


def dynamic_updates() -> list[Sample]:
    """As dynamic_slices, with something to put there."""
    found: list[Sample] = []
    for i, (shape, start, sizes) in enumerate(_WINDOWS):
        x, update = draw(shape, _WIDE[i % 4], 1), draw(sizes, _WIDE[i % 4], 2)
        x, update = (backwards(x), backwards(update)) if i % 3 == 2 else (x, update)
        found.append(((x, update, np.asarray(start, (np.int32, np.int64)[i % 2])), {}))
    return found


_LINES: tuple[tuple[Shape, int], ...] = (
    ((1,), 0), ((7,), 0), ((33,), 0), ((0,), 0), ((5, 0), 0), ((5, 0), 1), ((3, 40), 1), ((40, 3), 0), ((2, 5, 3), 1),
    ((17, 17), 0), ((1, 4), 0), ((300,), 0),
)  # fmt: skip


def _ties(shape: Shape, dtype: DType, seed: int) -> Array:
    """Few different numbers; the special ones in front."""
    x = np.round(draw(shape, dtype, seed)).astype(dtype.numpy)
    extremes = specials(dtype)
    if x.size >= 2 * extremes.size:
        x.reshape(-1)[: extremes.size] = extremes
        x.reshape(-1)[-extremes.size :] = extremes
    return x


def sorts() -> list[Sample]:
    """Every dtype and axis, both directions, ties, NaN, zeros of both signs, extremes."""
    pool = (float32, float64, int32, int64, bool_, uint8, uint32, uint64)
    found: list[Sample] = []
    for i, (shape, axis) in enumerate(_LINES):
        for j in range(3):
            x = _ties(shape, pool[(3 * i + j) % 8], j)
            attrs = {"axis": axis, "descending": bool((i + j) % 2)} if j else {"axis": axis}
            found.append(((backwards(x) if i % 3 == 2 else x,), attrs))
    found += [
        ((_ties(shape, dtype, 3),), {"axis": axis, "descending": down, "count": count})
        for shape, axis, count, dtype, down in (
            ((3, 200), 1, 8, float32, True), ((100, 2), 0, 32, int32, False), ((300,), 0, 299, uint8, True),
            ((70,), 0, 1, float64, False), ((5, 4), 1, 0, float32, True),
        )
    ]  # fmt: skip
    return found


def cumulations() -> list[Sample]:
    """Every way to combine, along every axis, from both ends, with the element itself and without."""
    found: list[Sample] = []
    for n, combine in enumerate(("add", "mul", "max", "logaddexp")):
        pool = (float32, float64) if combine == "logaddexp" else (float32, int32, float64, uint8)
        for i, (shape, axis) in enumerate(_LINES):
            x = draw(shape, pool[(i + n) % len(pool)])
            if x.dtype.kind == "f" and x.size > 20 and combine != "mul":
                x.reshape(-1)[:3] = [-0.0, 0.0, -np.inf]
                x.reshape(-1)[x.size // 2] = np.nan if i % 2 else np.inf
            attrs: dict[str, Any] = {"axis": axis, "combine": combine}
            if (i + n) % 4:
                attrs |= {"exclusive": (i + n) % 4 > 1, "reverse": (i + n) % 2 == 1}
            found.append(((backwards(x) if i % 3 == 2 else x,), attrs))
    return found
