"""What the layers of the standard cells share: they make their cell, and their config is its options."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras import regularizers
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers.rnn.base_rnn import RNN
from eager.keras.layers.rnn.gate_cell import GateCell

_LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major")
_CELL = frozenset((
    "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
    "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint",
    "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "implementation", "unit_forget_bias",
    "reset_after",
))  # fmt: skip


class GateLayer(RNN):
    """An RNN of a standard cell, whose options (`units`, `activation`, ...) are attributes of the layer too."""

    _cell_class: ClassVar[Any]
    _cell_name: ClassVar[str]

    cell: GateCell

    def __init__(self, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the constructor's arguments: those of cell and loop, and the other keywords."""
        loop = {name: options.pop(name) for name in _LOOP if name in options}
        activity = options.pop("activity_regularizer")
        for name in ("implementation", "enable_caching_device", "seed"):
            if name in kwargs:
                options[name] = kwargs.pop(name)
        shared = {"dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True), "name": self._cell_name}
        super().__init__(self._cell_class(**options, **shared), **loop, **kwargs)
        self._activity_regularizer = regularizers.get(activity)
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec = [InputSpec(shape=(None, self.units)) for _ in range(self._state_count())]

    def __getattr__(self, name: str) -> Any:
        """The options of the cell, and the methods that reset its dropout masks."""
        cell = self.__dict__.get("cell")
        if cell is not None and (name in _CELL or name.endswith(("dropout_mask", "dropout_mask_for_cell"))):
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
