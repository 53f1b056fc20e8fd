"""The layer that hashes categories into bins."""

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
from eager.ops.array import where
from eager.ops.create import convert_to_tensor
from eager.ops.math import equal
from eager.ops.strings_hash import to_hash_bucket_fast, to_hash_bucket_strong
from eager.ops.strings_hash_integers import integer_bucket_fast, integer_bucket_strong
from eager.tensor_shape import TensorShape


@registry.add()
class Hashing(Layer):
    """Strings or integers in one of `num_bins` bins (tf.keras.layers.Hashing).

    The bin is FarmHash64 of the text (of an integer, its decimal digits), or with a salt SipHash-2-4, modulo the
    number of bins; the values are TensorFlow's. Integers are hashed natively in traced functions.
    """

    def __init__(
        self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int", sparse: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the bins.

        Args:
            num_bins: how many.
            mask_value: the value that bin 0 is kept for.
            salt: an integer or a pair of them: the key of SipHash.
            output_mode: "int", "one_hot", "multi_hot" or "count".
            sparse: not supported.
            **kwargs: as for Layer.

        Raises:
            ValueError: for no bins, another mode or salt.
            UnsupportedError: with sparse=True.
        """
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                "The `num_bins` for `Hashing` cannot be `None` or non-positive values. "
                f"Received: num_bins={num_bins}."
            )
        output_mode = checked_mode(output_mode, ("int", "one_hot", "multi_hot", "count"), type(self).__name__)
        super().__init__(**dtype_for(kwargs, output_mode))
        require_integer(self.compute_dtype, output_mode)
        refuse_sparse(sparse, output_mode, "Hashing")
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = _key(salt)
        self.strong_hash = salt is not None
        self.output_mode = output_mode
        self.sparse = sparse

    def call(self, inputs: Any) -> Any:
        """The bins, in the output mode. Raises TypeError for floating inputs."""
        bins = self._bins(convert_to_tensor(inputs))
        return encode(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def _bins(self, x: Any) -> Any:
        if self.mask_value is None or self.num_bins == 1:
            return self._hashed(x, self.num_bins)
        return where(equal(x, self.mask_value), 0, self._hashed(x, self.num_bins - 1) + 1)

    def _hashed(self, x: Any, bins: int) -> Any:
        if x.dtype.is_integer:
            return integer_bucket_strong(x, bins, self.salt) if self.salt else integer_bucket_fast(x, bins)
        return to_hash_bucket_strong(x, bins, self.salt) if self.salt else to_hash_bucket_fast(x, bins)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the bins in the output mode."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "num_bins": self.num_bins, "salt": self.salt, "mask_value": self.mask_value,
            "output_mode": self.output_mode, "sparse": self.sparse,
        }  # fmt: skip


def _key(salt: Any) -> Any:
    if salt is None or (isinstance(salt, tuple | list) and len(salt) == 2):
        return salt
    if isinstance(salt, int):
        return [salt, salt]
    raise ValueError(
        "The `salt` argument for `Hashing` can only be a tuple of size 2 integers, or a single integer. "
        f"Received: salt={salt}."
    )
