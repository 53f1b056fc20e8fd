"""tf.group, tf.no_op, tf.tuple, tf.control_dependencies: order of execution, which is the program's own here.

Ops with an effect run in the order in which they were called, eagerly and in traced functions, and none is left out.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from eager import nest
from eager.convert import convert
from eager.ops.public import public
from eager.ops.tensor_array import TensorArray
from eager.tensor import Tensor
from eager.variable import Variable


@public("no_op")
def no_op(name: str | None = None) -> None:
    """Does nothing (tf.no_op). Raises TypeError if the name is no string."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"no_op: name must be a string, got {name!r}")


@public("group")
def group(*inputs: Any, **kwargs: Any) -> None:
    """Gives something that is done once all inputs are: nothing, as they are (tf.group).

    Raises:
        TypeError: for an input that is no tensor, variable or structure of them.
        ValueError: for a keyword other than `name`.
    """
    kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"group: unknown keyword arguments: {sorted(kwargs)}")
    for x in nest.flatten(inputs):
        if x is not None and not isinstance(x, Tensor | Variable | TensorArray):
            raise TypeError(f"'inputs' should be zero or more (nested) Tensors. Received {x!r} of {type(x).__name__}")


@public("tuple")
def tuple_(tensors: Sequence[Any], control_inputs: Any = None, name: str | None = None) -> list[Any]:
    """The tensors once all of them are there, as a list; None stays (tf.tuple).

    Raises:
        ValueError: without a tensor.
        TypeError: if `control_inputs` is no list.
    """
    del name
    _check_control_inputs(control_inputs)
    found = [None if t is None else convert(t) for t in tensors]
    if all(t is None for t in found):
        raise ValueError(f"No tensors provided for `tuple`: {tensors!r}")
    return found


@public("control_dependencies")
def control_dependencies(control_inputs: Any) -> Any:
    """A context in which everything runs after `control_inputs` (tf.control_dependencies), as it does anyway.

    Args:
        control_inputs: a list of tensors and of what tf.group gives, None, or a function to call.

    Raises:
        TypeError: for anything else.
    """
    if callable(control_inputs):
        control_inputs()
    else:
        _check_control_inputs(control_inputs)
    return _context()


def _check_control_inputs(control_inputs: Any) -> None:
    if control_inputs is not None and not isinstance(control_inputs, list | tuple):
        raise TypeError(f"control_inputs must be a list of tensors and operations, got {control_inputs!r}")


@contextmanager
def _context() -> Generator[None]:
    yield


__all__ = ["control_dependencies", "group", "no_op", "tuple_"]
