"""One workload per kind of op: its data, and what it computes in plain NumPy.

The plain form in float64 is the yardstick of correctness, on the data's own dtypes it is the NumPy side. How the other
sides write the same is in `benchmarks.peers.kinds_*`.
"""

import importlib.util
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from benchmarks.reference import Array
from benchmarks.workloads import Data, Workload

PREFIX = "kind_"
SEGMENTS, TOP, NEWTON, DRAWS = 512, 8, 20, (1024, 1024)
_QUANTILES = np.linspace(0.05, 0.95, 19)


def _elementwise(a: Array, b: Array, c: Array) -> Array:
    return np.maximum(a * b + c, 0)


def _transcendental(x: Array) -> Array:
    return np.exp(-x * x) + np.tanh(x) * np.sin(x)


def _windows(x: Array, height: int, width: int) -> Array:
    """Every place of a window over [N, H, W, C]: [N, H', W', C, height, width]."""
    return np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(1, 2))


def _padded(x: Array) -> Array:
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def _convolution(x: Array, w: Array) -> Array:
    return np.tensordot(_windows(_padded(x), 3, 3), w, axes=((4, 5, 3), (0, 1, 2)))


def _depthwise(x: Array, w: Array) -> Array:
    return np.einsum("nijchw,hwc->nijc", _windows(_padded(x), 3, 3), w[..., 0])


def _pooling(x: Array) -> Array:
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def _scatter_add(x: Array, ids: Array, updates: Array) -> Array:
    result = x.copy()
    np.add.at(result, ids, updates)
    return result


def _segment_sum(x: Array, ids: Array) -> Array:
    result = np.zeros((SEGMENTS, x.shape[1]), x.dtype)
    np.add.at(result, ids, x)
    return result


def _top_k(x: Array) -> Array:
    rows = np.partition(x, x.shape[-1] - TOP, axis=-1)[:, -TOP:]
    return np.sort(rows, axis=-1)[:, ::-1]


def _cond(x: Array) -> Array:
    return np.exp(x) if x.sum() > 0 else -x


def _while_loop(x: Array) -> Array:
    y = np.ones_like(x)
    for _ in range(NEWTON):
        y = (y + x / y) * x.dtype.type(0.5)
    return y


def _scan(x: Array, h: Array, u: Array) -> Array:
    for row in x:
        h = np.tanh(row + h @ u)
    return h


def _random_normal(x: Array) -> Array:
    if x.dtype == np.float64:  # what a draw's quantiles must be; `summary` takes those of a side's draw
        return np.array([NormalDist().inv_cdf(q) for q in _QUANTILES])
    return np.random.default_rng(3).standard_normal(DRAWS, np.float32)


def _float16(a: Array, b: Array, c: Array) -> Array:
    return np.maximum(a * b + c, a)


def _bfloat16_gemm(x: Array, w: Array) -> Array:
    if x.dtype == np.float64:
        return x @ w
    return (x.astype(np.float32) @ w.astype(np.float32)).astype(x.dtype)


def _int8(a: Array, b: Array, c: Array) -> Array:
    return np.maximum(a + b, c)


PLAIN: dict[str, Callable[..., Array]] = {
    "elementwise": _elementwise,
    "transcendental": _transcendental,
    "reduce": lambda x: x.sum(axis=0),
    "argmax": lambda x: x.argmax(axis=-1),
    "contract": lambda a, b: np.einsum("bij,bjk->bik", a, b, optimize=True),
    "convolution": _convolution,
    "depthwise": _depthwise,
    "pooling": _pooling,
    "transpose": lambda x: np.ascontiguousarray(x.transpose(0, 2, 1)),
    "gather": lambda x, ids: x[ids],
    "scatter_add": _scatter_add,
    "sort": lambda x: np.sort(x, axis=-1),
    "top_k": _top_k,
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "segment_sum": _segment_sum,
    "random_normal": _random_normal,
    "cond": _cond,
    "while_loop": _while_loop,
    "scan": _scan,
    "float16": _float16,
    "bfloat16_gemm": _bfloat16_gemm,
    "int8": _int8,
}
"""What every kind computes, from the arrays of its data by position."""


def name_of(workload: Workload) -> str | None:
    """The kind of a workload of this table, None for one of another."""
    name = workload.family.removeprefix(PREFIX)
    return name if name != workload.family else None


