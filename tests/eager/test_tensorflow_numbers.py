"""Facts that no formula tells: the numbers that TensorFlow 2.15.1 gives on the CPU for small inputs."""

import numpy as np
import pytest

import eager as tf

NAN, INF = np.nan, np.inf
NINE = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3, 1)
LEVELS = np.array([[5, -3], [2, 7]], np.int32).reshape(1, 2, 2, 1)
RAISED = np.array([[1, -2], [0, -4]], np.int32).reshape(2, 2, 1)
TWO = np.array([[[0.0], [1.0]]], np.float32)
SQUARES = (np.arange(7, dtype=np.float32) ** 2).reshape(7, 1, 1)
SAW = (np.arange(100, dtype=np.float32) % 7).reshape(100, 1, 1)
FOUR = np.array([-1.3416407, -0.4472136, 0.4472136, 1.3416407], np.float32)
DARK, LIGHT = (np.full((2, 2, 1), v, np.uint8) for v in (100, 110))
NEITHER = np.array([[2, 1], [1, -2.0]])
"""Symmetric and not positive definite."""


def slope(function, x):
    """The gradient of the sum of a function at x."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x)


def pooled(x):
    found = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")
    return tf.stack([tf.cast(found.output, tf.int64), found.argmax])[..., 0]


def flipped(images, seeds):
    """Whether each image begins with what was on its right."""
    return tf.stack([tf.image.stateless_random_flip_left_right(images, (s, 3))[..., 0, 0, 0] for s in range(seeds)])


def fourth(x):
    """Weighted by 0, 1, 2, 3, so that the mean that is taken away matters."""
    return tf.image.per_image_standardization(x) * np.arange(4, dtype=np.float32).reshape(2, 2, 1)


FACTS = {
    "the fields of max_pool_with_argmax": (pooled, NINE, [[[[5, 6], [8, 9]]], [[[4, 5], [7, 8]]]]),
    "batch_to_space of one block size": (
        lambda x: tf.batch_to_space(x, 2, [[0, 0], [0, 0]])[0, ..., 0], np.arange(4.0).reshape(4, 1, 1, 1),
        [[0, 1], [2, 3.0]]),
    "dilation2d of integers": (
        lambda x: tf.nn.dilation2d(x, RAISED, [1] * 4, "SAME", "NHWC", [1] * 4)[0, ..., 0], LEVELS, [[6, 7], [5, 8]]),
    "erosion2d of integers": (
        lambda x: tf.nn.erosion2d(x, RAISED, [1] * 4, "SAME", "NHWC", [1] * 4)[0, ..., 0], LEVELS, [[-3, 1], [6, 11]]),
    # 6 columns shrink to 2.57: 2 are there, and the margin is half of 17.43.
    "resize_with_pad takes the exact size": (
        lambda x: tf.image.resize_with_pad(x, 3, 20)[0, :, 0], np.ones((7, 6, 1), np.float32),
        [0] * 8 + [1] * 2 + [0] * 10),
    "one image is flipped by a coin below one half": (lambda x: flipped(x, 8), TWO, [0, 0, 1, 0, 0, 0, 1, 0]),
    "images of a batch are flipped by coins above": (
        lambda x: flipped(x, 2), np.stack([TWO] * 6), [[1, 1, 1, 1, 0, 1], [1, 0, 1, 0, 0, 0]]),
    "standardisation gives float32": (
        lambda x: tf.reshape(tf.image.per_image_standardization(x), [-1]),
        np.array([1, 2, 3, 4], np.float16).reshape(2, 2, 1), FOUR),
    "standardisation of rank 5": (
        lambda x: tf.reshape(tf.image.per_image_standardization(x), [-1]),
        np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2, 1), [*FOUR, *FOUR]),
    "the gradient of standardising a flat image": (
        lambda x: tf.reshape(slope(fourth, x), [-1]), np.ones((2, 2, 1), np.float32), [-3, -1, 1, 3]),
    "a masked sqrt has no gradient at 0": (
        lambda x: slope(lambda v: tf.maximum(tf.sqrt(v), 1.0), x), np.array([0, 0.25, 4]), [0, 0, 0.25]),
    "a masked rsqrt has no gradient at 0": (
        lambda x: slope(lambda v: tf.minimum(tf.math.rsqrt(v), 1.0), x), np.array([0, 0.25, 4]), [0, 0, -0.0625]),
    "where masks the slope of sqrt": (
        lambda x: slope(lambda v: tf.where(v > 0, tf.sqrt(v), 0 * v), x), np.array([0, -1, 4.0]), [0, 0, 0.25]),
    "a factor of 0 does not hide the slope of the slope": (
        lambda w: slope(lambda v: slope(lambda x: v * tf.sqrt(x), tf.constant(4.0)), w), np.array(0, np.float32), 0.25),
    "the gradient of a complex sign": (
        lambda x: slope(lambda z: tf.math.real(tf.sign(z)) + 2 * tf.math.imag(tf.sign(z)), x),
        np.array([3 + 4j, 0, 1j]), [-0.064 + 0.048j, 0, 1]),
    "psnr casts max_val": (lambda x: tf.image.psnr(x, LIGHT, 1.0), DARK, -20),
    "adjust_brightness of any rank": (
        lambda x: tf.image.adjust_brightness(x, 0.3), np.array([[0.1, 0.2]]), [[0.4, 0.5]]),
    "adjust_gamma of any rank": (lambda x: tf.image.adjust_gamma(x, 2, 3), np.array([0.5, 0.2]), [0.75, 0.12]),
    # A pixel lies at the gaussian's radius, where float32 decides.
    "the step at the end of the gaussian": (
        lambda x: tf.image.resize(x, (4, 1), "gaussian", antialias=True)[:, 0, 0], SQUARES,
        [0.7976459, 5.2429824, 15.7860985, 29.39799]),
    "bicubic positions are float32": (
        lambda x: tf.image.resize(x, (199, 1), "bicubic")[140:150, 0, 0], SAW,
        [-0.18652126, 0.27561414, 1.1083984, 1.6103516, 2.1132812, 2.6152341, 3.118164, 3.6210938, 4.123047, 4.625977]),
    "crop by tensors": (
        lambda x: tf.image.crop_to_bounding_box(x, tf.constant(1), tf.constant(0), 2, tf.constant(2))[0, ..., 0],
        NINE, [[4, 5], [7, 8]]),
    "mdct without a window": (
        lambda x: tf.signal.mdct(x, 4, window_fn=None), np.arange(8.0),
        [[-7.074010925, -1.399417536], [-12.300262784, -3.564201936], [-17.526514644, -5.728986337]]),
    "inverse_mdct without a window": (
        lambda x: tf.signal.inverse_mdct(x, window_fn=None), np.arange(4.0).reshape(2, 2),
        [-0.326640741, 0.326640741, -0.844623199, 0.574025149, -1.059178558, -1.059178558]),
    "idct of fewer numbers": (lambda x: tf.signal.idct(x, n=3), np.arange(4.0), [3.732050808, -4, 0.267949192]),
    "idct of more numbers": (
        lambda x: tf.signal.idct(x, n=6), np.arange(4.0),
        [9.638593955, -2.828427125, -7.189104212, 0.260900982, 2.828427125, -2.710390725]),
    "cholesky of what is not positive definite": (
        tf.linalg.cholesky, np.stack([NEITHER, 4 * np.eye(2)]), [[[NAN, 0], [NAN, NAN]], [[2, 0], [0, 2]]]),
    "logdet of what is not positive definite": (tf.linalg.logdet, NEITHER, NAN),
    "triangular_solve with zeros on the diagonal": (
        lambda x: tf.linalg.triangular_solve(x, np.ones((2, 1))), np.zeros((2, 2)), [[INF], [NAN]]),
    "singular values of NaN": (
        lambda x: tf.linalg.svd(x, compute_uv=False), np.stack([np.full((2, 2), NAN), np.diag([2.0, 3])]),
        [[NAN, NAN], [3, 2]]),
    "the rank of NaN": (tf.linalg.matrix_rank, np.full((2, 2), NAN), 0),
    "fast lstsq of rank 0": (lambda x: tf.linalg.lstsq(x, np.ones((3, 1))), np.zeros((3, 2)), [[NAN], [NAN]]),
    "eigenvalues of complex matrices are complex": (
        lambda x: tf.linalg.eigh(x)[0], np.array([[2, 1j], [-1j, 2]]), [1 + 0j, 3 + 0j]),
    "batch_normalization with wider statistics": (
        lambda x: tf.nn.batch_normalization(x, tf.constant([0.5, 1]), tf.constant([4.0, 1]), None, None, 0.0),
        np.array([[1, 2]], np.float16), [[0.25, 1]]),
    "cross-entropy casts labels": (
        lambda x: tf.nn.softmax_cross_entropy_with_logits(tf.constant([[0, 1]]), x), np.array([[1.0, 2]]),
        [0.31326168752]),
    "a table in parts": (
        lambda x: tf.nn.embedding_lookup([x, tf.constant([[3.0]], tf.float64)], [2, 0]), np.array([[1.0], [2]]),
        [[3], [1.0]]),
    "leaky_relu of integers": (tf.nn.leaky_relu, np.array([-5, 3]), [-1, 3]),
    "the slope of selu at 0": (
        lambda x: slope(tf.nn.selu, x), np.array([0.0, -1, 1]), [1.050700987, 0.646768603, 1.050700987]),
    "the complex euclidean norm": (tf.math.reduce_euclidean_norm, np.array([3j, 4]), 5),
    "the gradient of bessel_i0 beyond float32": (
        lambda x: slope(tf.math.bessel_i0, x), np.array([300, 0, 2], np.float32), [INF, 0, 1.5906372]),
    "the gradient of betainc at the ends": (
        lambda x: slope(lambda v: tf.math.betainc([1.0, 2, 1], [2.0, 1, 1], v), x), np.array([0, 1, 0.5]), [2, 2, 1]),
}  # fmt: skip


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("fact", FACTS)
def test_the_number_is_tensorflows(fact, traced):
    call, array, expected = FACTS[fact]
    found = (tf.function(call) if traced else call)(tf.constant(array))
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-6, atol=1e-7)


def test_dtypes_are_tensorflows():
    assert tf.image.per_image_standardization(np.ones((2, 2, 1), np.float16)).dtype == tf.float32
    assert tf.linalg.eigvalsh(np.eye(2) + 0j).dtype == tf.complex128
    assert tf.nn.leaky_relu(tf.constant([1])).dtype == tf.float32
    x, one = tf.ones((2, 1), tf.float16), tf.constant([1.0])
    assert tf.nn.batch_normalization(x, one, one, None, None, 0).dtype == tf.float16


def test_crop_offsets_may_come_from_data():
    crop = tf.function(lambda x, at: tf.image.crop_to_bounding_box(x, at[0], at[1], 2, 2), strict=True)
    np.testing.assert_array_equal(crop(NINE, tf.constant([1, 0]))[0, ..., 0], [[4, 5], [7, 8]])
    np.testing.assert_array_equal(crop(NINE, tf.constant([0, 1]))[0, ..., 0], [[2, 3], [5, 6]])
