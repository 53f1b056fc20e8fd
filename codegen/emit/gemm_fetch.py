"""Asking for the lines of C before a tile is summed, so that its epilogue finds them near.

A store to memory that is far waits until its line has come; in a contraction with a short sum, such as the gradient of
a weight, that was two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen.emit.gemm_index import Index, for_range, ptr_at
from codegen.emit.gemm_spec import EmitDim, GemmSpec
from codegen.emit.text import FunctionText

_LINE = 64


class Fetcher:
    """Emits the calls of one kernel; addresses and strides are evaluated once, at its entry."""

    def __init__(self, fn: FunctionText, spec: GemmSpec, emit_dim: EmitDim) -> None:
        """Evaluates strides at the entry of a kernel."""
        self.fn, self.ix, self.spec = fn, Index(fn), spec
        self.places: list[tuple[str, str, list[str]]] = []
        for t in spec.touched:
            first, row, *batch = (
                self.ix.mul(emit_dim(fn, d), t.size) for d in (t.view.offset, t.view.outer, *t.view.batch)
            )
            self.places.append((ptr_at(self.ix, self.ix.load_arg(t.view.arg), first), row, batch))

    def emit(self, batch: Sequence[str], m: str, n: str, rows: str, columns: str) -> None:
        """Asks for `rows` rows of `columns` columns from row m and column n on."""
        ix = self.ix
        for t, (base, row, strides) in zip(self.spec.touched, self.places, strict=True):
            at = ix.add(ix.mul(m, row), ix.mul(n, t.size))
            for b, stride in zip(batch, strides, strict=True):
                at = ix.add(at, ix.mul(b, stride))
            words = [("i64", x) for x in (row, rows, ix.mul(columns, t.size))]
            self.fn.call("void", self._function(t.write)[1:], [("ptr", ptr_at(ix, base, at)), *words], external=False)

    def _function(self, write: bool) -> str:
        def build(fn: FunctionText) -> None:
            ix = Index(fn)

            def row(i: str) -> None:
                start = ptr_at(ix, "%first", ix.mul(i, "%row"))

                def line(at: str) -> None:
                    flags = [("i32", str(int(write))), ("i32", "3"), ("i32", "1")]
                    fn.call("void", "llvm.prefetch.p0", [("ptr", ptr_at(ix, start, at)), *flags])

                for_range(ix, "0", "%bytes", _LINE, line)

            for_range(ix, "0", "%rows", 1, row)
            fn.ret()

        name = f"layerjit.gemm.fetch.{'write' if write else 'read'}"
        return self.fn.module.helper(name, ["ptr %first", "i64 %row", "i64 %rows", "i64 %bytes"], "void", build)
