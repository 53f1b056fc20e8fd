"""Sorting of keys, with their positions or without, as one LLVM function per form of key.

Few keys are sorted by insertion; a few first of many are kept in order while vectors of the others are compared with
the last of them. Many go through a radix sort from the lowest byte: one count of all bytes, then a
stable move per byte in which the keys differ. Both are stable and use no comparison of elements, only of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen.emit.text import FunctionText
from codegen.emit.value_loops import any_lane
from codegen.emit.values import LlvmHandler, Val
from codegen.target import Target
from graphcore.dims import Dim
from graphcore.dtypes import DType

FEW = 64
"""Up to so many keys insertion is faster."""

MANY_WANTED = 32
"""Up to so many first keys are selected rather than sorted with all others."""

_VALUES = 256
_VECTOR = 32


def call(fn: FunctionText, dtype: DType, buffers: Sequence[str], low: int, count: str) -> None:
    """Sorts `count` keys of an unsigned dtype by their bytes from `low` on.

    `buffers` are pointers to the keys and as much room; if positions are wanted also to int32s for them and to room.
    """
    width = 8 * dtype.size
    with_order = len(buffers) > 2
    name = f"layerjit.sort.u{width}.{low}{'.order' if with_order else ''}"
    parameters = ["ptr %keys", "ptr %spare", *(["ptr %order", "ptr %spare_order"] if with_order else []), "i64 %count"]
    build = _Sort(width, low, with_order=with_order).build
    fn.module.helper(name, parameters, "void", build, "noinline")
    arguments = [*(("ptr", b) for b in buffers), ("i64", count)]
    fn.call("void", name, arguments, external=False)


def selects(wanted: Dim, length: Dim) -> bool:
    """Whether the first few keys are found without sorting all."""
    few = isinstance(wanted, int) and 0 < wanted <= MANY_WANTED
    return few and not (isinstance(length, int) and length <= 2 * MANY_WANTED)


def select(fn: FunctionText, target: Target, dtype: DType, keys: str, count: str, wanted: str) -> None:
    """Puts the first `wanted` of `count` different keys of an unsigned dtype in front, in order."""
    name = f"layerjit.select.u{8 * dtype.size}"
    build = _Select(8 * dtype.size, target, dtype).build
    fn.module.helper(name, ["ptr %keys", "i64 %count", "i64 %wanted"], "void", build, "noinline")
    fn.call("void", name, [("ptr", keys), ("i64", count), ("i64", wanted)], external=False)


class _Sort:
    """The function under construction. Its arrays are pairs of a name and an element type."""

    fn: FunctionText

    def __init__(self, width: int, low: int, *, with_order: bool) -> None:
        self.width = width
        self.key = f"i{width}"
        self.bytes = range(low, width // 8)
        self.types = [self.key, "i32"] if with_order else [self.key]
        self.own = ["%keys", "%order"] if with_order else ["%keys"]
        self.room = ["%spare", "%spare_order"] if with_order else ["%spare"]

    def build(self, fn: FunctionText) -> None:
        self.fn = fn
        if len(self.own) > 1:
            self._each("0", "%count", lambda i: self._put("%order", i, "i32", fn.emit(f"trunc i64 {i} to i32")))
        few, many = fn.new_label("few"), fn.new_label("many")
        fn.branch_if(fn.emit(f"icmp sle i64 %count, {FEW}"), few, many)
        fn.place(few)
        self._each("1", "%count", self._insert)
        fn.ret()
        fn.place(many)
        self._radix()
        fn.ret()

    # -- pieces

    def _at(self, pointer: str, index: str, type_text: str) -> str:
        return self.fn.emit(f"getelementptr {type_text}, ptr {pointer}, i64 {index}", "p")

    def _get(self, pointer: str, index: str, type_text: str) -> str:
        return self.fn.emit(f"load {type_text}, ptr {self._at(pointer, index, type_text)}")

    def _put(self, pointer: str, index: str, type_text: str, value: str) -> None:
        self.fn.line(f"store {type_text} {value}, ptr {self._at(pointer, index, type_text)}")

    def _each(self, start: str, stop: str, inside: Callable[[str], None], step: int = 1) -> None:
        """`inside(i)` for i = start, start + step, ... below stop."""
        fn = self.fn
        head, body, done = fn.new_label("each"), fn.new_label("body"), fn.new_label("done")
        arms = [(start, fn.block)]
        fn.branch(head)
        fn.place(head)
        i = fn.phi("i64", arms, "i")
        fn.branch_if(fn.emit(f"icmp slt i64 {i}, {stop}"), body, done)
        fn.place(body)
        inside(i)
        arms.append((fn.emit(f"add nsw i64 {i}, {step}"), fn.block))
        fn.branch(head)
        fn.place(done)

    def _element(self, arrays: Sequence[str], index: str) -> list[str]:
        """The entries of some arrays at an index."""
        return [self._get(a, index, t) for a, t in zip(arrays, self.types, strict=True)]

    def _set(self, arrays: Sequence[str], index: str, values: Sequence[str]) -> None:
        for array, type_text, value in zip(arrays, self.types, values, strict=True):
            self._put(array, index, type_text, value)

    # -- few keys

    def _insert(self, i: str) -> None:
        """Moves the keys before that are larger up by one, and puts the key there."""
        self._put_below(i, self._element(self.own, i))

    def _put_below(self, i: str, element: Sequence[str]) -> None:
        """Puts an element into the sorted keys before i, where i is free."""
        fn = self.fn
        head, test, shift, done = (fn.new_label(n) for n in ("slide", "test", "shift", "there"))
        arms = [(i, fn.block)]
        fn.branch(head)
        fn.place(head)
        j = fn.phi("i64", arms, "j")
        fn.branch_if(fn.emit(f"icmp sgt i64 {j}, 0"), test, done)
        fn.place(test)
        before = fn.emit(f"sub nsw i64 {j}, 1")
        other = self._element(self.own, before)
        fn.branch_if(fn.emit(f"icmp ugt {self.key} {other[0]}, {element[0]}"), shift, done)
        fn.place(shift)
        self._set(self.own, j, other)
        arms.append((before, shift))
        fn.branch(head)
        fn.place(done)
        self._set(self.own, j, element)

    # -- many keys

    def _radix(self) -> None:
        fn = self.fn
        counts = fn.alloca(f"[{len(self.bytes) * _VALUES} x i32]")
        clear = "store <16 x i32> zeroinitializer, ptr {0}, align 64"
        vectors = len(self.bytes) * _VALUES // 16
        self._each("0", str(vectors), lambda i: fn.line(clear.format(self._at(counts, i, "<16 x i32>"))))
        self._each("0", "%count", lambda i: self._count(counts, i))
        state = [*self.own, *self.room]
        for digit in range(len(self.bytes)):
            state = self._pass(counts, digit, state)
        # An odd number of moves leaves the result in the spare room.
        copy, done = fn.new_label("copy"), fn.new_label("sorted")
        fn.branch_if(fn.emit(f"icmp eq ptr {state[0]}, %keys"), done, copy)
        fn.place(copy)
        source = state[: len(self.own)]
        self._each("0", "%count", lambda i: self._set(self.own, i, self._element(source, i)))
        fn.branch(done)
        fn.place(done)

    def _count(self, counts: str, i: str) -> None:
        key = self._get("%keys", i, self.key)
        for digit in range(len(self.bytes)):
            self._next(counts, digit, key)

    def _entry(self, counts: str, digit: int, key: str) -> str:
        """The pointer to the count of a key's byte."""
        fn = self.fn
        shift = 8 * self.bytes[digit]
        byte = fn.emit(f"lshr {self.key} {key}, {shift}") if shift else key
        if shift + 8 < self.width:
            byte = fn.emit(f"and {self.key} {byte}, 255")
        wide = byte if self.width == 64 else fn.emit(f"zext {self.key} {byte} to i64")
        return self._at(counts, fn.emit(f"add i64 {wide}, {digit * _VALUES}"), "i32")

    def _next(self, counts: str, digit: int, key: str) -> str:
        """Adds one to the count of a key's byte; returns what it was, as i32."""
        at = self._entry(counts, digit, key)
        have = self.fn.emit(f"load i32, ptr {at}")
        self.fn.line(f"store i32 {self.fn.emit(f'add i32 {have}, 1')}, ptr {at}")
        return have

    def _pass(self, counts: str, digit: int, state: list[str]) -> list[str]:
        """Moves everything to the spare room by one byte; skipped if all keys have one value there."""
        fn = self.fn
        move, done = fn.new_label("move"), fn.new_label("moved")
        same = fn.emit(f"load i32, ptr {self._entry(counts, digit, self._get(state[0], '0', self.key))}")
        all_same = fn.emit(f"icmp eq i64 {fn.emit(f'zext i32 {same} to i64')}, %count")
        skipped = fn.block
        fn.branch_if(all_same, done, move)
        fn.place(move)
        self._starts(counts, digit)
        half = len(self.own)
        swapped = [*state[half:], *state[:half]]
        self._each("0", "%count", lambda i: self._move(counts, digit, state[:half], swapped[:half], i))
        moved = fn.block
        fn.branch(done)
        fn.place(done)
        return [fn.phi("ptr", [(a, skipped), (b, moved)]) for a, b in zip(state, swapped, strict=True)]

    def _starts(self, counts: str, digit: int) -> None:
        """Turns the counts of a byte's values into where each value's keys begin."""
        fn = self.fn
        head, done = fn.new_label("starts"), fn.new_label("begin")
        before = fn.block
        fn.branch(head)
        fn.place(head)
        steps: list[tuple[str, str]] = [(str(digit * _VALUES), before)]
        sums: list[tuple[str, str]] = [("0", before)]
        i, total = fn.phi("i64", steps, "i"), fn.phi("i32", sums, "total")
        have = self._get(counts, i, "i32")
        self._put(counts, i, "i32", total)
        sums.append((fn.emit(f"add i32 {total}, {have}"), head))
        following = fn.emit(f"add nsw i64 {i}, 1")
        steps.append((following, head))
        fn.branch_if(fn.emit(f"icmp slt i64 {following}, {(digit + 1) * _VALUES}"), head, done)
        fn.place(done)

    def _move(self, counts: str, digit: int, source: Sequence[str], target: Sequence[str], i: str) -> None:
        element = self._element(source, i)
        place = self.fn.emit(f"zext i32 {self._next(counts, digit, element[0])} to i64")
        self._set(target, place, element)


