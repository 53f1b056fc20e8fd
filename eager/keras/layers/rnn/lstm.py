"""Long short-term memory (Hochreiter & Schmidhuber, 1997)."""

from __future__ import annotations

from typing import Any

from eager.keras import initializers
from eager.keras.layers.rnn.gate_cell import GateCell
from eager.keras.layers.rnn.gate_layer import GateLayer
from eager.keras.layers.rnn.halved_cell import options_of
from eager.keras.layers.table import registry
from eager.ops.array import concat, split


def forget_bias(start: Any, units: int) -> Any:
    """An initializer of a bias of the blocks i, f, c, o: ones for f, `start` for the others (Jozefowicz, 2015)."""

    def make(shape: Any, dtype: Any = None) -> Any:
        del shape
        ones = initializers.get("ones")
        parts = [start((units,), dtype=dtype), ones((units,), dtype=dtype), start((2 * units,), dtype=dtype)]
        return concat(parts, 0)

    return make


@registry.add()
class LSTMCell(GateCell):
    """One step of long short-term memory (tf.keras.layers.LSTMCell).

    With gates i, f, o and candidate c, the new carry is f * carry + i * c and the output o * activation(carry). Kernels
    hold the blocks i, f, c, o. Takes (batch, n) and the states output and carry, each (batch, units).
    """

    gates = 4
    _plain_options = (*GateCell._plain_options, "implementation", "unit_forget_bias")

    unit_forget_bias: bool

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        """Makes a cell. Arguments as for LSTM. Raises ValueError if units is not positive."""
        super().__init__(options_of(locals()), kwargs)
        self.state_size = [self.units, self.units]

    def _bias_start(self) -> Any:
        start = super()._bias_start()
        return forget_bias(start, self.units) if self.unit_forget_bias else start

    def recur(self, projected: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """The output, and as new states output and carry."""
        h, carry = states
        gates = projected + self._product(h, self.recurrent_kernel, self._state_masks(h, training))
        i, f, c, o = split(gates, 4, -1)
        carry = self.recurrent_activation(f) * carry + self.recurrent_activation(i) * self.activation(c)
        new = self.recurrent_activation(o) * self.activation(carry)
        return new, [new, carry]


@registry.add()
class LSTM(GateLayer):
    """An LSTMCell run over time (tf.keras.layers.LSTM).

    Takes (batch, time, n); gives (batch, units), or with `return_sequences` (batch, time, units). Its states are the
    last output and the carry.
    """

    _cell_class = LSTMCell
    _cell_name = "lstm_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        time_major: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            units: the size of the output and of each state.
            activation: of candidate and output; a name or function, None is linear.
            recurrent_activation: of the gates.
            use_bias: whether a bias is added.
            kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
            unit_forget_bias: whether the forget gate's bias starts at one.
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
            dropout, recurrent_dropout: parts of inputs and output state that are dropped while training.
            return_sequences, return_state, go_backwards, stateful, time_major, unroll: as for RNN.
            **kwargs: `implementation`, `zero_output_for_mask`, `seed` of the dropout, and as for Layer.

        Raises:
            ValueError: if units is not positive.
        """
        super().__init__(options_of(locals()), kwargs)
