"""The function of a graph: `layerjit_main`, and the same for every body of a control node. It runs steps in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codegen.emit.driver import MAIN_PARAMETERS
from codegen.emit.kernel import load_symbols
from codegen.emit.memory import NO_MEMORY, allocate, release_all
from codegen.emit.poll import Counter, poll
from codegen.emit.spread import run_kernel
from codegen.emit.text import UNOPTIMIZED, ModuleText
from codegen.layout import Place, Step
from codegen.runtime.context import slot
from codegen.runtime.dimcode import emit_dim
from graphcore import dims
from graphcore.dims import Dim
from graphcore.graph import Const

if TYPE_CHECKING:
    from codegen.emit.text import FunctionText


class MainSpec(NamedTuple):
    """The function of one graph.

    Attributes:
        name: its symbol.
        steps: what to run, in order.
        scratch: where private memory of kernels and drivers starts in the arena.
        inputs: the number of inputs; outputs follow them in the table of buffers.
        outputs: the number of outputs; packed copies follow them.
        owned: bytes of every buffer that is allocated while it runs; None where a step does so itself.
        known: how many sizes the caller's array holds, or None if all steps may be given that very array.
    """

    name: str
    steps: Sequence[Step]
    scratch: Dim
    inputs: int
    outputs: int
    owned: Sequence[Dim | None] = ()
    known: int | None = None


def emit_main(module: ModuleText, symbols: Sequence[str], spec: MainSpec) -> FunctionText:
    """Adds the function to the module."""
    return _Main(module, symbols, spec).emit()


def _escaped(data: bytes) -> str:
    """Bytes as the inside of an LLVM string constant; by table, since constants may be large."""
    table = np.array([f"\\{b:02X}".encode() for b in range(256)])
    return table[np.frombuffer(data, np.uint8)].tobytes().decode()


class _Main:
    """Emits i32 (ptr ctx, ptr bufs, ptr dims, ptr arena)."""

    def __init__(self, module: ModuleText, symbols: Sequence[str], spec: MainSpec) -> None:
        self.module, self.symbols, self.spec = module, tuple(symbols), spec
        self.first = {"input": 0, "output": spec.inputs, "packed": spec.inputs + spec.outputs}
        outermost = spec.name == "layerjit_main"
        # A body runs often, so there the instructions around its kernels matter.
        self.fn = module.function(
            spec.name, MAIN_PARAMETERS, "i32", "" if outermost else "internal", UNOPTIMIZED if outermost else ""
        )
        places = [p for s in spec.steps for p in s.places]
        chunks = [(e.chunks, e.work, e.total, e.scratch) for s in spec.steps if (e := s.emitted) is not None]
        found = {s.finds for s in spec.steps} - {""}
        owned = [d for d in spec.owned if d is not None]
        wanted = dims.free_symbols([spec.scratch, *chunks, *owned, *(p.number for p in places if p.kind == "arena")])
        self.sizes = load_symbols(self.fn, self.symbols, wanted - found)
        self.dims = "%dims" if spec.known is None else self._private_sizes(spec.known)
        self.memo: dict[Dim, str] = {}
        self.pointers: dict[Place, str] = {}
        self.scratch = self._offset("%arena", spec.scratch)
        widest = max((len(s.places) for s in spec.steps), default=0)
        self.table = self.fn.alloca(f"[{max(widest, 1)} x ptr]")
        self.blocks = self._owned_table()
        self.there: set[int] = set()
        self.counter = Counter()
        for place in dict.fromkeys(places):
            if place.kind not in ("owned", "holder"):
                self.pointers[place] = self._pointer(place)

    def _private_sizes(self, known: int) -> str:
        """A copy of the sizes, with room for those that are found out."""
        fn = self.fn
        copy = fn.alloca(f"[{len(self.symbols)} x i64]")
        for i in range(len(self.symbols)):
            at = fn.emit(f"getelementptr i64, ptr {copy}, i64 {i}", "p") if i else copy
            value = "0"
            if i < known:
                source = fn.emit(f"getelementptr i64, ptr %dims, i64 {i}", "p") if i else "%dims"
                value = fn.emit(f"load i64, ptr {source}, align 8", "size")
            fn.line(f"store i64 {value}, ptr {at}, align 8")
        return copy

    def _owned_table(self) -> str:
        """The addresses of what has been allocated; null so far."""
        count = len(self.spec.owned)
        if not count:
            return ""
        table = self.fn.alloca(f"[{count} x ptr]")
        self.fn.line(f"store [{count} x ptr] zeroinitializer, ptr {table}, align 8")
        return table

    def _dim(self, d: Dim) -> str:
        return emit_dim(self.fn, d, self.sizes, self.memo)

    def _offset(self, base: str, bytes_: Dim) -> str:
        at = self._dim(bytes_)
        return base if at == "0" else self.fn.emit(f"getelementptr i8, ptr {base}, i64 {at}", "p")

    def _pointer(self, place: Place) -> str:
        if place.kind == "arena":
            return self._offset("%arena", place.number)
        if place.kind == "const":
            return self._constant(place.const)
        if place.kind == "none":
            return "null"
        number = place.number + self.first[place.kind]
        at = self.fn.emit(f"getelementptr ptr, ptr %bufs, i64 {number}", "p")
        return self.fn.emit(f"load ptr, ptr {at}, align 8", "buf")

    def _constant(self, const: Const | None) -> str:
        assert const is not None
        data = const.array.tobytes()
        text = _escaped(data)
        return self.module.constant(f"[{len(data)} x i8]", f'c"{text}"' if data else "zeroinitializer")

    # -- owned buffers

    def _place(self, place: Place) -> str:
        """The pointer of a step's argument; allocates an owned buffer when the first step uses it."""
        if place.kind not in ("owned", "holder"):
            return self.pointers[place]
        assert isinstance(place.number, int)
        if place.kind == "holder":
            self.there.add(place.number)
            return self._holder(place.number)
        return self._owned(place.number)

    def _holder(self, number: int) -> str:
        return self.fn.emit(f"getelementptr ptr, ptr {self.blocks}, i64 {number}", "p")

    def _owned(self, number: int) -> str:
        place = Place("owned", number)
        if place not in self.pointers:
            if number in self.there:
                self.pointers[place] = self.fn.emit(f"load ptr, ptr {self._holder(number)}, align 8", "buf")
            else:
                self.pointers[place] = self._allocate(number)
        return self.pointers[place]

    def _allocate(self, number: int) -> str:
        fn, size = self.fn, self.spec.owned[number]
        assert size is not None
        block = allocate(fn, self._dim(size))
        none, some = fn.new_label("none"), fn.new_label("some")
        fn.branch_if(fn.emit(f"icmp eq ptr {block}, null"), none, some)
        fn.place(none)
        self._leave(str(NO_MEMORY))
        fn.place(some)
        fn.line(f"store ptr {block}, ptr {self._holder(number)}, align 8")
        return block

    def _leave(self, status: str) -> None:
        if self.blocks:
            release_all(self.fn, self.blocks, len(self.spec.owned))
        self.fn.ret(f"i32 {status}")

    # -- steps

    def emit(self) -> FunctionText:
        """Runs every step; stops at the first that fails."""
        for number, step in enumerate(self.spec.steps):
            pointers = [self._place(place) for place in step.places]
            scratch = self.scratch if step.scratch_owned is None else self._owned(step.scratch_owned)
            for i, pointer in enumerate(pointers):
                at = self.fn.emit(f"getelementptr ptr, ptr {self.table}, i64 {i}", "p") if i else self.table
                self.fn.line(f"store ptr {pointer}, ptr {at}, align 8")
            if step.driver:
                self._driver(step, scratch)
            elif step.emitted is None:
                self._host(step)
            else:
                self._kernel(step, scratch)
                if self.counter.add(step.emitted.total) and number < len(self.spec.steps) - 1:
                    self._stop_if_failed(poll(self.fn, self._dim(self.counter.take())), 0)
        self._leave("0")
        return self.fn

    def _kernel(self, step: Step, scratch: str) -> None:
        emitted = step.emitted
        assert emitted is not None
        status = run_kernel(self.fn, emitted, self.table, self.dims, scratch, self._dim)
        if step.can_fail:
            self._stop_if_failed(status, step.first_code)

    def _driver(self, step: Step, scratch: str) -> None:
        arguments = [("ptr", "%ctx"), ("ptr", self.table), ("ptr", self.dims), ("ptr", scratch)]
        status = self.fn.call("i32", step.driver, arguments, external=False)
        self._stop_if_failed(status, 0)
        if step.finds:
            number = self.symbols.index(step.finds)
            at = self.fn.emit(f"getelementptr i64, ptr {self.dims}, i64 {number}", "p")
            self.sizes[step.finds] = self.fn.emit(f"load i64, ptr {at}, align 8", "found")

    def _host(self, step: Step) -> None:
        at = self.fn.emit(f"getelementptr i64, ptr %ctx, i64 {slot('host')}", "p")
        callback = self.fn.emit(f"load ptr, ptr {at}, align 8", "host")
        status = self.fn.emit(f"call i32 {callback}(i64 {step.host}, ptr {self.table}, ptr {self.dims})", "status")
        self._stop_if_failed(status, 0)

    def _stop_if_failed(self, status: str, first: int) -> None:
        fn = self.fn
        failed, fine = fn.new_label("failed"), fn.new_label("fine")
        fn.branch_if(fn.emit(f"icmp ne i32 {status}, 0"), failed, fine)
        fn.place(failed)
        self._leave(fn.emit(f"add i32 {status}, {first}") if first else status)
        fn.place(fine)
