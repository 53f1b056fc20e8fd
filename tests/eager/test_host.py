"""Python inside of compiled functions (py_function, numpy_function, print), and memory shared with other libraries."""

import io
import sys

import numpy as np
import pytest

import eager as tf

X = np.array([1.0, 2.0, 3.0], np.float32)


def square_plus_one(x):
    return x * x + 1.0


def test_py_function_runs_once_per_call_also_in_the_call_that_traces():
    runs = []

    def body(x):
        assert tf.executing_eagerly()
        runs.append(x.numpy().tolist())
        return square_plus_one(x)

    @tf.function(strict=True)
    def f(x):
        return tf.py_function(body, [x], tf.float32) * 2.0

    for n, x in enumerate((X, X, X[:2], np.arange(5, dtype=np.float32)), 1):
        np.testing.assert_allclose(f(tf.constant(x)), 2 * (x * x + 1))
        assert len(runs) == n
    assert f.explain().count("py_function") or "body" in f.explain()


def test_py_function_is_differentiable_inside_and_outside():
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.py_function(square_plus_one, [x], tf.float32)
        return tape.gradient(y, x)

    np.testing.assert_allclose(inside(tf.constant(X)), 2 * X)
    np.testing.assert_allclose(tf.function(inside, strict=True)(tf.constant(X)), 2 * X)
    x, f = tf.constant(X), tf.function(lambda x: tf.py_function(square_plus_one, [x], tf.float32), strict=True)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    np.testing.assert_allclose(tape.gradient(y, x), 2 * X)


def test_several_results_and_declared_shapes():
    def body(x, y):
        return x + y, tf.cast(x, tf.int32)

    @tf.function(input_signature=[tf.TensorSpec([3], tf.float32)], strict=True)
    def f(x):
        total, whole = tf.py_function(body, [x, 1.0], [tf.TensorSpec([3], tf.float32), tf.TensorSpec([3], tf.int32)])
        return total * 2.0, whole

    total, whole = f(tf.constant(X))
    np.testing.assert_allclose(total, 2 * (X + 1))
    np.testing.assert_array_equal(whole, [1, 2, 3])


def test_numpy_function_gets_arrays_and_has_no_gradient():
    kinds = []

    def body(x):
        kinds.append(type(x))
        return np.sort(x)[::-1].copy()

    for f in (body_call(body), tf.function(body_call(body), strict=True)):
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        np.testing.assert_allclose(y, X[::-1])
        assert tape.gradient(y, x) is None
    assert set(kinds) == {np.ndarray}


def body_call(body):
    return lambda x: tf.numpy_function(body, [x], tf.float32)


def test_a_function_without_results():
    seen = []
    f = tf.function(lambda x: tf.py_function(lambda t: seen.append(t.numpy().sum()), [x], []), strict=True)
    f(tf.constant(X))
    f(tf.constant(X))
    assert seen == [6.0, 6.0]


@pytest.mark.parametrize("form", ["eager", "traced"])
def test_wrong_results_are_refused(form):
    call = {"eager": lambda f: f, "traced": tf.function}[form]
    with pytest.raises(tf.errors.InvalidArgumentError, match="returned int32, Tout declares float32"):
        call(lambda x: tf.py_function(lambda t: tf.cast(t, tf.int32), [x], tf.float32))(tf.constant(X))
    with pytest.raises(tf.errors.InvalidArgumentError, match="returned 1 values, Tout declares 2"):
        call(lambda x: tf.py_function(lambda t: [t], [x], [tf.float32, tf.float32]))(tf.constant(X))
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        call(lambda x: tf.py_function(lambda t: t, [x], tf.TensorSpec([2], tf.float32)))(tf.constant(X))


def test_an_exception_of_the_function_reaches_the_caller_and_changes_nothing():
    v = tf.Variable(1.0)
    fail = []

    @tf.function(strict=True)
    def f(x):
        v.assign_add(1.0)
        return tf.py_function(lambda t: (fail[0], t)[1] if fail else t, [x], tf.float32)

    f(tf.constant(X))

    def body(t):
        raise RuntimeError("on purpose")

    @tf.function(strict=True)
    def g(x):
        v.assign_add(1.0)
        return tf.py_function(body, [x], tf.TensorSpec([3], tf.float32))

    with pytest.raises(RuntimeError, match="on purpose"):
        g(tf.constant(X))
    assert float(v) == 2.0


