"""What the layers that look up a vocabulary share."""

from __future__ import annotations

from typing import Any

from eager.errors import FailedPreconditionError
from eager.keras.host_tables import TokenCounts, file_tokens, is_symbolic_call, plain_tokens, read_tokens, write_tokens
from eager.keras.layers.preprocessing.base import PreprocessingLayer
from eager.keras.layers.preprocessing.encoding import (
    checked_mode,
    dtype_for,
    encode,
    encoded_shape,
    refuse_sparse,
    require_integer,
)
from eager.keras.plain_values import as_lists
from eager.ops.array import cast, pad, reshape
from eager.ops.create import convert_to_tensor
from eager.ops.math import reduce_mean
from eager.tensor_shape import TensorShape
from eager.variable import Variable
from graphcore.dtypes import as_dtype

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(PreprocessingLayer):
    """Tokens as numbers, and back; the vocabulary is given or learnt by `adapt`.

    The numbers are: 0 for the mask token if there is one (mode "int"), then `num_oov_indices` for tokens that are not
    in the vocabulary, then the vocabulary. A vocabulary learnt or set later shows in functions and models that are
    traced afterwards.
    """

    _encoding: str | None = None
    """How strings are written; None for integers."""

    def __init__(
        self, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any, vocabulary_dtype: Any,
        vocabulary: Any = None, idf_weights: Any = None, invert: bool = False, output_mode: str = "int",
        sparse: bool = False, pad_to_max_tokens: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes what StringLookup and IntegerLookup take.

        Raises:
            ValueError: for arguments out of range or that do not go together.
            UnsupportedError: with sparse=True.
        """
        output_mode = checked_mode(output_mode, _MODES, type(self).__name__)
        _check(max_tokens, num_oov_indices, pad_to_max_tokens, invert, output_mode, idf_weights)
        refuse_sparse(sparse, output_mode, type(self).__name__)
        self._frozen_vocab_size = kwargs.pop("vocabulary_size", None)
        self._has_input_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        super().__init__(**(dtype_for(kwargs, output_mode) if kwargs.get("dtype") is None else kwargs))
        require_integer(self.compute_dtype, output_mode)
        self.invert = invert
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.output_mode = output_mode
        self.sparse = sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self.vocabulary_dtype = as_dtype(vocabulary_dtype).name
        self.input_vocabulary = vocabulary
        self.input_idf_weights = idf_weights
        self._counts = TokenCounts()
        self._has_vocabulary = False
        self._tokens: list[Any] = []
        if output_mode == "tf_idf":
            self._keep_idf(cast(convert_to_tensor([0] * self._token_start()), self.compute_dtype))
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        else:
            self._make_table()

    # The vocabulary -------------------------------------------------------------------------------------------------

    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _token_start(self) -> int:
        return self._oov_start() + self.num_oov_indices

    def _make_table(self) -> None:
        raise NotImplementedError

    def _find(self, tokens: Any) -> Any:
        """The numbers of tokens, int64."""
        raise NotImplementedError

    def _token_of(self, numbers: Any) -> Any:
        """The tokens of numbers."""
        raise NotImplementedError

    def _mask_number(self) -> int:
        """What the mask token becomes: 0, or in rows a number that is left out."""
        return 0 if self.output_mode == "int" else 2**63 - 1

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers, with or without those for the mask and for unknown tokens."""
        if not include_special_tokens:
            return list(self._tokens)
        return [*[self.mask_token] * self._oov_start(), *[self.oov_token] * self.num_oov_indices, *self._tokens]

    def vocabulary_size(self) -> int:
        """The number of tokens, those for the mask and for unknown tokens included."""
        return self._token_start() + len(self._tokens)

    def vocab_size(self) -> int:
        """The old name of `vocabulary_size`."""
        return self.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary instead of learning it.

        Args:
            vocabulary: a list, array or tensor of tokens, with or without the special ones at the start, or the path
                of a file with one token per line.
            idf_weights: one number for each token, in mode "tf_idf" only.

        Raises:
            ValueError: for repeated or reserved tokens, an empty or too large vocabulary, or weights that do not fit.
            RuntimeError: if the size changes after the layer's first use, in a mode whose results have that size.
        """
        if (self.output_mode == "tf_idf") is (idf_weights is None):
            raise ValueError(
                "`idf_weights` must be set if output_mode is TF_IDF" if idf_weights is None else
                "`idf_weights` should only be set if output_mode is `'tf_idf'`. Received: "
                f"output_mode={self.output_mode} and idf_weights={idf_weights}"
            )  # fmt: skip
        if isinstance(vocabulary, str):
            if self.output_mode == "tf_idf":
                raise ValueError("output_mode `'tf_idf'` does not support loading a vocabulary from file.")
            self._take(file_tokens(vocabulary, self._encoding))
            return
        given = plain_tokens(vocabulary, self._encoding)
        if not given:
            raise ValueError(f"Cannot set an empty vocabulary, you passed {vocabulary}.")
        special = [*[self.mask_token] * self._oov_start(), *[self.oov_token] * self.num_oov_indices]
        tokens = given[len(special) :] if given[: len(special)] == special else given
        self._check_tokens(tokens, special)
        if idf_weights is not None and idf_weights is not False:
            self._check_weights(idf_weights, given)
        self._take(tokens)
        if idf_weights is not None and idf_weights is not False:
            self._set_idf(cast(convert_to_tensor(idf_weights), self.compute_dtype), given is tokens)

    def _check_tokens(self, tokens: list[Any], special: list[Any]) -> None:
        seen: set[Any] = set()
        repeated = [t for t in tokens if t in seen or seen.add(t)]
        if repeated:
            raise ValueError(
                "The passed vocabulary has at least one repeated term. Please uniquify your dataset. The repeated "
                f"terms are {sorted(set(repeated))}"
            )
        reserved = [self.mask_token, *([self.oov_token] if self.invert else [])]
        for token in reserved:
            if token is not None and token in seen:
                raise ValueError(
                    f"Found the reserved token {token!r} at an unexpected place of `vocabulary`, index "
                    f"{tokens.index(token)}. Leave out the mask and OOV tokens, or put them at the start: {special}."
                )
        size = self._token_start() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. "
                f"Passed vocab size is {size}, max vocab size is {self.max_tokens}."
            )

    def _check_weights(self, idf_weights: Any, given: list[Any]) -> None:
        count = convert_to_tensor(idf_weights).shape
        if tuple(count) != (len(given),):
            raise ValueError(
                "`idf_weights` must be the same length as vocabulary. "
                f"The shape of idf_weights is {count}, len(vocabulary) is {len(given)}"
            )

    def _take(self, tokens: list[Any]) -> None:
        """Makes tokens the vocabulary."""
        size = self._token_start() + len(tokens)
        follows = self.output_mode != "int" and not self.pad_to_max_tokens
        if follows and self._frozen_vocab_size not in (None, size):
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the vocabulary size "
                f"cannot be changed after the layer is called. Old vocab size is {self._frozen_vocab_size}, new vocab "
                f"size is {size}"
            )
        self._tokens = tokens
        self._has_vocabulary = True
        self._frozen_vocab_size = size
        self._make_table()

    def _set_idf(self, weights: Any, without_special: bool) -> None:
        """Weights for all numbers: the mean for unknown tokens, 0 for numbers that no token has."""
        front = self._token_start() if without_special else 0
        wide = pad(reshape(weights, (-1,)), [[front, 0]], constant_values=reduce_mean(weights))
        back = self.max_tokens - wide.shape[0] if self.pad_to_max_tokens and self.max_tokens is not None else 0
        self._keep_idf(pad(wide, [[0, back]]))

    def _keep_idf(self, weights: Any) -> None:
        # As long as the vocabulary, so one of another length is a variable of its own.
        old = self.__dict__.get("idf_weights")
        if old is not None and old.shape == weights.shape:
            old.assign(weights)
        else:
            self.idf_weights = Variable(weights, trainable=False)

    # Learning -------------------------------------------------------------------------------------------------------

    def _require_learning(self) -> None:
        if self._has_input_vocabulary:
            raise ValueError(
                f"Cannot adapt {type(self).__name__} layer after setting a static vocabulary via init argument or "
                "`set_vocabulary`."
            )

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch. Raises ValueError if the vocabulary was given."""
        self._require_learning()
        self._counts.add(convert_to_tensor(data) if self._encoding else cast(data, self.vocabulary_dtype))

    def _count_rows(self, rows: list[list[bytes]]) -> None:
        """As `update_state`, for rows of different lengths."""
        self._require_learning()
        self._counts.add_rows(rows)

    def finalize_state(self) -> None:
        """Makes the tokens seen the vocabulary: the most frequent first; of equal frequency the greater one."""
        if self._has_input_vocabulary or not self._counts.counts:
            self._frozen_vocab_size = self.vocabulary_size()
            self._has_vocabulary = True
            return
        special = [t for t in (self.mask_token, self.oov_token) if t is not None]
        raw = [t.encode(self._encoding) if self._encoding else t for t in special]
        most = self.max_tokens - self._token_start() if self.max_tokens else None
        tokens = self._counts.learnt(raw, most)
        self._take([t.decode(self._encoding) for t in tokens] if self._encoding else tokens)
        if self.output_mode == "tf_idf":
            found = self._counts.inverse_frequencies(tokens)
            self._set_idf(cast(convert_to_tensor(found, "float32"), self.compute_dtype), True)
        self._counts.clear()

    def reset_state(self) -> None:
        """Forgets what was counted."""
        self._counts.clear()

    # Calling --------------------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        """The numbers of tokens in the output mode, or with `invert` the tokens of numbers.

        Raises:
            FailedPreconditionError: without a vocabulary.
        """
        self._require_vocabulary()
        if self.invert:
            return self._token_of(cast(convert_to_tensor(inputs), "int64"))
        return encode(
            self._find(convert_to_tensor(inputs)), self.output_mode, self._depth(), self.compute_dtype,
            idf_weights=self.idf_weights if self.output_mode == "tf_idf" else None,
        )  # fmt: skip

    def _require_vocabulary(self) -> None:
        if not self._has_vocabulary and not is_symbolic_call():
            raise FailedPreconditionError(
                f"{type(self).__name__} {self.name!r} has no vocabulary yet: pass `vocabulary`, or call `adapt` with "
                "some sample data before the layer is used"
            )

    def _depth(self) -> int:
        if self.output_mode == "int":
            return 0
        depth = self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size
        if depth is None:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you must set the layer's "
                "vocabulary before calling it. Either pass a `vocabulary` argument to the layer, or call `adapt` with "
                "some sample data."
            )
        return depth

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The input's shape, or in other modes than "int" that of the rows."""
        depth = self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size
        return encoded_shape(input_shape, self.output_mode, depth)

    # Config and saving ----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; a learnt vocabulary is saved beside."""
        return super().get_config() | {
            "invert": self.invert, "max_tokens": self.max_tokens, "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token, "mask_token": self.mask_token, "output_mode": self.output_mode,
            "sparse": self.sparse, "pad_to_max_tokens": self.pad_to_max_tokens,
            "vocabulary_dtype": self.vocabulary_dtype, "idf_weights": as_lists(self.input_idf_weights),
            "vocabulary": self._given_vocabulary(), "vocabulary_size": self._frozen_vocab_size,
        }  # fmt: skip

    def _given_vocabulary(self) -> Any:
        given = self.input_vocabulary
        return given if given is None or isinstance(given, str) else plain_tokens(given, self._encoding)

    def save_own_variables(self, store: Any) -> None:
        """Writes the weights of mode "tf_idf"."""
        if self.output_mode == "tf_idf":
            store["idf_weights"] = self.idf_weights.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads the weights of mode "tf_idf"."""
        if self.output_mode == "tf_idf":
            self._keep_idf(cast(convert_to_tensor(store["idf_weights"][()]), self.compute_dtype))

    def save_assets(self, dir_path: Any) -> None:
        """Writes a vocabulary that is not in the config to vocabulary.txt in a folder."""
        if self.input_vocabulary is None:
            write_tokens(str(dir_path), self.get_vocabulary())

    def load_assets(self, dir_path: Any) -> None:
        """Reads vocabulary.txt from a folder."""
        if self.input_vocabulary is None:
            tokens = read_tokens(str(dir_path), self._encoding is not None)
            self.set_vocabulary(tokens, idf_weights=False if self.output_mode == "tf_idf" else None)


def _check(
    max_tokens: Any, num_oov_indices: int, pads: bool, invert: bool, mode: str, idf_weights: Any
) -> None:
    if max_tokens is not None and max_tokens <= 1:
        raise ValueError(f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}")
    if pads and max_tokens is None:
        raise ValueError(f"If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens={max_tokens}")
    if num_oov_indices < 0:
        raise ValueError(
            f"`num_oov_indices` must be greater than or equal to 0. Received: num_oov_indices={num_oov_indices}"
        )
    if invert and mode != "int":
        raise ValueError(f"`output_mode` must be `'int'` when `invert` is true. Received: output_mode={mode}")
    if idf_weights is not None and mode != "tf_idf":
        raise ValueError(
            f"`idf_weights` should only be set if `output_mode` is `'tf_idf'`. Received: output_mode={mode}"
        )
