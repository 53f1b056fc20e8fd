"""The layer that encodes numbers of categories."""

from __future__ import annotations

from typing import Any

from eager.keras import backend
from eager.keras.engine.base_layer import Layer
from eager.keras.layers.preprocessing.encoding import checked_mode, encode, encoded_shape, refuse_sparse
from eager.keras.layers.table import registry
from eager.ops.array import cast
from eager.ops.create import convert_to_tensor
from eager.ops.debugging import Assert
from eager.ops.math import logical_and, reduce_all
from eager.tensor_shape import TensorShape


@registry.add()
class CategoryEncoding(Layer):
    """Integers from 0 to num_tokens - 1 as one-hot or multi-hot rows or counts (tf.keras.layers.CategoryEncoding).

    Takes (batch,) or (batch, n).
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        """Takes the number of categories and the form of the results.

        Args:
            num_tokens: how many categories there are.
            output_mode: "one_hot": a row for each element; "multi_hot": a row for each sample with 1 where a category
                occurs; "count": how often it does.
            sparse: not supported.
            **kwargs: as for Layer.

        Raises:
            ValueError: without num_tokens, or for another mode.
            UnsupportedError: with sparse=True.
        """
        num_tokens = kwargs.pop("max_tokens", num_tokens)
        kwargs.setdefault("dtype", backend.floatx())
        super().__init__(**kwargs)
        self.output_mode = checked_mode(output_mode, ("count", "one_hot", "multi_hot"), "CategoryEncoding")
        if num_tokens is None:
            raise ValueError(
                "num_tokens must be set to use this layer. If the number of tokens is not known beforehand, use the "
                "IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        refuse_sparse(sparse, self.output_mode, "CategoryEncoding")
        self.num_tokens = num_tokens
        self.sparse = sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        """The encoded numbers.

        Args:
            inputs: integers; whole floating numbers are taken too.
            count_weights: what each element counts in mode "count".

        Raises:
            ValueError: for count_weights in another mode.
            InvalidArgumentError: for a number out of range.
        """
        if count_weights is not None and self.output_mode != "count":
            raise ValueError("`count_weights` is not used when `output_mode` is not `'count'`.")
        numbers = cast(convert_to_tensor(inputs), "int64")
        Assert(
            reduce_all(logical_and(numbers >= 0, numbers < self.num_tokens)),
            [f"Input values must be in the range 0 <= values < num_tokens with num_tokens={self.num_tokens}"],
        )
        weights = None if count_weights is None else cast(count_weights, self.compute_dtype)
        return encode(numbers, self.output_mode, self.num_tokens, self.compute_dtype, weights)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape, rows in place of, or behind, the last axis."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "num_tokens": self.num_tokens, "output_mode": self.output_mode, "sparse": self.sparse,
        }  # fmt: skip
