"""Rows of the layer table: attention and EinsumDense."""

import numpy as np
from check_layer import case
from tf_cases import floats

import eager as tf

L = tf.keras.layers


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def causal(queries, keys):
    return np.tri(queries, keys, dtype=bool)


# Attention of lists --------------------------------------------------------------------------------------------------

Q, V, K = floats(3, 4, 2), floats(3, 5, 2), floats(3, 5, 2)


def averaged(scores, values, seen=None):
    weights = softmax(scores if seen is None else np.where(seen, scores, -1e9))
    return weights @ values, weights


def dots(q, k):
    return q @ k.swapaxes(1, 2)


def bent(q, k, scale=1.0, inner=1.0):
    return (scale * np.tanh(inner * (q[:, :, None] + k[:, None]))).sum(-1)


case("Attention", lambda **k: L.Attention(**k), [Q, V], reference=lambda w, x: averaged(dots(x[0], x[1]), x[1])[0])
case("Attention with keys and scale", lambda **k: L.Attention(use_scale=True, **k), [Q, V, K],
     reference=lambda w, x: averaged(w[0] * dots(x[0], x[2]), x[1])[0])  # fmt: skip
case("Attention, concat", lambda **k: L.Attention(score_mode="concat", use_scale=True, **k), [Q, V],
     reference=lambda w, x: averaged(w[1] * bent(x[0], x[1], 1.0, w[0]), x[1])[0])  # fmt: skip
case("Attention with scores", lambda **k: L.Attention(**k), [Q, V], call={"return_attention_scores": True},
     reference=lambda w, x: averaged(dots(x[0], x[1]), x[1]))  # fmt: skip
case("Attention, causal", lambda **k: L.Attention(**k), [Q, V], call={"use_causal_mask": True},
     reference=lambda w, x: averaged(dots(x[0], x[1]), x[1], causal(4, 5))[0])  # fmt: skip
case("Attention with dropout", lambda **k: L.Attention(dropout=0.3, **k), [Q, V], random=True,
     reference=lambda w, x: averaged(dots(x[0], x[1]), x[1])[0])  # fmt: skip
case("Attention with seeded dropout", lambda **k: L.Attention(dropout=0.3, seed=2, **k), [Q, V], random=True,
     reference=lambda w, x: averaged(dots(x[0], x[1]), x[1])[0])  # fmt: skip
case("AdditiveAttention", lambda **k: L.AdditiveAttention(**k), [Q, V, K],
     reference=lambda w, x: averaged(bent(x[0], x[2], w[0]), x[1])[0])  # fmt: skip
case("AdditiveAttention without scale", lambda **k: L.AdditiveAttention(use_scale=False, **k), [Q, V],
     call={"use_causal_mask": True},
     reference=lambda w, x: averaged(bent(x[0], x[1]), x[1], causal(4, 5))[0])  # fmt: skip

# Attention of several heads ------------------------------------------------------------------------------------------

LETTERS = "tuvw"


def heads(w, q, v, k=None, seen=None, scores=False, out="e", bias=True, axes=1):
    """Over the first `axes` axes behind the batch, others before the last being batches too."""
    parts = w if bias else [p for m in w for p in (m, 0.0)]
    k = v if k is None else k
    query, key, value = (np.einsum("...d,dhs->...hs", x, parts[i]) + parts[i + 1] for x, i in ((q, 0), (k, 2), (v, 4)))
    t, s = LETTERS[:axes], LETTERS[axes : 2 * axes]
    logits = np.einsum(f"b{t}hd,b{s}hd->bh{t}{s}", query, key) / np.sqrt(query.shape[-1])
    if seen is not None:
        logits = np.where(seen, logits, -1e9)
    weights = softmax(logits, tuple(range(2 + axes, 2 + 2 * axes)))
    averages = np.einsum(f"bh{t}{s},b{s}hd->b{t}hd", weights, value)
    result = np.einsum(f"...hd,hd{out}->...{out}", averages, parts[6]) + parts[7]
    return [result, weights] if scores else result


MQ, MV, MK = floats(3, 4, 6), floats(3, 5, 3), floats(3, 5, 2)
SEEN = np.tile(np.array([[True, True, False, True, False]]), (3, 4, 1))
SEEN[1, 2] = [False, True, True, False, True]

