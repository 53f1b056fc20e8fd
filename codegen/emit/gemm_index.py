"""Arithmetic on i64 and loops in LLVM text that fold when sizes are static (no dead code then)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from codegen.emit.text import FunctionText

Int: TypeAlias = str | int
"""An i64 (or i1) as LLVM text, or a Python int; texts of digits are constants."""


def known(x: Int) -> int | None:
    """The value of a constant, or None for a register."""
    if isinstance(x, int):
        return x
    return int(x) if x.lstrip("-").isdigit() else {"true": 1, "false": 0}.get(x)


class Index:
    """Integer instructions of one function, folding constants. All quantities are non-negative."""

    def __init__(self, fn: FunctionText) -> None:
        """Emits into `fn`."""
        self.fn = fn

    def _op(self, opcode: str, a: Int, b: Int, fold: Callable[[int, int], int]) -> str:
        x, y = known(a), known(b)
        if x is not None and y is not None:
            return str(fold(x, y))
        return self.fn.emit(f"{opcode} i64 {a}, {b}", "i")

    def add(self, a: Int, b: Int) -> str:
        """A + b."""
        if known(a) == 0:
            return str(b)
        return str(a) if known(b) == 0 else self._op("add", a, b, lambda x, y: x + y)

    def sub(self, a: Int, b: Int) -> str:
        """A - b."""
        if a == b:
            return "0"
        return str(a) if known(b) == 0 else self._op("sub", a, b, lambda x, y: x - y)

    def mul(self, a: Int, b: Int) -> str:
        """A * b."""
        if known(a) == 0 or known(b) == 0:
            return "0"
        if known(a) == 1:
            return str(b)
        return str(a) if known(b) == 1 else self._op("mul", a, b, lambda x, y: x * y)

    def div(self, a: Int, b: Int) -> str:
        """A // b."""
        return str(a) if known(b) == 1 else self._op("udiv", a, b, lambda x, y: x // y)

    def divmod(self, a: Int, b: Int) -> tuple[str, str]:
        """(a // b, a % b)."""
        q = self.div(a, b)
        return q, self.sub(a, self.mul(q, b)) if known(b) != 1 else "0"

    def ceildiv(self, a: Int, b: Int) -> str:
        """The smallest integer not below a / b."""
        if a == b and known(a) is None:
            return self.minimum(a, 1)
        return self.div(self.sub(self.add(a, b), 1), b)

    def minimum(self, a: Int, b: Int) -> str:
        """min(a, b)."""
        if a == b:
            return str(a)
        x, y = known(a), known(b)
        if x is not None and y is not None:
            return str(min(x, y))
        return self._call2("llvm.smin.i64", a, b)

    def maximum(self, a: Int, b: Int) -> str:
        """max(a, b)."""
        x, y = known(a), known(b)
        if x is not None and y is not None:
            return str(max(x, y))
        return self._call2("llvm.smax.i64", a, b)

    def _call2(self, name: str, a: Int, b: Int) -> str:
        return self.fn.call("i64", name, [("i64", str(a)), ("i64", str(b))])

    def _compare(self, word: str, a: Int, b: Int, fold: Callable[[int, int], bool]) -> str:
        x, y = known(a), known(b)
        if x is not None and y is not None:
            return "true" if fold(x, y) else "false"
        return self.fn.emit(f"icmp {word} i64 {a}, {b}", "c")

    def less(self, a: Int, b: Int) -> str:
        """The i1 of a < b."""
        return self._compare("slt", a, b, lambda x, y: x < y)

    def less_equal(self, a: Int, b: Int) -> str:
        """The i1 of a <= b."""
        return self._compare("sle", a, b, lambda x, y: x <= y)

    def equal(self, a: Int, b: Int) -> str:
        """The i1 of a == b."""
        return "true" if a == b else self._compare("eq", a, b, lambda x, y: x == y)

    def and_(self, a: str, b: str) -> str:
        """Both of two i1."""
        if "false" in (a, b):
            return "false"
        if a == "true" or b == "true":
            return b if a == "true" else a
        return self.fn.emit(f"and i1 {a}, {b}", "c")

    def not_(self, a: str) -> str:
        """The opposite of an i1."""
        if known(a) is not None:
            return "false" if known(a) else "true"
        return self.fn.emit(f"xor i1 {a}, true", "c")

    def select(self, condition: str, a: Int, b: Int, kind: str = "i64") -> str:
        """`a` if the i1 holds, else `b`."""
        if known(condition) is not None or str(a) == str(b):
            return str(a) if known(condition) != 0 else str(b)
        return self.fn.emit(f"select i1 {condition}, {kind} {a}, {kind} {b}", "i")

    def load_arg(self, position: int) -> str:
        """The pointer in the kernel's argument table %args at that position."""
        return self.fn.emit(f"load ptr, ptr {ptr_at(self, '%args', 8 * position)}, align 8", "arg")

    def unravel(self, flat: str, sizes: list[str]) -> tuple[str, ...]:
        """The indices of a flat row-major index over `sizes`."""
        out: list[str] = []
        for i, size in enumerate(reversed(sizes)):
            if i == len(sizes) - 1:
                out.append(flat)
            else:
                flat, index = self.divmod(flat, size)
                out.append(index)
        return tuple(reversed(out))

    def while_less(self, start: Int, stop: Int, body: Callable[[str], str]) -> None:
        """Runs `body(i)`, which returns the next i, while i < stop."""
        if known(start) is not None and known(stop) is not None and int(start) >= int(stop):
            return
        fn = self.fn
        head, inside, done = fn.new_label("while"), fn.new_label("body"), fn.new_label("done")
        before, following = fn.block, fn.fresh("next")
        latch = fn.new_label("latch")
        fn.branch(head)
        fn.place(head)
        i = fn.phi("i64", [(str(start), before), (following, latch)], "n")
        fn.branch_if(self.fn.emit(f"icmp slt i64 {i}, {stop}", "c"), inside, done)
        fn.place(inside)
        after = body(i)
        fn.branch(latch)
        fn.place(latch)
        fn.line(f"{following} = add i64 {after}, 0")
        fn.branch(head)
        fn.place(done)


def ptr_at(ix: Index, base: str, offset: Int) -> str:
    """The pointer `offset` bytes after `base`."""
    return base if known(offset) == 0 else ix.fn.emit(f"getelementptr i8, ptr {base}, i64 {offset}", "p")


def for_range(ix: Index, start: Int, stop: Int, step: Int, body: Callable[[str], None]) -> None:
    """Runs `body(i)` for i = start, start + step, ... below stop; unrolled away if it runs at most once."""
    first, last, by = known(start), known(stop), known(step)
    if first is not None and last is not None and (first >= last or (by is not None and first + by >= last)):
        if first < last:
            body(str(start))
        return

    def once(i: str) -> str:
        body(i)
        return ix.fn.emit(f"add nuw nsw i64 {i}, {step}", "next")

    ix.while_less(start, stop, once)


def if_else(
    ix: Index, condition: str, then: Callable[[], None], otherwise: Callable[[], None] | None = None
) -> None:
    """Runs `then` if the i1 holds, else `otherwise`; constant conditions leave one of them."""
    value = known(condition)
    if value is not None:
        chosen = then if value else otherwise
        if chosen is not None:
            chosen()
        return
    fn = ix.fn
    yes, no, done = fn.new_label("then"), fn.new_label("else"), fn.new_label("endif")
    fn.branch_if(condition, yes, no if otherwise else done)
    fn.place(yes)
    then()
    fn.branch(done)
    if otherwise:
        fn.place(no)
        otherwise()
        fn.branch(done)
    fn.place(done)


def dispatch(ix: Index, choice: str, count: int, emit: Callable[[int], None]) -> None:
    """Emits `emit(i)` for every i below `count`, of which the one that `choice` says runs."""
    fn, value = ix.fn, known(choice)
    if value is not None or count == 1:
        emit(value or 0)
        return
    labels, done = [fn.new_label("tile") for _ in range(count)], fn.new_label("tiled")
    cases = " ".join(f"i64 {i}, label %{label}" for i, label in enumerate(labels) if i)
    fn.line(f"switch i64 {choice}, label %{labels[0]} [ {cases} ]")
    for i, label in enumerate(labels):
        fn.place(label)
        emit(i)
        fn.branch(done)
    fn.place(done)
