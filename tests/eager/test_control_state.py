"""State and limits of control flow: variables, random numbers and layers in bodies; what ends a trace; errors."""

import warnings

import numpy as np
import pytest
from region_checks import X, arrays, native, same

import eager as tf
from eager import FallbackWarning
from eager.errors import InvalidArgumentError, UntraceableError

# Variables ------------------------------------------------------------------------------------------------------------


def test_variables_assigned_in_branches():
    v, w = tf.Variable(1.0), tf.Variable([1.0, 2.0])

    @tf.function(strict=True)
    def f(x):
        def yes():
            v.assign_add(x)
            return v * 2.0

        def no():
            w.assign(w * x)
            return v.value()

        before = v.value()
        return tf.cond(x > 0.0, yes, no), v + 0.0, before

    assert [float(t) for t in f(tf.constant(3.0))] == [8, 4, 1]
    assert (float(v), w.numpy().tolist()) == (4, [1, 2])
    assert [float(t) for t in f(tf.constant(-3.0))] == [4, 4, 4]
    assert (float(v), w.numpy().tolist()) == (4, [-3, -6])
    native(f)


def test_variables_assigned_in_loops_and_maps():
    count, total = tf.Variable(0, trainable=False), tf.Variable(np.zeros(3), trainable=False)

    def f(x):
        def body(i, a):
            count.assign_add(i)
            total.assign(total + a)
            return i + 1, a + 1.0

        _, a = tf.while_loop(lambda i, a: count < 6, body, (1, x[0]))

        def element(r):
            total.assign_sub(r)
            return r * tf.cast(count, tf.float64)

        return a, tf.map_fn(element, x), tf.foldl(lambda s, r: s + total, x, x[0])

    def run(function):
        count.assign(0)
        total.assign(np.zeros(3))
        return function(tf.constant(X)), int(count), total.numpy()

    eager = run(f)
    traced = tf.function(f, strict=True)
    for _ in range(2):
        result = run(traced)
        same(result[0], eager[0])
        assert result[1] == eager[1] == 6
        same(result[2], eager[2])
    native(traced)


def test_a_failing_body_changes_no_variable():
    v = tf.Variable(0)

    @tf.function(strict=True)
    def f(n):
        def body(i):
            v.assign_add(1)
            tf.debugging.assert_less(i, 3, "too far")
            return i + 1

        return tf.while_loop(lambda i: i < n, body, [0])

    f(tf.constant(3))
    assert int(v) == 3
    with pytest.raises(InvalidArgumentError, match="too far"):
        f(tf.constant(5))
    assert int(v) == 3


