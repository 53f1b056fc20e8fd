"""Assignment to a part of a variable: `v[1:, 0].assign(x)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.tensor import Tensor
from eager.variable import Variable


def slice_of(variable: Variable, key: Any) -> Tensor:
    """The slice as a tensor that remembers where it came from."""
    tensor = variable.value()[key]
    tensor._origin = (variable, key)
    return tensor


def slice_method(name: str, variable: Variable, key: Any, part: Tensor) -> Callable[[Any], Variable]:
    """The `assign`, `assign_add` or `assign_sub` of a slice; each returns the variable."""
    from eager.convert import convert
    from eager.ops.indexing import replace_slice

    def assign(value: Any) -> Variable:
        new = convert(value, dtype=variable.dtype)
        if name == "assign_add":
            new = part + new
        elif name == "assign_sub":
            new = part - new
        return variable.assign(replace_slice(variable._quiet_value(), key, new))

    return assign
