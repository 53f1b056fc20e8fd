"""Kernels of many chunks go to the pool of threads, through its address in the context table.

How many chunks a thread takes at a time is computed from the kernel's estimated work (codegen.work), by sizes alone.
Without a pool (exported objects), while another thread has it, and where the work is too small, the caller runs all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.emit.text import UNOPTIMIZED, FunctionText
from codegen.pool import words
from codegen.runtime.context import slot
from codegen.work import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.emit.module import Emitted
    from graphcore.dims import Dim

_PARAMETERS = (
    "ptr %ctx", "ptr %kernel", "ptr %table", "ptr %dims", "ptr %scratch", "i64 %chunks", "i64 %work", "i64 %step",
    "i64 %bytes",
)  # fmt: skip


def run_kernel(
    fn: FunctionText, emitted: Emitted, table: str, sizes: str, scratch: str, dim: Callable[[Dim], str]
) -> str:
    """Runs all chunks of a kernel; returns the status.

    Args:
        fn: the function under construction; `%ctx` is the context table.
        emitted: the kernel.
        table: its buffers.
        sizes: the sizes.
        scratch: private memory of the thread that calls.
        dim: evaluates a size.
    """
    if not _may_divide(emitted):
        arguments = [("ptr", table), ("ptr", sizes), ("ptr", scratch), ("i64", "0"), ("i64", dim(emitted.chunks))]
        return fn.call("i32", emitted.name, arguments, external=False)
    name = fn.module.helper("layerjit_spread", _PARAMETERS, "i32", _build, UNOPTIMIZED)
    work, bytes_ = dim(emitted.work), dim(emitted.scratch)
    return fn.emit(
        f"call i32 {name}(ptr %ctx, ptr @{emitted.name}, ptr {table}, ptr {sizes}, ptr {scratch}, "
        f"i64 {dim(emitted.chunks)}, i64 {work}, i64 {emitted.step}, i64 {bytes_})", "status"
    )  # fmt: skip


def _may_divide(emitted: Emitted) -> bool:
    """Whether there can be more than one piece."""
    if not emitted.divides or emitted.chunks == 1:
        return False
    if not isinstance(emitted.chunks, int) or not isinstance(emitted.work, int):
        return True
    return emitted.chunks > -(-PIECE // max(emitted.work * emitted.step, 1)) * emitted.step


def _build(fn: FunctionText) -> None:
    unit = fn.emit("mul i64 %work, %step")
    some = fn.emit(f"icmp sgt i64 {unit}, 0")
    unit = fn.emit(f"select i1 {some}, i64 {unit}, i64 1")
    pieces = fn.emit(f"udiv i64 {fn.emit(f'add i64 {unit}, {PIECE - 1}')}, {unit}")
    grain = fn.emit(f"mul i64 {pieces}, %step", "grain")
    fn.branch_if(fn.emit(f"icmp sgt i64 %chunks, {grain}"), "many", "alone")
    fn.place("many")
    at = fn.emit(f"getelementptr i64, ptr %ctx, i64 {slot('parallel')}")
    pool = fn.emit(f"load ptr, ptr {at}, align 8", "pool")
    fn.branch_if(fn.emit(f"icmp eq ptr {pool}, null"), "alone", "there")
    fn.place("there")
    first = _run(fn, pool)
    fn.branch_if(fn.emit(f"icmp eq ptr {first}, null"), "stopped", "ready")
    fn.place("stopped")
    at = fn.emit(f"getelementptr i8, ptr {pool}, i64 {words.START}")
    start = fn.emit(f"load ptr, ptr {at}, align 8", "start")
    fn.branch_if(fn.emit(f"icmp eq ptr {start}, null"), "alone", "starting")
    fn.place("starting")
    fn.line(f"call void {start}()")
    second = _run(fn, pool)
    fn.branch_if(fn.emit(f"icmp eq ptr {second}, null"), "alone", "ready")
    fn.place("ready")
    run = fn.phi("ptr", [(first, "there"), (second, "starting")])
    status = fn.emit(
        f"call i32 {run}(ptr {pool}, ptr %kernel, ptr %table, ptr %dims, ptr %scratch, i64 %chunks, i64 {grain}, "
        "i64 %bytes)"
    )
    fn.ret(f"i32 {status}")
    fn.place("alone")
    status = fn.emit("call i32 %kernel(ptr %table, ptr %dims, ptr %scratch, i64 0, i64 %chunks)")
    fn.ret(f"i32 {status}")


def _run(fn: FunctionText, pool: str) -> str:
    at = fn.emit(f"getelementptr i8, ptr {pool}, i64 {words.RUN}")
    return fn.emit(f"load atomic ptr, ptr {at} acquire, align 8", "run")
