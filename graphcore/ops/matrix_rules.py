"""Gradient rules of `matrix`, over Functions; sizes may be symbolic, matrices have leading batch axes.

Complex matrices follow TensorFlow's convention (see `complex`), in which the rules of real matrices hold with
adjoints in the place of transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphcore.dims import Dim
from graphcore.dtypes import int64
from graphcore.ops.rules import conj, keep_where, scaled

if TYPE_CHECKING:
    from graphcore.functions import Functions

TINY = 1e-20
"""Added to squares of differences of singular and eigenvalues, so that equal ones give 0; as TensorFlow does."""


def matmul(f: Functions, a: Any, b: Any) -> Any:
    """The product of matrices of equal batch axes."""
    rank = f.type(a).rank
    batch = tuple(range(rank - 2))
    return f.dot_general(a, b, contracting=((rank - 1,), (rank - 2,)), batch=(batch, batch))


def adjoint(f: Functions, x: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    rank = f.type(x).rank
    return conj(f, f.transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2)))


def positions(f: Functions, rows: Dim, columns: Dim) -> tuple[Any, Any]:
    """The row and the column of every element, as int64 [rows, columns]."""
    row, column = (f.iota(shape=(rows, columns), axis=a, dtype=int64) for a in (0, 1))
    return row, column


def masked(f: Functions, x: Any, compare: str) -> Any:
    """`x` where its row compares so with its column ("equal", "greater", "less_equal", ...), else 0."""
    row, column = positions(f, *f.type(x).shape[-2:])
    return keep_where(f, f.apply(compare, (row, column), {})[0], x)


def from_diagonal(f: Functions, d: Any) -> Any:
    """The square matrices with diagonals `d` [..., n]."""
    shape = f.type(d).shape
    return masked(f, f.broadcast_to(f.reshape(d, shape=(*shape, 1)), shape=(*shape, shape[-1])), "equal")


def diagonal(f: Functions, x: Any) -> Any:
    """The diagonals of square matrices."""
    return f.reduce_sum(masked(f, x, "equal"), axes=(f.type(x).rank - 1,), keepdims=False)


def identity(f: Functions, like: Any) -> Any:
    """Unit matrices of the type of square matrices."""
    return masked(f, f.full(f.type(like), 1), "equal")


def _columns_times(f: Functions, x: Any, d: Any) -> Any:
    """Every column of x times its entry of a real d [..., n]."""
    shape = f.type(d).shape
    row = f.reshape(d, shape=(*shape[:-1], 1, shape[-1]))
    return f.mul(x, f.cast(row, dtype=f.type(x).dtype))


def _reciprocal(f: Functions, x: Any) -> Any:
    """1 / x, and 0 at 0, where its own derivative is 0 too."""
    none = f.equal(x, f.constant(0, like=x))
    safe = f.select(none, f.constant(1, like=x), x)
    return keep_where(f, f.logical_not(none), f.div(safe, f.add(f.mul(safe, safe), f.constant(TINY, like=x))))


def _differences(f: Functions, d: Any) -> Any:
    """d_j - d_i as [..., i, j]."""
    shape = f.type(d).shape
    return f.sub(f.reshape(d, shape=(*shape[:-1], 1, shape[-1])), f.reshape(d, shape=(*shape, 1)))


def _upper_quotient(f: Functions, x: Any, r: Any) -> Any:
    """x times the inverse adjoint of the upper triangular r."""
    return adjoint(f, f.triangular_solve(r, adjoint(f, x), lower=False, adjoint=False))


def d_cholesky(f: Functions, ct: Any, factor: Any) -> Any:
    """The symmetric cotangent of the operand."""
    inner = masked(f, matmul(f, adjoint(f, factor), ct), "greater_equal")
    inner = f.sub(inner, scaled(f, masked(f, inner, "equal"), 0.5))
    left = f.triangular_solve(factor, inner, lower=True, adjoint=True)
    both = adjoint(f, f.triangular_solve(factor, adjoint(f, left), lower=True, adjoint=True))
    return scaled(f, f.add(both, adjoint(f, both)), 0.5)


def d_qr_deep(f: Functions, q: Any, r: Any, dq: Any, dr: Any) -> Any:
    """For at least as many rows as columns and q of as many columns as the operand."""
    qdq, rdr = matmul(f, adjoint(f, q), dq), matmul(f, r, adjoint(f, dr))
    skew = f.add(f.sub(qdq, adjoint(f, qdq)), f.sub(rdr, adjoint(f, rdr)))
    lower = masked(f, skew, "greater_equal")
    first = matmul(f, q, f.add(dr, _upper_quotient(f, lower, r)))
    result = f.add(first, _upper_quotient(f, f.sub(dq, matmul(f, q, qdq)), r))
    if not f.type(q).dtype.is_complex:
        return result
    # The diagonal of r is real in LAPACK's choice, so imaginary parts of the diagonal count once.
    mixed = masked(f, f.sub(rdr, adjoint(f, qdq)), "equal")
    real = f.complex(f.real(mixed), f.zeros_like(f.real(mixed)))
    return f.add(result, _upper_quotient(f, matmul(f, q, adjoint(f, f.sub(mixed, real))), r))


def d_qr_wide(f: Functions, x: Any, q: Any, r: Any, dq: Any, dr: Any) -> Any:
    """For fewer rows than columns: the square part x1 = q u, and the rest x2 = q v."""
    rows, columns = f.type(x).shape[-2:]

    def part(m: Any, begin: Dim, end: Dim) -> Any:
        shape = f.type(m).shape
        none = (0,) * (len(shape) - 1)
        return f.slice(m, begin=(*none, begin), end=(*shape[:-1], end), strides=(1,) * len(shape))

    u, du = part(r, 0, rows), part(dr, 0, rows)
    rest, dv = part(x, rows, columns), part(dr, rows, columns)
    square = d_qr_deep(f, q, u, f.add(dq, matmul(f, rest, adjoint(f, dv))), du)
    return f.concatenate(square, matmul(f, q, dv), axis=f.type(x).rank - 1)


def d_singular_values(f: Functions, ct: Any, u: Any, v: Any) -> Any:
    """u diag(ct) v^H."""
    return matmul(f, _columns_times(f, u, ct), adjoint(f, v))


def d_svd(f: Functions, cts: Sequence[Any], s: Any, u: Any, v: Any, square: bool) -> Any:
    """With thin u and v. Of complex ones a common phase of two columns is free; the loss must not depend on it."""
    dtype = f.type(u).dtype
    ds = f.zeros_like(s) if cts[0] is None else cts[0]
    du, dv = (f.zeros_like(y) if ct is None else ct for ct, y in ((cts[1], u), (cts[2], v)))
    gaps = f.cast(_reciprocal(f, _differences(f, f.mul(s, s))), dtype=dtype)
    inverse = _reciprocal(f, s)

    def skew(basis: Any, ct: Any) -> Any:
        inner = matmul(f, adjoint(f, basis), ct)
        return f.sub(inner, adjoint(f, inner))

    of_u, of_v = skew(u, du), skew(v, dv)
    inner = f.add(_columns_times(f, f.mul(of_u, gaps), s), from_diagonal(f, f.cast(ds, dtype=dtype)))
    rows = f.cast(f.reshape(s, shape=(*f.type(s).shape, 1)), dtype=dtype)
    inner = f.add(inner, f.mul(rows, f.mul(of_v, gaps)))
    if dtype.is_complex:
        inner = f.add(inner, scaled(f, _columns_times(f, masked(f, of_u, "equal"), inverse), 0.5))
    result = matmul(f, matmul(f, u, inner), adjoint(f, v))
    if square:
        return result

    def outside(basis: Any, ct: Any) -> Any:
        """What lies outside of the span of the basis, by columns divided by s."""
        left = f.sub(ct, matmul(f, basis, matmul(f, adjoint(f, basis), ct)))
        return _columns_times(f, left, inverse)

    result = f.add(result, matmul(f, outside(u, du), adjoint(f, v)))
    return f.add(result, matmul(f, u, adjoint(f, outside(v, dv))))


def d_eigh(f: Functions, cts: Sequence[Any], w: Any, v: Any) -> Any:
    """On the lower triangle alone, which is what the op reads."""
    inner = None if cts[0] is None else from_diagonal(f, f.cast(cts[0], dtype=f.type(v).dtype))
    if cts[1] is not None:
        gaps = f.cast(_reciprocal(f, _differences(f, w)), dtype=f.type(v).dtype)
        turned = f.mul(gaps, matmul(f, adjoint(f, v), cts[1]))
        inner = turned if inner is None else f.add(inner, turned)
    full = matmul(f, matmul(f, v, inner), adjoint(f, v))
    both = f.add(full, adjoint(f, full))
    lower = masked(f, both, "greater_equal")
    return f.sub(lower, scaled(f, masked(f, both, "equal"), 0.5))


def d_solve(f: Functions, ct: Any, a: Any, x: Any) -> Any:
    """Of both operands."""
    db = f.solve(adjoint(f, a), ct)
    return (lambda: f.neg(matmul(f, db, adjoint(f, x))), db)


def d_triangular_solve(f: Functions, ct: Any, a: Any, x: Any, lower: bool, flipped: bool) -> Any:
    """Of both operands; that of the matrix on its triangle alone. `flipped` is the op's attr `adjoint`."""
    db = f.triangular_solve(a, ct, lower=lower, adjoint=not flipped)

    def matrix() -> Any:
        full = matmul(f, x, adjoint(f, db)) if flipped else matmul(f, db, adjoint(f, x))
        return f.neg(masked(f, full, "greater_equal" if lower else "less_equal"))

    return (matrix, db)


