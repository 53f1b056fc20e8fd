"""What a contraction is made of: operands, sizes, and the points at which its callbacks emit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from codegen.emit.text import FunctionText
from codegen.emit.values import LlvmHandler, Val
from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from codegen.emit.gemm_copy import Packer


class ReadPoint:
    """Where an operand is read while it is packed: `lanes` neighbours along one axis.

    Attributes:
        batch: i64 texts, one per batch dimension.
        outer: i64 text, the row m of A or the column n of B (of lane 0 when axis is "outer").
        k: i64 text, the contracted index (of lane 0 when axis is "k").
        lanes: how many elements to return; 1 is a scalar.
        axis: "outer" or "k", the index that grows from lane to lane.
        mask: bool Val of the lanes that exist, or None if all do; the others must not be read and count as 0.
    """

    __slots__ = ("axis", "batch", "k", "lanes", "mask", "outer")

    def __init__(
        self, batch: tuple[str, ...], outer: str, k: str, lanes: int, axis: str, mask: Val | None
    ) -> None:
        self.batch, self.outer, self.k = batch, outer, k
        self.lanes, self.axis, self.mask = lanes, axis, mask


class OutPoint:
    """Which elements of C an epilogue is given: one row, `acc.lanes` neighbouring columns.

    Attributes:
        batch: i64 texts, one per batch dimension.
        m: i64 text, the row.
        n: i64 text, the column of lane 0.
        mask: bool Val of the lanes that exist, or None if all do; loads and stores must respect it.
        more: the sums at that place of the further blocks of columns.
    """

    __slots__ = ("batch", "m", "mask", "more", "n")

    def __init__(
        self, batch: tuple[str, ...], m: str, n: str, mask: Val | None, more: tuple[Val, ...] = ()
    ) -> None:
        self.batch, self.m, self.n, self.mask, self.more = batch, m, n, mask, more


Reader: TypeAlias = Callable[[LlvmHandler, ReadPoint], Val]
Epilogue: TypeAlias = Callable[[LlvmHandler, Val, OutPoint], None]
EmitDim: TypeAlias = Callable[[FunctionText, Dim], str]


def _unread(fn: FunctionText) -> Reader:
    """Stands for the reader of an operand that packs itself."""

    def read(k: LlvmHandler, point: ReadPoint) -> Val:
        raise InvalidArgumentError("an operand that packs itself has no reader")

    return read


class Operand:
    """A or B: a strided view of an argument buffer, or values computed by a callback.

    Attributes:
        arg: index into the kernel's argument table.
        outer: stride in elements between neighbouring rows m of A, or columns n of B.
        k: stride in elements along the contracted index.
        batch: strides in elements of the batch dimensions (0 repeats the operand).
        offset: first element.
        read: None for a view; else a function called once per generated function that reads the operand, with
            that FunctionText (%args and %dims are the kernel's parameters in it), which returns the reader.
        axis: for a computed operand, the axis along which it is best read in vectors: "outer", "k", or ""
            to be asked for scalars only.
        fill: for a computed A, a function that packs a block itself: it is given the packing function and the bytes
            between the rows that it writes; `read` is not used then.
    """

    __slots__ = ("arg", "axis", "batch", "fill", "k", "offset", "outer", "read")

    def __init__(
        self,
        arg: int = 0,
        *,
        outer: Dim = 0,
        k: Dim = 0,
        batch: tuple[Dim, ...] = (),
        offset: Dim = 0,
        read: Callable[[FunctionText], Reader] | None = None,
        axis: str = "",
        fill: Callable[[Packer, int], None] | None = None,
    ) -> None:
        """Describes a view by its strides, or a computed operand by `read` and `axis`, or by `fill`."""
        self.arg, self.outer, self.k, self.batch, self.offset = arg, outer, k, batch, offset
        self.read = read if fill is None else _unread
        self.fill = fill
        if fill is not None:
            axis = "k"
        elif read is None:
            axis = "k" if k == 1 else "outer" if outer == 1 else ""
        self.axis = axis


class Carry(NamedTuple):
    """Sums that go on over several calls: they lie in a buffer of their own between them.

    Attributes:
        arg: index of the buffer in the argument table; the schedule tells its size.
        first: 0 in the call that starts the sums; left: 0 in the call that stores them.
    """

    arg: int
    first: Dim
    left: Dim


class Touched:
    """Lines that the epilogue of a tile loads or stores: they are asked for before the tile is summed.

    Attributes:
        view: the argument, its offset, and its strides in elements along rows (`outer`) and batch dimensions; columns
            lie side by side.
        size: bytes of an element.
        write: whether it is stored.
    """

    __slots__ = ("size", "view", "write")

    def __init__(self, view: Operand, size: int, *, write: bool) -> None:
        self.view, self.size, self.write = view, size, write


class GemmSpec:
    """C[b,m,n] = epilogue(sum over k of A[b,m,k] * B[b,k,n]).

    Attributes:
        dtype: of A, B and the accumulators: float32, float64, int32 or int64.
        m: rows of C; n: columns of C; k: length of the sum. Any may be 0.
        batch: sizes of the batch dimensions.
        a: the left operand; b: the right operand.
        b_packed: whether argument b.arg holds what the kernel of `emit_pack_b` wrote (then b's strides are
            not used).
        carry: where sums go on from call to call, or None.
        blocks: B has that many times n columns; one epilogue is given the sums of every block of n at one place.
        touched: what the epilogue loads and stores.
        quads: whether elements of A and B are quads of bytes, unsigned (128 too large) in A and signed in B: see
            `codegen.emit.gemm_quads`. `k` counts quads then, and dtype is int32.
    """

    __slots__ = ("a", "b", "b_packed", "batch", "blocks", "carry", "dtype", "k", "m", "n", "quads", "touched")

    def __init__(
        self,
        dtype: DType,
        m: Dim,
        n: Dim,
        k: Dim,
        a: Operand,
        b: Operand,
        batch: tuple[Dim, ...] = (),
        *,
        b_packed: bool = False,
        carry: Carry | None = None,
        blocks: int = 1,
        touched: tuple[Touched, ...] = (),
        quads: bool = False,
    ) -> None:
        """Describes a contraction.

        Raises:
            InvalidArgumentError: if an operand view has not one stride per batch dimension.
        """
        for name, operand in (("A", a), ("B", b)):
            if operand.read is None and len(operand.batch) != len(batch):
                raise InvalidArgumentError(
                    f"operand {name} has {len(operand.batch)} batch strides for {len(batch)} batch dimensions"
                )
        self.dtype, self.m, self.n, self.k, self.a, self.b = dtype, m, n, k, a, b
        self.batch, self.b_packed, self.carry, self.blocks = batch, b_packed, carry, blocks
        self.touched, self.quads = touched, quads


class GemmKernel:
    """An emitted kernel.

    Attributes:
        name: its symbol.
        chunk_count: how many chunks the range [0, chunk_count) has; depends on sizes only.
        scratch_bytes: private memory that each running call needs, 64-byte aligned.
        schedule: the choices made, in words (for dumps).
    """

    __slots__ = ("chunk_count", "name", "schedule", "scratch_bytes")

    def __init__(self, name: str, chunk_count: Dim, scratch_bytes: int, schedule: str) -> None:
        self.name, self.chunk_count = name, chunk_count
        self.scratch_bytes, self.schedule = scratch_bytes, schedule
