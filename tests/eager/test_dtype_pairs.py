"""Every pair of dtypes in functions of two operands: equal ones work or are refused, different ones never mix."""

import math
import re

import numpy as np
import pytest

import eager as tf

FLOATS = (tf.float16, tf.bfloat16, tf.float32, tf.float64)
INTEGERS = (tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64)
COMPLEX = (tf.complex64, tf.complex128)
DTYPES = (tf.bool, *INTEGERS, *FLOATS, *COMPLEX)

# Function of two operands, the kinds of dtypes that it takes, and that of the result: "" is that of the operands,
# "wide" that of `/`.
FUNCTIONS = {
    "add": (tf.add, "iufc", ""),
    "subtract": (tf.subtract, "iufc", ""),
    "multiply": (tf.multiply, "iufc", ""),
    "divide_no_nan": (tf.math.divide_no_nan, "fciu", "wide"),
    "floordiv": (tf.math.floordiv, "iuf", ""),
    "floormod": (tf.math.floormod, "iuf", ""),
    "pow": (tf.pow, "iufc", ""),
    "maximum": (tf.maximum, "iuf", ""),
    "minimum": (tf.minimum, "iuf", ""),
    "squared_difference": (tf.math.squared_difference, "iufc", ""),
    "equal": (tf.equal, "biufc", "bool"),
    "not_equal": (tf.not_equal, "biufc", "bool"),
    "less": (tf.less, "iuf", "bool"),
    "greater_equal": (tf.greater_equal, "iuf", "bool"),
    "logical_and": (tf.logical_and, "b", ""),
    "bitwise_and": (tf.bitwise.bitwise_and, "biu", ""),
    "bitwise_xor": (tf.bitwise.bitwise_xor, "biu", ""),
    "left_shift": (tf.bitwise.left_shift, "iu", ""),
    "matmul": (lambda x, y: tf.matmul(tf.reshape(x, (2, 2)), tf.reshape(y, (2, 2))), "iufc", ""),
    "tensordot": (lambda x, y: tf.tensordot(x, y, 1), "iufc", ""),
    "where": (lambda x, y: tf.where([True, False, True, False], x, y), "biufc", ""),
    "concat": (lambda x, y: tf.concat([x, y], 0), "biufc", ""),
    "stack": (lambda x, y: tf.stack([x, y]), "biufc", ""),
}


def tensor(dtype, values=(1, 0, 1, 3)):
    return tf.constant(np.array(values).astype(dtype.numpy))


def check(name, function, a, b):
    _, kinds, result = FUNCTIONS[name]
    x, y = tensor(a), tensor(b, (2, 1, 1, 2))
    if a is not b:
        with pytest.raises(TypeError, match=rf"(?s){a.name}\b.*\b{b.name}\b.*tf\.cast"):
            function(x, y)
    elif a.kind not in kinds:
        with pytest.raises(TypeError, match=a.name):
            function(x, y)
    else:
        got = function(x, y)
        wide = a if a.kind in "fc" else tf.float32 if a.size <= 2 else tf.float64
        assert got.dtype is {"bool": tf.bool, "wide": wide, "": a}[result], (name, a)
        return got
    return None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_dtypes_mix_strictly(name):
    for a in DTYPES:
        for b in DTYPES:
            check(name, FUNCTIONS[name][0], a, b)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_traced_functions_mix_as_strictly(name):
    for i, a in enumerate(DTYPES):
        for b in (a, DTYPES[i - 1], DTYPES[i - 6]):
            got = check(name, tf.function(FUNCTIONS[name][0]), a, b)
            if got is not None:
                want = FUNCTIONS[name][0](tensor(a), tensor(a, (2, 1, 1, 2)))
                np.testing.assert_array_equal(got.numpy(), want.numpy(), f"{name} {a.name}")


NUMPY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "floordiv": np.floor_divide, "maximum": np.maximum,
    "equal": np.equal, "less": np.less, "bitwise_xor": np.bitwise_xor, "logical_and": np.logical_and,
}  # fmt: skip


@pytest.mark.parametrize("name", NUMPY)
def test_values_are_those_of_numpy(name):
    function, kinds, _ = FUNCTIONS[name]
    for d in DTYPES:
        if d.kind not in kinds:
            continue
        x, y = tensor(d, (7, 3, 0, 100)), tensor(d, (2, 5, 1, 7))
        np.testing.assert_array_equal(function(x, y).numpy(), NUMPY[name](x.numpy(), y.numpy()), f"{name} {d.name}")


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.name)
def test_assignments_take_their_own_dtype_only(dtype):
    for other in DTYPES:
        v = tf.Variable(tensor(dtype))
        changes = ["assign", *(["assign_add", "assign_sub"] if dtype.kind in "iufc" else [])]
        for change in changes:
            for call in (getattr(v, change), tf.function(getattr(v, change))):
                if other is dtype:
                    call(tensor(other))
                    continue
                with pytest.raises(TypeError, match=rf"(?s){dtype.name}\b.*\b{other.name}\b.*tf\.cast"):
                    call(tensor(other))


