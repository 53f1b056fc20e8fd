"""The end of a tile: a function that passes each vector of C through the epilogue, which stores it."""

from __future__ import annotations

from collections.abc import Callable

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_spec import EmitDim, Epilogue, GemmSpec, Operand, OutPoint
from codegen.emit.text import FunctionText, ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.schedule import GemmSchedule
from codegen.target import Target
from graphcore.dtypes import int64


def batch_names(spec: GemmSpec) -> tuple[str, ...]:
    """The parameters that helper functions of a kernel take for the batch indices."""
    return tuple(f"%batch{i}" for i in range(len(spec.batch)))


def emit_store(
    module: ModuleText,
    name: str,
    spec: GemmSpec,
    target: Target,
    schedule: GemmSchedule,
    epilogue: Callable[[FunctionText], Epilogue],
) -> None:
    """Adds `void name(args, dims, batch..., m, rows, n, width, left, tile)`.

    It stores `rows` rows of a dense tile of `width` columns, of which `left` exist, at row m and column n
    of C.
    """
    batch = batch_names(spec)
    sizes = ["m", "rows", "n", "width", "left"]
    parameters = [
        "ptr noalias %args",
        "ptr noalias %dims",
        *(f"i64 {b}" for b in batch),
        *(f"i64 %{s}" for s in sizes),
    ]
    fn = module.function(name, [*parameters, "ptr %tile"], "void", "internal")
    ix, k = Index(fn), LlvmHandler(fn, target.isa, schedule.lanes, has_fma=target.has_fma)
    store = epilogue(fn)
    row_bytes = ix.mul("%width", spec.dtype.size)

    def vector(column: str) -> None:
        n = ix.add("%n", column)
        left = ix.sub("%left", column)
        start = ptr_at(ix, "%tile", ix.mul(column, spec.dtype.size))

        def rows(masked: bool) -> None:
            mask = k.tail_mask(Val(left, int64)) if masked else None

            def row(i: str) -> None:
                at = ptr_at(ix, start, ix.mul(i, row_bytes))
                sums = [k.load(ptr_at(ix, at, g * schedule.c_block), spec.dtype) for g in range(spec.blocks)]
                store(k, sums[0], OutPoint(batch, ix.add("%m", i), n, mask, tuple(sums[1:])))

            for_range(ix, "0", "%rows", 1, row)

        full = ix.less_equal(schedule.lanes, left)
        if isinstance(spec.n, int) and (spec.n < schedule.lanes or spec.n % schedule.lanes == 0):
            full = "true" if spec.n >= schedule.lanes else "false"
        if_else(ix, full, lambda: rows(False), lambda: rows(True))

    for_range(ix, "0", "%left", schedule.lanes, vector)
    fn.ret()


def view_epilogue(
    out: Operand,
    dtype_size: int,
    emit_dim: EmitDim,
    finish: Callable[[LlvmHandler, Val, OutPoint], Val] | None = None,
) -> Callable[[FunctionText], Epilogue]:
    """An epilogue that stores one output with contiguous columns.

    Args:
        out: where C goes: arg, offset and batch strides; its `outer` is the stride between rows in elements.
        dtype_size: bytes of one stored element.
        emit_dim: evaluates Dims.
        finish: turns the sum into the value to store (bias, activation, residual); None stores the sum.
    """

    def begin(fn: FunctionText) -> Epilogue:
        ix = Index(fn)
        base = ptr_at(ix, ix.load_arg(out.arg), ix.mul(emit_dim(fn, out.offset), dtype_size))
        row = ix.mul(emit_dim(fn, out.outer), dtype_size)
        strides = [ix.mul(emit_dim(fn, d), dtype_size) for d in out.batch]

        def store(k: LlvmHandler, acc: Val, point: OutPoint) -> None:
            value = acc if finish is None else finish(k, acc, point)
            at = ix.add(ix.mul(point.m, row), ix.mul(point.n, dtype_size))
            for b, stride in zip(point.batch, strides, strict=True):
                at = ix.add(at, ix.mul(b, stride))
            k.store(ptr_at(ix, base, at), value, point.mask)

        return store

    return begin