def summary(name: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """How a result becomes the array that is checked: a draw becomes its quantiles."""
    if name != "random_normal":
        return convert
    return lambda value: np.quantile(np.asarray(convert(value), np.float64), _QUANTILES)


def _normal(dtype: Any, **shapes: tuple[int, ...]) -> Callable[[], Data]:
    def data() -> Data:
        rng = np.random.default_rng(7)
        return {name: rng.standard_normal(shape, np.float32).astype(dtype) for name, shape in shapes.items()}

    return data


def _with_ids(high: int, count: int, **shapes: tuple[int, ...]) -> Callable[[], Data]:
    """Numbers x, `ids` below `high`, and the other arrays."""

    def data() -> Data:
        first, *rest = _normal(np.float32, **shapes)().items()
        ids = np.random.default_rng(8).integers(0, high, count).astype(np.int32)
        return dict([first, ("ids", ids), *rest])

    return data


def _positive() -> Data:
    return {"x": np.abs(_normal(np.float32, x=(4096,))()["x"]) + np.float32(0.5)}


def _recurrent() -> Data:
    data = dict(_normal(np.float32, x=(64, 32, 64), h=(32, 64), u=(64, 64))())
    return {**data, "u": data["u"] / np.float32(8)}


def _bytes() -> Data:
    rng = np.random.default_rng(7)
    return {name: rng.integers(-60, 60, (1024, 1024)).astype(np.int8) for name in "abc"}


def _bfloat16() -> Data:
    import ml_dtypes

    return _normal(ml_dtypes.bfloat16, x=(256, 512), w=(512, 512))()


def _expected(name: str) -> Callable[[Data], list[Array]]:
    def expected(data: Data) -> list[Array]:
        wide = [a if a.dtype == np.int32 else a.astype(np.float64) for a in data.values()]
        return [PLAIN[name](*wide)]

    return expected


def _kind(name: str, size: str, data: Callable[[], Data], tolerance: float = 1e-5) -> Workload:
    return Workload(PREFIX + name, size, data, _expected(name), tolerance)


_SQUARE = (1024, 1024)
KINDS: list[Workload] = [
    _kind("elementwise", "1024x1024", _normal(np.float32, a=_SQUARE, b=_SQUARE, c=_SQUARE)),
    _kind("transcendental", "1024x1024", _normal(np.float32, x=_SQUARE)),
    _kind("reduce", "1024x1024", _normal(np.float32, x=_SQUARE)),
    _kind("argmax", "1024x1024", _normal(np.float32, x=_SQUARE), 0.0),
    _kind("contract", "16x128x128x128", _normal(np.float32, a=(16, 128, 128), b=(16, 128, 128))),
    _kind("convolution", "4x32x32x32", _normal(np.float32, x=(4, 32, 32, 32), w=(3, 3, 32, 64))),
    _kind("depthwise", "4x32x32x64", _normal(np.float32, x=(4, 32, 32, 64), w=(3, 3, 64, 1))),
    _kind("pooling", "8x64x64x32", _normal(np.float32, x=(8, 64, 64, 32)), 0.0),
    _kind("transpose", "64x128x130", _normal(np.float32, x=(64, 128, 130)), 0.0),
    _kind("gather", "4096 rows", _with_ids(10_000, 4096, x=(10_000, 64)), 0.0),
    _kind("scatter_add", "4096 rows", _with_ids(10_000, 4096, x=(10_000, 64), updates=(4096, 64))),
    _kind("sort", "256x1024", _normal(np.float32, x=(256, 1024)), 0.0),
    _kind("top_k", "256x1024", _normal(np.float32, x=(256, 1024)), 0.0),
    _kind("cumsum", "512x1024", _normal(np.float32, x=(512, 1024))),
    _kind("segment_sum", "8192x64", _with_ids(SEGMENTS, 8192, x=(8192, 64))),
    _kind("random_normal", "1024x1024", _normal(np.float32, x=(1,)), 0.01),
    _kind("cond", "256", _normal(np.float32, x=(256,))),
    _kind("while_loop", "20x4096", _positive),
    _kind("scan", "64x32x64", _recurrent),
    _kind("float16", "1024x1024", _normal(np.float16, a=_SQUARE, b=_SQUARE, c=_SQUARE), 2e-3),
    _kind("int8", "1024x1024", _bytes, 0.0),
]
if importlib.util.find_spec("ml_dtypes"):
    KINDS.append(_kind("bfloat16_gemm", "256x512x512", _bfloat16, 1e-2))
