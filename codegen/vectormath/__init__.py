"""Vector mathematics: elementary functions as polynomial programs over the LLVM handler.

Each function takes the handler `k` and a float32 or float64 value (scalar or vector) and returns a value of
the same dtype and lanes. The programs are straight-line vector code without calls to libm; NaN, infinities,
signed zeros and denormals behave as in NumPy. With FMA hardware the polynomials use it, elsewhere they
multiply and add, and the error bounds hold in both forms.
"""

from __future__ import annotations

from codegen.vectormath.error_function import erf
from codegen.vectormath.exponential import exp, exp2, expm1, sigmoid, tanh
from codegen.vectormath.logarithm import log, log1p
from codegen.vectormath.power import power
from codegen.vectormath.trigonometric import cos, sin, tan

__all__ = ["MAX_ULP", "cos", "erf", "exp", "exp2", "expm1", "log", "log1p", "power", "sigmoid", "sin", "tan", "tanh"]

MAX_ULP: dict[str, int] = {
    "exp": 2, "log": 2, "tanh": 2, "erf": 2, "sin": 2, "cos": 2, "sigmoid": 2,
    "exp2": 4, "expm1": 4, "log1p": 4, "pow": 4, "rsqrt": 4, "tan": 4,
}  # fmt: skip
"""The largest error of each function, in units in the last place of the correctly rounded result."""
