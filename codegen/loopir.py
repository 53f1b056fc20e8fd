"""Loop IR: what a kernel does, as loops over statements; the boundary between lowering and emission.

Values have names (`t3`) and are defined once per scope; a scope sees the names of the loops around it. Index
expressions are `Dim` polynomials over loop counters, shape symbols and data-dependent indices, in elements of a
contiguous buffer. In a loop of mode "vector" a value that depends on the counter has 16 lanes; everything else is a
scalar. An accumulator that is made outside a vector loop and fed inside it has 16 lanes too, and `Finish` combines
them as a fixed tree of halves (8, 4, 2, 1). `codegen.loop_interpret` is the meaning of all this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphcore.dims import Dim
from graphcore.dtypes import DType

LANES = 16
"""Virtual lanes of a vector, on every instruction set."""


class Buffer(NamedTuple):
    """Memory that a kernel touches: role is "in", "out", "const" (data: its array) or "scratch"."""

    name: str
    dtype: DType
    size: Dim
    role: str
    data: Any = None


class Const(NamedTuple):
    """dest = a constant."""

    dest: str
    dtype: DType
    value: Any


class Load(NamedTuple):
    """dest = buffer[at]; where the bool `guard` is false nothing is read and the value is 0."""

    dest: str
    dtype: DType
    buffer: str
    at: Dim
    guard: str | None = None


class Compute(NamedTuple):
    """dest = word(args): a word of scalar bodies, or cast and bitcast to `dtype`."""

    dest: str
    dtype: DType
    word: str
    args: tuple[str, ...]


class FromIndex(NamedTuple):
    """dest = an index expression as a number."""

    dest: str
    dtype: DType
    at: Dim


class Condition(NamedTuple):
    """dest (bool) = a comparison of index expressions; kind is "lt", "le" or "eq"."""

    dest: str
    kind: str
    a: Dim
    b: Dim


class IndexOf(NamedTuple):
    """The index symbol `dest` = an integer value."""

    dest: str
    src: str


class Check(NamedTuple):
    """Stops the kernel with failure `code` if the bool `src` is false anywhere; `dest` only names the check."""

    dest: str
    src: str
    code: int


class Store(NamedTuple):
    """buffer[at] = src."""

    buffer: str
    at: Dim
    src: str


class Init(NamedTuple):
    """A new accumulator: `step(k, acc, *values)` is the scalar body that feeds it.

    `combine(k, a, b)` joins two accumulators; `label` is the accumulator's name for people.
    """

    acc: str
    dtype: DType
    value: Any
    step: Callable[..., Any]
    combine: Callable[..., Any]
    label: str


class Accumulate(NamedTuple):
    """acc = step(acc, *srcs)."""

    acc: str
    srcs: tuple[str, ...]


class Finish(NamedTuple):
    """dest = what the accumulator holds, its lanes combined."""

    dest: str
    dtype: DType
    acc: str


class Carry(NamedTuple):
    """dest = src; unlike other names it may be set again, also in serial loops, and then goes round with them."""

    dest: str
    dtype: DType
    src: str


class Apart(NamedTuple):
    """Runs `body` unless the buffers `a` and `b` are the same memory."""

    a: str
    b: str
    body: list[Any]


class Sort(NamedTuple):
    """Puts keys[:length] into ascending order of their bytes from byte `low` on; equal ones keep their order.

    Keys are unsigned, and of those with equal bytes there the lower bytes ascend already. `order`, int32, gets the
    positions that the keys had; it is "" where they are not wanted. The spare buffers are room for the work. Only the
    first `wanted` keys need be there in the end.
    """

    keys: str
    spare: str
    order: str
    spare_order: str
    low: int
    length: Dim
    wanted: Dim


class Loop(NamedTuple):
    """Runs `body` for symbol = 0 .. extent-1; mode is "serial" or "vector".

    The loop marked `chunk` is outermost and runs from the kernel's `begin` to its `end` instead.
    """

    symbol: str
    extent: Dim
    mode: str
    chunk: bool
    body: list[Any]


class SlabAxis(NamedTuple):
    """One spatial axis of a Slab.

    Attributes:
        size: places of the input; window: places of the window; out: positions of the window.
        stride: places from one position to the next; spread: from one place of the window to the next.
        low: places of padding before the input.
    """

    size: Dim
    window: int
    out: Dim
    stride: int
    spread: int
    low: int


class Slab(NamedTuple):
    """Where the elements of a left operand lie whose rows are positions of a window over [images, .., channels].

    Its element for position o, place p of the window and channel c is that of the input at o * stride + p * spread -
    low, or 0 where that is outside. A contraction may copy the part of the input that a block of rows covers, and read
    overlapping rows from there.

    Attributes:
        axes: spatial axes, outermost first.
        images: how many inputs; channels: how many each place has in a batch element of the contraction.
        counters: symbols of the input's index: image, one per axis, channel.
        joined: whether the last axis and the channels are one contiguous stretch, which the channel counts alone.
        body, value: statements over those counters, within the input, and the name of their result.
        across: whether places and channels are the rows of the operand, and images and positions its depth.
    """

    axes: tuple[SlabAxis, ...]
    images: Dim
    channels: int
    counters: tuple[str, ...]
    joined: bool
    body: tuple[Any, ...]
    value: str
    across: bool = False


class Operand(NamedTuple):
    """A matrix of a contraction: a strided view of a buffer, or values that `body` computes.

    Attributes:
        buffer: the buffer's name, "" for computed values.
        offset: its first element; outer, k, batch: strides in elements.
        body, value: statements over the counters of the contraction, and the name of their result.
        rows, depth: for computed values, counters with extents that the outer and the k counter stand for, in row-major
            order; the body then speaks of those. Along the last of `depth` its loads are contiguous.
        slab: for rows that slide over an input, another way to compute the same elements.
    """

    buffer: str
    offset: Dim = 0
    outer: Dim = 0
    k: Dim = 0
    batch: tuple[Dim, ...] = ()
    body: tuple[Any, ...] = ()
    value: str = ""
    rows: tuple[tuple[str, Dim], ...] = ()
    depth: tuple[tuple[str, Dim], ...] = ()
    slab: Slab | None = None


class Carried(NamedTuple):
    """That the sum of a contraction goes on over several runs of the statement, in order.

    It starts at 0 where `first` is 0, else with what the run before left in `buffer`, [row][column]; the body runs
    where `left` is 0 only.
    """

    buffer: str
    first: Dim
    left: Dim


class Contract(NamedTuple):
    """A dense matrix product: for every batch, row (scalar) and column (vector) position runs `body`, which stores.

    There `dest` is the sum over k < depth, ascending, one fused multiply-add each, of a[row, k] * b[k, column].
    Inside of serial loops, the operands and the body may speak of their counters.
    Counters are pairs (symbol, extent); the symbol is "" where the extent is 1.

    With `more` names, b has as many further columns as that many times the column extent: the sum named there, number
    g from 1, is that of column + g * extent. So `body` has what several blocks of columns hold of one place.
    """

    dest: str
    dtype: DType
    batch: tuple[tuple[str, Dim], ...]
    row: tuple[str, Dim]
    column: tuple[str, Dim]
    depth: tuple[str, Dim]
    a: Operand
    b: Operand
    body: list[Any]
    carried: Carried | None = None
    more: tuple[str, ...] = ()


class Kernel(NamedTuple):
    """One kernel.

    Attributes:
        name: unique within its graph.
        category: the kind of fusion that it came from.
        node_ids: ids of the graph's nodes that it computes.
        buffers: in the order of the kernel's `args`, scratch buffers excluded from those and listed last.
        body: statements.
        chunks: extent of the loop marked chunk, 1 if there is none.
        messages: what failure code i + 1 means.
    """

    name: str
    category: str
    node_ids: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    body: list[Any]
    chunks: Dim
    messages: tuple[str, ...] = ()

    @property
    def args(self) -> tuple[Buffer, ...]:
        """The buffers that a caller passes, in order."""
        return tuple(b for b in self.buffers if b.role != "scratch")

    @property
    def scratch(self) -> tuple[Buffer, ...]:
        """The buffers that lie in the kernel's scratch memory, in order."""
        return tuple(b for b in self.buffers if b.role == "scratch")

    def __str__(self) -> str:
        """The text form."""
        from codegen.loop_text import to_text

        return to_text(self)


def buffer_bytes(buffer: Buffer) -> Dim:
    """Bytes of a buffer, rounded up to 64 and with room for one vector beyond its end."""
    return ((buffer.size * buffer.dtype.size + 63) // 64) * 64 + 128


def scratch_bytes(kernel: Kernel) -> Dim:
    """Bytes of scratch memory that one running chunk of the kernel needs."""
    total: Dim = 0
    for buffer in kernel.scratch:
        total = total + buffer_bytes(buffer)
    return total


def walk(body: Sequence[Any]) -> Any:
    """Every statement, those of loops included."""
    for statement in body:
        yield statement
        inner = getattr(statement, "body", None)
        if inner is not None:
            yield from walk(inner)


def index_dims(statement: Any) -> tuple[Dim, ...]:
    """The index expressions of a statement that is not a loop."""
    if isinstance(statement, Load | FromIndex | Store):
        return (statement.at,)
    if isinstance(statement, Condition):
        return (statement.a, statement.b)
    if isinstance(statement, Sort):
        return (statement.length,)
    return ()
