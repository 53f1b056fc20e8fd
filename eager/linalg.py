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

__getattr__, __dir__ = lazy_names(globals(), "tf.linalg", {})
