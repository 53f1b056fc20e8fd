"""Gradients that optimizers get, dense and sparse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.indexed_slices import IndexedSlices
from eager.ops.clip import on_rows
from eager.tape import GradientTape
from eager.tensor import Tensor
from eager.variable import Variable

Pair = tuple[Any, Variable]
"""A gradient (a tensor, a tf.IndexedSlices or None) and its variable."""


def compute(
    loss: Any, var_list: Any, tape: GradientTape | None, scale: Callable[[Any], Any] | None = None, given: Any = None
) -> list[Pair]:
    """Pairs of gradient and variable.

    Args:
        loss: a tensor, or a function without arguments that gives one.
        var_list: variables, or a function without arguments that gives them.
        tape: the tape that recorded a tensor.
        scale: what to do with the loss before it is differentiated.
        given: the gradient of the loss itself, by default 1.

    Raises:
        ValueError: for a tensor without a tape.
    """
    function = None if isinstance(loss, Tensor) or not callable(loss) else loss
    if function is None and tape is None:
        raise ValueError(f"`tape` is required when a `Tensor` loss is passed. Received: loss={loss}, tape={tape}.")
    tape = GradientTape() if tape is None else tape
    if function is not None or scale is not None:
        with tape:
            value = loss if function is None else function()
            loss = value if scale is None else scale(value)
    listed = cast("Iterable[Variable]", var_list() if callable(var_list) else var_list)
    variables = list(listed)
    return list(zip(tape.gradient(loss, variables, given), variables, strict=True))


def is_sparse(gradient: Any) -> bool:
    """Whether a gradient is a tf.IndexedSlices."""
    return isinstance(gradient, IndexedSlices)


def whole(gradient: Any, variable: Variable) -> Any:
    """A gradient as a tensor of the variable's shape."""
    if not is_sparse(gradient):
        return gradient
    return IndexedSlices(gradient.values, gradient.indices, variable.shape.as_list()).as_tensor()


def decay_into(slot: Variable, keep: Any, change: Any) -> Tensor:
    """slot = slot * keep + change, where the change is a tensor or a tf.IndexedSlices; returns the new value."""
    if is_sparse(change):
        slot.assign(slot * keep)
        slot.scatter_add(change)
    else:
        slot.assign(slot * keep + change)
    return slot.value()


def move(variable: Variable, change: Any) -> None:
    """variable = variable + change, where the change is a tensor or a tf.IndexedSlices."""
    if is_sparse(change):
        variable.scatter_add(change)
    else:
        variable.assign_add(change)


def with_gradients(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that have a gradient, with a warning for the others. Raises ValueError if none has one."""
    found = [(g, v) for g, v in pairs if g is not None]
    names = [v.name for g, v in pairs if g is None]
    if not found:
        raise ValueError(f"No gradients provided for any variable: {names}.")
    if names:
        warnings.warn(
            f"Gradients do not exist for variables {names} when minimizing the loss. If you're using "
            "`model.compile()`, did you forget to provide a `loss` argument?",
            stacklevel=4,
        )
    return found


def checked(gradient: Any, variable: Variable) -> Pair:
    """A pair whose gradient has the variable's dtype and shape."""
    what = f"the gradient of variable {variable.name}"
    if is_sparse(gradient):
        return on_rows(lambda x: convert(x, dtype=variable.dtype, name=what), gradient), variable
    tensor = convert(gradient, dtype=variable.dtype, name=what)
    if not tensor.shape.is_compatible_with(variable.shape):
        raise InvalidArgumentError(
            f"apply_gradients: the gradient of variable {variable.name} has shape {tensor.shape}, expected "
            f"{variable.shape}"
        )
    return tensor, variable