class _Select(_Sort):
    """The function that selects, under construction."""

    def __init__(self, width: int, target: Target, dtype: DType) -> None:
        super().__init__(width, 0, with_order=False)
        self.target, self.dtype = target, dtype

    def build(self, fn: FunctionText) -> None:
        self.fn = fn
        fn.line("%last = sub i64 %wanted, 1")
        whole = fn.emit("sub i64 %count, %wanted")
        end = fn.emit(f"add i64 %wanted, {fn.emit(f'and i64 {whole}, {-_VECTOR}')}")
        self._each("1", "%wanted", self._insert)
        self._each("%wanted", end, self._vector, _VECTOR)
        self._each(end, "%count", self._consider)
        fn.ret()

    def _vector(self, i: str) -> None:
        """Looks closer at keys side by side if one of them is below the last that is kept."""
        fn = self.fn
        k = LlvmHandler(fn, self.target.isa, _VECTOR, has_fma=self.target.has_fma)
        limit = Val(self._get("%keys", "%last", self.key), self.dtype, 1)
        below = k.lt(k.load(self._at("%keys", i, self.key), self.dtype), k.splat(limit, _VECTOR))
        some, none = fn.new_label("some"), fn.new_label("none")
        fn.branch_if(any_lane(k, below), some, none)
        fn.place(some)
        self._each(i, fn.emit(f"add nsw i64 {i}, {_VECTOR}"), self._consider)
        fn.branch(none)
        fn.place(none)

    def _consider(self, i: str) -> None:
        """Puts a key among those that are kept if it is below the last of them."""
        fn = self.fn
        key = self._get("%keys", i, self.key)
        lower = fn.emit(f"icmp ult {self.key} {key}, {self._get('%keys', '%last', self.key)}")
        keep, drop = fn.new_label("keep"), fn.new_label("drop")
        fn.branch_if(lower, keep, drop)
        fn.place(keep)
        self._put_below("%last", [key])
        fn.branch(drop)
        fn.place(drop)
