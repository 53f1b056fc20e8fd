"""tf.linalg: products of matrices and tensors."""

from __future__ import annotations

from typing import Any

from eager import plain
from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import one_axis, op, raw_shape, settled
from eager.ops.public import public
from eager.ops.shaping import broadcast_to, cast, reshape, transpose
from eager.tensor import Tensor, concrete, type_of
from eager.tensor_shape import TensorShape
from graphcore.dtypes import as_dtype, int8, int32
from graphcore.types import broadcast_shapes


@public("matmul", "linalg.matmul", short=plain.matmul)
def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of matrices, over leading batch axes that broadcast (tf.matmul).

    Args:
        a: [..., m, k], or [..., k, m] with transpose_a.
        b: [..., k, n], or [..., n, k] with transpose_b.
        transpose_a: takes a with its last two axes exchanged.
        transpose_b: takes b with its last two axes exchanged.
        adjoint_a: as transpose_a, and takes the complex conjugate.
        adjoint_b: as transpose_b, and takes the complex conjugate.
        a_is_sparse: accepted for compatibility.
        b_is_sparse: accepted for compatibility.
        output_type: the dtype in which products and sums are computed; by default that of the operands.
        grad_a: accepted for compatibility.
        grad_b: accepted for compatibility.
        name: accepted for compatibility.

    Raises:
        DTypeError: if dtypes differ.
        ShapeError: for a rank below 2 or inner sizes that clash.
    """
    del a_is_sparse, b_is_sparse, grad_a, grad_b, name
    x, y = convert_pair(a, b, "matmul")
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError(
            f"matmul: operands are {type_of(x)} and {type_of(y)}; both need rank 2 or more. Use tf.expand_dims, or "
            "tf.tensordot for vectors"
        )
    own: dict[str, Any] = {}
    if output_type is not None and x.dtype is y.dtype is int8 and as_dtype(output_type) is int32:
        own = {"dtype": int32}  # one op, which may take the bytes as they are
    elif output_type is not None:
        x, y = cast(x, as_dtype(output_type)), cast(y, as_dtype(output_type))
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise InvalidArgumentError("matmul: only one of transpose and adjoint can be True for an operand")
    if x.dtype.is_complex:
        from eager.ops.complex import conj

        x, y = conj(x) if adjoint_a else x, conj(y) if adjoint_b else y
    flip_a, flip_b = transpose_a or adjoint_a, transpose_b or adjoint_b
    _check_inner(x, y, flip_a, flip_b)
    batch_x, batch_y = raw_shape(x)[:-2], raw_shape(y)[:-2]
    if batch_x != batch_y and batch_y:
        batch = settled(lambda: broadcast_shapes(batch_x, batch_y))
        x = broadcast_to(x, TensorShape.of((*batch, *raw_shape(x)[-2:])))
        y = broadcast_to(y, TensorShape.of((*batch, *raw_shape(y)[-2:])))
    shared = tuple(range(y.ndim - 2))
    inner = ((x.ndim - (2 if flip_a else 1),), (y.ndim - (1 if flip_b else 2),))
    return op("dot_general", x, y, contracting=inner, batch=(shared, shared), **own)


def _check_inner(x: Tensor, y: Tensor, flip_a: bool, flip_b: bool) -> None:
    inner_x = raw_shape(x)[-2 if flip_a else -1]
    inner_y = raw_shape(y)[-1 if flip_b else -2]
    if isinstance(inner_x, int) and isinstance(inner_y, int) and inner_x != inner_y:
        raise ShapeError(
            f"matmul: Matrix size-incompatible: {type_of(x)}{' transposed' if flip_a else ''} times "
            f"{type_of(y)}{' transposed' if flip_b else ''}: inner sizes {inner_x} and {inner_y} must be equal"
        )


@public("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over axes (tf.tensordot).

    Args:
        a: a tensor.
        b: a tensor of the same dtype.
        axes: how many last axes of a meet first axes of b, or a pair of axes or lists of axes.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for axes that do not pair up.
    """
    del name
    x, y = convert_pair(a, b, "tensordot")
    axes = concrete(axes, "the axes of tf.tensordot") if isinstance(axes, Tensor) else axes
    axes = axes.tolist() if hasattr(axes, "tolist") else axes
    if isinstance(axes, int):
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise InvalidArgumentError(f"tensordot: axes is {axes} for {type_of(x)} and {type_of(y)}")
        left, right = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        left, right = ([s] if isinstance(s, int) else list(s) for s in axes)
    if len(left) != len(right):
        raise InvalidArgumentError(f"tensordot: axes {axes} pair {len(left)} with {len(right)}")
    contracting = (
        tuple(one_axis(i, x.ndim, "tensordot") for i in left),
        tuple(one_axis(i, y.ndim, "tensordot") for i in right),
    )
    return op("dot_general", x, y, contracting=contracting, batch=((), ()))


@public("linalg.matvec")
def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of a matrix [..., m, k] and a vector [..., k] (tf.linalg.matvec); flags as in tf.matmul.

    Raises:
        ShapeError: for a matrix of rank below 2, a scalar for a vector, or inner sizes that clash.
    """
    del a_is_sparse, b_is_sparse, name
    x, y = convert_pair(a, b, "matvec")
    if x.ndim < 2 or y.ndim < 1:
        raise ShapeError(f"matvec: operands are {type_of(x)} and {type_of(y)}, expected rank 2 and 1 or more")
    column = reshape(y, TensorShape.of((*raw_shape(y), 1)))
    product = matmul(x, column, transpose_a=transpose_a, adjoint_a=adjoint_a)
    return reshape(product, TensorShape.of(raw_shape(product)[:-1]))


@public("linalg.matrix_transpose")
def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes exchanged (tf.linalg.matrix_transpose). Raises ShapeError for a rank below 2."""
    del name
    x = convert(a)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: {type_of(x)} has rank {x.ndim}, expected 2 or more")
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2), conjugate)
