"""tf.nn: building blocks of neural networks."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.math import (
    sigmoid,
    tanh,
)
from eager.ops.nn import (
    batch_normalization,
    bias_add,
    dropout,
    elu,
    embedding_lookup,
    gelu,
    l2_loss,
    l2_normalize,
    leaky_relu,
    log_softmax,
    moments,
    relu,
    relu6,
    selu,
    sigmoid_cross_entropy_with_logits,
    silu,
    softmax,
    softmax_cross_entropy_with_logits,
    softplus,
    softsign,
    sparse_softmax_cross_entropy_with_logits,
)
from eager.ops.nn import (
    silu as swish,
)

__all__ = [
    "batch_normalization", "bias_add", "dropout", "elu", "embedding_lookup", "gelu", "l2_loss",
    "l2_normalize", "leaky_relu", "log_softmax", "moments", "relu", "relu6", "selu", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus",
    "softsign", "sparse_softmax_cross_entropy_with_logits", "swish", "tanh",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.nn", {
    "eager.ops.ctc": "ctc_loss",
    "eager.ops.blocks": "depth_to_space dilation2d erosion2d local_response_normalization "
    "lrn=local_response_normalization space_to_batch space_to_depth",
    "eager.ops.conv": "atrous_conv2d conv1d conv2d conv3d convolution depthwise_conv2d separable_conv2d",
    "eager.ops.conv_backprop": "depthwise_conv2d_backprop_filter depthwise_conv2d_backprop_input",
    "eager.ops.conv_transpose": "atrous_conv2d_transpose conv1d_transpose conv2d_transpose conv3d_transpose "
    "conv_transpose",
    "eager.ops.pool": "avg_pool avg_pool1d avg_pool2d avg_pool3d max_pool max_pool1d max_pool2d max_pool3d "
    "max_pool_with_argmax pool",
    "eager.ops.arithmetic": "zero_fraction",
    "eager.ops.losses": "compute_average_loss crelu log_poisson_loss scale_regularization_loss "
    "weighted_cross_entropy_with_logits",
    "eager.ops.sorting": "in_top_k top_k",
    "eager.ops.statistics": "batch_norm_with_global_normalization normalize_moments sufficient_statistics "
    "weighted_moments",
})  # fmt: skip
