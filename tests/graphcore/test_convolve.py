"""convolution and the window ops: values by definition, gradients of both orders, symbolic sizes, errors."""

import numpy as np
import pytest
from differences import check, check_second
from slides import convolved, windowed

from graphcore import OPS, dims, get_op
from graphcore.builder import evaluate_op
from graphcore.dtypes import as_dtype, float32, float64
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError
from graphcore.types import TensorType


def samples(name):
    found = OPS[name].samples
    assert found is not None
    return found()


CONVOLUTIONS, WINDOWS, POSITIONS = map(samples, ("convolution", "window_reduce", "window_argmax"))


def number(rows):
    return [str(i) for i in range(len(rows))]


@pytest.mark.parametrize("sample", CONVOLUTIONS, ids=number(CONVOLUTIONS))
def test_convolution_is_its_definition(sample):
    (x, w), attrs = sample
    got = evaluate_op(OPS["convolution"], (x, w), attrs)[0]
    want = convolved(x, w, **attrs)
    assert got.dtype == x.dtype
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4 if x.dtype == np.float32 else 1e-11)


@pytest.mark.parametrize("sample", WINDOWS, ids=number(WINDOWS))
def test_window_reduce_is_its_definition(sample):
    (x,), attrs = sample
    got = evaluate_op(OPS["window_reduce"], (x,), attrs)[0]
    np.testing.assert_allclose(got, windowed(x, **attrs)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sample", POSITIONS, ids=number(POSITIONS))
def test_window_argmax_is_the_first_position(sample):
    (x,), attrs = sample
    np.testing.assert_array_equal(evaluate_op(OPS["window_argmax"], (x,), attrs)[0], windowed(x, **attrs)[1])


def test_a_not_a_number_is_the_extreme():
    x = np.array([1.0, np.nan, 5.0, np.nan, 2.0, 3.0])
    attrs = {"window": (3,), "strides": (1,), "low": (0,), "high": (0,), "base_dilation": (1,), "window_dilation": (1,)}
    found = evaluate_op(OPS["window_argmax"], (x,), {"combine": "max", **attrs})[0]
    np.testing.assert_array_equal(found, [1, 1, 3, 3])
    assert np.isnan(evaluate_op(OPS["window_reduce"], (x,), {"combine": "max", **attrs})[0]).all()


def small(samples, most):
    return [s for s in samples if 0 < max(a.size for a in s[0]) <= most and all(a.size for a in s[0])]


@pytest.mark.parametrize("sample", small(CONVOLUTIONS, 700), ids=lambda s: str([a.shape for a in s[0]]))
def test_gradients_of_convolutions(sample):
    arrays, attrs = sample
    wide = [a.astype(np.float64) for a in arrays]
    check(lambda f, x, w: f.convolution(x, w, **attrs), wide, [0, 1])
    if max(a.size for a in arrays) < 150:
        check_second(lambda f, x, w: f.convolution(x, w, **attrs), wide, [0, 1])


@pytest.mark.parametrize("sample", small(WINDOWS, 700), ids=lambda s: f"{s[1]['combine']}{s[0][0].shape}")
def test_gradients_of_windows(sample):
    (x,), attrs = sample
    distinct = np.random.default_rng(3).permutation(x.size).reshape(x.shape) * 0.1  # away from ties

    def shown(f, a):
        y = f.window_reduce(a, **attrs)
        finite = f.is_finite(y)  # a window that shows nothing
        return f.select(finite, y, f.zeros_like(y))

    check(shown, [distinct], [0])


def types(*shapes, dtype=float32):
    return [TensorType(dtype, s) for s in shapes]


def attributes(n, **given):
    one, none = (1,) * n, (0,) * n
    return {"strides": one, "low": none, "high": none, "lhs_dilation": one, "rhs_dilation": one, "groups": 1, **given}


def test_symbolic_sizes_infer():
    n, h = dims.symbol("n"), dims.symbol("h", 8)
    infer = get_op("convolution").infer
    assert infer(types((n, 9, 9, 3), (3, 3, 3, 8)), attributes(2))[0].shape == (n, 7, 7, 8)
    assert infer(types((n, h, h, 3), (3, 3, 3, 8)), attributes(2, low=(1, 1), high=(1, 1)))[0].shape == (n, h, h, 8)
    strided = infer(types((n, h, 5, 3), (2, 1, 3, 8)), attributes(2, strides=(2, 1)))[0].shape
    assert dims.substitute(strided, {"h": 9}) == (n, 4, 5, 8)
    spread = infer(types((n, h, 4), (2, 4, 6)), attributes(1, lhs_dilation=(2,), low=(1,), high=(0,)))[0].shape
    assert spread == (n, 2 * h - 1, 6)


@pytest.mark.parametrize(("shapes", "given", "words"), [
    (((2, 5, 5, 3), (3, 3, 4, 8)), {}, "channels"), (((2, 5, 5, 4), (3, 3, 2, 7)), {"groups": 2}, "groups"),
    (((2, 5, 3), (3, 3, 3, 8)), {}, "rank"), (((2, 3), (3, 8)), {}, "spatial"),
    (((2, 5, 5, 3), (3, 3, 3, 8)), {"strides": (0, 1)}, "at least 1"),
    (((2, 5, 5, 3), (3, 3, 3, 8)), {"low": (0,)}, "one per axis"),
])  # fmt: skip
def test_bad_operands_are_refused(shapes, given, words):
    with pytest.raises(InvalidArgumentError, match=rf"^convolution: .*{words}"):
        get_op("convolution").infer(types(*shapes), attributes(len(shapes[0]) - 2, **given))


def test_dtypes_do_not_mix():
    pair = [TensorType(float32, (1, 4, 2)), TensorType(float64, (2, 2, 3))]
    with pytest.raises(DTypeError, match=r"float32.*float64"):
        get_op("convolution").infer(pair, attributes(1))
    with pytest.raises(DTypeError, match="floating"):
        get_op("convolution").infer(types((1, 4, 2), (2, 2, 3), dtype=as_dtype("int32")), attributes(1))


def test_windows_name_what_is_wrong():
    good = {"combine": "max", "window": (2,), "strides": (1,), "low": (0,), "high": (0,), "base_dilation": (1,),
            "window_dilation": (1,)}  # fmt: skip
    for word, wrong in (("combine", "mul"), ("window", (0,)), ("strides", (1, 1))):
        with pytest.raises(InvalidArgumentError, match=rf"^window_reduce: .*{word}"):
            get_op("window_reduce").infer(types((5,)), {**good, word: wrong})
    with pytest.raises(ShapeError):
        get_op("convolution").infer(types((1, 2, 2, 2, 2, 2), (1, 1, 1, 1, 2, 2)), attributes(4))
