"""Rows of tf.image; the references are loops over pixels, or the standard library's colour conversions."""

from __future__ import annotations

import colorsys
import math
from typing import Any

import numpy as np
from tf_cases import case, custom, fault, floats

import eager as tf

IMAGE = floats(7, 6, 3, low=0.05, high=0.95)
BATCH = floats(2, 5, 8, 3, low=0.05, high=0.95)
BYTES = (IMAGE * 255).astype(np.uint8)
FLAT = floats(4, 4)

# Geometry.

for _x in (IMAGE, BATCH, BYTES):
    _r = _x.ndim - 3
    case("image.flip_left_right", _x, lambda x: x[..., ::-1, :], exact=True, smooth=_x is not BYTES)
    case("image.flip_up_down", _x, lambda x: x[..., ::-1, :, :], exact=True, smooth=_x is not BYTES)
    case("image.transpose", _x, lambda x: x.swapaxes(-3, -2), exact=True, smooth=_x is not BYTES)
    for _k in (0, 1, 2, 3, 5, -1):
        case("image.rot90", _x, lambda x, k=_k, r=_r: np.rot90(x, k, (r, r + 1)), _k, exact=True,
             smooth=_x is not BYTES)  # fmt: skip
    case("image.crop_to_bounding_box", _x, lambda x: x[..., 1:4, 2:5, :], 1, 2, 3, 3, exact=True,
         smooth=_x is not BYTES)  # fmt: skip
    case("image.pad_to_bounding_box", _x, lambda x, r=_r: np.pad(x, [(0, 0)] * r + [
        (2, 10 - 2 - x.shape[-3]), (1, 11 - 1 - x.shape[-2]), (0, 0)]), 2, 1, 10, 11, exact=True,
        smooth=_x is not BYTES)  # fmt: skip
case("image.central_crop", IMAGE, lambda x: x[1:6, 1:5], 0.6)
case("image.central_crop", BATCH, lambda x: x[:, 1:4, 2:6], 0.5)
case("image.central_crop", BATCH, lambda x: x, 1.0)
case("image.resize_with_crop_or_pad", IMAGE, lambda x: np.pad(x[2:5], [(0, 0), (1, 2), (0, 0)]), 3, 9)
case("image.resize_with_crop_or_pad", BATCH, lambda x: np.pad(x[:, :, 1:6], [(0, 0), (1, 1), (0, 0), (0, 0)]), 7, 5)


