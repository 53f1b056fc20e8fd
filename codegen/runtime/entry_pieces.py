"""Pieces of LLVM text that the call entry is made of: loads of fields, checks, loops, C calls."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.emit.text import UNOPTIMIZED, FunctionText, ModuleText
from codegen.runtime import recycle_text
from codegen.runtime.context import slot
from codegen.runtime.recycle import LARGE

_ARENA_LINE = 64

class Pieces:
    """Writes instructions of one function that has a context table.

    Attributes:
        fn: the function.
        module: its module.
        context: the operand that points to the context table.
    """

    def __init__(self, fn: FunctionText) -> None:
        """Starts with no context."""
        self.fn = fn
        self.module: ModuleText = fn.module
        self.context = ""

    def load(self, kind: str, pointer: str, offset: int = 0) -> str:
        """Loads a field at a byte offset."""
        return self.fn.emit(f"load {kind}, ptr {self.at_offset(pointer, offset)}")

    def store(self, kind: str, value: str, pointer: str, offset: int = 0) -> None:
        """Stores a field at a byte offset."""
        self.fn.line(f"store {kind} {value}, ptr {self.at_offset(pointer, offset)}")

    def at_offset(self, pointer: str, offset: int) -> str:
        """The pointer, moved by bytes."""
        return self.fn.emit(f"getelementptr i8, ptr {pointer}, i64 {offset}", "p") if offset else pointer

    def at_word(self, pointer: str, index: str) -> str:
        """The pointer, moved by 8-byte words."""
        return self.fn.emit(f"getelementptr i64, ptr {pointer}, i64 {index}", "p")

    def word(self, name: str | int, kind: str = "ptr") -> str:
        """The contents of a slot of the context, by name or index."""
        return self.load(kind, self.context, 8 * (slot(name) if isinstance(name, str) else name))

    def test(self, predicate: str, kind: str, a: str, b: str | int) -> str:
        """A comparison of integers or pointers."""
        return self.fn.emit(f"icmp {predicate} {kind} {a}, {b}", "c")

    def has_bits(self, flags: str, bits: int) -> str:
        """Whether all of the bits are set in an i32."""
        return self.test("eq", "i32", self.fn.emit(f"and i32 {flags}, {bits}"), bits)

    def require(self, condition: str, otherwise: str = "slow") -> None:
        """Goes on in a new block if the condition holds, and to the label `otherwise` if not."""
        if condition == "true":
            return
        label = self.fn.new_label("ok")
        self.fn.branch_if(condition, label, otherwise)
        self.fn.place(label)

    def require_equal(
        self, kind: str, pairs: Sequence[tuple[str, str | int]], otherwise: str = "slow"
    ) -> None:
        """Goes on if all pairs of integers are equal; one branch, since blocks cost compile time."""
        bits = ""
        for a, b in pairs:
            difference = self.fn.emit(f"xor {kind} {a}, {b}")
            bits = self.fn.emit(f"or {kind} {bits}, {difference}") if bits else difference
        if bits:
            self.require(self.test("eq", kind, bits, 0), otherwise)

    def require_object(self, pointer: str, otherwise: str) -> None:
        """Goes to `otherwise` if the pointer is null."""
        self.require(self.test("ne", "ptr", pointer, "null"), otherwise)

    def call_slot(self, result: str, name: str, arguments: str) -> str:
        """Calls the C function whose address is in a slot."""
        text = f"call {result} {self.word(name)}({arguments})"
        if result == "void":
            self.fn.line(text)
            return ""
        return self.fn.emit(text)

    def increase(self, value: str) -> None:
        """Takes a reference. References are never counted in generated code itself."""
        self.call_slot("void", "incref", f"ptr {value}")

    def drop(self, value: str) -> None:
        """Drops a reference; the pointer may be null."""
        self.call_slot("void", "decref", f"ptr {value}")

    def for_each(self, function: str, objects: str, count: int | str) -> None:
        """Calls the C function of a slot ("incref" or "decref") on each of an array of objects."""
        if count == 0:
            return
        helper = self.module.helper(
            "layerjit_for_each",
            ["ptr %function", "ptr %objects", "i64 %count"],
            "void",
            _build_for_each,
            UNOPTIMIZED,
        )
        self.fn.line(f"call void {helper}(ptr {self.word(function)}, ptr {objects}, i64 {count})")

    def loop(self, count: int | str) -> Loop:
        """A loop; `with pieces.loop(n) as i:` writes its body, for i from 0 to n - 1, n >= 1."""
        return Loop(self.fn, count)

    def new_large(self, rank: str, shape: str, dtype: str, size: str) -> str:
        """An empty array whose memory is recycled if it has many bytes."""
        parameters = ["ptr %ctx", "i32 %rank", "ptr %shape", "ptr %dtype", "i64 %bytes"]
        helper = self.module.helper("layerjit_new_array", parameters, "ptr", _build_new_array, UNOPTIMIZED)
        arguments = f"ptr {self.context}, i32 {rank}, ptr {shape}, ptr {dtype}, i64 {size}"
        return self.fn.emit(f"call ptr {helper}({arguments})", "array")

    def take_arena(self, size: str) -> str:
        """A block of at least `size` bytes of scratch memory, or null when there is no memory."""
        helper = self.module.helper(
            "layerjit_take_arena", ["ptr %ctx", "i64 %size"], "ptr", _build_take_arena, UNOPTIMIZED
        )
        return self.fn.emit(f"call ptr {helper}(ptr {self.context}, i64 {size})", "block")

    def arena_memory(self, block: str) -> str:
        """The kernels' memory in a block, 64-byte aligned; the block's capacity stands before it."""
        return self.at_offset(block, _ARENA_LINE)

    def put_arena(self, block: str) -> None:
        """Gives a block back: it becomes the spare one, and the spare one that was there is freed."""
        helper = self.module.helper(
            "layerjit_put_arena", ["ptr %ctx", "ptr %block"], "void", _build_put_arena, UNOPTIMIZED
        )
        self.fn.line(f"call void {helper}(ptr {self.context}, ptr {block})")


class Loop:
    """A counted loop under construction."""

    def __init__(self, fn: FunctionText, count: int | str) -> None:
        """Made by Pieces.loop."""
        self.fn, self.count = fn, count
        self.head, self.latch, self.done = (fn.new_label(hint) for hint in ("head", "latch", "done"))
        self.next = fn.fresh("next")

    def __enter__(self) -> str:
        """Starts the body; returns the counter."""
        before = self.fn.block
        self.fn.branch(self.head)
        self.fn.place(self.head)
        self.counter = self.fn.phi("i64", [("0", before), (self.next, self.latch)], "i")
        return self.counter

    def __exit__(self, *_: object) -> None:
        """Ends the body; instructions that follow run after the loop."""
        fn = self.fn
        fn.branch(self.latch)
        fn.place(self.latch)
        fn.line(f"{self.next} = add i64 {self.counter}, 1")
        fn.branch_if(fn.emit(f"icmp ult i64 {self.next}, {self.count}", "c"), self.head, self.done)
        fn.place(self.done)


def _build_for_each(fn: FunctionText) -> None:
    """Void (ptr function, ptr objects, i64 count): calls the function on every object."""
    pieces = Pieces(fn)
    pieces.require(pieces.test("ne", "i64", "%count", 0), "end")
    with pieces.loop("%count") as i:
        fn.line(f"call void %function(ptr {pieces.load('ptr', pieces.at_word('%objects', i))})")
    fn.branch("end")
    fn.place("end")
    fn.ret()


def _build_new_array(fn: FunctionText) -> None:
    """Ptr (ptr ctx, i32 rank, ptr shape, ptr dtype, i64 bytes): as PyArray_Empty."""
    pieces = Pieces(fn)
    pieces.context = "%ctx"
    pieces.require(pieces.test("uge", "i64", "%bytes", LARGE), "plain")
    state = pieces.word("recycler")
    empty = pieces.load("ptr", state, recycle_text.EMPTY)
    fn.branch_if(pieces.test("ne", "ptr", empty, "null"), "recycled", "later")
    fn.place("recycled")
    fn.ret(f"ptr {fn.emit(f'call ptr {empty}(ptr {state}, i32 %rank, ptr %shape, ptr %dtype)')}")
    fn.place("later")
    start = pieces.load("ptr", state, recycle_text.START)
    pieces.require_object(start, "plain")
    fn.line(f"call void {start}()")
    fn.branch("plain")
    fn.place("plain")
    fn.ret(f"ptr {pieces.call_slot('ptr', 'empty', 'i32 %rank, ptr %shape, ptr %dtype, i32 0')}")


def _spare(pieces: Pieces) -> str:
    return pieces.at_offset("%ctx", 8 * slot("arena"))


def _build_take_arena(fn: FunctionText) -> None:
    """Ptr (ptr ctx, i64 size): the spare block if it is large enough, else a new one.

    The exchange leaves none behind, so of two threads only one gets the block.
    """
    pieces = Pieces(fn)
    pieces.context = "%ctx"
    block = fn.emit(f"atomicrmw xchg ptr {_spare(pieces)}, ptr null acq_rel")
    pieces.require_object(block, "new")
    enough = pieces.test("uge", "i64", pieces.load("i64", block), "%size")
    fn.branch_if(enough, "found", "small")
    fn.place("found")
    fn.ret(f"ptr {block}")
    fn.place("small")
    pieces.call_slot("void", "free", f"ptr {block}")
    fn.branch("new")
    fn.place("new")
    lines = fn.emit(f"add i64 %size, {2 * _ARENA_LINE - 1}")
    bytes_ = fn.emit(f"and i64 {lines}, -{_ARENA_LINE}")
    made = pieces.call_slot("ptr", "alloc", f"i64 {_ARENA_LINE}, i64 {bytes_}")
    pieces.require_object(made, "none")
    pieces.store("i64", fn.emit(f"sub i64 {bytes_}, {_ARENA_LINE}"), made)
    fn.ret(f"ptr {made}")
    fn.place("none")
    fn.ret("ptr null")


def _build_put_arena(fn: FunctionText) -> None:
    """Void (ptr ctx, ptr block)."""
    pieces = Pieces(fn)
    pieces.context = "%ctx"
    old = fn.emit(f"atomicrmw xchg ptr {_spare(pieces)}, ptr %block acq_rel")
    pieces.require_object(old, "end")
    pieces.call_slot("void", "free", f"ptr {old}")
    fn.branch("end")
    fn.place("end")
    fn.ret()
