"""tf.linalg: linear equations, over leading batch axes; they run on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, settled
from eager.ops.diagonals import adjoint
from eager.ops.fourier import resized
from eager.ops.linalg import matmul
from eager.ops.matrix import scale_of, svd
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dtypes import int32
from graphcore.types import broadcast_shapes


def _require_matrix(x: Tensor, name: str) -> Tensor:
    if x.ndim < 2:
        raise ShapeError(f"{name}: got {type_of(x)}, expected a matrix: rank 2 or more")
    return x


def _require_square(x: Tensor, name: str) -> Tensor:
    rows, columns = raw_shape(_require_matrix(x, name))[-2:]
    if not settled(lambda: dims.equal(rows, columns)):
        raise ShapeError(f"{name}: got {type_of(x)}, expected square matrices")
    return x


def _share_batch(a: Tensor, b: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Two matrices broadcast to common batch axes."""
    _require_matrix(a, name)
    _require_matrix(b, name)
    first, second = raw_shape(a)[:-2], raw_shape(b)[:-2]
    if first == second:
        return a, b
    batch = settled(lambda: broadcast_shapes(first, second))
    a, b = (op("broadcast_to", t, shape=(*batch, *raw_shape(t)[-2:])) for t in (a, b))
    return a, b


def _identity(like: Tensor) -> Tensor:
    """Unit matrices of the shape and dtype of square ones."""
    n = raw_shape(like)[-1]
    row, column = (op("iota", shape=(n, n), axis=a, dtype=int32) for a in (0, 1))
    eye = op("cast", op("equal", row, column), dtype=like.dtype)
    return op("broadcast_to", eye, shape=raw_shape(like))


@public("linalg.solve")
def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """x with matrix x = rhs (tf.linalg.solve).

    Args:
        matrix: [..., n, n].
        rhs: [..., n, k], of the same batch axes.
        adjoint: solves with the conjugate transpose of the matrix.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if a matrix is singular.
        ShapeError: if shapes clash.
        DTypeError: if dtypes differ, or have no linear algebra.
    """
    del name
    a, b = convert_pair(matrix, rhs, "solve")
    return op("solve", _adjoint(a, "solve") if adjoint else a, b)


def _adjoint(x: Tensor, name: str) -> Tensor:
    return adjoint(_require_matrix(x, name))


@public("linalg.inv")
def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse of square matrices, or of their conjugate transposes (tf.linalg.inv).

    Raises:
        InvalidArgumentError: "Input matrix is not invertible" for a singular matrix.
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    x = _require_square(convert(input), "inv")
    return op("solve", _adjoint(x, "inv") if adjoint else x, _identity(x))


@public("linalg.triangular_solve")
def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """x with matrix x = rhs for a triangular matrix (tf.linalg.triangular_solve).

    Args:
        matrix: [..., n, n], of which one triangle counts; a zero on its diagonal gives infinities and NaN.
        rhs: [..., n, k]; batch axes broadcast.
        lower: the triangle that counts is the lower one.
        adjoint: solves with the conjugate transpose of that triangle.
        name: accepted for compatibility.

    Raises:
        ShapeError: if shapes clash.
        DTypeError: if dtypes differ, or have no linear algebra.
    """
    del name
    a, b = _share_batch(*convert_pair(matrix, rhs, "triangular_solve"), "triangular_solve")
    return op("triangular_solve", a, b, lower=bool(lower), adjoint=bool(adjoint))


@public("linalg.cholesky_solve")
def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """x with L L^H x = rhs, for a factor L that tf.linalg.cholesky gave (tf.linalg.cholesky_solve).

    Raises:
        ShapeError: if shapes clash.
        DTypeError: if dtypes differ, or have no linear algebra.
    """
    del name
    a, b = _share_batch(*convert_pair(chol, rhs, "cholesky_solve"), "cholesky_solve")
    half = op("triangular_solve", a, b, lower=True, adjoint=False)
    return op("triangular_solve", a, half, lower=True, adjoint=True)


