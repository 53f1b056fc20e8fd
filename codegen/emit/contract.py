"""Contract statements as dense matrix kernels: operands as views or readers, the body as the epilogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen import loopir
from codegen.emit import gemm
from codegen.emit.filter import emit_filter
from codegen.emit.gemm_copy import Packer
from codegen.emit.gemm_quads import quad_operand
from codegen.emit.gemm_quads import quads as count_quads
from codegen.emit.gemm_spec import Carry
from codegen.emit.gemm_split import pack_split
from codegen.emit.kernel import Emitter, load_symbols, symbols_in
from codegen.emit.scope import Lanes
from codegen.emit.slide import emit_slide
from codegen.emit.text import FunctionText, ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.filter_schedule import FilterSchedule
from codegen.loopir import Contract, Kernel
from codegen.lower.merge import linear_parts
from codegen.runtime.dimcode import emit_dim
from codegen.slide_schedule import SlideSchedule
from codegen.target import Target
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int8, int32

_TOUCHED = 6


class ShapeDims:
    """Evaluates Dims over the sizes that every kernel is given."""

    def __init__(self, symbols: Sequence[str]) -> None:
        """Takes the names of the sizes in %dims, in order."""
        self.symbols = symbols

    def __call__(self, fn: FunctionText, dim: Dim) -> str:
        """The i64 text of a Dim in a function."""
        if isinstance(dim, int):
            return str(dim)
        return emit_dim(fn, dim, load_symbols(fn, self.symbols, dims.free_symbols(dim)))


def operand_view(x: loopir.Operand, position: int) -> gemm.Operand:
    """An operand that is a view of the argument at a position."""
    return gemm.Operand(position, outer=x.outer, k=x.k, batch=x.batch, offset=x.offset)


class ContractEmitter:
    """Emits one kernel whose body is a Contract statement."""

    def __init__(
        self, module: ModuleText, kernel: Kernel, target: Target, symbols: Sequence[str], *, packed: bool = False
    ) -> None:
        """Takes the kernel and the module that it goes to; `packed` says that of B it gets a packed copy."""
        self.packed = packed
        self.module, self.kernel, self.target, self.symbols = module, kernel, target, symbols
        self.statement: Contract = kernel.body[0]
        self.positions = {b.name: i for i, b in enumerate(kernel.args)}

    def emit(self) -> gemm.GemmKernel:
        """Adds the kernel to the module."""
        spec = self.spec()
        return self._slid(spec) or gemm.emit_gemm(
            self.module, self.kernel.name, spec, self.target, emit_dim=ShapeDims(self.symbols), epilogue=self._epilogue
        )

    def spec(self) -> gemm.GemmSpec:
        """The contraction as the dense kernel knows it."""
        s, carry = self.statement, None
        if s.carried is not None:
            carry = Carry(self.positions[s.carried.buffer], s.carried.first, s.carried.left)
        quads = self._quads()
        a, b = quads or (self._operand(s.a, s.row[0]), self._operand(s.b, s.column[0]))
        return gemm.GemmSpec(
            s.dtype, s.row[1], s.column[1], count_quads(s.depth[1]) if quads else s.depth[1], a, b,
            tuple(extent for _, extent in s.batch), b_packed=self.packed, carry=carry, blocks=1 + len(s.more),
            touched=self._touched(), quads=quads is not None,
        )  # fmt: skip

    def _quads(self) -> tuple[gemm.Operand, gemm.Operand] | None:
        """The operands as quads of bytes, where the CPU multiplies those."""
        s = self.statement
        if not self.target.has_vnni or s.dtype is not int32 or s.more or s.carried is not None or s.a.slab is not None:
            return None
        a, b = self._bytes(s.a, s.row[0]), self._bytes(s.b, s.column[0])
        if a is None or b is None:
            return None
        emit_dim, depth = ShapeDims(self.symbols), s.depth[1]
        return quad_operand(a, depth, emit_dim, unsigned=True), quad_operand(b, depth, emit_dim, unsigned=False)

    def pack(self, out: int) -> gemm.GemmKernel:
        """Adds the kernel that packs the right operand into argument `out`, and nothing else."""
        return gemm.emit_pack_b(
            self.module, self.kernel.name, self.spec(), self.target, emit_dim=ShapeDims(self.symbols), out_arg=out
        )

    def _slid(self, spec: gemm.GemmSpec) -> gemm.GemmKernel | None:
        """The kernel, if its left operand is best read from a slab."""
        slab = self.statement.a.slab
        if slab is None:
            return None
        name, target, emit_dim = self.kernel.name, self.target, ShapeDims(self.symbols)

        def emitter(fn: FunctionText) -> Emitter:
            return self._slab_emitter(fn, slab)

        if slab.across:
            schedule = FilterSchedule(spec, slab, target)
            return emit_filter(
                self.module, name, spec, slab, target, schedule, emit_dim=emit_dim, epilogue=self._epilogue,
                emitter=emitter,
            ) if schedule.serves else None  # fmt: skip
        schedule = SlideSchedule(spec, slab, target)
        return emit_slide(
            self.module, name, spec, slab, target, schedule, emit_dim=emit_dim, epilogue=self._epilogue,
            emitter=emitter,
        ) if schedule.serves else None  # fmt: skip

    def _bytes(self, x: loopir.Operand, outer: str) -> gemm.Operand | None:
        """The int8 elements that an operand widens, if it does nothing else."""
        if len(x.body) != 2 or not isinstance(load := x.body[0], loopir.Load) or x.rows:
            return None
        last = x.body[1]
        widens = isinstance(last, loopir.Compute) and last.word == "cast" and last.args == (load.dest,)
        if not widens or load.guard is not None or load.dtype is not int8:
            return None
        return self._view(load.buffer, load.at, outer, self.statement.depth[0])

    def _touched(self) -> tuple[gemm.Touched, ...]:
        """What the epilogue loads and stores at every row, in whole rows; the first few."""
        s, found = self.statement, dict[Any, gemm.Touched]()
        for x in s.body:
            if isinstance(x, loopir.Load | loopir.Store):
                view = self._view(x.buffer, x.at, s.row[0], s.column[0])
                if view is not None and view.k == 1 and view.outer != 0:
                    size = self.kernel.args[view.arg].dtype.size
                    found[x.buffer, x.at] = gemm.Touched(view, size, write=isinstance(x, loopir.Store))
        return tuple(found.values())[:_TOUCHED]

    def _view(self, buffer: str, at: Dim, outer: str, inner: str) -> gemm.Operand | None:
        """A buffer as a matrix over two counters, if the index is linear in those and in the batch counters."""
        batch = [name for name, _ in self.statement.batch]
        names = [n for n in (*batch, outer, inner) if n]
        parts, linear = linear_parts(at, frozenset(names))
        offset = dims.substitute(at, dict.fromkeys(names, 0))
        if not linear or not self._known(offset, *parts.values()):
            return None
        strides = tuple(parts.get(name, 0) for name in batch)
        where = self.positions[buffer]
        return gemm.Operand(where, outer=parts.get(outer, 0), k=parts.get(inner, 0), batch=strides, offset=offset)

    def _known(self, *expressions: Dim) -> bool:
        """Whether index expressions depend on sizes only."""
        return dims.free_symbols(expressions) <= set(self.symbols)

    def _operand(self, x: loopir.Operand, outer: str) -> gemm.Operand:
        if x.buffer:
            return operand_view(x, self.positions[x.buffer])
        if x.rows:
            return gemm.Operand(fill=lambda p, stride: self._fill(p, stride, x))
        return gemm.Operand(read=lambda fn: self._reader(fn, x, outer), axis=self._axis(x, outer))

    def _fill(self, p: Packer, stride: int, x: loopir.Operand) -> None:
        """Packs a block of an operand whose counters are split."""
        emitter = self._emitter(p.fn, x.body)
        free = dims.free_symbols([extent for _, extent in (*x.rows, *x.depth)]) - emitter.scope.symbols.keys()
        emitter.scope.symbols.update(load_symbols(p.fn, self.symbols, set(free)))
        self._batch(emitter, p.batch)
        pack_split(p, stride, x, emitter)

    def _slab_emitter(self, fn: FunctionText, slab: loopir.Slab) -> Emitter:
        """An emitter for the elements of a slab, whose batch counters are known."""
        emitter = self._emitter(fn, slab.body)
        sizes = dims.free_symbols([d for a in slab.axes for d in (a.size, a.out)]) - emitter.scope.symbols.keys()
        emitter.scope.symbols.update(load_symbols(fn, self.symbols, set(sizes)))
        self._batch(emitter, [f"%batch{i}" for i in range(len(self.statement.batch))])
        return emitter

    def _axis(self, x: loopir.Operand, outer: str) -> str:
        """The axis along which most of the operand's loads are contiguous."""
        votes = {"outer": 0, "k": 0}
        for s in x.body:
            if isinstance(s, loopir.Load):
                parts, linear = linear_parts(s.at, frozenset(n for n in (outer, self.statement.depth[0]) if n))
                if linear:
                    votes["outer"] += parts.get(outer, 0) == 1
                    votes["k"] += parts.get(self.statement.depth[0], 0) == 1
        return "k" if votes["k"] >= votes["outer"] else "outer"

    def _emitter(self, fn: FunctionText, body: Sequence[Any]) -> Emitter:
        """An emitter inside a helper function of the contraction; counters are set per point."""
        part = self.kernel._replace(body=list(body))
        emitter = Emitter(fn, self.target, part, self.symbols)
        return emitter

    def _batch(self, emitter: Emitter, texts: Sequence[str]) -> None:
        for (name, _), text in zip(self.statement.batch, texts, strict=True):
            emitter.scope.symbols[name] = text

    def _reader(self, fn: FunctionText, x: loopir.Operand, outer: str) -> gemm.Reader:
        emitter = self._emitter(fn, x.body)
        depth = self.statement.depth[0]

        def read(k: LlvmHandler, point: gemm.ReadPoint) -> Val:
            self._batch(emitter, point.batch)
            scope = emitter.scope
            along, other = (outer, depth) if point.axis == "outer" else (depth, outer)
            start, fixed = (point.outer, point.k) if point.axis == "outer" else (point.k, point.outer)
            if other:
                scope.symbols[other] = fixed
            scope.symbols.pop(along, None)
            if point.lanes == 1:
                if along:
                    scope.symbols[along] = start
                scope.lanes = None
            else:
                scope.lanes = Lanes(along, [start], point.mask, point.lanes)
            emitter.body(x.body)
            value = scope.values[x.value][0]
            scope.lanes = None
            return value

        return read

    def _epilogue(self, fn: FunctionText) -> gemm.Epilogue:
        s = self.statement
        emitter = self._emitter(fn, s.body)

        def store(k: LlvmHandler, acc: Val, point: gemm.OutPoint) -> None:
            self._batch(emitter, point.batch)
            scope = emitter.scope
            if s.row[0]:
                scope.symbols[s.row[0]] = point.m
            sums = zip((s.dest, *s.more), (acc, *point.more), strict=True)
            scope.values.update({name: [value] for name, value in sums})
            scope.lanes = Lanes(s.column[0], [point.n], point.mask, acc.lanes)
            emitter.body(s.body)
            scope.lanes = None

        return store


def is_contract(kernel: Kernel) -> bool:
    """Whether the kernel is one contraction."""
    return len(kernel.body) == 1 and isinstance(kernel.body[0], Contract)


__all__ = ["ContractEmitter", "ShapeDims", "is_contract", "operand_view", "symbols_in"]
