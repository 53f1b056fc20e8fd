"""Convolutional LSTM layers over one to three spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from eager import nest
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.rnn.cell_layer import CellLayer
from eager.keras.layers.rnn.conv_lstm_cell import ConvLSTMCell
from eager.keras.layers.rnn.dropout_masks import DropoutCell
from eager.keras.layers.rnn.halved_cell import options_of
from eager.keras.layers.table import registry
from eager.ops.array import shape, zeros
from eager.tensor_shape import TensorShape


class ConvLSTM(CellLayer):
    """A ConvLSTMCell run over time.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]
    _cell_class = ConvLSTMCell
    _cell_name = "conv_lstm_cell"

    cell: ConvLSTMCell

    def __init__(self, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the constructor's arguments: those of cell and loop, and the other keywords.

        Raises:
            TypeError: for `unroll=True`.
            ValueError: as Conv2D, for arguments of convolutions.
        """
        if kwargs.get("unroll"):
            raise TypeError(f"Unrolling is not possible with convolutional RNNs. Received: unroll={kwargs['unroll']}")
        super().__init__(options, kwargs)
        self.input_spec = [InputSpec(ndim=self.rank + 3)]

    def _make_cell(self, options: dict[str, Any], keywords: dict[str, Any]) -> ConvLSTMCell:
        return ConvLSTMCell(self.rank, options, keywords)

    # Shapes --------------------------------------------------------------------------------------------------------

    def _spatial_outputs(self, sizes: Any) -> list[Any]:
        """The spatial sizes of states and output; where a size is a tensor, so is the result."""
        cell = self.cell
        every = zip(sizes, cell.kernel_size, cell.strides, cell.dilation_rate, strict=True)
        return [arguments.windowed(n, k, cell.padding, s, d) for n, k, s, d in every]

    def _with_channels(self, lead: list[Any], sizes: list[Any]) -> list[Any]:
        first = self.cell.data_format == "channels_first"
        return [*lead, self.cell.filters, *sizes] if first else [*lead, *sizes, self.cell.filters]

    def _spec_of(self, shape: TensorShape) -> InputSpec:
        """A spec of the sizes that stay from call to call."""
        return InputSpec(shape=[shape[0] if self.stateful else None, None, *shape[2:]])

    def build(self, input_shape: Any) -> None:
        """Builds the cell for the shape of one step, and makes the states of a stateful layer.

        Raises:
            ValueError: for open channels, an output without elements, or a stateful layer with open sizes.
        """
        made = self.compute_output_shape(input_shape)
        made = made[0] if self.return_state else made
        sizes = arguments.spatial_sizes(made, self.cell.data_format, self.rank)
        arguments.require_positive(sizes, self.name, input_shape, self.cell.data_format, self.cell.filters)
        spec = InputSpec(shape=self._with_channels([None], [None] * self.rank))
        self.state_spec = [spec, spec]
        super().build(input_shape)

    def _build_cell(self, step: Any) -> None:
        # Weights carry the layer's name alone.
        if not self.cell.built:
            self.cell.build(step)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output; with `return_state` a list of it and the shapes of the states."""
        given = TensorShape(input_shape)
        cell = self.cell
        sizes = self._spatial_outputs(arguments.spatial_sizes(given, cell.data_format, self.rank))
        lead = given.as_list()[self._batch_axis : self._batch_axis + 1]
        state = TensorShape(self._with_channels(lead, sizes))
        output = TensorShape(self._with_channels(given.as_list()[:2], sizes)) if self.return_sequences else state
        return [output, state, state] if self.return_state else output

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """Zeros of the size of the output of one step, for output and carry."""
        dynamic = shape(inputs)
        sizes = [dynamic[i] if n is None else n for i, n in enumerate(inputs.shape.as_list())]
        at = 3 if self.cell.data_format == "channels_first" else 2
        found = self._spatial_outputs(sizes[at : at + self.rank])
        start = zeros(self._with_channels([sizes[self._batch_axis]], found), inputs.dtype)
        return [start, start]

    # The cell and its state ----------------------------------------------------------------------------------------

    def _draw_masks(self, cells: list[DropoutCell], steps: Any, states: Any, training: Any) -> None:
        for cell in cells:
            cell.get_dropout_mask_for_cell(steps[0], training, 4)
            cell.get_recurrent_dropout_mask_for_cell(states[0], training, 4)

    def _kept_shapes(self) -> list[tuple[Any, ...]]:
        spec = nest.flatten(self.input_spec)[0]
        if spec.shape is None:
            return [(None,)]
        sizes = arguments.spatial_sizes(spec.shape, self.cell.data_format, self.rank)
        found = tuple(self._with_channels([spec.shape[self._batch_axis]], self._spatial_outputs(sizes)))
        return [found, found]

    def _first_states(self) -> list[Any]:
        return [zeros(sizes, self.variable_dtype) for sizes in self._kept_shapes()]


@registry.add()
class ConvLSTM1D(ConvLSTM):
    """An LSTM over sequences of signals, whose products are convolutions (tf.keras.layers.ConvLSTM1D).

    Takes (batch, time, n, channels); gives (batch, m, filters), or with `return_sequences` (batch, time, m, filters).
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            filters: the number of channels of output and states.
            kernel_size: an integer, or one per spatial axis.
            strides, padding, data_format, dilation_rate: of the convolution of the inputs, as for Conv2D.
            activation: of candidate and output; a name or function, None is linear.
            recurrent_activation: of the gates.
            use_bias: whether a bias is added.
            kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
            unit_forget_bias: whether the forget gate's bias starts at one.
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
            return_sequences, return_state, go_backwards, stateful: as for RNN.
            dropout, recurrent_dropout: parts of inputs and output state that are dropped while training.
            **kwargs: `time_major`, `zero_output_for_mask`, `seed` of the dropout, and as for Layer.

        Raises:
            TypeError: for `unroll=True`.
            ValueError: as Conv2D, for arguments of convolutions.
        """
        super().__init__(options_of(locals()), kwargs)


@registry.add()
class ConvLSTM2D(ConvLSTM):
    """An LSTM over sequences of images, whose products are convolutions (tf.keras.layers.ConvLSTM2D).

    Takes (batch, time, rows, columns, channels); gives (batch, rows, columns, filters), or with `return_sequences`
    (batch, time, rows, columns, filters).
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            filters: the number of channels of output and states.
            kernel_size: an integer, or one per spatial axis.
            strides, padding, data_format, dilation_rate: of the convolution of the inputs, as for Conv2D.
            activation: of candidate and output; a name or function, None is linear.
            recurrent_activation: of the gates.
            use_bias: whether a bias is added.
            kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
            unit_forget_bias: whether the forget gate's bias starts at one.
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
            return_sequences, return_state, go_backwards, stateful: as for RNN.
            dropout, recurrent_dropout: parts of inputs and output state that are dropped while training.
            **kwargs: `time_major`, `zero_output_for_mask`, `seed` of the dropout, and as for Layer.

        Raises:
            TypeError: for `unroll=True`.
            ValueError: as Conv2D, for arguments of convolutions.
        """
        super().__init__(options_of(locals()), kwargs)


@registry.add()
class ConvLSTM3D(ConvLSTM):
    """An LSTM over sequences of volumes, whose products are convolutions (tf.keras.layers.ConvLSTM3D).

    Takes (batch, time, depth, rows, columns, channels); gives (batch, depth, rows, columns, filters), or with
    `return_sequences` (batch, time, depth, rows, columns, filters).
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            filters: the number of channels of output and states.
            kernel_size: an integer, or one per spatial axis.
            strides, padding, data_format, dilation_rate: of the convolution of the inputs, as for Conv2D.
            activation: of candidate and output; a name or function, None is linear.
            recurrent_activation: of the gates.
            use_bias: whether a bias is added.
            kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
            unit_forget_bias: whether the forget gate's bias starts at one.
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
            return_sequences, return_state, go_backwards, stateful: as for RNN.
            dropout, recurrent_dropout: parts of inputs and output state that are dropped while training.
            **kwargs: `time_major`, `zero_output_for_mask`, `seed` of the dropout, and as for Layer.

        Raises:
            TypeError: for `unroll=True`.
            ValueError: as Conv2D, for arguments of convolutions.
        """
        super().__init__(options_of(locals()), kwargs)
