"""Rows for control flow: tf.cond, tf.while_loop, tf.scan and their kin, and the order of execution."""

import numpy as np
from tf_cases import INT, X, custom, fault, floats

import eager as tf

Y = floats(3, 4)
ROW = floats(4)

# Branches.

for _shift in (-9.0, 9.0):
    custom("cond", lambda x, s=_shift: tf.cond(tf.reduce_sum(x + s) > 0, lambda: x * x, lambda: tf.sin(x)), X,
           lambda x, s=_shift: x * x if s > 0 else np.sin(x), exact=False)  # fmt: skip
    custom("case", lambda x, s=_shift: tf.case([(x[0, 0] > s, lambda: x * 2), (x[0, 1] > -9, lambda: [x * 3][0])],
           default=lambda: -x), X, lambda x, s=_shift: x * 3 if s > 0 else x * 2)  # fmt: skip
custom("cond", lambda i: tf.cond(i[0] - 1, lambda: (i, i + 1), lambda: (i * 5, i)), INT, lambda i: [i * 5, i],
       smooth=False)  # fmt: skip
fault("cond", TypeError, True, lambda: 1)
fault("cond", TypeError, True, 1, lambda: 1)
fault("cond", ValueError, tf.constant([True, False]), lambda: 1, lambda: 2)
fault("case", TypeError, tf.constant(True))
fault("case", TypeError, [(True, lambda: 1)])
fault("case", TypeError, [(tf.constant(True), 1)])
fault("case", ValueError, [])
fault("case", ValueError, [(tf.constant(False), lambda: 1)])
for _index in (0, 1, 2, 7):
    custom("switch_case", lambda x, i, k=_index: tf.switch_case(i[0] * 0 + k, [lambda: x + 1, lambda: x * 2],
           default=lambda: x * x), (X, INT),
           lambda x, i, k=_index: [x + 1, x * 2, x * x][min(k, 2)])  # fmt: skip
fault("switch_case", TypeError, 1, [lambda: 1])
fault("switch_case", TypeError, tf.constant(1.0), [lambda: 1])
fault("switch_case", TypeError, tf.constant(1), [1])
fault("switch_case", ValueError, tf.constant(1), [])
fault("switch_case", ValueError, tf.constant(1), {0: lambda: 1, 2: lambda: 2})
fault("switch_case", ValueError, tf.constant([1]), [lambda: 1])

# Loops.


def _power(x, n):
    return tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * x), (0, tf.ones_like(x)))[1]


for _n in (0, 1, 5):
    custom("while_loop", lambda x, n=_n: _power(x, n), X, lambda x, n=_n: x**n, smooth=_n > 0, exact=False)
custom("while_loop", lambda x, i: tf.while_loop(lambda k, a: a[0, 0] < 50, lambda k, a: (k + 1, a * 2 + 3), (i[0], x)),
       (X, INT), lambda x, i: _doubled(x, i), smooth=False)  # fmt: skip
custom("while_loop", lambda x: tf.while_loop(lambda a: True, lambda a: a + x, [x], maximum_iterations=3), X,
       lambda x: x * 4, exact=False)  # fmt: skip


def _doubled(x, i):
    k = i[0]
    while x[0, 0] < 50:
        k, x = k + np.int32(1), x * 2 + 3
    return [k, x]


fault("while_loop", TypeError, 1, lambda i: i, [0])
fault("while_loop", TypeError, lambda i: True, 1, [0])
fault("while_loop", TypeError, lambda i: True, lambda i: i, [0], parallel_iterations=0)
fault("while_loop", ValueError, lambda: True, lambda: None, [])
fault("while_loop", ValueError, lambda i: True, lambda i: i, [0], maximum_iterations=[1, 2])
fault("while_loop", ValueError, lambda i: tf.constant([True, True]), lambda i: i, [0])

# Along the first axis.

custom("map_fn", lambda x: tf.map_fn(lambda r: tf.reduce_sum(r * r), x), X, lambda x: (x * x).sum(1), exact=False)
custom("map_fn", lambda x, y: tf.map_fn(lambda e: e[0] * e[1][0], (x, y), fn_output_signature=x.dtype), (X, Y),
       lambda x, y: x * y[:, :1])  # fmt: skip
