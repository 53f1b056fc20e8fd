"""The layer that turns text into numbers."""

from __future__ import annotations

from typing import Any, Self

from eager.errors import UnsupportedError
from eager.keras import backend
from eager.keras.host_text import Tokenizing, counts, numbers, strings_of, token_rows, tokens
from eager.keras.layers.preprocessing.base import PreprocessingLayer, ShapedLayer
from eager.keras.layers.preprocessing.encoding import checked_mode
from eager.keras.layers.preprocessing.string_lookup import StringLookup
from eager.keras.layers.table import registry
from eager.ops.array import squeeze
from eager.tensor_shape import TensorShape

_STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLIT = ("whitespace", "character")


@registry.add()
class TextVectorization(PreprocessingLayer, ShapedLayer):
    """Text as rows of numbers of tokens, or as counts of tokens (tf.keras.layers.TextVectorization).

    Text is standardized, split into tokens, which may be joined to n-grams, and looked up. That runs in Python: in a
    traced function by a host call, or, where rows are as long as the data says (mode "int" without
    output_sequence_length), eagerly.
    """

    def __init__(
        self, max_tokens: int | None = None, standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace", ngrams: Any = None, output_mode: str | None = "int",
        output_sequence_length: int | None = None, pad_to_max_tokens: bool = False, vocabulary: Any = None,
        idf_weights: Any = None, sparse: bool = False, ragged: bool = False, encoding: str = "utf-8", **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes the steps and the vocabulary, or how `adapt` learns it.

        Args:
            max_tokens: the largest size of the vocabulary, padding "" and "[UNK]" included.
            standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", a function of a tensor of
                strings, or None.
            split: "whitespace", "character", a function from strings [...] to tokens [..., n] padded with "", or
                None.
            ngrams: None, a tuple of how many tokens make one, or a number for 1 up to it.
            output_mode: "int", "multi_hot", "count", "tf_idf", or None for the tokens themselves.
            output_sequence_length: the length of rows in mode "int", cut and padded with 0.
            pad_to_max_tokens: whether rows of the other modes are max_tokens long, whatever the vocabulary.
            vocabulary: strings, or the path of a file with one per line.
            idf_weights: one number for each token, in mode "tf_idf".
            sparse, ragged: not supported.
            encoding: how tokens are written in tensors.
            **kwargs: as for Layer.

        Raises:
            ValueError: for arguments of other values or that do not go together.
            UnsupportedError: with sparse=True or ragged=True.
        """
        if kwargs.get("dtype", "string") != "string":
            raise ValueError(f"`TextVectorization` may only have a dtype of string. Received dtype: {kwargs['dtype']}.")
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        size = kwargs.pop("vocabulary_size", None)
        _check_step("standardize", standardize, _STANDARDIZE)
        _check_step("split", split, _SPLIT)
        if output_mode is not None:
            output_mode = checked_mode(output_mode, ("int", "count", "multi_hot", "tf_idf"), type(self).__name__)
        _check_form(ngrams, output_mode, output_sequence_length, ragged)
        super().__init__(**kwargs | {"dtype": "string"})
        self._standardize = standardize
        self._split = split
        self._ngrams_arg = ngrams
        self._output_mode = output_mode
        self._output_sequence_length = output_sequence_length
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=output_mode or "int", sparse=sparse, encoding=encoding,
            has_input_vocabulary=has_vocabulary, **({} if has_vocabulary else {"vocabulary_size": size}),
        )  # fmt: skip
        words = range(1, ngrams + 1) if isinstance(ngrams, int) else ngrams
        named_standard = standardize if isinstance(standardize, str) else None
        named_split = split if isinstance(split, str) else None
        self._how = Tokenizing(named_standard, named_split, words, callable(split))

    # Vocabulary -----------------------------------------------------------------------------------------------------

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch of text. Raises ValueError if the vocabulary was given."""
        self._lookup_layer._count_rows(token_rows(self._how, self._prepared(data)))

    def finalize_state(self) -> None:
        """Makes the tokens seen the vocabulary: the most frequent first; of equal frequency the greater one."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was counted."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their numbers, with or without "" and "[UNK]"."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of tokens, "" and "[UNK]" included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary; see StringLookup.set_vocabulary."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # Calling --------------------------------------------------------------------------------------------------------

    def _prepared(self, inputs: Any) -> Any:
        """The strings, after steps that are functions of the user's."""
        x = strings_of(inputs)
        if callable(self._standardize):
            x = strings_of(self._standardize(x))
        if self._split is None:
            return x
        if x.ndim > 1:
            if x.shape[-1] != 1:
                raise ValueError(
                    "When using `TextVectorization` to tokenize strings, the input rank must be 1 or the last shape "
                    f"dimension must be 1. Received: inputs.shape={x.shape} with rank={x.ndim}"
                )
            x = squeeze(x, -1)
        return strings_of(self._split(x)) if callable(self._split) else x

    def call(self, inputs: Any) -> Any:
        """Numbers int64 [..., n], rows of counts [..., vocabulary], or tokens [..., n].

        Raises:
            TypeError: for inputs that are no strings.
            ValueError: for inputs of a rank above 1 that are to be split, unless the last size is 1.
        """
        x, how, table, name = self._prepared(inputs), self._how, self._lookup_layer, self.name
        if self._output_mode is None:
            return tokens(how, x, None, name)
        table._require_vocabulary()
        if self._output_mode == "int":
            return numbers(how, x, table._table.find, self._output_sequence_length, name)
        once = self._output_mode == "multi_hot"
        found = counts(how, x, table._table.find, table._depth(), table.compute_dtype, once, name)
        return found * table.idf_weights if self._output_mode == "tf_idf" else found

    def _output_dtype(self, inputs: Any) -> Any:
        del inputs
        return {"int": "int64", None: "string"}.get(self._output_mode) or backend.floatx()

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, output_sequence_length) in mode "int", else (batch, size of the vocabulary)."""
        sizes = TensorShape(input_shape).as_list()
        if self._output_mode == "int":
            return TensorShape([sizes[0], self._output_sequence_length])
        if self._output_mode is None:
            return TensorShape([sizes[0], None])
        if self._split is not None or len(sizes) <= 1:
            sizes = [sizes[0], 1]
        return self._lookup_layer.compute_output_shape(sizes)

    # Config and saving ----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; a learnt vocabulary is saved beside."""
        lookup = self._lookup_layer.get_config()
        return super().get_config() | {
            "max_tokens": lookup["max_tokens"], "standardize": _named(self._standardize),
            "split": _named(self._split), "ngrams": self._ngrams_arg, "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length, "pad_to_max_tokens": lookup["pad_to_max_tokens"],
            "sparse": lookup["sparse"], "ragged": False, "vocabulary": lookup["vocabulary"],
            "idf_weights": lookup["idf_weights"], "encoding": lookup["encoding"],
            "vocabulary_size": self.vocabulary_size(),
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer from `get_config`; functions must be registered or custom objects. Raises TypeError else."""
        from eager.keras.serialization import deserialize_keras_object

        config = dict(config)
        for key, allowed in (("standardize", _STANDARDIZE), ("split", _SPLIT)):
            if config.get(key) is not None and config[key] not in allowed:
                config[key] = deserialize_keras_object(config[key])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)

    def save_own_variables(self, store: Any) -> None:
        """Writes the weights of mode "tf_idf"."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Reads the weights of mode "tf_idf"."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: Any) -> None:
        """Writes a vocabulary that is not in the config to vocabulary.txt in a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Reads vocabulary.txt from a folder."""
        self._lookup_layer.load_assets(dir_path)


def _named(step: Any) -> Any:
    from eager.keras.serialization import serialize_keras_object

    return serialize_keras_object(step) if callable(step) else step


def _check_step(name: str, step: Any, allowed: tuple[str, ...]) -> None:
    if step is not None and not callable(step) and step not in allowed:
        raise ValueError(
            f"Unkown value for `{name}` argument of layer TextVectorization. If restricted to a string, allowed values "
            f"are: {allowed}; a function or None is taken too. Received: {step}"
        )


def _check_form(ngrams: Any, mode: str | None, length: Any, ragged: bool) -> None:
    if not (
        ngrams is None or isinstance(ngrams, int)
        or (isinstance(ngrams, tuple) and all(isinstance(n, int) for n in ngrams))
    ):  # fmt: skip
        raise ValueError(f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}")
    if length is not None and (mode != "int" or not isinstance(length, int)):
        raise ValueError(
            "`output_sequence_length` must be either None or an integer when `output_mode` is 'int', and must not be "
            f"set else. Received output_mode={mode}, output_sequence_length={length}."
        )
    if ragged:
        raise UnsupportedError(
            "TextVectorization: ragged=True is not implemented; leave it out: rows are padded with 0"
        )
