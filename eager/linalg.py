"""tf.linalg: products and norms of matrices."""

from __future__ import annotations

from eager.ops.linalg import (
    matmul,
    matrix_transpose,
    matvec,
    tensordot,
)
from eager.ops.math import (
    norm,
)
from eager.ops.nn import (
    l2_normalize,
)

__all__ = ["l2_normalize", "matmul", "matrix_transpose", "matvec", "norm", "tensordot"]
