"""The states that a stateful recurrent layer keeps from call to call, as variables that are no weights."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.context import init_scope
from eager.ops.array import cast, constant, convert_to_tensor, reshape, where, zeros
from eager.ops.math import add_n
from eager.ops.reduce import count_nonzero
from eager.variable import Variable


def current(kept: Any, given: Any) -> Any:
    """What to start with: the kept states; where they are all zero, those that were given."""
    if given is None:
        return kept
    values = [v.value() for v in nest.flatten(kept)]
    used = add_n([count_nonzero(v) for v in values]) > 0
    starts = [convert_to_tensor(x) for x in nest.flatten(given)]
    if len(starts) != len(values):
        return given
    return nest.pack_sequence_as(kept, [where(used, v, cast(x, v.dtype)) for v, x in zip(values, starts, strict=True)])


def keep(kept: Any, states: Any) -> None:
    """Keeps the states that a call ended with."""
    for variable, state in zip(nest.flatten(kept), nest.flatten(states), strict=True):
        # A trace for any batch size is one for the variable's from here on.
        variable.assign(reshape(cast(state, variable.dtype), variable.shape))


def reset(layer: Any, states: Any) -> None:
    """What `layer.reset_states(states)` does. Raises AttributeError and ValueError as that says."""
    if not layer.stateful:
        raise AttributeError("Layer must be stateful.")
    shapes = layer._kept_shapes()
    if any(n is None for shape in shapes for n in shape):
        raise ValueError(
            "If a RNN is stateful, it needs to know its batch size (and a convolutional one the sizes of its images). "
            "Specify it:\n- If using a Sequential model, by passing a `batch_input_shape` argument to your first "
            "layer.\n- If using the functional API, by passing a `batch_shape` argument to your Input layer."
        )
    if nest.flatten(layer.states)[0] is None:
        _make(layer)
        if states is None:
            return
    variables = nest.flatten(layer.states)
    values = [zeros(v.shape, v.dtype) for v in variables] if states is None else nest.flatten(states)
    if len(values) != len(variables):
        raise ValueError(
            f"Layer {layer.name} expects {len(variables)} states, but it received {len(values)} state values. States "
            f"received: {states}"
        )
    for i, (variable, value) in enumerate(zip(variables, values, strict=True)):
        if tuple(value.shape) != tuple(variable.shape):
            raise ValueError(
                f"State {i} is incompatible with layer {layer.name}: expected shape={tuple(variable.shape)} but found "
                f"shape={tuple(value.shape)}"
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(constant(value, dtype=variable.dtype))


def _make(layer: Any) -> None:
    """Makes the variables, with what the cell starts with."""
    with init_scope():
        variables = [Variable(x, trainable=False) for x in layer._first_states()]
    layer.states = nest.pack_sequence_as(layer.states, variables)
