"""tf.function: signatures, symbolic sizes, structures, methods, variables, tapes, fallback, ledger."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import eager as tf
from eager import FallbackWarning, SideEffectWarning


class Counter:
    """Counts runs of Python; an attribute, since a captured list that grows is reported."""

    count = 0


def test_results_and_a_single_trace_for_equal_signatures():
    @tf.function
    def f(x, w):
        return tf.nn.relu(x @ w) + 1.0

    x, w = np.ones((2, 3), np.float32), np.full((3, 4), -0.5, np.float32)
    for _ in range(3):
        assert np.array_equal(f(tf.constant(x), tf.constant(w)).numpy(), np.maximum(x @ w, 0) + 1)
    assert np.array_equal(f(x, w).numpy(), np.ones((2, 4)))
    assert len(f.concrete_functions) == 1


def test_second_shape_makes_the_size_symbolic_and_serves_all_others():
    @tf.function
    def f(x):
        return tf.reduce_sum(x * x, axis=-1), tf.shape(x), tf.reshape(x, (-1,))

    for n in (2, 5, 7, 1, 64):
        x = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
        total, shape, flat = f(tf.constant(x))
        assert np.array_equal(total.numpy(), (x * x).sum(-1))
        assert shape.numpy().tolist() == [n, 3]
        assert np.array_equal(flat.numpy(), x.ravel())
    assert len(f.concrete_functions) == 2
    assert [e.kind for e in f.ledger] == ["trace", "generalise"]


def test_size_zero_is_a_trace_of_its_own():
    @tf.function
    def f(x):
        return tf.reduce_sum(x, axis=0)

    assert f(tf.ones((2, 3))).numpy().tolist() == [2, 2, 2]
    assert f(tf.ones((4, 3))).numpy().tolist() == [4, 4, 4]
    assert f(tf.zeros((0, 3))).numpy().tolist() == [0, 0, 0]
    assert len(f.concrete_functions) == 3


def test_sizes_that_meet_become_a_guard():
    @tf.function
    def f(x, y):
        return x + y

    assert f(tf.ones(2), tf.ones(3)[:1]).shape == (2,)
    assert f(tf.ones(4), tf.ones(4)).shape == (4,)
    assert f(tf.ones(5), tf.ones(5)).shape == (5,)
    with pytest.raises(ValueError, match="broadcast"):
        f(tf.ones(5), tf.ones(4))
    assert f(tf.ones(5), tf.ones(1)).shape == (5,)


def test_structures_survive():
    @tf.function
    def f(batch, scale=2.0, *, name=None):
        x, y = batch["x"], batch["y"][0]
        return {"sum": x + y, "pair": (x * scale, [y]), "none": None, "number": 3, "name": tf.constant(1.0)}

    out = f({"x": tf.ones(2), "y": [tf.ones(2)]}, name="a")
    assert sorted(out) == ["name", "none", "number", "pair", "sum"]
    assert out["none"] is None
    assert isinstance(out["pair"], tuple)
    assert out["pair"][0].numpy().tolist() == [2, 2]
    assert int(out["number"]) == 3
    assert f({"x": tf.ones(2), "y": [tf.ones(2)]}, scale=5.0)["pair"][0].numpy().tolist() == [5, 5]


def test_python_values_are_part_of_the_signature():
    @tf.function
    def f(x, flag, k=1):
        return x * k if flag else -x

    x = tf.ones(1)
    assert float(f(x, True)) == 1.0
    assert float(f(x, False)) == -1.0
    assert float(f(x, True, 3)) == 3.0
    assert float(f(x, True, k=-0.0)) == 0.0
    assert np.signbit(f(x, True, k=-0.0).numpy()[0])
    assert not np.signbit(f(x, True, k=0.0).numpy()[0])
    assert float(f(x, 1, 4)) == 4.0


def test_outputs_none_tuple_list():
    assert tf.function(lambda x: None)(tf.ones(1)) is None
    assert isinstance(tf.function(lambda x: (x, x))(tf.ones(1)), tuple)
    assert isinstance(tf.function(lambda x: [x])(tf.ones(1)), list)


def test_variables_are_read_and_updated_in_program_order():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        a = v + x
        v.assign_add(x)
        b = v * 1.0
        v.assign(v * 2.0)
        return a, b, v

    a, b, c = f(tf.constant(2.0))
    assert (float(a), float(b), float(c), float(v)) == (3.0, 3.0, 6.0, 6.0)
    a, b, c = f(tf.constant(2.0))
    assert (float(a), float(b), float(c), float(v)) == (8.0, 8.0, 16.0, 16.0)
    assert v.version == 2


def test_an_earlier_value_is_never_changed_in_place():
    v = tf.Variable(np.zeros(1000, np.float32))

    @tf.function
    def step():
        v.assign_add(tf.ones(1000))

    step()
    kept, kept_tensor = v.numpy(), v.value()
    step()
    step()
    assert kept.max() == 1.0
    assert float(tf.reduce_max(kept_tensor)) == 1.0
    assert v.numpy().min() == 3.0


def test_a_failed_assertion_changes_no_variable():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(x):
        v.assign(x * 10.0)
        tf.debugging.assert_less(x, 5.0, message="too big")
        return v

    f(tf.constant([1.0, 2.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="too big"):
        f(tf.constant([7.0, 8.0]))
    assert v.numpy().tolist() == [10.0, 20.0]
    assert v.version == 1


def test_a_python_exception_while_tracing_changes_no_variable():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        v.assign_add(x)
        raise KeyError("mine")

    with pytest.raises(KeyError):
        f(tf.constant(1.0))
    assert float(v) == 1.0
    assert f.concrete_functions == []


def test_methods_bind_per_instance():
    class Model:
        def __init__(self, k):
            self.k = tf.Variable(k)

        @tf.function
        def scale(self, x):
            return x * self.k

    a, b = Model(2.0), Model(3.0)
    assert float(a.scale(tf.constant(1.0))) == 2.0
    assert float(b.scale(tf.constant(1.0))) == 3.0
    assert a.scale is a.scale
    assert a.scale is not b.scale
    c = copy.deepcopy(a)
    c.k.assign(7.0)
    assert float(c.scale(tf.constant(1.0))) == 7.0
    assert float(a.scale(tf.constant(1.0))) == 2.0


@tf.function
def module_level(x):
    return x + 1.0


def test_pickle_by_name():
    assert pickle.loads(pickle.dumps(module_level)) is module_level


def test_input_signature():
    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32)])
    def f(x):
        return x + 1.0

    assert f([[1, 2]]).numpy().tolist() == [[2, 3]]
    assert f(tf.ones((5, 2))).shape == (5, 2)
    assert len(f.concrete_functions) == 1
    with pytest.raises(TypeError, match="input_signature"):
        f(tf.ones((5, 3)))
    with pytest.raises(TypeError, match="TensorSpec"):
        tf.function(lambda x: x, input_signature=[3])


def test_get_concrete_function_without_values():
    @tf.function
    def f(x, y):
        return x + y

    concrete = f.get_concrete_function(tf.TensorSpec((None, 3)), tf.TensorSpec((None, 3)))
    assert concrete(tf.ones((2, 3)), tf.ones((2, 3))).numpy().tolist() == [[2, 2, 2], [2, 2, 2]]
    assert concrete.inputs[0].shape.as_list() == [None, 3]

    @tf.function
    def g(x):
        return x if tf.reduce_sum(x) > 0 else -x

    with pytest.raises(TypeError, match=r"tf\.cond"):
        g.get_concrete_function(tf.TensorSpec((2,)))


def test_creating_a_variable_on_every_call_is_an_error():
    @tf.function
    def f(x):
        return x * tf.Variable(2.0)

    with pytest.raises(ValueError, match="create variables"):
        f(tf.constant(1.0))


def test_a_variable_made_on_the_first_call_only():
    class Holder:
        v = None

    @tf.function
    def f(x):
        if Holder.v is None:
            Holder.v = tf.Variable(10.0)
        Holder.v.assign_add(x)
        return Holder.v * 1.0

    assert float(f(tf.constant(1.0))) == 11.0
    assert float(f(tf.constant(2.0))) == 13.0


def test_gradient_inside_and_around():
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    x = tf.constant([[1.0, -1.0]])

    @tf.function
    def loss(x):
        return tf.reduce_sum(tf.tanh(x @ w))

    @tf.function
    def inner(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.tanh(x @ w))
        return tape.gradient(y, w)

    with tf.GradientTape() as tape:
        y = loss(x)
    outer = tape.gradient(y, w).numpy()
    z = x.numpy().astype(np.float64) @ w.numpy()
    expected = x.numpy().T @ (1 - np.tanh(z) ** 2)
    np.testing.assert_allclose(outer, expected, rtol=1e-5)
    np.testing.assert_allclose(inner(x).numpy(), expected, rtol=1e-5)


def test_second_derivative_through_a_compiled_call():
    f = tf.function(lambda x: tf.reduce_sum(tf.tanh(x)))
    x = tf.constant([0.3, -0.7], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        first = inner.gradient(y, x)
    second = outer.gradient(first, x).numpy()
    t = np.tanh(x.numpy())
    np.testing.assert_allclose(first.numpy(), 1 - t**2, rtol=1e-12)
    np.testing.assert_allclose(second, -2 * t * (1 - t**2), rtol=1e-12)


def test_nested_functions_become_one():
    inner = tf.function(lambda x: x * 2.0)
    outer = tf.function(lambda x: inner(x) + 1.0)
    assert float(outer(tf.constant(3.0))) == 7.0
    assert inner.concrete_functions == []


def test_untraceable_python_runs_eagerly_with_one_warning():
    runs = Counter()

    @tf.function
    def f(x):
        runs.count += 1
        if tf.reduce_sum(x) > 0:
            return x * 2.0
        return -x

    with pytest.warns(FallbackWarning, match=r"test_function\.py:\d+.*tf\.cond") as record:
        assert f(tf.constant([1.0])).numpy().tolist() == [2.0]
    assert len(record) == 1
    assert runs.count == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f(tf.constant([-3.0])).numpy().tolist() == [3.0]
    assert "fallback" in f.explain()


def test_fallback_keeps_the_promises_of_a_run():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        v.assign_add(x)
        if float(v) > 3.0:
            raise RuntimeError("mine")
        return v * 2.0

    with pytest.warns(FallbackWarning):
        assert float(f(tf.constant(1.0))) == 4.0
    assert float(v) == 2.0
    with pytest.raises(RuntimeError, match="mine"):
        f(tf.constant(5.0))
    assert float(v) == 2.0


def test_gradient_flows_through_a_fallback():
    v = tf.Variable(3.0)

    @tf.function
    def f(x):
        y = v * x
        return y * float(y)

    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with tf.GradientTape() as tape:
                y = f(tf.constant(2.0))
        assert float(y) == 36.0
        assert float(tape.gradient(y, v)) == 12.0


def test_strict_and_no_retrace_raise():
    def python(x):
        return x * 2.0 if x > 0 else x

    with pytest.raises(TypeError, match="strict"):
        tf.function(python, strict=True)(tf.constant(1.0))
    f = tf.function(lambda x: x + 1.0)
    f(tf.ones(2))
    with tf.no_retrace():
        f(tf.ones(2))
        with pytest.raises(RuntimeError, match="no_retrace"):
            f(tf.ones((2, 2)))


def test_unhashable_arguments_run_eagerly():
    f = tf.function(lambda x, o: x + 1.0)
    with pytest.warns(FallbackWarning, match="hash"):
        assert float(f(tf.constant(1.0), {1, 2})) == 2.0


def test_a_captured_list_that_tracing_changes_is_reported():
    log = []

    @tf.function
    def f(x):
        log.append("called")
        return x

    with pytest.warns(SideEffectWarning, match=r"list 'log'.*tf\.Variable"):
        f(tf.ones(2))
    f(tf.ones(2))
    assert log == ["called"]
    assert [e.kind for e in f.ledger] == ["side effect", "trace"]


def test_run_functions_eagerly():
    seen = Counter()

    @tf.function
    def f(x):
        seen.count += 1
        return x

    f(tf.ones(1))
    tf.config.run_functions_eagerly(True)
    try:
        f(tf.ones(1))
        f(tf.ones(1))
    finally:
        tf.config.run_functions_eagerly(False)
    f(tf.ones(1))
    assert seen.count == 3


def test_wrong_arguments():
    f = tf.function(lambda x: x)
    with pytest.raises(TypeError):
        f(tf.ones(1), tf.ones(1))
    with pytest.raises(TypeError, match="callable"):
        tf.function(3)


def test_shapes_that_clash_inside_a_traced_call_name_the_op():
    f = tf.function(lambda x, y: x @ y)
    with pytest.raises(ValueError, match=r"matmul.*\(?2, 3|matmul.*float32\[2, 3\]"):
        f(tf.ones((2, 3)), tf.ones((2, 3)))


def test_a_leaked_tensor_is_reported():
    kept = []

    @tf.function
    def f(x):
        kept.append(x * 2.0)
        return x

    with pytest.warns(SideEffectWarning):
        f(tf.ones(2))
    with pytest.raises(TypeError, match="return it from the function"):
        kept[0].numpy()
    with pytest.raises(TypeError, match="has ended"):
        kept[0] + 1.0


def test_eager_and_traced_draw_equal_numbers():
    def draw():
        return tf.random.normal((5,)), tf.random.uniform((3,), 1.0, 2.0), tf.random.uniform((4,), 0, 10, tf.int32)

    tf.random.set_seed(3)
    expected = [draw(), draw()]
    tf.random.set_seed(3)
    traced = tf.function(draw)
    for pair in expected:
        for a, b in zip(pair, traced(), strict=True):
            assert np.array_equal(a.numpy(), b.numpy())


def test_nan_in_data_is_no_crash():
    f = tf.function(lambda x: tf.nn.softmax(x) + tf.cast(tf.argmax(x, -1), tf.float32)[:, None])
    out = f(tf.constant([[np.nan, 1.0], [np.inf, 1.0]]))
    assert np.isnan(out.numpy()[0]).all()


def test_explain_tells_of_fusion():
    f = tf.function(lambda x: tf.nn.softmax(x * 2.0))
    text = f.explain(tf.ones((4, 5)))
    assert "row" in text
    assert "first call" in text


def test_init_scope_leaves_the_trace():
    seen = []

    @tf.function
    def f(x):
        with tf.init_scope():
            seen.append(tf.executing_eagerly())
        seen.append(tf.executing_eagerly())
        return x

    with pytest.warns(SideEffectWarning):
        f(tf.ones(1))
    assert seen == [True, False]


def test_shapes_made_of_open_sizes():
    @tf.function
    def f(x):
        n = tf.shape(x)[0]
        return tf.zeros((n, 2)) + 1.0, tf.range(n), tf.eye(n), tf.fill([n + 1], 3)

    for n in (3, 5, 4):
        ones, steps, eye, filled = f(tf.ones((n, 2)))
        assert np.array_equal(ones.numpy(), np.ones((n, 2)))
        assert steps.numpy().tolist() == list(range(n))
        assert np.array_equal(eye.numpy(), np.eye(n))
        assert filled.numpy().tolist() == [3] * (n + 1)
    assert len(f.concrete_functions) == 2


def test_large_constants_stay_rules():
    f = tf.function(lambda x: x * tf.ones((100, 100)) + tf.zeros((100, 100)))
    assert f(tf.ones((100, 100))).numpy().sum() == 10_000
    assert [v.node.attrs["role"] for v in f.concrete_functions[0].graph.inputs] == ["argument"]


def test_keywords_in_another_order_keep_their_meaning():
    f = tf.function(lambda a, b: a - b)
    x, y, z = tf.constant(1.0), tf.constant(5.0), tf.constant(7.0)
    assert float(f(b=x, a=x)) == 0.0
    for _ in range(2):
        assert float(f(b=y, a=z)) == 2.0
        assert float(f(a=y, b=z)) == -2.0
