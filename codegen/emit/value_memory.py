"""Memory and lane words of the LLVM handler: loads, stores, gathers, iota, and horizontal trees."""

from __future__ import annotations

from collections.abc import Callable

from codegen.emit.value_base import HandlerBase, Val, mangle, memory_type, scalar_type, vector_type
from graphcore.dtypes import DType, bool_, int64
from graphcore.errors import InvalidArgumentError


class Memory(HandlerBase):
    """Words that touch memory or move lanes. Pointers are LLVM text of type ptr.

    A bool is i1 in registers and i8 (0 or 1) in memory. Accesses need only the alignment of one element.
    """

    def address(self, base: str, offset: Val | int) -> str:
        """The pointer `offset` bytes after `base`; the offset is an int64 value or a Python int."""
        if isinstance(offset, int):
            return base if offset == 0 else self.fn.emit(f"getelementptr i8, ptr {base}, i64 {offset}", "p")
        return self.fn.emit(f"getelementptr i8, ptr {base}, i64 {offset.text}", "p")

    def load(self, pointer: str, dtype: DType, lanes: int | None = None, mask: Val | None = None) -> Val:
        """Loads `lanes` neighbouring elements; what the mask clears is 0 and its memory is not read."""
        lanes = self.lanes if lanes is None else lanes
        scalar, align = memory_type(dtype), dtype.size
        vector = vector_type(scalar, lanes)
        if mask is None:
            text = self.fn.emit(f"load {vector}, ptr {pointer}, align {align}")
        else:
            mask = self._mask(mask, lanes)
            name = f"llvm.masked.load.{mangle(scalar, lanes)}.p0"
            # The form with an explicit alignment operand is the one that every supported LLVM reads.
            arguments = [
                ("ptr", pointer), ("i32", str(align)), (mask.type, mask.text), (vector, "zeroinitializer"),
            ]  # fmt: skip
            text = self.fn.call(vector, name, arguments)
        return self._from_memory(text, dtype, lanes)

    def store(self, pointer: str, x: Val, mask: Val | None = None) -> None:
        """Stores the lanes of x to neighbouring elements; lanes that the mask clears are not written."""
        text, scalar = self._to_memory(x)
        vector, align = vector_type(scalar, x.lanes), x.dtype.size
        if mask is None:
            self.fn.line(f"store {vector} {text}, ptr {pointer}, align {align}")
            return
        mask = self._mask(mask, x.lanes)
        name = f"llvm.masked.store.{mangle(scalar, x.lanes)}.p0"
        arguments = [(vector, text), ("ptr", pointer), ("i32", str(align)), (mask.type, mask.text)]
        self.fn.call("void", name, arguments)

    def gather(self, base: str, offsets: Val, dtype: DType, mask: Val | None = None, scale: int = 1) -> Val:
        """Loads one element per lane from `base` + offsets * scale bytes.

        Args:
            base: pointer.
            offsets: int64 values, in units of `scale` bytes (pass dtype.size for element offsets).
            dtype: the elements' type.
            mask: lanes to read; the others are 0.
            scale: bytes per unit of offset: 1, 2, 4 or 8.
        """
        lanes, scalar = offsets.lanes, memory_type(dtype)
        pointers = self._pointers(base, offsets, scale)
        if lanes == 1:
            if mask is not None:
                raise InvalidArgumentError("gather of one lane takes no mask; branch around it")
            return self.load(pointers, dtype, 1)
        mask = self._mask(mask or self.const(True, bool_), lanes)
        vector = vector_type(scalar, lanes)
        name = f"llvm.masked.gather.{mangle(scalar, lanes)}.v{lanes}p0"
        arguments = [
            (f"<{lanes} x ptr>", pointers), ("i32", str(dtype.size)), (mask.type, mask.text),
            (vector, "zeroinitializer"),
        ]  # fmt: skip
        return self._from_memory(self.fn.call(vector, name, arguments), dtype, lanes)

    def scatter(self, base: str, offsets: Val, x: Val, mask: Val | None = None, scale: int = 1) -> None:
        """Stores one element per lane at `base` + offsets * scale bytes, lane 0 first."""
        lanes = offsets.lanes
        pointers = self._pointers(base, offsets, scale)
        if lanes == 1:
            self.store(pointers, x, mask)
            return
        mask = self._mask(mask or self.const(True, bool_), lanes)
        text, scalar = self._to_memory(self.splat(x, lanes))
        name = f"llvm.masked.scatter.{mangle(scalar, lanes)}.v{lanes}p0"
        arguments = [
            (vector_type(scalar, lanes), text), (f"<{lanes} x ptr>", pointers), ("i32", str(x.dtype.size)),
            (mask.type, mask.text),
        ]  # fmt: skip
        self.fn.call("void", name, arguments)

    def _pointers(self, base: str, offsets: Val, scale: int) -> str:
        unit = f"i{scale * 8}"
        result = self.fn.emit(f"getelementptr {unit}, ptr {base}, {offsets.typed}", "p")
        return result

    def _mask(self, mask: Val, lanes: int) -> Val:
        return self.splat(mask, lanes)

    def _from_memory(self, text: str, dtype: DType, lanes: int) -> Val:
        if dtype is not bool_:
            return Val(text, dtype, lanes)
        zero = "0" if lanes == 1 else "zeroinitializer"
        return Val(self.fn.emit(f"icmp ne {vector_type('i8', lanes)} {text}, {zero}"), bool_, lanes)

    def _to_memory(self, x: Val) -> tuple[str, str]:
        if x.dtype is not bool_:
            return x.text, scalar_type(x.dtype)
        return self.fn.emit(f"zext {x.typed} to {vector_type('i8', x.lanes)}"), "i8"

    def iota(self, dtype: DType = int64, lanes: int | None = None) -> Val:
        """The vector 0, 1, 2, ... of an integer dtype."""
        lanes = self.lanes if lanes is None else lanes
        scalar = scalar_type(dtype)
        if lanes == 1:
            return Val("0", dtype, 1)
        return Val("<" + ", ".join(f"{scalar} {i}" for i in range(lanes)) + ">", dtype, lanes)

    def tail_mask(self, left: Val, lanes: int | None = None) -> Val:
        """The mask of the lanes below the int64 `left` (the number of elements that remain, >= 0)."""
        lanes = self.lanes if lanes is None else lanes
        ramp, limit = self.iota(int64, lanes), self.splat(left, lanes)
        return self.op("icmp ult", ramp, limit, bool_)

    def extract(self, x: Val, lane: int) -> Val:
        """One lane of a vector as a scalar."""
        if x.lanes == 1:
            return x
        return Val(self.fn.emit(f"extractelement {x.typed}, i64 {lane}"), x.dtype, 1)

    def slice(self, x: Val, start: int, count: int) -> Val:
        """`count` neighbouring lanes from lane `start`."""
        if count == 1:
            return self.extract(x, start)
        if count == x.lanes:
            return x
        picks = ", ".join(f"i32 {i}" for i in range(start, start + count))
        text = self.fn.emit(f"shufflevector {x.typed}, {x.type} poison, <{count} x i32> <{picks}>")
        return Val(text, x.dtype, count)

    def concat(self, parts: list[Val]) -> Val:
        """Joins vectors of equal lanes (a power of two of them) into one."""
        while len(parts) > 1:
            parts = [self._join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def _join(self, a: Val, b: Val) -> Val:
        picks = ", ".join(f"i32 {i}" for i in range(2 * a.lanes))
        text = self.fn.emit(f"shufflevector {a.typed}, {b.typed}, <{2 * a.lanes} x i32> <{picks}>")
        return Val(text, a.dtype, 2 * a.lanes)

    def reduce(self, x: Val, step: Callable[[Val, Val], Val]) -> Val:
        """Combines the lanes into a scalar: lower half with upper half, until one is left.

        The tree depends on the number of lanes only, so that every instruction set gives equal bits.
        """
        while x.lanes > 1:
            if x.lanes % 2:
                raise InvalidArgumentError(f"reduce needs a power of two of lanes, got {x.lanes}")
            half = x.lanes // 2
            x = step(self.slice(x, 0, half), self.slice(x, half, half))
        return x
