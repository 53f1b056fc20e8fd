"""Memory at run time: buffers whose size only the run finds out, and copies of bytes.

Addresses come from the context table, so the object needs no symbol from outside.
"""

from __future__ import annotations

from codegen.emit.text import UNOPTIMIZED, FunctionText
from codegen.runtime.context import slot
from codegen.runtime.host import NO_MEMORY

__all__ = ["NO_MEMORY", "allocate", "copy", "release", "release_all"]


def allocate(fn: FunctionText, size: str) -> str:
    """At least one cache line of aligned memory, or null; `%ctx` is the context table."""
    name = fn.module.helper(
        "layerjit_allocate", ("ptr %ctx", "i64 %size"), "ptr", _build_allocate, UNOPTIMIZED
    )
    return fn.emit(f"call ptr {name}(ptr %ctx, i64 {size})", "block")


def _build_allocate(fn: FunctionText) -> None:
    more = fn.emit("add i64 %size, 127")  # never nothing: a kernel may look at the first element
    size = fn.emit(f"and i64 {more}, -64")
    function = _function(fn, "alloc")
    fn.ret(f"ptr {fn.emit(f'call ptr {function}(i64 64, i64 {size})')}")


def release(fn: FunctionText, block: str) -> None:
    """Frees memory that `allocate` gave; null is nothing to free."""
    fn.line(f"call void {_function(fn, 'free')}(ptr {block})")


def release_all(fn: FunctionText, blocks: str, count: int) -> None:
    """Frees everything that a table of `count` pointers holds."""
    name = fn.module.helper(
        "layerjit_release", ("ptr %ctx", "ptr %blocks", "i64 %count"), "void", _build_release, UNOPTIMIZED
    )
    fn.line(f"call void {name}(ptr %ctx, ptr {blocks}, i64 {count})")


def _build_release(fn: FunctionText) -> None:
    head, body, done = "head", "body", "done"
    fn.branch(head)
    fn.place(head)
    arms = [("0", "entry")]
    i = fn.phi("i64", arms, "i")
    fn.branch_if(fn.emit(f"icmp slt i64 {i}, %count"), body, done)
    fn.place(body)
    at = fn.emit(f"getelementptr ptr, ptr %blocks, i64 {i}", "p")
    release(fn, fn.emit(f"load ptr, ptr {at}, align 8"))
    arms.append((fn.emit(f"add i64 {i}, 1"), body))
    fn.branch(head)
    fn.place(done)
    fn.ret()


def _function(fn: FunctionText, name: str) -> str:
    at = fn.emit(f"getelementptr i64, ptr %ctx, i64 {slot(name)}", "p")
    return fn.emit(f"load ptr, ptr {at}, align 8", name)


def copy(fn: FunctionText, target: str, source: str, size: str) -> None:
    """Copies bytes between buffers that do not overlap."""
    if size == "0":
        return
    if size.isdigit() and int(size) in (1, 2, 4, 8):
        # The usual counter or flag: no call.
        width = 8 * int(size)
        value = fn.emit(f"load i{width}, ptr {source}, align 1")
        fn.line(f"store i{width} {value}, ptr {target}, align 1")
        return
    name = fn.module.helper("layerjit_copy", ("ptr %to", "ptr %from", "i64 %size"), "void", _build_copy)
    fn.line(f"call void {name}(ptr {target}, ptr {source}, i64 {size})")


def _build_copy(fn: FunctionText) -> None:
    """Whole cache lines, then the bytes that are left."""
    whole = fn.emit("and i64 %size, -64", "whole")
    _copy_loop(fn, "0", whole, 64, "<64 x i8>")
    _copy_loop(fn, whole, "%size", 1, "i8")
    fn.ret()


def _copy_loop(fn: FunctionText, start: str, stop: str, step: int, kind: str) -> None:
    head, body, done = fn.new_label("head"), fn.new_label("body"), fn.new_label("done")
    arms = [(start, fn.block)]
    fn.branch(head)
    fn.place(head)
    i = fn.phi("i64", arms, "i")
    fn.branch_if(fn.emit(f"icmp slt i64 {i}, {stop}"), body, done)
    fn.place(body)
    source = fn.emit(f"getelementptr i8, ptr %from, i64 {i}", "p")
    target = fn.emit(f"getelementptr i8, ptr %to, i64 {i}", "p")
    fn.line(f"store {kind} {fn.emit(f'load {kind}, ptr {source}, align 1')}, ptr {target}, align 1")
    arms.append((fn.emit(f"add i64 {i}, {step}"), body))
    fn.branch(head)
    fn.place(done)