case("MultiHeadAttention", lambda **k: L.MultiHeadAttention(2, 3, **k), MQ, MV, reference=heads)
case("MultiHeadAttention with keys", lambda **k: L.MultiHeadAttention(2, 3, value_dim=4, **k), MQ, MV, MK,
     reference=heads)  # fmt: skip
case("MultiHeadAttention of itself", lambda **k: L.MultiHeadAttention(1, 4, use_bias=False, **k), MQ, MQ,
     reference=lambda w, q, v: heads(w, q, v, bias=False), trains=False)  # fmt: skip
case("MultiHeadAttention with scores", lambda **k: L.MultiHeadAttention(2, 3, output_shape=4, **k), MQ, MV,
     call={"return_attention_scores": True}, reference=lambda w, q, v: heads(w, q, v, scores=True))  # fmt: skip
case("MultiHeadAttention, causal", lambda **k: L.MultiHeadAttention(2, 3, **k), MQ, MV, call={"use_causal_mask": True},
     reference=lambda w, q, v: heads(w, q, v, seen=causal(4, 5)))  # fmt: skip
case("MultiHeadAttention with a mask", lambda **k: L.MultiHeadAttention(2, 3, **k), MQ, MV, MK, SEEN,
     reference=lambda w, q, v, k, m: heads(w, q, v, k, m[:, None]))  # fmt: skip
case("MultiHeadAttention of two axes", lambda **k: L.MultiHeadAttention(2, 3, attention_axes=(1, 2), **k),
     floats(2, 3, 2, 4), floats(2, 2, 3, 4), reference=lambda w, q, v: heads(w, q, v, axes=2))  # fmt: skip
case("MultiHeadAttention of two output axes", lambda **k: L.MultiHeadAttention(2, 3, output_shape=(2, 3), **k), MQ, MV,
     reference=lambda w, q, v: heads(w, q, v, out="ef"))  # fmt: skip
case("MultiHeadAttention of the last of two axes", lambda **k: L.MultiHeadAttention(2, 3, attention_axes=2, **k),
     floats(2, 3, 2, 4), floats(2, 3, 5, 4),
     reference=lambda w, q, v: np.stack([heads(w, q[:, i], v[:, i]) for i in range(3)], 1))  # fmt: skip
case("MultiHeadAttention with dropout", lambda **k: L.MultiHeadAttention(2, 3, dropout=0.3, **k), MQ, MV,
     reference=heads, random=True)  # fmt: skip
case("MultiHeadAttention with options", lambda **k: L.MultiHeadAttention(
    2, 3, kernel_initializer="he_uniform", bias_initializer="ones", kernel_regularizer="l2", bias_regularizer="l1",
    kernel_constraint="max_norm", bias_constraint="non_neg", **k), MQ, MV, reference=heads, trains=False)  # fmt: skip

# EinsumDense ---------------------------------------------------------------------------------------------------------


def einsum_row(equation, shape, bias_axes, x, **options):
    def reference(w, x):
        y = np.einsum(equation, x, w[0])
        return np.tanh(y if bias_axes is None else y + w[1])

    case(f"EinsumDense {equation} {bias_axes}",
         lambda **k: L.EinsumDense(equation, shape, "tanh", bias_axes=bias_axes, **options, **k), x,
         reference=reference)  # fmt: skip


einsum_row("ab,bc->ac", 4, "c", floats(3, 5))
einsum_row("ab,bc->ac", 4, None, floats(3, 5))
einsum_row("abc,cd->abd", (None, 4), "d", floats(3, 2, 5))
einsum_row("abc,cd->abd", (2, 4), "bd", floats(3, 2, 5), kernel_regularizer="l2", bias_constraint="non_neg")
einsum_row("abc,cde->abde", (None, 2, 4), "de", floats(3, 2, 5))
einsum_row("abcd,cde->abe", (None, 4), "e", floats(3, 2, 2, 5))
einsum_row("...x,xy->...y", 4, "y", floats(3, 2, 2, 5))
einsum_row("ab...,bc->ac...", 4, "c", floats(3, 5, 2, 2))
