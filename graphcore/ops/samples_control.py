"""Inputs worth trying of the ops that run body graphs: no iteration, one, many; scalars, integers, empty arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphcore.builder import GraphBuilder
from graphcore.dtypes import DType, bool_, float32, float64, int32, int64
from graphcore.functions import Functions, graph_functions
from graphcore.graph import Graph, Value
from graphcore.ops.samples import Sample, draw
from graphcore.types import TensorType

Define = Callable[[Functions, Sequence[Value]], Sequence[Value]]


def body(name: str, types: Sequence[TensorType], define: Define) -> Graph:
    """A graph of inputs of the given types, and the outputs that `define` makes of them."""
    builder = GraphBuilder(name)
    inputs = [builder.input(t, f"x{i}") for i, t in enumerate(types)]
    return builder.finish(define(graph_functions(builder), inputs))


def _t(dtype: DType, *shape: int) -> TensorType:
    return TensorType(dtype, shape)


def conds() -> list[Sample]:
    """Every branch, an index outside on both sides, values passed through, a constant."""
    found: list[Sample] = []
    for dtype, shape in ((float32, (7,)), (float64, ()), (int32, (3, 0)), (float32, (5, 33))):
        types = [_t(dtype, *shape), _t(dtype, *shape)]
        bodies = (
            body("sum", types, lambda f, v: [f.add(v[0], v[1]), v[1]]),
            body("product", types, lambda f, v: [f.mul(v[0], v[1]), f.neg(v[0])]),
            body("swap", types, lambda f, v: [v[1], f.full(v[0].type, 3)]),
        )
        for index in (0, 1, 2, 5, -1):
            arrays = (np.asarray(index, np.int32), draw(shape, dtype, 1), draw(shape, dtype, 2))
            found.append((arrays, {"bodies": bodies}))
    return found


def whiles() -> list[Sample]:
    """A counter to a limit, with and without saved values; a condition that fails at once."""
    found: list[Sample] = []
    for dtype, shape in ((float32, (7,)), (float64, ()), (int64, (2, 3)), (float32, (0,)), (float32, (3, 17))):
        types = [_t(int32), _t(dtype, *shape), _t(int32), _t(dtype, *shape)]
        bodies = (
            body("condition", types, lambda f, v: [f.less(v[0], v[2])]),
            body("step", types, lambda f, v: [
                f.add(v[0], f.constant(1, like=v[0])), f.add(f.mul(v[1], v[3]), v[3])
            ]),
        )  # fmt: skip
        for limit in (0, 1, 5):
            arrays = (
                np.asarray(0, np.int32), draw(shape, dtype, 1), np.asarray(limit, np.int32),
                draw(shape, dtype, 2),
            )  # fmt: skip
            for save in ("", "trips"):
                found.append((arrays, {"bodies": bodies, "carried": 2, "save": save}))
    return found


def scans() -> list[Sample]:
    """Running sums both ways, of every length, with captures, a bool carry, and without any carry."""
    found: list[Sample] = []
    for dtype, shape in ((float32, (7,)), (float64, ()), (int32, (2, 3)), (float32, (0,)), (float32, (33,))):
        types = [_t(dtype, *shape), _t(bool_), _t(dtype, *shape), _t(dtype)]
        step = body("step", types, lambda f, v: [
            s := f.add(v[0], f.mul(v[2], v[3])), f.logical_not(v[1]), f.maximum(s, v[2]), v[1]
        ])  # fmt: skip
        for length in (0, 1, 6):
            arrays = (
                draw(shape, dtype, 1), np.asarray(True), draw((length, *shape), dtype, 2), draw((), dtype, 3),
            )  # fmt: skip
            for reverse in (False, True):
                attrs = {"bodies": (step,), "carried": 2, "scanned": 1, "length": length, "reverse": reverse}
                found.append((arrays, attrs))
    square = body("square", [_t(float32, 4)], lambda f, v: [f.mul(v[0], v[0])])
    attrs = {"bodies": (square,), "carried": 0, "scanned": 1, "length": 9, "reverse": False}
    return [*found, ((draw((9, 4), float32),), attrs)]
