"""The operators of Tensor and Variable as a type checker sees them; `eager.operators` installs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eager.tensor import Tensor


class Operators:
    """Base of Tensor and Variable. Declares the operators; each takes tensors, numbers, lists and arrays."""

    __slots__ = ()

    __add__: Callable[[Any], Tensor]
    __radd__: Callable[[Any], Tensor]
    __sub__: Callable[[Any], Tensor]
    __rsub__: Callable[[Any], Tensor]
    __mul__: Callable[[Any], Tensor]
    __rmul__: Callable[[Any], Tensor]
    __truediv__: Callable[[Any], Tensor]
    __rtruediv__: Callable[[Any], Tensor]
    __floordiv__: Callable[[Any], Tensor]
    __rfloordiv__: Callable[[Any], Tensor]
    __mod__: Callable[[Any], Tensor]
    __rmod__: Callable[[Any], Tensor]
    __pow__: Callable[[Any], Tensor]
    __rpow__: Callable[[Any], Tensor]
    __matmul__: Callable[[Any], Tensor]
    __rmatmul__: Callable[[Any], Tensor]
    __and__: Callable[[Any], Tensor]
    __rand__: Callable[[Any], Tensor]
    __or__: Callable[[Any], Tensor]
    __ror__: Callable[[Any], Tensor]
    __xor__: Callable[[Any], Tensor]
    __rxor__: Callable[[Any], Tensor]
    __lt__: Callable[[Any], Tensor]
    __le__: Callable[[Any], Tensor]
    __gt__: Callable[[Any], Tensor]
    __ge__: Callable[[Any], Tensor]
    __neg__: Callable[[], Tensor]
    __pos__: Callable[[], Tensor]
    __abs__: Callable[[], Tensor]
    __invert__: Callable[[], Tensor]
