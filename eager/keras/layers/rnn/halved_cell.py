"""Cells whose steps fall into a half that needs the inputs alone and one that needs the states."""

from __future__ import annotations

from typing import Any

from eager.keras.layers.rnn.dropout_masks import DropoutCell
from eager.tensor import Tensor


class HalvedCell(DropoutCell):
    """A cell of which a step is `recur(project(inputs), states)`.

    What `project` gives depends on no state, so a layer computes it for all steps at once, before its loop.
    """

    def call(self, inputs: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """One step: the output and the new states."""
        return self.recur(self.project(inputs, training), states, training)

    def project(self, inputs: Any, training: Any = None) -> Tensor:
        """What the inputs of one step (batch, ...) or of several (time, batch, ...) contribute."""
        raise NotImplementedError(f"{type(self).__name__} must override `project(self, inputs, training)`")

    def recur(self, projected: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """The rest of a step: output and new states from the projected inputs and the states."""
        raise NotImplementedError(f"{type(self).__name__} must override `recur(self, projected, states, training)`")