def test_gradients_of_variables_used_in_bodies():
    v, u = tf.Variable(np.array([0.5, -1.0, 2.0])), tf.Variable(np.array(0.7))

    def loss(x):
        a = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(a * v + x[i])), (0, x[0]))[1]
        b = tf.cond(x[0, 0] < 0.0, lambda: a * u, lambda: a - v)
        return tf.reduce_sum(b + tf.scan(lambda s, r: s * v + r, x)[-1])

    def inside(x):
        with tf.GradientTape() as tape:
            total = loss(x)
        return tape.gradient(total, [v, u])

    eager, traced = inside(tf.constant(X)), tf.function(inside, strict=True)
    same(traced(tf.constant(X)), eager)
    native(traced)
    compiled = tf.function(loss, strict=True)
    with tf.GradientTape() as tape:
        total = compiled(tf.constant(X))
    same(tape.gradient(total, [v, u]), eager)
    assert {id(x) for x in tape.watched_variables()} <= {id(v), id(u)}
    for variable, gradient in zip((v, u), eager, strict=True):
        start, direction = variable.numpy().copy(), np.ones(variable.shape)
        ends = []
        for step in (1e-6, -1e-6):
            variable.assign(start + step * direction)
            ends.append(float(loss(tf.constant(X))))
        variable.assign(start)
        assert float(np.sum(gradient)) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_random_numbers_in_a_loop_are_those_of_the_eager_loop():
    def f(x):
        def body(i, a):
            return i + 1, a + tf.random.normal((3,)) * tf.nn.dropout(x, 0.5)

        a = tf.while_loop(lambda i, a: i < 4, body, (0, x))[1]
        drawn = tf.map_fn(lambda r: r + tf.random.uniform((2,)), tf.zeros((3, 2)))
        return a, drawn, tf.cond(x[0] > 0.0, lambda: tf.random.uniform((2,)), lambda: tf.zeros(2)), tf.random.normal(())

    x = tf.constant([1.0, 2.0, 3.0])
    traced = tf.function(f, strict=True)
    tf.random.set_seed(3)
    first, second = f(x), f(x)
    tf.random.set_seed(3)
    for eager in (first, second):
        for a, b in zip(arrays(eager), arrays(traced(x)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    assert len(np.unique(np.asarray(first[1]))) == 6
    native(traced)


def test_a_condition_that_draws_random_numbers():
    def f():
        return tf.while_loop(lambda i: tf.random.uniform(()) < 0.8, lambda i: i + 1, [0])

    traced = tf.function(f, strict=True)
    tf.random.set_seed(11)
    eager = [int(f()[0]) for _ in range(8)]
    tf.random.set_seed(11)
    assert [int(traced()[0]) for _ in range(8)] == eager
    assert len(set(eager)) > 1
    native(traced)


class Centred(tf.keras.layers.Layer):
    """Subtracts a moving average that each call updates."""

    def build(self, shape):
        self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False, name="mean")

    def call(self, x):
        self.mean.assign(0.5 * self.mean + 0.5 * tf.reduce_mean(x, 0))
        return x - self.mean


def test_layers_in_bodies():
    layer, norm = tf.keras.layers.Dense(3), Centred()
    x = tf.constant(X, tf.float32)

    def f(x, training):
        a = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, norm(tf.nn.relu(layer(a)))), (0, x))[1]
        return tf.cond(training, lambda: layer(a), lambda: a)

    norm(layer(x))
    weights = norm.get_weights()
    eager = f(x, tf.constant(True))
    after = norm.get_weights()
    norm.set_weights(weights)
    traced = tf.function(f, strict=True)
    np.testing.assert_allclose(traced(x, tf.constant(True)), eager, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.get_weights(), after, rtol=1e-5, atol=1e-6)
    native(traced)
    graph = traced.concrete_functions[0].graph
    paths = {"/".join(where.layers) for node in graph.walk() for where in node.locations}
    assert {layer.name, norm.name} <= paths
    assert all(where.file == __file__ for node in graph.walk() for where in node.locations)


def test_training_in_a_loop():
    def run(wrap):
        w, optimizer = tf.Variable([1.0, -1.0]), tf.keras.optimizers.Adam(0.1)

        def fit(x, y, n):
            def body(i, _):
                with tf.GradientTape() as tape:
                    predicted = tf.cond(i < 2, lambda: tf.linalg.matvec(x, w), lambda: tf.linalg.matvec(x, w * 1.0))
                    loss = tf.reduce_mean((predicted - y) ** 2)
                optimizer.apply_gradients([(tape.gradient(loss, w), w)])
                return i + 1, loss

            return tf.while_loop(lambda i, _: i < n, body, (0, tf.constant(0.0)))[1]

        f = wrap(fit)
        x = np.random.default_rng(2).normal(size=(8, 2)).astype(np.float32)
        y = x @ np.float32([2.0, 3.0])
        return f, [float(f(tf.constant(x), tf.constant(y), tf.constant(6))) for _ in range(3)], w.numpy()

    _, losses, weights = run(lambda f: f)
    traced, native_losses, native_weights = run(lambda f: tf.function(f, strict=True))
    np.testing.assert_allclose(native_losses, losses, rtol=1e-4)
    np.testing.assert_allclose(native_weights, weights, rtol=1e-4)
    assert losses[0] > losses[1] > losses[2]
    native(traced)


