"""tf.linalg: decompositions of matrices over leading batch axes; they run on the host.

Matrices are float32, float64, complex64 or complex128 of rank 2 or more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from eager.convert import convert
from eager.dispatch import run
from eager.errors import DTypeError
from eager.ops.common import op, raw_shape
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dtypes import int32
from graphcore.optable import get_op


class QR(NamedTuple):
    """What tf.linalg.qr returns."""

    q: Tensor
    r: Tensor


class SignAndLog(NamedTuple):
    """What tf.linalg.slogdet returns."""

    sign: Tensor
    log_abs_determinant: Tensor


@public("linalg.cholesky")
def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular factor L of positive definite matrices x = L L^H (tf.linalg.cholesky).

    Only the lower triangle of the input counts. The factor of a matrix that is not positive definite is NaN on and
    below the diagonal.

    Raises:
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    return op("cholesky", convert(input))


@public("linalg.qr")
def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> QR:
    """x = q r with orthonormal columns of q and upper triangular r (tf.linalg.qr).

    Args:
        input: [..., m, n].
        full_matrices: q [..., m, m] and r [..., m, n], instead of [..., m, min(m, n)] and [..., min(m, n), n].
        name: accepted for compatibility.

    Raises:
        ShapeError: for a rank below 2.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    return QR(*run(get_op("qr"), (convert(input),), {"full_matrices": bool(full_matrices)}))


@public("linalg.svd")
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """The singular value decomposition x = u diag(s) v^H (tf.linalg.svd).

    Args:
        tensor: [..., m, n].
        full_matrices: u [..., m, m] and v [..., n, n], instead of min(m, n) columns each.
        compute_uv: returns (s, u, v), instead of s alone.
        name: accepted for compatibility.

    Returns:
        The singular values in descending order [..., min(m, n)], of the real dtype; u and v if wanted. All are NaN for
        a matrix that holds NaN or infinities.

    Raises:
        ShapeError: for a rank below 2.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    full = bool(full_matrices and compute_uv)
    s, u, v = run(get_op("svd"), (convert(tensor),), {"full_matrices": full})
    return (s, u, v) if compute_uv else s


@public("linalg.eigh")
def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues in ascending order [..., n] and eigenvectors [..., n, n], of self-adjoint matrices (tf.linalg.eigh).

    Only the lower triangle of the input counts. Both have the dtype of the input, a complex one too.

    Raises:
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    w, v = run(get_op("eigh"), (convert(tensor),))
    return op("cast", w, dtype=v.dtype) if v.dtype.is_complex else w, v


@public("linalg.eigvalsh")
def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Eigenvalues of self-adjoint matrices in ascending order (tf.linalg.eigvalsh). Raises as eigh does."""
    return eigh(tensor)[0]


@public("linalg.eig", "eig")
def eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Complex eigenvalues, in no order, and eigenvectors of square matrices (tf.linalg.eig); without a gradient.

    Raises:
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    w, v = run(get_op("eig"), (convert(tensor),))
    return w, v


@public("linalg.eigvals", "eigvals")
def eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """Complex eigenvalues of square matrices, in no order (tf.linalg.eigvals). Raises as eig does."""
    return eig(tensor)[0]


@public("linalg.slogdet")
def slogdet(input: Any, name: str | None = None) -> SignAndLog:
    """The sign and the logarithm of the absolute value of determinants (tf.linalg.slogdet).

    Both have the dtype of the input. The sign of a singular matrix is 0, its logarithm -infinity.

    Raises:
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    return SignAndLog(*run(get_op("slogdet"), (convert(input),)))


@public("linalg.det")
def det(input: Any, name: str | None = None) -> Tensor:
    """Determinants of square matrices (tf.linalg.det). Raises as slogdet does."""
    del name
    sign, log = slogdet(input)
    return sign * op("exp", log)


@public("linalg.logdet")
def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithm of the determinants of positive definite matrices, of the real dtype (tf.linalg.logdet).

    NaN for a matrix that is not positive definite.

    Raises:
        ShapeError: if the matrices are not square.
    """
    from eager.ops.complex import real
    from eager.ops.diagonals import diag_part

    del name
    logs = op("log", real(diag_part(cholesky(matrix))))
    return op("reduce_sum", logs, axes=(logs.ndim - 1,), keepdims=False) * 2.0


@public("linalg.matrix_rank")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """How many singular values exceed `tol`, as int32 (tf.linalg.matrix_rank).

    Args:
        a: [..., m, n].
        tol: a real number or tensor; by default the largest singular value times max(m, n) times the dtype's epsilon.
        validate_args: accepted for compatibility.
        name: accepted for compatibility.

    Raises:
        ShapeError: for a rank below 2.
    """
    del validate_args, name
    x = convert(a)
    s = svd(x, compute_uv=False)
    if tol is None:
        limit = op("reduce_max", s, axes=(s.ndim - 1,), keepdims=True) * scale_of(x)
    else:
        limit = convert(tol, like=s.dtype)
    return op("reduce_sum", op("cast", op("greater", s, limit), dtype=int32), axes=(s.ndim - 1,), keepdims=False)


def scale_of(x: Tensor) -> Tensor:
    """The larger size of a matrix times the epsilon of its dtype, as a scalar of the real dtype."""
    from eager.ops.common import size_tensor

    real = x.dtype.real_dtype
    return size_tensor(dims.maximum(*raw_shape(x)[-2:]), real) * float(np.finfo(real.numpy).eps)


def _matrix_function(name: str, x: Tensor) -> Tensor:
    return op("matrix_function", x, function=name)


@public("linalg.expm")
def expm(input: Any, name: str | None = None) -> Tensor:
    """The exponential of square matrices (tf.linalg.expm), by Pade approximation, scaling and squaring.

    Raises:
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    return _matrix_function("exp", convert(input))


@public("linalg.sqrtm", "matrix_square_root")
def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """The principal square root of square invertible matrices (tf.linalg.sqrtm).

    Raises:
        InvalidArgumentError: if an eigenvalue is zero, or a negative real number.
        ShapeError: if the matrices are not square.
        DTypeError: for a dtype without linear algebra.
    """
    del name
    return _matrix_function("sqrt", convert(input))


@public("linalg.logm")
def logm(input: Any, name: str | None = None) -> Tensor:
    """The principal logarithm of square invertible matrices, which must be complex (tf.linalg.logm).

    Raises:
        InvalidArgumentError: if an eigenvalue is zero, or a negative real number.
        ShapeError: if the matrices are not square.
        DTypeError: for a real dtype, as in TensorFlow.
    """
    del name
    x = convert(input)
    if not x.dtype.is_complex:
        raise DTypeError(
            f"logm: input is {type_of(x)}, expected complex64 or complex128; write tf.cast(x, tf.complex64) first"
        )
    return _matrix_function("log", x)


@public("linalg.normalize")
def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The tensor divided by its norm, and the norm with the axes kept (tf.linalg.normalize).

    Args:
        tensor: a floating tensor.
        ord: as for tf.norm.
        axis: as for tf.norm.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for an order that no norm has.
        TypeError: for an integer tensor.
    """
    from eager.ops.reduce import norm

    del name
    x = convert(tensor)
    size = norm(x, ord, axis, True)
    return x / size, size