def d_slogdet(f: Functions, cts: Sequence[Any], x: Any, sign: Any) -> Any:
    """The inverse adjoint times the cotangent of log(det); its imaginary part is that of the angle of the sign."""
    zeros = f.zeros_like(sign)
    d_log = zeros if cts[1] is None else cts[1]
    if f.type(x).dtype.is_complex:
        angle = zeros if cts[0] is None else f.mul(cts[0], conj(f, sign))
        d_log = f.complex(f.real(d_log), f.imag(angle))
    inverse = f.solve(adjoint(f, x), identity(f, x))
    shape = f.type(d_log).shape
    return f.mul(f.reshape(d_log, shape=(*shape, 1, 1)), inverse)


def d_matrix_function(f: Functions, ct: Any, x: Any, function: str) -> Any:
    """The corner of the function of [[x^H, ct], [0, x^H]] (N. Higham, Functions of Matrices, 2008, (3.16))."""
    rank = f.type(x).rank
    n, shape = f.type(x).shape[-1], f.type(x).shape
    dagger = adjoint(f, x)
    top = f.concatenate(dagger, ct, axis=rank - 1)
    bottom = f.concatenate(f.zeros_like(x), dagger, axis=rank - 1)
    whole = f.matrix_function(f.concatenate(top, bottom, axis=rank - 2), function=function)
    begin, end = (*(0,) * (rank - 1), n), (*shape[:-1], 2 * n)
    return f.slice(whole, begin=begin, end=end, strides=(1,) * rank)


__all__ = [
    "adjoint", "d_cholesky", "d_eigh", "d_matrix_function", "d_qr_deep", "d_qr_wide", "d_singular_values", "d_slogdet",
    "d_solve", "d_svd", "d_triangular_solve", "diagonal", "from_diagonal", "identity", "masked", "matmul",
]  # fmt: skip
