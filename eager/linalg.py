"""tf.linalg: products and norms of matrices."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.create import eye
from eager.ops.einsum import einsum
from eager.ops.linalg import (
    matmul,
    matrix_transpose,
    matvec,
    tensordot,
)
from eager.ops.math import (
    global_norm,
    norm,
)
from eager.ops.nn import (
    l2_normalize,
)

__all__ = [
    "einsum", "eye", "global_norm", "l2_normalize", "matmul", "matrix_transpose", "matvec", "norm",
    "tensordot",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.linalg", {
    "eager.ops.diagonals": "adjoint band_part cross diag diag_part set_diag tensor_diag tensor_diag_part trace",
    "eager.ops.matrix": "cholesky det eig eigh eigvals eigvalsh expm logdet logm matrix_rank normalize qr slogdet "
    "sqrtm svd",
    "eager.ops.matrix_solve": "cholesky_solve inv lstsq pinv solve triangular_solve tridiagonal_matmul "
    "tridiagonal_solve",
})  # fmt: skip
