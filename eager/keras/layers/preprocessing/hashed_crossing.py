"""The layer that hashes combinations of categories into bins."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.preprocessing.encoding import (
    checked_mode,
    dtype_for,
    encode,
    encoded_shape,
    refuse_sparse,
    require_integer,
)
from eager.keras.layers.table import registry
from eager.ops.create import convert_to_tensor
from eager.ops.strings_hash_integers import crossed_bucket
from eager.tensor_shape import TensorShape


@registry.add()
class HashedCrossing(Layer):
    """Combinations of strings or integers in one of `num_bins` bins (tf.keras.layers.HashedCrossing).

    Takes a list of at least two inputs of one shape: (), (batch,) or (batch, 1).
    """

    def __init__(self, num_bins: int, output_mode: str = "int", sparse: bool = False, **kwargs: Any) -> None:
        """Takes the bins.

        Args:
            num_bins: how many.
            output_mode: "int" or "one_hot".
            sparse: not supported.
            **kwargs: as for Layer.

        Raises:
            ValueError: for another mode.
            UnsupportedError: with sparse=True.
        """
        output_mode = checked_mode(output_mode, ("int", "one_hot"), type(self).__name__)
        super().__init__(**dtype_for(kwargs, output_mode))
        require_integer(self.compute_dtype, output_mode)
        refuse_sparse(sparse, output_mode, "HashedCrossing")
        self.num_bins = num_bins
        self.output_mode = output_mode
        self.sparse = sparse

    def call(self, inputs: Any) -> Any:
        """The bins, in the output mode.

        Raises:
            ValueError: unless there are two or more inputs of one of the shapes, integers or strings.
        """
        _require_several(inputs)
        parts = [convert_to_tensor(x) for x in inputs]
        first = parts[0].shape
        if len(first) > 2 or (len(first) == 2 and first[-1] != 1):
            raise ValueError(
                "All `HashedCrossing` inputs should have shape `[]`, `[batch_size]` or `[batch_size, 1]`. "
                f"Received: {[tuple(x.shape) for x in parts]}"
            )
        if not all(x.shape.as_list() == first.as_list() for x in parts):
            raise ValueError(
                f"All `HashedCrossing` inputs should have equal shape. Received: {[tuple(x.shape) for x in parts]}"
            )
        if not all(x.dtype.is_integer or x.dtype == "string" for x in parts):
            raise ValueError(
                "All `HashedCrossing` inputs should have an integer or string dtype. "
                f"Received: {[x.dtype.name for x in parts]}"
            )
        return encode(crossed_bucket(parts, self.num_bins), self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the bins in the output mode. Raises ValueError for less than two shapes."""
        _require_several(input_shape)
        return encoded_shape(input_shape[0], self.output_mode, self.num_bins)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "num_bins": self.num_bins, "output_mode": self.output_mode, "sparse": self.sparse,
        }  # fmt: skip


def _require_several(inputs: Any) -> None:
    if not isinstance(inputs, list | tuple):
        raise ValueError(f"`HashedCrossing` should be called on a list or tuple of inputs. Received: inputs={inputs}")
    if len(inputs) < 2:
        raise ValueError(f"`HashedCrossing` should be called on at least two inputs. Received: inputs={inputs}")
