"""The fully connected recurrent network whose output is its state (Elman, 1990)."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.layers.rnn.gate_cell import GateCell, first_state
from eager.keras.layers.rnn.gate_layer import GateLayer
from eager.keras.layers.rnn.halved_cell import options_of
from eager.keras.layers.table import registry


@registry.add()
class SimpleRNNCell(GateCell):
    """activation(inputs @ kernel + bias + state @ recurrent_kernel) (tf.keras.layers.SimpleRNNCell).

    Takes (batch, n) and the state (batch, units); gives (batch, units) as output and new state.
    """

    _activations = ("activation",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Makes a cell. Arguments as for SimpleRNN. Raises ValueError if units is not positive."""
        super().__init__(options_of(locals()), kwargs)

    def recur(self, projected: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """Output and new state, which are the same."""
        h = first_state(states)
        new = self.activation(projected + self._product(h, self.recurrent_kernel, self._state_masks(h, training)))
        return new, [new] if nest.is_nested(states) else new


@registry.add()
class SimpleRNN(GateLayer):
    """A SimpleRNNCell run over time (tf.keras.layers.SimpleRNN).

    Takes (batch, time, n); gives (batch, units), or with `return_sequences` (batch, time, units).
    """

    _cell_class = SimpleRNNCell
    _cell_name = "simple_rnn_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            units: the size of output and state.
            activation: name or function; None is linear.
            use_bias: whether a bias is added.
            kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
            dropout, recurrent_dropout: parts of inputs and state that are dropped while training.
            return_sequences, return_state, go_backwards, stateful, unroll: as for RNN.
            **kwargs: `time_major`, `zero_output_for_mask`, `seed` of the dropout, and as for Layer.

        Raises:
            ValueError: if units is not positive.
        """
        kwargs.pop("implementation", None)
        super().__init__(options_of(locals()), kwargs)
