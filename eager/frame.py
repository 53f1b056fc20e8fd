"""Run frames: how variables look to one run of a traced function.

Reads and writes go to an overlay that is committed when the run has succeeded, so an exception changes no variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eager.tensor import Tensor, wrap

if TYPE_CHECKING:
    from eager.variable import Variable
    from graphcore.optable import OpDef


class Frame:
    """An eager run on an overlay of variables.

    Attributes:
        tracing: whether ops on traced tensors are recorded instead of computed.
        in_body: whether it is the trace of a branch or loop body, whose tensors only its results leave.
    """

    tracing = False
    in_body = False

    def __init__(self) -> None:
        """Starts with no variable changed."""
        self._current: dict[int, tuple[Variable, Tensor]] = {}

    def read(self, variable: Variable) -> Tensor:
        """The value that this run sees, as a fresh tensor."""
        entry = self._current.get(id(variable))
        return wrap(variable._array) if entry is None else again(entry[1])

    def original(self, variable: Variable) -> Tensor:
        """The value that the variable had when this run began."""
        return wrap(variable._array)

    def assign(self, variable: Variable, value: Tensor) -> None:
        """Changes the variable for this run; `commit` makes it lasting."""
        self._current[id(variable)] = (variable, value)

    def records(self, op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> bool:
        """Whether an op is recorded instead of computed; an eager run records none."""
        return False

    def emit(self, op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
        """Records an op; only a trace can. Raises TypeError."""
        raise TypeError(f"{op.name}: an eager run records no ops")

    def with_numbers(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The attributes of an op that runs at once, as it is to run; an eager run changes nothing."""
        return attrs

    def demand(self, tensor: Tensor, why: str) -> np.ndarray[Any, Any]:
        """The value of a traced tensor, for `why`. Raises TypeError: such a tensor belongs to another run."""
        raise TypeError(
            f"{tensor!r} belongs to a traced function that has ended, so it cannot serve as {why}; return it from the "
            "function instead of keeping it in an attribute or list"
        )

    def initial_value(self, value: Tensor) -> np.ndarray[Any, Any]:
        """The array with which a variable made in this run starts."""
        return self.array_of(value)

    def creating(self, variable: Variable) -> None:
        """Called when a variable is made inside this run; an eager run has no say in it."""

    def assigned(self) -> Iterator[tuple[Variable, Tensor]]:
        """The variables that this run has changed, with their last values."""
        return iter(self._current.values())

    def commit(self) -> None:
        """Makes all changes lasting."""
        for variable, value in self._current.values():
            variable._store(self.array_of(value))
        self._current.clear()

    def array_of(self, value: Tensor) -> Any:
        """The array of a tensor of this run."""
        return value._array


def again(tensor: Tensor) -> Tensor:
    """A new tensor object of the same value, so that tapes tell reads apart."""
    fresh = object.__new__(Tensor)
    fresh._array = tensor._array
    if tensor._array is None:
        fresh._value = tensor._value
    return fresh
