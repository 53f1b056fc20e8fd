"""Drivers: the code that runs the bodies of cond, while and scan, as one function per node.

A driver has the parameters of layerjit_main; its table of buffers holds the node's operands, then its results. Elements
of scanned values are read, and stacked results written, where they lie. A carried value has two buffers, its result's
and one of scratch, which swap roles after every iteration; one that the body updates in place has its result's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen.emit.driver_spec import Body, DriverSpec, aligned
from codegen.emit.kernel import load_symbols
from codegen.emit.memory import NO_MEMORY, allocate, copy, release
from codegen.emit.poll import poll
from codegen.emit.text import FunctionText, ModuleText
from codegen.runtime.dimcode import emit_dim
from graphcore import dims
from graphcore.dims import Dim

MAIN_PARAMETERS = ("ptr %ctx", "ptr %bufs", "ptr %dims", "ptr %arena")
"""The parameters of layerjit_main, of bodies and of drivers."""

FIRST_ROOM = 16
"""Iterations that the buffers of saved values have room for at first; then it doubles."""


def emit_driver(module: ModuleText, symbols: Sequence[str], spec: DriverSpec) -> FunctionText:
    """Adds the driver to the module."""
    emitter = _Driver(module, symbols, spec)
    {"cond": emitter.cond, "while": emitter.while_, "scan": emitter.scan}[spec.kind]()
    return emitter.fn


class _Driver:
    """One driver under construction."""

    def __init__(self, module: ModuleText, symbols: Sequence[str], spec: DriverSpec) -> None:
        self.module, self.spec, self.symbols = module, spec, tuple(symbols)
        self.fn = fn = module.function(spec.name, MAIN_PARAMETERS, "i32", "internal")
        fn.comment(spec.text().replace("\n", "\n  ;"))
        sizes = [*spec.carried, *spec.scanned, *spec.stacked, spec.length, spec.scratch, spec.work]
        sizes += [d for p in spec.packs for d in (p.nbytes, p.chunks)]
        self.sizes = load_symbols(fn, symbols, dims.free_symbols(sizes))
        self.memo: dict[Dim, str] = {}
        self.count = len(spec.carried)
        self.ends: list[tuple[str, str]] = []

    # -- pieces

    def dim(self, d: Dim) -> str:
        return emit_dim(self.fn, d, self.sizes, self.memo)

    def word(self, table: str, index: int) -> str:
        """The address of an entry of a table of pointers."""
        return self.fn.emit(f"getelementptr ptr, ptr {table}, i64 {index}", "p") if index else table

    def load(self, table: str, index: int) -> str:
        return self.fn.emit(f"load ptr, ptr {self.word(table, index)}, align 8", "buf")

    def store(self, pointer: str, table: str, index: int) -> None:
        self.fn.line(f"store ptr {pointer}, ptr {self.word(table, index)}, align 8")

    def at(self, base: str, offset: str) -> str:
        return base if offset == "0" else self.fn.emit(f"getelementptr i8, ptr {base}, i64 {offset}", "p")

    def copy(self, target: str, source: str, size: str) -> None:
        copy(self.fn, target, source, size)

    def run(self, body: Body, table: str) -> None:
        """Calls a body; ends the driver with its status if it fails."""
        fn = self.fn
        arena = self.at("%arena", self.dim(self.spec.bodies_at))
        arguments = [("ptr", "%ctx"), ("ptr", table), ("ptr", "%dims"), ("ptr", arena)]
        self.stop_if(fn.call("i32", body.name, arguments, external=False))

    def stop_if(self, status: str) -> None:
        fn = self.fn
        failed, fine = fn.new_label("failed"), fn.new_label("fine")
        fn.branch_if(fn.emit(f"icmp ne i32 {status}, 0", "c"), failed, fine)
        fn.place(failed)
        fn.ret(f"i32 {status}")
        fn.place(fine)

    # -- cond

    def cond(self) -> None:
        fn, last = self.fn, len(self.spec.bodies) - 1
        # Captures and results lie behind the index in the table, just as a body wants them.
        index = fn.emit(f"load i32, ptr {self.load('%bufs', 0)}, align 4", "index")
        table = self.word("%bufs", 1)
        start = self.at("%arena", self.dim(self.spec.bodies_at))
        labels = [fn.new_label("branch") for _ in self.spec.bodies]
        cases = " ".join(f"i32 {i}, label %{label}" for i, label in enumerate(labels[:last]))
        fn.line(f"switch i32 {index}, label %{labels[last]} [ {cases} ]")
        arguments = [("ptr", "%ctx"), ("ptr", table), ("ptr", "%dims"), ("ptr", start)]
        for body, label in zip(self.spec.bodies, labels, strict=True):
            fn.place(label)
            fn.ret(f"i32 {fn.call('i32', body.name, arguments, external=False)}")

    # -- loops

    def _prepare(self, outputs: int, element_inputs: int) -> tuple[str, str, str]:
        """The table of the bodies' buffers, and those of the carried values' next and spare buffers."""
        spec, fn = self.spec, self.fn
        self.inputs = spec.operands
        table = fn.alloca(f"[{self.inputs + max(outputs, 1) + len(spec.packs)} x ptr]")
        following = fn.alloca(f"[{max(self.count, 1)} x ptr]")
        spare = fn.alloca(f"[{max(self.count, 1)} x ptr]")
        for i in range(self.inputs):
            if not self.count <= i < self.count + element_inputs:
                self.store(self.load("%bufs", i), table, i)
        offset: Dim = 0
        for i in range(self.count):
            result = self.load("%bufs", spec.operands + i)
            if i in spec.in_place:
                self.copy(result, self.load("%bufs", i), self.dim(spec.carried[i]))
                self.store(result, table, i)
                self.store(result, following, i)
                continue
            second = self.at("%arena", self.dim(offset))
            offset = offset + aligned(spec.carried[i])
            first, second = self._order(result, second)
            self.store(first, following, i)
            self.store(second, spare, i)
        self._pack(table, self.inputs + outputs)
        return table, following, spare

    def _pack(self, table: str, first: int) -> None:
        """Makes the copies of captures, whose addresses come into the table from entry `first` on."""
        fn, offset = self.fn, self.spec.packs_at
        arguments = fn.alloca("[2 x ptr]") if self.spec.packs else ""
        for i, pack in enumerate(self.spec.packs):
            copy = self.at("%arena", self.dim(offset))
            offset = offset + aligned(pack.nbytes)
            self.store(self.load("%bufs", pack.operand), arguments, 0)
            self.store(copy, arguments, 1)
            self.store(copy, table, first + i)
            table_words = [("ptr", arguments), ("ptr", "%dims"), ("ptr", "null")]
            words = [*table_words, ("i64", "0"), ("i64", self.dim(pack.chunks))]
            fn.call("i32", pack.kernel, words, external=False)

    def _order(self, result: str, second: str) -> tuple[str, str]:
        """Which buffer is written first: in a scan the one that makes the last iteration write the result."""
        if self.spec.kind != "scan":
            return result, second
        odd = self.fn.memo.get("odd")
        if odd is None:
            odd = self.fn.memo["odd"] = self.fn.emit(f"trunc i64 {self.dim(self.spec.length)} to i1", "odd")
        pick = "select i1 {}, ptr {}, ptr {}"
        return (
            self.fn.emit(pick.format(odd, result, second), "first"),
            self.fn.emit(pick.format(odd, second, result), "second"),
        )

    def _aim(self, table: str, following: str) -> None:
        """Lets the body write the next values of what is carried."""
        for i in range(self.count):
            self.store(self.load(following, i), table, self.inputs + i)

    def _swap(self, table: str, following: str, spare: str) -> None:
        """What was written is current now; it is written over in the iteration after the next."""
        for i in self.spec.swapped:
            made, free = self.load(following, i), self.load(spare, i)
            self.store(made, table, i)
            self.store(free, following, i)
            self.store(made, spare, i)

    def _finish(self, table: str) -> None:
        """Copies the last values to the results, where they do not lie there already."""
        fn = self.fn
        for i in self.spec.swapped:
            current, result = self.load(table, i), self.load("%bufs", self.spec.operands + i)
            elsewhere, there = fn.new_label("elsewhere"), fn.new_label("there")
            fn.branch_if(fn.emit(f"icmp ne ptr {current}, {result}", "c"), elsewhere, there)
            fn.place(elsewhere)
            self.copy(result, current, self.dim(self.spec.carried[i]))
            fn.branch(there)
            fn.place(there)
        fn.ret("i32 0")

    def _loop(self, going: Callable[[str], str], inside: Callable[[str], None]) -> str:
        """Runs `inside(t)` while `going(t)`, for t = 0, 1, ...; returns how often."""
        fn = self.fn
        spec = self.spec
        for d in (*spec.carried, *spec.scanned, *spec.stacked, spec.length, spec.bodies_at, spec.work):
            self.dim(d)  # computed here, where every block of the loop can use it
        head, body, done = fn.new_label("loop"), fn.new_label("body"), fn.new_label("done")
        arms = [("0", fn.block)]
        fn.branch(head)
        fn.place(head)
        t = fn.phi("i64", arms, "t")
        fn.branch_if(going(t), body, done)
        fn.place(body)
        self.stop_if(poll(fn, self.dim(spec.work)))
        inside(t)
        arms.append((fn.emit(f"add nuw nsw i64 {t}, 1", "next"), fn.block))
        fn.branch(head)
        fn.place(done)
        return t

    def scan(self) -> None:
        spec, fn = self.spec, self.fn
        length = self.dim(spec.length)
        table, following, spare = self._prepare(self.count + len(spec.stacked), len(spec.scanned))
        xs = [self.load("%bufs", self.count + i) for i in range(len(spec.scanned))]
        ys = [self.load("%bufs", spec.operands + self.count + i) for i in range(len(spec.stacked))]

        def inside(t: str) -> None:
            place = t
            if spec.reverse:
                place = fn.emit(f"sub i64 {fn.emit(f'sub i64 {length}, 1', 'last')}, {t}", "place")
            for i, (x, size) in enumerate(zip(xs, spec.scanned, strict=True)):
                self.store(self._element(x, place, size), table, self.count + i)
            for i, (y, size) in enumerate(zip(ys, spec.stacked, strict=True)):
                self.store(self._element(y, place, size), table, self.inputs + self.count + i)
            self._aim(table, following)
            self.run(spec.bodies[0], table)
            self._swap(table, following, spare)

        self._loop(lambda t: fn.emit(f"icmp slt i64 {t}, {length}", "c"), inside)
        self._finish(table)

    def _element(self, base: str, place: str, size: Dim) -> str:
        return self.at(base, self.fn.emit(f"mul i64 {place}, {self.dim(size)}", "offset"))

    def while_(self) -> None:
        spec, fn = self.spec, self.fn
        condition, body = spec.bodies
        table, following, spare = self._prepare(max(self.count, 1), 0)
        flag = fn.alloca("i8")
        history = [self.load("%bufs", spec.operands + self.count + i) for i in spec.saved]
        room = fn.alloca("i64")
        if spec.saved:
            self._first_room(history, room)

        def going(t: str) -> str:
            self.store(flag, table, self.inputs)
            self.run(condition, table)
            return fn.emit(f"icmp ne i8 {fn.emit(f'load i8, ptr {flag}, align 1', 'flag')}, 0", "c")

        def inside(t: str) -> None:
            if spec.saved:
                self._keep(history, room, t, table)
            self._aim(table, following)
            self.run(body, table)
            self._swap(table, following, spare)

        trips = self._loop(going, inside)
        if spec.save:
            number = self.symbols.index(spec.save)
            at = fn.emit(f"getelementptr i64, ptr %dims, i64 {number}", "p")
            fn.line(f"store i64 {trips}, ptr {at}, align 8")
        self._finish(table)

    # -- saved values

    def _first_room(self, history: Sequence[str], room: str) -> None:
        for holder, i in zip(history, self.spec.saved, strict=True):
            size = self.fn.emit(f"mul i64 {self.dim(self.spec.carried[i])}, {FIRST_ROOM}", "size")
            self._allocate_to(holder, size)
        self.fn.line(f"store i64 {FIRST_ROOM}, ptr {room}, align 8")

    def _allocate_to(self, holder: str, size: str) -> str:
        """A new buffer whose address goes to `holder`, which its owner frees; ends the driver if there is none."""
        fn = self.fn
        block = allocate(fn, size)
        none, some = fn.new_label("none"), fn.new_label("some")
        fn.branch_if(fn.emit(f"icmp eq ptr {block}, null", "c"), none, some)
        fn.place(none)
        fn.ret(f"i32 {NO_MEMORY}")
        fn.place(some)
        fn.line(f"store ptr {block}, ptr {holder}, align 8")
        return block

    def _keep(self, history: Sequence[str], room: str, t: str, table: str) -> None:
        """Appends the carried values to what is saved."""
        fn = self.fn
        have = fn.emit(f"load i64, ptr {room}, align 8", "room")
        full, fits = fn.new_label("full"), fn.new_label("fits")
        fn.branch_if(fn.emit(f"icmp eq i64 {t}, {have}", "c"), full, fits)
        fn.place(full)
        for holder, i in zip(history, self.spec.saved, strict=True):
            used = fn.emit(f"mul i64 {have}, {self.dim(self.spec.carried[i])}", "used")
            old = fn.emit(f"load ptr, ptr {holder}, align 8", "old")
            # The old buffer stays its owner's until the new one is there: a failure frees it.
            block = self._allocate_to(holder, fn.emit(f"mul i64 {used}, 2", "size"))
            self.copy(block, old, used)
            release(fn, old)
        fn.line(f"store i64 {fn.emit(f'mul i64 {have}, 2', 'more')}, ptr {room}, align 8")
        fn.branch(fits)
        fn.place(fits)
        for holder, i in zip(history, self.spec.saved, strict=True):
            block = fn.emit(f"load ptr, ptr {holder}, align 8", "block")
            size = self.spec.carried[i]
            self.copy(self._element(block, t, size), self.load(table, i), self.dim(size))
