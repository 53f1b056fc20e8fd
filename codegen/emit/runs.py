"""Micro-kernels whose sum over k goes over several runs of a left operand: the lines that a window covers.

`void micro(ptr a, i64 a_stride, ptr b, i64 b_row, i64 b_panel, i64 k, ptr init, ptr tile, i64 runs, i64 a_jump)` is
the micro-kernel of gemm_micro.py with one more loop around it: `runs` times it sums over k elements of A, each time
`a_jump` bytes after the start of the run before, while B goes on. The accumulators stay in registers throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.emit.gemm_index import Index, dispatch
from codegen.emit.gemm_micro import Micro
from codegen.emit.values import Val

if TYPE_CHECKING:
    from codegen.emit.text import ModuleText
    from codegen.schedule import Tile
    from codegen.target import Target
    from graphcore.dtypes import DType

_PARAMETERS = (
    ("ptr", "%a"), ("i64", "%a_stride"), ("ptr", "%b"), ("i64", "%b_row"), ("i64", "%b_panel"), ("i64", "%k"),
    ("ptr", "%init"), ("ptr", "%tile"), ("i64", "%runs"), ("i64", "%a_jump"),
)  # fmt: skip


def call_runs(
    ix: Index, target: Target, dtype: DType, kinds: list[Tile], kind: str, arguments: list[str | int], *, by_row: bool
) -> None:
    """Calls the micro-kernel of that kind, an index into `kinds` that may be a register.

    Args:
        ix: where to.
        target: the CPU.
        dtype: of the operands.
        kinds: the tiles in use.
        kind: which of them.
        arguments: of the micro-kernel.
        by_row: whether k is contiguous in A and its rows are `a_stride` apart, or the other way round.
    """
    fn = ix.fn
    typed = [(t, str(x)) for (t, _), x in zip(_PARAMETERS, arguments, strict=True)]

    def call(number: int) -> None:
        name = _runs_kernel(fn.module, target, dtype, kinds[number], by_row)
        fn.call("void", name[1:], typed, external=False)

    dispatch(ix, kind, len(kinds), call)


def _runs_kernel(module: ModuleText, target: Target, dtype: DType, tile: Tile, by_row: bool) -> str:
    """The micro-kernel for a tile, made on first use in the module; returns its name with the at sign."""
    name = f"layerjit.runs.{dtype.name}.{'row' if by_row else 'col'}.{tile[0]}x{tile[1]}"
    parameters = [f"{t} {n}" for t, n in _PARAMETERS]
    return module.helper(name, parameters, "void", lambda fn: _Runs(fn, dtype, target, tile, by_row).emit())


class _Runs(Micro):
    """Emits one micro-kernel."""

    def emit(self) -> None:
        """The whole function: start values, the loops over runs and over k, and the stores."""
        fn, count = self.fn, self.height * self.vectors
        starts = [self.k.load(self._at("%init", i * self.bytes), self.dtype).text for i in range(count)]
        self._strides()
        *rows, b = self._bases()
        run, loop, ended, done = (fn.new_label(x) for x in ("run", "k", "ended", "done"))
        fn.branch(run)
        fn.place(run)
        names = [fn.fresh("sum") for _ in starts]
        arrived = self._phis(self.type, starts, names, ended, "acc")
        rows_next, b_next = [fn.fresh("line") for _ in rows], fn.fresh("b")
        lines = self._phis("ptr", rows, rows_next, ended, "line")
        (b_run,) = self._phis("ptr", [b], [b_next], ended, "b")
        runs_next = fn.fresh("runs")
        runs = fn.phi("i64", [("%runs", "entry"), (runs_next, ended)])
        fn.branch(loop)
        fn.place(loop)
        self._inner(names, arrived, [*lines, b_run], b_next, (run, loop, ended))
        fn.place(ended)
        for name, x in zip(rows_next, lines, strict=True):
            fn.line(f"{name} = getelementptr i8, ptr {x}, i64 %a_jump")
        fn.line(f"{runs_next} = sub i64 {runs}, 1")
        fn.branch_if(fn.emit(f"icmp sgt i64 {runs_next}, 0"), run, done)
        fn.place(done)
        for i, name in enumerate(names):
            self.k.store(self._at("%tile", i * self.bytes), Val(name, self.dtype, self.lanes))
        fn.ret()

    def _phis(self, kind: str, first: list[str], again: list[str], back: str, hint: str) -> list[str]:
        fn = self.fn
        return [fn.phi(kind, [(x, "entry"), (y, back)], hint) for x, y in zip(first, again, strict=True)]

    def _inner(
        self, names: list[str], arrived: list[str], bases: list[str], b_next: str, labels: tuple[str, str, str]
    ) -> None:
        """The loop over k of one run; its sums are `names`, and B stands at `b_next` after it."""
        fn = self.fn
        run, loop, ended = labels
        sums = [
            fn.phi(self.type, [(x, run), (name, loop)], "acc") for x, name in zip(arrived, names, strict=True)
        ]
        following = [*(fn.fresh("next") for _ in bases[:-1]), b_next]
        carried = [fn.phi("ptr", [(x, run), (y, loop)], "at") for x, y in zip(bases, following, strict=True)]
        left_next = fn.fresh("left")
        left = fn.phi("i64", [("%k", run), (left_next, loop)])
        # Opaque to LLVM: it must not derive one pointer per row from these.
        hidden = [fn.emit(f'call ptr asm "", "=r,0"(ptr {x})', "at") for x in carried]
        self._step(hidden, sums, names)
        steps = [str(self.dtype.size) if self.by_row else "%a_stride"] * (len(bases) - 1) + ["%b_row"]
        for name, x, step in zip(following, hidden, steps, strict=True):
            fn.line(f"{name} = getelementptr i8, ptr {x}, i64 {step}")
        fn.line(f"{left_next} = sub i64 {left}, 1")
        fn.branch_if(fn.emit(f"icmp sgt i64 {left_next}, 0"), loop, ended)
