"""The layer that sorts numbers into bins."""

from __future__ import annotations

from typing import Any

from eager.keras.host_quantiles import boundaries, empty_summary, plain_numbers, with_batch
from eager.keras.layers.preprocessing.base import PreprocessingLayer
from eager.keras.layers.preprocessing.encoding import (
    checked_mode,
    dtype_for,
    encode,
    encoded_shape,
    refuse_sparse,
    require_integer,
)
from eager.keras.layers.table import registry
from eager.ops.array import cast, reshape, shape, where
from eager.ops.create import convert_to_tensor
from eager.ops.sorting import searchsorted
from eager.tensor_shape import TensorShape
from eager.variable import Variable

_MODES = ("int", "one_hot", "multi_hot", "count")


@registry.add()
class Discretization(PreprocessingLayer):
    """The bin that each number belongs to (tf.keras.layers.Discretization).

    A bin holds its lower boundary, not its upper one; the first and the last bin are open. Boundaries learnt by a
    second `adapt` show in functions and models that are traced afterwards.
    """

    def __init__(
        self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01, output_mode: str = "int",
        sparse: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the boundaries, or how many bins `adapt` is to find.

        Args:
            bin_boundaries: ascending numbers.
            num_bins: the number of bins, of about equally many values, that `adapt` finds.
            epsilon: how exact it is about that.
            output_mode: "int", "one_hot", "multi_hot" or "count".
            sparse: not supported.
            **kwargs: as for Layer.

        Raises:
            ValueError: for both boundaries and a number of bins, or another mode.
            UnsupportedError: with sparse=True.
        """
        output_mode = checked_mode(output_mode, _MODES, type(self).__name__)
        super().__init__(**dtype_for(kwargs, output_mode))
        require_integer(self.compute_dtype, output_mode)
        refuse_sparse(sparse, output_mode, "Discretization")
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"`num_bins` must be greater than or equal to 0. You passed `num_bins={num_bins}`")
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                f"Both `num_bins` and `bin_boundaries` should not be set. You passed `num_bins={num_bins}` and "
                f"`bin_boundaries={bin_boundaries}`"
            )
        given = None if bin_boundaries is None else plain_numbers(bin_boundaries)
        self.input_bin_boundaries = given
        self.bin_boundaries = [] if given is None else list(given)
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse

    def build(self, input_shape: Any) -> None:
        """Makes the summary of the data seen so far."""
        super().build(input_shape)
        if self.input_bin_boundaries is None:
            self._keep(empty_summary())

    def _keep(self, summary: Any) -> None:
        # As long as the data asks for, so each is a variable of its own.
        self.summary = Variable(summary, trainable=False, name=f"{self.name}/summary")

    def update_state(self, data: Any) -> None:
        """Takes a batch into the summary.

        Raises:
            ValueError: if the boundaries were given.
            RuntimeError: before `build`.
        """
        if self.input_bin_boundaries is not None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, use `num_bins` "
                f"instead. You passed `bin_boundaries={self.input_bin_boundaries}`."
            )
        if not self.built:
            raise RuntimeError("`build` must be called before `update_state`.")
        self._keep(with_batch(self.summary, data, self.epsilon))

    def finalize_state(self) -> None:
        """Finds the boundaries from the summary."""
        if self.input_bin_boundaries is None and self.built and self.num_bins is not None:
            self.bin_boundaries = boundaries(self.summary, self.num_bins)

    def reset_state(self) -> None:
        """Forgets the data."""
        if self.input_bin_boundaries is None and self.built:
            self._keep(empty_summary())

    def call(self, inputs: Any) -> Any:
        """The bins, in the output mode."""
        x = convert_to_tensor(inputs)
        x = x if x.dtype.is_floating and x.dtype.size >= 4 else cast(x, "float32")
        limits = cast(convert_to_tensor(self.bin_boundaries, "float32"), x.dtype)
        flat = reshape(x, (1, -1))
        found = searchsorted(reshape(limits, (1, -1)), flat, "right", "int64")
        # What is no number is above all boundaries.
        found = where(flat == flat, found, len(self.bin_boundaries))
        depth = len(self.bin_boundaries) + 1
        return encode(reshape(found, shape(x)), self.output_mode, depth, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the bins in the output mode."""
        return encoded_shape(input_shape, self.output_mode, len(self.bin_boundaries) + 1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; learnt boundaries are not among them."""
        return super().get_config() | {
            "bin_boundaries": self.input_bin_boundaries, "num_bins": self.num_bins, "epsilon": self.epsilon,
            "output_mode": self.output_mode, "sparse": self.sparse,
        }  # fmt: skip

    def save_own_variables(self, store: Any) -> None:
        """Writes the summary."""
        if self.input_bin_boundaries is None and self.built:
            store["0"] = self.summary.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads the summary and finds the boundaries again."""
        if self.input_bin_boundaries is None and "0" in store:
            self._keep(convert_to_tensor(store["0"][()]))
            if self.summary.shape[1]:
                self.finalize_state()
