"""What SimpleRNNCell, GRUCell and LSTMCell share: arguments, weights, the two halves of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from eager import nest
from eager.keras.layers.rnn.halved_cell import HalvedCell
from eager.keras.layers.rnn.states import cell_zeros
from eager.ops.array import concat, shape, split
from eager.ops.linalg import matmul, tensordot
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape


class GateCell(HalvedCell):
    """A cell of `gates` blocks of units, each a function of inputs @ kernel and state @ recurrent_kernel.

    One step takes inputs (batch, n) and states (batch, units), and gives the output (batch, units) and new states.

    Attributes:
        gates: the number of blocks.
        implementation: 1 draws a dropout mask for every gate, 2 one for all.
    """

    gates: ClassVar[int] = 1
    _plain_options: ClassVar[tuple[str, ...]] = ("units", "use_bias", "dropout", "recurrent_dropout")

    implementation: int = 2
    units: int

    def __init__(self, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the constructor's arguments: the cell's own, and the keywords of Layer.

        Raises:
            ValueError: if units is not positive.
        """
        units = options["units"]
        if units <= 0:
            raise ValueError(
                f"Received an invalid value for argument `units`, expected a positive integer, got {units}."
            )
        self.implementation = _implementation(kwargs.pop("implementation", 2), options["recurrent_dropout"])
        kwargs.pop("enable_caching_device", None)
        super().__init__(options, kwargs)
        self.state_size: Any = self.units
        self.output_size = self.units

    def build(self, input_shape: Any) -> None:
        """Makes kernel (n, gates * units), recurrent_kernel (units, gates * units) and the bias.

        Raises:
            ValueError: if the last size is unknown.
        """
        last = TensorShape(input_shape)[-1]
        if last is None:
            raise ValueError(
                f"The last dimension of the inputs to {type(self).__name__} should be defined. Found None. Full input "
                f"shape received: {TensorShape(input_shape)}"
            )
        width = self.gates * self.units
        self.kernel = self._make_weight("kernel", (last, width))
        self.recurrent_kernel = self._make_weight("recurrent_kernel", (self.units, width), "recurrent")
        if self.use_bias:
            self.bias = self._make_weight("bias", self._bias_shape(), initializer=self._bias_start())
        super().build(input_shape)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _bias_start(self) -> Any:
        """The bias's initializer."""
        return self.bias_initializer

    def project(self, inputs: Any, training: Any = None) -> Tensor:
        """inputs @ kernel, with the bias that belongs to it, for one step (batch, n) or several (time, batch, n)."""
        masks = self._mask("inputs", self.dropout, shape(inputs)[-2:], inputs.dtype, training, self._mask_count)
        found = self._product(inputs, self.kernel, masks)
        bias = self._input_bias()
        return found if bias is None else found + bias

    def _input_bias(self) -> Any:
        return self.bias

    def _state_masks(self, h: Any, training: Any) -> list[Tensor] | None:
        return self._mask("state", self.recurrent_dropout, shape(h), h.dtype, training, self._mask_count)

    @property
    def _mask_count(self) -> int:
        return self.gates if self.implementation == 1 else 1

    def _product(self, x: Any, kernel: Any, masks: Sequence[Tensor] | None) -> Tensor:
        """x @ kernel, where each mask drops parts of x for its share of the kernel's columns."""
        if masks is None or len(masks) == 1:
            x = x if masks is None else x * masks[0]
            return matmul(x, kernel) if x.ndim == 2 else tensordot(x, kernel, 1)
        blocks = split(kernel, len(masks), -1)
        return concat([self._product(x, k, [m]) for k, m in zip(blocks, masks, strict=True)], -1)

    def draw_masks(self, batch_size: Any, dtype: Any, training: Any) -> None:
        """Draws the masks that a built cell will use, before a loop whose steps are to share them."""
        sizes = self.kernel.shape[0], self.units
        rates = self.dropout, self.recurrent_dropout
        for which, rate, size in zip(("inputs", "state"), rates, sizes, strict=True):
            self._mask(which, rate, [batch_size, size], dtype, training, self._mask_count)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros (batch, units) for each state. Raises ValueError without inputs or batch size and dtype."""
        return cell_zeros(self, inputs, batch_size, dtype)


def _implementation(wanted: int, recurrent_dropout: float) -> int:
    """1 or 2: masks for the state are drawn per gate, as tf.keras draws them; 0 is an old name."""
    if recurrent_dropout != 0:
        return 1
    return wanted or 2


def first_state(states: Any) -> Any:
    """The output of the step before among a cell's states, which may be a bare tensor."""
    return states[0] if nest.is_nested(states) else states
