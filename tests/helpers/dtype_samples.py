"""An op's samples in another dtype, and how far runs of one op may differ in each dtype."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphcore import GraphBuilder
from graphcore.dtypes import ALL, DType, as_dtype, bfloat16
from graphcore.errors import LayerJitError
from graphcore.graph import Graph
from graphcore.handler import cast_array
from graphcore.ops.samples import specials
from graphcore.optable import OpDef
from graphcore.types import TensorType

Sample = tuple[tuple[Any, ...], dict[str, Any]]


def native_dtypes() -> tuple[DType, ...]:
    """Every dtype that kernels hold."""
    return (*(d for d in ALL if d.is_native), bfloat16())


def of_op(op: OpDef, arrays: Sequence[Any], attrs: dict[str, Any]) -> Graph:
    """A graph of one node."""
    b = GraphBuilder(op.name, fold_bytes=0)
    values = [b.input(TensorType(as_dtype(a.dtype), a.shape)) for a in arrays]
    return b.finish(b.emit_node(op, values, attrs))


def extremes(dtype: DType) -> Any:
    """Numbers of a dtype that are hard in some way."""
    if not dtype.is_half:
        return specials(dtype)
    limits = dtype.finfo()
    edges = [float(limits.smallest_subnormal), float(limits.tiny), float(limits.max), float(limits.eps)]
    positive = [0.0, 0.5, 1.0, 1.5, 2.5, 0.1, 3.75, 20.0, 88.0, 300.0, 1e-3, *edges, np.inf]
    return np.array([*positive, *(-x for x in positive), np.nan], np.float32).astype(dtype.numpy)


def retyped(op: OpDef, dtype: DType) -> Iterator[Sample]:
    """The op's samples with each dtype that they hold replaced by `dtype`, as far as the op takes that."""
    seen: set[Any] = set()
    assert op.samples is not None
    for arrays, attrs in [*op.samples(), *_extreme_pairs(op, dtype)]:
        held = {as_dtype(a.dtype) for a in arrays} | ({as_dtype(attrs["dtype"])} if "dtype" in attrs else set())
        for replaced in sorted(held, key=lambda d: d.name):
            made = tuple(cast_array(a, dtype) if as_dtype(a.dtype) is replaced else a for a in arrays)
            changed = dict(attrs)
            if "dtype" in attrs and as_dtype(attrs["dtype"]) is replaced:
                changed["dtype"] = dtype
            key = (tuple((a.dtype, a.shape, a.tobytes()) for a in made), repr(changed))
            used = [*(as_dtype(a.dtype) for a in made), changed.get("dtype")]
            if key in seen or not any(d is dtype for d in used):
                continue
            seen.add(key)
            try:
                op.infer([TensorType(as_dtype(a.dtype), a.shape) for a in made], changed)
            except LayerJitError:
                continue
            yield made, changed


def _extreme_pairs(op: OpDef, dtype: DType) -> list[Sample]:
    if op.kind != "elementwise" or op.samples is None:
        return []
    arrays, attrs = op.samples()[0]
    hard = extremes(dtype)
    if len(arrays) == 2:
        return [((hard[:, None], hard), attrs)]
    return [((hard,), attrs)] if len(arrays) == 1 else []


def assert_op_close(op: OpDef, got: Any, want: Any, what: str) -> None:
    """Bit-equal, or within what the op's dtype and max_ulp allow; NaN agrees with NaN."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype, what
    assert got.shape == want.shape, what
    dtype = as_dtype(want.dtype)
    if not dtype.is_floating:
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    got, want = got.astype(np.float64), want.astype(np.float64)
    exact = op.max_ulp == 0 and op.name not in FOLDS
    if exact:
        np.testing.assert_array_equal(got, want, err_msg=what)
        if op.name == "nextafter" and dtype.is_half:
            return  # NumPy's float16 steps from below to +0, C and its wider types to -0
        np.testing.assert_array_equal(np.signbit(got[want == 0]), np.signbit(want[want == 0]), err_msg=what)
        return
    limits = dtype.finfo()
    # A rounding boundary between two correct float32 results is one unit of a 16-bit type.
    ulps = 2 if dtype.is_half else 2 * op.max_ulp + 6 if op.max_ulp else 64
    tiny = max(float(limits.smallest_subnormal), float(limits.eps) * 4 * (op.name in FOLDS))
    np.testing.assert_allclose(got, want, rtol=ulps * float(limits.eps), atol=ulps * tiny, err_msg=what)


FOLDS = frozenset(("reduce_sum", "reduce_prod", "dot_general", "scatter", "scatter_add", "cumulative", "convolution",
                   "convolution_filter", "window_reduce"))
"""Ops that combine many elements: the order of the combination may differ."""
