"""The cell of convolutional long short-term memory (Shi et al., 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras import activations, constraints, initializers, regularizers
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.rnn.halved_cell import HalvedCell
from eager.keras.layers.rnn.lstm import forget_bias
from eager.ops.array import concat, reshape, shape, split
from eager.ops.conv import convolution
from eager.tensor import Tensor
from eager.variable import Variable

_PARTS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
_ROLES = ("kernel", "recurrent", "bias")
_PLAIN = (
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias", "unit_forget_bias",
    "dropout", "recurrent_dropout",
)  # fmt: skip


class ConvLSTMCell(HalvedCell):
    """One step of an LSTM whose products are convolutions (keras ConvLSTMCell).

    Kernels hold the blocks i, f, c, o along their last axis. Takes (batch, ..., channels) and the states output and
    carry, each (batch, ..., filters); convolutions of the state keep its size.
    """

    filters: int
    data_format: str
    use_bias: bool
    bias_initializer: Any
    activation: Any
    recurrent_activation: Any
    unit_forget_bias: bool
    kernel: Variable
    recurrent_kernel: Variable

    def __init__(self, rank: int, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the number of spatial axes, the options of a ConvLSTM layer, and the keywords of Layer.

        Raises:
            ValueError: as Conv2D, for arguments of convolutions.
        """
        super().__init__(options["dropout"], options["recurrent_dropout"], **kwargs)
        self.rank = rank
        self.filters = options["filters"]
        self.kernel_size = arguments.integers(options["kernel_size"], rank, "kernel_size")
        self.strides = arguments.integers(options["strides"], rank, "strides")
        self.padding = arguments.padding_word(options["padding"])
        self.data_format = arguments.data_format(options["data_format"])
        self.dilation_rate = arguments.integers(options["dilation_rate"], rank, "dilation_rate")
        for name in ("activation", "recurrent_activation"):
            setattr(self, name, activations.get(options[name]))
        for name in ("use_bias", "unit_forget_bias"):
            setattr(self, name, options[name])
        for role in _ROLES:
            for part, module in _PARTS.items():
                setattr(self, f"{role}_{part}", module.get(options[f"{role}_{part}"]))
        self.bias: Variable | None = None
        self.state_size = (self.filters, self.filters)

    def build(self, input_shape: Any) -> None:
        """Makes kernel (*kernel_size, channels, 4 * filters), recurrent_kernel and bias.

        Raises:
            ValueError: if the channels are unknown.
        """
        channels = arguments.channels_of(input_shape, self.data_format, self.rank, type(self).__name__)
        self.kernel = self._make("kernel", (*self.kernel_size, channels, 4 * self.filters), "kernel")
        sizes = (*self.kernel_size, self.filters, 4 * self.filters)
        self.recurrent_kernel = self._make("recurrent_kernel", sizes, "recurrent")
        if self.use_bias:
            start = self.bias_initializer
            start = forget_bias(start, self.filters) if self.unit_forget_bias else start
            self.bias = self._make("bias", (4 * self.filters,), "bias", initializer=start)
        super().build(input_shape)

    def _make(self, name: str, sizes: tuple[int, ...], role: str, **other: Any) -> Variable:
        return self.add_weight(name, sizes, **({part: getattr(self, f"{role}_{part}") for part in _PARTS} | other))

    def project(self, inputs: Any, training: Any = None) -> Tensor:
        """The convolution of the inputs of one step (batch, ...) or several (time, batch, ...)."""
        sizes = shape(inputs)[-2 - self.rank :]
        masks = self._mask("inputs", self.dropout, sizes, inputs.dtype, training, 4)
        found = self._convolved(inputs, self.kernel, masks, self.strides, self.padding, self.dilation_rate)
        if self.bias is None:
            return found
        last = self.data_format == "channels_last"
        return found + (self.bias if last else reshape(self.bias, (-1, *(1,) * self.rank)))

    def recur(self, projected: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """The output, and as new states output and carry."""
        h, carry = states
        masks = self._mask("state", self.recurrent_dropout, shape(h), h.dtype, training, 4)
        gates = projected + self._convolved(h, self.recurrent_kernel, masks, 1, "same", 1)
        i, f, c, o = split(gates, 4, arguments.channel_axis(self.data_format, self.rank))
        carry = self.recurrent_activation(f) * carry + self.recurrent_activation(i) * self.activation(c)
        new = self.recurrent_activation(o) * self.activation(carry)
        return new, [new, carry]

    def _convolved(
        self, x: Any, kernel: Any, masks: Sequence[Tensor] | None, strides: Any, padding: str, dilation: Any
    ) -> Tensor:
        """The convolution of one step or several, where each mask drops parts of x for its share of the filters."""
        if masks is not None:
            blocks = split(kernel, len(masks), -1)
            parts = [
                self._convolved(x * m, k, None, strides, padding, dilation) for k, m in zip(blocks, masks, strict=True)
            ]
            return concat(parts, arguments.channel_axis(self.data_format, self.rank))
        layout = arguments.op_format(self.data_format, self.rank)
        return convolution(x, kernel, strides, padding.upper(), layout, dilation)

    def options(self) -> dict[str, Any]:
        """The layer's arguments as plain data."""
        found: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        found |= {n: activations.serialize(getattr(self, n)) for n in ("activation", "recurrent_activation")}
        for role in _ROLES:
            for part, module in _PARTS.items():
                found[f"{role}_{part}"] = module.serialize(getattr(self, f"{role}_{part}"))
        return found

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self.options() | {"rank": self.rank}

