"""What the layers of the standard cells share."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers.rnn.cell_layer import CellLayer
from eager.keras.layers.rnn.gate_cell import GateCell


class GateLayer(CellLayer):
    """An RNN of a standard cell."""

    _cell_class: ClassVar[Any]
    _cell_keywords = ("implementation", "enable_caching_device", "seed")
    _cell_attributes = ("implementation", "dropout_mask", "dropout_mask_for_cell")

    cell: GateCell

    def __init__(self, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the constructor's arguments: those of cell and loop, and the other keywords."""
        super().__init__(options, kwargs)
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec = [InputSpec(shape=(None, self.units)) for _ in range(self._state_count())]

    def _make_cell(self, options: dict[str, Any], keywords: dict[str, Any]) -> GateCell:
        return self._cell_class(**options, **keywords)
