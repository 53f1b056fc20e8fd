"""Compiled functions on several threads: the same bits as on one, errors, and tf.config.threading."""

import numpy as np
import pytest

import eager as tf
from codegen.pool.pool import pool
from eager.errors import InvalidArgumentError


@pytest.fixture
def threads():
    """Sets the number of threads; one again after the test."""

    def set_threads(number):
        tf.config.threading.set_intra_op_parallelism_threads(number)
        pool().start()
        assert pool().running == number - 1

    yield set_threads
    tf.config.threading.set_intra_op_parallelism_threads(0)


def numbers(*shape):
    return tf.constant(np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32))


def dense():
    w, b = tf.Variable(numbers(384, 512)), tf.Variable(numbers(512))
    return lambda x: tf.nn.relu(x @ w + b), numbers(160, 384)


def product_of_arguments():
    other = numbers(256, 300)
    return lambda x: (x @ other, tf.matmul(x, x, transpose_a=True)), numbers(200, 256)


def vector_times_matrix():
    w = tf.Variable(numbers(1024, 1500))
    return lambda x: x @ w, numbers(1, 1024)


def convolution():
    w, deep = tf.Variable(numbers(3, 3, 16, 48)), tf.Variable(numbers(3, 3, 16, 1))

    def layer(x):
        x = tf.nn.depthwise_conv2d(x, deep, [1, 1, 1, 1], "SAME")
        return tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME")), 2, 2, "VALID")

    return layer, numbers(4, 30, 30, 16)


def rows():
    layer = tf.keras.layers.LayerNormalization()
    layer.build((None, 600))
    return lambda x: tf.nn.softmax(x) + layer(x), numbers(300, 600)


def elements():
    return lambda x: tf.math.tanh(x) * tf.transpose(x), numbers(400, 400)


def folds():
    return (
        lambda x: (tf.reduce_sum(x), tf.reduce_max(x * x), tf.reduce_mean(x, 0), tf.reduce_mean(x, 1), tf.norm(x)),
        numbers(700, 501),
    )


def order():
    def ordered(x):
        return tf.sort(x, -1), tf.cumsum(x, 0), tf.argsort(x, 0), tf.gather(x, [5, 0, 5], axis=1)

    return ordered, numbers(300, 200)


def random():
    return lambda x: x + tf.random.stateless_normal((300, 900), seed=(1, 2)), numbers(300, 900)


def recurrent():
    layer = tf.keras.layers.LSTM(96, return_sequences=True)
    layer.build((None, 7, 64))
    return layer, numbers(64, 7, 64)


def attention():
    layer = tf.keras.layers.MultiHeadAttention(4, 32)
    return lambda x: layer(x, x, use_causal_mask=True), numbers(2, 64, 128)


GRAPHS = [
    dense, product_of_arguments, vector_times_matrix, convolution, rows, elements, folds, order, random, recurrent,
    attention,
]  # fmt: skip


@pytest.mark.parametrize("build", GRAPHS, ids=[g.__name__ for g in GRAPHS])
def test_bits_do_not_depend_on_the_number_of_threads(build, threads):
    layer, x = build()
    layer(x)  # makes its variables, where it has some
    function = tf.function(lambda x: layer(x))
    results = {}
    for number in (1, 2, 3, 8):
        threads(number)
        results[number] = [np.asarray(v) for v in tf.nest.flatten(function(x))]
    assert pool().jobs > 0
    for number, found in results.items():
        for a, b in zip(results[1], found, strict=True):
            assert a.tobytes() == b.tobytes(), number


def trained(symbolic):
    tf.random.set_seed(5)
    model = tf.keras.Sequential([
        tf.keras.layers.Dense(256, "relu", kernel_initializer="ones"), tf.keras.layers.Dense(256, "gelu"),
        tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(10),
    ])  # fmt: skip
    model.build((None, 300))
    for i, variable in enumerate(model.trainable_variables):
        variable.assign(0.05 * numbers(*variable.shape) + i)
    optimizer = tf.keras.optimizers.Adam(0.01)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(y, model(x), from_logits=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    signature = [tf.TensorSpec((None, 300), tf.float32), tf.TensorSpec((None,), tf.int32)] if symbolic else None
    function = tf.function(step, input_signature=signature)
    x, y = numbers(128, 300), tf.constant(np.arange(128, dtype=np.int32) % 10)
    losses = [float(function(x, y)) for _ in range(3)]
    return losses, [v.numpy() for v in model.variables]


@pytest.mark.parametrize("symbolic", [False, True])
def test_training_does_not_depend_on_the_number_of_threads(symbolic, threads):
    threads(1)
    losses, variables = trained(symbolic)
    assert np.isfinite(losses).all()
    for number in (2, 3):
        threads(number)
        jobs = pool().jobs
        again, found = trained(symbolic)
        assert pool().jobs > jobs
        assert again == losses
        assert all(np.array_equal(a, b) for a, b in zip(variables, found, strict=True))


def test_the_first_bad_index_is_named_whatever_thread_finds_it(threads):
    x = numbers(5000, 256)
    first, second = np.zeros(5000, np.int32), np.zeros(5000, np.int32)
    first[4000], second[100] = 77_777, -5

    @tf.function
    def function(i, j):
        return tf.gather(x, i, name="one") * 2 + tf.gather(x * 3, j, name="two")

    messages = set()
    for number in (1, 2, 8):
        threads(number)
        assert function(tf.zeros(5000, tf.int32), tf.zeros(5000, tf.int32)).shape == (5000, 256)
        for _ in range(5):
            with pytest.raises(InvalidArgumentError) as error:
                function(tf.constant(first), tf.constant(second))
            messages.add(str(error.value))
    assert len(messages) == 1


def test_numbers_of_threads(threads):
    config = tf.config.threading
    assert config.get_intra_op_parallelism_threads() == 0
    threads(3)
    assert config.get_intra_op_parallelism_threads() == 3
    for wrong in (-1, 2.5, "2", 1000):
        with pytest.raises(InvalidArgumentError):
            config.set_intra_op_parallelism_threads(wrong)
    assert config.get_intra_op_parallelism_threads() == 3
    assert config.get_inter_op_parallelism_threads() == 0
    config.set_inter_op_parallelism_threads(2)
    assert config.get_inter_op_parallelism_threads() == 2
    config.set_inter_op_parallelism_threads(0)
    with pytest.raises(InvalidArgumentError):
        config.set_inter_op_parallelism_threads(-1)
