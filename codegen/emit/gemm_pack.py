"""Functions that pack operands of contractions, and how kernels call them.

Views share one function per dtype and axis in a module: it takes the address of the first element, and strides.
An operand that is computed while it is packed has a function of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen.emit.gemm_copy import Packer, pack_a, pack_panel
from codegen.emit.gemm_index import Index, ptr_at
from codegen.emit.gemm_spec import EmitDim, GemmSpec, Operand, Reader, ReadPoint
from codegen.emit.gemm_store import batch_names
from codegen.emit.text import FunctionText, ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.schedule import GemmSchedule
from codegen.target import Target
from graphcore.dtypes import DType

_LINE = 64
_PREFETCH_ROWS = 8


class Packing:
    """A packing function in the module."""

    def __init__(self, function: str, operand: Operand, spec: GemmSpec, emit_dim: EmitDim) -> None:
        """Made by emit_pack_a and emit_pack_panel."""
        self.function, self.operand, self.spec, self.emit_dim = function, operand, spec, emit_dim

    def begin(self, fn: FunctionText) -> Callable[[Sequence[str], str, str, Sequence[str], str], None]:
        """Evaluates strides at the entry of a kernel.

        Returns:
            `pack(batch, outer, k, sizes, out)`, which emits a call that packs from row or column `outer` and `k` on;
            `sizes` are (rows, count, height) for A, (left, count) for a panel of B.
        """
        operand = self.operand
        if operand.read is not None:

            def pack(batch: Sequence[str], outer: str, k: str, sizes: Sequence[str], out: str) -> None:
                words = [("i64", x) for x in (*batch, outer, k, *sizes)]
                arguments = [("ptr", "%args"), ("ptr", "%dims"), *words, ("ptr", out)]
                fn.call("void", self.function, arguments, external=False)

            return pack
        ix, size = Index(fn), self.spec.dtype.size
        first = ptr_at(ix, ix.load_arg(operand.arg), ix.mul(self.emit_dim(fn, operand.offset), size))
        along, across, *rest = (
            ix.mul(self.emit_dim(fn, d), size) for d in (operand.k, operand.outer, *operand.batch)
        )

        def pack_view(batch: Sequence[str], outer: str, k: str, sizes: Sequence[str], out: str) -> None:
            at = ix.add(ix.mul(outer, across), ix.mul(k, along))
            for b, stride in zip(batch, rest, strict=True):
                at = ix.add(at, ix.mul(b, stride))
            words = [("i64", x) for x in (across, along, *sizes)]
            arguments = [("ptr", ptr_at(ix, first, at)), *words, ("ptr", out)]
            fn.call("void", self.function, arguments, external=False)

        return pack_view


def _strided_reader(fn: FunctionText, axis: str, dtype: DType) -> Reader:
    """A reader of elements `%across` and `%along` bytes apart, from %from on; those of the axis lie side by side."""
    ix, size = Index(fn), dtype.size
    across = str(size) if axis == "outer" else "%across"
    along = str(size) if axis == "k" else "%along"
    # The order of copying leaps from line to line, which hardware does not foresee well.
    ahead = 2 * _LINE if axis == "k" else ix.mul(along, _PREFETCH_ROWS)

    def read(k: LlvmHandler, point: ReadPoint) -> Val:
        pointer = ptr_at(ix, "%from", ix.add(ix.mul(point.outer, across), ix.mul(point.k, along)))
        if point.lanes > 1:
            arguments = [("ptr", ptr_at(ix, pointer, ahead)), ("i32", "0"), ("i32", "3"), ("i32", "1")]
            fn.call("void", "llvm.prefetch.p0", arguments)
        return k.load(pointer, dtype, point.lanes, point.mask)

    return read


def _emit(
    module: ModuleText, names: tuple[str, str], operand: Operand, spec: GemmSpec, target: Target,
    sizes: Sequence[str], fill: Callable[[Packer], None],
) -> str:  # fmt: skip
    """The function that packs an operand: a shared one for views; names are (own, shared)."""
    parameters = [*(f"i64 %{s}" for s in sizes), "ptr %out"]
    dtype, axis = spec.dtype, operand.axis
    if operand.read is None:

        def build(fn: FunctionText) -> None:
            fill(Packer(fn, dtype, target, axis, _strided_reader(fn, axis, dtype)))
            fn.ret()

        strided = ["ptr %from", "i64 %across", "i64 %along"]
        module.helper(names[1], [*strided, *parameters], "void", build)
        return names[1]
    batch = batch_names(spec)
    first = ["ptr noalias %args", "ptr noalias %dims", *(f"i64 {b}" for b in batch), "i64 %outer", "i64 %k"]
    fn = module.function(names[0], [*first, *parameters], "void", "internal")
    fill(Packer(fn, dtype, target, axis, operand.read(fn), batch, "%outer", "%k"))
    fn.ret()
    return names[0]


def emit_pack_a(
    module: ModuleText, name: str, spec: GemmSpec, target: Target, schedule: GemmSchedule, dim: EmitDim
) -> Packing:
    """The function that packs a block of A.

    Layout "row": rows outer.. of A, k.. to k + count, become lines of `schedule.a_stride` bytes. Layout "col": tiles
    of `height` rows (the last one moved up, as in the kernel) become dense [tile][k][height].
    """
    tallest = max(height for height, _ in schedule.tiles)
    form = f"row.{schedule.a_stride}" if schedule.a_layout == "row" else f"col.{tallest}"
    shared = f"layerjit.pack_a.{spec.dtype.name}.{spec.a.axis or 'any'}.{form}"
    sizes = ("rows", "count", "height")
    own = spec.a.fill

    def fill(p: Packer) -> None:
        if own is None:
            pack_a(p, schedule)
        else:
            own(p, schedule.a_stride)

    made = _emit(module, (name, shared), spec.a, spec, target, sizes, fill)
    return Packing(made, spec.a, spec, dim)


def emit_pack_panel(
    module: ModuleText, name: str, spec: GemmSpec, target: Target, schedule: GemmSchedule, dim: EmitDim
) -> Packing:
    """The function that packs one panel of B.

    Rows k.. of B's columns outer, outer + 1, ... are copied to `count` dense rows of one panel. Only `left` columns
    exist; what the others hold is unspecified (they feed sums that are not stored).
    """
    shared = f"layerjit.pack_b.{spec.dtype.name}.{spec.b.axis or 'any'}"
    sizes = ("left", "count")
    made = _emit(module, (name, shared), spec.b, spec, target, sizes, lambda p: pack_panel(p, schedule.panel))
    return Packing(made, spec.b, spec, dim)
