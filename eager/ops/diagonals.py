"""tf.linalg functions on diagonals and bands of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.join import concat, stack, unstack
from eager.ops.public import public
from eager.ops.shaping import cast, expand_dims
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int64

_ALIGNMENTS = ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")


def _band(k: Any, name: str) -> tuple[int, int]:
    """The lowest and the highest diagonal of the argument `k`, a number or a pair."""
    given = shape_argument((k,) if isinstance(k, int) else k, name)
    if len(given) not in (1, 2) or not all(isinstance(d, int) for d in given):
        raise InvalidArgumentError(f"{name}: k is {k!r}, expected a diagonal or a pair (lowest, highest) of them")
    low, high = int(given[0]), int(given[-1])  # pyright: ignore[reportArgumentType]
    if low > high:
        raise InvalidArgumentError(f"{name}: k is {k!r}; the lowest diagonal must not be above the highest")
    return low, high


def _matrix(x: Any, name: str) -> Tensor:
    tensor = convert(x)
    if tensor.ndim < 2:
        raise ShapeError(f"{name}: {type_of(tensor)} has rank {tensor.ndim}, expected matrices: rank 2 or more")
    return tensor


def _length(rows: Dim, columns: Dim, d: int) -> Dim:
    """The number of elements on diagonal d of a matrix."""
    return dims.minimum(rows + min(d, 0), columns - max(d, 0))


def _longest(rows: Dim, columns: Dim, low: int, high: int) -> Dim:
    return dims.minimum(rows + min(high, 0), columns - max(low, 0))


def _to_the_right(d: int, align: str, name: str) -> bool:
    """Whether a shorter diagonal of a band stands at the right end of its row."""
    if align not in _ALIGNMENTS:
        raise ValueError(f"{name}: align is {align!r}, expected one of {', '.join(_ALIGNMENTS)}")
    upper, lower = align.split("_")
    return (upper if d >= 0 else lower) == "RIGHT"


def _check_inside(x: Tensor, low: int, high: int, name: str) -> None:
    rows, columns = raw_shape(x)[-2:]
    for d in {low, high}:
        if not settled(lambda d=d: d == 0 or (dims.less(-d, rows) and dims.less(d, columns))):
            raise InvalidArgumentError(f"{name}: diagonal {d} lies outside of the matrices of {type_of(x)}")


def diagonal(x: Tensor, d: int) -> Tensor:
    """Diagonal d of the last two axes, as the last axis."""
    *batch, rows, columns = raw_shape(x)
    length = _length(rows, columns, d)
    flat = op("reshape", x, shape=(*batch, rows * columns))
    if isinstance(length, int) and length == 0:
        return _block(flat, 0, 0)
    start = d if d >= 0 else -d * columns
    if isinstance(columns, int):
        return _block(flat, start, start + (length - 1) * (columns + 1) + 1, columns + 1)
    places = op("iota", shape=(length,), axis=0, dtype=int64) * size_tensor(columns + 1, int64)
    return op("gather", flat, places + size_tensor(start, int64), axis=len(batch))


def _block(x: Tensor, begin: Dim, end: Dim, step: int = 1) -> Tensor:
    """Part of the last axis."""
    sizes = raw_shape(x)
    none = (0,) * (len(sizes) - 1)
    return op("slice", x, begin=(*none, begin), end=(*sizes[:-1], end), strides=(*(1 for _ in none), step))


def _padded(x: Tensor, low: Dim, high: Dim, value: Tensor) -> Tensor:
    """More elements of one value before and after the last axis."""
    none = (0,) * (x.ndim - 1)
    return op("pad", x, value, low=(*none, low), high=(*none, high), interior=(0,) * x.ndim)


def _filler(value: Any, x: Tensor) -> Tensor:
    return convert(bool(value) if x.dtype.is_bool else value, like=x.dtype)


@public("linalg.diag_part")
def diag_part(
    input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """Diagonals of matrices (tf.linalg.diag_part).

    Args:
        input: [..., rows, columns].
        name: accepted for compatibility.
        k: the diagonal, positive above the main one; a pair takes all from the lowest to the highest.
        padding_value: what fills the shorter diagonals of a band.
        align: on which side those stand, above and below the main diagonal.

    Returns:
        [..., length]; for a pair [..., number of diagonals, longest length], the highest diagonal first.

    Raises:
        ShapeError: for a rank below 2.
        InvalidArgumentError: for a diagonal outside of the matrices.
    """
    del name
    x = _matrix(input, "diag_part")
    low, high = _band(k, "diag_part")
    _check_inside(x, low, high, "diag_part")
    if low == high:
        _to_the_right(low, align, "diag_part")
        return diagonal(x, low)
    rows, columns = raw_shape(x)[-2:]
    longest, value = _longest(rows, columns, low, high), _filler(padding_value, x)
    lines: list[Tensor] = []
    for d in range(high, low - 1, -1):
        missing = longest - _length(rows, columns, d)
        right = _to_the_right(d, align, "diag_part")
        lines.append(_padded(diagonal(x, d), missing if right else 0, 0 if right else missing, value))
    return stack(lines, -2)


def _placed(x: Tensor, lines: list[Tensor], high: int, align: str, name: str) -> Tensor:
    """The matrices with diagonals high, high - 1, ... replaced by lines, each at least as long as its diagonal."""
    *batch, rows, columns = raw_shape(x)
    row = op("iota", shape=(rows, columns), axis=0, dtype=int64)
    column = op("iota", shape=(rows, columns), axis=1, dtype=int64)
    zero = _filler(0, x)
    for i, line in enumerate(lines):
        d = high - i
        length, given = _length(rows, columns, d), raw_shape(line)[-1]
        skip = given - length if _to_the_right(d, align, name) and len(lines) > 1 else 0
        line = _block(line, skip, skip + length)
        # Element n of the diagonal stands in row n if d >= 0, else in column n.
        total = rows if d >= 0 else columns
        line = expand_dims(_padded(line, 0, total - length, zero), -1 if d >= 0 else -2)
        wide = op("broadcast_to", line, shape=(*batch, rows, columns))
        x = op("select", op("equal", row + d, column), wide, x)
    return x


def _lines(values: Tensor, low: int, high: int, name: str) -> list[Tensor]:
    """The rows of a band, or its one row."""
    if low == high:
        return [values]
    if values.ndim < 2 or raw_shape(values)[-2] != high - low + 1:
        raise ShapeError(f"{name}: diagonal is {type_of(values)}, expected {high - low + 1} rows, one per diagonal")
    return unstack(values, axis=-2)


@public("linalg.diag")
def diag(
    diagonal: Any, name: str = "diag", k: Any = 0, num_rows: Any = -1, num_cols: Any = -1, padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Matrices with given diagonals (tf.linalg.diag).

    Args:
        diagonal: [..., length], or for a pair k [..., number of diagonals, longest length].
        name: accepted for compatibility.
        k: the diagonal, or the pair (lowest, highest).
        num_rows: rows of the result; by default as few as hold the diagonals, in a square if both are open.
        num_cols: columns of the result.
        padding_value: the value outside of the diagonals.
        align: on which side shorter diagonals of a band stand, above and below the main one.

    Raises:
        ShapeError: for a scalar, or a band of another number of rows.
        InvalidArgumentError: for sizes that do not hold the diagonals.
    """
    del name
    values = convert(diagonal)
    if values.ndim < 1:
        raise ShapeError(f"diag: diagonal is {type_of(values)}, expected rank 1 or more")
    low, high = _band(k, "diag")
    lines = _lines(values, low, high, "diag")
    longest = raw_shape(values)[-1]
    least = (longest - min(high, 0), longest + max(low, 0))
    rows, columns = shape_argument((num_rows, num_cols), "diag")
    if rows == -1 and columns == -1:
        rows = columns = dims.maximum(*least)
    rows, columns = (n if have == -1 else have for n, have in zip(least, (rows, columns), strict=True))
    if not settled(lambda: dims.equal(_longest(rows, columns, low, high), longest)):
        raise InvalidArgumentError(
            f"diag: {rows} rows and {columns} columns do not fit diagonals {low} to {high} of {type_of(values)}"
        )
    batch = raw_shape(lines[0])[:-1]
    empty = op("fill", _filler(padding_value, values), shape=(*batch, rows, columns))
    return _placed(empty, lines, high, align, "diag")


