"""Variables of mixed-precision layers: kept in float32, read in the compute dtype while the layer runs."""

from __future__ import annotations

from typing import Any

from eager.context import thread
from eager.ops.array import cast
from eager.tensor import Tensor
from eager.variable import Variable


class AutoCastVariable(Variable):
    """A floating variable that reads in the compute dtype of the layer call that is open."""

    __slots__ = ()

    def value(self) -> Tensor:
        """The value, inside `call` cast to the layer's compute dtype."""
        stored = super().value()
        context = thread.keras
        wanted = None if context is None else context.autocast
        return stored if wanted is None else cast(stored, wanted)

    read_value = value

    def numpy(self) -> Any:
        """The value as kept, in the variable's dtype."""
        return super().value().numpy()
