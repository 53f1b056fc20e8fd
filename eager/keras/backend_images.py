"""tf.keras.backend: resizing, transposed, separable and local convolution, and the connectionist loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import eager as tf
from eager.errors import UnsupportedError
from eager.keras import backend
from eager.tensor import Tensor


def _first(data_format: str | None) -> bool:
    return backend._known_format(data_format or backend.image_data_format()) == "channels_first"


def _to_last(x: Any, first: bool) -> Tensor:
    """The axes with the channels last."""
    t = tf.convert_to_tensor(x)
    return tf.transpose(t, (0, *range(2, t.ndim), 1)) if first else t


def _from_last(t: Tensor, first: bool) -> Tensor:
    return tf.transpose(t, (0, t.ndim - 1, *range(1, t.ndim - 1))) if first else t


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> Tensor:
    """Images with height and width multiplied (tf.keras.backend.resize_images).

    Args:
        x: 4-D images.
        height_factor, width_factor: positive integers.
        data_format: channels_last or channels_first.
        interpolation: a method of tf.image.resize, such as nearest or bilinear.

    Raises:
        ValueError: for another data_format or interpolation.
    """
    first = _first(data_format)
    images = _to_last(x, first)
    if interpolation == "nearest":
        return _from_last(tf.repeat(tf.repeat(images, height_factor, 1), width_factor, 2), first)
    size = tf.shape(images)[1:3] * tf.constant([height_factor, width_factor])
    return _from_last(tf.image.resize(images, size, interpolation), first)


def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str) -> Tensor:
    """Volumes, 5-D, with every element repeated along depth, height and width (tf.keras.backend.resize_volumes)."""
    at = 2 if _first(data_format) else 1
    t = tf.convert_to_tensor(x)
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), at):
        t = tf.repeat(t, factor, axis)
    return t


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sequence[int] = (1, 1),
) -> Tensor:
    """Transposed 2-D convolution (tf.keras.backend.conv2d_transpose).

    Args:
        x: 4-D images.
        kernel: [rows, columns, filters, channels of x].
        output_shape: the 4 sizes of the result.
        strides, dilation_rate: two integers each; not both above 1.
        padding: valid or same.
        data_format: channels_last or channels_first.
    """
    layout = "NCHW" if _first(data_format) else "NHWC"
    return tf.nn.conv2d_transpose(
        x, kernel, output_shape, tuple(strides), padding.upper(), layout, tuple(dilation_rate)
    )


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sequence[int] = (1, 1),
) -> Tensor:
    """Depthwise, then pointwise 2-D convolution (tf.keras.backend.separable_conv2d); kernels as tf.nn's."""
    first = _first(data_format)
    found = tf.nn.separable_conv2d(
        _to_last(x, first), depthwise_kernel, pointwise_kernel, (1, *strides, 1), padding.upper(), "NHWC",
        tuple(dilation_rate),
    )  # fmt: skip
    return _from_last(found, first)


def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Sequence[int], strides: Sequence[int], data_format: str | None = None
) -> Tensor:
    """1-D convolution with a kernel of its own at every position (tf.keras.backend.local_conv1d).

    Args:
        inputs: [batch, steps, channels], or [batch, channels, steps].
        kernel: [positions, kernel_size * channels, filters].
        kernel_size, strides: one integer each, in a sequence.
        data_format: channels_last or channels_first.
    """
    first = _first(data_format)
    x = tf.expand_dims(_to_last(inputs, first), 2)
    return _from_last(_local(x, kernel, (kernel_size[0], 1), (strides[0], 1), first), first)


def local_conv2d(
    inputs: Any,
    kernel: Any,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    output_shape: Sequence[int],
    data_format: str | None = None,
) -> Tensor:
    """2-D convolution with a kernel of its own at every position (tf.keras.backend.local_conv2d).

    Args:
        inputs: [batch, rows, columns, channels], or [batch, channels, rows, columns].
        kernel: [positions, rows * columns * channels of the window, filters].
        kernel_size, strides: two integers each.
        output_shape: rows and columns of the result.
        data_format: channels_last or channels_first; it also says how the kernel's second axis counts.
    """
    first = _first(data_format)
    found = _local(_to_last(inputs, first), kernel, kernel_size, strides, first)
    rows, columns = output_shape
    return _from_last(tf.reshape(found, (-1, rows, columns, found.shape[-1])), first)


def _local(x: Tensor, kernel: Any, size: Sequence[int], strides: Sequence[int], first: bool) -> Tensor:
    """[batch, positions, filters] of channels-last images."""
    windows = tf.image.extract_patches(x, (1, *size, 1), (1, *strides, 1), (1, 1, 1, 1), "VALID")
    positions, width = windows.shape[1] * windows.shape[2], windows.shape[3]
    flat = tf.reshape(windows, (-1, positions, width))
    if first:
        # Keras lets the kernel run over channels first then, and over the window's places within each.
        channels = x.shape[-1]
        apart = tf.reshape(flat, (-1, positions, width // channels, channels))
        flat = tf.reshape(tf.transpose(apart, (0, 1, 3, 2)), (-1, positions, width))
    return tf.einsum("bpk,pkf->bpf", flat, kernel)


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Tensor:
    """The connectionist temporal loss of each sequence, [batch, 1] (tf.keras.backend.ctc_batch_cost).

    Args:
        y_true: integer labels [batch, length].
        y_pred: probabilities [batch, frames, classes], the last class being the blank.
        input_length, label_length: [batch, 1] lengths.
    """
    p = tf.convert_to_tensor(y_pred)
    logits = tf.math.log(p + tf.keras.backend.epsilon())
    lengths = [tf.cast(tf.squeeze(tf.convert_to_tensor(n), -1), "int32") for n in (label_length, input_length)]
    labels = tf.cast(y_true, "int32")
    loss = tf.nn.ctc_loss(labels, logits, lengths[0], lengths[1], logits_time_major=False, blank_index=-1)
    return tf.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Tensor], Tensor]:
    """The likeliest labels frame by frame, without repeats and blanks (tf.keras.backend.ctc_decode).

    Args:
        y_pred: probabilities [batch, frames, classes], the last class being the blank.
        input_length: [batch] lengths.
        greedy: must be True.
        beam_width, top_paths: of a beam search, which is not supported.

    Returns:
        A list of one tensor [batch, longest] padded with -1, and the negative log-probabilities [batch, 1].

    Raises:
        UnsupportedError: for a beam search.
    """
    del beam_width
    if not greedy or top_paths != 1:
        raise UnsupportedError("ctc_decode: only greedy decoding is supported; pass greedy=True and top_paths=1")
    p = tf.convert_to_tensor(y_pred)
    frames, classes = p.shape[1], p.shape[2]
    inside = tf.sequence_mask(tf.cast(input_length, "int32"), frames)
    best = tf.argmax(p, -1)
    score = tf.where(inside, tf.math.log(tf.reduce_max(p, -1) + tf.keras.backend.epsilon()), tf.zeros((), p.dtype))
    before = tf.concat([tf.fill((tf.shape(p)[0], 1), tf.constant(-1, "int64")), best[:, :-1]], 1)
    kept = inside & (best != before) & (best != classes - 1)
    # A stable sort brings the kept labels to the front of their row.
    order = tf.argsort(tf.cast(~kept, "int32"), stable=True)
    labels = tf.gather(tf.where(kept, best, tf.constant(-1, "int64")), order, batch_dims=1)
    longest = tf.reduce_max(tf.reduce_sum(tf.cast(kept, "int32"), 1))
    return [labels[:, :longest]], -tf.reduce_sum(score, 1, keepdims=True)
