"""Rows of the layer table: convolution, pooling, padding, cropping, upsampling and reshaping."""

import numpy as np
from check_layer import case
from tf_cases import floats
from tf_cases_conv import conv, conv_back, first, last, pool

import eager as tf

L = tf.keras.layers
X = {1: floats(2, 7, 4), 2: floats(2, 6, 5, 4), 3: floats(2, 4, 3, 5, 2)}
FIRST = {rank: first(x) for rank, x in X.items()}


def rows(name, positional, options, reference, formats="last first"):
    """A row with channels last, and the same with channels first."""
    rank = int(name.rpartition("D")[0][-1])
    if "last" in formats:
        row(name, positional, options, X[rank], reference)
    if "first" in formats:
        turned = options | {"data_format": "channels_first"}
        row(name, positional, turned, FIRST[rank], lambda w, x: channels_first(reference(w, last(x))))


def row(name, positional, options, x, reference):
    shown = " ".join([name, *map(str, positional), *(f"{k}={v}" for k, v in options.items())])
    case(shown, lambda **k: getattr(L, name)(*positional, **options, **k), x, reference=reference)


def channels_first(y):
    return first(y) if y.ndim > 2 else y


def biased(y, w):
    return y + w[-1]


def causal(x, w, dilation=1):
    return biased(conv(x, w[0], 1, [((len(w[0]) - 1) * dilation, 0)], dilation), w)


# Convolutions --------------------------------------------------------------------------------------------------------

for _rank in (1, 2, 3):
    _name, _size = f"Conv{_rank}D", (3, 2, 2)[:_rank]
    rows(_name, (3, _size), {}, lambda w, x: biased(conv(x, w[0]), w), "last")
    rows(_name, (3, _size), {"padding": "same", "strides": 2}, lambda w, x: biased(conv(x, w[0], 2, "SAME"), w))
    rows(_name, (3, _size), {"dilation_rate": 2, "padding": "same"},
         lambda w, x: biased(conv(x, w[0], 1, "SAME", 2), w), "last")  # fmt: skip
    rows(_name, (4, _size), {"groups": 2, "use_bias": False}, lambda w, x: conv(x, w[0]), "last")
rows("Conv1D", (3, 3), {"padding": "causal"}, lambda w, x: causal(x, w))
rows("Conv1D", (3, 2), {"padding": "causal", "dilation_rate": 3}, lambda w, x: causal(x, w, 3), "last")
rows("Conv2D", (3, 2), {"activation": "tanh", "kernel_regularizer": "l2", "bias_constraint": "non_neg"},
     lambda w, x: np.tanh(biased(conv(x, w[0]), w)))  # fmt: skip
case("Conv2D of more batch axes", lambda **k: L.Conv2D(3, 2, **k), floats(2, 3, 4, 4, 2),
     reference=lambda w, x: biased(conv(x.reshape(6, 4, 4, 2), w[0]), w).reshape(2, 3, 3, 3, 3))  # fmt: skip

# Transposed convolutions ---------------------------------------------------------------------------------------------


def transposed(w, x, sizes, stride, padding, dilation=1):
    shape = (len(x), *sizes, w[0].shape[-2])
    return biased(conv_back(x, w[0], shape, stride, padding.upper(), dilation), w)


def grown(x, stride, padding, more):
    """The spatial sizes of a transposed convolution with a window of 3."""
    if more is None:
        return tuple(n * stride + max(3 - stride, 0) * (padding == "valid") for n in x.shape[1:-1])
    return tuple((n - 1) * stride + 3 - 2 * (padding == "same") + more for n in x.shape[1:-1])


for _rank in (1, 2, 3):
    for _how in ((1, "valid", None), (2, "same", None), (2, "valid", 1), (2, "same", 0), (3, "same", 2)):
        rows(f"Conv{_rank}DTranspose", (2, 3), dict(zip(("strides", "padding", "output_padding"), _how, strict=True)),
             lambda w, x, h=_how: transposed(w, x, grown(x, *h), *h[:2]),
             "last first" if _how[0] == 3 else "last")  # fmt: skip
    rows(f"Conv{_rank}DTranspose", (2, 3), {"dilation_rate": 2},
         lambda w, x: transposed(w, x, tuple(n + 4 for n in x.shape[1:-1]), 1, "valid", 2), "last")  # fmt: skip

# Depthwise and separable convolutions --------------------------------------------------------------------------------


def deep(x, w, *how):
    """Every channel with its own filters; `w` is (*kernel, channels, multiplier)."""
    return conv(x, w.reshape(*w.shape[:-2], 1, -1), *how)


