"""What control functions hand around: structures whose leaves are tensors, tf.TensorArrays and None."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from eager import nest
from eager.context import thread
from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError
from eager.ops.common import op, raw_shape, settled
from eager.ops.tensor_array import TensorArray
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorShape, TensorSpec
from graphcore import dims
from graphcore.dims import Dim

if TYPE_CHECKING:
    from eager.function.trace import Trace

Leaf = Any
"""A Tensor or a TensorArray; None where a branch may give nothing."""


def running_trace() -> Trace | None:
    """The trace that ops go into, or None where they run at once."""
    frame = thread.frame
    return cast("Trace", frame) if frame is not None and frame.tracing else None


def require_callable(function: Any, name: str) -> None:
    """Raises TypeError if `function` is not callable."""
    if not callable(function):
        raise TypeError(f"'{name}' must be callable, got {function!r} of type {type(function).__name__}")


def leaf_of(x: Any, like: Leaf = None) -> Leaf:
    """A leaf: a TensorArray as it is, anything else as a tensor; what has no dtype takes that of `like`."""
    if isinstance(x, TensorArray):
        return x
    return convert(x, like=like.dtype if isinstance(like, Tensor) else None)


def leaves_of(structure: Any) -> list[Leaf]:
    """The leaves of a structure, None where it is None."""
    return [None if x is None else leaf_of(x) for x in nest.flatten(structure)]


def tensor_of(leaf: Leaf) -> Tensor | None:
    """What stands for a leaf in a graph; None for None and for a TensorArray whose elements have no shape yet."""
    return leaf.buffer() if isinstance(leaf, TensorArray) else leaf


def tensors_of(leaves: Sequence[Leaf]) -> list[Tensor]:
    """What stands for leaves in a graph."""
    return [t for t in map(tensor_of, leaves) if t is not None]


def filled(leaves: Sequence[Leaf], tensors: Iterator[Tensor]) -> list[Leaf]:
    """Leaves like the given ones, with other tensors standing for them."""

    def fill(leaf: Leaf) -> Leaf:
        if tensor_of(leaf) is None:
            return leaf
        return leaf.with_buffer(next(tensors)) if isinstance(leaf, TensorArray) else next(tensors)

    return [fill(leaf) for leaf in leaves]


def packed(structure: Any, leaves: Sequence[Leaf]) -> Any:
    """A structure with other leaves; a bare leaf is a structure."""
    return nest.pack_sequence_as(structure, leaves) if nest.is_nested(structure) else leaves[0]


def same_sizes(a: Sequence[Dim], b: Sequence[Dim]) -> bool:
    """Whether two shapes are equal; a comparison that bounds leave open becomes a guard of the trace."""
    return len(a) == len(b) and all(settled(lambda x=x, y=y: dims.equal(x, y)) for x, y in zip(a, b, strict=True))


def check_kept(of: str, number: int, before: Leaf, after: Leaf, invariant: TensorShape | None = None) -> Leaf:
    """Sees to it that a value of a loop keeps its dtype and shape from one iteration to the next.

    Returns `after`, in the sizes of `before` where a guard of the trace makes them equal.

    Raises:
        DTypeError: if the dtype changes (TensorFlow: TypeError).
        InvalidArgumentError: if the shape changes (TensorFlow: ValueError).

    Where `invariant` allows another shape, the trace ends.
    """
    if isinstance(before, TensorArray) is not isinstance(after, TensorArray):
        raise DTypeError(f"{of}: loop variable {number} is {before!r} and becomes {after!r} after one iteration")
    a, b = tensor_of(before), tensor_of(after)
    if a is None or b is None:
        return after
    if a.dtype is not b.dtype:
        raise DTypeError(
            f"{of}: loop variable {number} enters the loop as {type_of(a)}, but is {type_of(b)} after one iteration. "
            f"Its dtype must stay {a.dtype.name}: write tf.cast(x, tf.{a.dtype.name}) in the body, or start with "
            f"tf.cast(x, tf.{b.dtype.name})"
        )
    if same_sizes(raw_shape(a), raw_shape(b)):
        alike = b is not after or raw_shape(a) == raw_shape(b)
        return after if alike else op("reshape", b, shape=raw_shape(a))
    if invariant is not None and invariant.is_compatible_with(b.shape):
        trace = running_trace()
        if trace is not None:
            trace.give_up(
                f"loop variable {number} changes its shape from {a.shape} to {b.shape} from one iteration to the next"
            )
        return after
    told = f", but the shape invariant specified for it is {invariant}" if invariant is not None else ""
    raise InvalidArgumentError(
        f"{of}: loop variable {number} enters the loop as {type_of(a)}, but is {type_of(b)} after one iteration{told}. "
        "To allow the shape to vary across iterations, use the `shape_invariants` argument of tf.while_loop to "
        "specify a less-specific shape (the loop then runs eagerly)"
    )


def shape_of(spec: Any) -> TensorShape:
    """The shape of a TensorShape, TensorSpec or anything that tells a shape."""
    return spec.shape if isinstance(spec, TensorSpec) else TensorShape(spec)