def test_a_loss_added_in_a_body_ends_the_trace():
    layer = tf.keras.layers.Dense(2, activity_regularizer=lambda y: tf.reduce_sum(y * y))
    x = tf.ones((1, 3))
    layer(x)

    @tf.function
    def f(x):
        y = tf.cond(x[0, 0] > 0.0, lambda: layer(x), lambda: tf.zeros((1, 2)))
        return y, tf.add_n(layer.losses)

    with pytest.warns(FallbackWarning, match="an added loss"):
        y, loss = f(x)
    assert float(loss) == pytest.approx(float(tf.reduce_sum(y * y)), rel=1e-6)


def test_functional_models_of_control_functions():
    inputs = tf.keras.Input((4, 3))
    outputs = tf.map_fn(lambda r: r * 2.0, inputs)
    model = tf.keras.Model(inputs, outputs)
    x = np.random.default_rng(3).normal(size=(5, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x * 2)


# What cannot be a region ----------------------------------------------------------------------------------------------


def test_python_that_needs_a_value_ends_the_trace_and_runs_the_loop_eagerly():
    v = tf.Variable(0.0)
    runs = Counter()

    @tf.function
    def f(x):
        y = x * 2.0
        v.assign_add(1.0)

        def body(i, a):
            runs.add()
            if float(a) > 20:
                return i + 1, a + 1.0
            return i + 1, a * 2.0

        return tf.while_loop(lambda i, a: i < 4, body, (0, y))[1] + v

    with pytest.warns(FallbackWarning, match=r"test_control_state.py:\d+.*float.*tf.while_loop"):
        result = f(tf.constant(3.0))
    assert float(result) == 6 * 2 * 2 + 2 + 1
    assert (float(v), runs.count) == (1, 5)
    (entry,) = f.ledger
    assert entry.kind == "fallback"
    assert "the body of tf.while_loop" in entry.what
    assert float(f(tf.constant(3.0))) == 28


class Counter:
    """Counts, as an attribute: a list that grows is reported."""

    count = 0

    def add(self):
        self.count += 1


@pytest.mark.parametrize(
    "make",
    [
        lambda x: tf.cond(x[0] > 0.0, lambda: x * float(x[0]), lambda: x),
        lambda x: tf.map_fn(lambda r: r if r > 1.0 else -r, x),
        lambda x: tf.scan(lambda a, r: a + r.numpy(), x),
        lambda x: tf.while_loop(
            lambda i, a: i < 2, lambda i, a: (i + 1, tf.cond(a[0] > 0.0, lambda: a[: int(i) + 1] * 2.0, lambda: a)),
            (0, x), shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])))[1],
        lambda x: tf.cond(x[0] > 0.0, lambda: x[:2], lambda: x),
        lambda x: tf.while_loop(lambda a: tf.shape(a)[0] < 9, lambda a: tf.concat([a, a], 0), [x],
                                shape_invariants=[tf.TensorSpec([None])])[0],
    ],
)  # fmt: skip
def test_fall_backs_give_what_eager_gives(make):
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = make(tf.cond(x[0] > 0.0, lambda: x * x, lambda: x))
        return y, tape.gradient(y, x)

    x = tf.constant([1.0, 2.0, 3.0])
    function = tf.function(inside)
    with pytest.warns(FallbackWarning):
        same(function(x), inside(x))
    with pytest.raises(UntraceableError, match="is strict"):
        tf.function(make, strict=True)(x)
    with pytest.raises(UntraceableError, match="no real arguments"):
        tf.function(make).get_concrete_function(tf.TensorSpec((3,)))


