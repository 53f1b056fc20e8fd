"""Models with control ops whose first output is a scalar, and their references in NumPy float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from control_graphs import body, region, weighted, whole

from graphcore import dims
from graphcore.dtypes import float64, int32
from graphcore.types import TensorType

F, INT = TensorType(float64, ()), TensorType(int32, ())
DOT = {"contracting": ((0,), (0,)), "batch": ((), ())}


def vector(size: Any) -> TensorType:
    """A float64 vector."""
    return TensorType(float64, (size,))


def draw(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Moderate numbers, the same in every run."""
    return np.random.default_rng([seed, *shape]).normal(size=shape) * 0.7


def recurrent_scan(steps: int = 4, reverse: bool = False) -> Any:
    """h = tanh(h @ w + x[t]), squares stacked; symbolic length."""
    n = dims.symbol("n", 0)
    step = body("step", [vector(3), vector(3), TensorType(float64, (3, 3))], lambda f, v: [
        h := f.tanh(f.add(f.dot_general(v[0], v[2], **DOT), v[1])), f.mul(h, h),
    ])  # fmt: skip

    def define(f, v):
        h, ys = region(f, "scan", v, bodies=(step,), carried=1, scanned=1, length=n, reverse=reverse)
        return [f.add(weighted(f, h), weighted(f, f.mul(ys, ys), 0.5)), h, ys]

    def reference(h, x, w):
        ys = []
        for t in range(len(x))[:: -1 if reverse else 1]:
            h = np.tanh(h @ w + x[t])
            ys.append(h * h)
        return np.sum(np.sin(h)) + sum(np.sum(np.sin(0.5 * y * y)) for y in ys)

    types = [vector(3), TensorType(float64, (n, 3)), TensorType(float64, (3, 3))]
    return whole(types, define), [draw(3), draw(steps, 3), draw(3, 3)], reference, [0, 1, 2]


def counting_while(trips: int = 3) -> Any:
    """x = sin(x + a) + i / 100, `trips` times; also a capture that only the condition reads."""
    types = [INT, vector(4), INT, F]
    condition = body("condition", types, lambda f, v: [f.less(v[0], v[2])])
    step = body("step", types, lambda f, v: [
        f.add(v[0], f.constant(1, like=v[0])),
        f.add(f.sin(f.add(v[1], v[3])), f.mul(f.cast(v[0], dtype=float64), f.constant(0.01, like=v[1]))),
    ])  # fmt: skip

    def define(f, v):
        start = f.constant(0, dtype=int32)
        i, x = region(f, "while", [start, v[0], v[2], v[1]], bodies=(condition, step), carried=2)
        return [weighted(f, x), i, x]

    def reference(x, a, n):
        for i in range(int(n)):
            x = np.sin(x + a) + 0.01 * i
        return np.sum(np.sin(x))

    arrays = [draw(4), np.asarray(0.4), np.asarray(trips, np.int32)]
    return whole([vector(4), F, INT], define), arrays, reference, [0, 1]


def scan_in_while(trips: int = 3) -> Any:
    """A loop whose body scans what it carries, from the last element on."""
    inner = body("inner", [F, F, F], lambda f, v: [f.sin(f.add(f.mul(v[0], v[2]), v[1])), v[0]])
    types = [INT, vector(4), INT, F]
    condition = body("condition", types, lambda f, v: [f.less(v[0], v[2])])

    def step(f, v):
        start = f.constant(0.3, dtype=float64)
        last, ys = region(
            f, "scan", [start, v[1], v[3]], bodies=(inner,), carried=1, scanned=1, length=4, reverse=True
        )
        return [f.add(v[0], f.constant(1, like=v[0])), f.add(f.tanh(f.add(v[1], last)), ys)]

    outer = body("step", types, step)

    def define(f, v):
        _, x = region(f, "while", [f.constant(0, dtype=int32), v[0], v[2], v[1]], bodies=(condition, outer), carried=2)
        return [weighted(f, x), x]

    def reference(x, a, n):
        for _ in range(int(n)):
            s, ys = 0.3, np.zeros(4)
            for t in reversed(range(4)):
                ys[t] = s
                s = np.sin(s * a + x[t])
            x = np.tanh(x + s) + ys
        return np.sum(np.sin(x))

    arrays = [draw(4, seed=3), np.asarray(0.4), np.asarray(trips, np.int32)]
    return whole([vector(4), F, INT], define), arrays, reference, [0, 1]


