"""The workloads of `benchmarks.kinds` in TensorFlow's names, for TensorFlow and layerjit alike."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import kinds
from benchmarks.harness import Side
from benchmarks.workloads import Data


def build(tf: Any, trace: Callable[[Any], Any], name: str, data: Data) -> Side:
    """The traced function of a kind, on its data as tensors."""
    function = partial(FAMILIES[name], tf)
    run = partial(trace(lambda *tensors: function(*tensors)), *map(tf.constant, data.values()))
    return Side(run, kinds.summary(name, lambda tensor: tensor.numpy()))


def _transcendental(tf: Any, x: Any) -> Any:
    return tf.exp(-x * x) + tf.tanh(x) * tf.sin(x)


def _cond(tf: Any, x: Any) -> Any:
    return tf.cond(tf.reduce_sum(x) > 0, lambda: tf.exp(x), lambda: -x)


def _while_loop(tf: Any, x: Any) -> Any:
    def step(i: Any, y: Any) -> Any:
        return i + 1, (y + x / y) * 0.5

    return tf.while_loop(lambda i, y: i < kinds.NEWTON, step, (tf.constant(0), tf.ones_like(x)))[1]


def _scan(tf: Any, x: Any, h: Any, u: Any) -> Any:
    return tf.foldl(lambda state, row: tf.tanh(row + tf.matmul(state, u)), x, initializer=h)


FAMILIES: dict[str, Callable[..., Any]] = {
    "elementwise": lambda tf, a, b, c: tf.maximum(a * b + c, 0.0),
    "transcendental": _transcendental,
    "reduce": lambda tf, x: tf.reduce_sum(x, axis=0),
    "argmax": lambda tf, x: tf.argmax(x, axis=-1),
    "contract": lambda tf, a, b: tf.einsum("bij,bjk->bik", a, b),
    "convolution": lambda tf, x, w: tf.nn.conv2d(x, w, 1, "SAME"),
    "depthwise": lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"),
    "pooling": lambda tf, x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "transpose": lambda tf, x: tf.transpose(x, [0, 2, 1]),
    "gather": lambda tf, x, ids: tf.gather(x, ids),
    "scatter_add": lambda tf, x, ids, updates: tf.tensor_scatter_nd_add(x, ids[:, None], updates),
    "sort": lambda tf, x: tf.sort(x, axis=-1),
    "top_k": lambda tf, x: tf.math.top_k(x, k=kinds.TOP)[0],
    "cumsum": lambda tf, x: tf.cumsum(x, axis=-1),
    "segment_sum": lambda tf, x, ids: tf.math.unsorted_segment_sum(x, ids, kinds.SEGMENTS),
    "random_normal": lambda tf, x: tf.random.normal(kinds.DRAWS),
    "cond": _cond,
    "while_loop": _while_loop,
    "scan": _scan,
    "float16": lambda tf, a, b, c: tf.maximum(a * b + c, a),
    "bfloat16_gemm": lambda tf, x, w: tf.matmul(x, w),
    "int8": lambda tf, a, b, c: tf.maximum(a + b, c),
}
"""Every kind, given tf and the tensors of its data."""
