"""Attention of queries to values: by dot products, or by a sum (Luong et al. 2015, Bahdanau et al. 2015)."""

from __future__ import annotations

from typing import Any

from eager.keras import backend
from eager.keras.engine.smart import choose
from eager.keras.layers.regularization import Seeded
from eager.keras.layers.table import registry
from eager.ops import math
from eager.ops.array import cast, expand_dims
from eager.ops.array import range as range_of
from eager.ops.array import shape as shape_of
from eager.ops.linalg import matmul
from eager.ops.nn import softmax
from eager.tensor_shape import TensorShape
from graphcore.dtypes import float16


def causal_mask(queries: Any, keys: Any) -> Any:
    """True where a query may see a key, which is not after it: of shape (queries, keys)."""
    rows, columns = range_of(queries), range_of(keys)
    return math.greater_equal(expand_dims(rows, 1), expand_dims(columns, 0))


class DenseAttention(Seeded):
    """Attention over all values: inputs are [query, value] or [query, value, key].

    Queries (batch, Tq, dim), values (batch, Tv, dim), keys (batch, Tv, dim); by default keys are values.
    """

    def __init__(self, dropout: float = 0.0, **kwargs: Any) -> None:
        """Takes the rate of dropout of the scores."""
        self._causal = bool(kwargs.pop("causal", False))
        super().__init__(**kwargs)
        self.dropout = dropout

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must override `_calculate_scores(self, query, key)`")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The values averaged by the softmax of the scores: (batch, Tq, dim).

        Args:
            inputs: a list of query, value and optionally key.
            mask: a list of the masks of query (batch, Tq) and value (batch, Tv); outputs of masked queries are 0,
                masked values are not attended to.
            training: whether scores are dropped.
            return_attention_scores: whether the scores (batch, Tq, Tv) are returned too.
            use_causal_mask: whether a query sees no value after it.

        Raises:
            ValueError: if inputs or masks are not lists of the right length.
        """
        self._check(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        scores = self._calculate_scores(query, key)
        seen = self._seen(scores, None if mask is None else mask[1], use_causal_mask or self._causal)
        if seen is not None:
            low = 65504.0 if scores.dtype is float16 else 1e9
            scores = scores - (1.0 - cast(seen, scores.dtype)) * low
        weights = self._dropped(softmax(scores), training)
        result = matmul(weights, value)
        if mask is not None and mask[0] is not None:
            result = result * expand_dims(cast(mask[0], result.dtype), -1)
        return (result, weights) if return_attention_scores else result

    def _seen(self, scores: Any, value_mask: Any, causal: bool) -> Any:
        """True where a score counts, broadcasting to (batch, Tq, Tv); None where all do."""
        seen = None if value_mask is None else expand_dims(value_mask, -2)
        if not causal:
            return seen
        sizes = shape_of(scores)
        lower = expand_dims(causal_mask(sizes[-2], sizes[-1]), 0)
        return lower if seen is None else math.logical_and(seen, lower)

    def _dropped(self, weights: Any, training: Any) -> Any:
        if not self.dropout:
            return weights
        training = backend.learning_phase() if training is None else training
        return choose(training, lambda: self._thinned(weights, self.dropout, shape_of(weights)), lambda: weights)

    def _check(self, inputs: Any, mask: Any) -> None:
        kind = type(self).__name__
        if not isinstance(inputs, list | tuple):
            raise ValueError(
                f"{kind} layer must be called on a list of inputs, namely [query, value] or [query, value, key]. "
                f"Received: {inputs}"
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{kind} layer accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key]. "
                f"Received length: {len(inputs)}"
            )
        if mask is None:
            return
        if not isinstance(mask, list | tuple):
            raise ValueError(f"{kind} layer mask must be a list, namely [query_mask, value_mask]. Received: {mask}")
        if not 2 <= len(mask) <= len(inputs):
            raise ValueError(
                f"{kind} layer mask must be a list of length 2, namely [query_mask, value_mask]. "
                f"Received length: {len(mask)}."
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the query. Raises ValueError if inputs or masks are not lists of the right length."""
        self._check(inputs, mask)
        return None if mask is None or mask[0] is None else mask[0]

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The query's shape with the last size of the value."""
        query, value = (TensorShape(s) for s in list(input_shape)[:2])
        return query[:-1].concatenate(value[-1])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"dropout": self.dropout}


@registry.add()
class Attention(DenseAttention):
    """Attention by dot products of queries and keys (tf.keras.layers.Attention, Luong et al. 2015)."""

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", **kwargs: Any) -> None:
        """Takes whether scores are scaled by a weight, and how they are computed.

        Args:
            use_scale: whether a scalar weight multiplies the scores.
            score_mode: "dot", or "concat": a scalar weight times the sum of tanh(query + key).
            **kwargs: as for Layer, and `dropout`, `seed`.

        Raises:
            ValueError: for another score_mode.
        """
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = score_mode
        if score_mode not in ("dot", "concat"):
            raise ValueError(f'Received: score_mode={score_mode}. Acceptable values are: ["dot", "concat"]')
        self.scale = None
        self.concat_score_weight = None

    def build(self, input_shape: Any) -> None:
        """Makes the scalar weights."""
        if self.use_scale:
            self.scale = self.add_weight("scale", (), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight("concat_score_weight", (), initializer="ones")
        super().build(input_shape)

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = matmul(query, key, transpose_b=True)
            return scores if self.scale is None else scores * self.scale
        total = expand_dims(query, -2) + expand_dims(key, -3)
        bent = math.tanh(total if self.scale is None else self.scale * total)
        return self.concat_score_weight * math.reduce_sum(bent, -1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"use_scale": self.use_scale, "score_mode": self.score_mode}


@registry.add()
class AdditiveAttention(DenseAttention):
    """Attention by the sum of tanh(query + key) (tf.keras.layers.AdditiveAttention, Bahdanau et al. 2015)."""

    def __init__(self, use_scale: bool = True, **kwargs: Any) -> None:
        """Takes whether a weight (dim,) multiplies the summands; further keywords as for Layer, and `dropout`."""
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.scale = None

    def build(self, input_shape: Any) -> None:
        """Makes the weight (dim,). Raises ValueError unless inputs are a list."""
        self._check(input_shape, None)
        if self.use_scale:
            dim = TensorShape(input_shape[1])[-1]
            self.scale = self.add_weight("scale", (dim,), initializer="glorot_uniform")
        super().build(input_shape)

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        bent = math.tanh(expand_dims(query, -2) + expand_dims(key, -3))
        return math.reduce_sum(bent if self.scale is None else self.scale * bent, -1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"use_scale": self.use_scale}
