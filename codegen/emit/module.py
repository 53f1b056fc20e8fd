"""A whole graph as one LLVM module: its kernels, each once, and `layerjit_main`, which calls them in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from codegen import loopir
from codegen.emit import gemm
from codegen.emit.contract import ContractEmitter, ShapeDims, is_contract, operand_view
from codegen.emit.driver import emit_driver
from codegen.emit.driver_spec import DriverSpec, Pack
from codegen.emit.kernel import PARAMETERS, Emitter
from codegen.emit.main import MainSpec, emit_main
from codegen.emit.stages import StageEmitter, holds_contracts
from codegen.emit.text import FunctionText, ModuleText
from codegen.loop_text import to_text
from codegen.loopir import Kernel
from codegen.packing import PackedCapture
from codegen.target import Target
from codegen.work import chunk_step, chunk_work, contraction_work, divides
from graphcore.dims import Dim, floordiv, maximum


class Emitted(NamedTuple):
    """A kernel in the module.

    Attributes:
        name: its symbol; several steps share one kernel if they compute alike.
        chunks: how many chunks its range has.
        scratch: bytes of private memory that it needs.
        function: its text, helper functions excluded.
        work: about how many picoseconds a chunk takes.
        total: the same of all chunks.
        step: of how many chunks a piece for one thread should be a multiple.
        divides: whether chunks may run at the same time.
    """

    name: str
    chunks: Dim
    scratch: Dim
    function: FunctionText
    work: Dim
    total: Dim
    step: int = 1
    divides: bool = True


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
            if holds_contracts(kernel):
                found = self._stages(kernel)
            else:
                found = self._contract(kernel, packed) if is_contract(kernel) else self._loops(kernel)
            self._known[key] = found
        return found

    def _loops(self, kernel: Kernel) -> Emitted:
        fn = self.text.function(kernel.name, PARAMETERS, "i32", "internal")
        emitter = Emitter(fn, self.target, kernel, self.symbols)
        emitter.body(kernel.body)
        emitter.finish()
        work = chunk_work(kernel, frozenset(self.symbols))
        scratch = loopir.scratch_bytes(kernel)
        step, total = chunk_step(kernel), kernel.chunks * work
        return Emitted(kernel.name, kernel.chunks, scratch, fn, work, total, step, divides(kernel))

    def _stages(self, kernel: Kernel) -> Emitted:
        fn = self.text.function(kernel.name, PARAMETERS, "i32", "internal")
        emitter = StageEmitter(fn, self.text, self.target, kernel, self.symbols)
        emitter.body(kernel.body)
        emitter.finish()
        work = chunk_work(kernel, frozenset(self.symbols))
        return Emitted(
            kernel.name, kernel.chunks, emitter.scratch_size, fn, work, kernel.chunks * work, divides=divides(kernel)
        )

    def _contract(self, kernel: Kernel, packed: bool) -> Emitted:
        made = ContractEmitter(self.text, kernel, self.target, self.symbols, packed=packed).emit()
        fn = next(f for f in self.text.functions if f.name == kernel.name)
        work = contraction_work(kernel.body[0])
        chunks = made.chunk_count
        return Emitted(kernel.name, chunks, made.scratch_bytes, fn, floordiv(work, maximum(chunks, 1)), work)

    def pack(self, name: str, item: PackedCapture) -> Pack:
        """Adds the kernel that packs what a loop captures."""
        spec = gemm.GemmSpec(
            item.dtype, 1, item.n, item.k, gemm.Operand(k=1, batch=(0,) * len(item.batch)), operand_view(item.b, 0),
            item.batch, blocks=item.blocks,
        )  # fmt: skip
        emit = ShapeDims(self.symbols)
        made = gemm.emit_pack_b(self.text, name, spec, self.target, emit_dim=emit, out_arg=1)
        size = gemm.packed_elements(spec, self.target) * item.dtype.size
        return Pack(item.number, made.name, made.chunk_count, size)

    def main(self, spec: MainSpec) -> FunctionText:
        """Adds the function of a graph: layerjit_main, or a body of a control node."""
        return emit_main(self.text, self.symbols, spec)

    def driver(self, spec: DriverSpec) -> FunctionText:
        """Adds what runs the bodies of a control node."""
        return emit_driver(self.text, self.symbols, spec)


def _structure(kernel: Kernel) -> str:
    """The kernel's text without what may differ between equal kernels."""
    anonymous = kernel._replace(name="", node_ids=(), messages=("",) * len(kernel.messages), category="")
    return to_text(anonymous)
