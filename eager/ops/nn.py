"""tf.nn: activations, normalisation, losses, embedding lookup and dropout, as compositions that the compiler fuses."""

from __future__ import annotations

from typing import Any

from eager import plain
from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops import math
from eager.ops.common import floating, one_axis, op, raw_shape, size_tensor
from eager.ops.join import concat
from eager.ops.pick import gather
from eager.ops.public import public
from eager.ops.shaping import cast, reshape
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorShape
from eager.variable import Variable
from graphcore.dtypes import bool_, float32, int64
from graphcore.optable import get_op


@public("nn.relu", short=plain.unary(get_op("relu")))
def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0) (tf.nn.relu); the gradient at 0 is 0."""
    del name
    return op("relu", convert(features))


@public("nn.relu6")
def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6) (tf.nn.relu6); the gradient at 6 is 0."""
    del name
    return math.minimum(6, relu(features))


@public("nn.leaky_relu")
def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x where positive, else alpha * x (tf.nn.leaky_relu); integers give float32."""
    del name
    x = convert(features)
    x = cast(x, float32) if x.dtype.is_integer else floating(x, "nn.leaky_relu")
    return op("select", op("greater", x, convert(0, like=x.dtype)), x, x * alpha)


@public("nn.elu")
def elu(features: Any, name: str | None = None) -> Tensor:
    """x where positive, else exp(x) - 1 (tf.nn.elu)."""
    del name
    x = floating(features, "nn.elu")
    zero = convert(0, like=x.dtype)
    return op("select", op("greater", x, zero), x, op("expm1", op("minimum", x, zero)))


@public("nn.selu")
def selu(features: Any, name: str | None = None) -> Tensor:
    """Scaled elu of self-normalising networks (tf.nn.selu; Klambauer et al. 2017)."""
    del name
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    x = floating(features, "nn.selu")
    zero = convert(0, like=x.dtype)
    # Both parts are 0 at 0, where TensorFlow takes the slope of the line.
    return op("select", op("greater_equal", x, zero), x, op("expm1", op("minimum", x, zero)) * alpha) * scale


@public("nn.gelu")
def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the normal distribution function (tf.nn.gelu; Hendrycks and Gimpel 2016); by tanh if approximate."""
    del name
    return op("gelu_tanh" if approximate else "gelu", floating(features, "nn.gelu"))


@public("nn.silu", "nn.swish")
def silu(features: Any, beta: float = 1.0) -> Tensor:
    """x * sigmoid(beta * x) (tf.nn.silu)."""
    x = floating(features, "nn.silu")
    return op("silu", x) if isinstance(beta, int | float) and beta == 1 else x * math.sigmoid(x * beta)


@public("nn.softplus", "math.softplus")
def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + exp(x)) without overflow (tf.nn.softplus)."""
    del name
    return op("softplus", floating(features, "nn.softplus"))


@public("nn.softsign", "math.softsign")
def softsign(features: Any, name: str | None = None) -> Tensor:
    """x / (1 + |x|) (tf.nn.softsign)."""
    del name
    x = floating(features, "nn.softsign")
    return x / (1 + math.abs(x))


@public("math.log_sigmoid")
def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)) without underflow (tf.math.log_sigmoid)."""
    del name
    return -softplus(-floating(x, "math.log_sigmoid"))


def _shifted(logits: Any, axis: int, name: str) -> tuple[Tensor, tuple[int]]:
    x = floating(logits, name)
    axes = (one_axis(int(axis), x.ndim, name),)
    top = op("stop_gradient", op("reduce_max", x, axes=axes, keepdims=True))
    return op("sub", x, top), axes