def adapts(value, dtype):
    """Whether a Python number takes the dtype of a tensor beside it, as in TensorFlow."""
    if isinstance(value, bool):
        return dtype.is_bool
    order = {int: "iufc", float: "fc", complex: "c"}[type(value)]
    return dtype.kind in order


@pytest.mark.parametrize("value", [True, 2, 2.5, 1 + 2j], ids=repr)
@pytest.mark.parametrize("traced", [False, True])
def test_python_numbers_adapt(value, traced):
    for dtype in DTYPES:
        for swapped in (False, True):

            def apply(x, swapped=swapped):
                return tf.equal(value, x) if swapped else tf.equal(x, value)

            run = tf.function(apply) if traced else apply
            x = tf.constant(np.array([0, 1, 2]).astype(dtype.numpy))
            if not adapts(value, dtype):
                with pytest.raises(TypeError, match=re.escape(dtype.name)):
                    run(x)
                continue
            np.testing.assert_array_equal(run(x).numpy(), x.numpy() == np.asarray(value).astype(dtype.numpy))


def array_adapts(have, want):
    """Whether a NumPy array of one dtype takes another beside it: every number that needs no fraction dropped."""
    if have is want:
        return True
    if have.is_bool or want.is_bool:
        return False
    rank = {"i": 0, "u": 0, "f": 1, "c": 2}
    return rank[have.kind] <= rank[want.kind]


@pytest.mark.parametrize("form", [np.asarray, lambda a: a[()] if a.ndim == 0 else a.flat[0]], ids=["array", "scalar"])
def test_arrays_and_numpy_scalars_adapt(form):
    for have in DTYPES:
        for want in DTYPES:
            x, given = tensor(want), form(np.array([1, 0, 1, 1]).astype(have.numpy))
            if array_adapts(have, want):
                got = tf.where([True, False, False, True], x, given)
                assert got.dtype is want, (have, want)
            else:
                with pytest.raises(TypeError, match=rf"{have.name}.*{want.name}.*tf\.cast"):
                    tf.where([True, False, False, True], x, given)


def test_lists_adapt_and_refuse_fractions_and_what_is_out_of_range():
    for dtype in DTYPES:
        x = tensor(dtype)
        if dtype.is_bool:
            assert tf.equal(x, [True, False, True, True]).numpy().all()
        else:
            assert tf.equal(x, [1, 0, 1, 3]).numpy().all()
        if dtype.is_integer:
            with pytest.raises(TypeError, match=dtype.name):
                tf.equal(x, [0.5, 0, 1, 3])
            for out in (int(dtype.max) + 1, int(dtype.min) - 1):
                with pytest.raises(ValueError, match=r"range"):
                    tf.equal(x, out)
                with pytest.raises(ValueError, match=r"range"):
                    tf.equal(x, [0, 0, 0, out])
                with pytest.raises(ValueError, match=r"range"):
                    tf.constant([out], dtype)


def test_float64_comes_only_when_asked_for():
    assert tf.constant(1.5).dtype is tf.float32
    assert tf.constant([1.5, 2]).dtype is tf.float32
    assert tf.constant(np.array([1.5])).dtype is tf.float64
    assert (tf.constant([1.5]) * np.float64(2)).dtype is tf.float32
    assert (tf.constant([1.5]) * np.array([2.0])).dtype is tf.float32
    assert (tf.constant([1], tf.int16) / tf.constant([2], tf.int16)).dtype is tf.float32
    assert (tf.constant([1]) / tf.constant([2])).dtype is tf.float64
    for make in (tf.zeros, tf.ones, tf.random.normal, tf.random.uniform):
        assert make((2,)).dtype is tf.float32
    assert tf.range(3.0).dtype is tf.float32
    assert tf.linspace(0.0, 1.0, 3).dtype is tf.float32
    assert tf.cast([1, 2], "float32").dtype is tf.float32
    assert math.isclose(float(tf.reduce_mean(tf.constant([1.0, 2.0]))), 1.5)


def test_a_layer_casts_its_first_argument_and_no_other():
    seen = {}

    class Look(tf.keras.layers.Layer):
        def call(self, x, y=None):
            seen["x"], seen["y"] = tf.nest.map_structure(lambda t: t.dtype, x), None if y is None else y.dtype
            return x

    for policy in ("float32", "float64", "mixed_float16", "mixed_bfloat16", "bfloat16"):
        layer = Look(dtype=policy)
        for dtype in DTYPES:
            if dtype.name == "complex64" or dtype.name == "complex128":
                continue
            layer(tensor(dtype), y=tensor(dtype))
            assert seen["x"] is (tf.as_dtype(layer.compute_dtype) if dtype.is_floating else dtype), (policy, dtype)
            assert seen["y"] is dtype
        layer([tensor(tf.float64), tensor(tf.int8), {"a": tensor(tf.float16)}])
        compute = tf.as_dtype(layer.compute_dtype)
        assert seen["x"] == [compute, tf.int8, {"a": compute}]
    quiet = Look(autocast=False)
    quiet(tensor(tf.float64))
    assert seen["x"] is tf.float64
