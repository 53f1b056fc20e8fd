"""tf.complex and the tf.math functions that take complex numbers apart.

Gradients of a real loss are dL/dRe(z) + i dL/dIm(z), as in TensorFlow. Everything complex runs on the host.
"""

from __future__ import annotations

import math
from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import DTypeError
from eager.ops.common import op
from eager.ops.create import zeros_like
from eager.ops.public import public
from eager.tensor import Tensor, type_of


@public("complex")
def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """real + i imag, elementwise with broadcasting, as complex64 or complex128 (tf.complex).

    Raises:
        DTypeError: unless both are float32, or both float64.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    return op("complex", *convert_pair(real, imag, "complex"))


def _numeric(x: Any, name: str) -> Tensor:
    tensor = convert(x)
    if not tensor.dtype.is_numeric:
        raise DTypeError(f"{name}: input is {type_of(tensor)}, expected numbers; write tf.cast(x, tf.float32) first")
    return tensor


@public("math.real")
def real(input: Any, name: str | None = None) -> Tensor:
    """The real part; a real tensor is its own (tf.math.real). Raises DTypeError for bool and strings."""
    del name
    x = _numeric(input, "math.real")
    return op("real", x) if x.dtype.is_complex else x


@public("math.imag")
def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part; zeros for a real tensor (tf.math.imag). Raises DTypeError for bool and strings."""
    del name
    x = _numeric(input, "math.imag")
    return op("imag", x) if x.dtype.is_complex else zeros_like(x)


@public("math.conj")
def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; a real tensor is its own (tf.math.conj). Raises DTypeError for bool and strings."""
    del name
    t = _numeric(x, "math.conj")
    return op("complex", op("real", t), op("neg", op("imag", t))) if t.dtype.is_complex else t


@public("math.angle")
def angle(input: Any, name: str | None = None) -> Tensor:
    """The argument in radians, from -pi to pi; of a real number 0 or, if negative, pi (tf.math.angle).

    Raises:
        DTypeError: for anything but floating and complex tensors.
    """
    del name
    x = _numeric(input, "math.angle")
    if x.dtype.is_complex:
        return op("atan2", op("imag", x), op("real", x))
    if not x.dtype.is_floating:
        raise DTypeError(f"math.angle: input is {type_of(x)}, expected floating or complex; write tf.cast first")
    zero = convert(0.0, like=x.dtype)
    return op("select", op("less", x, zero), convert(math.pi, like=x.dtype), zeros_like(x))
