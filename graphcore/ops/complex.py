"""Complex numbers: making them from two real arrays and taking them apart.

Kernels do not hold complex values, so these ops run on the host, and so does every other op on complex operands.
Gradients follow TensorFlow: of a real loss the gradient is dL/dRe(z) + i dL/dIm(z), which for a holomorphic f is
the cotangent times conj(f'(z)).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.dtypes import DType, complex64, complex128, float32, float64
from graphcore.errors import DTypeError
from graphcore.ops.rules import Attrs, Types, broadcast, require_same_dtype, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

_COMPLEX: dict[DType, DType] = {float32: complex64, float64: complex128}


def complex_dtype(op: str, type_: TensorType) -> DType:
    """The complex dtype of a real operand's parts. Raises DTypeError unless it is float32 or float64."""
    found = _COMPLEX.get(type_.dtype)
    if found is None:
        raise DTypeError(f"{op}: operand is {type_!r}, expected float32 or float64; write tf.cast(x, tf.float32) first")
    return found


def require_complex(op: str, type_: TensorType) -> DType:
    """The dtype of a complex operand. Raises DTypeError for any other."""
    if not type_.dtype.is_complex:
        raise DTypeError(f"{op}: operand is {type_!r}, expected complex; write tf.cast(x, tf.complex64) first")
    return type_.dtype


def _complex_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    require_same_dtype("complex", types)
    return (TensorType(complex_dtype("complex", types[0]), broadcast("complex", types)),)


def _complex_evaluate(re: Any, im: Any) -> Any:
    dtype = np.complex64 if re.dtype == np.float32 else np.complex128
    result = np.empty(np.broadcast_shapes(re.shape, im.shape), dtype)
    result.real, result.imag = re, im
    return result


def _complex_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    re, im = inputs
    return (
        lambda: f.unbroadcast(f.real(cts[0]), f.type(re).shape),
        lambda: f.unbroadcast(f.imag(cts[0]), f.type(im).shape),
    )


complex = register(OpDef(
    "complex", "host", _complex_infer, _complex_evaluate, _complex_vjp, samples=samples("complex_pairs"), native=False,
))  # fmt: skip


def _part_infer(name: str, types: Types) -> tuple[TensorType]:
    return (types[0].with_dtype(require_complex(name, types[0]).real_dtype),)


real = register(OpDef(
    "real", "host", lambda types, attrs: _part_infer("real", types), lambda x: np.array(x.real),
    lambda f, cts, inputs, outputs, attrs: (f.complex(cts[0], f.zeros_like(cts[0])),),
    samples=samples("complex_values"), native=False,
))  # fmt: skip
imag = register(OpDef(
    "imag", "host", lambda types, attrs: _part_infer("imag", types), lambda x: np.array(x.imag),
    lambda f, cts, inputs, outputs, attrs: (f.complex(f.zeros_like(cts[0]), cts[0]),),
    samples=samples("complex_values"), native=False,
))  # fmt: skip