def cond_in_scan() -> Any:
    """Each element chooses a branch; indices outside choose the last."""
    types = [F, F, F]
    branches = (
        body("product", types, lambda f, v: [f.mul(f.mul(v[0], v[1]), v[2])]),
        body("sine", types, lambda f, v: [f.sin(f.mul(v[0], v[2]))]),
        body("element", types, lambda f, v: [v[1]]),
    )

    def define_step(f, v):
        (r,) = region(f, "cond", [v[2], v[0], v[1], v[3]], bodies=branches)
        return [f.add(v[0], r), r]

    step = body("step", [F, F, INT, F], define_step)

    def define(f, v):
        c, ys = region(f, "scan", v, bodies=(step,), carried=1, scanned=2, length=5)
        return [f.add(weighted(f, c), weighted(f, ys)), ys]

    def reference(c, x, which, a):
        total = 0.0
        for value, i in zip(x, which, strict=True):
            r = (c * value * a, np.sin(c * a), value)[i if 0 <= i < 3 else 2]
            c = c + r
            total += np.sin(r)
        return total + np.sin(c)

    arrays = [np.asarray(0.4), draw(5), np.array([0, 1, 2, 7, -1], np.int32), np.asarray(0.7)]
    types = [F, vector(5), TensorType(int32, (5,)), F]
    return whole(types, define), arrays, reference, [0, 1, 3]


def while_in_scan() -> Any:
    """Each element is halved until it is small: loops of different lengths, a bool of data."""
    types = [INT, F, F]
    condition = body("condition", types, lambda f, v: [f.greater(f.abs(v[1]), v[2])])
    halve = body("halve", types, lambda f, v: [
        f.add(v[0], f.constant(1, like=v[0])), f.mul(v[1], f.cos(f.mul(v[1], f.constant(0.3, like=v[1]))))
    ])  # fmt: skip

    def define_step(f, v):
        inner, fewer = f.mul(v[1], v[0]), f.constant(0, dtype=int32)
        count, small = region(f, "while", [fewer, inner, v[2]], bodies=(condition, halve), carried=2)
        return [f.add(f.mul(v[0], f.constant(0.9, like=v[0])), small), f.cast(count, dtype=float64)]

    step = body("step", [F, F, F], define_step)

    def define(f, v):
        c, ys = region(f, "scan", v, bodies=(step,), carried=1, scanned=1, length=4)
        return [f.add(weighted(f, c), weighted(f, ys)), ys]

    def reference(c, x, limit):
        total = 0.0
        for value in x:
            small, count = value * c, 0
            while abs(small) > limit:
                small, count = small * np.cos(small * 0.3), count + 1
            c = c * 0.9 + small
            total += np.sin(count)
        return total + np.sin(c)

    arrays = [np.asarray(2.0), np.array([3.0, 0.1, -2.0, 2.5]), np.asarray(0.8)]
    return whole([F, vector(4), F], define), arrays, reference, [0, 1]


CASES = {
    "scan": recurrent_scan(), "scan_reverse": recurrent_scan(5, True), "scan_empty": recurrent_scan(0),
    "while": counting_while(), "while_never": counting_while(0), "while_long": counting_while(40),
    "scan_in_while": scan_in_while(), "scan_in_while_never": scan_in_while(0), "cond_in_scan": cond_in_scan(),
    "while_in_scan": while_in_scan(),
}  # fmt: skip
"""Name -> graph, arrays, reference, numbers of the inputs to differentiate."""
