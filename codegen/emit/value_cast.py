"""Conversions between element types."""

from __future__ import annotations

from codegen.emit import value_half
from codegen.emit.value_arith import Arithmetic
from codegen.emit.value_base import Val, mangle, scalar_type, vector_type
from graphcore.dtypes import DType, bool_, float32, uint16


class Casts(Arithmetic):
    """The word `cast`."""

    def cast(self, x: Val, dtype: DType) -> Val:
        """`x` as another dtype, with NumPy's meaning wherever NumPy defines one.

        Integers wrap or extend, number to bool is `!= 0` (NaN is true), bool to number 0 or 1, float64 to
        float32 rounds to nearest even, and so does float64 to a 16-bit float (once). A float out of the integer's
        range becomes the nearest limit, NaN becomes 0.
        """
        if x.dtype is dtype:
            return x
        if x.dtype.is_half or dtype.is_half:
            return self._half(x, dtype)
        target = vector_type(scalar_type(dtype), x.lanes)
        if dtype is bool_:
            return self._to_bool(x)
        if x.dtype.kind == "f" and dtype.kind in "iu":
            return self._saturate(x, dtype, target)
        opcode = self._opcode(x.dtype, dtype)
        if not opcode:
            return Val(x.text, dtype, x.lanes)
        return Val(self.fn.emit(f"{opcode} {x.typed} to {target}"), dtype, x.lanes)

    def _half(self, x: Val, dtype: DType) -> Val:
        """A cast from or to a 16-bit float: through float32."""
        if dtype is bool_:
            return self.ne(self.and_(Val(x.text, uint16, x.lanes), self.const(0x7FFF, uint16)), self.const(0, uint16))
        if x.dtype.is_half:
            return self.cast(value_half.widen(self, x), dtype)
        if x.dtype is bool_:
            return self.select(x, self.const(1, dtype), self.const(0, dtype))
        wide = value_half.odd_float32(self, x) if x.dtype.name == "float64" else self.cast(x, float32)
        return value_half.narrow(self, wide, dtype)

    def _opcode(self, source: DType, target: DType) -> str:
        if source.kind == "f":
            return "fpext" if target.size > source.size else "fptrunc"
        signed = source.kind == "i"
        if target.kind == "f":
            return "sitofp" if signed else "uitofp"
        if source is bool_:
            return "zext"
        if target.size == source.size:
            return ""
        if target.size < source.size:
            return "trunc"
        return "sext" if signed else "zext"

    def _to_bool(self, x: Val) -> Val:
        zero = self.splat(self.like(0, x), x.lanes)
        return self.op("fcmp une" if x.dtype.kind == "f" else "icmp ne", x, zero, bool_)

    def _saturate(self, x: Val, dtype: DType, target: str) -> Val:
        stem = "fptosi" if dtype.kind == "i" else "fptoui"
        suffix = f"{mangle(scalar_type(dtype), x.lanes)}.{mangle(scalar_type(x.dtype), x.lanes)}"
        text = self.fn.call(target, f"llvm.{stem}.sat.{suffix}", [(x.type, x.text)])
        return Val(text, dtype, x.lanes)