custom("map_fn", lambda i: tf.map_fn(lambda r: r > 1, i, fn_output_signature=tf.bool), INT, lambda i: i > 1,
       smooth=False)  # fmt: skip
custom("map_fn", lambda x: tf.map_fn(lambda r: r, x), floats(0), lambda x: x, smooth=False)
custom("vectorized_map", lambda x, y: tf.vectorized_map(lambda e: (tf.tensordot(e[0], e[1], 1), e[0] - e[1]), (x, y)),
       (X, Y), lambda x, y: [(x * y).sum(1), x - y], exact=False)  # fmt: skip
custom("vectorized_map", lambda x, r: tf.vectorized_map(lambda e: e[0] * e[1], (x, r[None])), (X, ROW),
       lambda x, r: x * r)  # fmt: skip
for _name in ("map_fn", "vectorized_map"):
    fault(_name, TypeError, 1, X)
    fault(_name, ValueError, lambda r: r, tf.constant(1.0))
    fault(_name, ValueError, lambda e: e[0], (X, X[:2]))
    fault(_name, ValueError, lambda e: e, ())
fault("map_fn", TypeError, lambda r: tf.cast(r, tf.int32), X)
fault("map_fn", ValueError, lambda r: (r, r), (X,))
fault("map_fn", ValueError, lambda r: r, X, fn_output_signature=tf.TensorSpec((3,), tf.float64))
fault("vectorized_map", ValueError, lambda r: r, tf.zeros((0, 2)))

custom("scan", lambda x: tf.scan(lambda a, r: a + r, x), X, lambda x: x.cumsum(0))
custom("scan", lambda x: tf.scan(lambda a, r: a * r, x, reverse=True), X, lambda x: x[::-1].cumprod(0)[::-1])
custom("scan", lambda x, r: tf.scan(lambda a, e: (a[0] + e, a[1] + 1), x, (r, 0)), (X, ROW),
       lambda x, r: [r + x.cumsum(0), np.arange(1, 4, dtype=np.int32)], smooth=False)  # fmt: skip
custom("scan", lambda x, r: tf.scan(lambda a, e: a + e, x, r), (floats(0, 4), ROW), lambda x, r: x, smooth=False)
custom("foldl", lambda x: tf.foldl(lambda a, r: a - r, x), X, lambda x: x[0] - x[1] - x[2])
custom("foldl", lambda x, r: tf.foldl(lambda a, e: a * e, x, r), (X, ROW), lambda x, r: r * x.prod(0), exact=False)
custom("foldr", lambda x: tf.foldr(lambda a, r: a - r, x), X, lambda x: x[2] - x[1] - x[0])
custom("foldr", lambda x, r: tf.foldr(lambda a, e: e - a, x, r), (X, ROW), lambda x, r: x[0] - (x[1] - (x[2] - r)))
for _name in ("scan", "foldl", "foldr"):
    fault(_name, TypeError, 1, X)
    fault(_name, ValueError, lambda a, r: a, tf.constant(1.0))
    fault(_name, ValueError, lambda a, r: a, (X, X[:2]))
    fault(_name, ValueError, lambda a, r: a, tf.zeros((0, 2)))

# Order.

custom("no_op", lambda x: (tf.no_op(), x)[1], X, lambda x: x)
fault("no_op", TypeError, 5)
custom("group", lambda x: (tf.group(x, [x]), x)[1], X, lambda x: x)
fault("group", TypeError, 5)
fault("group", ValueError, tf.ones(2), other=1)
custom("tuple", lambda x, y: tf.tuple([x, y], control_inputs=[x]), (X, Y), lambda x, y: [x, y])
fault("tuple", ValueError, [None])
fault("tuple", TypeError, [tf.ones(2)], control_inputs=5)


def _ordered(x):
    with tf.control_dependencies([x]):
        return x + 1


custom("control_dependencies", _ordered, X, lambda x: x + 1)
fault("control_dependencies", TypeError, 5)
