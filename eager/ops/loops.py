"""tf.while_loop: eagerly a Python loop, in a trace one node that loops natively."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eager import nest
from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.common import op, raw_shape
from eager.ops.control import truth
from eager.ops.leaves import (
    Leaf,
    check_kept,
    filled,
    leaf_of,
    packed,
    require_callable,
    running_trace,
    shape_of,
    tensor_of,
    tensors_of,
)
from eager.ops.public import public
from eager.ops.tensor_array import TensorArray
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from graphcore.dims import Dim

if TYPE_CHECKING:
    from eager.function.trace import Trace


class _Known(Exception):
    """An iteration has shown what shape the elements of a TensorArray among the loop variables have."""

    def __init__(self, number: int, shape: Sequence[Dim]) -> None:
        super().__init__(number)
        self.number, self.shape = number, shape


class _Loop:
    """A loop over a structure of variables.

    Attributes:
        structure: of the loop variables.
        leaves: what they start as.
        invariants: per leaf the shape that it may take, or None.
    """

    def __init__(self, cond: Any, body: Any, loop_vars: Any, shape_invariants: Any) -> None:
        self.cond, self.body, self.structure = cond, body, loop_vars
        self.leaves: list[Leaf] = [leaf_of(x) for x in nest.flatten(loop_vars)]
        self.invariants: list[TensorShape | None] = [None] * len(self.leaves)
        if shape_invariants is not None:
            self.invariants = _shapes(loop_vars, self.leaves, shape_invariants)

    def holds(self, leaves: Sequence[Leaf]) -> Tensor:
        """The condition."""
        return truth(self.cond(*packed(self.structure, leaves)), "while_loop")

    def step(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        """One iteration. Raises ValueError or TypeError if the body gives another structure."""
        result = self.body(*packed(self.structure, leaves))
        if not nest.is_nested(result):
            result = (result,)
        nest.assert_same_structure(self.structure, result, check_types=False)
        return [leaf_of(x, like) for x, like in zip(nest.flatten(result), leaves, strict=True)]

    def kept_step(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        """One iteration of a traced loop: dtypes and shapes stay. Raises as `check_kept`; _Known."""
        new, kept = self.step(leaves), []
        for number, (a, b) in enumerate(zip(leaves, new, strict=True)):
            if tensor_of(a) is None and (t := tensor_of(b)) is not None:
                raise _Known(number, raw_shape(t)[1:])
            kept.append(check_kept("while_loop", number, a, b, self.invariants[number]))
        return kept


def _shapes(loop_vars: Any, leaves: Sequence[Leaf], invariants: Any) -> list[TensorShape | None]:
    """The shape invariants per leaf. Raises ValueError if they do not fit the loop variables."""
    nest.assert_same_structure(loop_vars, invariants, check_types=False)
    shapes = [shape_of(s) for s in nest.flatten(invariants)]
    for number, (leaf, shape) in enumerate(zip(leaves, shapes, strict=True)):
        if isinstance(leaf, Tensor) and not shape.is_compatible_with(leaf.shape):
            raise InvalidArgumentError(
                f"The shape invariant specified for loop variable {number} is not compatible with the initial shape of "
                f"the loop variable. It enters the loop with shape {leaf.shape}, but the specified shape invariant is "
                f"{shape}."
            )
    return list(shapes)


@public("while_loop")
def while_loop(
    cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, maximum_iterations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Repeats `body` as long as `cond` holds (tf.while_loop).

    In a trace both are traced once, and the loop variables keep dtypes and shapes; a loop whose `shape_invariants`
    leave a size open that really changes ends the trace.

    Args:
        cond: a function of the loop variables that gives a bool scalar.
        body: a function of the loop variables that gives new ones, in the same structure.
        loop_vars: a list or tuple of tensors, TensorArrays and structures of them.
        shape_invariants: a TensorShape or TensorSpec for each of them; None as a size leaves it open.
        maximum_iterations: an integer scalar, or None for no limit.
        parallel_iterations, back_prop, swap_memory, name: accepted for compatibility.

    Returns:
        The last loop variables, in the structure of `loop_vars`.

    Raises:
        TypeError: if a function is not callable, or a dtype changes.
        ValueError: without loop variables, or if a structure or a shape changes.
    """
    del back_prop, swap_memory, name
    require_callable(cond, "cond")
    require_callable(body, "body")
    if parallel_iterations < 1:
        raise TypeError(f"'parallel_iterations' must be a positive integer, got {parallel_iterations}")
    if not isinstance(loop_vars, list | tuple) or not loop_vars:
        raise ValueError(f"'loop_vars' must be provided, as a list or tuple that is not empty; got {loop_vars!r}")
    limit = None if maximum_iterations is None else _limit(maximum_iterations)
    loop = _Loop(cond, body, loop_vars, shape_invariants)
    trace = running_trace()
    if trace is None:
        return _eager(loop, limit)
    from eager.function.region import attempt

    return attempt(trace, lambda: _traced(trace, loop, limit), lambda: _eager(loop, limit))


def _limit(maximum: Any) -> Tensor:
    limit = convert(maximum)
    if limit.ndim or not limit.dtype.is_integer:
        raise InvalidArgumentError(f"'maximum_iterations' must be an integer scalar, got {limit!r}")
    return limit


def _eager(loop: _Loop, limit: Tensor | None) -> Any:
    leaves, most, count = loop.leaves, None if limit is None else int(limit), 0
    while (most is None or count < most) and bool(loop.holds(leaves)):
        leaves = loop.step(leaves)
        count += 1
    return packed(loop.structure, leaves)


def _traced(trace: Trace, loop: _Loop, limit: Tensor | None) -> Any:
    while True:
        try:
            found = _emit(trace, loop, limit)
        except _Known as known:
            array: TensorArray = loop.leaves[known.number]
            loop.leaves[known.number] = array.with_elements_of(known.shape)
            continue
        return packed(loop.structure, filled(loop.leaves, iter(found)))


def _emit(trace: Trace, loop: _Loop, limit: Tensor | None) -> tuple[Tensor, ...]:
    from eager.function.control import emit_while

    start = tensors_of(loop.leaves)
    if limit is None:
        return emit_while(
            trace, start, lambda t: loop.holds(filled(loop.leaves, iter(t))),
            lambda t: tensors_of(loop.kept_step(filled(loop.leaves, iter(t)))),
        )  # fmt: skip
    one = convert(1, like=limit.dtype)

    def holds(tensors: list[Tensor]) -> Tensor:
        return op("logical_and", tensors[0] < limit, loop.holds(filled(loop.leaves, iter(tensors[1:]))))

    def step(tensors: list[Tensor]) -> list[Tensor]:
        return [tensors[0] + one, *tensors_of(loop.kept_step(filled(loop.leaves, iter(tensors[1:]))))]

    return emit_while(trace, [convert(0, like=limit.dtype), *start], holds, step)[1:]


__all__ = ["while_loop"]

