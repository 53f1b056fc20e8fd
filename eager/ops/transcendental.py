"""tf.math functions beyond the elementary ones: inverse circular and hyperbolic, of the normal and gamma families."""

from __future__ import annotations

import math
from typing import Any

from eager import operators
from eager.ops.common import floating, op
from eager.ops.elementwise import unary_function
from eager.ops.public import public
from eager.ops.reduce import reduce_sum
from eager.tensor import Tensor
from graphcore.optable import get_op

asin = unary_function("asin", ["asin", "math.asin"], "The inverse sine in radians; NaN outside [-1, 1]")
acos = unary_function("acos", ["acos", "math.acos"], "The inverse cosine in radians; NaN outside [-1, 1]")
atan = unary_function("atan", ["atan", "math.atan"], "The inverse tangent in radians")
asinh = unary_function("asinh", ["asinh", "math.asinh"], "The inverse hyperbolic sine")
acosh = unary_function("acosh", ["acosh", "math.acosh"], "The inverse hyperbolic cosine; NaN below 1")
atanh = unary_function("atanh", ["atanh", "math.atanh"], "The inverse hyperbolic tangent; NaN outside [-1, 1]")
erfc = unary_function("erfc", ["math.erfc"], "1 - erf(x), exact for large x too")
erfinv = unary_function("erfinv", ["math.erfinv"], "The inverse of erf; NaN outside [-1, 1]")
ndtri = unary_function("ndtri", ["math.ndtri"], "The quantile of the standard normal distribution; NaN outside [0, 1]")
lgamma = unary_function("lgamma", ["math.lgamma"], "The logarithm of the absolute value of the gamma function")
digamma = unary_function("digamma", ["math.digamma"], "The derivative of lgamma; NaN at negative integers")


@public("atan2", "math.atan2")
def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle in radians from the positive first axis to the point (x, y), between -pi and pi (tf.atan2).

    Takes floating tensors of one dtype that broadcast.

    Raises:
        DTypeError: if the dtypes differ or are not floating.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    return operators.binary(get_op("atan2"), y, x)


@public("math.nextafter")
def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The number of the dtype that follows x1 on the way to x2, elementwise (tf.math.nextafter).

    Takes floating tensors of one dtype that broadcast; where they are equal the result is x2.

    Raises:
        DTypeError: if the dtypes differ or are not floating.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    return operators.binary(get_op("nextafter"), x1, x2)


@public("math.erfcinv")
def erfcinv(x: Any, name: str | None = None) -> Tensor:
    """The inverse of erfc, elementwise (tf.math.erfcinv): infinite at 0 and 2, NaN outside [0, 2].

    Takes a floating tensor of any shape and returns one of the same shape and dtype.

    Raises:
        TypeError: for an integer or bool tensor.
    """
    del name
    return op("ndtri", floating(x, "math.erfcinv") * 0.5) * -math.sqrt(0.5)


@public("math.lbeta")
def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the beta function of the last axis (tf.math.lbeta).

    Takes a floating tensor [..., k] of k parameters and returns one of shape [...]; 0 parameters give -inf.

    Raises:
        TypeError: for an integer or bool tensor.
        InvalidArgumentError: for a scalar.
    """
    del name
    t = floating(x, "math.lbeta")
    return reduce_sum(op("lgamma", t), -1) - op("lgamma", reduce_sum(t, -1))