@public("nn.softmax", "math.softmax")
def softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis, shifted by the maximum (tf.nn.softmax)."""
    del name
    shifted, axes = _shifted(logits, -1 if axis is None else axis, "nn.softmax")
    e = op("exp", shifted)
    return op("div", e, op("reduce_sum", e, axes=axes, keepdims=True))


@public("nn.log_softmax", "math.log_softmax")
def log_softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """log(softmax(x)) without underflow (tf.nn.log_softmax)."""
    del name
    shifted, axes = _shifted(logits, -1 if axis is None else axis, "nn.log_softmax")
    return op("sub", shifted, op("log", op("reduce_sum", op("exp", shifted), axes=axes, keepdims=True)))


@public("nn.softmax_cross_entropy_with_logits")
def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Cross-entropy of label distributions and logits, along an axis (tf.nn.softmax_cross_entropy_with_logits).

    Args:
        labels: probabilities, of the shape of the logits, whose dtype they are cast to. The gradient is the derivative
            of this sum; TensorFlow's is that only for labels that sum to 1.
        logits: unnormalised log probabilities.
        axis: the class axis.
        name: accepted for compatibility.

    Raises:
        TypeError: if the logits are not floating.
    """
    del name
    x = floating(logits, "nn.softmax_cross_entropy_with_logits")
    y = cast(convert(labels, like=x.dtype), x.dtype)
    return -math.reduce_sum(y * log_softmax(x, axis), axis)