def test_a_trace_with_open_sizes_that_ends_keeps_the_gradients_of_its_regions():
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a * x + tf.ones(tf.shape(x))), (0, x))[1]
            y = tf.scan(lambda a, r: a * r, y)
            if float(tf.reduce_sum(x)) > 10:
                y = y * 2.0
        return tape.gradient(y, x)

    function = tf.function(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec = tf.function(f, input_signature=[tf.TensorSpec((None,))])
        for x in ([1.0, 2.0], [4.0, 2.0, 8.0]):
            same(spec(tf.constant(x)), f(tf.constant(x)), rtol=1e-5)
            same(function(tf.constant(x)), f(tf.constant(x)), rtol=1e-5)


def test_sizes_that_change_without_leave_are_an_error():
    @tf.function
    def f(x):
        return tf.while_loop(lambda a: tf.shape(a)[0] < 9, lambda a: tf.concat([a, a], 0), [x])

    with pytest.raises(ValueError, match=r"loop variable 0.*float32\[3\].*float32\[6\].*shape_invariants"):
        f(tf.constant([1.0, 2.0, 3.0]))


def test_dtypes_that_change_are_an_error():
    @tf.function
    def f(x):
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.cast(a, tf.float64)), (0, x))

    with pytest.raises(TypeError, match=r"loop variable 1.*float32\[3\].*float64\[3\]"):
        f(tf.constant([1.0, 2.0, 3.0]))

    @tf.function
    def g(x):
        return tf.cond(x[0] > 0.0, lambda: x, lambda: tf.cast(x, tf.int32))

    with pytest.raises(TypeError, match=r"tf.cond.*same number, type, and overall structure"):
        g(tf.constant([1.0]))


def test_structures_that_differ_are_an_error():
    with pytest.raises(TypeError, match="overall structure"):
        tf.function(lambda x: tf.cond(x > 0.0, lambda: (x, x), lambda: x))(tf.constant(1.0))
    with pytest.raises(TypeError, match="overall structure"):
        tf.function(lambda x: tf.cond(x > 0.0, lambda: x, lambda: None))(tf.constant(1.0))
    for run in (lambda f: f, tf.function):
        with pytest.raises(ValueError, match="structure"):
            run(lambda x: tf.while_loop(lambda a: a < 3.0, lambda a: (a, a), [x]))(tf.constant(1.0))
        with pytest.raises((TypeError, ValueError), match=r"[Ss]tructure"):
            run(lambda x: tf.scan(lambda a, r: [a, r], x, (x[0], x[0])))(tf.ones(3))


def test_invariants_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="not compatible with the initial shape"):
        tf.while_loop(lambda a: True, lambda a: a, [tf.ones(3)], shape_invariants=[tf.TensorShape([2])])


def test_a_tensor_of_a_body_does_not_leave_it():
    kept = Counter()

    @tf.function
    def f(x):
        def yes():
            kept.tensor = x * 2.0
            return x

        y = tf.cond(x > 0.0, yes, lambda: x)
        return y + kept.tensor

    with pytest.raises(InvalidArgumentError, match="return it from the body"):
        f(tf.constant(1.0))


def test_an_error_in_a_body_is_the_users_own():
    def wrong(x):
        return tf.cond(x[0] > 0.0, lambda: tf.matmul(x, x), lambda: x)

    with pytest.raises(ValueError, match="matmul"):
        tf.function(wrong)(tf.constant([1.0]))
    with pytest.raises(ZeroDivisionError):
        tf.function(lambda x: tf.map_fn(lambda r: r / (1 / 0), x))(tf.constant([1.0]))


# Order ----------------------------------------------------------------------------------------------------------------


def test_control_dependencies_and_groups_keep_program_order():
    v = tf.Variable(1.0)

    def f(x):
        change = v.assign_add(x)
        with tf.control_dependencies([change, tf.group(x, v), tf.no_op()]):
            y = v * 2.0
        return tf.tuple([y, None, x], control_inputs=[change])

    assert [None if t is None else float(t) for t in f(tf.constant(2.0))] == [6, None, 2]
    traced = tf.function(f, strict=True)
    assert [None if t is None else float(t) for t in traced(tf.constant(2.0))] == [10, None, 2]
    assert float(v) == 5


def test_eager_control_flow_loads_no_graph_code():
    import subprocess
    import sys

    code = (
        "import eager as tf, sys\n"
        "x = tf.ones((3, 2))\n"
        "tf.cond(tf.constant(True), lambda: x, lambda: x)\n"
        "tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])\n"
        "tf.scan(lambda a, r: a + r, x); tf.map_fn(lambda r: r, x); tf.TensorArray(tf.float32, 2).write(0, x)\n"
        "print([m for m in ('eager.function.region', 'eager.function.control', 'codegen', 'llvmlite') "
        "if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
