"""Decompositions and solutions of matrices over leading batch axes, on the host through numpy.linalg.

Operands are float32, float64, complex64 or complex128; float16 and bfloat16 are refused, as in TensorFlow.
Gradients are written over Functions, so they are differentiable again. They follow M. Giles, An extended collection
of matrix derivative results (2008), I. Murray, Differentiation of the Cholesky decomposition (2016), and J. Townsend,
Differentiating the singular value decomposition (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import complex64, complex128, float32, float64
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError, UnsupportedError
from graphcore.ops import matrix_rules as rules
from graphcore.ops.matrix_numpy import matrix_function_array, triangular_solve_arrays
from graphcore.ops.rules import Attrs, Types, certainly_not, check_equal_dims, require_same_dtype, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

_DTYPES = (float32, float64, complex64, complex128)
_COMPLEX = {float32: complex64, float64: complex128}


def require_matrix(op: str, type_: TensorType, position: int = 0) -> tuple[Dim, Dim]:
    """The last two sizes. Raises ShapeError for a rank below 2, DTypeError for a dtype without linear algebra."""
    if type_.dtype not in _DTYPES:
        raise DTypeError(
            f"{op}: operand {position} is {type_!r}, expected float32, float64, complex64 or complex128; write "
            "tf.cast(x, tf.float32) first"
        )
    if type_.rank < 2:
        raise ShapeError(f"{op}: operand {position} is {type_!r}, expected a matrix: rank 2 or more")
    return type_.shape[-2], type_.shape[-1]


def require_square(op: str, type_: TensorType) -> Dim:
    """The size of a square matrix. Raises ShapeError if it is not square."""
    rows, columns = require_matrix(op, type_)
    if rows is not columns and rows != columns and certainly_not(lambda: dims.equal(rows, columns)):
        raise ShapeError(f"{op}: operand is {type_!r}, expected square matrices: the last two sizes must be equal")
    check_equal_dims(op, "the last two dimensions", rows, columns, (type_,))
    return rows


def _attempt(message: str, function: Callable[..., Any], *arrays: Any, **options: Any) -> Any:
    """NumPy's function; what LAPACK cannot do becomes an InvalidArgumentError."""
    try:
        return function(*arrays, **options)
    except np.linalg.LinAlgError as error:
        raise InvalidArgumentError(f"{message} ({error})") from None


