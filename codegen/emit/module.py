"""A whole graph as one LLVM module: its kernels, each once, and `layerjit_main`, which calls them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from codegen import loopir
from codegen.emit.contract import ContractEmitter, is_contract
from codegen.emit.kernel import PARAMETERS, Emitter, load_symbols
from codegen.emit.text import UNOPTIMIZED, FunctionText, ModuleText
from codegen.layout import Place, Step
from codegen.loopir import Kernel
from codegen.runtime.context import slot
from codegen.runtime.dimcode import emit_dim
from codegen.target import Target
from graphcore import dims
from graphcore.dims import Dim
from graphcore.graph import Const


class Emitted(NamedTuple):
    """A kernel in the module.

    Attributes:
        name: its symbol; several steps share one kernel if they compute alike.
        chunks: how many chunks its range has.
        scratch: bytes of private memory that it needs.
        function: its text, helper functions excluded.
    """

    name: str
    chunks: Dim
    scratch: Dim
    function: FunctionText


class GraphModule:
    """Builds the module of one graph."""

    def __init__(self, target: Target, symbols: Sequence[str]) -> None:
        """Starts an empty module.

        Args:
            target: the CPU.
            symbols: names of the sizes in the dims array, in order.
        """
        self.target = target
        self.symbols = tuple(symbols)
        attributes = {"target-cpu": target.cpu, "target-features": target.features}
        width = target.vector_bits if target.isa == "avx512" else 0
        self.text = ModuleText({k: v for k, v in attributes.items() if v}, prefer_vector_width=width)
        self._known: dict[tuple[str, bool], Emitted] = {}

    def kernel(self, kernel: Kernel, *, packed: bool = False) -> Emitted:
        """Adds a kernel, or finds the one that computes the same; `packed` says that of B it gets a packed copy."""
        key = (_structure(kernel), packed)
        found = self._known.get(key)
        if found is None:
            found = self._contract(kernel, packed) if is_contract(kernel) else self._loops(kernel)
            self._known[key] = found
        return found

    def _loops(self, kernel: Kernel) -> Emitted:
        fn = self.text.function(kernel.name, PARAMETERS, "i32", "internal")
        emitter = Emitter(fn, self.target, kernel, self.symbols)
        emitter.body(kernel.body)
        emitter.finish()
        return Emitted(kernel.name, kernel.chunks, loopir.scratch_bytes(kernel), fn)

    def _contract(self, kernel: Kernel, packed: bool) -> Emitted:
        made = ContractEmitter(self.text, kernel, self.target, self.symbols, packed=packed).emit()
        fn = next(f for f in self.text.functions if f.name == kernel.name)
        return Emitted(kernel.name, made.chunk_count, made.scratch_bytes, fn)

    def main(self, steps: Sequence[Step], scratch: Dim, inputs: int, outputs: int) -> None:
        """Adds layerjit_main.

        Args:
            steps: what to run, in order.
            scratch: where the kernels' private memory starts in the arena.
            inputs: the number of inputs; outputs follow them in the table of buffers.
            outputs: the number of outputs; packed copies follow them.
        """
        _Main(self, steps, scratch, {"input": 0, "output": inputs, "packed": inputs + outputs}).emit()


def _structure(kernel: Kernel) -> str:
    """The kernel's text without what may differ between equal kernels."""
    anonymous = kernel._replace(name="", node_ids=(), messages=("",) * len(kernel.messages), category="")
    return loopir.to_text(anonymous)


def _escaped(data: bytes) -> str:
    """Bytes as the inside of an LLVM string constant; by table, since constants may be large."""
    table = np.array([f"\\{b:02X}".encode() for b in range(256)])
    return table[np.frombuffer(data, np.uint8)].tobytes().decode()


class _Main:
    """Emits layerjit_main: i32 (ptr ctx, ptr bufs, ptr dims, ptr arena)."""

    def __init__(
        self, module: GraphModule, steps: Sequence[Step], scratch: Dim, first: Mapping[str, int]
    ) -> None:
        self.module, self.steps, self.first = module, steps, first
        self.fn = module.text.function(
            "layerjit_main", ("ptr %ctx", "ptr %bufs", "ptr %dims", "ptr %arena"), "i32", attributes=UNOPTIMIZED
        )
        places = [p for s in steps for p in s.places]
        chunks = [s.emitted.chunks for s in steps if s.emitted is not None]
        wanted = dims.free_symbols([scratch, *chunks, *(p.number for p in places if p.kind == "arena")])
        self.sizes = load_symbols(self.fn, module.symbols, wanted)
        self.memo: dict[Dim, str] = {}
        self.pointers: dict[Place, str] = {}
        self.scratch = self._offset("%arena", scratch)
        widest = max((len(s.places) for s in steps), default=0)
        self.table = self.fn.alloca(f"[{max(widest, 1)} x ptr]")
        for place in dict.fromkeys(places):
            self.pointers[place] = self._pointer(place)

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
        number = place.number + self.first[place.kind]
        at = self.fn.emit(f"getelementptr ptr, ptr %bufs, i64 {number}", "p")
        return self.fn.emit(f"load ptr, ptr {at}, align 8", "buf")

    def _constant(self, const: Const | None) -> str:
        assert const is not None
        data = const.array.tobytes()
        text = _escaped(data)
        return self.module.text.constant(f"[{len(data)} x i8]", f'c"{text}"' if data else "zeroinitializer")

    def emit(self) -> None:
        """Calls every step; stops at the first that fails."""
        for step in self.steps:
            for i, place in enumerate(step.places):
                at = self.fn.emit(f"getelementptr ptr, ptr {self.table}, i64 {i}", "p") if i else self.table
                self.fn.line(f"store ptr {self.pointers[place]}, ptr {at}, align 8")
            if step.emitted is None:
                self._host(step)
            else:
                self._kernel(step)
        self.fn.ret("i32 0")

    def _kernel(self, step: Step) -> None:
        emitted = step.emitted
        assert emitted is not None
        arguments = [
            ("ptr", self.table), ("ptr", "%dims"), ("ptr", self.scratch), ("i64", "0"),
            ("i64", self._dim(emitted.chunks)),
        ]  # fmt: skip
        status = self.fn.call("i32", emitted.name, arguments, external=False)
        if step.can_fail:
            self._stop_if_failed(status, step.first_code)

    def _host(self, step: Step) -> None:
        at = self.fn.emit(f"getelementptr i64, ptr %ctx, i64 {slot('host')}", "p")
        callback = self.fn.emit(f"load ptr, ptr {at}, align 8", "host")
        status = self.fn.emit(f"call i32 {callback}(i64 {step.host}, ptr {self.table}, ptr %dims)", "status")
        self._stop_if_failed(status, 0)

    def _stop_if_failed(self, status: str, first: int) -> None:
        fn = self.fn
        failed, fine = fn.new_label("failed"), fn.new_label("fine")
        fn.branch_if(fn.emit(f"icmp ne i32 {status}, 0"), failed, fine)
        fn.place(failed)
        code = fn.emit(f"add i32 {status}, {first}") if first else status
        fn.ret(f"i32 {code}")
        fn.place(fine)
