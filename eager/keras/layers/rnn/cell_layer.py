"""What the layers that make their own cell share: its options are theirs, and so is its config."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras import regularizers
from eager.keras.layers.rnn.base_rnn import RNN
from eager.keras.layers.rnn.halved_cell import HalvedCell

_LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major")


class CellLayer(RNN):
    """An RNN of a cell that it makes, whose options (`units`, `activation`, ...) are attributes of the layer too."""

    _cell_class: ClassVar[type[HalvedCell]]
    _cell_name: ClassVar[str]
    _cell_keywords: ClassVar[tuple[str, ...]] = ("seed",)
    """The keywords that the cell takes instead of the loop."""
    _cell_attributes: ClassVar[tuple[str, ...]] = ()
    """The ends of names of attributes of the cell, apart from its options, that are the layer's too."""

    def __init__(self, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the constructor's arguments: those of cell and loop, and the other keywords."""
        loop = {name: options.pop(name) for name in _LOOP if name in options}
        activity = options.pop("activity_regularizer")
        shared = {"dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True), "name": self._cell_name}
        shared |= {name: kwargs.pop(name) for name in self._cell_keywords if name in kwargs}
        super().__init__(self._make_cell(options, shared), **loop, **kwargs)
        self._activity_regularizer = regularizers.get(activity)

    def _make_cell(self, options: dict[str, Any], keywords: dict[str, Any]) -> HalvedCell:
        """The cell, of its own arguments and the keywords of Layer."""
        raise NotImplementedError(f"{type(self).__name__} must override `_make_cell(self, options, keywords)`")

    def __getattr__(self, name: str) -> Any:
        """The options of the cell, and some of its other attributes."""
        cell = self.__dict__.get("cell")
        if cell is not None and (self._cell_class.has_option(name) or name.endswith(self._cell_attributes)):
            return getattr(cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        del config["cell"]
        activity = regularizers.serialize(self._activity_regularizer)
        return config | self.cell.options() | {"activity_regularizer": activity}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`."""
        del custom_objects
        given = dict(config)
        if given.get("implementation") == 0:
            given["implementation"] = 1
        return cls(**given)
