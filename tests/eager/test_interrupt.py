"""Signals during long native calls: handlers run between kernels, and variables stay as they were."""

import signal
import threading

import numpy as np
import pytest

import eager as tf
from codegen.runtime import interrupt

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals here")


class Alarm(Exception):
    """What the handler raises."""


@pytest.fixture
def alarm():
    """Sends a signal in a moment of CPU time; its handler raises."""

    def handler(number, frame):
        raise Alarm

    before = signal.signal(signal.SIGVTALRM, handler)
    yield lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def forever(x):
    return tf.while_loop(lambda i, x: i >= 0, lambda i, x: (i * 1, x * 0.5 + 1.0), (tf.constant(0), x))[1]


def test_a_loop_without_end_is_interrupted(alarm):
    function = tf.function(forever)
    for _ in range(3):
        alarm()
        with pytest.raises(Alarm):
            function(tf.ones(16))


def test_variables_stay_as_they_were(alarm):
    count, weights = tf.Variable(0), tf.Variable(tf.zeros(16))

    @tf.function
    def function(x, limit):
        count.assign_add(1)
        _, x = tf.while_loop(lambda i, x: i < limit, lambda i, x: (i + 1, x * 0.5 + 1.0), (tf.constant(0), x))
        weights.assign_add(x)
        return x

    function(tf.ones(16), tf.constant(3))
    held, before = weights.numpy(), weights.numpy().copy()
    alarm()
    with pytest.raises(Alarm):
        function(tf.ones(16), tf.constant(2**31 - 1))
    assert int(count) == 1 and np.array_equal(weights.numpy(), before) and np.array_equal(held, before)
    function(tf.ones(16), tf.constant(3))
    assert int(count) == 2 and np.array_equal(weights.numpy(), 2 * before)


def test_the_way_through_python(alarm):
    compiled = tf.function(forever).get_concrete_function(tf.ones(16)).function.compiled
    alarm()
    with pytest.raises(Alarm):
        compiled.run([np.ones(16, np.float32)])


def test_nested_loops(alarm):
    @tf.function
    def function(x):
        def row(i, x):
            return i * 1, tf.while_loop(lambda j, x: j < 50, lambda j, x: (j + 1, x * 0.5), (tf.constant(0), x))[1]

        return tf.while_loop(lambda i, x: i >= 0, row, (tf.constant(0), x))

    alarm()
    with pytest.raises(Alarm):
        function(tf.ones(16))


def test_ctrl_c_while_another_thread_waits_for_the_lock():
    function, ran = tf.function(forever), threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press():
        ran.set()  # the main thread is in native code, or about to be
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def run():
        threading.Thread(target=press).start()
        function(tf.ones(16))

    try:
        with pytest.raises(KeyboardInterrupt):
            run()
        assert ran.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_does_not_raise_changes_nothing():
    calls = []
    before = signal.signal(signal.SIGVTALRM, lambda number, frame: calls.append(number))
    function = tf.function(
        lambda x: tf.while_loop(lambda i, x: i < 5_000_000, lambda i, x: (i + 1, x * 0.5 + 1.0), (tf.constant(0), x))[1]
    )
    try:
        expected = function(tf.ones(16)).numpy()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
        assert np.array_equal(function(tf.ones(16)).numpy(), expected)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert calls


def test_nothing_waits_to_be_raised():
    interrupt.raise_interrupt()