@public("nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """Cross-entropy of class numbers and logits over the last axis (tf.nn.sparse_softmax_cross_entropy_with_logits).

    A label out of range has no class: its loss is NaN, as in TensorFlow on an accelerator.

    Raises:
        ShapeError: if the labels' shape is not that of the logits without the last axis.
    """
    del name
    y, x = convert(labels), floating(logits, "nn.sparse_softmax_cross_entropy_with_logits")
    if y.ndim != x.ndim - 1:
        raise ShapeError(
            f"sparse_softmax_cross_entropy_with_logits: labels {type_of(y)} must have one dimension less than logits "
            f"{type_of(x)}"
        )
    if not y.shape.is_compatible_with(x.shape[:-1]):
        raise ShapeError(
            f"sparse_softmax_cross_entropy_with_logits: labels {type_of(y)} must have the shape of logits {type_of(x)} "
            "without the last dimension"
        )
    classes = raw_shape(x)[-1]
    logs = log_softmax(x)
    # A select, not a product with the one-hot labels: 0 * -inf would be NaN.
    hit = op("one_hot", y, depth=classes, axis=y.ndim, dtype=bool_)
    loss = -math.reduce_sum(op("select", hit, logs, convert(0, like=x.dtype)), -1)
    wide = cast(y, int64)
    valid = op("less", wide, size_tensor(classes, int64))
    valid = op("logical_and", valid, op("greater_equal", wide, convert(0, dtype=int64)))
    return op("select", valid, loss, convert(float("nan"), like=x.dtype))


@public("nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Tensor:
    """max(x, 0) - x * z + log(1 + exp(-|x|)) (tf.nn.sigmoid_cross_entropy_with_logits).

    Raises:
        DTypeError: if dtypes differ.
        ValueError: if shapes differ.
    """
    del name
    z, x = convert_pair(labels, logits, "sigmoid_cross_entropy_with_logits")
    if not z.shape.is_compatible_with(x.shape):
        raise ValueError(f"`logits` and `labels` must have the same shape, received ({x.shape} vs {z.shape}).")
    # Selects, not relu and abs: so the gradient at x = 0, where training often starts, is sigmoid(0) - z.
    zero = convert(0, like=x.dtype)
    positive = op("greater_equal", x, zero)
    minus = op("select", positive, -x, x)
    return op("select", positive, x, zero) - x * z + op("log1p", op("exp", minus))


@public("nn.bias_add")
def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """A vector added along the channel axis: the last, or with "NC..." the second (tf.nn.bias_add).

    Raises:
        ShapeError: if the bias is not a vector of the channels' size.
        ValueError: for another format.
    """
    del name
    x, b = convert_pair(value, bias, "bias_add")
    if b.ndim != 1:
        raise ShapeError(f"bias_add: bias is {type_of(b)}, expected rank 1")
    if data_format is not None and not data_format.startswith(("NC", "N")):
        raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`. Received: data_format={data_format}")
    if data_format is not None and data_format.startswith("NC"):
        b = reshape(b, TensorShape.of((*raw_shape(b), *(1,) * (x.ndim - 2))))
    return x + b


@public("nn.l2_loss")
def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """sum(t ** 2) / 2 (tf.nn.l2_loss)."""
    del name
    return math.reduce_sum(math.square(t)) / 2


@public("nn.l2_normalize", "math.l2_normalize", "linalg.l2_normalize")
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Tensor:
    """x / sqrt(max(sum(x ** 2), epsilon)) along axes (tf.math.l2_normalize)."""
    del name
    t = floating(x, "math.l2_normalize")
    if t.dtype.is_complex:
        re, im = op("real", t), op("imag", t)
        total = math.reduce_sum(math.square(re) + math.square(im), axis, True)
        scale = math.rsqrt(math.maximum(total, epsilon))
        return op("complex", re * scale, im * scale)
    return t * math.rsqrt(math.maximum(math.reduce_sum(math.square(t), axis, True), epsilon))


@public("nn.moments")
def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes (tf.nn.moments)."""
    del shift, name
    given = floating(x, "nn.moments")
    # Squares of 16-bit numbers overflow early.
    t = cast(given, float32) if given.dtype.size < 4 else given
    mean = math.reduce_mean(t, axes, True)
    variance = math.reduce_mean(math.squared_difference(t, op("stop_gradient", mean)), axes, keepdims)
    if not keepdims:
        mean = op("reshape", mean, shape=raw_shape(variance))
    return cast(mean, given.dtype), cast(variance, given.dtype)


@public("nn.batch_normalization")
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Tensor:
    """scale * (x - mean) / sqrt(variance + epsilon) + offset (tf.nn.batch_normalization); None leaves a factor out.

    The statistics may have another floating dtype than x, whose dtype the result has.
    """
    del name
    factor = math.rsqrt(convert(variance) + variance_epsilon)
    if scale is not None:
        factor = factor * scale
    shift = -convert(mean) * factor if offset is None else offset - convert(mean) * factor
    t = convert(x)
    return t * cast(factor, t.dtype) + cast(shift, t.dtype)


@public("nn.embedding_lookup")
def embedding_lookup(params: Any, ids: Any, max_norm: float | None = None, name: str | None = None) -> Tensor:
    """Rows of a table at `ids` (tf.nn.embedding_lookup). Raises InvalidArgumentError for an id out of range.

    A list of tensors is a table cut into consecutive parts.
    """
    del name
    cut = isinstance(params, list | tuple) and any(isinstance(p, Tensor | Variable) for p in params)
    rows = gather(concat(params, 0) if cut else params, ids)
    if max_norm is None:
        return rows
    return math.clip_by_norm(rows, max_norm, tuple(range(convert(ids).ndim, rows.ndim)))


@public("nn.dropout")
def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None) -> Tensor:
    """Zeroes elements with probability `rate` and scales the rest by 1 / (1 - rate) (tf.nn.dropout).

    Args:
        x: a floating tensor.
        rate: a number in [0, 1).
        noise_shape: the shape of the mask, which broadcasts to x; None in it takes x's size.
        seed: makes a stream of its own.
        name: accepted for compatibility.

    Raises:
        ValueError: if the rate is outside of [0, 1).
    """
    from eager.ops.random import uniform

    del name
    t = floating(x, "nn.dropout")
    if isinstance(rate, int | float) and not 0 <= rate < 1:
        raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
    if isinstance(rate, int | float) and rate == 0:
        return t
    sizes = raw_shape(t)
    if noise_shape is not None:
        given = noise_shape.raw if isinstance(noise_shape, TensorShape) else list(noise_shape)
        if len(given) != len(sizes):
            raise InvalidArgumentError(f"dropout: noise_shape {noise_shape} must have rank {len(sizes)}")
        sizes = tuple(d if n is None else n for d, n in zip(sizes, given, strict=True))
    kind = float32 if t.dtype.size < 4 else t.dtype
    kept = uniform(TensorShape.of(sizes), dtype=kind, seed=seed) >= convert(rate, like=kind)
    scale = 1 / (1 - rate) if isinstance(rate, int | float) else 1 / (1 - convert(rate, like=t.dtype))
    return op("select", kept, t * scale, convert(0, like=t.dtype))