for _rank in (1, 2):
    for _options, _how, _formats in (
        ({}, (1, "VALID"), "last"),
        ({"padding": "same", "strides": 2, "depth_multiplier": 2}, (2, "SAME"), "last first"),
        ({"dilation_rate": 2, "padding": "same"}, (1, "SAME", 2), "last"),
    ):
        rows(f"DepthwiseConv{_rank}D", (2,), _options, lambda w, x, h=_how: biased(deep(x, w[0], *h), w), _formats)
        rows(f"SeparableConv{_rank}D", (3, 2), _options,
             lambda w, x, h=_how: biased(conv(deep(x, w[0], *h), w[1]), w), _formats)  # fmt: skip
row("DepthwiseConv2D", ((2, 3),), {"strides": (2, 1)}, X[2], lambda w, x: biased(deep(x, w[0], (2, 1)), w))
row("SeparableConv1D", (3, 3), {"padding": "causal"}, X[1],
    lambda w, x: biased(conv(deep(x, w[0], 1, [(2, 0)]), w[1]), w))  # fmt: skip

# Pooling -------------------------------------------------------------------------------------------------------------

for _rank in (1, 2, 3):
    for _kind, _fold in (("Max", "max"), ("Average", "avg")):
        rows(f"{_kind}Pooling{_rank}D", (), {}, lambda w, x, f=_fold: pool(x, 2, 2, "VALID", f), "last")
        rows(f"{_kind}Pooling{_rank}D", (3,), {"strides": 2, "padding": "same"},
             lambda w, x, f=_fold: pool(x, 3, 2, "SAME", f))  # fmt: skip
    for _kind, _whole in (("Max", np.max), ("Average", np.mean)):
        rows(f"Global{_kind}Pooling{_rank}D", (), {},
             lambda w, x, f=_whole: f(x, axis=tuple(range(1, x.ndim - 1))))  # fmt: skip
        rows(f"Global{_kind}Pooling{_rank}D", (), {"keepdims": True},
             lambda w, x, f=_whole: f(x, axis=tuple(range(1, x.ndim - 1)), keepdims=True), "first")  # fmt: skip

# Padding, cropping, upsampling ---------------------------------------------------------------------------------------

row("ZeroPadding1D", (2,), {}, X[1], lambda w, x: np.pad(x, [(0, 0), (2, 2), (0, 0)]))
row("ZeroPadding1D", ((0, 3),), {}, X[1], lambda w, x: np.pad(x, [(0, 0), (0, 3), (0, 0)]))
row("Cropping1D", (), {}, X[1], lambda w, x: x[:, 1:-1])
row("Cropping1D", ((2, 0),), {}, X[1], lambda w, x: x[:, 2:])
row("UpSampling1D", (3,), {}, X[1], lambda w, x: x.repeat(3, 1))
rows("ZeroPadding2D", (((1, 0), (2, 3)),), {}, lambda w, x: np.pad(x, [(0, 0), (1, 0), (2, 3), (0, 0)]))
rows("ZeroPadding3D", ((1, 0, 2),), {}, lambda w, x: np.pad(x, [(0, 0), (1, 1), (0, 0), (2, 2), (0, 0)]))
rows("Cropping2D", (((1, 0), (2, 1)),), {}, lambda w, x: x[:, 1:, 2:-1])
rows("Cropping3D", (1,), {}, lambda w, x: x[:, 1:-1, 1:-1, 1:-1])
rows("UpSampling2D", ((2, 3),), {}, lambda w, x: x.repeat(2, 1).repeat(3, 2))
rows("UpSampling3D", (), {}, lambda w, x: x.repeat(2, 1).repeat(2, 2).repeat(2, 3))


def bilinear(x, axis, factor):
    """Between the centers of elements a straight line, beyond the outermost ones their value."""
    n = x.shape[axis]
    at = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0, n - 1)
    low = np.minimum(at.astype(int), n - 2)
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    part = (at - low).reshape(shape)
    return x.take(low, axis) * (1 - part) + x.take(low + 1, axis) * part


rows("UpSampling2D", ((2, 3),), {"interpolation": "bilinear"}, lambda w, x: bilinear(bilinear(x, 1, 2), 2, 3))
rows("UpSampling2D", (2,), {"interpolation": "area"}, lambda w, x: x.repeat(2, 1).repeat(2, 2))

# Reshaping -----------------------------------------------------------------------------------------------------------

row("Flatten", (), {}, X[2], lambda w, x: x.reshape(len(x), -1))
row("Flatten", ("channels_first",), {}, FIRST[2], lambda w, x: last(x).reshape(len(x), -1))
row("Reshape", ((10, -1),), {}, X[2], lambda w, x: x.reshape(len(x), 10, -1))
row("Permute", ((3, 1, 2),), {}, X[2], lambda w, x: x.transpose(0, 3, 1, 2))
row("RepeatVector", (3,), {}, floats(2, 4), lambda w, x: np.stack([x] * 3, 1))