def test_a_trace_without_arguments_needs_a_declared_shape():
    f = tf.function(lambda x: tf.py_function(square_plus_one, [x], tf.float32))
    with pytest.raises(TypeError, match="TensorSpec"):
        f.get_concrete_function(tf.TensorSpec([3], tf.float32))


# Printing: what TensorFlow's documentation and its string form of numbers say.


def printed(*args, **kwargs):
    stream = io.StringIO()
    tf.print(*args, output_stream=stream, **kwargs)
    return stream.getvalue()


def test_print_looks_as_in_tensorflow():
    assert printed(tf.range(10)) == "[0 1 2 ... 7 8 9]\n"
    assert printed("t:", tf.range(10), {2: tf.constant([1.5, 2.0])}) == "t: [0 1 2 ... 7 8 9] {2: [1.5 2]}\n"
    assert printed(tf.constant([[1, 2], [3, 4]])) == "[[1 2]\n [3 4]]\n"
    assert printed(tf.constant(1 / 3), tf.constant(True), tf.constant("text")) == '0.333333343 1 "text"\n'
    assert printed(tf.constant("text")) == "text\n"
    assert printed(tf.constant(["a", "b"])) == '["a" "b"]\n'
    assert printed(tf.ones((2, 1, 2))) == "[[[1 1]]\n\n [[1 1]]]\n"
    assert printed(tf.ones((1, 2, 2))) == "[[[1 1]\n  [1 1]]]\n"
    assert printed({"k": tf.constant(1), "a": [tf.constant(2.5)]}, tf.float32) == "{'a': [2.5], 'k': 1} tf.float32\n"
    assert printed(tf.range(4), summarize=1, sep=",", end="!") == "[0 ... 3]!"
    assert printed(tf.range(8), summarize=-1) == "[0 1 2 3 4 5 6 7]\n"


def test_print_in_a_compiled_function_runs_at_every_call_in_order(capsys):
    @tf.function(strict=True)
    def f(x):
        tf.print("first", x, output_stream=sys.stdout)
        y = x + 1.0
        tf.print("then", y, output_stream=sys.stdout)
        return y

    f(tf.constant(1.0))
    f(tf.constant(2.0))
    assert capsys.readouterr().out == "first 1\nthen 2\nfirst 2\nthen 3\n"


def test_a_gradient_from_outside_prints_nothing_again(capsys):
    @tf.function(strict=True)
    def f(x):
        tf.print("x =", x)
        return x * x

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert float(tape.gradient(y, x)) == 6.0
    assert capsys.readouterr().err == "x = 3\n"


def test_print_to_a_file(tmp_path):
    path = tmp_path / "out.txt"
    tf.print(1, output_stream=f"file://{path}")
    tf.print(2, output_stream=f"file://{path}")
    assert path.read_text() == "1\n2\n"
    with pytest.raises(ValueError, match="output stream"):
        tf.print(1, output_stream="nowhere")


# Other libraries


def test_dlpack_both_ways():
    dlpack = tf.experimental.dlpack
    t = tf.constant(X)
    np.testing.assert_array_equal(np.from_dlpack(t), X)
    np.testing.assert_array_equal(dlpack.from_dlpack(dlpack.to_dlpack(t)), X)
    array = np.arange(6).reshape(2, 3)
    got = dlpack.from_dlpack(array)
    assert got.dtype == tf.int64
    assert np.shares_memory(got.numpy(), array)
    with pytest.raises(tf.errors.InvalidArgumentError, match="from_dlpack"):
        dlpack.from_dlpack(object())


def test_parts_of_tensorflow_that_are_left_out_say_what_to_use_instead():
    for name, remedy in (("ragged", "mask"), ("SparseTensor", "tf.gather"), ("distribute", "strategy")):
        with pytest.raises(NotImplementedError, match=remedy):
            getattr(tf, name)
        assert not hasattr(tf, name)
    with tf.device("/CPU:0"):
        tf.constant(1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="GPU"), tf.device("/GPU:0"):
        tf.constant(1.0)
