"""Kernels whose loops hold contractions: each of these is a function of its own, called with the counters as sizes.

A right operand that is the same in all iterations of the innermost loop around a contraction is packed before that
loop, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from codegen import loopir
from codegen.emit.contract import ContractEmitter
from codegen.emit.gemm_spec import GemmKernel
from codegen.emit.kernel import Emitter, load_symbols
from codegen.emit.text import FunctionText, ModuleText
from codegen.loopir import Buffer, Contract, IndexOf, Kernel, Loop, Operand
from codegen.schedule import gemm_schedule, packed_elements
from codegen.target import Target
from graphcore import dims


class _Parts(NamedTuple):
    """The functions of a kernel's contractions, and of the packing before loops, by identity of the statement."""

    contracts: dict[int, GemmKernel]
    packs: dict[int, list[GemmKernel]]

    @property
    def scratch(self) -> int:
        """Private memory that the largest of them needs."""
        every = [*self.contracts.values(), *(p for ps in self.packs.values() for p in ps)]
        return max((p.scratch_bytes for p in every), default=0)


class StageEmitter(Emitter):
    """Emits the loops of one kernel, and the contractions in them.

    Attributes:
        scratch_size: bytes of private memory that a running chunk needs.
    """

    def __init__(
        self, fn: FunctionText, module: ModuleText, target: Target, kernel: Kernel, symbols: Sequence[str]
    ) -> None:
        """Emits every contraction as a function; all get tables of arguments, scratch included, and of sizes."""
        self.counters = [_symbol(s) for s in _outside(kernel.body) if isinstance(s, Loop | IndexOf)]
        self.names = (*symbols, *self.counters)
        made = _Functions(module, target, kernel, self.names)
        self.parts = made.emit()
        kernel = kernel._replace(buffers=tuple(made.buffers))
        super().__init__(fn, target, kernel, symbols)
        self.scope.symbols.update(load_symbols(fn, symbols, set(symbols)))
        start = loopir.scratch_bytes(kernel)
        self.scratch_size = start + self.parts.scratch
        self.work = fn.emit(f"getelementptr i8, ptr %scratch, i64 {self.scope.scalar(start)}", "work")
        self.arguments = self._table([("ptr", self.pointers[b.name]) for b in made.buffers])
        self.dims = self._table([("i64", self.scope.symbols.get(name, "0")) for name in self.names])

    def _table(self, words: Sequence[tuple[str, str]]) -> str:
        """An array on the stack that holds some words."""
        table = self.fn.alloca(f"[{max(len(words), 1)} x i64]")
        for i, (kind, text) in enumerate(words):
            self.fn.line(f"store {kind} {text}, ptr {self.k.address(table, 8 * i)}, align 8")
        return table

    def body(self, statements: Sequence[Any]) -> None:
        """Emits statements in order."""
        for s in statements:
            if id(s) in self.parts.contracts:
                self._call(self.parts.contracts[id(s)])
                continue
            for pack in self.parts.packs.get(id(s), ()):
                self._call(pack)
            super().body([s])

    def _call(self, part: GemmKernel) -> None:
        symbols = self.scope.symbols
        for i, name in enumerate(self.names):
            if name in self.counters and name in symbols:
                self.fn.line(f"store i64 {symbols[name]}, ptr {self.k.address(self.dims, 8 * i)}, align 8")
        arguments = [
            ("ptr", self.arguments), ("ptr", self.dims), ("ptr", self.work), ("i64", "0"),
            ("i64", self.scope.scalar(part.chunk_count)),
        ]  # fmt: skip
        self.fn.call("i32", part.name, arguments, external=False)


class _Functions:
    """Emits the contractions of a kernel.

    Attributes:
        buffers: those of the kernel, scratch last, and those for packed operands; sums that are carried get the room
            that their tiles take.
    """

    def __init__(self, module: ModuleText, target: Target, kernel: Kernel, names: Sequence[str]) -> None:
        self.module, self.target, self.kernel, self.names = module, target, kernel, names
        self.buffers = [*kernel.args, *kernel.scratch]
        self.parts = _Parts({}, {})
        self._known: dict[Any, str] = {}

    def emit(self) -> _Parts:
        """Emits all."""
        for loop in _outside(self.kernel.body):
            if isinstance(loop, Loop):
                inner = {_symbol(s) for s in _outside(loop.body) if isinstance(s, Loop | IndexOf)} | {loop.symbol}
                for s in loop.body:
                    if isinstance(s, Contract):
                        self._contract(loop, s, inner)
        return self.parts

    def _emitter(self, s: Contract, *, packed: bool = False) -> ContractEmitter:
        number = len(self.parts.contracts) + sum(map(len, self.parts.packs.values()))
        given = tuple(b._replace(role="in") for b in self.buffers)
        kernel = self.kernel._replace(name=f"{self.kernel.name}.{number}", buffers=given, body=[s])
        return ContractEmitter(self.module, kernel, self.target, self.names, packed=packed)

    def _contract(self, loop: Loop, s: Contract, inner: set[str]) -> None:
        call = s
        packed = not inner & _mentioned(s)
        if packed:
            call = s._replace(b=Operand(self._pack(loop, s)))
        emitter = self._emitter(call, packed=packed)
        if s.carried is not None:
            self._make_room(s.carried.buffer, emitter)
        self.parts.contracts[id(s)] = emitter.emit()

    def _pack(self, loop: Loop, s: Contract) -> str:
        """The buffer that holds the right operand, packed before the loop."""
        key = (id(loop), str(s.b), s.column, s.depth)
        if key not in self._known:
            emitter = self._emitter(s)
            name = self._known[key] = f"pack{len(self.buffers)}"
            size = packed_elements(emitter.spec(), self.target)
            self.buffers.append(Buffer(name, s.dtype, size, "scratch"))
            self.parts.packs.setdefault(id(loop), []).append(emitter.pack(len(self.buffers) - 1))
        return self._known[key]

    def _make_room(self, name: str, emitter: ContractEmitter) -> None:
        spec = emitter.spec()
        schedule = gemm_schedule(spec, self.target)
        at = next(i for i, b in enumerate(self.buffers) if b.name == name)
        blocks = dims.ceildiv(spec.m, schedule.block_m) * dims.ceildiv(spec.n, schedule.block_n)
        size = blocks * (schedule.carry_bytes // spec.dtype.size)
        self.buffers[at] = self.buffers[at]._replace(size=size)


def holds_contracts(kernel: Kernel) -> bool:
    """Whether contractions lie in the kernel's loops."""
    return any(isinstance(s, Loop) and any(isinstance(x, Contract) for x in _outside(s.body)) for s in kernel.body)


def _outside(body: Sequence[Any]) -> Iterator[Any]:
    """Every statement, those of serial loops included, but not those of contractions and vector loops."""
    for s in body:
        yield s
        if isinstance(s, Loop) and s.mode == "serial":
            yield from _outside(s.body)


def _symbol(s: Loop | IndexOf) -> str:
    return s.symbol if isinstance(s, Loop) else s.dest


def _mentioned(s: Contract) -> set[str]:
    """The symbols that the right operand of a contraction depends on."""
    b = s.b
    own = [b.offset, b.outer, b.k, s.column[1], s.depth[1], *(d for x in b.body for d in loopir.index_dims(x))]
    return set(dims.free_symbols(own)) - {s.column[0], s.depth[0]}
