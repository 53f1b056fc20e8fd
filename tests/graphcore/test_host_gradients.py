"""Gradient rules of the ops that run on the host, first and second order, against central differences."""

import numpy as np
import pytest
from differences import check, check_second, rand, symbolic

from graphcore import OPS, dims
from graphcore.dtypes import float64
from graphcore.errors import UnsupportedError
from graphcore.functions import array_functions
from graphcore.interpret import interpret
from graphcore.ops import samples_host
from graphcore.ops.matrix_rules import adjoint, matmul
from graphcore.ops.special import FUNCTIONS
from graphcore.types import TensorType

HOST = {
    "complex", "real", "imag", "fft", "rfft", "irfft", "cholesky", "qr", "svd", "eigh", "solve", "triangular_solve",
    "slogdet", "matrix_function", "ctc_loss", "special", "igamma", "igammac", "betainc", "zeta", "bessel_i0e",
    "bessel_i1e",
}  # fmt: skip
STRUCTURAL = {"call", "custom_gradient", "host_call"}


def test_every_differentiable_host_op_is_checked():
    assert {n for n, op in OPS.items() if op.differentiable and not op.native} == HOST | STRUCTURAL


def rule(name):
    found = OPS[name].vjp
    assert found is not None
    return found


def flat(f, *values):
    """All results in one real vector; complex ones as real and imaginary part."""
    parts = []
    for v in values:
        if isinstance(v, tuple):
            parts.append(flat(f, *v))
            continue
        pieces = (f.real(v), f.imag(v)) if f.type(v).dtype.is_complex else (v,)
        parts += [f.reshape(p, shape=(f.type(p).size,)) for p in pieces]
    return parts[0] if len(parts) == 1 else f.concatenate(*parts, axis=0)


def of_complex(function):
    """A function of complex operands as one of their real and imaginary parts."""
    return lambda f, *x: flat(f, function(f, *[f.complex(x[i], x[i + 1]) for i in range(0, len(x), 2)]))


def both_orders(function, *arrays, wrt=None):
    check(function, arrays, range(len(arrays)) if wrt is None else wrt)
    check_second(function, arrays, range(len(arrays)) if wrt is None else wrt)


UNARY = (
    "exp", "log", "sqrt", "rsqrt", "sin", "cos", "tanh", "expm1", "log1p", "sigmoid", "neg", "abs", "tan", "sinh",
    "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh",
)  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_a_complex_number(name):
    x, y = rand(5, low=0.4), rand(5, seed=1)
    both_orders(of_complex(lambda f, z: f.apply(name, (z,), {})[0]), x, y)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow"])
def test_arithmetic_of_complex_numbers(name):
    arrays = (rand(3, 1, low=0.4), rand(3, 1, seed=1), rand(4, low=0.5, seed=2), rand(4, seed=3))
    both_orders(of_complex(lambda f, z, w: f.apply(name, (z, w), {})[0]), *arrays)


def test_complex_reductions_and_contractions():
    parts = (rand(3, 4), rand(3, 4, seed=1))
    both_orders(of_complex(lambda f, z: f.reduce_prod(z, axes=(1,), keepdims=False)), *parts)
    both_orders(of_complex(lambda f, z: f.reduce_sum(z, axes=(0,), keepdims=True)), *parts)
    both_orders(of_complex(lambda f, z: matmul(f, z, adjoint(f, z))), *parts)
    both_orders(of_complex(lambda f, z, w: f.dot_general(z, w, contracting=((0, 1), (1, 0)), batch=((), ()))),
                *parts, rand(4, 3), rand(4, 3, seed=2))  # fmt: skip
    both_orders(of_complex(lambda f, z: f.select(np.array([[True], [False], [True]]), z, f.mul(z, z))), *parts)


def test_complex_casts():
    both_orders(lambda f, x: flat(f, f.cast(f.cast(x, dtype="complex128"), dtype=float64)), rand(3))
    both_orders(lambda f, x: flat(f, f.mul(f.cast(x, dtype="complex128"), f.constant(np.array(1 + 2j)))), rand(3))