@public("linalg.pinv")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The pseudo-inverse of Moore and Penrose (tf.linalg.pinv).

    Args:
        a: [..., m, n].
        rcond: singular values up to this times the largest count as 0; by default 10 max(m, n) epsilon. A number or
            a tensor of the batch axes.
        validate_args: accepted for compatibility.
        name: accepted for compatibility.

    Raises:
        ShapeError: for a rank below 2.
        DTypeError: for a dtype without linear algebra.
    """
    del validate_args, name
    x = _require_matrix(convert(a), "pinv")
    s, u, v = svd(x)
    if rcond is None:
        factor = scale_of(x) * 10.0
    else:
        factor = convert(rcond, like=s.dtype)
        factor = op("reshape", factor, shape=(*raw_shape(factor), 1)) if factor.ndim else factor
    limit = op("reduce_max", s, axes=(s.ndim - 1,), keepdims=True) * factor
    s = op("select", op("greater", s, limit), s, convert(float("inf"), like=s.dtype))
    row = op("cast", op("reshape", s, shape=(*raw_shape(s)[:-1], 1, raw_shape(s)[-1])), dtype=v.dtype)
    return matmul(v / row, u, adjoint_b=True)


@public("linalg.lstsq")
def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """x that makes |matrix x - rhs|^2 + l2_regularizer |x|^2 least (tf.linalg.lstsq).

    Args:
        matrix: [..., m, n].
        rhs: [..., m, k], of the same batch axes.
        l2_regularizer: a real number, not used with fast=False, as in TensorFlow.
        fast: through the Cholesky factor of the normal equations, which needs full rank; else the solution of least
            norm, through the pseudo-inverse.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: with fast, if a matrix has not full rank.
        ShapeError: if shapes clash.
        DTypeError: if dtypes differ, or have no linear algebra.
    """
    del name
    a, b = convert_pair(matrix, rhs, "lstsq")
    rows, columns = raw_shape(_require_matrix(a, "lstsq"))[-2:]
    if not fast:
        return matmul(pinv(a), _require_matrix(b, "lstsq"))
    tall = settled(lambda: dims.less_equal(columns, rows))
    gram = matmul(a, a, adjoint_a=tall, adjoint_b=not tall)
    gram = gram + _identity(gram) * convert(l2_regularizer, like=a.dtype)
    factor = op("cholesky", gram)
    return cholesky_solve(factor, matmul(a, b, adjoint_a=True)) if tall else matmul(
        a, cholesky_solve(factor, b), adjoint_a=True
    )


def _three_diagonals(diagonals: Any, form: str, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """The upper, main and lower diagonal, each [..., m] and by the row that it stands in."""
    if form == "sequence":
        upper, main, lower = (convert(d) for d in diagonals)
        m = raw_shape(main)[-1]
        upper = resized(upper, -1, m)
        if raw_shape(lower)[-1] != m:
            none = (0,) * (lower.ndim - 1)
            lower = op("pad", lower, convert(0, like=lower.dtype), low=(*none, 1), high=(*none, 0))
        return upper, main, lower
    x = _require_matrix(convert(diagonals), name)
    if form == "compact":
        if raw_shape(x)[-2] != 3:
            raise ShapeError(f"{name}: diagonals are {type_of(x)}, expected [..., 3, m] for the compact form")
        return x[..., 0, :], x[..., 1, :], x[..., 2, :]
    if form != "matrix":
        raise InvalidArgumentError(
            f"{name}: diagonals_format is {form!r}, expected 'compact', 'sequence' or 'matrix'"
        )
    n = raw_shape(_require_square(x, name))[-1]
    row, column = (op("iota", shape=(n, n), axis=a, dtype=int32) for a in (0, 1))
    zero, last = convert(0, like=x.dtype), x.ndim - 1
    upper, main, lower = (
        op("reduce_sum", op("select", op("equal", column, row + k), x, zero), axes=(last,), keepdims=False)
        for k in (1, 0, -1)
    )
    return upper, main, lower


@public("linalg.tridiagonal_matmul")
def tridiagonal_matmul(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None
) -> Tensor:
    """The product of tridiagonal matrices and rhs [..., m, k] (tf.linalg.tridiagonal_matmul).

    Args:
        diagonals: [..., 3, m] for "compact": upper, main and lower diagonal, each by row; three tensors for "sequence",
            the outer ones of m or m - 1 elements; [..., m, m] for "matrix".
        rhs: [..., m, k].
        diagonals_format: "compact", "sequence" or "matrix".
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for another format.
        ShapeError: if shapes clash.
        DTypeError: if dtypes differ.
    """
    del name
    upper, main, lower = _three_diagonals(diagonals, diagonals_format, "tridiagonal_matmul")
    b = _require_matrix(convert(rhs, like=main.dtype), "tridiagonal_matmul")
    n, none, zero = raw_shape(b)[-2], (0,) * (b.ndim - 2), convert(0, like=b.dtype)

    def moved(low: int, high: int) -> Tensor:
        begin, end = (*none, high, 0), (*raw_shape(b)[:-2], n - low, raw_shape(b)[-1])
        kept = op("slice", b, begin=begin, end=end, strides=(1,) * b.ndim)
        return op("pad", kept, zero, low=(*none, low, 0), high=(*none, high, 0))

    parts = zip((upper, main, lower), (moved(0, 1), b, moved(1, 0)), strict=True)
    first, second, third = (op("reshape", d, shape=(*raw_shape(d), 1)) * x for d, x in parts)
    return first + second + third


@public("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Tensor:
    """x with A x = rhs for a tridiagonal A (tf.linalg.tridiagonal_solve); solved as a full matrix.

    Args:
        diagonals: as for tridiagonal_matmul.
        rhs: [..., m] or [..., m, k].
        diagonals_format: "compact", "sequence" or "matrix".
        transpose_rhs: takes rhs with its last two axes exchanged.
        conjugate_rhs: takes the complex conjugate of rhs.
        name: accepted for compatibility.
        partial_pivoting: accepted for compatibility; rows are always exchanged where that is more accurate.
        perturb_singular: refused.

    Raises:
        InvalidArgumentError: for another format, for perturb_singular, or if a matrix is singular.
        ShapeError: if shapes clash.
        DTypeError: if dtypes differ, or have no linear algebra.
    """
    from eager.ops.complex import conj

    del name, partial_pivoting
    if perturb_singular:
        raise InvalidArgumentError("tridiagonal_solve: perturb_singular is for accelerators only, as in TensorFlow")
    upper, main, lower = _three_diagonals(diagonals, diagonals_format, "tridiagonal_solve")
    b = convert(rhs, like=main.dtype)
    vector = b.ndim == main.ndim
    if vector:
        b = op("reshape", b, shape=(*raw_shape(b), 1))
    elif transpose_rhs:
        b = op("transpose", b, perm=(*range(b.ndim - 2), b.ndim - 1, b.ndim - 2))
    b = conj(b) if conjugate_rhs else b
    found = op("solve", *_share_batch(_dense((upper, main, lower)), b, "tridiagonal_solve"))
    return op("reshape", found, shape=raw_shape(found)[:-1]) if vector else found


def _dense(diagonals: Sequence[Tensor]) -> Tensor:
    n = raw_shape(diagonals[1])[-1]
    row, column = (op("iota", shape=(n, n), axis=a, dtype=int32) for a in (0, 1))
    result = convert(0, like=diagonals[1].dtype)
    for k, d in zip((1, 0, -1), diagonals, strict=True):
        by_row = op("reshape", d, shape=(*raw_shape(d), 1))
        result = op("select", op("equal", column, row + k), by_row, result)
    return result


__all__ = [
    "cholesky_solve", "inv", "lstsq", "pinv", "solve", "triangular_solve", "tridiagonal_matmul",
    "tridiagonal_solve",
]  # fmt: skip
