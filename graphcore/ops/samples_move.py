"""Inputs worth trying for ops that move and index elements: ranks, empty arrays, ones, repeated indices."""

from __future__ import annotations

from graphcore.dtypes import DType, bool_, float32, float64, int32, int64
from graphcore.ops.samples import Sample, Shape, draw


def reshapes() -> list[Sample]:
    """Splits, merges, inserted and removed ones, scalars, empty arrays."""
    cases: list[tuple[Shape, Shape]] = [
        ((), (1, 1)), ((1,), ()), ((12,), (3, 4)), ((3, 4), (12,)), ((3, 4), (2, 6)), ((2, 3, 4), (6, 4)),
        ((2, 3, 4), (2, 1, 12)), ((5, 1, 7), (5, 7)), ((0, 3), (3, 0, 2)), ((64,), (4, 4, 4)),
        ((6, 4), (4, 6)), ((1, 7), (7, 1)),
    ]  # fmt: skip
    pool = (float32, float64, int32, bool_)
    return [((draw(a, pool[i % 4]),), {"shape": b}) for i, (a, b) in enumerate(cases)]


def transposes() -> list[Sample]:
    """Permutations."""
    cases: list[tuple[Shape, tuple[int, ...]]] = [
        ((), ()), ((7,), (0,)), ((3, 5), (1, 0)), ((3, 5), (0, 1)), ((2, 3, 4), (2, 0, 1)),
        ((2, 3, 4), (1, 2, 0)),
        ((0, 3), (1, 0)), ((17, 33), (1, 0)), ((2, 3, 1, 4), (3, 1, 0, 2)), ((64, 1), (1, 0)),
    ]  # fmt: skip
    pool = (float32, int64, bool_)
    return [((draw(s, pool[i % 3]),), {"perm": p}) for i, (s, p) in enumerate(cases)]


def broadcasts() -> list[Sample]:
    """New leading dimensions, stretched ones."""
    cases: list[tuple[Shape, Shape]] = [
        ((), ()), ((), (3, 4)), ((1,), (7,)), ((7,), (3, 7)), ((3, 1), (3, 5)), ((1, 1), (16, 17)),
        ((1,), (0,)),
        ((0,), (3, 0)), ((2, 1, 4), (5, 2, 3, 4)), ((33,), (33,)),
    ]  # fmt: skip
    pool = (float32, float64, int32, bool_)
    return [((draw(a, pool[i % 4]),), {"shape": b}) for i, (a, b) in enumerate(cases)]


def slices() -> list[Sample]:
    """Windows, strides that do not divide, empty results."""
    cases: list[tuple[Shape, Shape, Shape, Shape]] = [
        ((), (), (), ()), ((7,), (2,), (5,), (1,)), ((7,), (0,), (7,), (3,)), ((7,), (1,), (7,), (2,)),
        ((7,), (3,), (3,), (1,)),
        ((64, 17), (0, 1), (64, 17), (1, 1)), ((5, 6), (4, 0), (5, 6), (1, 5)),
        ((0, 3), (0, 1), (0, 3), (1, 1)),
        ((2, 3, 4), (0, 0, 1), (2, 3, 3), (1, 2, 1)), ((33,), (1,), (33,), (4,)),
    ]  # fmt: skip
    pool = (float32, int64, bool_)
    return [
        ((draw(s, pool[i % 3]),), {"begin": b, "end": e, "strides": t})
        for i, (s, b, e, t) in enumerate(cases)
    ]


def pads() -> list[Sample]:
    """Borders, fill between neighbours, empty operands."""
    cases: list[tuple[Shape, Shape, Shape, Shape]] = [
        ((), (), (), ()), ((7,), (2,), (1,), (0,)), ((7,), (0,), (0,), (2,)),
        ((3, 5), (1, 0), (0, 2), (0, 0)),
        ((3, 5), (0, 1), (2, 0), (1, 3)), ((0,), (2,), (3,), (4,)), ((1,), (1,), (1,), (5,)),
        ((2, 0), (0, 3), (1, 0), (1, 0)),
        ((33,), (16,), (15,), (0,)), ((3, 0), (1, 0), (0, 0), (2, 1)),
        ((2, 3, 4), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    ]  # fmt: skip
    pool = (float32, float64, int32, bool_)
    return [
        ((draw(s, pool[i % 4]), draw((), pool[i % 4], 5)), {"low": lo, "high": hi, "interior": n})
        for i, (s, lo, hi, n) in enumerate(cases)
    ]


def concatenations() -> list[Sample]:
    """One to four operands, empty ones among them."""
    cases: list[tuple[tuple[Shape, ...], int]] = [
        (((7,),), 0), (((7,), (3,)), 0), (((2, 3), (2, 5)), 1), (((2, 3), (1, 3), (4, 3)), 0),
        (((0,), (4,)), 0),
        (((3, 0), (3, 2), (3, 0)), 1), (((2, 3, 4), (2, 1, 4)), 1), (((16,), (17,), (33,), (1,)), 0),
        (((0, 3), (0, 3)), 1),
    ]  # fmt: skip
    pool = (float32, int32, bool_, float64)
    return [
        (tuple(draw(s, pool[i % 4], j) for j, s in enumerate(shapes)), {"axis": axis})
        for i, (shapes, axis) in enumerate(cases)
    ]


def reversals() -> list[Sample]:
    """No axis, one, all."""
    cases: list[tuple[Shape, tuple[int, ...]]] = [
        ((), ()), ((7,), (0,)), ((17,), ()), ((3, 5), (1,)), ((3, 5), (0, 1)), ((2, 3, 4), (0, 2)),
        ((0, 3), (0,)), ((64,), (0,)),
    ]  # fmt: skip
    pool = (float32, int64, bool_)
    return [((draw(s, pool[i % 3]),), {"axes": a}) for i, (s, a) in enumerate(cases)]


def one_hots() -> list[Sample]:
    """Indices inside and outside the depth, every axis, several result dtypes."""
    cases: list[tuple[Shape, int, int, DType]] = [
        ((), 4, 0, float32), ((7,), 10, 1, float32), ((7,), 10, 0, float64), ((2, 3), 5, 1, int32),
        ((2, 3), 5, 2, bool_),
        ((0,), 3, 1, float32), ((5,), 0, 1, float32), ((33,), 17, 1, int64),
    ]  # fmt: skip
    return [
        ((draw(s, (int32, int64)[i % 2]),), {"depth": depth, "axis": axis, "dtype": d})
        for i, (s, depth, axis, d) in enumerate(cases)
    ]
