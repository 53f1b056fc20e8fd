"""The layer that numbers integers."""

from __future__ import annotations

from typing import Any

from eager.keras.layers.preprocessing.lookup import IndexLookup
from eager.keras.layers.table import registry
from eager.ops.array import cast, gather, reshape, shape, where
from eager.ops.create import convert_to_tensor
from eager.ops.debugging import Assert
from eager.ops.math import equal, floormod, logical_and, minimum, reduce_all
from eager.ops.sorting import searchsorted
from graphcore.dtypes import as_dtype


@registry.add()
class IntegerLookup(IndexLookup):
    """Integers as numbers of a vocabulary, and back (tf.keras.layers.IntegerLookup); native in traced functions."""

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: int | None = None,
        oov_token: int = -1, vocabulary: Any = None, vocabulary_dtype: Any = "int64", idf_weights: Any = None,
        invert: bool = False, output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the vocabulary, or how `adapt` learns it.

        Args:
            max_tokens: the largest size of the vocabulary, special tokens included.
            num_oov_indices: how many numbers integers outside of the vocabulary share, modulo; 0 refuses them.
            mask_token: the integer that stands for nothing: number 0, and left out of rows.
            oov_token: what unknown numbers are with `invert`.
            vocabulary: integers, or the path of a file with one per line.
            vocabulary_dtype: "int64" or "int32".
            idf_weights: one number for each integer, in mode "tf_idf".
            invert: whether numbers become integers of the vocabulary.
            output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
            sparse: not supported.
            pad_to_max_tokens: whether rows are max_tokens long, whatever the vocabulary.
            **kwargs: as for Layer.

        Raises:
            ValueError: for arguments out of range or that do not go together.
            UnsupportedError: with sparse=True.
        """
        if not as_dtype(vocabulary_dtype).is_integer:
            raise ValueError(f"`vocabulary_dtype` must be an integer dtype. Received: {vocabulary_dtype}")
        if output_mode != "int" and kwargs.get("dtype") is not None and kwargs["dtype"] == "int64":
            del kwargs["dtype"]
        max_tokens = kwargs.pop("max_values", max_tokens)
        mask_token, oov_token = kwargs.pop("mask_value", mask_token), kwargs.pop("oov_value", oov_token)
        super().__init__(
            max_tokens, num_oov_indices, None if mask_token is None else int(mask_token),
            None if oov_token is None else int(oov_token), vocabulary_dtype, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, **kwargs,
        )  # fmt: skip

    def _make_table(self) -> None:
        first = self._token_start()
        numbers = {t: i for i, t in enumerate(self._tokens, first)}
        if self.mask_token is not None:
            numbers[self.mask_token] = self._mask_number()
        keys = sorted(numbers)
        self._keys = convert_to_tensor(keys, "int64")
        self._numbers = convert_to_tensor([numbers[k] for k in keys], "int64")

    def _find(self, tokens: Any) -> Any:
        x = cast(cast(tokens, self.vocabulary_dtype), "int64")
        known, numbers = self._known(x)
        if not self.num_oov_indices:
            Assert(
                reduce_all(known),
                ["When `num_oov_indices=0` all inputs should be in vocabulary; consider setting `num_oov_indices=1`."],
            )
        unknown = self._oov_start() + (floormod(x, self.num_oov_indices) if self.num_oov_indices > 1 else 0)
        return where(known, numbers, unknown)

    def _known(self, x: Any) -> tuple[Any, Any]:
        """Whether integers have numbers, and those."""
        count = self._keys.shape[0]
        if not count:
            return x != x, x
        places = searchsorted(reshape(self._keys, (1, -1)), reshape(x, (1, -1)), out_type="int64")
        at = minimum(reshape(places, shape(x)), count - 1)
        return equal(gather(self._keys, at), x), gather(self._numbers, at)

    def _token_of(self, numbers: Any) -> Any:
        words = convert_to_tensor([*self.get_vocabulary(), self.oov_token], "int64")
        known = logical_and(numbers >= 0, numbers < self.vocabulary_size())
        return cast(gather(words, where(known, numbers, self.vocabulary_size())), self.vocabulary_dtype)
