"""Control flow on tensors: eager, traced to native regions, and the interpreter give the same, and gradients."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from region_checks import X, check_gradient, native, same, three_ways

import eager as tf
from eager.errors import InvalidArgumentError


class Pair(NamedTuple):
    left: Any
    right: Any


# cond -----------------------------------------------------------------------------------------------------------------


def clipped(x):
    return tf.cond(tf.reduce_sum(x) > 1.0, lambda: (x * 2.0, {"n": tf.size(x)}), lambda: (-x, {"n": tf.constant(0)}))


def test_cond_runs_the_chosen_branch():
    low, high = X - 1, X + 1
    same(three_ways(clipped, high), (high * 2, np.int32(12)))
    same(three_ways(clipped, low), (-low, np.int32(0)))


def test_one_trace_serves_both_branches():
    function = tf.function(clipped)
    for x in (X - 1, X + 1, X - 1):
        same(function(tf.constant(x)), clipped(tf.constant(x)))
    assert len(native(function).concrete_functions) == 1


def test_only_the_chosen_branch_runs():
    """A failing assertion in the other branch does not stop the run."""

    @tf.function(strict=True)
    def f(x):
        def checked():
            tf.debugging.assert_positive(x)
            return tf.math.log(x)

        return tf.cond(x > 0.0, checked, lambda: x)

    assert float(f(tf.constant(1.0))) == 0
    assert float(f(tf.constant(-1.0))) == -1
    native(f)

    @tf.function(strict=True)
    def g(x):
        def checked():
            tf.debugging.assert_positive(x, "not positive")
            return x

        return tf.cond(x < 9.0, checked, lambda: x)

    assert float(g(tf.constant(1.0))) == 1
    with pytest.raises(InvalidArgumentError, match="not positive"):
        g(tf.constant(-1.0))


def test_cond_of_numbers_structures_and_none():
    def f(x):
        a = tf.cond(x[0], lambda: Pair(x, [x + 1]), lambda: Pair(x * 2, [x * 3]))
        b = tf.cond(tf.reshape(x[0] > 0, (1,)), lambda: None, lambda: None)
        assert b is None
        return a

    result = three_ways(f, np.array([2, 3]))
    assert isinstance(result, Pair)
    same(result, (np.array([2, 3]), np.array([3, 4])))
    same(three_ways(f, np.array([0, 3])), (np.array([0, 6]), np.array([0, 9])))


def test_a_known_predicate_chooses_while_tracing():
    @tf.function(strict=True)
    def f(x):
        return tf.cond(tf.constant(True), lambda: x + 1, lambda: x[:1])

    assert f(tf.constant([1.0, 2.0])).numpy().tolist() == [2, 3]
    assert "cond" not in str(f.concrete_functions[0].graph)


def test_nested_control_flow():
    def f(x, n):
        def body(i, total):
            row = tf.cond(tf.equal(i % 2, 0), lambda: tf.scan(lambda a, r: a * 0.5 + r, x)[-1], lambda: x[0] * 3.0)
            inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + row), (0, total))
            return i + 1, inner[1]

        return tf.while_loop(lambda i, t: i < n, body, (0, tf.zeros_like(x[0])))[1]

    scanned = X[0]
    for row in X[1:]:
        scanned = scanned * 0.5 + row
    want = X[0] * 3 + scanned * 2 + X[0] * 9
    same(three_ways(f, X, np.int32(4)), want)
    check_gradient(lambda x: tf.reduce_sum(f(x, tf.constant(4)) ** 2), X)


def test_gradient_of_cond():
    def f(x, y):
        return tf.reduce_sum(tf.cond(tf.reduce_sum(x) > 1.0, lambda: x * x * y, lambda: tf.sin(x)))

    check_gradient(f, X + 1, X - 2)
    x, y = tf.constant(X - 1), tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch((x, y))
        total = tf.function(f, strict=True)(x, y)
    slope, other = tape.gradient(total, (x, y))
    same(slope, np.cos(X - 1))
    assert other is None or not np.asarray(other).any()


def test_case_takes_the_first_true_predicate():
    def f(x):
        return tf.case([(x > 2.0, lambda: x * 10.0), (x > 1.0, lambda: x * 100.0)], default=lambda: x)

    for x, want in ((3.0, 30.0), (2.0, 200.0), (1.0, 1.0)):
        same(three_ways(f, np.float64(x)), np.float64(want))


def test_case_without_default_needs_a_true_predicate():
    def f(x):
        return tf.case([(x > 2.0, lambda: x * 10.0), (x > 1.0, lambda: x * 100.0)])

    traced = tf.function(f, strict=True)
    for run in (f, traced):
        assert float(run(tf.constant(3.0))) == 30
        assert float(run(tf.constant(2.0))) == 200
        with pytest.raises(InvalidArgumentError, match="None of conditions"):
            run(tf.constant(0.0))
    native(traced)


def test_exclusive_case_refuses_two_true_predicates():
    def f(x):
        return tf.case([(x > 2.0, lambda: x), (x > 1.0, lambda: -x)], default=lambda: x * 0.0, exclusive=True)

    for run in (f, tf.function(f, strict=True)):
        assert float(run(tf.constant(1.5))) == -1.5
        with pytest.raises(InvalidArgumentError, match="More than one condition"):
            run(tf.constant(3.0))


def test_switch_case_and_its_default():
    def f(i, x):
        return tf.switch_case(i, {0: lambda: x + 1, 1: lambda: x * 2, 2: lambda: -x})

    def g(i, x):
        return tf.switch_case(i, [lambda: x + 1, lambda: x * 2], default=lambda: x * 0)

    for index in (np.int32, np.int64):
        for i, first, second in ((0, 6, 6), (1, 10, 10), (2, -5, 0), (9, -5, 0), (-1, -5, 0)):
            same(three_ways(f, index(i), np.int64(5)), np.int64(first))
            same(three_ways(g, index(i), np.int64(5)), np.int64(second))


# while_loop -----------------------------------------------------------------------------------------------------------


def test_while_loop_counts():
    def f(n):
        return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + i * i), [0, 0])

    for n in (0, 1, 10):
        same(three_ways(f, np.int32(n)), [np.int32(n), np.int32(sum(k * k for k in range(n)))])
    assert isinstance(f(tf.constant(3)), list)


def test_newtons_iteration_for_a_square_root():
    def f(a):
        start = (a, tf.constant(0, tf.int64))
        return tf.while_loop(
            lambda x, n: tf.abs(x * x - a) > 1e-12, lambda x, n: ((x + a / x) / 2.0, n + 1), start
        )

    root, steps = three_ways(f, np.float64(2.0))
    assert float(root) == pytest.approx(np.sqrt(2), abs=1e-12)
    assert int(steps) == 5
    check_gradient(lambda a: f(a)[0], np.array(2.0))


def test_loop_variables_in_structures():
    def f(x):
        start = ({"b": x, "a": (0, Pair(x, x))},)

        def body(s):
            i, pair = s["a"]
            return ({"a": (i + 1, Pair(pair.right, pair.left + 1.0)), "b": s["b"] * 2.0},)

        return tf.while_loop(lambda s: s["a"][0] < 3, body, start)

    (state,) = three_ways(f, X)
    assert list(state) == ["b", "a"]
    assert isinstance(state["a"][1], Pair)
    same(state["b"], X * 8)
    same(state["a"][1], (X + 1, X + 2))


def test_maximum_iterations():
    def f(n):
        return tf.while_loop(lambda i: True, lambda i: i + 2, [0], maximum_iterations=n)

    same(three_ways(f, np.int32(4)), [np.int32(8)])
    same(three_ways(f, np.int64(0)), [np.int32(0)])

    def g(x):
        return tf.while_loop(lambda i: i < x, lambda i: (i + 1,), (0,), maximum_iterations=7)

    same(three_ways(g, np.int32(5)), (np.int32(5),))


def test_gradient_of_a_loop_whose_trip_count_depends_on_data():
    def f(x, w):
        def body(i, a):
            return i + 1, tf.tanh(a * w + x)

        return tf.reduce_sum(tf.while_loop(lambda i, a: tf.reduce_sum(a) < 9.0 and i < 5 if tf.executing_eagerly()
                             else tf.logical_and(tf.reduce_sum(a) < 9.0, i < 5), body, (0, x))[1] ** 2)  # fmt: skip

    check_gradient(f, X, X * 0.3 + 1)


def test_gradient_of_a_gradient_through_a_loop():
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, x))[1]
            first = inner.gradient(y, x)
        return first, outer.gradient(first, x)

    x = np.array([1.5, -2.0])
    for run in (f, native_of := tf.function(f, strict=True)):
        same(run(tf.constant(x)), (4 * x**3, 12 * x**2), rtol=1e-10)
    native(native_of)


def test_a_tape_inside_of_a_body():
    def f(x):
        def body(i, a):
            with tf.GradientTape() as tape:
                tape.watch(a)
                loss = tf.reduce_sum((a * a - x) ** 2)
            return i + 1, a - 0.05 * tape.gradient(loss, a)

        return tf.while_loop(lambda i, a: i < 60, body, (0, tf.ones_like(x)))[1]

    x = np.array([2.0, 3.0])
    same(three_ways(f, x), np.sqrt(x), rtol=1e-6)


def test_tapes_tell_equal_captures_apart():
    @tf.function(strict=True)
    def f(x):
        a, b = x * 2.0, x * 2.0
        with tf.GradientTape(persistent=True) as tape:
            tape.watch((a, b))
            y = tf.cond(x > 0.0, lambda: a * a * b, lambda: b)
        return tape.gradient(y, a), tape.gradient(y, b)

    assert [float(g) for g in f(tf.constant(1.0))] == [8, 4]


def test_a_watched_constant_gets_its_gradient():
    @tf.function(strict=True)
    def f(x):
        c = tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch(c)
            y = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a * (c * c)), (0, x))[1]
        return tape.gradient(y, c)

    assert float(f(tf.constant(2.0))) == 4 * 27 * 2


# map_fn, scan, folds --------------------------------------------------------------------------------------------------


def test_map_fn_values_and_gradient():
    same(three_ways(lambda x: tf.map_fn(lambda r: tf.reduce_sum(r * r), x), X), (X * X).sum(1))
    pair = three_ways(
        lambda x, y: tf.map_fn(
            lambda e: {"m": tf.reduce_max(e[0]) * e[1], "i": tf.argmax(e[0])}, (x, y),
            fn_output_signature={"m": tf.float64, "i": tf.TensorSpec((), tf.int64)}),
        X, np.arange(4.0))  # fmt: skip
    same(pair, {"m": X.max(1) * np.arange(4), "i": X.argmax(1)})
    check_gradient(lambda x, y: tf.reduce_sum(tf.map_fn(lambda e: tf.sin(e[0]) * e[1], (x, y), tf.float64)), X, X + 1)


def test_scan_values_and_gradient():
    same(three_ways(lambda x: tf.scan(lambda a, r: a + r, x), X), X.cumsum(0))
    same(three_ways(lambda x: tf.scan(lambda a, r: a + r, x, reverse=True), X), X[::-1].cumsum(0)[::-1])
    got = three_ways(lambda x: tf.scan(lambda a, r: (a[0] * r, a[1] + 1), x, (tf.ones((3,), tf.float64), 0)), X)
    same(got, (X.cumprod(0), np.arange(1, 5, dtype=np.int32)))
    check_gradient(lambda x, y: tf.reduce_sum(tf.scan(lambda a, r: tf.tanh(a * y + r), x) ** 2), X, X[0] + 1)
    check_gradient(lambda x, y: tf.reduce_sum(tf.scan(lambda a, r: a * r + y, x, y, reverse=True)), X, X[0] + 1)


def test_folds():
    def folds(x):
        left = tf.foldl(lambda a, r: a * 0.5 + r, x)
        return left, tf.foldr(lambda a, r: a * 0.5 + r, x, initializer=tf.ones((3,), tf.float64))

    left, right = X[0], np.ones(3)
    for row in X[1:]:
        left = left * 0.5 + row
    for row in X[::-1]:
        right = right * 0.5 + row
    same(three_ways(folds, X), (left, right))
    check_gradient(lambda x: tf.reduce_sum(folds(x)[0] * folds(x)[1]), X)


def test_vectorized_map():
    def f(x, w):
        return tf.vectorized_map(lambda e: Pair(tf.linalg.matvec(e[1], e[0]), [tf.reduce_sum(e[0])]), (x, w[None]))

    w = np.arange(6.0).reshape(2, 3)
    result = three_ways(f, X, w)
    assert isinstance(result, Pair)
    same(result, (X @ w.T, X.sum(1)))
    check_gradient(lambda x, w: tf.reduce_sum(f(x, w)[0] ** 2), X, w)


def test_scan_is_one_trace_for_every_length():
    @tf.function(strict=True)
    def f(x):
        return tf.scan(lambda a, r: a + r, x), tf.map_fn(tf.reduce_max, x), tf.while_loop(
            lambda i, a: i < tf.shape(x)[0], lambda i, a: (i + 1, a + x[i]), (0, tf.zeros(3)))[1]  # fmt: skip

    for n in (3, 5, 1, 8):
        x = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
        total, most, end = f(tf.constant(x))
        np.testing.assert_allclose(total, x.cumsum(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(most, x.max(1))
        np.testing.assert_allclose(end, x.sum(0), rtol=1e-5, atol=1e-6)
    assert len(native(f).concrete_functions) == 2


def test_a_symbolic_batch_with_gradients_and_sizes_inside():
    @tf.function(strict=True)
    def f(x, w):
        with tf.GradientTape() as tape:
            tape.watch(w)

            def body(i, a):
                share = 1.0 / tf.cast(tf.shape(x)[0], tf.float32)
                scaled = tf.cond(tf.equal(i % 2, 0), lambda: a @ w, lambda: a + share)
                return i + 1, scaled + tf.zeros((tf.shape(x)[0], 3))

            y = tf.while_loop(lambda i, a: i < 3, body, (0, x))[1]
            total = tf.reduce_sum(y)
        return total, tape.gradient(total, w)

    w = np.random.default_rng(0).normal(size=(3, 3))
    for n in (2, 4, 7):
        x = np.random.default_rng(n).normal(size=(n, 3))
        total, gradient = f(tf.constant(x, tf.float32), tf.constant(w, tf.float32))
        y = x @ w + 1 / n
        np.testing.assert_allclose(total, (y @ w).sum(), rtol=1e-4)
        ones = np.ones((n, 3))
        np.testing.assert_allclose(gradient, y.T @ ones + x.T @ (ones @ w.T), rtol=1e-4, atol=1e-4)
    assert len(native(f).concrete_functions) == 2


def test_gradients_where_sizes_are_equal_by_a_guard():
    @tf.function(input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec((None, 3))], strict=True)
    def f(x, y):
        with tf.GradientTape() as tape:
            tape.watch((x, y))
            z = tf.while_loop(
                lambda i, a: i < 2, lambda i, a: (i + 1, tf.cond(a[0, 0] > 0.0, lambda: a * y, lambda: a + y)), (0, x)
            )[1]
        return tape.gradient(z, (x, y))

    for n in (2, 3):
        y = np.full((n, 3), 3, np.float32)
        slope, other = f(tf.ones((n, 3)), tf.constant(y))
        np.testing.assert_allclose(slope, y**2)
        np.testing.assert_allclose(other, 2 * y)
    assert len(native(f).concrete_functions) == 1
