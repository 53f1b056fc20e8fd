"""Attention with several heads, each on projections of its own (Vaswani et al. 2017)."""

from __future__ import annotations

import math
from typing import Any

from eager.context import init_scope
from eager.keras import regularizers
from eager.keras.layers.activation import Softmax
from eager.keras.layers.attention import causal_mask
from eager.keras.layers.einsum_dense import EinsumDense
from eager.keras.layers.regularization import Dropout
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.array import cast, expand_dims
from eager.ops.array import shape as shape_of
from eager.ops.einsum import einsum
from eager.ops.math import logical_and
from eager.tensor_shape import TensorShape

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@registry.add()
class MultiHeadAttention(WeightRoles):
    """Attention of `num_heads` heads (tf.keras.layers.MultiHeadAttention).

    Query (batch, T, dim), value (batch, S, dim_v) and key (batch, S, dim_k) give (batch, T, dim); there may be several
    axes T and S. Weights: query, key, value and attention_output, each with kernel and bias. Masks that the inputs
    carry (Embedding, Masking) leave positions out; the output carries the query's.
    """

    _roles = ("_kernel", "_bias")

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            num_heads: the number of heads.
            key_dim: the size of each head's queries and keys.
            value_dim: the size of each head's values; by default key_dim.
            dropout: the rate of dropout of the scores.
            use_bias: whether the projections have biases.
            output_shape: the sizes of the output's last axes; by default the query's last size.
            attention_axes: the axes over which attention runs; by default all but the first and the last.
            kernel_initializer, bias_initializer: how the projections' weights start.
            kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.

        Raises:
            ValueError: unless num_heads and key_dim are positive.
        """
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if num_heads <= 0 or key_dim <= 0:
            raise ValueError(
                f"`num_heads` and `key_dim` should be positive. Received: num_heads={num_heads}, key_dim={key_dim}"
            )
        self.supports_masking = True
        self._num_heads = num_heads
        self._key_dim = key_dim
        self._value_dim = value_dim or key_dim
        self._dropout = dropout
        self._use_bias = use_bias
        self._output_shape = output_shape
        self._attention_axes = _tuple_of(attention_axes)
        self._set_role("_kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_role("_bias", bias_initializer, bias_regularizer, bias_constraint)
        self._built_from_signature = False
        self._shapes: dict[str, Any] = {"query_shape": None, "key_shape": None, "value_shape": None}

    # Inner layers --------------------------------------------------------------------------------------------------

    def _build_from_signature(self, query: Any, value: Any, key: Any = None) -> None:
        """Makes the inner layers for the shapes of tensors, or for shapes."""
        query, value = (TensorShape(getattr(x, "shape", x)) for x in (query, value))
        key = value if key is None else TensorShape(getattr(key, "shape", key))
        named = {"query_shape": query, "key_shape": key, "value_shape": value}
        self._shapes = {name: shape.as_list() for name, shape in named.items()}
        rank = len(query)
        axes = self._attention_axes or tuple(range(1, rank - 1))
        self._attention_axes = axes = tuple(a % rank for a in axes)
        with init_scope():
            self._query_dense = self._projection("query", len(query), self._key_dim)
            self._key_dense = self._projection("key", len(key), self._key_dim)
            self._value_dense = self._projection("value", len(value), self._value_dim)
            scores, self._dot_product_equation, self._combine_equation = _attention_equations(rank + 1, axes)
            self._softmax = Softmax(tuple(range(scores - len(axes), scores)), dtype=self._policy)
            self._dropout_layer = Dropout(self._dropout, dtype=self._policy)
            self._output_dense = self._output_projection(query)
        self._built_from_signature = True

    def _projection(self, name: str, rank: int, size: int) -> EinsumDense:
        """From the last axis to (heads, size)."""
        free, inner = _LETTERS[: rank - 1], _LETTERS[rank - 1]
        heads = _LETTERS[rank : rank + 2]
        shape = [*(None for _ in free[1:]), self._num_heads, size]
        return self._dense(name, f"{free}{inner},{inner}{heads}->{free}{heads}", shape, heads)

    def _output_projection(self, query: TensorShape) -> EinsumDense:
        """From (heads, value size) to the output's last axes."""
        rank = len(query)
        sizes = list(_tuple_of(self._output_shape) or (query[-1],))
        free, heads = _LETTERS[: rank - 1], _LETTERS[rank - 1 : rank + 1]
        out = _LETTERS[rank + 1 : rank + 1 + len(sizes)]
        return self._dense(
            "attention_output", f"{free}{heads},{heads}{out}->{free}{out}", [*(None for _ in free[1:]), *sizes], out
        )

    def _dense(self, name: str, equation: str, shape: list[Any], bias_axes: str) -> EinsumDense:
        return EinsumDense(
            equation, shape, bias_axes=bias_axes if self._use_bias else None, name=name, dtype=self._policy,
            activity_regularizer=self._activity_regularizer, **self._role_options(),
        )  # fmt: skip

    # Computation ---------------------------------------------------------------------------------------------------

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The output (batch, T, dim), with `return_attention_scores` also the scores (batch, heads, T, S).

        Args:
            query: (batch, T, dim).
            value: (batch, S, dim_v).
            key: (batch, S, dim_k); by default the value.
            attention_mask: True where a query sees a value: (batch, T, S).
            return_attention_scores: whether the scores are returned too.
            training: whether scores are dropped.
            use_causal_mask: whether a query sees no value after it.
        """
        if not self._built_from_signature:
            self._build_from_signature(query, value, key)
        key = value if key is None else key
        attention_mask = self._compute_attention_mask(query, value, key, attention_mask, use_causal_mask)
        query, key, value = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        output, scores = self._compute_attention(query, key, value, attention_mask, training)
        output = self._output_dense(output)
        return (output, scores) if return_attention_scores else output

    def _compute_attention(
        self, query: Any, key: Any, value: Any, attention_mask: Any = None, training: Any = None
    ) -> tuple[Any, Any]:
        """The values averaged per head, and the scores, of projected queries, keys and values."""
        scores = einsum(self._dot_product_equation, key, query * (1.0 / math.sqrt(float(self._key_dim))))
        scores = self._masked_softmax(scores, attention_mask)
        dropped = self._dropout_layer(scores, training=training)
        return einsum(self._combine_equation, dropped, value), scores

    def _masked_softmax(self, scores: Any, attention_mask: Any = None) -> Any:
        """Scores as probabilities; the mask gets the axes, such as that of heads, which it lacks."""
        if attention_mask is not None:
            axis = -2 * len(self._attention_axes or ()) - 1
            while attention_mask.ndim < scores.ndim:
                attention_mask = expand_dims(attention_mask, axis)
        return self._softmax(scores, attention_mask)

    def _compute_attention_mask(self, query: Any, value: Any, key: Any, attention_mask: Any, causal: bool) -> Any:
        """Where a query sees a value: by its argument, the masks that inputs carry, and causality; None everywhere."""
        carried = [getattr(x, "_keras_mask", None) for x in (query, value, None if key is value else key)]
        parts = [] if attention_mask is None else [cast(attention_mask, "bool")]
        for mask, axis in zip(carried, (-1, -2, -2), strict=True):
            if mask is not None:
                parts.append(expand_dims(cast(mask, "bool"), axis))
        if causal:
            parts.append(expand_dims(causal_mask(shape_of(query)[1], shape_of(value)[1]), 0))
        result = parts[0] if parts else None
        for part in parts[1:]:
            result = logical_and(result, part)
        return result

    # Shapes and config ---------------------------------------------------------------------------------------------

    def compute_output_shape(  # pyright: ignore[reportIncompatibleMethodOverride] (one shape for each tensor)
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> TensorShape:
        """The query's shape with the output's last axes. Raises ValueError if key and value differ before the last."""
        query, value = TensorShape(query_shape), TensorShape(value_shape)
        key = value if key_shape is None else TensorShape(key_shape)
        if value[1:-1].as_list() != key[1:-1].as_list():
            raise ValueError(
                "All dimensions of `value` and `key`, except the last one, must be equal. Received "
                f"value_shape={value} and key_shape={key}"
            )
        sizes = _tuple_of(self._output_shape)
        return query if not sizes else query[:-1].concatenate(TensorShape(sizes))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, and the shapes that the inner layers were made for."""
        return super().get_config() | {
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "output_shape": self._output_shape,
            "attention_axes": self._attention_axes,
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            **self._shapes,
        } | self._role_config()

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from `get_config`."""
        config = dict(config)
        shapes = [config.pop(name, None) for name in ("query_shape", "value_shape", "key_shape")]
        layer = cls(**config)
        if all(shape is not None for shape in shapes):
            layer._build_from_signature(*shapes)
        return layer


def _tuple_of(given: Any) -> tuple[int, ...] | None:
    """An int or several as a tuple; None stays."""
    if given is None:
        return None
    return (given,) if isinstance(given, int) else tuple(given)


def _attention_equations(rank: int, axes: tuple[int, ...]) -> tuple[int, str, str]:
    """The rank of the scores, and the einsum equations of keys with queries, and of scores with values.

    Projected tensors have a rank, their last axes being heads and size. Scores have the axes over which attention does
    not run, heads among them, then those of queries, then those of keys: (batch, heads, T, S).
    """
    query = _LETTERS[:rank]
    keys = dict(zip(axes, _LETTERS[rank:], strict=False))
    key = "".join(keys.get(i, c) for i, c in enumerate(query))
    batch = "".join(c for i, c in enumerate(query[:-1]) if i not in axes)
    scores = batch + "".join(query[a] for a in axes) + "".join(keys[a] for a in axes)
    return len(scores), f"{key},{query}->{scores}", f"{scores},{key}->{query}"
