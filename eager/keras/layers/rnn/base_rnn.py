"""The layer that runs any cell over time."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.backend_rnn import rnn, swapped
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.shapes import is_shape, map_shapes
from eager.keras.layers.rnn import stateful
from eager.keras.layers.rnn.dropout_masks import DropoutCell
from eager.keras.layers.rnn.gate_cell import GateCell
from eager.keras.layers.rnn.halved_cell import HalvedCell
from eager.keras.layers.rnn.stacked_cells import StackedRNNCells
from eager.keras.layers.rnn.states import (
    accepts,
    first_shape,
    is_multiple,
    listed,
    map_sizes,
    output_size_of,
    separated,
    start_of,
)
from eager.keras.layers.table import registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.module import name_scope
from eager.nest import map_leaves
from eager.ops.array import cast, convert_to_tensor, shape
from eager.tensor_shape import TensorShape


@registry.add()
class RNN(Layer):
    """Runs a cell over the time axis (tf.keras.layers.RNN).

    A cell has `call(inputs, states) -> (output, new states)`, `state_size` and, where they differ from the default,
    `output_size` and `get_initial_state`; a list of cells is stacked. Takes (batch, time, ...) or a tuple or dict of
    such tensors; gives the last output (batch, ...) or with `return_sequences` all of them (batch, time, ...). Steps
    where the mask does not hold keep the states and repeat the output. In a trace the loop is one native loop.
    """

    _untracked_attributes = Layer._untracked_attributes | {"_states", "state_spec"}

    cell: Any

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            cell: the cell, or a list of cells.
            return_sequences: whether the output holds all steps.
            return_state: whether the last states come after the output, in a list.
            go_backwards: starts at the last step; outputs are in the order of computation.
            stateful: whether the next batch starts with the states that this one ends with.
            unroll: writes the steps one by one into a trace.
            time_major: whether inputs and outputs are (time, batch, ...).
            **kwargs: `zero_output_for_mask`: whether masked steps give zeros; `input_length`, `input_dim` as another
                way to say input_shape; and as for Layer.

        Raises:
            ValueError: for a cell without `call` or `state_size`.
        """
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell, dtype=kwargs.get("dtype"))
        if not hasattr(cell, "call"):
            raise ValueError(f"Argument `cell` should have a `call` method. The RNN was passed: cell={cell}")
        if not hasattr(cell, "state_size"):
            raise ValueError(
                "The RNN cell should have a `state_size` attribute (tuple of integers, one integer per RNN state). "
                f"Received: cell={cell}"
            )
        self.zero_output_for_mask = kwargs.pop("zero_output_for_mask", False)
        if "input_shape" not in kwargs and ("input_dim" in kwargs or "input_length" in kwargs):
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim", None))
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.time_major = time_major
        self.supports_masking = True
        self.state_spec: Any = None
        self._states: Any = None
        self._num_constants = 0

    # Shapes and states ---------------------------------------------------------------------------------------------

    def _state_count(self) -> int:
        return len(self.cell.state_size) if is_multiple(self.cell.state_size) else 1

    @property
    def states(self) -> Any:
        """The states that a stateful layer keeps, as a list or the structure of `state_size`; None where none are."""
        if self._states is not None:
            return self._states
        empty = map_sizes(lambda _: None, self.cell.state_size)
        return empty if nest.is_nested(self.cell.state_size) else [empty]

    @states.setter
    def states(self, value: Any) -> None:
        self._states = value

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """The states that the layer starts with where it is given none: the cell's own, or zeros."""
        first = nest.flatten(inputs)[0]
        return listed(start_of(self.cell, shape(first)[self._batch_axis], first.dtype))

    def build(self, input_shape: Any) -> None:
        """Builds the cell for the shape of one step, and makes the states of a stateful layer.

        Raises:
            ValueError: for a stateful layer whose batch size is open.
        """
        if isinstance(input_shape, list) and not is_shape(input_shape):
            input_shape = input_shape[0]
        self.input_spec = [map_shapes(self._spec_of, input_shape)]
        step = map_shapes(lambda s: TensorShape([*s[1:]] if self.time_major else [s[0], *s[2:]]), input_shape)
        self._build_cell(step)
        if self.state_spec is None:
            self.state_spec = nest.flatten(map_sizes(_spec_of_state, self.cell.state_size))
        if self.stateful:
            self.reset_states()
        super().build(input_shape)

    def _spec_of(self, shape: TensorShape) -> InputSpec:
        batch = self._batch_axis
        return InputSpec(shape=[n if i > 1 or (i == batch and self.stateful) else None for i, n in enumerate(shape)])

    def _build_cell(self, step: Any) -> None:
        if isinstance(self.cell, Layer) and not self.cell.built:
            with name_scope(self.cell.name):
                self.cell.build(step)
                self.cell.built = True

    @property
    def _batch_axis(self) -> int:
        return 1 if self.time_major else 0

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output; with `return_state` a list of it and the shapes of the states."""
        if isinstance(input_shape, list) and not is_shape(input_shape):
            input_shape = input_shape[0]
        given = TensorShape(input_shape) if is_shape(input_shape) else first_shape(input_shape)
        batch, time = given[self._batch_axis], given[1 - self._batch_axis]
        lead: list[Any] = [time, batch] if self.time_major else [batch, time]
        lead = lead if self.return_sequences else [batch]
        outputs = nest.flatten(map_sizes(lambda n: TensorShape([*lead, *TensorShape(n)]), output_size_of(self.cell)))
        if self.return_state:
            states = map_sizes(lambda n: TensorShape([batch, *TensorShape(n)]), self.cell.state_size)
            return [*outputs, *nest.flatten(states)]
        return outputs[0] if len(outputs) == 1 else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the sequence that comes out; None for the last output and states."""
        del inputs
        output = nest.flatten(mask)[0] if self.return_sequences else None
        return [output, *(None for _ in self.states)] if self.return_state else output

    # Calling -------------------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """Runs the layer.

        Args:
            inputs: the sequence, or a list of it, the initial states and the constants.
            initial_state: the states to start with, tensors or symbolic Keras tensors; zeros by default.
            constants: tensors that every step of the cell receives as `constants`.
            **kwargs: `mask`, `training`.

        Raises:
            ValueError: if their number or shapes do not fit the cell, or Keras tensors are mixed with others.
        """
        inputs, given = separated(inputs, initial_state, constants, self._num_constants)
        if "constants" in given:
            self._num_constants = len(given["constants"])
        return super().__call__(inputs, **given, **kwargs)

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The output, or with `return_state` a list of output and states.

        Args:
            inputs: (batch, time, ...), or (time, batch, ...) if `time_major`.
            mask: bool (batch, time), which steps count.
            training: whether dropout is on.
            initial_state: a list of states.
            constants: a list of tensors for every step.
        """
        states = self._initial_states(inputs, initial_state)
        self._check_time(inputs)
        steps = inputs if self.time_major else map_leaves(swapped, inputs)
        cells = self._dropping()
        _forget_masks(cells)
        try:
            self._draw_masks(cells, steps, states, training)
            step, steps = self._step(steps, training, constants)
            valid = None if mask is None else nest.flatten(mask)[0]
            last, outputs, states = rnn(
                step, steps, states, self.go_backwards, None if valid is None else self._time_first(valid), constants,
                self.unroll, None, True, self.zero_output_for_mask, self.return_sequences,
            )  # fmt: skip
        finally:
            _forget_masks(cells)
        if self.stateful:
            stateful.keep(self.states, states)
        output = map_leaves(self._time_first, outputs) if self.return_sequences else last
        return [*listed(output), *states] if self.return_state else output

    def _time_first(self, x: Any) -> Any:
        """A tensor with batch and time exchanged, unless the layer is `time_major`; its own inverse."""
        return x if self.time_major else swapped(convert_to_tensor(x))

    def _check_time(self, inputs: Any) -> None:
        first = nest.flatten(inputs)[0]
        if self.unroll and first.shape[1 - self._batch_axis] is None:
            raise ValueError(
                "Cannot unroll a RNN if the time dimension is undefined.\n- If using a Sequential model, specify the "
                "time dimension by passing an `input_shape` or `batch_input_shape` argument to your first layer.\n- If "
                "using the functional API, specify the time dimension by passing a `shape` or `batch_shape` argument "
                "to your Input layer."
            )

    def _initial_states(self, inputs: Any, given: Any) -> list[Any]:
        """The states to start with. Raises ValueError if their number or sizes do not fit the cell."""
        if self.stateful:
            states = stateful.current(self.states, given)
        else:
            states = given if given is not None else self.get_initial_state(inputs)
        if len(states) != len(self.states):
            raise ValueError(
                f"Layer has {len(self.states)} states but was passed {len(states)} initial states. Received: "
                f"initial_state={states}"
            )
        states = [map_leaves(self._state, s) for s in states]
        if given is not None:
            self._check_states(states)
        return states

    def _state(self, x: Any) -> Any:
        state = convert_to_tensor(x)
        return cast(state, self.compute_dtype) if state.dtype.is_floating else state

    def _check_states(self, states: list[Any]) -> None:
        found, wanted = nest.flatten(states), nest.flatten(self.state_spec)
        fits = len(found) == len(wanted) and all(
            s.shape.is_compatible_with(TensorShape(spec.shape)) for s, spec in zip(found, wanted, strict=True)
        )
        if not fits:
            raise ValueError(
                "An `initial_state` was passed that is not compatible with `cell.state_size`. Received states of "
                f"shapes {[tuple(s.shape.as_list()) for s in found]}; however `cell.state_size` is "
                f"{self.cell.state_size}"
            )

    # The cell ------------------------------------------------------------------------------------------------------

    def _dropping(self) -> list[DropoutCell]:
        """The cells, also inside of others, that drop inputs or state."""
        if not isinstance(self.cell, Layer):
            return []
        inner = [c for c in self.cell._flatten_layers() if isinstance(c, DropoutCell)]
        return [c for c in inner if c.dropout or c.recurrent_dropout]

    def _draw_masks(self, cells: list[DropoutCell], steps: Any, states: Any, training: Any) -> None:
        """Draws masks before the loop, so that all steps share them."""
        del states
        first = nest.flatten(steps)[0]
        for cell in cells:
            if isinstance(cell, GateCell) and cell.built:
                cell.draw_masks(shape(first)[1], first.dtype, training)

    def _step(self, steps: Any, training: Any, constants: Any) -> tuple[Any, Any]:
        """The step function and what it takes of the inputs (time, batch, ...)."""
        cell, count = self.cell, len(constants or ())
        if count and not accepts(cell, "constants"):
            raise ValueError(f"RNN cell {cell} does not support constants. Received: constants={constants}")
        if self._projects():
            # What depends on no state is one product for all steps.
            return lambda x, states: cell.recur(x, states, training), cell.project(steps, training)
        options = {"training": training} if accepts(cell, "training") else {}
        run: Any = cell if callable(cell) else cell.call

        def step(x: Any, states: Any) -> tuple[Any, Any]:
            extra = {"constants": list(states[-count:])} if count else {}
            output, new = run(x, list(states[: len(states) - count]), **extra, **options)
            return output, new if nest.is_nested(new) else [new]

        return step, steps

    def _projects(self) -> bool:
        """Whether the cell's `call` is the standard one, in the dtype of the layer."""
        cell = self.cell
        if not isinstance(cell, HalvedCell) or cell._activity_regularizer is not None or cell._dynamic:
            return False
        own = type(cell).call is HalvedCell.call and "call" not in cell.__dict__
        return own and cell.compute_dtype == self.compute_dtype

    # State between calls -------------------------------------------------------------------------------------------

    def reset_states(self, states: Any = None) -> None:
        """Sets the states that a stateful layer keeps, by default to zero.

        Args:
            states: an array per state, or None.

        Raises:
            AttributeError: if the layer is not stateful.
            ValueError: if the batch size is open, or number or shapes of the states differ.
        """
        stateful.reset(self, states)

    def _kept_shapes(self) -> list[tuple[Any, ...]]:
        """The shapes of the states that are kept, with None where a size is open."""
        spec = nest.flatten(self.input_spec)[0] if self.input_spec is not None else None
        batch = None if spec is None or spec.shape is None else spec.shape[self._batch_axis]
        return [(batch, *TensorShape(n).as_list()) for n in nest.flatten(self.cell.state_size)]

    def _first_states(self) -> list[Any]:
        """What kept states start with, in the dtype of weights."""
        batch = self._kept_shapes()[0][0]
        return nest.flatten(start_of(self.cell, batch, self.variable_dtype))

    # Config --------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major")
        config = super().get_config() | {name: getattr(self, name) for name in names}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self.zero_output_for_mask:
            config["zero_output_for_mask"] = self.zero_output_for_mask
        return config | {"cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`. Raises TypeError for a cell of an unknown class."""
        given = dict(config)
        cell = deserialize_keras_object(given.pop("cell"), custom_objects, registry)
        constants = given.pop("num_constants", 0)
        layer = cls(cell, **given)
        layer._num_constants = constants
        return layer


def _spec_of_state(size: Any) -> InputSpec:
    return InputSpec(shape=(None, *TensorShape(size).as_list()))


def _forget_masks(cells: list[DropoutCell]) -> None:
    for cell in cells:
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
