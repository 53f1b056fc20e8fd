"""tf.keras.backend: activations, losses, random numbers, convolution and control flow under Keras's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import eager as tf
from eager.keras import loss_functions
from eager.keras.backend_ops import variable
from eager.keras.engine.call_context import phase
from eager.keras.layers import conv_arguments
from eager.tensor import Tensor
from eager.variable import Variable

# Activations and losses ----------------------------------------------------------------------------------------------


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """The rectifier with slope, ceiling and threshold (tf.keras.backend.relu)."""
    return tf.keras.activations.relu(x, alpha, max_value, threshold)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """The exponential linear unit (tf.keras.backend.elu)."""
    return tf.keras.activations.elu(x, alpha)


def hard_sigmoid(x: Any) -> Tensor:
    """0.2 * x + 0.5 limited to [0, 1] (tf.keras.backend.hard_sigmoid)."""
    return tf.keras.activations.hard_sigmoid(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """The softmax along an axis (tf.keras.backend.softmax)."""
    return tf.keras.activations.softmax(x, axis)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Tensor:
    """Sets elements to 0 at random and scales the rest (tf.keras.backend.dropout)."""
    return tf.nn.dropout(x, level, noise_shape, seed)


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """x divided by its euclidean norm (tf.keras.backend.l2_normalize)."""
    return tf.nn.l2_normalize(x, axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-t log(o) - (1 - t) log(1 - o), element by element (tf.keras.backend.binary_crossentropy)."""
    o = tf.convert_to_tensor(output)
    t = tf.cast(target, o.dtype)
    if from_logits:
        return tf.nn.sigmoid_cross_entropy_with_logits(t, o)
    small = tf.keras.backend.epsilon()
    o = tf.clip_by_value(o, small, 1.0 - small)
    return -(t * tf.math.log(o + small) + (1.0 - t) * tf.math.log(1.0 - o + small))


def binary_focal_crossentropy(
    target: Any, output: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False,
) -> Tensor:  # fmt: skip
    """The binary cross-entropy times (1 - p) ** gamma, p the chance of the true class, element by element.

    With class balancing, class 1 counts alpha and class 0 counts 1 - alpha (K.binary_focal_crossentropy).
    """
    o = tf.convert_to_tensor(output)
    chance = tf.sigmoid(o) if from_logits else o
    t = tf.cast(target, o.dtype)
    right = t * chance + (1.0 - t) * (1.0 - chance)
    values = (1.0 - right) ** gamma * binary_crossentropy(t, o, from_logits)
    return values * (t * alpha + (1.0 - t) * (1.0 - alpha)) if apply_class_balancing else values


