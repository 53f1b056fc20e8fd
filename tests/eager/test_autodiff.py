"""Derivatives beyond `gradient`: jacobians, forward mode, functions with gradients of their own, sparse gradients."""

import numpy as np
import pytest

import eager as tf

A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def both(function):
    """The function eagerly and traced without fall back."""
    return [function, tf.function(function, strict=True)]


def test_jacobian_of_a_map_between_vectors():
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.stack([x[0] * x[1], x[2] ** 2.0])
        return tape.jacobian(y, x)

    for f in both(run):
        np.testing.assert_allclose(f(tf.constant([2.0, 3.0, 4.0])), [[3, 2, 0], [0, 0, 8]])


def test_jacobian_has_the_shapes_of_target_and_source_in_that_order():
    x = tf.constant(A)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.matmul(tf.transpose(x), x)
    got = tape.jacobian(y, x).numpy()
    want = np.zeros((2, 2, 3, 2))
    for i in range(2):
        for j in range(2):
            for k in range(3):
                want[i, j, k, i] += A[k, j]
                want[i, j, k, j] += A[k, i]
    np.testing.assert_allclose(got, want)


def test_jacobian_of_structures_and_of_unconnected_sources():
    v, w = tf.Variable([1.0, 2.0]), tf.Variable(5.0)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
    got = tape.jacobian(y, {"v": v, "w": w})
    np.testing.assert_allclose(got["v"], [[2, 0], [0, 4]])
    assert got["w"] is None
    zeros = tape.jacobian(y, w, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(zeros, [0, 0])


def test_a_second_jacobian_of_a_tape_that_is_not_persistent_is_refused():
    x = tf.constant([1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.jacobian(y, x)
    with pytest.raises(RuntimeError, match="persistent"):
        tape.jacobian(y, x)


def test_batch_jacobian_is_the_diagonal_of_the_jacobian():
    def run(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.stack([x[:, 0] * x[:, 1], tf.sin(x[:, 0]), x[:, 1] ** 3.0], axis=1)
        return tape.batch_jacobian(y, x)

    want = np.zeros((3, 3, 2))
    a, b = A.T
    want[:, 0, 0], want[:, 0, 1], want[:, 1, 0], want[:, 2, 1] = b, a, np.cos(a), 3 * b**2
    for f in both(run):
        np.testing.assert_allclose(f(tf.constant(A)), want)


def test_batch_jacobian_needs_one_first_axis():
    x = tf.constant(A)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x, 0)
    with pytest.raises(ValueError, match="first dimension"):
        tape.batch_jacobian(y, x)


def test_hessian_by_nested_tapes():
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x[0] ** 2.0 * x[1] + x[2] ** 3.0
        slope = inner.gradient(y, x)
    np.testing.assert_allclose(outer.jacobian(slope, x), [[4, 2, 0], [2, 0, 0], [0, 0, 18]])


def test_gradients_and_hessians_inside_a_traced_function():
    @tf.function(strict=True)
    def f(x):
        y = x[0] ** 2.0 * x[1] + x[2] ** 3.0
        return tf.gradients(y, x)[0], tf.hessians(y, x)[0]

    slope, hessian = f(tf.constant([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(slope, [4, 1, 27])
    np.testing.assert_allclose(hessian, [[4, 2, 0], [2, 0, 0], [0, 0, 18]])


def test_gradients_outside_of_a_trace_name_the_tape():
    with pytest.raises(RuntimeError, match="GradientTape"):
        tf.gradients(tf.constant(1.0), tf.constant(1.0))
    with pytest.raises(RuntimeError, match="GradientTape"):
        tf.hessians(tf.constant(1.0), tf.constant(1.0))


def test_gradients_stop_where_told():
    @tf.function(strict=True)
    def f(x):
        y = x * x
        return tf.gradients(y * x, x, stop_gradients=[y])[0]

    np.testing.assert_allclose(f(tf.constant(3.0)), 9.0)


# Forward mode


def test_forward_accumulator_gives_jacobian_vector_products():
    x, direction = tf.constant([1.0, 2.0, 3.0]), tf.constant([1.0, 0.0, 2.0])
    with tf.autodiff.ForwardAccumulator(x, direction) as acc:
        y = tf.stack([x[0] * x[1], tf.reduce_sum(x**3.0)])
    np.testing.assert_allclose(acc.jvp(y), [2.0, 3 + 54])
    np.testing.assert_allclose(acc.jvp(x), direction)
    assert acc.jvp(tf.constant(1.0)) is None
    assert float(acc.jvp(tf.constant(1.0), unconnected_gradients="zero")) == 0


def test_forward_over_reverse_gives_a_hessian_vector_product():
    v = tf.Variable([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator(v, tf.constant([1.0, 1.0])) as acc:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(v**3.0) * 2.0
        slope = tape.gradient(y, v)
    np.testing.assert_allclose(acc.jvp(slope), [12, 24])


def test_forward_accumulators_nest():
    x, one = tf.constant(2.0), tf.constant(1.0)
    with tf.autodiff.ForwardAccumulator(x, one) as outer:
        with tf.autodiff.ForwardAccumulator(x, one) as inner:
            y = x**4.0
        slope = inner.jvp(y)
    np.testing.assert_allclose(slope, 32)
    np.testing.assert_allclose(outer.jvp(slope), 48)


def test_forward_accumulator_checks_its_arguments():
    x = tf.constant([1.0, 2.0])
    with pytest.raises(ValueError, match="shape"):
        tf.autodiff.ForwardAccumulator(x, tf.constant([1.0]))
    with pytest.raises(ValueError, match="twice"):
        tf.autodiff.ForwardAccumulator([x, x], [x, x])


# Functions with gradients of their own


@tf.custom_gradient
def log1pexp(x):
    """The example of TensorFlow's documentation: stable gradient of log(1 + exp(x))."""
    e = tf.exp(x)

    def grad(upstream):
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), grad


def test_custom_gradient_is_used_eagerly_traced_and_around_a_traced_call():
    x = tf.constant(100.0)

    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = log1pexp(x)
        return tape.gradient(y, x)

    for f in both(inside):
        assert float(f(x)) == 1.0
    for f in both(log1pexp):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x) * 2.0
        assert float(tape.gradient(y, x)) == 2.0


def test_custom_gradient_of_variables():
    v, x = tf.Variable(2.0), tf.constant(3.0)

    @tf.custom_gradient
    def scaled(x):
        def grad(upstream, variables=None):
            assert [w is v for w in variables or ()] == [True]
            return upstream * 10.0, [upstream * 100.0]

        return x * v, grad

    for f in both(scaled):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert float(y) == 6.0
        assert [float(g) for g in tape.gradient(y, [x, v])] == [10.0, 100.0]


def test_custom_gradient_that_ignores_its_variables_is_refused():
    v = tf.Variable(2.0)

    @tf.custom_gradient
    def scaled(x):
        return x * v, lambda upstream: upstream

    with tf.GradientTape(), pytest.raises(TypeError, match="variables"):
        scaled(tf.constant(1.0))


def test_custom_gradient_with_a_wrong_number_of_gradients_is_refused():
    @tf.custom_gradient
    def product(x, y):
        return x * y, lambda upstream: upstream

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = product(x, x)
    with pytest.raises(ValueError, match="1 gradients, expected 2"):
        tape.gradient(y, x)


def test_second_derivative_through_a_custom_gradient():
    @tf.custom_gradient
    def square(x):
        return x * x, lambda upstream: upstream * 2.0 * x

    x = tf.constant(3.0)
    for f in both(square):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            slope = inner.gradient(y, x)
        assert float(slope) == 6.0
        assert float(outer.gradient(slope, x)) == 2.0


def test_recompute_grad_runs_the_function_again_for_the_gradient():
    v, x, runs = tf.Variable(2.0), tf.constant(0.5), []

    def body(x):
        runs.append(1)
        return tf.sin(x) * v

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.recompute_grad(body)(x) * 3.0
    assert len(runs) == 1
    got = tape.gradient(y, [x, v])
    assert len(runs) == 2
    np.testing.assert_allclose([float(g) for g in got], [6 * np.cos(0.5), 3 * np.sin(0.5)], rtol=1e-6)


# Sparse gradients


def dense_gradient(table, indices, extra):
    want = np.zeros_like(table)
    for i in np.ravel(indices):
        want[i] += 2 * table[i]
    for i in extra:
        want[i] += 3
    return want


def test_gathered_rows_give_indexed_slices():
    table = np.arange(20.0).reshape(10, 2)
    v, places = tf.Variable(table), np.array([[1, 2], [2, 9]])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.nn.embedding_lookup(v, places) ** 2.0) + 3.0 * tf.reduce_sum(tf.gather(v, [0, 2]))
    got = tape.gradient(y, v)
    assert isinstance(got, tf.IndexedSlices)
    assert sorted(got.indices.numpy().tolist()) == [0, 1, 2, 2, 2, 9]
    assert got.shape == (10, 2)
    assert got.dense_shape.numpy().tolist() == [10, 2]
    np.testing.assert_allclose(tf.convert_to_tensor(got), dense_gradient(table, places, [0, 2]))


def test_a_dense_use_beside_makes_the_gradient_dense():
    v = tf.Variable(np.ones((4, 2)))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.gather(v, [1, 1])) + tf.reduce_sum(v * v)
    got = tape.gradient(y, v)
    np.testing.assert_allclose(got, [[2, 2], [4, 4], [2, 2], [2, 2]])


OPTIMIZERS = {
    "sgd": lambda: tf.keras.optimizers.SGD(0.1),
    "momentum": lambda: tf.keras.optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: tf.keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: tf.keras.optimizers.Adam(0.1),
    "amsgrad": lambda: tf.keras.optimizers.Adam(0.1, amsgrad=True),
    "rmsprop": lambda: tf.keras.optimizers.RMSprop(0.1, momentum=0.5),
    "centered": lambda: tf.keras.optimizers.RMSprop(0.1, centered=True),
}


def steps(optimizer, table, places, form):
    v = tf.Variable(table)

    def step():
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.gather(v, places) ** 2.0)
        gradient = tape.gradient(y, v)
        assert isinstance(gradient, tf.IndexedSlices)
        optimizer.apply_gradients([(tf.convert_to_tensor(gradient) if form == "dense" else gradient, v)])

    run = tf.function(step, strict=True) if form == "traced" else step
    for _ in range(3):
        run()
    return v.numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sparse_updates_are_the_dense_ones(name):
    table = np.random.default_rng(5).normal(size=(7, 3))
    places = tf.constant([1, 4, 1, 6])
    want = steps(OPTIMIZERS[name](), table, places, "dense")
    for form in ("sparse", "traced"):
        np.testing.assert_allclose(steps(OPTIMIZERS[name](), table, places, form), want, rtol=1e-6, atol=1e-9)


CLIPPED = {
    "clipnorm": lambda v: v / np.sqrt(np.sum(v**2)) * 0.5,
    "global_clipnorm": lambda v: v / np.sqrt(np.sum(v**2)) * 0.5,
    "clipvalue": lambda v: np.clip(v, -0.5, 0.5),
}


@pytest.mark.parametrize("kind", CLIPPED)
@pytest.mark.parametrize("form", ["sparse", "traced"])
def test_rows_are_clipped_as_they_are_and_then_summed(kind, form):
    """As tf.keras: a row that was gathered twice is clipped twice."""
    table, places = np.random.default_rng(6).normal(size=(5, 2)), np.array([1, 4, 1])
    want = table.copy()
    for _ in range(3):
        np.subtract.at(want, places, 0.1 * CLIPPED[kind](2 * want[places]))
    got = steps(tf.keras.optimizers.SGD(0.1, **{kind: 0.5}), table, tf.constant(places), form)
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_clipping_keeps_rows():
    slices = tf.IndexedSlices(np.array([[3.0, 4.0], [0.0, 12.0]]), [2, 2], (4, 2))
    for got in (
        tf.clip_by_norm(slices, 6.5),
        tf.clip_by_global_norm([None, slices], 6.5)[0][1],
        tf.clip_by_value(slices, -6.5, 6.5),
    ):
        assert isinstance(got, tf.IndexedSlices)
        assert got.indices.numpy().tolist() == [2, 2]
        assert got.dense_shape.numpy().tolist() == [4, 2]
    np.testing.assert_allclose(tf.clip_by_norm(slices, 6.5).values, [[1.5, 2.0], [0.0, 6.0]])
    np.testing.assert_allclose(tf.clip_by_value(slices, -6.5, 6.5).values, [[3.0, 4.0], [0.0, 6.5]])
    assert float(tf.linalg.global_norm([slices])) == 13.0


def test_rows_without_a_shape_and_without_a_last_resort_epsilon():
    v = tf.Variable(np.ones((6, 2)))
    rows = tf.IndexedSlices(np.ones((3, 2)), [1, 1, 3])
    tf.keras.optimizers.RMSprop(0.1, epsilon=0.0).apply_gradients([(rows, v)])
    want = 1 - 0.1 / np.sqrt(0.1)
    np.testing.assert_allclose(v.numpy()[:, 0], [1, want, 1, want, 1, 1], rtol=1e-6)


def test_the_dense_shape_of_rows_may_have_an_open_size():
    @tf.function(strict=True, input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.gather(x, [0, 1, 0]))
        gradient = tape.gradient(y, x)
        return gradient.dense_shape, tf.convert_to_tensor(gradient)

    for n in (4, 2):
        shape, whole = f(tf.ones((n, 3)))
        assert shape.numpy().tolist() == [n, 3]
        np.testing.assert_array_equal(whole[:2], [[2, 2, 2], [1, 1, 1]])


def test_a_traced_sparse_step_makes_no_dense_gradient():
    v = tf.Variable(np.zeros((1000, 4), np.float32))
    optimizer = tf.keras.optimizers.SGD(0.5)

    @tf.function(strict=True)
    def step(places):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.gather(v, places))
        optimizer.apply_gradients([(tape.gradient(y, v), v)])

    step(tf.constant([3, 5, 3]))
    np.testing.assert_allclose(v.numpy()[[3, 5, 4]], [[-1] * 4, [-0.5] * 4, [0] * 4])
    graph = step.get_concrete_function(tf.constant([3, 5, 3])).graph
    table = [n for n in graph.nodes if any(r.type.shape == (1000, 4) for r in n.results)]
    assert [n.op.name for n in table if n.op.name not in ("input", "identity")] == ["scatter"]


def test_scatter_methods_of_variables():
    rows = tf.IndexedSlices([[2.0, 3.0], [4.0, 5.0]], [1, 1])
    want = {
        "add": [6 + 1, 8 + 1], "sub": [1 - 6, 1 - 8], "mul": [8, 15], "div": [1 / 8, 1 / 15], "max": [4, 5],
        "min": [1, 1], "update": [4, 5],
    }  # fmt: skip
    for kind, expected in want.items():
        v = tf.Variable(np.ones((3, 2), np.float32))
        assert getattr(v, f"scatter_{kind}")(rows) is v
        np.testing.assert_allclose(v.numpy(), [[1, 1], expected, [1, 1]], rtol=1e-6)


def test_scatter_nd_and_batch_scatter_of_variables():
    v = tf.Variable(np.zeros((2, 3)))
    v.scatter_nd_update([[0, 2], [1, 0]], [5.0, 6.0])
    v.scatter_nd_add([[0, 2]], [1.0])
    v.scatter_nd_sub([[1, 0]], [2.0])
    np.testing.assert_array_equal(v.numpy(), [[0, 0, 6], [4, 0, 0]])
    v.batch_scatter_update(tf.IndexedSlices(np.array([[7.0], [8.0]]), [[1], [2]]))
    np.testing.assert_array_equal(v.numpy(), [[0, 7, 6], [4, 0, 8]])
    np.testing.assert_array_equal(v.sparse_read([1]), [[4, 0, 8]])
    np.testing.assert_array_equal(v.gather_nd([[0, 1], [1, 2]]), [7, 8])


def test_a_failed_scatter_leaves_the_variable():
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="index"):
        v.scatter_add(tf.IndexedSlices([5.0], [2]))
    with pytest.raises(TypeError, match="IndexedSlices"):
        v.scatter_add([5.0])
    np.testing.assert_array_equal(v.numpy(), [1, 2])


def test_indexed_slices_check_their_parts():
    with pytest.raises(tf.errors.InvalidArgumentError, match="integers"):
        tf.IndexedSlices([1.0], [0.5])
    with pytest.raises(tf.errors.InvalidArgumentError, match="one row each"):
        tf.IndexedSlices([1.0], [0, 1])
    with pytest.raises(ValueError, match="dense_shape"):
        tf.convert_to_tensor(tf.IndexedSlices([1.0], [0]))
