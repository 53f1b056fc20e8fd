"""Packed constant weights: which right operands of contractions are copied once, and how the copy is laid out.

A captured array, or a variable that the graph does not update, keeps its value over many calls. Where it is the
right operand of a contraction, the kernel reads a copy laid out as its tiles go through it, [batch][n / panel][k]
[panel], and need not copy panels in every call. A copy is the same numbers, so results keep their bits.

What a loop captures keeps its value over all iterations; there the loop's driver makes the copy before the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.graph import Graph

if TYPE_CHECKING:
    from codegen import loopir
    from codegen.layout import Place
    from codegen.target import Target

PACKED_HEADER = 64
"""Bytes before packed data; the first 8 are the version of what was packed."""


def versioned_memory(nbytes: int, version: int) -> np.ndarray[Any, Any]:
    """At least one new byte, 64-byte aligned, with a version before them."""
    memory = np.empty(nbytes + 2 * PACKED_HEADER, np.uint8)
    start = -memory.ctypes.data % PACKED_HEADER
    memory[start : start + 8].view(np.int64)[0] = version
    # Never empty: NumPy points an empty slice to the start of the memory.
    return memory[start + PACKED_HEADER :][: nbytes or 1]


class PackedLayout(NamedTuple):
    """A strided matrix B[batch, k, n] inside an array, and the width of the panels that it is copied to.

    Attributes:
        dtype: of the elements: float32 or float64.
        batch: sizes of the batch dimensions; n: columns; k: rows.
        strides: elements between neighbours along each batch dimension, along k, along n.
        offset: the first element.
        panel: columns of a panel.
    """

    dtype: DType
    batch: tuple[int, ...]
    n: int
    k: int
    strides: tuple[int, ...]
    offset: int
    panel: int

    @property
    def panels(self) -> int:
        """Panels of one matrix; the last may be partly filled."""
        return -(-self.n // self.panel)

    @property
    def nbytes(self) -> int:
        """Bytes of the copy."""
        return int(np.prod(self.batch, dtype=np.int64)) * self.panels * self.k * self.panel * self.dtype.size

    def pack(self, array: np.ndarray[Any, Any], version: int = 0) -> np.ndarray[Any, Any]:
        """The copy [batch][n / panel][k][panel] of a contiguous array's matrix, 64-byte aligned, 0 beyond n.

        The int64 that lies PACKED_HEADER bytes before the data is `version`.
        """
        shape = (*self.batch, self.panels, self.k, self.panel)
        memory = versioned_memory(self.nbytes, version)
        packed = memory.view(self.dtype.numpy).reshape(shape)
        whole = self.n // self.panel
        packed[..., :whole, :, :] = self._view(array, 0, (whole, self.k, self.panel))
        if whole < self.panels:
            rest = self.n - whole * self.panel
            packed[..., whole, :, :rest] = self._view(array, whole, (1, self.k, rest))[..., 0, :, :]
            packed[..., whole, :, rest:] = 0
        return packed

    def _view(
        self, array: np.ndarray[Any, Any], first: int, shape: tuple[int, int, int]
    ) -> np.ndarray[Any, Any]:
        """Panels of the matrix from number `first` on, as they lie in the array: [batch][panel][k][column]."""
        size, (*batch, along_k, along_n) = self.dtype.size, self.strides
        strides = [s * size for s in (*batch, self.panel * along_n, along_k, along_n)]
        offset = (self.offset + first * self.panel * along_n) * size
        if 0 in shape:
            return np.empty((*self.batch, *shape), self.dtype.numpy)
        return np.ndarray((*self.batch, *shape), self.dtype.numpy, np.ascontiguousarray(array), offset, strides)


class PackedInput(NamedTuple):
    """A hidden input of a compiled graph: the packed copy of input `number`."""

    number: int
    layout: PackedLayout


class PackedCapture(NamedTuple):
    """What a loop packs once, before its first iteration: the right operand of a contraction that is a capture.

    Attributes:
        number: which input of the body it is.
        dtype: of the elements: float32 or float64.
        batch: sizes of the batch dimensions; n: columns of a block; k: rows; blocks: of columns.
        b: where the elements lie in the input.
    """

    number: int
    dtype: DType
    batch: tuple[Dim, ...]
    n: Dim
    k: Dim
    blocks: int
    b: loopir.Operand


def packable_capture(kernel: loopir.Kernel, places: Sequence[Place], first: int) -> PackedCapture | None:
    """What the right operand of a contraction in a loop's body is packed to, or None if it is read as it lies.

    It must be one of the body's inputs from number `first` on, read by the kernel as right operand only.
    """
    from codegen.schedule import packing_pays

    s = kernel.body[0]
    position = _only_right(kernel, s)
    if position is None or places[position].kind != "input":
        return None
    number, blocks = places[position].number, 1 + len(s.more)
    assert isinstance(number, int)
    if number < first or not packing_pays(s.row[1], s.column[1] * blocks, s.depth[1], s.dtype.size):
        return None
    b = s.b._replace(buffer="in0")
    return PackedCapture(number, s.dtype, tuple(d for _, d in s.batch), s.column[1], s.depth[1], blocks, b)


def packable_input(
    kernel: loopir.Kernel, places: Sequence[Place], graph: Graph, target: Target
) -> PackedInput | None:
    """What the right operand of a contraction's kernel is packed to, or None if it is read as it lies.

    It must be a lasting input that the graph does not update, read by the kernel as right operand only.
    """
    from codegen.schedule import packing_pays  # packed inputs are also met where nothing is lowered

    statement = kernel.body[0]
    position = _only_right(kernel, statement)
    if position is None or places[position].kind != "input":
        return None
    number = places[position].number
    assert isinstance(number, int)
    updated = {source for _, source in graph.updates}
    if graph.inputs[number].node.attrs["role"] == "argument" or number in updated:
        return None
    # Blocks of rows that slide over an input are small, and each wants its own copy.
    rows = statement.row[1] if statement.a.slab is None else 1
    columns = statement.column[1] * (1 + len(statement.more))
    if not packing_pays(rows, columns, statement.depth[1], statement.dtype.size):
        return None
    layout = _layout(statement, target)
    return None if layout is None else PackedInput(number, layout)


def _only_right(kernel: loopir.Kernel, s: loopir.Contract) -> int | None:
    """The position among the kernel's arguments of the buffer of B, if nothing else reads it."""
    from codegen import loopir

    names = [b.name for b in kernel.args]
    read = [s.a.buffer, *(x.buffer for x in (*s.a.body, *loopir.walk(s.body)) if isinstance(x, loopir.Load))]
    return names.index(s.b.buffer) if s.b.buffer and s.b.buffer not in read else None


def _layout(s: loopir.Contract, target: Target) -> PackedLayout | None:
    from codegen.schedule import panel_columns

    sizes: list[Dim] = [extent for _, extent in s.batch]
    strides: list[Dim] = [*s.b.batch]
    if s.more:  # blocks of columns lie in the copy as if they were elements of a batch
        sizes.append(1 + len(s.more))
        strides.append(s.column[1] * s.b.outer)
    # A batch dimension that B does not have repeats it: the kernel would want a copy for each.
    every = [*sizes, s.column[1], s.depth[1], *strides, s.b.k, s.b.outer, s.b.offset]
    known = [d for d in every if isinstance(d, int)]
    if len(known) < len(every) or 0 in (*sizes, *strides):
        return None
    count = len(sizes)
    batch, (n, k), steps, offset = known[:count], known[count : count + 2], known[count + 2 : -1], known[-1]
    return PackedLayout(s.dtype, tuple(batch), n, k, tuple(steps), offset, panel_columns(s.dtype.size, target))
