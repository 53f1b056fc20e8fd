"""States of recurrent layers: their sizes, zeros of those sizes, and initial states among the arguments of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager import nest
from eager.keras.engine.call_spec import call_spec
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.keras_tensor import is_symbolic
from eager.keras.engine.shapes import map_shapes
from eager.ops.array import shape, zeros
from eager.tensor_shape import TensorShape


def first_shape(shapes: Any) -> TensorShape:
    """The first of a structure of shapes."""
    # A spec stands for its shape, which would be taken apart as a structure.
    return TensorShape(nest.flatten(map_shapes(lambda s: InputSpec(shape=s), shapes))[0].shape)


def is_multiple(state_size: Any) -> bool:
    """Whether a `state_size` is of several states; a TensorShape is the shape of one."""
    return hasattr(state_size, "__len__") and not isinstance(state_size, TensorShape)


def map_sizes(function: Callable[[Any], Any], sizes: Any) -> Any:
    """Applies a function to every size in a structure of integers and TensorShapes."""
    return nest.map_structure(function, sizes) if nest.is_nested(sizes) else function(sizes)


def zero_states(sizes: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros (batch, size) for every size of a structure.

    Raises:
        ValueError: if batch size or dtype are missing.
    """
    if batch_size is None or dtype is None:
        raise ValueError(
            "batch_size and dtype cannot be None while constructing initial state. Received: "
            f"batch_size={batch_size}, dtype={dtype}"
        )
    return map_sizes(lambda size: zeros([batch_size, *TensorShape(size).as_list()], dtype), sizes)


def start_of(cell: Any, batch_size: Any, dtype: Any, inputs: Any = None) -> Any:
    """What a cell starts with: its own `get_initial_state`, or zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        return own(inputs=inputs, batch_size=batch_size, dtype=dtype)
    return cell_zeros(cell, inputs, batch_size, dtype)


def cell_zeros(cell: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros for a cell's states; batch size and dtype come from the inputs of one step if they are given."""
    if inputs is not None:
        batch_size, dtype = shape(inputs)[0], inputs.dtype
    return zero_states(cell.state_size, batch_size, dtype)


def output_size_of(cell: Any) -> Any:
    """The size of a cell's output: its `output_size`, or that of its first state."""
    own = getattr(cell, "output_size", None)
    if own is not None:
        return own
    return cell.state_size[0] if is_multiple(cell.state_size) else cell.state_size


def accepts(cell: Any, name: str) -> bool:
    """Whether `call` of a cell or layer has an argument of that name."""
    own = cell.__dict__.get("_spec")
    spec = call_spec(type(cell)) if own is None else own
    return name in spec.names


def separated(inputs: Any, initial_state: Any, constants: Any, num_constants: int) -> tuple[Any, dict[str, Any]]:
    """The inputs, and lists of initial states and constants, where there are any, as keywords of `call`.

    A list of inputs may hold all of them one after the other.

    Raises:
        ValueError: if states or constants are given twice, or are a mix of symbolic Keras tensors and others.
    """
    if isinstance(inputs, list) and not _is_numbers(inputs):
        if initial_state is not None or constants is not None:
            raise ValueError(
                "The inputs of a recurrent layer are a list, which holds initial states and constants after the "
                "sequence; they cannot be given as arguments too."
            )
        if num_constants:
            inputs, constants = inputs[:-num_constants], inputs[-num_constants:]
        inputs, initial_state = inputs[0], inputs[1:] or None
    given = {"initial_state": initial_state, "constants": constants}
    given = {name: listed(x) for name, x in given.items() if x is not None}
    if len({is_symbolic(x) for x in nest.flatten([*given.values()])}) > 1:
        raise ValueError(
            "The initial state or constants of an RNN layer cannot be specified via a mix of Keras tensors and "
            'non-Keras tensors (a "Keras tensor" is a tensor that was returned by a Keras layer or by `Input` during '
            "Functional model construction). Received: "
            f"initial_state={given.get('initial_state')}, constants={given.get('constants')}"
        )
    return inputs, given


def listed(x: Any) -> list[Any]:
    """A list of one or several values."""
    return list(x) if isinstance(x, list | tuple) else [x]


def _is_numbers(x: Any) -> bool:
    """Whether a list is one array written as nested lists of numbers."""
    leaves = nest.flatten(x)
    return bool(leaves) and all(isinstance(v, int | float) for v in leaves)
