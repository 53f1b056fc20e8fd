"""tf.einsum, as diagonals, sums, and contractions of two operands at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, settled
from eager.ops.join import same_dtype
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim

Labels = tuple[str, ...]
"""One label for each axis: a letter, or "...1" for the axes of an ellipsis, counted from the last."""


@public("einsum", "linalg.einsum")
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sums of products over named axes (tf.einsum), such as "bij,bjk->bik" or "...x,xy->...y".

    A label that one operand has twice takes its diagonal, one that the result has twice makes a diagonal. Of more
    than two operands, those are contracted first whose product is smallest, as far as sizes are known.

    Args:
        equation: labels of the operands, comma separated, and after "->" of the result; without "->" the result has
            the labels that occur once, in alphabetic order. Axes under "..." broadcast, those of labels do not.
        *inputs: tensors of one dtype.
        **kwargs: `optimize` and `name` are accepted for compatibility.

    Raises:
        InvalidArgumentError: if the labels do not fit the operands.
        ShapeError: if the sizes of one label differ.
        DTypeError: if dtypes differ.
    """
    unknown = set(kwargs) - {"optimize", "name"}
    if unknown:
        raise TypeError(f"einsum: invalid keyword arguments {sorted(unknown)}")
    sources, target = _parse(equation, len(inputs))
    operands = [(t, _labels(s, t, equation)) for s, t in zip(sources, same_dtype(inputs, "einsum"), strict=True)]
    result = _result_labels(target, [labels for _, labels in operands], equation)
    operands = [_diagonals(t, labels) for t, labels in operands]
    while len(operands) > 1:
        i, j = _next_pair(operands, set(result))
        (y, right), (x, left) = operands.pop(j), operands.pop(i)
        wanted = {*result, *(c for _, labels in operands for c in labels)}
        if not operands and _right_first(left, right, result):
            (x, left), (y, right) = (y, right), (x, left)
        operands.insert(i, _contract(x, left, y, right, wanted))
    x, have = _summed(*operands[0], set(result))
    return _arranged(x, have, result)


def _right_first(left: Labels, right: Labels, result: Labels) -> bool:
    """Whether the result has labels of the right operand alone before those of the left: then they change places."""
    own = [result.index(c) for c in left if c in result and c not in right]
    other = [result.index(c) for c in right if c in result and c not in left]
    return bool(own and other) and max(other) < min(own)


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
    return (*before, *(f"...{i}" for i in range(hidden, 0, -1)), *after)


def _diagonals(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """The operand with one axis for each label that it has twice."""
    if len(set(labels)) == len(labels):
        return x, labels
    from eager.ops.diagonals import diagonal

    for c in labels:
        while labels.count(c) > 1:
            i = labels.index(c)
            j = labels.index(c, i + 1)
            m, n = raw_shape(x)[i], raw_shape(x)[j]
            if not settled(lambda m=m, n=n: dims.equal(m, n)):
                raise ShapeError(f"einsum: axis {c!r} has sizes {m} and {n} in {type_of(x)}")
            rest = [k for k in range(x.ndim) if k not in (i, j)]
            x = diagonal(op("transpose", x, perm=(*rest, i, j)), 0)
            labels = (*(labels[k] for k in rest), c)
    return x, labels


def _next_pair(operands: Sequence[tuple[Tensor, Labels]], result: set[str]) -> tuple[int, int]:
    """The two operands whose product has the fewest elements; the first two if sizes are open."""
    sizes: dict[str, Dim] = {}
    for x, labels in operands:
        for c, n in zip(labels, raw_shape(x), strict=True):
            sizes[c] = n if sizes.get(c, 1) == 1 else sizes[c]
    if len(operands) == 2 or not all(isinstance(n, int) for n in sizes.values()):
        return 0, 1

    def elements(pair: tuple[int, int]) -> Any:
        wanted = result | {c for k, (_, labels) in enumerate(operands) if k not in pair for c in labels}
        return dims.product(sizes[c] for c in {*operands[pair[0]][1], *operands[pair[1]][1]} & wanted)

    return min(combinations(range(len(operands)), 2), key=elements)


def _arranged(x: Tensor, have: Labels, result: Labels) -> Tensor:
    """The axes in the order of the result; a label that it has twice becomes the diagonal of two axes."""
    for c in have:
        for _ in range(result.count(c) - 1):
            from eager.ops.diagonals import diag

            at = have.index(c)
            rest = [k for k in range(x.ndim) if k != at]
            x = diag(x if at == x.ndim - 1 else op("transpose", x, perm=(*rest, at)))
            have = (*(have[k] for k in rest), c, c)
    free = list(range(x.ndim))
    perm: list[int] = []
    for c in result:
        perm.append(next(k for k in free if have[k] == c))
        free.remove(perm[-1])
    return x if perm == list(range(len(perm))) else op("transpose", x, perm=tuple(perm))


def _result_labels(target: str | None, labels: Sequence[Labels], equation: str) -> Labels:
    every = [c for operand in labels for c in operand]
    hidden = tuple(sorted({c for c in every if len(c) > 1}, key=lambda c: -int(c[3:])))
    if target is None:
        return (*hidden, *sorted(c for c in set(every) if len(c) == 1 and every.count(c) == 1))
    before, dots, after = target.partition("...")
    result = (*before, *(hidden if dots else ()), *after)
    if not set(result) <= set(every) or "." in before + after:
        raise InvalidArgumentError(f"einsum: the result of {equation!r} must name labels of the operands")
    return result


def _summed(x: Tensor, labels: Labels, wanted: set[str]) -> tuple[Tensor, Labels]:
    """Sums over the axes that nothing else needs."""
    axes = tuple(i for i, c in enumerate(labels) if c not in wanted)
    kept = tuple(c for c in labels if c in wanted)
    return (op("reduce_sum", x, axes=axes, keepdims=False) if axes else x), kept


def _without_ones(x: Tensor, labels: Labels, y: Tensor, others: Labels) -> tuple[Tensor, Labels]:
    """Drops axes of size 1 under an ellipsis that the other operand has larger: those broadcast."""
    sizes = raw_shape(x)
    gone = {
        i
        for i, c in enumerate(labels)
        if len(c) > 1 and c in others and sizes[i] == 1 and raw_shape(y)[others.index(c)] != 1
    }
    if not gone:
        return x, labels
    kept = [i for i in range(len(sizes)) if i not in gone]
    return op("reshape", x, shape=tuple(sizes[i] for i in kept)), tuple(labels[i] for i in kept)


def _contract(x: Tensor, left: Labels, y: Tensor, right: Labels, wanted: set[str]) -> tuple[Tensor, Labels]:
    """The product of two operands, summed over shared labels that are not wanted."""
    x, left = _without_ones(x, left, y, right)
    y, right = _without_ones(y, right, x, left)
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
