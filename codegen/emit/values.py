"""`LlvmHandler`: the vocabulary of scalar bodies, emitted as LLVM on scalars or virtual vectors."""

from __future__ import annotations

from codegen import vectormath
from codegen.emit import value_loops
from codegen.emit.value_base import Val, literal, mangle, memory_type, scalar_type, vector_type
from codegen.emit.value_cast import Casts
from codegen.emit.value_memory import Memory

__all__ = ["LlvmHandler", "Val", "literal", "mangle", "memory_type", "scalar_type", "vector_type"]


class LlvmHandler(Casts, Memory):
    """Every word of `graphcore.handler.VOCABULARY`, and memory, over `Val`s.

    Scalars and vectors mix: a scalar operand is repeated to the lanes of the other. Elementwise arithmetic is
    bit-equal to NumPy; the functions below keep to `vectormath.MAX_ULP`.
    """

    def pow(self, a: Val, b: Val) -> Val:
        """`a ** b`: floats to 4 ulp; integers wrap, their negative exponents truncate the reciprocal."""
        a, b = self.same("pow", a, b)
        if a.dtype.kind == "f":
            return vectormath.power(self, a, b)
        self.require("pow", a, "iu", "numbers")
        return value_loops.integer_power(self, a, b)

    def exp(self, x: Val) -> Val:
        """`e ** x`."""
        return vectormath.exp(self, x)

    def exp2(self, x: Val) -> Val:
        """2 ** x."""
        return vectormath.exp2(self, x)

    def expm1(self, x: Val) -> Val:
        """`e ** x - 1`, accurate near 0."""
        return vectormath.expm1(self, x)

    def log(self, x: Val) -> Val:
        """The natural logarithm; -inf at 0, NaN below."""
        return vectormath.log(self, x)

    def log1p(self, x: Val) -> Val:
        """`log(1 + x)`, accurate near 0."""
        return vectormath.log1p(self, x)

    def tanh(self, x: Val) -> Val:
        """The hyperbolic tangent."""
        return vectormath.tanh(self, x)

    def erf(self, x: Val) -> Val:
        """The error function."""
        return vectormath.erf(self, x)

    def sin(self, x: Val) -> Val:
        """The sine of radians; NaN for infinities."""
        return vectormath.sin(self, x)

    def cos(self, x: Val) -> Val:
        """The cosine of radians; NaN for infinities."""
        return vectormath.cos(self, x)

    def tan(self, x: Val) -> Val:
        """The tangent of radians; NaN for infinities."""
        return vectormath.tan(self, x)

    def muladd(self, a: Val, b: Val, c: Val) -> Val:
        """`a * b + c` of floats, rounded once where the CPU can."""
        self.require_float("muladd", a)
        return self.fma(a, b, c)

    def sigmoid(self, x: Val) -> Val:
        """1 / (1 + exp(-x)), exact also where exp(-x) overflows. Not a word of bodies; for fused kernels."""
        return vectormath.sigmoid(self, x)