def patches(x: Any, size: Any, step: Any, rate: Any, same: bool) -> Any:
    spans = [(k - 1) * r + 1 for k, r in zip(size, rate, strict=True)]
    if same:
        pads = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(x.shape[1:3], step, spans, strict=True)]
        x = np.pad(x, [(0, 0), *((p // 2, p - p // 2) for p in pads), (0, 0)])
    rows, columns = ((n - k) // s + 1 for n, s, k in zip(x.shape[1:3], step, spans, strict=True))
    return np.stack([
        np.stack([
            x[:, i * step[0] : i * step[0] + spans[0] : rate[0], j * step[1] : j * step[1] + spans[1] : rate[1]
              ].reshape(x.shape[0], -1) for j in range(columns)], 1) for i in range(rows)], 1)  # fmt: skip


for _padding in ("SAME", "VALID"):
    case("image.extract_patches", BATCH, lambda x, s=_padding: patches(x, (3, 2), (1, 2), (1, 2), s == "SAME"),
         [1, 3, 2, 1], [1, 1, 2, 1], [1, 1, 2, 1], _padding)  # fmt: skip

# Resizing.


def tent(x: float) -> float:
    return max(1 - abs(x), 0.0)


def keys(x: float) -> float:
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def mitchell(x: float) -> float:
    x = abs(x)
    near = (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    return near if x < 1 else (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6 if x < 2 else 0.0


def lanczos(n: int) -> Any:
    return lambda x: float(np.sinc(x) * np.sinc(x / n)) if abs(x) < n else 0.0


def bell(x: float) -> float:
    return math.exp(-2 * x * x) if abs(x) < 1.5 else 0.0


KERNELS = {"bilinear": (tent, 1), "bicubic": (keys, 2), "lanczos3": (lanczos(3), 3), "lanczos5": (lanczos(5), 5),
           "gaussian": (bell, 1.5), "mitchellcubic": (mitchell, 2)}  # fmt: skip


def weight(method: str, size: int, out: int, antialias: bool) -> Any:
    """The matrix [out, size] by definition: the kernel around each output's center, over pixels inside, normalised."""
    if method == "area":
        return np.array([[max(min((i + 1) * size / out, j + 1) - max(i * size / out, j), 0) * out / size
                          for j in range(size)] for i in range(out)])  # fmt: skip
    if method == "nearest":
        nearest = [min(int((i + 0.5) * size / out), size - 1) for i in range(out)]
        return np.eye(size)[nearest]
    kernel, _ = KERNELS[method]
    stretch = max(size / out, 1.0) if antialias else 1.0
    rows = [[kernel((j + 0.5 - (i + 0.5) * size / out) / stretch) for j in range(size)] for i in range(out)]
    table = np.array(rows)
    if method == "bilinear" and not antialias:  # beyond the border the border's pixel counts
        table[:, 0] += [max(-((i + 0.5) * size / out - 0.5), 0) for i in range(out)]
        table[:, -1] += [max((i + 0.5) * size / out - 0.5 - (size - 1), 0) for i in range(out)]
        return table
    return table / table.sum(1, keepdims=True)


def resized(x: Any, size: Any, method: str, antialias: bool = False) -> Any:
    rows, columns = (weight(method, n, m, antialias) for n, m in zip(x.shape[-3:-1], size, strict=True))
    return np.einsum("ph,qw,...hwc->...pqc", rows, columns, x)


for _method in (*KERNELS, "area", "nearest"):
    for _antialias in (False, True):
        for _size in ((5, 12), (14, 3), (3, 4)):
            if _method == "bicubic" and not _antialias:
                continue  # its table is tested below, at sizes whose fractions it has
            case("image.resize", BATCH, lambda x, m=_method, s=_size, a=_antialias: resized(x, s, m, a), _size, _method,
                 antialias=_antialias)  # fmt: skip
for _size in ((14, 12), (10, 16), (7, 6)):
    case("image.resize", BATCH if _size[0] == 10 else IMAGE, lambda x, s=_size: resized(x, s, "bicubic"), _size,
         tf.image.ResizeMethod.BICUBIC)  # fmt: skip
case("image.resize", IMAGE, lambda x: resized(x, (9, 8), "bilinear"), [12, 8], preserve_aspect_ratio=True)
case("image.resize", BYTES, lambda x: resized(x, (3, 4), "nearest").astype(np.uint8), (3, 4), "nearest", smooth=False)
case("image.resize_with_pad", IMAGE, lambda x: np.pad(
    resized(x, (10, 8), "bilinear"), [(0, 0), (3, 4), (0, 0)]), 10, 15)  # fmt: skip
case("image.resize_with_pad", BATCH, lambda x: np.pad(
    resized(x, (3, 5), "bilinear", True), [(0, 0), (1, 2), (0, 0), (0, 0)]), 6, 5, antialias=True)  # fmt: skip


def sampled(image: Any, ys: Any, xs: Any) -> Any:
    """The image at fractional positions: every pixel weighed by a tent of its distance."""
    out = np.zeros((*ys.shape, image.shape[-1]))
    for i, j in np.ndindex(*image.shape[:2]):
        out += (np.maximum(1 - abs(ys - i), 0) * np.maximum(1 - abs(xs - j), 0))[..., None] * image[i, j]
    return out


def boxed(x: Any, boxes: Any, size: Any, order: int, fill: float = 0.0) -> Any:
    found = []
    for image, (y1, x1, y2, x2) in zip((x[1], x[0], x[1]), boxes, strict=True):
        last = np.array(image.shape[:2]) - 1
        axes = [np.linspace(a * n, b * n, m) if m > 1 else np.array([(a + b) * n / 2])
                for a, b, n, m in ((y1, y2, last[0], size[0]), (x1, x2, last[1], size[1]))]  # fmt: skip
        grid = np.meshgrid(*axes, indexing="ij")
        outside = sum(((g < 0) | (g > n)) for g, n in zip(grid, last, strict=True)) > 0
        grid = [np.floor(g + 0.5) if order == 0 else g for g in grid]
        found.append(np.where(outside[..., None], fill, sampled(image, *grid)))
    return np.stack(found)


BOXES = np.array([[0.03, 0.11, 0.93, 0.97], [0.21, 0.82, 0.71, 0.13], [-0.31, 0.12, 0.63, 1.41]])
for _size, _order, _how in (
    ((4, 5), 1, {}), ((1, 3), 1, {"extrapolation_value": 2.5}), ((3, 2), 0, {"method": "nearest"}),
):  # fmt: skip
    case("image.crop_and_resize", (BATCH, BOXES), lambda x, b, s=_size, o=_order, h=_how: boxed(
        x, b, s, o, h.get("extrapolation_value", 0.0)), [1, 0, 1], _size, smooth=_order == 1, **_how)  # fmt: skip

# Colours.


def per_pixel(convert: Any) -> Any:
    return lambda x: np.apply_along_axis(lambda p: np.array(convert(*p)), -1, x)


for _x in (IMAGE, BATCH):
    case("image.rgb_to_hsv", _x, per_pixel(colorsys.rgb_to_hsv))
    case("image.hsv_to_rgb", _x, per_pixel(colorsys.hsv_to_rgb))
case("image.rgb_to_hsv", np.array([[0.0, 0, 0], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 1]]), per_pixel(colorsys.rgb_to_hsv),
     smooth=False)  # fmt: skip


def turned(delta: float, factor: float) -> Any:
    def one(r: float, g: float, b: float) -> Any:
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        return colorsys.hsv_to_rgb((h + delta) % 1, min(max(s * factor, 0), 1), v)

    return per_pixel(one)


def bytes_of(x: Any) -> Any:
    return np.clip(np.floor(x * 255.5), 0, 255).astype(np.uint8)


def byte_floats(x: Any) -> Any:
    return x.astype(np.float32) * np.float32(1 / 255)


case("image.adjust_hue", IMAGE, turned(0.3, 1), 0.3)
case("image.adjust_hue", BATCH, turned(-0.4, 1), -0.4)
case("image.adjust_saturation", IMAGE, turned(0, 0.6), 0.6)
case("image.adjust_saturation", BATCH, turned(0, 1.7), 1.7, smooth=False)
case("image.adjust_brightness", IMAGE, lambda x: x + 0.2, 0.2)
case("image.adjust_brightness", BYTES, lambda x: bytes_of(byte_floats(x) + np.float32(0.3)), 0.3, smooth=False)
case("image.adjust_contrast", BATCH, lambda x: 1.5 * x - 0.5 * x.mean((1, 2), keepdims=True), 1.5)
case("image.adjust_gamma", IMAGE, lambda x: 0.9 * x**2.2, 2.2, 0.9)
case("image.rgb_to_grayscale", BATCH, lambda x: (x @ np.array([0.2989, 0.587, 0.114]))[..., None])
case("image.grayscale_to_rgb", BATCH[..., :1], lambda x: np.repeat(x, 3, -1))
case("image.grayscale_to_rgb", BYTES[..., :1], lambda x: np.repeat(x, 3, -1), smooth=False)
case("image.convert_image_dtype", BYTES, byte_floats, tf.float32, smooth=False)
case("image.convert_image_dtype", np.array([0.0, 0.2, 1.0], np.float32), bytes_of, tf.uint8, smooth=False)
case("image.convert_image_dtype", np.array([-1.0, 0.2, 9], np.float32), bytes_of, tf.uint8, True, smooth=False)
case("image.convert_image_dtype", BYTES, lambda x: x.astype(np.int16) * 128, tf.int16, smooth=False)
case("image.convert_image_dtype", np.array([0, 300, 32767], np.int16), lambda x: (x // 128).astype(np.uint8), tf.uint8,
     smooth=False)  # fmt: skip
case("image.convert_image_dtype", IMAGE, lambda x: x.astype(np.float32), tf.float32, smooth=False)

# Measures.


def standardised(x: Any) -> Any:
    axes = (-3, -2, -1)
    deviation = np.maximum(x.std(axes, keepdims=True), 1 / math.sqrt(np.prod(x.shape[-3:])))
    return (x - x.mean(axes, keepdims=True)) / deviation


for _x in (IMAGE, BATCH):
    case("image.per_image_standardization", _x, standardised)
    case("image.total_variation", _x, lambda x: np.abs(np.diff(x, axis=-3)).sum((-3, -2, -1)) + np.abs(
        np.diff(x, axis=-2)).sum((-3, -2, -1)))  # fmt: skip
    _y = _x + floats(*_x.shape, low=-0.04, high=0.04)
    case("image.psnr", (_x, _y), lambda x, y: 10 * np.log10(1.0 / np.square(x - y).mean((-3, -2, -1))), 1.0)
case("image.per_image_standardization", np.full((2, 3, 1), 5.0), lambda x: x * 0, smooth=False)
case("image.image_gradients", BATCH, lambda x: [
    np.concatenate([np.diff(x, axis=a), np.zeros_like(x[:, :1] if a == 1 else x[:, :, :1])], a) for a in (1, 2)])


def sobel(x: Any) -> Any:
    h, w = x.shape[1:3]
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    down = [x[:, :, j : j + w] for j in range(3)]
    across = [x[:, i : i + h] for i in range(3)]
    rows, columns = (p[0] + 2 * p[1] + p[2] for p in (down, across))
    return np.stack([rows[:, 2:] - rows[:, :-2], columns[:, :, 2:] - columns[:, :, :-2]], -1)


case("image.sobel_edges", BATCH, sobel)


def similarity(x: Any, y: Any, size: int, sigma: float, peak: float = 1.0, k1: float = 0.01, k2: float = 0.03) -> Any:
    line = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = np.zeros((*x.shape[:-3], x.shape[-3] - size + 1, x.shape[-2] - size + 1, x.shape[-1]))
    for at in np.ndindex(*found.shape):
        cut = (*at[:-3], slice(at[-3], at[-3] + size), slice(at[-2], at[-2] + size), at[-1])
        a, b = x[cut], y[cut]
        m, n = (window * a).sum(), (window * b).sum()
        v, w, both = (window * a * a).sum() - m * m, (window * b * b).sum() - n * n, (window * a * b).sum() - m * n
        c1, c2 = (k1 * peak) ** 2, (k2 * peak) ** 2
        found[at] = (2 * m * n + c1) * (2 * both + c2) / ((m * m + n * n + c1) * (v + w + c2))
    return found


_Y = BATCH + floats(*BATCH.shape, low=-0.2, high=0.2)
case("image.ssim", (BATCH, _Y), lambda x, y: similarity(x, y, 5, 1.5).mean((1, 2, 3)), 1.0, 5)
case("image.ssim", (BATCH, _Y), lambda x, y: similarity(x, y, 4, 0.8, 2.0).mean(-1), 2.0, 4, 0.8,
     return_index_map=True)  # fmt: skip
case("image.ssim", (IMAGE, IMAGE), lambda x, y: np.array(1.0), 1.0, 5, smooth=False)

# Chance: what does not depend on the draw, and the draws that decide.

_SEED = np.array([3, 5], np.int32)


def member(draws: int, call: Any, choices: Any) -> Any:
    """How many draws are none of the choices, and whether every choice was met."""

    def count(x: Any) -> Any:
        found = [np.asarray(call(x, i)) for i in range(draws)]
        wanted = choices(np.asarray(x))
        met = {next((k for k, w in enumerate(wanted) if w.shape == f.shape and np.allclose(f, w, atol=1e-6)), -1)
               for f in found}  # fmt: skip
        return tf.constant(np.array(sorted(met)))

    return count


def chance(name: str, call: Any, choices: Any, count: int, draws: int = 40) -> None:
    """Only eagerly: which draw comes depends on the stream."""
    RANDOM.append((name, member(draws, call, choices), count))


RANDOM: list[Any] = []


def both(axis: int) -> Any:
    return lambda x: [x, np.flip(x, axis)]


def corners(x: Any) -> Any:
    return [x[i : i + 5, j : j + 4] for i in range(3) for j in range(3)]


chance("image.random_flip_left_right", lambda x, i: tf.image.random_flip_left_right(x), both(1), 2)
chance("image.random_flip_up_down", lambda x, i: tf.image.random_flip_up_down(x), both(0), 2)
chance("image.stateless_random_flip_left_right", lambda x, i: tf.image.stateless_random_flip_left_right(x, (i, 2)),
       both(1), 2)  # fmt: skip
chance("image.stateless_random_flip_up_down", lambda x, i: tf.image.stateless_random_flip_up_down(x, (i, 2)),
       both(0), 2)  # fmt: skip
chance("image.random_crop", lambda x, i: tf.image.random_crop(x, (5, 4, 3)), corners, 9, 200)
chance("image.stateless_random_crop", lambda x, i: tf.image.stateless_random_crop(x, (5, 4, 3), (i, 7)), corners, 9,
       200)  # fmt: skip

for _name, _range in (("brightness", (0.0,)), ("contrast", (0.999999999, 1.0)), ("saturation", (0.999999999, 1.0)),
                      ("hue", (0.0,))):  # fmt: skip
    case(f"image.random_{_name}", IMAGE, lambda x: x, *_range, smooth=False)
    custom(f"image.stateless_random_{_name}", lambda x, n=_name, r=_range: getattr(
        tf.image, f"stateless_random_{n}")(x, *r, (1, 2)), IMAGE, lambda x: x, smooth=False, exact=False)  # fmt: skip
    _wrong = (-0.1,) if len(_range) == 1 else (0.9, 0.2)
    fault(f"image.random_{_name}", ValueError, IMAGE, *_wrong)
    fault(f"image.stateless_random_{_name}", ValueError, IMAGE, *_wrong, (1, 2))
for _name in ("flip_left_right", "flip_up_down"):
    custom(f"image.random_{_name}", lambda x, n=_name: getattr(tf.image, f"random_{n}")(x), np.ones((2, 3, 3, 1)),
           lambda x: x, smooth=False)  # fmt: skip
    custom(f"image.stateless_random_{_name}", lambda x, n=_name: getattr(tf.image, f"stateless_random_{n}")(x, (1, 2)),
           np.ones((2, 3, 3, 1)), lambda x: x, smooth=False)  # fmt: skip
    fault(f"image.random_{_name}", ValueError, FLAT)
    fault(f"image.stateless_random_{_name}", ValueError, FLAT, (1, 2))
custom("image.random_crop", lambda x: tf.image.random_crop(x, (2, 2, 1)), np.ones((3, 3, 1)), lambda x: x[:2, :2],
       smooth=False)  # fmt: skip
custom("image.stateless_random_crop", lambda x: tf.image.stateless_random_crop(x, (2, 2, 1), (1, 2)),
       np.ones((3, 3, 1)), lambda x: x[:2, :2], smooth=False)  # fmt: skip

# Bad ranks, sizes, channels, dtypes.

for _name, _args in (
    ("flip_left_right", ()), ("flip_up_down", ()), ("transpose", ()), ("rot90", ()), ("central_crop", (0.5,)),
    ("crop_to_bounding_box", (0, 0, 1, 1)), ("pad_to_bounding_box", (0, 0, 9, 9)), ("resize_with_crop_or_pad", (2, 2)),
    ("resize", ((2, 2),)), ("resize_with_pad", (2, 2)), ("adjust_contrast", (0.1,)),
    ("adjust_hue", (0.1,)), ("adjust_saturation", (0.1,)), ("per_image_standardization", ()),
    ("total_variation", ()), ("image_gradients", ()), ("sobel_edges", ()), ("rgb_to_grayscale", ()),
    ("grayscale_to_rgb", ()), ("rgb_to_hsv", ()), ("hsv_to_rgb", ()),
    ("extract_patches", ([1, 2, 2, 1], [1] * 4, [1] * 4, "SAME")), ("crop_and_resize", (BOXES, [0, 0, 0], (2, 2))),
):  # fmt: skip
    fault(f"image.{_name}", ValueError, FLAT, *_args)
fault("image.central_crop", ValueError, IMAGE, 0.0)
fault("image.central_crop", ValueError, IMAGE, 1.5)
fault("image.crop_to_bounding_box", ValueError, IMAGE, 5, 0, 3, 3)
fault("image.crop_to_bounding_box", ValueError, IMAGE, 0, 0, 0, 3)
fault("image.pad_to_bounding_box", ValueError, IMAGE, 5, 0, 8, 8)
fault("image.resize_with_crop_or_pad", ValueError, IMAGE, 0, 3)
fault("image.extract_patches", ValueError, BATCH, [2, 2], [1] * 4, [1] * 4, "SAME")
fault("image.resize", ValueError, IMAGE, (3, 3), "smooth")
fault("image.resize", ValueError, IMAGE, (0, 3))
fault("image.resize", ValueError, IMAGE, 3)
fault("image.resize_with_pad", ValueError, IMAGE, 0, 3)
fault("image.crop_and_resize", ValueError, BATCH, BOXES[:, :3], [0, 0, 0], (2, 2))
fault("image.crop_and_resize", ValueError, BATCH, BOXES, [0, 0, 0], (2, 2), "cubic")
fault("image.crop_and_resize", ValueError, BATCH, BOXES, [0, 5, 0], (2, 2))
fault("image.adjust_brightness", TypeError, tf.constant([True]), 0.1)
fault("image.adjust_hue", ValueError, IMAGE, 1.5)
fault("image.adjust_hue", ValueError, IMAGE[..., :2], 0.5)
fault("image.adjust_gamma", ValueError, IMAGE, -1)
fault("image.adjust_saturation", ValueError, IMAGE[..., :1], 0.5)
fault("image.rgb_to_hsv", TypeError, tf.constant(BYTES))
fault("image.hsv_to_rgb", TypeError, tf.constant(BYTES))
fault("image.sobel_edges", TypeError, tf.constant(BYTES[None]))
fault("image.convert_image_dtype", TypeError, tf.constant([True]), tf.float32)
fault("image.convert_image_dtype", TypeError, IMAGE, tf.bool)
fault("image.psnr", ValueError, IMAGE, IMAGE[:3], 1.0)
fault("image.ssim", ValueError, IMAGE, IMAGE, 1.0)
fault("image.ssim", ValueError, IMAGE, IMAGE, 1.0, 0)
fault("image.ssim", ValueError, IMAGE, IMAGE[:3], 1.0, 3)
fault("image.random_crop", ValueError, IMAGE, (9, 2, 3))
fault("image.stateless_random_crop", ValueError, IMAGE, (2, 2), (1, 2))
