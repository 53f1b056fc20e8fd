"""The workloads of `benchmarks.kinds` in JAX, compiled."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import kinds
from benchmarks.harness import Side
from benchmarks.workloads import Data


def build(name: str, data: Data) -> dict[str, Side]:
    """The compiled side of a kind."""
    import jax

    jitted = jax.jit(partial(FAMILIES[name], jax))
    arrays = [jax.device_put(value) for value in data.values()]
    return {"": Side(lambda: jitted(*arrays).block_until_ready(), kinds.summary(name, np.asarray))}


def _convolution(jax: Any, x: Any, w: Any) -> Any:
    return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _depthwise(jax: Any, x: Any, w: Any) -> Any:
    return jax.lax.conv_general_dilated(
        x, w.transpose(0, 1, 3, 2), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=w.shape[2],
    )  # fmt: skip


def _pooling(jax: Any, x: Any) -> Any:
    return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _cond(jax: Any, x: Any) -> Any:
    return jax.lax.cond(x.sum() > 0, jax.numpy.exp, jax.numpy.negative, x)


def _while_loop(jax: Any, x: Any) -> Any:
    def step(state: Any) -> Any:
        i, y = state
        return i + 1, (y + x / y) * 0.5

    return jax.lax.while_loop(lambda state: state[0] < kinds.NEWTON, step, (0, jax.numpy.ones_like(x)))[1]


def _scan(jax: Any, x: Any, h: Any, u: Any) -> Any:
    return jax.lax.scan(lambda state, row: (jax.numpy.tanh(row + state @ u), None), h, x)[0]


def _random_normal(jax: Any, x: Any) -> Any:
    return jax.random.normal(jax.random.key(3), kinds.DRAWS)


FAMILIES: dict[str, Callable[..., Any]] = {
    "elementwise": lambda jax, a, b, c: jax.nn.relu(a * b + c),
    "transcendental": lambda jax, x: jax.numpy.exp(-x * x) + jax.numpy.tanh(x) * jax.numpy.sin(x),
    "reduce": lambda jax, x: x.sum(0),
    "argmax": lambda jax, x: x.argmax(-1),
    "contract": lambda jax, a, b: jax.numpy.einsum("bij,bjk->bik", a, b),
    "convolution": _convolution,
    "depthwise": _depthwise,
    "pooling": _pooling,
    "transpose": lambda jax, x: x.transpose(0, 2, 1),
    "gather": lambda jax, x, ids: x[ids],
    "scatter_add": lambda jax, x, ids, updates: x.at[ids].add(updates),
    "sort": lambda jax, x: jax.numpy.sort(x, axis=-1),
    "top_k": lambda jax, x: jax.lax.top_k(x, kinds.TOP)[0],
    "cumsum": lambda jax, x: jax.numpy.cumsum(x, axis=-1),
    "segment_sum": lambda jax, x, ids: jax.ops.segment_sum(x, ids, kinds.SEGMENTS),
    "random_normal": _random_normal,
    "cond": _cond,
    "while_loop": _while_loop,
    "scan": _scan,
    "float16": lambda jax, a, b, c: jax.numpy.maximum(a * b + c, a),
    "bfloat16_gemm": lambda jax, x, w: x @ w,
    "int8": lambda jax, a, b, c: jax.numpy.maximum(a + b, c),
}
"""Every kind, given jax and the arrays of its data."""