def categorical_focal_crossentropy(
    target: Any, output: Any, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(alpha (1 - o) ** gamma t log(o)) along an axis (tf.keras.backend.categorical_focal_crossentropy)."""
    return loss_functions.categorical_focal_crossentropy(target, output, alpha, gamma, from_logits, axis=axis)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-sum(t log(o)) along an axis (tf.keras.backend.categorical_crossentropy)."""
    return loss_functions.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Tensor:
    """-log(o[target]) along an axis (tf.keras.backend.sparse_categorical_crossentropy)."""
    return loss_functions.sparse_categorical_crossentropy(
        target, output, from_logits=from_logits, axis=axis, ignore_class=ignore_class
    )


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """A vector added along the channel axis (tf.keras.backend.bias_add)."""
    return tf.nn.bias_add(x, bias, _layout(data_format))


def _layout(data_format: str | None, spatial: int = 2) -> str:
    return conv_arguments.op_format(conv_arguments.data_format(data_format), spatial)


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Sequence[int], epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised x, and the mean and variance that it was normalised with (K.normalize_batch_in_training)."""
    mean, variance = tf.nn.moments(x, list(reduction_axes))
    shape = [1 if i in reduction_axes else -1 for i in range(tf.convert_to_tensor(x).ndim)]
    m, v, b, g = (None if t is None else tf.reshape(t, _broadcastable(t, shape)) for t in (mean, variance, beta, gamma))
    return tf.nn.batch_normalization(x, m, v, b, g, epsilon), mean, variance


def _broadcastable(v: Any, shape: list[int]) -> Any:
    """The sizes of a reduced tensor with ones for the reduced axes."""
    sizes = iter(tf.unstack(tf.shape(v)))
    return tf.stack([1 if d == 1 else next(sizes) for d in shape])


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Tensor:
    """(x - mean) / sqrt(var + epsilon) * gamma + beta (tf.keras.backend.batch_normalization)."""
    del axis
    return tf.nn.batch_normalization(x, mean, var, beta, gamma, epsilon)


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Whether each target is among the k largest predictions (tf.keras.backend.in_top_k)."""
    return tf.math.in_top_k(targets, predictions, k)


# Convolution and pooling ---------------------------------------------------------------------------------------------


def _convolve(
    function: Callable[..., Tensor], x: Any, kernel: Any, strides: Any, padding: str, data_format: str | None,
    dilation: Any, spatial: int,
) -> Tensor:  # fmt: skip
    layout = _layout(data_format, spatial)
    if padding == "causal":
        size = (tf.convert_to_tensor(kernel).shape[0] - 1) * int(np.max(dilation))
        pads = [[0, 0], [0, 0], [size, 0]] if layout == "NCW" else [[0, 0], [size, 0], [0, 0]]
        x, padding = tf.pad(x, pads), "valid"
    return function(x, kernel, strides, padding.upper(), data_format=layout, dilations=dilation)


def conv1d(
    x: Any, kernel: Any, strides: int = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: int = 1,
) -> Tensor:  # fmt: skip
    """One-dimensional convolution; padding may be "causal" (tf.keras.backend.conv1d)."""
    return _convolve(tf.nn.conv1d, x, kernel, strides, padding, data_format, dilation_rate, 1)


def conv2d(
    x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Tensor:  # fmt: skip
    """Two-dimensional convolution (tf.keras.backend.conv2d)."""
    return _convolve(tf.nn.conv2d, x, kernel, list(strides), padding, data_format, list(dilation_rate), 2)


def conv3d(
    x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Tensor:  # fmt: skip
    """Three-dimensional convolution (tf.keras.backend.conv3d)."""
    return _convolve(tf.nn.conv3d, x, kernel, list(strides), padding, data_format, list(dilation_rate), 3)


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Tensor:  # fmt: skip
    """Each channel convolved with filters of its own (tf.keras.backend.depthwise_conv2d)."""
    layout = _layout(data_format)
    steps = [1, 1, *strides] if layout == "NCHW" else [1, *strides, 1]
    return tf.nn.depthwise_conv2d(x, depthwise_kernel, steps, padding.upper(), layout, list(dilation_rate))


def _pool(x: Any, sizes: Any, strides: Any, padding: str, data_format: str | None, mode: str, spatial: int) -> Tensor:
    if mode not in ("max", "avg"):
        raise ValueError(f"Invalid pooling mode: {mode}")
    layout = _layout(data_format, spatial)
    return tf.nn.pool(x, list(sizes), mode.upper(), list(strides), padding.upper(), layout)


def pool2d(
    x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:  # fmt: skip
    """The largest or mean value of windows (tf.keras.backend.pool2d). Raises ValueError for another mode."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode, 2)


def pool3d(
    x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:  # fmt: skip
    """The largest or mean value of windows (tf.keras.backend.pool3d). Raises ValueError for another mode."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode, 3)


# Random numbers ------------------------------------------------------------------------------------------------------


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Normal numbers (tf.keras.backend.random_normal)."""
    return tf.random.normal(shape, mean, stddev, dtype or tf.keras.backend.floatx(), seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Uniform numbers (tf.keras.backend.random_uniform)."""
    return tf.random.uniform(shape, minval, maxval, dtype or tf.keras.backend.floatx(), seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Normal numbers within two standard deviations (tf.keras.backend.truncated_normal)."""
    return tf.random.truncated_normal(shape, mean, stddev, dtype or tf.keras.backend.floatx(), seed)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: int | None = None) -> Tensor:
    """1 with probability p, else 0 (tf.keras.backend.random_bernoulli)."""
    kind = dtype or tf.keras.backend.floatx()
    return tf.cast(tf.random.uniform(shape, seed=seed) <= p, kind)


random_binomial = random_bernoulli


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable of normal numbers (tf.keras.backend.random_normal_variable)."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable of uniform numbers (tf.keras.backend.random_uniform_variable)."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


# Variables, shapes, phases -------------------------------------------------------------------------------------------


def update(x: Variable, new_x: Any) -> Variable:
    """Assigns a variable (tf.keras.backend.update)."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Variable:
    """Adds to a variable (tf.keras.backend.update_add)."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Variable:
    """Subtracts from a variable (tf.keras.backend.update_sub)."""
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: Any, momentum: Any) -> Variable:
    """x = momentum * x + (1 - momentum) * value (tf.keras.backend.moving_average_update)."""
    return x.assign(x * momentum + value * (1.0 - momentum))


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of several variables as arrays (tf.keras.backend.batch_get_value)."""
    return [t.numpy() for t in tensors]


def batch_set_value(tuples: Sequence[tuple[Variable, Any]]) -> None:
    """Sets several variables (tf.keras.backend.batch_set_value)."""
    for x, value in tuples:
        x.assign(value)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape as a tuple with None for open sizes (tf.keras.backend.int_shape)."""
    shape = getattr(x, "shape", None)
    return None if shape is None else tuple(shape)


def ndim(x: Any) -> int:
    """The number of axes (tf.keras.backend.ndim)."""
    return len(x.shape)


def dtype(x: Any) -> str:
    """The name of the dtype (tf.keras.backend.dtype)."""
    return tf.as_dtype(x.dtype).name


def eval(x: Any) -> Any:
    """The value as an array (tf.keras.backend.eval)."""
    return tf.convert_to_tensor(x).numpy()


def count_params(x: Any) -> int:
    """The number of elements (tf.keras.backend.count_params)."""
    return int(np.prod(tuple(x.shape), dtype=np.int64))


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """x while training, else `alt`; both may be callables (tf.keras.backend.in_train_phase)."""
    now = (phase.value or 0) if training is None else training
    if isinstance(now, Tensor | Variable):
        return tf.keras.backend.switch(now, x, alt)
    chosen = x if now else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """x while not training, else `alt` (tf.keras.backend.in_test_phase)."""
    return in_train_phase(alt, x, training)


def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Prints a tensor and returns it (tf.keras.backend.print_tensor)."""
    tf.print(message, x, summarize=summarize)
    return x


def is_sparse(tensor: Any) -> bool:
    """Always False: tensors are dense."""
    del tensor
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor itself: tensors are dense (tf.keras.backend.to_dense)."""
    return tensor
