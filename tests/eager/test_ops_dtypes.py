"""Which operands meet: every binary operator over all pairs of dtypes, Python numbers and NumPy arrays."""

import operator

import numpy as np
import pytest

import eager as tf

FLOATS = [tf.float16, tf.float32, tf.float64]
INTEGERS = [tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64]
DTYPES = [*FLOATS, *INTEGERS, tf.bool]
ARITHMETIC = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod,
    "**": operator.pow,
}  # fmt: skip
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
EQUAL = {"==": operator.eq, "!=": operator.ne}
BITS = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
ALL = {**ARITHMETIC, **ORDER, **EQUAL, **BITS, "/": operator.truediv}


def accepts(sign, dtype):
    if sign in EQUAL:
        return True
    if sign in BITS:
        return dtype.is_bool or dtype.is_integer
    return not dtype.is_bool


def result_dtype(sign, dtype):
    if sign in ORDER or sign in EQUAL:
        return tf.bool
    if sign == "/" and dtype.is_integer:
        return tf.float32 if dtype.size <= 2 else tf.float64
    return dtype


def sample(dtype):
    return np.array([1, 0, 1, 1] if dtype.is_bool else [5, 3, 2, 7]).astype(dtype.numpy)


@pytest.mark.parametrize("sign", ALL)
def test_tensors_mix_strictly(sign):
    apply = ALL[sign]
    for a in DTYPES:
        for b in DTYPES:
            x, y = tf.constant(sample(a)), tf.constant(sample(b)[::-1].copy())
            if a is not b:
                with pytest.raises(TypeError, match=rf"{a.name} and {b.name}.*tf\.cast"):
                    apply(x, y)
            elif not accepts(sign, a):
                with pytest.raises(TypeError, match=a.name):
                    apply(x, y)
            else:
                result = apply(x, y)
                assert result.dtype is result_dtype(sign, a)
                with np.errstate(all="ignore"):
                    want = apply(x.numpy(), y.numpy()).astype(result.dtype.numpy)
                np.testing.assert_array_equal(result.numpy(), want)


def fits(value, dtype):
    if isinstance(value, bool):
        return dtype.is_bool
    return dtype.is_floating or (dtype.is_integer and isinstance(value, int))


@pytest.mark.parametrize("sign", ALL)
@pytest.mark.parametrize("value", [2, 2.5, True])
def test_python_numbers_adapt_to_the_tensor(sign, value):
    apply = ALL[sign]
    for dtype in DTYPES:
        x = tf.constant(sample(dtype))
        same = tf.constant(np.asarray(value).astype(dtype.numpy))
        for left, right, twin in ((x, value, (x, same)), (value, x, (same, x))):
            if fits(value, dtype) and accepts(sign, dtype):
                got, want = apply(left, right), apply(*twin)
                assert got.dtype is want.dtype
                np.testing.assert_array_equal(got.numpy(), want.numpy())
            else:
                with pytest.raises(TypeError):
                    apply(left, right)


@pytest.mark.parametrize("sign", ["+", "*", "/", "<", "=="])
def test_arrays_adapt_unless_they_would_lose_fractions(sign):
    apply = ALL[sign]
    for a in DTYPES:
        for b in DTYPES:
            x, array = tf.constant(sample(a)), sample(b)
            lossless = not (b.is_floating and not a.is_floating) and a.is_bool is b.is_bool
            for pair in ((x, array), (array, x)):
                if lossless and accepts(sign, a):
                    twin = (tf.constant(array, a) if p is array else p for p in pair)
                    got, want = apply(*pair), apply(*twin)
                    assert got.dtype is want.dtype
                    np.testing.assert_array_equal(got.numpy(), want.numpy())
                else:
                    with pytest.raises(TypeError):
                        apply(*pair)


def test_lists_and_nested_lists_adapt():
    x = tf.ones((2, 2), tf.float64)
    assert (x * [1, 2]).dtype is tf.float64
    assert ([[1], [2]] * x).numpy().tolist() == [[1, 1], [2, 2]]
    with pytest.raises(TypeError):
        tf.constant([1, 2]) * [0.5, 1]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap_and_numbers_out_of_range_are_refused(dtype):
    top = tf.constant([dtype.max])
    assert (top + tf.constant([1], dtype)).numpy()[0] == dtype.min
    with pytest.raises(ValueError, match="range"):
        top + (int(dtype.max) + 1)


def test_a_variable_is_an_operand_like_its_value():
    v, x = tf.Variable([1.0, -2.0]), tf.constant([3.0, 4.0])
    for apply in (*ARITHMETIC.values(), *ORDER.values(), *EQUAL.values(), operator.truediv):
        want = apply(v.value(), x).numpy()
        for got in (apply(v, x), apply(v, tf.Variable(x)), apply(v, x.numpy())):
            np.testing.assert_array_equal(got.numpy(), want)
    assert ((-v).numpy() == [-1, 2]).all() and (abs(v).numpy() == [1, 2]).all() and (+v).numpy()[0] == 1
    assert float(2.0 - v[1]) == 4.0 and (2.0**v).numpy()[0] == 2 and (x[None] @ v[:, None]).shape == (1, 1)


def test_kept_numbers_are_tensors_of_their_own_and_keep_signs_and_types():
    a, b = tf.constant(2.0, tf.float32), tf.constant(2.0, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = b * 3.0
    assert tape.gradient(y, a) is None
    x = tf.constant([1.0])
    assert np.signbit((x * -0.0).numpy()[0]) and not np.signbit((x * 0.0).numpy()[0])
    assert not np.signbit((x * 0).numpy()[0])
    assert (tf.constant([1]) * 1).dtype is tf.int32 and (x * 1).dtype is tf.float32
    with pytest.raises(TypeError):
        x * True


def test_operators_in_threads_and_under_a_raising_error_state():
    import threading

    x = tf.constant(np.full(4000, 3e38, np.float32))
    problems = []

    def work():
        try:
            for _ in range(50):
                assert np.isinf((x + x).numpy()).all() and np.isinf(tf.exp(x).numpy()).all()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    with np.errstate(all="raise"):
        work()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not problems
