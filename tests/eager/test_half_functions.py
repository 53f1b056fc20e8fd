"""16-bit floats as users meet them: traced functions, variables, gradients, means, random numbers, mixed precision."""

import numpy as np
import pytest

import eager as tf

HALVES = (tf.float16, tf.bfloat16)
halves = pytest.mark.parametrize("half", HALVES, ids=lambda d: d.name)


def where_it_ran(function, *args):
    """The line of explain() that counts native kernels and host calls."""
    (line,) = [x for x in str(function.explain(*args)).splitlines() if "what ran where" in x]
    return line


@halves
def test_variables_and_results_keep_their_dtype_through_native_calls(half):
    v = tf.Variable(tf.cast([1.0, 2.0, 3.0], half))

    @tf.function
    def step(x):
        v.assign_add(x)
        return v * x, tf.reduce_sum(v)

    x = tf.cast([1.0, 1.0, 2.0], half)
    for i in range(1, 5):
        product, total = step(x)
        want = np.array([1, 2, 3]) + i * np.array([1, 1, 2])
        assert product.dtype is half and total.dtype is half and v.dtype is half
        np.testing.assert_array_equal(v.numpy().astype(np.float32), want)
        np.testing.assert_array_equal(product.numpy().astype(np.float32), want * [1, 1, 2])
        assert float(total) == want.sum()
    assert "host" not in where_it_ran(step, x)
    with pytest.raises(TypeError, match=r"float32.*tf\.cast"):
        step(tf.cast(x, tf.float32))


@halves
def test_gradients_traced_are_those_of_eager(half, rng):
    x = tf.constant(rng.normal(size=(6, 5)).astype(np.float32).astype(half.numpy))
    w = tf.constant(rng.normal(size=(5, 4)).astype(np.float32).astype(half.numpy))

    def loss(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            h = tf.nn.gelu(x @ w)
            y = tf.reduce_mean(tf.nn.softmax(h) * tf.tanh(h)) + tf.reduce_sum(tf.gather(x, [1, 2])) / 8
        return y, tape.gradient(y, [x, w])

    traced = tf.function(loss)
    (y, dy), (z, dz) = loss(x, w), traced(x, w)
    eps = float(half.finfo().eps)
    np.testing.assert_allclose(float(y), float(z), rtol=2 * eps)
    for a, b in zip(dy, dz, strict=True):
        assert a.dtype is half and b.dtype is half
        np.testing.assert_allclose(a.numpy().astype(float), b.numpy().astype(float), atol=4 * eps)
    exact = loss(tf.cast(x, tf.float64), tf.cast(w, tf.float64))[1]
    for a, b in zip(dz, exact, strict=True):
        np.testing.assert_allclose(a.numpy().astype(float), b.numpy(), atol=16 * eps)


@halves
def test_means_count_and_add_in_float32(half):
    ones = tf.ones((100_000,), half)
    assert float(tf.reduce_mean(ones)) == 1
    assert float(tf.function(tf.reduce_mean)(ones)) == 1
    assert float(tf.reduce_sum(tf.ones((4096, 2), half), 0)[0]) == 4096


def test_means_of_small_integers_count_beyond_their_range():
    assert int(tf.reduce_mean(tf.zeros((1000,), tf.int8))) == 0
    assert int(tf.reduce_mean(tf.constant([100, 20, 3], tf.uint8))) == 41
    assert int(tf.function(tf.reduce_mean)(tf.constant([-3, -4], tf.int8))) == -3  # towards 0
    assert int(tf.reduce_mean(tf.constant([100, 100, 7, 0], tf.int8))) == 51


@halves
def test_uniform_draws_stay_below_one(half):
    """TensorFlow's Uint16ToHalf and Uint16ToGfloat16: the low bits of a word as a mantissa."""
    draw = tf.random.stateless_uniform((50_000,), (1, 2), dtype=half)
    x = draw.numpy().astype(np.float64)
    assert x.min() >= 0 and x.max() < 1
    assert abs(x.mean() - 0.5) < 0.01
    digits = 10 if half is tf.float16 else 7
    np.testing.assert_array_equal(x * 2**digits, np.floor(x * 2**digits))
    bits = tf.random.stateless_uniform((50_000,), (1, 2), minval=None, maxval=None, dtype=tf.uint32).numpy()
    np.testing.assert_array_equal(x * 2**digits, bits & (2**digits - 1))
    traced = tf.function(lambda: tf.random.stateless_uniform((50_000,), (1, 2), dtype=half))
    np.testing.assert_array_equal(traced().numpy().view(np.uint16), draw.numpy().view(np.uint16))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_layers_run_natively(policy, rng):
    half = tf.as_dtype(policy.removeprefix("mixed_"))
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        layers = tf.keras.layers
        model = tf.keras.Sequential([
            layers.Dense(32, activation="relu"), layers.LayerNormalization(), layers.Dropout(0.1),
            layers.Dense(64, activation="gelu"), layers.Dense(10), layers.Activation("softmax", dtype="float32"),
        ])  # fmt: skip
        x = tf.constant(rng.normal(size=(17, 20)).astype(np.float32))
        eager = model(x)
        assert model.layers[0](x).dtype is half and eager.dtype is tf.float32
        assert all(v.dtype is tf.float32 for v in model.trainable_variables)
        traced = tf.function(lambda x: model(x, training=False))
        eps = float(half.finfo().eps)
        np.testing.assert_allclose(traced(x).numpy(), eager.numpy(), atol=2 * eps)
        assert "host" not in where_it_ran(traced, x)

        @tf.function
        def step(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(x, training=True)))
            return tape.gradient(loss, model.trainable_variables)

        assert all(g.dtype is tf.float32 and np.isfinite(g.numpy()).all() for g in step(x))
        assert "host" not in where_it_ran(step, x)
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


def test_strings_and_complex_pass_through_traced_functions():
    words, z = tf.constant(["a", "b"]), tf.constant([1 + 2j, 3j])
    same = tf.function(lambda s, x: (s, tf.reshape(s, (2, 1)), x + 1.0))
    for _ in range(3):
        got = same(words, tf.constant(1.0))
        assert got[0].numpy().tolist() == [b"a", b"b"] and got[1].shape == (2, 1) and float(got[2]) == 2
    passed = tf.function(lambda z, x: (z, tf.reshape(z, (2, 1)), tf.exp(x), z * z))
    for dtype in (tf.complex64, tf.complex128):
        given = tf.cast(z, dtype)
        for _ in range(3):
            got = passed(given, tf.constant(0.0))
            np.testing.assert_array_equal(got[0].numpy(), given.numpy())
            np.testing.assert_array_equal(got[1].numpy()[:, 0], given.numpy())
            np.testing.assert_array_equal(got[3].numpy(), given.numpy() ** 2)
            assert got[0].dtype is dtype and float(got[2]) == 1
