"""Rows of convolutions, pooling and blocks; the references are loops over positions in float64."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from tf_cases import case, custom, fault, floats, ints

import eager as tf

ONES = {1: (1,), 2: (1, 1), 3: (1, 1, 1)}


def pads_of(padding: Any, size: int, span: int, stride: int) -> tuple[int, int]:
    if padding == "VALID":
        return 0, 0
    if padding == "SAME":
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        return total // 2, total - total // 2
    return padding


def many(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def conv(x: Any, w: Any, strides: Any = 1, padding: Any = "VALID", dilations: Any = 1) -> Any:
    """x [N, *spatial, Ci] with w [*kernel, Ci / groups, Co], by definition."""
    n = x.ndim - 2
    strides, dilations = many(strides, n), many(dilations, n)
    spans = [(k - 1) * d + 1 for k, d in zip(w.shape, dilations, strict=False)]
    words = [padding] * n if isinstance(padding, str) else padding
    pads = [pads_of(p, s, k, t) for p, s, k, t in zip(words, x.shape[1:], spans, strides, strict=False)]
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    out = [(s - k) // t + 1 for s, k, t in zip(x.shape[1:], spans, strides, strict=False)]
    groups = x.shape[-1] // w.shape[-2]
    y = np.zeros((x.shape[0], *out, w.shape[-1]), x.dtype)
    depth, each = w.shape[-2], w.shape[-1] // groups
    for at in itertools.product(*map(range, out)):
        for place in itertools.product(*map(range, w.shape[:-2])):
            where = tuple(a * t + k * d for a, t, k, d in zip(at, strides, place, dilations, strict=True))
            for g in range(groups):
                part = x[(slice(None), *where)][:, g * depth : (g + 1) * depth]
                y[(slice(None), *at)][:, g * each : (g + 1) * each] += part @ w[place][:, g * each : (g + 1) * each]
    return y


def conv_back(y: Any, w: Any, shape: Any, strides: Any = 1, padding: Any = "SAME", dilations: Any = 1) -> Any:
    """The transpose: every element of y adds w, scaled, to the places that `conv` read for it. w is [*k, out, in]."""
    n = y.ndim - 2
    strides, dilations = many(strides, n), many(dilations, n)
    spans = [(k - 1) * d + 1 for k, d in zip(w.shape, dilations, strict=False)]
    pads = [pads_of(padding, s, k, t) for s, k, t in zip(shape[1:], spans, strides, strict=False)]
    x = np.zeros((shape[0], *(s + a + b for s, (a, b) in zip(shape[1:], pads, strict=False)), shape[-1]), y.dtype)
    for at in itertools.product(*map(range, y.shape[1:-1])):
        for place in itertools.product(*map(range, w.shape[:-2])):
            where = tuple(a * t + k * d for a, t, k, d in zip(at, strides, place, dilations, strict=True))
            x[(slice(None), *where)] += y[(slice(None), *at)] @ w[place].T
    cut = [slice(a, a + s) for s, (a, _) in zip(shape[1:], pads, strict=False)]
    return x[(slice(None), *cut)]


def pool(x: Any, window: Any, strides: Any, padding: Any, kind: str, dilations: Any = 1) -> Any:
    n = x.ndim - 2
    window, strides, dilations = many(window, n), many(strides, n), many(dilations, n)
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilations, strict=True)]
    words = [padding] * n if isinstance(padding, str) else padding
    pads = [pads_of(p, s, k, t) for p, s, k, t in zip(words, x.shape[1:], spans, strides, strict=False)]
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=np.nan)
    out = [(s - k) // t + 1 for s, k, t in zip(x.shape[1:], spans, strides, strict=False)]
    y = np.zeros((x.shape[0], *out, x.shape[-1]))
    for at in itertools.product(*map(range, out)):
        cut = tuple(slice(a * t, a * t + k, d) for a, t, k, d in zip(at, strides, spans, dilations, strict=True))
        fold = {"max": np.nanmax, "avg": np.nanmean}[kind]
        y[(slice(None), *at)] = fold(x[(slice(None), *cut)], axis=tuple(range(1, n + 1)))
    return y


def first(x: Any) -> Any:
    """Channels before the spatial dimensions."""
    return np.moveaxis(x, -1, 1)


def last(x: Any) -> Any:
    return np.moveaxis(x, 1, -1)


X1, X2, X3 = floats(2, 9, 4), floats(2, 7, 6, 4), floats(1, 4, 5, 3, 2)
W1, W2, W3 = floats(3, 4, 5), floats(3, 2, 4, 6), floats(2, 3, 2, 2, 3)

# Convolutions: every padding, stride, dilation, group and layout.

for _padding in ("VALID", "SAME"):
    for _stride in (1, 2, 3):
        _ref = lambda x, w, s=_stride, p=_padding: conv(x, w, s, p)  # noqa: E731
        case("nn.convolution", (X2, W2), _ref, strides=_stride, padding=_padding)
        case("nn.conv1d", (X1, W1), _ref, _stride, _padding)
        case("nn.conv2d", (X2, W2), _ref, _stride, _padding)
        case("nn.conv3d", (X3, W3), _ref, [1, _stride, _stride, _stride, 1], _padding)
    case("nn.conv2d", (X2, W2), lambda x, w, p=_padding: conv(x, w, 1, p, (2, 3)), 1, _padding, dilations=(2, 3))
    case("nn.atrous_conv2d", (X2, W2), lambda x, w, p=_padding: conv(x, w, 1, p, 2), 2, _padding)
    case("nn.conv2d", (first(X2), W2), lambda x, w, p=_padding: first(conv(last(x), w, (2, 1), p)), (1, 1, 2, 1),
         _padding, data_format="NCHW")  # fmt: skip
    case("nn.conv1d", (first(X1), W1), lambda x, w, p=_padding: first(conv(last(x), w, 2, p)), 2, _padding, "NCW")
    case("nn.conv3d", (first(X3), W3), lambda x, w, p=_padding: first(conv(last(x), w, 1, p)), 1, _padding, "NCDHW")
case("nn.convolution", (X1, W1), lambda x, w: conv(x, w, 1, "SAME", 2), padding="SAME", dilations=2)
case("nn.convolution", (first(X3), W3), lambda x, w: first(conv(last(x), w)), data_format="NCDHW")
case("nn.conv2d", (X2, W2), lambda x, w: conv(x, w, 2, [(1, 2), (0, 3)]), 2, [[0, 0], [1, 2], [0, 3], [0, 0]])
case("nn.conv2d", (X2, floats(3, 3, 2, 6)), lambda x, w: conv(x, w, 1, "SAME"), 1, "SAME")
case("nn.conv2d", (X2, floats(3, 3, 1, 8)), lambda x, w: conv(x, w, 2, "SAME"), 2, "SAME")
case("nn.conv2d", (X2, floats(1, 1, 4, 5)), lambda x, w: conv(x, w, 2), 2, "VALID")
case("nn.conv2d", (floats(2, 3, 5, 4, 2), floats(2, 2, 2, 3)), lambda x, w: conv(
    x.reshape(6, 5, 4, 2), w).reshape(2, 3, 4, 3, 3), 1, "VALID")  # fmt: skip
case("nn.conv2d", (floats(0, 5, 4, 2), floats(2, 2, 2, 3)), lambda x, w: np.zeros((0, 4, 3, 3)), 1, "VALID",
     smooth=False)  # fmt: skip
case("nn.conv2d", (floats(2, 2, 2, 2), floats(3, 3, 2, 3)), lambda x, w: np.zeros((2, 0, 0, 3)), 1, "VALID",
     smooth=False)  # fmt: skip


def depthwise(x: Any, w: Any, *how: Any) -> Any:
    return conv(x, w.reshape(*w.shape[:2], 1, -1), *how)


for _w in (floats(3, 2, 4, 1), floats(2, 2, 4, 3)):
    case("nn.depthwise_conv2d", (X2, _w), lambda x, w: depthwise(x, w, 2, "SAME"), [1, 2, 2, 1], "SAME")
    case("nn.depthwise_conv2d", (X2, _w), lambda x, w: depthwise(x, w, 1, "VALID", 2), [1, 1, 1, 1], "VALID",
         dilations=[2, 2])  # fmt: skip
case("nn.depthwise_conv2d", (first(X2), floats(2, 2, 4, 2)), lambda x, w: first(depthwise(last(x), w, 1, "SAME")),
     [1, 1, 1, 1], "SAME", "NCHW")  # fmt: skip
case("nn.separable_conv2d", (X2, floats(3, 2, 4, 2), floats(1, 1, 8, 5)), lambda x, d, p: conv(
    depthwise(x, d, 2, "SAME"), p), [1, 2, 2, 1], "SAME")  # fmt: skip



def depthwise_back(x: Any, w: Any, ct: Any, of_filter: bool) -> Any:
    """The sum of ct times the convolution is linear in each operand: its slope along every unit vector."""
    source = np.zeros_like(w if of_filter else x)
    slopes = np.zeros_like(source)
    for at in np.ndindex(*source.shape):
        source[at] = 1
        slopes[at] = (ct * depthwise(*((x, source) if of_filter else (source, w)), 2, "SAME")).sum()
        source[at] = 0
    return slopes


_D, _C = floats(3, 2, 4, 2), floats(2, 4, 3, 8)
custom("nn.depthwise_conv2d_backprop_filter", lambda x, ct: tf.nn.depthwise_conv2d_backprop_filter(
    x, _D.shape, ct, [1, 2, 2, 1], "SAME"), (X2, _C), lambda x, ct: depthwise_back(x, _D, ct, True), exact=False)
custom("nn.depthwise_conv2d_backprop_input", lambda w, ct: tf.nn.depthwise_conv2d_backprop_input(
    X2.shape, w, ct, [1, 2, 2, 1], "SAME"), (_D, _C), lambda w, ct: depthwise_back(X2, w, ct, False), exact=False)
for _name, _first, _sizes in (("filter", X2, (3, 2, 4, 2)), ("input", X2.shape, _D)):
    fault(f"nn.depthwise_conv2d_backprop_{_name}", ValueError, _first, _sizes, _C[:, :3], [1, 2, 2, 1], "SAME")

# Transposed convolutions.

_T = floats(3, 2, 5, 4)
for _padding, _stride, _size in (("SAME", 2, (13, 12)), ("SAME", 2, (14, 11)), ("VALID", 2, (15, 13)),
                                 ("SAME", 1, (7, 6)), ("VALID", 3, (21, 17))):  # fmt: skip
    _ref = lambda x, w, p=_padding, s=_stride, z=_size: conv_back(x, w, (2, *z, 5), s, p)  # noqa: E731
    for _name in ("nn.conv2d_transpose", "nn.conv_transpose"):
        case(_name, (X2, _T), _ref, (2, *_size, 5), _stride, _padding)
case("nn.conv2d_transpose", (first(X2), _T), lambda x, w: first(conv_back(last(x), w, (2, 13, 12, 5), 2)),
     (2, 5, 13, 12), 2, "SAME", "NCHW")  # fmt: skip
case("nn.conv1d_transpose", (X1, floats(3, 5, 4)), lambda x, w: conv_back(x, w, (2, 18, 5), 2), (2, 18, 5), 2)
case("nn.conv3d_transpose", (X3, floats(2, 3, 2, 3, 2)), lambda x, w: conv_back(x, w, (1, 8, 10, 5, 3), 2),
     (1, 8, 10, 5, 3), 2)  # fmt: skip
case("nn.atrous_conv2d_transpose", (X2, _T), lambda x, w: conv_back(x, w, (2, 7, 6, 5), 1, "SAME", 2), (2, 7, 6, 5), 2,
     "SAME")  # fmt: skip

# Pooling.

for _kind in ("max", "avg"):
    for _padding in ("VALID", "SAME"):
        _ref = lambda x, p=_padding, k=_kind: pool(x, 3, 2, p, k)  # noqa: E731
        case(f"nn.{_kind}_pool", X2, _ref, 3, 2, _padding)
        case(f"nn.{_kind}_pool1d", X1, _ref, 3, 2, _padding)
        case(f"nn.{_kind}_pool2d", X2, _ref, [1, 3, 3, 1], [2, 2], _padding)
        case(f"nn.{_kind}_pool3d", X3, lambda x, p=_padding, k=_kind: pool(x, 2, (1, 2, 1), p, k), 2, (1, 2, 1),
             _padding)  # fmt: skip
        case("nn.pool", X2, lambda x, p=_padding, k=_kind: pool(x, (2, 3), 1, p, k, 2), (2, 3), _kind.upper(),
             padding=_padding, dilations=2)  # fmt: skip
    case(f"nn.{_kind}_pool2d", first(X2), lambda x, k=_kind: first(pool(last(x), 2, 1, "SAME", k)), 2, 1, "SAME",
         "NCHW")  # fmt: skip
case("nn.max_pool", X2, lambda x: pool(x, 3, 2, [(1, 2), (0, 1)], "max"), 3, 2, [[0, 0], [1, 2], [0, 1], [0, 0]])
case("nn.max_pool", np.full((1, 3, 3, 2), -9, np.int32), lambda x: x, 3, 1, "SAME", smooth=False)
case("nn.max_pool2d", floats(0, 4, 4, 2), lambda x: np.zeros((0, 2, 2, 2)), 2, 2, "VALID", smooth=False)


def argmaxima(x: Any, batch: bool) -> list[Any]:
    n, h, w, c = x.shape
    top = np.zeros((n, h // 2, w // 2, c))
    at = np.zeros(top.shape, np.int64)
    for i in np.ndindex(*top.shape):
        block = x[i[0], 2 * i[1] : 2 * i[1] + 2, 2 * i[2] : 2 * i[2] + 2, i[3]]
        dy, dx = np.unravel_index(block.argmax(), (2, 2))
        top[i] = block.max()
        at[i] = ((2 * i[1] + dy) * w + 2 * i[2] + dx) * c + i[3] + batch * i[0] * h * w * c
    return [top, at]


for _batch in (False, True):
    for _x in (X2, np.round(X2)):
        case("nn.max_pool_with_argmax", _x, lambda x, b=_batch: argmaxima(x, b), 2, 2, "VALID", smooth=False,
             include_batch_in_index=_batch)  # fmt: skip

# Blocks and neighbours.


def to_depth(x: Any, b: int) -> Any:
    n, h, w, c = x.shape
    y = np.zeros((n, h // b, w // b, b * b * c), x.dtype)
    for i, j in itertools.product(range(b), range(b)):
        y[..., (i * b + j) * c : (i * b + j + 1) * c] = x[:, i::b, j::b]
    return y


def to_space(x: Any, b: int) -> Any:
    n, h, w, c = x.shape
    y = np.zeros((n, h * b, w * b, c // b // b), x.dtype)
    for i, j in itertools.product(range(b), range(b)):
        y[:, i::b, j::b] = x[..., (i * b + j) * y.shape[-1] : (i * b + j + 1) * y.shape[-1]]
    return y


_B = floats(2, 4, 6, 3)
case("nn.space_to_depth", _B, lambda x: to_depth(x, 2), 2, exact=True)
case("nn.space_to_depth", first(_B), lambda x: first(to_depth(last(x), 2)), 2, "NCHW", exact=True)
case("nn.depth_to_space", floats(2, 3, 2, 12), lambda x: to_space(x, 2), 2, exact=True)
case("nn.depth_to_space", floats(2, 18, 2, 3), lambda x: first(to_space(last(x), 3)), 3, "NCHW", exact=True)


def to_batch(x: Any, blocks: Any, pads: Any) -> Any:
    x = np.pad(x, [(0, 0), *pads, *[(0, 0)] * (x.ndim - 1 - len(blocks))])
    places = itertools.product(*map(range, blocks))
    return np.concatenate([
        x[(slice(None), *(slice(i, None, b) for i, b in zip(at, blocks, strict=True)))] for at in places
    ])  # fmt: skip


def from_batch(x: Any, blocks: Any, crops: Any) -> Any:
    n = x.shape[0] // int(np.prod(blocks))
    y = np.zeros((n, *(s * b for s, b in zip(x.shape[1:], blocks, strict=False)), *x.shape[len(blocks) + 1 :]), x.dtype)
    for k, at in enumerate(itertools.product(*map(range, blocks))):
        y[(slice(None), *(slice(i, None, b) for i, b in zip(at, blocks, strict=True)))] = x[k * n : (k + 1) * n]
    return y[(slice(None), *(slice(a, s - b) for s, (a, b) in zip(y.shape[1:], crops, strict=False)))]


for _name in ("space_to_batch", "nn.space_to_batch"):
    case(_name, X2, lambda x: to_batch(x, (2, 3), [(1, 0), (2, 1)]), [2, 3], [[1, 0], [2, 1]], exact=True)
case("space_to_batch_nd", floats(2, 6), lambda x: to_batch(x, (3,), [(0, 0)]), [3], [[0, 0]], exact=True)
case("batch_to_space", floats(12, 3, 2, 5), lambda x: from_batch(x, (2, 3), [(1, 0), (2, 1)]), [2, 3],
     [[1, 0], [2, 1]], exact=True)  # fmt: skip
case("batch_to_space", floats(4, 3), lambda x: from_batch(x, (2,), [(0, 0)]), [2], [[0, 0]], exact=True)


def lrn(x: Any, radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5) -> Any:
    c = x.shape[-1]
    sums = [np.square(x[..., max(i - radius, 0) : i + radius + 1]).sum(-1) for i in range(c)]
    return x / (bias + alpha * np.stack(sums, -1)) ** beta


case("nn.local_response_normalization", floats(2, 3, 2, 13), lrn)
case("nn.lrn", floats(2, 3, 2, 7), lambda x: lrn(x, 2, 1.5, 0.3, 0.75), 2, 1.5, 0.3, 0.75)


def morphology(x: Any, w: Any, stride: int, rate: int, grow: bool) -> Any:
    n, h, wide, c = x.shape
    spans = [(k - 1) * rate + 1 for k in w.shape[:2]]
    pads = [pads_of("SAME", s, k, stride) for s, k in zip((h, wide), spans, strict=True)]
    fill = -np.inf if grow else np.inf
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    y = np.zeros((n, -(-h // stride), -(-wide // stride), c))
    w = w if grow else w[::-1, ::-1]
    for i, j in np.ndindex(*y.shape[1:3]):
        cut = x[:, i * stride : i * stride + spans[0] : rate, j * stride : j * stride + spans[1] : rate]
        y[:, i, j] = (cut + w).max((1, 2)) if grow else (cut - w).min((1, 2))
    return y


for _name, _grow in (("nn.dilation2d", True), ("nn.erosion2d", False)):
    case(_name, (X2, floats(3, 2, 4)), lambda x, w, g=_grow: morphology(x, w, 1, 2, g), [1] * 4, "SAME", "NHWC",
         [1, 2, 2, 1], exact=True)  # fmt: skip
    case(_name, (X2, floats(2, 3, 4)), lambda x, w, g=_grow: morphology(x, w, 2, 1, g), [1, 2, 2, 1], "SAME", "NHWC",
         [1] * 4, exact=True)  # fmt: skip
    fault(_name, ValueError, X2, floats(3, 2, 5), [1] * 4, "SAME", "NHWC", [1] * 4)
    fault(_name, ValueError, X2, floats(3, 2, 4), [1] * 4, "SAME", "NCHW", [1] * 4)

# Bad ranks, channels, dtypes, paddings, strides.

for _name, _x, _w in (("nn.conv1d", X1, W1), ("nn.conv2d", X2, W2), ("nn.conv3d", X3, W3)):
    fault(_name, ValueError, _x[0], _w, 1, "SAME")
    fault(_name, ValueError, _x, _w[0], 1, "SAME")
    fault(_name, ValueError, _x[..., :-1], _w, 1, "SAME")
    fault(_name, ValueError, _x, _w, 1, "WIDE")
    fault(_name, ValueError, _x, _w, 0, "SAME")
    fault(_name, ValueError, _x, _w, [1, 2, 3, 4, 5, 6], "SAME")
    fault(_name, ValueError, _x, _w, 1, [[1, 2]] * 7)
    fault(_name, ValueError, _x, _w, 1, "SAME", "CHWN")
    fault(_name, TypeError, tf.constant(ints(*_x.shape)), tf.constant(_w), 1, "SAME")
    fault(_name, TypeError, tf.constant(_x), tf.constant(_w, tf.float32), 1, "SAME")
    fault(_name, TypeError, ints(*_x.shape), ints(*_w.shape), 1, "SAME")
fault("nn.conv2d", ValueError, X2[:, :1], W2, 1, "VALID")
fault("nn.convolution", ValueError, X2, W2, padding="full")
fault("nn.convolution", ValueError, X2, floats(4, 6))
fault("nn.depthwise_conv2d", ValueError, X2, floats(2, 2, 3, 1), [1] * 4, "SAME")
fault("nn.separable_conv2d", ValueError, X2, floats(2, 2, 4, 1), floats(1, 1, 5, 2), [1] * 4, "SAME")
fault("nn.atrous_conv2d", ValueError, X2, W2, 0, "SAME")
fault("nn.conv2d_transpose", ValueError, X2, _T, (2, 19, 12, 5), 2)
fault("nn.conv2d_transpose", ValueError, X2, _T, (2, 13, 12, 6), 2)
fault("nn.conv2d_transpose", ValueError, X2, W2, (2, 13, 12, 4), 2)
fault("nn.conv_transpose", ValueError, X2, _T, (13, 12, 5), 2)
fault("nn.conv1d_transpose", ValueError, X1, floats(3, 5, 4), (2, 40, 5), 2)
fault("nn.conv3d_transpose", ValueError, X3, floats(2, 3, 2, 3, 2), (1, 8, 10, 5, 4), 2)
fault("nn.atrous_conv2d_transpose", ValueError, X2, _T, (2, 7, 5, 5), 2, "SAME")
for _kind in ("max", "avg"):
    for _n in ("", "1d", "2d", "3d"):
        fault(f"nn.{_kind}_pool{_n}", ValueError, floats(4, 4), 2, 2, "SAME")
        fault(f"nn.{_kind}_pool{_n}", ValueError, {"1d": X1, "3d": X3}.get(_n, X2), 2, 2, "WIDE")
        fault(f"nn.{_kind}_pool{_n}", ValueError, {"1d": X1, "3d": X3}.get(_n, X2), 0, 2, "SAME")
        fault(f"nn.{_kind}_pool{_n}", TypeError, tf.constant([[[[[True]]]]])[0] if _n in ("", "2d") else
              tf.constant([[[True]]]) if _n == "1d" else tf.constant([[[[[True]]]]]), 1, 1, "SAME")  # fmt: skip
fault("nn.avg_pool", TypeError, ints(1, 3, 3, 1), 2, 1, "SAME")
fault("nn.max_pool", ValueError, X2, 2, 1, [[0, 0], [2, 0], [0, 0], [0, 0]])
fault("nn.pool", ValueError, X2, 2, "MEDIAN")
fault("nn.pool", ValueError, X2, 2, "MAX", 2, dilations=2)
fault("nn.max_pool_with_argmax", ValueError, X2, 2, 2, "SAME", output_dtype=tf.int8)
fault("nn.max_pool_with_argmax", ValueError, first(X2), 2, 2, "SAME", "NCHW")
fault("nn.space_to_depth", ValueError, X2, 2)
fault("nn.space_to_depth", ValueError, X2, 1)
fault("nn.depth_to_space", ValueError, X2, 3)
fault("nn.depth_to_space", ValueError, X1, 2)
fault("space_to_batch", ValueError, X2, [2, 4], [[0, 0], [0, 0]])
fault("space_to_batch", ValueError, X2, [2, 3], [[0, 0]])
fault("batch_to_space", ValueError, X2, [3], [[0, 0]])
fault("batch_to_space", ValueError, X2, [2], [[9, 9]])
fault("nn.lrn", ValueError, X1)
fault("nn.lrn", TypeError, tf.constant(ints(1, 2, 2, 3)))


def _grouped_gradient(x: Any, w: Any) -> Any:
    """The gradient of a sum is the same for every position: what the filter's channels add up to."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.nn.conv2d(x, w, 1, "VALID"))
    return tape.gradient(y, x)


custom("nn.conv2d", _grouped_gradient, (floats(1, 3, 3, 4), floats(3, 3, 2, 6)), lambda x, w: np.concatenate(
    [w[..., :3].sum(-1), w[..., 3:].sum(-1)], -1)[None], smooth=False, exact=False)  # fmt: skip
