"""`Val`, literals, and the part of the LLVM handler that all its words share."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from codegen.emit.text import FunctionText
from graphcore.dtypes import DType, bool_, float32, float64
from graphcore.errors import DTypeError, UnsupportedError

_FLOATS = {"float32": "float", "float64": "double"}
_SUFFIX = {"float": "f32", "double": "f64"}


def scalar_type(dtype: DType) -> str:
    """The LLVM type of one element in a register: float, double, iN, or i1 for bool; i16 for 16-bit floats.

    Raises:
        UnsupportedError: for types that kernels do not hold (complex, string).
    """
    if dtype.kind in "iu" or dtype.is_half:
        return f"i{dtype.size * 8}"
    if dtype.kind == "b":
        return "i1"
    found = _FLOATS.get(dtype.name)
    if found is None:
        raise UnsupportedError(
            f"native kernels cannot hold {dtype.name}; cast to float32 first (supported: floats, integers and bool)"
        )
    return found


def memory_type(dtype: DType) -> str:
    """The LLVM type of one element in memory: as in a register, but i8 (0 or 1) for bool."""
    return "i8" if dtype.kind == "b" else scalar_type(dtype)


def vector_type(scalar: str, lanes: int) -> str:
    """`scalar` itself for one lane, else a vector of it."""
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def mangle(scalar: str, lanes: int) -> str:
    """The suffix that names a type in an intrinsic: f32, v16f32, i8, v4i1."""
    suffix = _SUFFIX.get(scalar, scalar)
    return suffix if lanes == 1 else f"v{lanes}{suffix}"


def literal(value: Any, dtype: DType) -> str:
    """A constant of that dtype as LLVM text; integers wrap, floats are rounded to the dtype."""
    scalar = scalar_type(dtype)
    if scalar == "i1":
        return "true" if value else "false"
    if scalar in _SUFFIX:
        with np.errstate(over="ignore"):
            rounded = float(dtype.numpy.type(value))
        return f"0x{struct.pack('>d', rounded).hex().upper()}"
    if dtype.is_half:
        with np.errstate(over="ignore"):
            return str(np.asarray(value, dtype.numpy).view(np.int16))
    bits = dtype.size * 8
    wrapped = int(value) & ((1 << bits) - 1)
    return str(wrapped - (1 << bits) if wrapped >> (bits - 1) else wrapped)


class Val:
    """A value in a register.

    Attributes:
        text: its SSA name or literal; for one lane a scalar, else a vector.
        dtype: the type of each element.
        lanes: the number of elements, 1 for a scalar.
    """

    __slots__ = ("dtype", "lanes", "text")

    def __init__(self, text: str, dtype: DType, lanes: int = 1) -> None:
        self.text = text
        self.dtype = dtype
        self.lanes = lanes

    @property
    def type(self) -> str:
        """The LLVM type, such as `<16 x float>`."""
        return vector_type(scalar_type(self.dtype), self.lanes)

    @property
    def typed(self) -> str:
        """Type and text, as an LLVM operand is written."""
        return f"{self.type} {self.text}"

    @property
    def is_literal(self) -> bool:
        """Whether this is a constant rather than a name."""
        return self.text[0] != "%"

    def __repr__(self) -> str:
        return f"Val({self.typed}: {self.dtype.name})"


class HandlerBase:
    """What every word needs: constants, splats, agreement of operands, raw instructions.

    Attributes:
        fn: the function that instructions are added to.
        isa: "avx512", "avx2", "sse2" or "portable".
        lanes: the number of virtual lanes of full vectors (what iota and ramp make).
        has_fma: whether fma is one instruction; otherwise fma(a, b, c) is a multiplication and an addition.
        has_round: whether floor and its kin are instructions; otherwise they are exact arithmetic.
        has_half: whether float16 and float32 convert by an instruction; otherwise by integer arithmetic.
    """

    def __init__(self, fn: FunctionText, isa: str, lanes: int = 16, *, has_fma: bool | None = None) -> None:
        """Emits into `fn`.

        Args:
            fn: the function under construction.
            isa: instruction set name.
            lanes: virtual lanes of a full vector.
            has_fma: overrides what follows from the isa (portable code on a CPU known to have FMA).
        """
        self.fn = fn
        self.isa = isa
        self.lanes = lanes
        self.has_fma = isa in ("avx512", "avx2") if has_fma is None else has_fma
        self.has_round = isa in ("avx512", "avx2")
        self.has_half = isa in ("avx512", "avx2")

    def dtype(self, x: Val) -> DType:
        """The dtype of a value."""
        return x.dtype

    def const(self, value: Any, dtype: DType) -> Val:
        """A scalar constant; it becomes a vector where it meets one."""
        return Val(literal(value, dtype), dtype, 1)

    def like(self, value: Any, x: Val) -> Val:
        """A scalar constant of x's dtype."""
        return Val(literal(value, x.dtype), x.dtype, 1)

    def splat(self, x: Val, lanes: int | None = None) -> Val:
        """The scalar `x` in every lane of a vector; a vector of that many lanes is returned as it is."""
        lanes = self.lanes if lanes is None else lanes
        if x.lanes == lanes:
            return x
        if x.lanes != 1:
            raise DTypeError(f"cannot splat {x.lanes} lanes to {lanes}; only scalars are repeated")
        if x.is_literal:
            return Val(f"splat ({x.type} {x.text})", x.dtype, lanes)
        key = ("splat", x.text, lanes)
        text = self.fn.memo.get(key)
        if text is None:
            vector = vector_type(scalar_type(x.dtype), lanes)
            first = self.fn.emit(f"insertelement {vector} poison, {x.typed}, i64 0")
            zeros = f"<{lanes} x i32> zeroinitializer"
            text = self.fn.emit(f"shufflevector {vector} {first}, {vector} poison, {zeros}", "splat")
            self.fn.memo[key] = text
        return Val(text, x.dtype, lanes)

    def unify(self, *xs: Val) -> list[Val]:
        """The operands with equal lanes: scalars are repeated if any operand is a vector."""
        lanes = max(x.lanes for x in xs)
        return [self.splat(x, lanes) for x in xs]

    def same(self, word: str, a: Val, b: Val) -> tuple[Val, Val]:
        """Both operands with equal lanes. Raises DTypeError if their dtypes differ."""
        if a.dtype is not b.dtype:
            raise DTypeError(
                f"{word} of {a.dtype.name} and {b.dtype.name}: cast one operand to the other's dtype"
            )
        if a.lanes == b.lanes:
            return a, b
        a, b = self.unify(a, b)
        return a, b

    def op(self, opcode: str, a: Val, b: Val, dtype: DType | None = None) -> Val:
        """A two-operand instruction on operands that already agree; `dtype` is the result's if it differs."""
        return Val(self.fn.emit(f"{opcode} {a.type} {a.text}, {b.text}"), dtype or a.dtype, a.lanes)

    def intrinsic(self, name: str, *xs: Val) -> Val:
        """Calls `llvm.NAME.TYPE` on operands of one type."""
        full = f"llvm.{name}.{mangle(scalar_type(xs[0].dtype), xs[0].lanes)}"
        text = self.fn.call(xs[0].type, full, [(x.type, x.text) for x in xs])
        return Val(text, xs[0].dtype, xs[0].lanes)

    def require(self, word: str, x: Val, kinds: str, expected: str) -> None:
        """Raises DTypeError unless the dtype's kind is one of `kinds`."""
        if x.dtype.kind not in kinds:
            raise DTypeError(f"{word} of {x.dtype.name}: expected {expected}")

    def require_float(self, word: str, x: Val) -> None:
        """Raises DTypeError unless x is float32 or float64."""
        if x.dtype is not float32 and x.dtype is not float64:
            raise DTypeError(f"{word} of {x.dtype.name}: expected float32 or float64; cast the operand first")

    def select(self, condition: Val, a: Val, b: Val) -> Val:
        """`a` where the bool `condition` holds, else `b`."""
        if condition.dtype is not bool_:
            raise DTypeError(f"select: the condition is {condition.dtype.name}, expected bool")
        a, b = self.same("select", a, b)
        condition, a, b = self.unify(condition, a, b)
        return Val(self.fn.emit(f"select {condition.typed}, {a.typed}, {b.typed}"), a.dtype, a.lanes)
