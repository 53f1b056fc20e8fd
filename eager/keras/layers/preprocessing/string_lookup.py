"""The layer that numbers strings."""

from __future__ import annotations

from typing import Any

from eager.errors import InvalidArgumentError
from eager.keras.host_tables import StringTable
from eager.keras.layers.preprocessing.lookup import IndexLookup
from eager.keras.layers.table import registry
from eager.ops.array import gather, where
from eager.ops.create import convert_to_tensor
from eager.ops.math import logical_and
from graphcore.dtypes import as_dtype


@registry.add()
class StringLookup(IndexLookup):
    """Strings as numbers, and back (tf.keras.layers.StringLookup).

    Strings are looked up in Python: in a traced function by a host call.
    """

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: str | None = None,
        oov_token: str = "[UNK]", vocabulary: Any = None, idf_weights: Any = None, encoding: str = "utf-8",
        invert: bool = False, output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the vocabulary, or how `adapt` learns it.

        Args:
            max_tokens: the largest size of the vocabulary, special tokens included.
            num_oov_indices: how many numbers strings outside of the vocabulary share, by their FarmHash64; 0 refuses
                them.
            mask_token: the string that stands for nothing: number 0, and left out of rows.
            oov_token: what unknown numbers are with `invert`.
            vocabulary: strings, or the path of a file with one per line.
            idf_weights: one number for each string, in mode "tf_idf".
            encoding: how strings are written in tensors.
            invert: whether numbers become strings.
            output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
            sparse: not supported.
            pad_to_max_tokens: whether rows are max_tokens long, whatever the vocabulary.
            **kwargs: as for Layer.

        Raises:
            ValueError: for arguments out of range or that do not go together.
            UnsupportedError: with sparse=True.
        """
        if kwargs.get("dtype") is not None and kwargs["dtype"] == "string":
            del kwargs["dtype"]
        self.encoding = self._encoding = encoding
        self._table = StringTable()
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, "string", vocabulary, idf_weights, invert, output_mode,
            sparse, pad_to_max_tokens, **kwargs,
        )  # fmt: skip

    def _make_table(self) -> None:
        mask = None if self.mask_token is None else (self.mask_token, self._mask_number())
        self._table.fill(
            self._tokens, self._token_start(), self.encoding, (self._oov_start(), self.num_oov_indices), mask
        )

    def _find(self, tokens: Any) -> Any:
        if tokens.dtype != "string":
            raise InvalidArgumentError(
                f"StringLookup {self.name!r} expects strings, got {tokens.dtype.name}; use IntegerLookup for integers"
            )
        kind = self.compute_dtype if self.output_mode == "int" else "int64"
        return self._table.lookup(tokens, f"{self.name} (StringLookup)", as_dtype(kind))

    def _token_of(self, numbers: Any) -> Any:
        words = convert_to_tensor([*self.get_vocabulary(), self.oov_token])
        known = logical_and(numbers >= 0, numbers < self.vocabulary_size())
        return gather(words, where(known, numbers, self.vocabulary_size()))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; a learnt vocabulary is saved beside."""
        config = super().get_config() | {"encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config
