"""A choice between two computations by a Python bool or a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.ops.array import cast, where
from eager.tensor import Tensor
from eager.variable import Variable


def choose(condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """The result of `then` or of `otherwise`; for a traced condition both are computed and one is selected."""
    condition = settled(condition)
    if isinstance(condition, Tensor):
        return where(cast(condition, "bool"), then(), otherwise())
    return then() if condition else otherwise()


def settled(condition: Any) -> Any:
    """The condition as a Python value where its value is known, else as a tensor."""
    if isinstance(condition, Variable):
        condition = condition.value()
    return bool(condition) if isinstance(condition, Tensor) and condition._array is not None else condition
