"""Ops that make arrays: iota, fill and size; a fill with a constant is `broadcast_to` of a 0-d one."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphcore.dtypes import as_dtype
from graphcore.errors import ShapeError
from graphcore.ops.rules import REAL, Attrs, Types, check_axes, require_kind, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

# iota: attrs shape, axis, dtype; the position along one axis


def _iota_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    result = TensorType(as_dtype(attrs["dtype"]), attrs["shape"])
    require_kind("iota", result, REAL)
    check_axes("iota", (attrs["axis"],), result.rank)
    return (result,)


def _iota_evaluate(shape: Any, axis: int, dtype: Any) -> Any:
    line = np.arange(shape[axis]).astype(as_dtype(dtype).numpy)
    return np.broadcast_to(line.reshape((shape[axis],) + (1,) * (len(shape) - axis - 1)), shape)


iota = register(OpDef(
    "iota", "create", _iota_infer, _iota_evaluate,
    element=lambda k, index, read, types, attrs: k.from_index(index[attrs["axis"]], as_dtype(attrs["dtype"])),
    differentiable=False, samples=samples("iotas"),
))  # fmt: skip

# fill: operand a 0-d value, attr shape


def _fill_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    if types[0].rank:
        raise ShapeError(
            f"fill: the value is {types[0]!r}, expected a scalar (rank 0); use broadcast_to instead"
        )
    return (types[0].with_shape(attrs["shape"]),)


fill = register(OpDef(
    "fill", "create", _fill_infer, lambda value, shape: np.broadcast_to(value, shape),
    lambda f, cts, inputs, outputs, attrs: (f.unbroadcast(cts[0], ()),),
    element=lambda k, index, read, types, attrs: read(0, ()), samples=samples("fills"),
))  # fmt: skip

# size: attrs value (a Dim), dtype; a size that may be symbolic, as a scalar


def _size_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    result = TensorType(as_dtype(attrs["dtype"]), ())
    require_kind("size", result, REAL)
    return (result,)


size = register(OpDef(
    "size", "create", _size_infer, lambda value, dtype: np.asarray(value, np.int64).astype(as_dtype(dtype).numpy),
    element=lambda k, index, read, types, attrs: k.from_index(attrs["value"], as_dtype(attrs["dtype"])),
    differentiable=False, samples=samples("sizes"),
))  # fmt: skip
