"""Several cells one on the other, and the base of users' cells."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.shapes import is_shape
from eager.keras.layers.rnn.states import accepts, cell_zeros, first_shape, map_sizes, output_size_of, start_of
from eager.keras.layers.table import registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.module import name_scope
from eager.tensor_shape import TensorShape


@registry.add()
class AbstractRNNCell(Layer):
    """The base of a cell written by a user (tf.keras.layers.AbstractRNNCell).

    Subclasses have `call`, `state_size` and `output_size`.
    """

    def call(self, inputs: Any, states: Any) -> Any:
        """One step: the output, and the new states in the structure of `states`. Subclasses override it."""
        raise NotImplementedError(f"{type(self).__name__} must override `call(self, inputs, states)`")

    @property
    def state_size(self) -> Any:
        """An integer or TensorShape, or a structure of them. Subclasses override it."""
        raise NotImplementedError(f"{type(self).__name__} must override the property `state_size`")

    @property
    def output_size(self) -> Any:
        """An integer or TensorShape. Subclasses override it."""
        raise NotImplementedError(f"{type(self).__name__} must override the property `output_size`")

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros in the structure of `state_size`. Raises ValueError without inputs or batch size and dtype."""
        return cell_zeros(self, inputs, batch_size, dtype)


@registry.add()
class StackedRNNCells(Layer):
    """Cells of which each takes what the one before gives (tf.keras.layers.StackedRNNCells).

    Its states are a tuple of the cells' states.
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        """Takes the cells.

        Args:
            cells: a list of cells.
            **kwargs: `reverse_state_order`: whether states stand in the order from the last cell to the first; and as
                for Layer.

        Raises:
            ValueError: for a cell without `call` or `state_size`.
        """
        for cell in cells:
            if not hasattr(cell, "call"):
                raise ValueError(f"All cells must have a `call` method. Received cell without a `call` method: {cell}")
            if not hasattr(cell, "state_size"):
                raise ValueError(
                    f"All cells must have a `state_size` attribute. Received cell without a `state_size`: {cell}"
                )
        self.reverse_state_order = kwargs.pop("reverse_state_order", False)
        super().__init__(**kwargs)
        self.cells = cells

    def _by_state(self) -> list[Any]:
        """The cells in the order of their states."""
        return list(self.cells[::-1]) if self.reverse_state_order else list(self.cells)

    @property
    def state_size(self) -> Any:
        """The cells' state sizes, a tuple."""
        return tuple(cell.state_size for cell in self._by_state())

    @property
    def output_size(self) -> Any:
        """The output size of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The cells' initial states, a tuple."""
        return tuple(start_of(cell, batch_size, dtype, inputs) for cell in self._by_state())

    def build(self, input_shape: Any) -> None:
        """Builds every cell for what the one before gives."""
        shape = TensorShape(input_shape) if is_shape(input_shape) else input_shape
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                with name_scope(cell.name):
                    cell.build(shape)
                    cell.built = True
            batch = (shape if isinstance(shape, TensorShape) else first_shape(shape))[0]
            shape = map_sizes(lambda n, b=batch: TensorShape([b, *TensorShape(n)]), output_size_of(cell))
        super().build(input_shape)

    def call(self, inputs: Any, states: Any, constants: Any = None, training: Any = None, **kwargs: Any) -> Any:
        """One step of all cells: what the last one gives, and the new states in the structure of `state_size`."""
        sizes = self.state_size
        nested = list(nest.pack_sequence_as(sizes, nest.flatten(states)))
        if self.reverse_state_order:
            nested.reverse()
        new: list[Any] = []
        given = {"constants": constants, "training": training}
        for cell, own in zip(self.cells, nested, strict=True):
            options = kwargs | {name: value for name, value in given.items() if accepts(cell, name)}
            run: Any = cell if callable(cell) else cell.call
            inputs, after = run(inputs, own if nest.is_nested(own) else [own], **options)
            new.append(after)
        if self.reverse_state_order:
            new.reverse()
        return inputs, nest.pack_sequence_as(sizes, nest.flatten(new))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`. Raises TypeError for a cell of an unknown class."""
        given = dict(config)
        cells = [deserialize_keras_object(c, custom_objects, registry) for c in given.pop("cells")]
        return cls(cells, **given)
