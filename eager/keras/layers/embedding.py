"""A table of vectors looked up by integers."""

from __future__ import annotations

from typing import Any

from eager.errors import UnsupportedError
from eager.keras import regularizers
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.array import cast
from eager.ops.math import not_equal
from eager.ops.nn import embedding_lookup
from eager.tensor_shape import TensorShape


@registry.add()
class Embedding(WeightRoles):
    """Integers (batch, ...) as vectors (batch, ..., output_dim) (tf.keras.layers.Embedding)."""

    _roles = ("embeddings",)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            input_dim: the number of vectors: one more than the largest integer.
            output_dim: the size of a vector.
            embeddings_initializer: how the vectors start.
            embeddings_regularizer, activity_regularizer: penalties.
            embeddings_constraint: applied after each update.
            mask_zero: whether 0 stands for padding, which layers behind leave out.
            input_length: the inputs' size, or sizes, without the batch, where they are known.
            sparse: only False; outputs are dense.
            **kwargs: as for Layer.

        Raises:
            ValueError: if a size is not positive.
        """
        if sparse:
            raise UnsupportedError(
                "Embedding: sparse=True, which gives a SparseTensor, is not supported; leave it out. The gradient "
                "holds only the rows in use in any case."
            )
        if "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            kwargs["input_shape"] = tuple(input_length) if isinstance(input_length, list | tuple) else (input_length,)
        if input_dim <= 0 or output_dim <= 0:
            raise ValueError(
                f"Both `input_dim` and `output_dim` should be positive, Received input_dim = {input_dim} and "
                f"output_dim = {output_dim}"
            )
        super().__init__(activity_regularizer=activity_regularizer, autocast=False, **kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self._set_role("embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.input_length = input_length

    def build(self, input_shape: Any = None) -> None:
        """Makes the table (input_dim, output_dim)."""
        self.embeddings = self._make_weight("embeddings", (self.input_dim, self.output_dim))
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where the inputs are not 0, if mask_zero."""
        return not_equal(inputs, 0) if self.mask_zero else None

    def call(self, inputs: Any) -> Any:
        """The vectors. Raises InvalidArgumentError for an integer out of range."""
        if not inputs.dtype.is_integer:
            inputs = cast(inputs, "int32")
        rows = embedding_lookup(self.embeddings, inputs)
        return cast(rows, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape and output_dim. Raises ValueError if it does not have the input_length."""
        shape = TensorShape(input_shape)
        if self.input_length is None:
            return shape.concatenate(self.output_dim)
        given = self.input_length
        known = TensorShape([None, *(given if isinstance(given, list | tuple) else (given,))])
        if not known.is_compatible_with(shape):
            raise ValueError(f'"input_length" is {given}, but received input has shape {shape}')
        return known.merge_with(shape).concatenate(self.output_dim)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "mask_zero": self.mask_zero,
            "input_length": self.input_length,
        } | self._role_config()