def test_absolute_value_of_complex_zero_has_gradient_zero():
    f = array_functions()
    z = np.array([0j, 3 + 4j])
    (found,) = rule("abs")(f, [np.ones(2)], [z], [np.abs(z)], {})
    np.testing.assert_allclose(found, [0, 0.6 + 0.8j])


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_transforms(n):
    parts = (rand(2, n), rand(2, n, seed=1))
    for inverse in (False, True):
        both_orders(of_complex(lambda f, z, i=inverse: f.fft(f.mul(z, z), inverse=i)), *parts)
    both_orders(lambda f, x: flat(f, f.rfft(f.mul(x, x))), parts[0])
    bins = (rand(2, n // 2 + 1), rand(2, n // 2 + 1, seed=1))
    both_orders(of_complex(lambda f, z: f.irfft(f.mul(z, z), length=n)), *bins)


def test_transforms_of_open_sizes():
    def convolved(f, x):
        spectrum = f.rfft(x)
        return f.irfft(f.mul(spectrum, spectrum), length=f.type(x).shape[-1])

    graph = symbolic(convolved, TensorType(float64, (2, dims.symbol("n"))))
    for size in (1, 2, 5, 8):
        x = rand(2, size)
        (got,), (want,) = interpret(graph, [x]), interpret(symbolic(convolved, TensorType(float64, x.shape)), [x])
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


# Matrices. Cholesky and eigh read one triangle, so they get symmetric matrices made from free ones.


def square(n=3, seed=0):
    return rand(2, n, n, seed=seed) + 3 * np.eye(n)


def gram(f, x):
    return matmul(f, x, adjoint(f, x))


def test_cholesky_and_slogdet():
    both_orders(lambda f, x: f.cholesky(gram(f, x)), square())
    both_orders(lambda f, x: flat(f, f.slogdet(x)), square())
    both_orders(of_complex(lambda f, z: f.slogdet(z)), square(), rand(2, 3, 3, seed=4))
    both_orders(of_complex(lambda f, z: f.cholesky(gram(f, z))), square(), rand(2, 3, 3, seed=4))


def test_solutions():
    b = rand(2, 3, 2, seed=2)
    both_orders(lambda f, a, b: f.solve(a, b), square(), b)
    for lower in (True, False):
        for flipped in (True, False):
            both_orders(lambda f, a, b, w=lower, d=flipped: f.triangular_solve(a, b, lower=w, adjoint=d), square(), b)
    both_orders(of_complex(lambda f, a, b: f.triangular_solve(a, b, lower=True, adjoint=True)),
                square(), rand(2, 3, 3), b, rand(2, 3, 2))  # fmt: skip


def _projections(f, z):
    """What does not depend on the phases of singular vectors: u sin(s) v^H, and u u^H of the first ones."""
    s, u, v = f.svd(z, full_matrices=False)
    s = f.cast(f.sin(s), dtype=f.type(z).dtype)
    first = f.slice(u, begin=(0, 0, 0), end=(*f.type(u).shape[:2], 1), strides=(1, 1, 1))
    turned = f.mul(u, f.reshape(s, shape=(f.type(s).shape[0], 1, f.type(s).shape[1])))
    return matmul(f, turned, adjoint(f, v)), gram(f, first)


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (5, 3), (3, 5), (1, 1)])
def test_qr_and_svd(rows, columns):
    x = rand(2, rows, columns)
    both_orders(lambda f, x: flat(f, f.qr(x, full_matrices=False)), x)
    both_orders(lambda f, x: flat(f, f.svd(x, full_matrices=False)), x)
    both_orders(lambda f, x: f.svd(x, full_matrices=True)[0], x)
    both_orders(of_complex(lambda f, z: f.svd(z, full_matrices=False)[0]), x, rand(2, rows, columns, seed=1))
    both_orders(of_complex(_projections), x, rand(2, rows, columns, seed=1))
    if rows <= columns:
        both_orders(lambda f, x: flat(f, f.qr(x, full_matrices=True)), x)


