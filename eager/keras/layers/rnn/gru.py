"""The gated recurrent unit (Cho et al., 2014)."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.layers.rnn.gate_cell import GateCell, first_state
from eager.keras.layers.rnn.gate_layer import GateLayer
from eager.keras.layers.rnn.halved_cell import options_of
from eager.keras.layers.table import registry
from eager.ops.array import split


@registry.add()
class GRUCell(GateCell):
    """One step of a gated recurrent unit (tf.keras.layers.GRUCell).

    With update gate z, reset gate r and candidate c, the new state is z * state + (1 - z) * c. Kernels hold the blocks
    z, r, c. Takes (batch, n) and the state (batch, units); gives (batch, units) as output and new state.
    """

    gates = 3
    _plain_options = (*GateCell._plain_options, "implementation", "reset_after")

    reset_after: bool

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        """Makes a cell. Arguments as for GRU. Raises ValueError if units is not positive."""
        super().__init__(options_of(locals()), kwargs)

    def _bias_shape(self) -> tuple[int, ...]:
        """Biases of inputs and state stand apart where the reset gate comes between."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def recur(self, projected: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """Output and new state, which are the same."""
        h = first_state(states)
        masks = self._state_masks(h, training)
        kernel, bias, inner = self.recurrent_kernel, self.bias, 2 * self.units
        if self.reset_after:
            product = self._product(h, kernel, masks)
            product = product if bias is None else product + bias[1]
            z, r = self._gates(projected, product[:, :inner])
            pulled = r * product[:, inner:]
        else:
            z, r = self._gates(projected, self._product(h, kernel[:, :inner], masks and masks[:2]))
            pulled = self._product(r * h, kernel[:, inner:], masks and masks[2:])
        new = z * h + (1 - z) * self.activation(projected[:, inner:] + pulled)
        return new, [new] if nest.is_nested(states) else new

    def _gates(self, projected: Any, product: Any) -> list[Any]:
        """The update and the reset gate."""
        return split(self.recurrent_activation(projected[:, : 2 * self.units] + product), 2, -1)


@registry.add()
class GRU(GateLayer):
    """A GRUCell run over time (tf.keras.layers.GRU).

    Takes (batch, time, n); gives (batch, units), or with `return_sequences` (batch, time, units).
    """

    _cell_class = GRUCell
    _cell_name = "gru_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        time_major: bool = False,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            units: the size of output and state.
            activation: of the candidate; a name or function, None is linear.
            recurrent_activation: of the gates.
            use_bias: whether biases are added.
            kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
            dropout, recurrent_dropout: parts of inputs and state that are dropped while training.
            return_sequences, return_state, go_backwards, stateful, unroll, time_major: as for RNN.
            reset_after: whether the reset gate acts on state @ recurrent_kernel, or on the state before.
            **kwargs: `implementation`, `zero_output_for_mask`, `seed` of the dropout, and as for Layer.

        Raises:
            ValueError: if units is not positive.
        """
        super().__init__(options_of(locals()), kwargs)
