"""Scalar programs written as formulas: `Number` gives a handler's values operators.

`x * x + 1` on Numbers says `k.add(k.mul(x, x), k.const(1, dtype))` to the handler, so that a program of polynomials
and cases reads like its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from graphcore.dtypes import DType, int16, int32, int64


class Number:
    """A value of a scalar body, with operators; plain numbers beside it become constants of its dtype.

    Attributes:
        k: the handler.
        value: the handler's value.
    """

    __slots__ = ("k", "value")

    def __init__(self, k: Any, value: Any) -> None:
        """Wraps a value of a handler."""
        self.k = k
        self.value = value

    @property
    def dtype(self) -> DType:
        """The dtype of the value."""
        return self.k.dtype(self.value)

    @property
    def size(self) -> int:
        """The bytes of the dtype: 4 for float32, 8 for float64."""
        return self.dtype.size

    def of(self, other: Operand) -> Any:
        """The handler's value of an operand beside this one."""
        return other.value if isinstance(other, Number) else self.k.const(other, self.dtype)

    def constant(self, value: float) -> Number:
        """A constant of this value's dtype."""
        return Number(self.k, self.k.const(value, self.dtype))

    def word(self, word: str, *others: Operand) -> Number:
        """A word of the vocabulary on this value and others."""
        return Number(self.k, getattr(self.k, word)(self.value, *map(self.of, others)))

    def cast(self, dtype: DType) -> Number:
        """The value as another dtype."""
        return Number(self.k, self.k.cast(self.value, dtype))

    def __add__(self, other: Operand) -> Number:
        return self.word("add", other)

    def __radd__(self, other: float) -> Number:
        return self.word("add", other)

    def __sub__(self, other: Operand) -> Number:
        return self.word("sub", other)

    def __rsub__(self, other: float) -> Number:
        return Number(self.k, self.k.sub(self.of(other), self.value))

    def __mul__(self, other: Operand) -> Number:
        return self.word("mul", other)

    def __rmul__(self, other: float) -> Number:
        return self.word("mul", other)

    def __truediv__(self, other: Operand) -> Number:
        return self.word("div", other)

    def __rtruediv__(self, other: float) -> Number:
        return Number(self.k, self.k.div(self.of(other), self.value))

    def __neg__(self) -> Number:
        return self.word("neg")

    def __abs__(self) -> Number:
        return self.word("abs")

    def __lt__(self, other: Operand) -> Number:
        return self.word("lt", other)

    def __le__(self, other: Operand) -> Number:
        return self.word("le", other)

    def __gt__(self, other: Operand) -> Number:
        return self.word("gt", other)

    def __ge__(self, other: Operand) -> Number:
        return self.word("ge", other)

    def __and__(self, other: Operand) -> Number:
        return self.word("and_", other)

    def __or__(self, other: Operand) -> Number:
        return self.word("or_", other)

    def equals(self, other: Operand) -> Number:
        """Whether the values are equal, elementwise."""
        return self.word("eq", other)

    def bits(self) -> Number:
        """The bits as a signed integer of equal size."""
        return Number(self.k, self.k.bitcast(self.value, {2: int16, 4: int32, 8: int64}[self.size]))

    def signed_as(self, other: Number) -> Number:
        """This magnitude with the other's sign bit."""
        mask = -(1 << (8 * self.size - 1))
        bits = abs(self).bits() | (other.bits() & mask)
        return Number(self.k, self.k.bitcast(bits.value, self.dtype))

    def polynomial(self, coefficients: Sequence[float | Number]) -> Number:
        """Horner's scheme in this value; coefficients from the constant term up."""
        k, total = self.k, self.of(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = k.muladd(total, self.value, self.of(c))
        return Number(k, total)


Operand: TypeAlias = Number | float


def where(condition: Number, x: Operand, y: Operand) -> Number:
    """`x` where the condition holds, else `y`; one of them is a Number."""
    like = x if isinstance(x, Number) else y
    assert isinstance(like, Number)
    return Number(like.k, like.k.select(condition.value, like.of(x), like.of(y)))
