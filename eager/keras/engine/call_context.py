"""What the layers of one thread know of the call they are in: depth, training, dtype of computation."""

from __future__ import annotations

from typing import Any

from eager.context import thread
from graphcore.dtypes import DType


class CallContext:
    """The innermost layer call of a thread.

    Attributes:
        depth: how many layer calls are open.
        layer: the innermost layer, or None.
        training: the training argument that inner layers inherit, or None.
        autocast: the dtype in which autocast variables are read, or None for their own.
    """

    __slots__ = ("autocast", "depth", "layer", "training")

    def __init__(self) -> None:
        """No call is open."""
        self.depth = 0
        self.layer: Any = None
        self.training: Any = None
        self.autocast: DType | None = None


class Features:
    """Features of the layer system that cost nothing until somebody uses them in this process.

    Attributes:
        masks: whether any layer has produced a mask.
        losses: whether any layer has recorded a loss during a call.
    """

    __slots__ = ("losses", "masks")

    def __init__(self) -> None:
        """Nothing is in use."""
        self.masks = False
        self.losses = False


features = Features()


def context() -> CallContext:
    """The call context of this thread."""
    found: CallContext | None = thread.keras
    if found is None:
        found = thread.keras = CallContext()
    return found


class Phase:
    """The global learning phase (tf.keras.backend.set_learning_phase); None when it was never set."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        """Not set."""
        self.value: Any = None


phase = Phase()
