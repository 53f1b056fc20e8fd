"""tf.keras.backend.rnn: a step function run over time, the one loop of all recurrent layers.

Eagerly a Python loop; in a trace one node that loops natively, with an open number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager import nest
from eager.nest import map_leaves
from eager.ops.array import cast, expand_dims, reverse, shape, transpose, where, zeros, zeros_like
from eager.ops.common import raw_shape
from eager.ops.create import range as count_up
from eager.ops.fold import loop_in_python, loop_over
from eager.ops.leaves import packed, running_trace
from eager.ops.math import reduce_max
from eager.tensor import Tensor, type_of
from eager.variable import Variable
from graphcore.types import TensorType

Step = Callable[[Any, Any], tuple[Any, Any]]
"""(inputs of one step, states and constants) -> (outputs, new states)."""


class _OutputsNeeded(Exception):
    """The step function has shown what outputs a traced loop must carry from step to step."""

    def __init__(self, types: Sequence[TensorType]) -> None:
        super().__init__(types)
        self.types = types


class _Loop:
    """A loop over time-major inputs.

    Attributes:
        output: the structure of what the step function gives for one step, known after the first one.
        as_state: the number of the state that each output is, so that it need not be carried; or None.
    """

    def __init__(
        self, step: Step, inputs: Any, states: Any, constants: Sequence[Any], *, all_outputs: bool, mask: Any,
        zero_masked: bool, unroll: bool,
    ) -> None:  # fmt: skip
        self.step, self.inputs, self.states, self.constants = step, inputs, states, tuple(constants)
        self.all_outputs, self.unroll = all_outputs, unroll
        self.masked, self.zero_masked = mask is not None, zero_masked
        self.xs: list[Tensor] = [*nest.flatten(inputs), *([] if mask is None else [mask])]
        self.start: list[Tensor] = nest.flatten(states)
        self.output: Any = None
        self.as_state: list[int] | None = None

    def one(self, carries: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """One step: (states and last outputs, elements of the inputs and mask) -> (the same, values to be stacked)."""
        count = len(self.start)
        old, previous = carries[:count], carries[count:]
        outputs, new = self.call(elements, old)
        if self.masked:
            valid = elements[-1]
            new = [_chosen(valid, a, b) for a, b in zip(new, old, strict=True)]
        if self.carries_outputs(outputs, new) and not previous:
            if not self.unroll and running_trace() is not None:
                raise _OutputsNeeded([type_of(t) for t in outputs])
            previous = [zeros_like(t) for t in outputs]
        if self.masked:
            instead = [zeros_like(t) for t in outputs] if self.zero_masked else previous
            outputs = [_chosen(elements[-1], a, b) for a, b in zip(outputs, instead, strict=True)]
        return [*new, *(outputs if previous else [])], outputs if self.all_outputs else []

    def call(self, elements: list[Tensor], states: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The leaves of the outputs and new states. Raises ValueError if their number of states differs."""
        arguments = nest.pack_sequence_as(self.states, states)
        given = packed(self.inputs, elements[: len(elements) - self.masked])
        self.output, after = self.step(given, (*arguments, *self.constants))
        new = nest.flatten(after)
        if len(new) != len(states):
            raise ValueError(f"rnn: the step function takes {len(states)} states, but gives {len(new)}")
        return nest.flatten(self.output), new

    def carries_outputs(self, outputs: list[Tensor], new: list[Tensor]) -> bool:
        """Whether a step needs the outputs of the one before, or the end those of the last."""
        if self.masked:
            return not self.all_outputs or not self.zero_masked
        if self.all_outputs:
            return False
        numbers = [next((i for i, s in enumerate(new) if s is t), -1) for t in outputs]
        self.as_state = None if -1 in numbers else numbers
        return self.as_state is None

    def run(self, reverse: bool) -> tuple[list[Tensor], list[Tensor]]:
        """The last carries and the stacked outputs, beside their inputs."""
        carries, count = list(self.start), raw_shape(self.xs[0])[0]
        while True:
            try:
                if self.unroll:
                    ends, ys = loop_in_python("an unrolled RNN", carries, self.xs, self.one, reverse)
                else:
                    ends, ys = loop_over("a recurrent layer", carries, self.xs, count, self.one, reverse)
                break
            except _OutputsNeeded as needed:
                carries += [zeros(t.shape, t.dtype) for t in needed.types]
        if not ys and self.output is None:
            return self.empty(ends)
        return ends, ys or []

    def empty(self, ends: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """What there is where there are no steps: zeros, in the shapes that a step would give."""
        blank = [zeros(raw_shape(x)[1:], x.dtype) for x in self.xs]
        outputs, _ = self.call(blank, self.start)
        stacked = [zeros((0, *raw_shape(t)), t.dtype) for t in outputs]
        return [*ends[: len(self.start)], *(zeros_like(t) for t in outputs)], stacked

    def last(self, ends: list[Tensor], stacked: list[Tensor], reverse: bool) -> list[Tensor]:
        """The outputs of the last step."""
        if len(ends) > len(self.start):
            return ends[len(self.start) :]
        if self.as_state is not None:
            return [ends[i] for i in self.as_state]
        return [t[0] if reverse else t[-1] for t in stacked]


def _chosen(valid: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` where a sample's mask holds, else `old`."""
    while valid.ndim < new.ndim:
        valid = expand_dims(valid, -1)
    while valid.ndim > new.ndim:
        valid = valid[..., 0]
    return where(valid, new, old)


def swapped(x: Any) -> Tensor:
    """A tensor with its first two axes, batch and time, exchanged."""
    return transpose(x, [1, 0, *range(2, x.ndim)])


def rnn(
    step_function: Step, inputs: Any, initial_states: Any, go_backwards: bool = False, mask: Any = None,
    constants: Any = None, unroll: bool = False, input_length: Any = None, time_major: bool = False,
    zero_output_for_mask: bool = False, return_all_outputs: bool = True,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Runs a step function over the time axis of its inputs (tf.keras.backend.rnn).

    Args:
        step_function: (inputs of one step, list of states and constants) -> (outputs, new states).
        inputs: a tensor (batch, time, ...) or a structure of them.
        initial_states: a list of states, perhaps nested.
        go_backwards: starts at the last step; outputs come in the order in which they were computed.
        mask: bool (batch, time) or (batch, time, 1). Where it does not hold, a step leaves the states as they are and
            repeats the last output, which before the first valid step is zero.
        constants: tensors that every step receives after the states.
        unroll: writes the steps one by one into a trace; their number must be known.
        input_length: int32 (batch,), the number of valid steps per sample, for when there is no mask.
        time_major: whether inputs, mask and outputs are (time, batch, ...).
        zero_output_for_mask: makes outputs of masked steps zero instead.
        return_all_outputs: whether the second result holds all outputs, or the last one alone.

    Returns:
        The last outputs (batch, ...), the outputs of all steps (batch, time, ...), and the last states.

    Raises:
        ValueError: if `unroll` meets an open number of steps, or the number of states changes.
        DTypeError: if a state changes its dtype; InvalidArgumentError: if a traced one changes its shape.
    """
    if not time_major:
        inputs = map_leaves(swapped, inputs)
    first = nest.flatten(inputs)[0]
    if unroll and not isinstance(raw_shape(first)[0], int):
        raise ValueError("Unrolling requires a fixed number of timesteps.")
    valid = _validity(mask, input_length, first, time_major, go_backwards)
    states = map_leaves(_value, list(initial_states))
    loop = _Loop(
        step_function, inputs, states, constants or (), all_outputs=return_all_outputs, mask=valid,
        zero_masked=zero_output_for_mask, unroll=unroll,
    )  # fmt: skip
    ends, stacked = loop.run(go_backwards)
    last = loop.last(ends, stacked, go_backwards)
    if go_backwards:
        stacked = [reverse(t, [0]) for t in stacked]
    outputs = stacked if return_all_outputs else [expand_dims(t, 0) for t in last]
    if not time_major:
        outputs = [swapped(t) for t in outputs]
    new_states = nest.pack_sequence_as(states, ends[: len(loop.start)])
    return packed(loop.output, last), packed(loop.output, outputs), new_states


def _value(x: Any) -> Any:
    return x.value() if isinstance(x, Variable) else x


def _validity(mask: Any, length: Any, inputs: Tensor, time_major: bool, backwards: bool) -> Tensor | None:
    """bool (time, batch) or (time, batch, 1): which steps count; None if all do."""
    if mask is not None:
        valid = cast(mask, "bool")
        return valid if time_major else swapped(valid)
    if not isinstance(length, Tensor) or length.ndim == 0:
        return None
    steps = expand_dims(count_up(shape(inputs)[0]), 1)
    counts = cast(length, "int32")
    if backwards:
        # Steps are then numbered from the end of the longest sample.
        return shape(inputs)[0] - 1 - steps > reduce_max(counts) - 1 - counts
    return counts > steps


__all__ = ["rnn"]
