"""Discrete Fourier transforms of the last axis, on the host: fft, rfft and irfft.

Transforms of several axes are compositions with transpose. The inverse directions divide by the length, as in
TensorFlow and NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.complex import complex_dtype, require_complex
from graphcore.ops.rules import Attrs, Types, check_equal_dims, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.dtypes import DType
    from graphcore.functions import Functions


def _require_axis(op: str, type_: TensorType) -> Dim:
    if not type_.rank:
        raise ShapeError(f"{op}: operand is {type_!r}, expected rank 1 or more; add an axis with tf.expand_dims")
    return type_.shape[-1]


def _length(f: Functions, n: Dim, dtype: DType) -> Any:
    """A size as a scalar."""
    return f.constant(n, dtype=dtype) if isinstance(n, int) else f.apply("size", (), {"value": n, "dtype": dtype})[0]


def _scaled(f: Functions, x: Any, n: Dim, inverse: bool) -> Any:
    """A complex handle times n, or divided by it."""
    dtype = f.type(x).dtype
    factor = f.cast(_length(f, n, dtype.real_dtype), dtype=dtype)
    return f.div(x, factor) if inverse else f.mul(x, factor)


# fft: operand complex [..., n], attr inverse


def _fft_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    require_complex("fft", types[0])
    _require_axis("fft", types[0])
    return (types[0],)


def _fft_evaluate(x: Any, inverse: bool = False) -> Any:
    if not x.size:
        return np.array(x)
    return (np.fft.ifft if inverse else np.fft.fft)(x).astype(x.dtype, copy=False)


def _fft_vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    n, inverse = f.type(inputs[0]).shape[-1], attrs["inverse"]
    return (_scaled(f, f.fft(cts[0], inverse=not inverse), n, inverse),)


fft = register(OpDef(
    "fft", "host", _fft_infer, _fft_evaluate, _fft_vjp, samples=samples("complex_transforms"), native=False
))  # fmt: skip

# rfft: operand real [..., n], result complex [..., n // 2 + 1]


def _rfft_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    dtype = complex_dtype("rfft", types[0])
    n = _require_axis("rfft", types[0])
    if n == 0:
        raise InvalidArgumentError(f"rfft: operand is {types[0]!r}, expected at least one sample in the last axis")
    return (TensorType(dtype, (*types[0].shape[:-1], dims.floordiv(n, 2) + 1)),)


def _rfft_evaluate(x: Any) -> Any:
    dtype = np.complex64 if x.dtype == np.float32 else np.complex128
    if not x.size:
        return np.zeros((*x.shape[:-1], x.shape[-1] // 2 + 1), dtype)
    return np.fft.rfft(x).astype(dtype, copy=False)


def _rfft_vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    """The real part of the adjoint of the full transform, whose missing bins get no cotangent."""
    n, ct = f.type(inputs[0]).shape[-1], cts[0]
    none = (0,) * (f.type(ct).rank - 1)
    high = (*none, n - f.type(ct).shape[-1])
    full = f.pad(ct, f.constant(0, like=ct), low=(*none, 0), high=high)
    return (f.real(_scaled(f, f.fft(full, inverse=True), n, False)),)


rfft = register(OpDef(
    "rfft", "host", _rfft_infer, _rfft_evaluate, _rfft_vjp, samples=samples("real_transforms"), native=False
))  # fmt: skip

# irfft: operand complex [..., length // 2 + 1], attr length, result real [..., length]; imaginary parts of the
# first bin, and of the last one of an even length, count for nothing


def _irfft_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    dtype, length = require_complex("irfft", types[0]), attrs["length"]
    have = _require_axis("irfft", types[0])
    if isinstance(length, int) and length < 1:
        raise InvalidArgumentError(f"irfft: length is {length}, expected at least 1")
    check_equal_dims("irfft", "the last axis and length // 2 + 1", have, dims.floordiv(length, 2) + 1, types)
    return (TensorType(dtype.real_dtype, (*types[0].shape[:-1], length)),)


def _irfft_evaluate(x: Any, length: int) -> Any:
    dtype = x.real.dtype
    if not x.size:
        return np.zeros((*x.shape[:-1], length), dtype)
    return np.fft.irfft(x, length).astype(dtype, copy=False)


def _irfft_vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    """Every bin but the first and the last of an even length stands for two of the full spectrum."""
    x, n = inputs[0], attrs["length"]
    dtype = f.type(x).dtype
    real, bins = dtype.real_dtype, f.type(x).shape[-1]
    double = f.iota(shape=(bins,), axis=0, dtype=real)
    double = f.add(double, double)
    once = f.logical_or(f.equal(double, f.constant(0, dtype=real)), f.equal(double, _length(f, n, real)))
    weights = f.select(once, f.constant(1, dtype=real), f.constant(2, dtype=real))
    return (_scaled(f, f.mul(f.rfft(cts[0]), f.cast(weights, dtype=dtype)), n, True),)


irfft = register(OpDef(
    "irfft", "host", _irfft_infer, _irfft_evaluate, _irfft_vjp, samples=samples("half_spectra"), native=False
))  # fmt: skip
