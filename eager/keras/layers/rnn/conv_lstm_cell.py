"""The cell of convolutional long short-term memory (Shi et al., 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.rnn.halved_cell import HalvedCell
from eager.keras.layers.rnn.lstm import forget_bias
from eager.ops.array import concat, reshape, shape, split
from eager.ops.conv import convolution
from eager.tensor import Tensor


class ConvLSTMCell(HalvedCell):
    """One step of an LSTM whose products are convolutions (keras ConvLSTMCell).

    Kernels hold the blocks i, f, c, o along their last axis. Takes (batch, ..., channels) and the states output and
    carry, each (batch, ..., filters); convolutions of the state keep its size.
    """

    _plain_options = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias", "unit_forget_bias",
        "dropout", "recurrent_dropout",
    )  # fmt: skip

    filters: int
    kernel_size: arguments.Ints
    strides: arguments.Ints
    padding: str
    data_format: str
    dilation_rate: arguments.Ints
    unit_forget_bias: bool

    def __init__(self, rank: int, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the number of spatial axes, the options of a ConvLSTM layer, and the keywords of Layer.

        Raises:
            ValueError: as Conv2D, for arguments of convolutions.
        """
        for name in ("kernel_size", "strides", "dilation_rate"):
            options[name] = arguments.integers(options[name], rank, name)
        options["padding"] = arguments.padding_word(options["padding"])
        options["data_format"] = arguments.data_format(options["data_format"])
        super().__init__(options, kwargs)
        self.rank = rank
        self.state_size = (self.filters, self.filters)

    def build(self, input_shape: Any) -> None:
        """Makes kernel (*kernel_size, channels, 4 * filters), recurrent_kernel and bias.

        Raises:
            ValueError: if the channels are unknown.
        """
        channels = arguments.channels_of(input_shape, self.data_format, self.rank, type(self).__name__)
        self.kernel = self._make_weight("kernel", (*self.kernel_size, channels, 4 * self.filters))
        sizes = (*self.kernel_size, self.filters, 4 * self.filters)
        self.recurrent_kernel = self._make_weight("recurrent_kernel", sizes, "recurrent")
        if self.use_bias:
            start = self.bias_initializer
            start = forget_bias(start, self.filters) if self.unit_forget_bias else start
            self.bias = self._make_weight("bias", (4 * self.filters,), initializer=start)
        super().build(input_shape)

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

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"rank": self.rank}