@public("linalg.set_diag")
def set_diag(input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT") -> Tensor:
    """Matrices with diagonals replaced (tf.linalg.set_diag).

    Args:
        input: [..., rows, columns].
        diagonal: [..., length], or for a pair k [..., number of diagonals, longest length].
        name: accepted for compatibility.
        k: the diagonal, or the pair (lowest, highest).
        align: on which side shorter diagonals of a band stand, above and below the main one.

    Raises:
        DTypeError: if dtypes differ.
        ShapeError: if the diagonals do not fit.
        InvalidArgumentError: for a diagonal outside of the matrices.
    """
    del name
    x, values = convert_pair(input, diagonal, "set_diag")
    x = _matrix(x, "set_diag")
    low, high = _band(k, "set_diag")
    _check_inside(x, low, high, "set_diag")
    *batch, rows, columns = raw_shape(x)
    longest = _longest(rows, columns, low, high)
    expected = (*batch, *((high - low + 1,) if low != high else ()), longest)
    fits = len(expected) == values.ndim and settled(
        lambda: all(dims.equal(a, b) for a, b in zip(expected, raw_shape(values), strict=True))
    )
    if not fits:
        raise ShapeError(f"set_diag: diagonal is {type_of(values)}, expected shape {expected} for {type_of(x)}")
    return _placed(x, _lines(values, low, high, "set_diag"), high, align, "set_diag")


@public("linalg.tensor_diag")
def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of twice the rank, 0 but for its diagonal (tf.linalg.tensor_diag).

    A shape [d1, ..., dk] gives [d1, ..., dk, d1, ..., dk]. Raises ShapeError for a scalar.
    """
    del name
    x = convert(diagonal)
    if x.ndim < 1:
        raise ShapeError(f"tensor_diag: diagonal is {type_of(x)}, expected rank 1 or more")
    flat = op("reshape", x, shape=(type_of(x).size,))
    return op("reshape", diag(flat), shape=(*raw_shape(x), *raw_shape(x)))


@public("linalg.tensor_diag_part")
def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonal of a tensor whose sizes come twice (tf.linalg.tensor_diag_part): the inverse of tensor_diag.

    Raises:
        ShapeError: for an odd rank, rank 0, or halves of the shape that differ.
    """
    del name
    x = convert(input)
    half = x.ndim // 2
    first, second = raw_shape(x)[:half], raw_shape(x)[half:]
    if x.ndim % 2 or not x.ndim or not settled(
        lambda: all(dims.equal(a, b) for a, b in zip(first, second, strict=True))
    ):
        raise ShapeError(f"tensor_diag_part: {type_of(x)} must have an even rank, with equal halves of its shape")
    total = dims.product(first)
    return op("reshape", diagonal(op("reshape", x, shape=(total, total)), 0), shape=first)


@public("linalg.band_part")
def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Matrices with zeros outside of a band around the main diagonal (tf.linalg.band_part).

    Args:
        input: [..., rows, columns].
        num_lower: how many diagonals below the main one are kept; a negative number keeps all.
        num_upper: how many above it.
        name: accepted for compatibility.

    Raises:
        ShapeError: for a rank below 2.
        InvalidArgumentError: for more diagonals than rows or columns.
    """
    del name
    x = _matrix(input, "band_part")
    sizes = raw_shape(x)[-2:]
    row = op("iota", shape=sizes, axis=0, dtype=int64)
    column = op("iota", shape=sizes, axis=1, dtype=int64)
    kept = None
    for count, distance, size in ((num_lower, row - column, sizes[0]), (num_upper, column - row, sizes[1])):
        if isinstance(count, int | np.integer):
            if count > 0 and not settled(lambda n=int(count), size=size: dims.less_equal(n, size)):
                raise InvalidArgumentError(f"band_part: {count} diagonals of {type_of(x)}; expected at most {size}")
            inside = None if count < 0 else op("less_equal", distance, convert(int(count), like=int64))
        else:
            limit = cast(convert(count), int64)
            inside = op("logical_or", limit < 0, op("less_equal", distance, limit))
        if inside is not None:
            kept = inside if kept is None else op("logical_and", kept, inside)
    return x if kept is None else op("select", kept, x, _filler(0, x))


@public("linalg.trace")
def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the main diagonal of matrices [..., rows, columns] (tf.linalg.trace).

    Raises:
        ShapeError: for a rank below 2.
    """
    del name
    part = diagonal(_matrix(x, "trace"), 0)
    return op("reduce_sum", part, axes=(part.ndim - 1,), keepdims=False)


@public("linalg.cross")
def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross product of vectors [..., 3] of one shape (tf.linalg.cross).

    Raises:
        DTypeError: if dtypes differ.
        ShapeError: if shapes differ, or the last size is not 3.
    """
    del name
    x, y = convert_pair(a, b, "cross")
    if x.ndim < 1 or raw_shape(x) != raw_shape(y) or raw_shape(x)[-1] != 3:
        raise ShapeError(f"cross: operands are {type_of(x)} and {type_of(y)}, expected one shape [..., 3]")

    def turned(t: Tensor, first: int) -> Tensor:
        return concat([_block(t, first, 3), _block(t, 0, first)], -1)

    return turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1)


@public("linalg.adjoint")
def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """The last two axes exchanged, and complex values conjugated (tf.linalg.adjoint).

    Raises:
        ShapeError: for a rank below 2.
    """
    from eager.ops.linalg import matrix_transpose

    del name
    return matrix_transpose(_matrix(matrix, "adjoint"), conjugate=True)


__all__ = [
    "adjoint", "band_part", "cross", "diag", "diag_part", "diagonal", "set_diag", "tensor_diag", "tensor_diag_part",
    "trace",
]  # fmt: skip
