"""tf.debugging: assertions eager and native; one that fails leaves every variable as it was."""

import numpy as np
import pytest

import eager as tf
from eager.ops.public import NAMES

ONE, TWO = [1.0, 2.0], [2.0, 3.0]
COMPARED = {
    "assert_equal": ((ONE, ONE), (ONE, TWO)), "assert_none_equal": ((ONE, TWO), (ONE, [5.0, 2.0])),
    "assert_less": ((ONE, TWO), (ONE, ONE)), "assert_less_equal": ((ONE, ONE), (TWO, ONE)),
    "assert_greater": ((TWO, ONE), (ONE, ONE)), "assert_greater_equal": ((ONE, ONE), (ONE, TWO)),
    "assert_positive": ((ONE,), ([1.0, 0.0],)), "assert_negative": (([-1.0],), ([0.0],)),
    "assert_non_negative": (([0.0, 1.0],), ([-1.0],)), "assert_non_positive": (([0.0],), ([0.0, 1.0],)),
    "assert_near": (([1.0], [1.0 + 2**-22]), ([1.0], [1.001])), "Assert": (([True],), ([True, False],)),
    "assert_all_finite": ((ONE,), ([1.0, float("nan")],)), "check_numerics": ((ONE,), ([float("inf")],)),
}  # fmt: skip
STATIC = {
    "assert_rank": ((ONE, 1), (ONE, 2)), "assert_rank_at_least": ((ONE, 1), (ONE, 2)),
    "assert_rank_in": ((ONE, (0, 1)), (ONE, (2, 3))), "assert_scalar": ((1.0,), (ONE,)),
    "assert_type": ((ONE, tf.float32), (ONE, tf.int32)), "assert_integer": (([1],), (ONE,)),
    "assert_shapes": (([(ONE, ("n",)), (TWO, ("n",))],), ([(ONE, ("n",)), ([1.0], ("n",))],)),
}  # fmt: skip


def message(name):
    """The message argument of the functions that must have one."""
    return (
        ("bad numbers",)
        if name in ("assert_all_finite", "check_numerics")
        else (["bad", 7],)
        if name == "Assert"
        else ()
    )


@pytest.mark.parametrize("name", COMPARED)
def test_a_failing_assertion_raises_eagerly_and_natively_and_leaves_variables(name):
    function = getattr(tf.debugging, name)
    good, bad = ([tf.constant(a) for a in arguments] for arguments in COMPARED[name])
    v = tf.Variable(1.0)

    @tf.function(strict=True)
    def step(arguments):
        v.assign_add(1.0)
        function(*arguments, *message(name))
        v.assign_add(1.0)

    function(*good, *message(name))
    step(good)
    assert float(v) == 3.0
    words = "bad" if message(name) else name
    for run in (lambda: function(*bad, *message(name)), lambda: step(bad)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            run()
    assert float(v) == 3.0
    step(good)
    assert float(v) == 5.0


@pytest.mark.parametrize("name", STATIC)
def test_static_checks_need_no_run(name):
    function = getattr(tf.debugging, name)
    good, bad = STATIC[name]
    function(*good)
    for run in (lambda: function(*bad), lambda: tf.function(lambda: function(*bad))()):
        with pytest.raises((ValueError, TypeError), match=r"assert_|must"):
            run()


def test_messages_come_first():
    with pytest.raises(ValueError, match=r"^lengths; assert_less"):
        tf.debugging.assert_less([2], [1], message="lengths")
    with pytest.raises(ValueError, match=r"^my message"):
        tf.debugging.assert_rank([1.0], 2, message="my message")


def test_checks_return_their_tensor_and_broadcast():
    x = tf.constant(ONE)
    assert tf.debugging.check_numerics(x, "m") is x
    assert tf.debugging.assert_scalar(3).shape == ()
    tf.debugging.assert_less(x, 5.0)
    tf.debugging.assert_equal(tf.zeros((0, 2)), 1.0)  # nothing to differ
    tf.debugging.assert_near(x, x + 0.01, atol=0.1, rtol=0.0)
    with pytest.raises(TypeError, match="int32"):
        tf.debugging.assert_near([1], [1])


def test_shapes_with_open_sizes():
    @tf.function(strict=True)
    def f(x, y):
        tf.debugging.assert_shapes([(x, ("n", 3)), (y, ("n",))])
        return tf.reduce_sum(x)

    for n in (2, 4, 5):
        assert float(f(tf.ones((n, 3)), tf.ones(n))) == 3 * n
    with pytest.raises(ValueError, match="rank"):
        tf.debugging.assert_shapes([(tf.ones(2), (2, 3))])


def test_the_first_failure_in_program_order_is_reported():
    @tf.function(strict=True)
    def f(x):
        tf.debugging.assert_positive(x, "first")
        tf.debugging.assert_less(x, 1.0, "second")
        return x

    with pytest.raises(ValueError, match="first"):
        f(tf.constant([-1.0, 5.0]))
    with pytest.raises(ValueError, match="second"):
        f(tf.constant([2.0]))
    np.testing.assert_array_equal(f(tf.constant([0.5])).numpy(), [0.5])


def test_every_assertion_has_a_row():
    names = {n.rpartition(".")[2] for n in NAMES if n.startswith("debugging.") or n == "Assert"}
    assert names == {*COMPARED, *STATIC}
