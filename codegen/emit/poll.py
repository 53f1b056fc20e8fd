"""Long runs look for signals between kernels, so that Ctrl-C ends them.

Estimated work is counted down in the context table; when some 20 milliseconds of it are used up, the interpreter lock
is taken and Python's signal handlers run. Their exception is kept (codegen.runtime.interrupt) and the run fails. A
run that writes over variables gets a table without the slot "poll", so it is never interrupted halfway.
"""

from __future__ import annotations

from codegen.emit.text import UNOPTIMIZED, FunctionText
from codegen.runtime import interrupt
from codegen.runtime.context import slot
from graphcore.dims import Dim

OFTEN = interrupt.PATIENCE // 8
"""Known work, in picoseconds, after which straight-line code looks."""
KERNELS = 8
"""Kernels of unknown work after which it does."""


def poll(fn: FunctionText, work: str) -> str:
    """Counts work, in picoseconds, and may look for signals; returns a status. `%ctx` is the context table."""
    name = fn.module.helper("layerjit_poll", ("ptr %ctx", "i64 %work"), "i32", _build, UNOPTIMIZED)
    return fn.emit(f"call i32 {name}(ptr %ctx, i64 {work})", "status")


class Counter:
    """Sums the work of kernels that run one after the other, and says when it is time to look."""

    def __init__(self) -> None:
        """Starts with none."""
        self.work: Dim = 0
        self._kernels = 0

    def add(self, work: Dim) -> bool:
        """Takes note of a kernel's work; returns whether to look now."""
        self.work = self.work + work
        self._kernels += 1
        return self.work >= OFTEN if isinstance(self.work, int) else self._kernels >= KERNELS

    def take(self) -> Dim:
        """The work so far; starts again."""
        work, self.work, self._kernels = self.work, 0, 0
        return work


def _build(fn: FunctionText) -> None:
    """Two runs at once may count in one word: then one of them looks a little later."""
    at = fn.emit(f"getelementptr i64, ptr %ctx, i64 {slot('patience')}")
    left = fn.emit(f"load atomic i64, ptr {at} monotonic, align 8")
    left = fn.emit(f"sub i64 {left}, %work")
    fn.line(f"store atomic i64 {left}, ptr {at} monotonic, align 8")
    fn.branch_if(fn.emit(f"icmp sgt i64 {left}, 0"), "fine", "due")
    fn.place("due")
    fn.line(f"store atomic i64 {interrupt.PATIENCE}, ptr {at} monotonic, align 8")
    place = fn.emit(f"getelementptr i64, ptr %ctx, i64 {slot('poll')}")
    state = fn.emit(f"load ptr, ptr {place}, align 8")
    fn.branch_if(fn.emit(f"icmp eq ptr {state}, null"), "fine", "look")
    fn.place("look")
    held = fn.emit(f"call i32 {_function(fn, state, interrupt.ENSURE)}()")
    found = fn.emit(f"call i32 {_function(fn, state, interrupt.CHECK)}()")
    fn.branch_if(fn.emit(f"icmp eq i32 {found}, 0"), "nothing", "raised")
    fn.place("nothing")
    fn.line(f"call void {_function(fn, state, interrupt.RELEASE)}(i32 {held})")
    fn.branch("fine")
    fn.place("raised")
    parts = [_at(fn, state, interrupt.EXCEPTION + i) for i in range(3)]
    fn.line(f"call void {_function(fn, state, interrupt.FETCH)}({', '.join(f'ptr {p}' for p in parts)})")
    fn.line(f"call void {_function(fn, state, interrupt.RELEASE)}(i32 {held})")
    fn.ret(f"i32 {interrupt.INTERRUPTED}")
    fn.place("fine")
    fn.ret("i32 0")


def _at(fn: FunctionText, state: str, word: int) -> str:
    return fn.emit(f"getelementptr i64, ptr {state}, i64 {word}")


def _function(fn: FunctionText, state: str, word: int) -> str:
    return fn.emit(f"load ptr, ptr {_at(fn, state, word)}, align 8")
