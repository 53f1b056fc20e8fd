"""Ops that run on the host inside of compiled functions: values, gradients, open batch sizes, complex values."""

import sys

import numpy as np
import pytest

import eager as tf

A = np.random.default_rng(11).normal(size=(6, 4, 4)) + 4 * np.eye(4)
S = np.random.default_rng(12).normal(size=(6, 32))
POSITIVE = np.abs(np.random.default_rng(13).normal(size=(6, 5))) + 0.3


def filtered(x):
    spectrum = tf.signal.rfft(x)
    return tf.signal.irfft(spectrum * tf.math.conj(spectrum))


def loss_of_labels(x):
    batch = tf.shape(x)[0]
    labels, ones = tf.ones((batch, 2), tf.int32), tf.ones(batch, tf.int32)
    return tf.nn.ctc_loss(labels, tf.reshape(x, (batch, 8, 4)), 2 * ones, 8 * ones, logits_time_major=False)


FUNCTIONS = {
    "fft": (lambda x: tf.abs(tf.signal.fft(tf.complex(x, x * 0.5))), S),
    "filter": (filtered, S),
    "stft": (lambda x: tf.abs(tf.signal.stft(x, 8, 4)) ** 2, S),
    "dct": (lambda x: tf.signal.idct(tf.nn.relu(tf.signal.dct(x))), S),
    "frame": (lambda x: tf.signal.overlap_and_add(tf.signal.frame(x, 6, 2) * 2.0, 3), S),
    "inv": (lambda x: tf.linalg.inv(x) @ tf.nn.relu(x), A),
    "det": (tf.linalg.det, A),
    "cholesky": (lambda x: tf.linalg.cholesky(x @ tf.linalg.adjoint(x)), A),
    "triangular": (lambda x: tf.linalg.triangular_solve(x, x[:, :, :2]), A),
    "qr": (lambda x: tf.linalg.qr(x)[1], A),
    "svd": (lambda x: tf.linalg.svd(x, compute_uv=False), A),
    "eigh": (lambda x: tf.linalg.eigh(x)[0], A),
    "pinv": (lambda x: tf.linalg.pinv(x[:, :, :3]), A),
    "lstsq": (lambda x: tf.linalg.lstsq(x[:, :, :2], x), A),
    "expm": (lambda x: tf.linalg.expm(x * 0.1), A),
    "angle": (lambda x: tf.math.angle(tf.complex(x, tf.sin(x))), S),
    "igamma": (lambda x: tf.math.igamma(x, x * 2.0), POSITIVE),
    "zeta": (lambda x: tf.math.zeta(tf.constant(2.0, x.dtype), x), POSITIVE),
    "bessel": (lambda x: tf.math.special.bessel_j0(x) + tf.math.bessel_i0e(x), POSITIVE),
    "ctc": (loss_of_labels, S),
}


def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.sin(function(x)))
    return tape.gradient(y, x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_functions_agree_with_eager_for_every_batch_size(name):
    function, array = FUNCTIONS[name]
    compiled = tf.function(function, strict=True)
    inside = tf.function(lambda x: gradient(function, x), strict=True)
    sizes = (6, 3, 2, 1)
    for i, n in enumerate(sizes):
        x = tf.constant(array[:n], tf.float64)
        with tf.no_retrace() if i > 1 else tf.init_scope():
            y, slope = compiled(x), inside(x)
        np.testing.assert_allclose(y, function(x), rtol=1e-11, atol=1e-12)
        want = gradient(function, x)
        np.testing.assert_allclose(slope, want, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(gradient(compiled, x), want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [tf.complex64, tf.complex128])
def test_complex_values_pass_through_compiled_functions(dtype):
    z = tf.cast(tf.complex(tf.constant(S), tf.constant(S[::-1].copy())), dtype)
    weight = tf.Variable(tf.ones(32, dtype) * (1 + 2j))

    def function(z):
        w = z * weight + z**2 * tf.constant(1, dtype)
        return w, tf.math.conj(w), tf.reduce_sum(w, 0), tf.where(tf.abs(w) > 1, w, 0), w[:, ::-1]

    for got, want in zip(tf.function(function, strict=True)(z), function(z), strict=True):
        assert got.dtype is dtype
        np.testing.assert_allclose(got, want, rtol=1e-5 if dtype is tf.complex64 else 1e-13)


def test_gradient_of_a_complex_variable_is_tensorflows():
    """For a real loss the gradient is dL/dRe + i dL/dIm; tf.gradients of |v z|^2 by v is 2 v |z|^2."""
    v = tf.Variable(1.0 + 2.0j)
    z = tf.constant(3.0 - 1.0j)

    def loss():
        with tf.GradientTape() as tape:
            y = tf.abs(v * z) ** 2
        return tape.gradient(y, v)

    for found in (loss(), tf.function(loss)()):
        np.testing.assert_allclose(found, 2 * (1 + 2j) * 10)


def test_gradient_of_a_holomorphic_function_is_the_conjugate_of_its_derivative():
    z = tf.constant(np.array([0.5 + 1j, -1.0 + 0.3j]))
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = tf.exp(z) * z
    np.testing.assert_allclose(tape.gradient(y, z), np.conj(np.exp(z.numpy()) * (z.numpy() + 1)))


def test_numbers_adapt_to_complex_tensors_and_the_other_way_is_refused():
    z = tf.constant([1 + 2j])
    assert z.dtype is tf.complex128
    np.testing.assert_array_equal((z + 1) * 2.0 - 1j, [4 + 3j])
    with pytest.raises(TypeError):
        tf.constant([1 + 2j], tf.float32)
    with pytest.raises(TypeError, match="float64"):
        z + tf.constant([1.0], tf.float64)


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ImportError, match=r"layerjit\[special\]"):
        tf.math.igamma(1.0, 2.0)


def test_a_singular_matrix_stops_a_compiled_function_with_the_same_error():
    for function in (tf.linalg.inv, tf.function(tf.linalg.inv)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
            function(tf.zeros((2, 2)))


def test_laws_of_real_arithmetic_are_not_applied_to_complex_values():
    z = tf.constant([complex(float("inf"), 1.0), complex(-0.0, -0.0)])

    def function(z):
        return z * 1, z + 0, z / 1

    for got, want in zip(tf.function(function)(z), function(z), strict=True):
        np.testing.assert_array_equal(got, want)


def test_sparse_labels_are_refused_by_name():
    class Sparse:
        dense_shape = (1, 2)

    with pytest.raises(tf.errors.UnsupportedError, match="ctc_loss: labels must be dense"):
        tf.nn.ctc_loss(Sparse(), tf.ones((2, 1, 3)), [1], [2])
    with pytest.raises(tf.errors.UnsupportedError, match="ctc_greedy_decoder"):
        tf.nn.ctc_greedy_decoder  # noqa: B018
