"""tf.einsum, as contractions of two operands at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError, UnsupportedError
from eager.ops.common import op, raw_shape, settled
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore import dims

Labels = tuple[str, ...]
"""One label for each axis: a letter, or "...1" for the axes of an ellipsis, counted from the last."""


@public("einsum", "linalg.einsum")
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sums of products over named axes (tf.einsum), such as "bij,bjk->bik" or "...x,xy->...y".

    Operands are contracted from left to right. Axes under "..." must have equal sizes in the operands that have them.

    Args:
        equation: labels of the operands, comma separated, and after "->" of the result; without "->" the result has
            the labels that occur once, in alphabetic order.
        *inputs: tensors of one dtype.
        **kwargs: `optimize` and `name` are accepted for compatibility.

    Raises:
        InvalidArgumentError: if the labels do not fit the operands.
        UnsupportedError: for a label that one operand has twice.
    """
    unknown = set(kwargs) - {"optimize", "name"}
    if unknown:
        raise TypeError(f"einsum: invalid keyword arguments {sorted(unknown)}")
    sources, target = _parse(equation, len(inputs))
    tensors = [convert(inputs[0])]
    for x in inputs[1:]:
        tensors.append(convert_pair(tensors[0], x, "einsum")[1])
    labels = [_labels(s, t, equation) for s, t in zip(sources, tensors, strict=True)]
    result = _result_labels(target, labels, equation)
    x, have = tensors[0], labels[0]
    for i, y in enumerate(tensors[1:], 1):
        wanted = {*result, *(c for later in labels[i + 1 :] for c in later)}
        x, have = _contract(x, have, y, labels[i], wanted)
    x, have = _summed(x, have, set(result))
    perm = tuple(have.index(c) for c in result)
    return x if perm == tuple(range(len(perm))) else op("transpose", x, perm=perm)


def _parse(equation: str, count: int) -> tuple[list[str], str | None]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    sources = left.split(",")
    bare = equation.replace(" ", "").replace("...", "").replace("->", "").replace(",", "")
    if bare and not (bare.isascii() and bare.isalpha()):
        raise InvalidArgumentError(f"einsum: {equation!r} may hold only letters, '...', ',' and '->'")
    if len(sources) != count or not count:
        raise InvalidArgumentError(f"einsum: {equation!r} describes {len(sources)} operands, got {count}")
    return sources, right if arrow else None


def _labels(source: str, x: Tensor, equation: str) -> Labels:
    """The labels of one operand's axes."""
    before, dots, after = source.partition("...")
    hidden = x.ndim - len(before) - len(after)
    if hidden < 0 or (hidden and not dots) or "." in before + after:
        raise InvalidArgumentError(f"einsum: {source!r} of {equation!r} does not fit operand {type_of(x)}")
    labels = (*before, *(f"...{i}" for i in range(hidden, 0, -1)), *after)
    if len(set(labels)) != len(labels):
        raise UnsupportedError(
            f"einsum: {source!r} of {equation!r} names an axis twice; multiply with tf.eye to take a diagonal"
        )
    return labels


def _result_labels(target: str | None, labels: Sequence[Labels], equation: str) -> Labels:
    every = [c for operand in labels for c in operand]
    hidden = tuple(sorted({c for c in every if len(c) > 1}, key=lambda c: -int(c[3:])))
    if target is None:
        return (*hidden, *sorted(c for c in set(every) if len(c) == 1 and every.count(c) == 1))
    before, dots, after = target.partition("...")
    result = (*before, *(hidden if dots else ()), *after)
    if len(set(result)) != len(result) or not set(result) <= set(every):
        raise InvalidArgumentError(f"einsum: the result of {equation!r} must name labels of the operands, each once")
    return result


def _summed(x: Tensor, labels: Labels, wanted: set[str]) -> tuple[Tensor, Labels]:
    """Sums over the axes that nothing else needs."""
    axes = tuple(i for i, c in enumerate(labels) if c not in wanted)
    kept = tuple(c for c in labels if c in wanted)
    return (op("reduce_sum", x, axes=axes, keepdims=False) if axes else x), kept


def _contract(x: Tensor, left: Labels, y: Tensor, right: Labels, wanted: set[str]) -> tuple[Tensor, Labels]:
    """The product of two operands, summed over shared labels that are not wanted."""
    x, left = _summed(x, left, wanted | set(right))
    y, right = _summed(y, right, wanted | set(left))
    batch = [c for c in left if c in right and c in wanted]
    inner = [c for c in left if c in right and c not in wanted]
    for c in (*batch, *inner):
        m, n = raw_shape(x)[left.index(c)], raw_shape(y)[right.index(c)]
        if not settled(lambda m=m, n=n: dims.equal(m, n)):
            raise ShapeError(f"einsum: axis {c!r} has size {m} in {type_of(x)} and {n} in {type_of(y)}")
    places = (
        (tuple(left.index(c) for c in shared), tuple(right.index(c) for c in shared)) for shared in (inner, batch)
    )
    contracting, batching = places
    product = op("dot_general", x, y, contracting=contracting, batch=batching)
    free = (c for labels in (left, right) for c in labels if c not in batch and c not in inner)
    return product, (*batch, *free)