def _check_square(x: Any) -> None:
    """Leaves the message to `infer`, which eager calls after a ValueError."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"matrices of shape {x.shape} are not square")


# cholesky: the lower factor; only the lower triangle of the operand counts


def _square_infer(name: str) -> Callable[..., Any]:
    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        require_square(name, types[0])
        return (types[0],)

    return infer


def _cholesky(x: Any) -> Any:
    _check_square(x)
    if not x.size:
        return np.array(x)
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        pass
    flat = x.reshape(-1, *x.shape[-2:])
    return np.stack([_cholesky_or_nan(m) for m in flat]).reshape(x.shape)


def _cholesky_or_nan(x: Any) -> Any:
    """The factor of one matrix; NaN on and below the diagonal if it is not positive definite, as in TensorFlow."""
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.tril(np.full_like(x, np.nan))


cholesky = register(OpDef(
    "cholesky", "host", _square_infer("cholesky"), _cholesky,
    lambda f, cts, inputs, outputs, attrs: (rules.d_cholesky(f, cts[0], outputs[0]),),
    samples=samples("positive_matrices"), native=False,
))  # fmt: skip

# qr: attr full_matrices; results q, r


def _qr_infer(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x = types[0]
    rows, columns = require_matrix("qr", x)
    inner = rows if attrs["full_matrices"] else dims.minimum(rows, columns)
    return x.with_shape((*x.shape[:-1], inner)), x.with_shape((*x.shape[:-2], inner, columns))


def _qr(x: Any, full_matrices: bool) -> Any:
    rows, columns = x.shape[-2:]
    if not x.size:
        inner = rows if full_matrices else min(rows, columns)
        q = np.broadcast_to(np.eye(rows, inner, dtype=x.dtype), (*x.shape[:-1], inner))
        return np.array(q), np.zeros((*x.shape[:-2], inner, columns), x.dtype)
    q, r = np.linalg.qr(x, "complete" if full_matrices else "reduced")
    return q, r


def _qr_vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    rows, columns = f.type(inputs[0]).shape[-2:]
    if attrs["full_matrices"] and not dims.less_equal(rows, columns):
        raise UnsupportedError(
            f"qr: no gradient of {f.type(inputs[0])!r} with full_matrices=True and more rows than columns, as in "
            "TensorFlow; use full_matrices=False"
        )
    q, r = outputs
    dq, dr = (f.zeros_like(y) if ct is None else ct for ct, y in zip(cts, outputs, strict=True))
    if dims.less_equal(columns, rows):
        return (rules.d_qr_deep(f, q, r, dq, dr),)
    return (rules.d_qr_wide(f, inputs[0], q, r, dq, dr),)


qr = register(OpDef("qr", "host", _qr_infer, _qr, _qr_vjp, samples=samples("decompositions"), native=False))

# svd: attr full_matrices; results s (descending), u, v with x = u diag(s) v^H


def _svd_infer(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    x = types[0]
    rows, columns = require_matrix("svd", x)
    inner, batch = dims.minimum(rows, columns), x.shape[:-2]
    left, right = (rows, columns) if attrs["full_matrices"] else (inner, inner)
    return (
        TensorType(x.dtype.real_dtype, (*batch, inner)), x.with_shape((*batch, rows, left)),
        x.with_shape((*batch, columns, right)),
    )  # fmt: skip


def _svd(x: Any, full_matrices: bool) -> Any:
    rows, columns = x.shape[-2:]
    if not x.size:
        inner, batch = min(rows, columns), x.shape[:-2]
        left, right = (rows, columns) if full_matrices else (inner, inner)
        u = np.array(np.broadcast_to(np.eye(rows, left, dtype=x.dtype), (*batch, rows, left)))
        v = np.array(np.broadcast_to(np.eye(columns, right, dtype=x.dtype), (*batch, columns, right)))
        return np.zeros((*batch, inner), x.real.dtype), u, v
    good = np.isfinite(x).all((-2, -1))
    safe = x if good.all() else np.where(good[..., None, None], x, np.zeros((), x.dtype))
    u, s, vh = _attempt("svd: the decomposition did not converge", np.linalg.svd, safe, full_matrices=full_matrices)
    v = np.conj(np.swapaxes(vh, -1, -2))
    if safe is x:
        return s, u, v
    # As in TensorFlow a matrix with NaN or infinities has no decomposition, but the others of the batch have one.
    nan, bad = np.asarray(np.nan, s.dtype), ~good[..., None]
    return np.where(bad, nan, s), *(np.where(bad[..., None], nan.astype(m.dtype), m) for m in (u, v))


def _svd_vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    x = f.type(inputs[0])
    rows, columns = x.shape[-2:]
    vectors = cts[1] is not None or cts[2] is not None
    s, u, v = outputs
    if attrs["full_matrices"] and not dims.equal(rows, columns):
        if vectors:
            raise UnsupportedError(
                f"svd: no gradient of u and v of {x!r} with full_matrices=True; use full_matrices=False"
            )
        s, u, v = f.svd(inputs[0], full_matrices=False)
    if not vectors:
        return (rules.d_singular_values(f, cts[0], u, v),)
    return (rules.d_svd(f, cts, s, u, v, dims.equal(rows, columns)),)


svd = register(OpDef("svd", "host", _svd_infer, _svd, _svd_vjp, samples=samples("decompositions"), native=False))

# eigh: of a self-adjoint matrix, of which only the lower triangle counts; results w (ascending), v


def _eigh_infer(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    require_square("eigh", types[0])
    return TensorType(types[0].dtype.real_dtype, types[0].shape[:-1]), types[0]


def _eigh(x: Any) -> Any:
    _check_square(x)
    if not x.size:
        return np.zeros(x.shape[:-1], x.real.dtype), np.array(x)
    w, v = _attempt("eigh: the eigenvalues did not converge", np.linalg.eigh, x)
    return w, v


eigh = register(OpDef(
    "eigh", "host", _eigh_infer, _eigh,
    lambda f, cts, inputs, outputs, attrs: (rules.d_eigh(f, cts, *outputs),),
    samples=samples("square_matrices"), native=False,
))  # fmt: skip

# eig: of any square matrix; complex results w (in no order), v; no gradient


def _eig_infer(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    require_square("eig", types[0])
    dtype = _COMPLEX.get(types[0].dtype, types[0].dtype)
    return TensorType(dtype, types[0].shape[:-1]), types[0].with_dtype(dtype)


def _eig(x: Any) -> Any:
    _check_square(x)
    dtype = np.result_type(x.dtype, np.complex64)
    if not x.size:
        return np.zeros(x.shape[:-1], dtype), np.zeros(x.shape, dtype)
    w, v = _attempt("eig: the eigenvalues did not converge", np.linalg.eig, x)
    return w.astype(dtype), v.astype(dtype)


eig = register(OpDef(
    "eig", "host", _eig_infer, _eig, differentiable=False, samples=samples("square_matrices"), native=False
))  # fmt: skip

# solve: x with a x = b, for b [..., n, k] of a's batch axes


def _solve_infer(name: str) -> Callable[..., Any]:
    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        a, b = types
        require_same_dtype(name, types)
        n = require_square(name, a)
        require_matrix(name, b, 1)
        if a.rank != b.rank:
            raise ShapeError(f"{name}: operands are {a!r} and {b!r}, expected one rank; add batch axes to one")
        check_equal_dims(name, "the rows of both operands", n, b.shape[-2], types)
        for i in range(a.rank - 2):
            check_equal_dims(name, f"batch dimension {i}", a.shape[i], b.shape[i], types)
        return (b,)

    return infer


def _check_system(a: Any, b: Any) -> None:
    _check_square(a)
    if a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"right-hand sides of shape {b.shape} do not fit matrices of shape {a.shape}")


def _solve(a: Any, b: Any) -> Any:
    _check_system(a, b)
    if not a.size or not b.size:
        return np.zeros_like(b)
    return _attempt("solve: Input matrix is not invertible.", np.linalg.solve, a, b)


solve = register(OpDef(
    "solve", "host", _solve_infer("solve"), _solve,
    lambda f, cts, inputs, outputs, attrs: rules.d_solve(f, cts[0], inputs[0], outputs[0]),
    samples=samples("linear_systems"), native=False,
))  # fmt: skip

# triangular_solve: as solve, of one triangle of a; attrs lower, adjoint (takes the adjoint of that triangle)


def _triangular_solve(a: Any, b: Any, lower: bool, adjoint: bool) -> Any:
    _check_system(a, b)
    return triangular_solve_arrays(a, b, lower, adjoint)


triangular_solve = register(OpDef(
    "triangular_solve", "host", _solve_infer("triangular_solve"), _triangular_solve,
    lambda f, cts, inputs, outputs, attrs: rules.d_triangular_solve(
        f, cts[0], inputs[0], outputs[0], attrs["lower"], attrs["adjoint"]),
    samples=samples("triangular_systems"), native=False,
))  # fmt: skip

# slogdet: results sign and log of the absolute value of the determinant, both of the operand's dtype


def _slogdet_infer(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    require_square("slogdet", types[0])
    result = types[0].with_shape(types[0].shape[:-2])
    return result, result


def _slogdet(x: Any) -> Any:
    _check_square(x)
    sign, log = np.linalg.slogdet(x)
    return np.asarray(sign).astype(x.dtype, copy=False), np.asarray(log).astype(x.dtype, copy=False)


slogdet = register(OpDef(
    "slogdet", "host", _slogdet_infer, _slogdet,
    lambda f, cts, inputs, outputs, attrs: (rules.d_slogdet(f, cts, inputs[0], outputs[0]),),
    samples=samples("square_matrices"), native=False,
))  # fmt: skip

# matrix_function: attr function in MATRIX_FUNCTIONS, of a square matrix

MATRIX_FUNCTIONS = ("exp", "log", "sqrt")


def _function_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    if attrs["function"] not in MATRIX_FUNCTIONS:
        raise InvalidArgumentError(
            f"matrix_function: {attrs['function']!r} is none of {', '.join(MATRIX_FUNCTIONS)}"
        )
    require_square("matrix_function", types[0])
    return (types[0],)



def _matrix_function(x: Any, function: str) -> Any:
    _check_square(x)
    return matrix_function_array(x, function)


matrix_function = register(OpDef(
    "matrix_function", "host", _function_infer, _matrix_function,
    lambda f, cts, inputs, outputs, attrs: (rules.d_matrix_function(f, cts[0], inputs[0], attrs["function"]),),
    samples=samples("functions_of_matrices"), native=False,
))  # fmt: skip

__all__ = [
    "MATRIX_FUNCTIONS", "cholesky", "eig", "eigh", "matrix_function", "qr", "require_matrix", "require_square",
    "slogdet", "solve", "svd", "triangular_solve",
]  # fmt: skip