def test_what_has_no_gradient_says_so():
    f, x = array_functions(), rand(5, 3)
    q, r = f.qr(x, full_matrices=True)
    with pytest.raises(UnsupportedError, match=r"qr: .*full_matrices=False"):
        rule("qr")(f, [q, r], [x], [q, r], {"full_matrices": True})
    outputs = f.svd(x, full_matrices=True)
    with pytest.raises(UnsupportedError, match=r"svd: .*full_matrices=False"):
        rule("svd")(f, list(outputs), [x], outputs, {"full_matrices": True})


def test_eigh():
    both_orders(lambda f, x: flat(f, f.eigh(gram(f, x))), square())
    both_orders(lambda f, x: flat(f, f.eigh(x)[0]), square())
    both_orders(of_complex(lambda f, z: f.eigh(gram(f, z))[0]), square(), rand(2, 3, 3))


@pytest.mark.parametrize("name", ["exp", "log", "sqrt"])
def test_functions_of_matrices(name):
    both_orders(lambda f, x: f.matrix_function(x, function=name), square())
    both_orders(of_complex(lambda f, z: f.matrix_function(z, function=name)), square(2), rand(2, 2, 2))


def test_repeated_eigenvalues_and_singular_values_give_finite_gradients():
    f, eye = array_functions(), np.eye(3)
    w, v = f.eigh(eye)
    (found,) = rule("eigh")(f, [np.ones(3), np.ones((3, 3))], [eye], [w, v], {})
    assert np.isfinite(found).all()
    outputs = f.svd(eye, full_matrices=False)
    (found,) = rule("svd")(f, [np.ones_like(y) for y in outputs], [eye], outputs, {"full_matrices": False})
    assert np.isfinite(found).all()


# Special functions.


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "igamma_grad_a"])
def test_special(name):
    both_orders(lambda f, x: f.special(x, function=name), rand(7, low=0.3))


def test_special_functions_with_an_op_of_their_own():
    positive, other = rand(7, low=0.4), rand(7, seed=1, low=0.4)
    for name in ("bessel_i0e", "bessel_i1e"):
        both_orders(lambda f, x, n=name: f.apply(n, (x,), {})[0], rand(7))
    for name in ("igamma", "igammac"):
        check(lambda f, a, x, n=name: f.apply(n, (a, x), {})[0], [positive, other], [0, 1])
        check_second(lambda f, a, x, n=name: f.apply(n, (a, x), {})[0], [positive, other], [1])
        check(lambda f, a, x, n=name: f.apply(n, (a, x), {})[0], [rand(3, 1, low=9), rand(4, low=0.4)], [0, 1])
    both_orders(lambda f, a, b, x: f.betainc(a, b, x), positive, other, other / (1 + other), wrt=[2])
    both_orders(lambda f, x, q: f.zeta(x, q), positive + 1, other, wrt=[1])


def test_the_derivative_of_igamma_in_a_has_no_derivative():
    a = rand(3, low=0.4)
    with pytest.raises(UnsupportedError, match="igamma"):
        check_second(lambda f, a, x: f.igamma(a, x), [a, a], [0])


# ctc_loss has first derivatives only.


@pytest.mark.parametrize("sample", range(len(samples_host.label_sequences())))
def test_ctc_loss(sample):
    (logits, *rest), attrs = samples_host.label_sequences()[sample]
    check(lambda f, x: f.ctc_loss(x, *rest, **attrs)[0], [logits.astype(np.float64)], [0])


def test_ctc_loss_has_no_second_derivative():
    (logits, *rest), attrs = samples_host.label_sequences()[0]
    with pytest.raises(UnsupportedError, match="ctc_loss"):
        rule("ctc_loss")(array_functions(), [None, logits], [logits, *rest], [logits, logits], attrs)
