"""Rows for decompositions, equations and functions of matrices, against numpy.linalg and SciPy."""

from importlib import import_module

import numpy as np
from tf_cases import case, custom, fault, floats, ints, lookup
from tf_cases_host import both, of_complex, parts

import eager as tf


def scipy(name, x):
    """A function of scipy.linalg for every matrix; SciPy is loaded where a test needs it."""
    function = getattr(import_module("scipy.linalg"), name)
    return np.stack([function(m) for m in x.reshape(-1, *x.shape[-2:])]).reshape(x.shape)


def dagger(x):
    return np.conj(np.swapaxes(x, -1, -2))


M = floats(2, 4, 4) + 5 * np.eye(4)
S, TALL, WIDE, B = M @ dagger(M) + np.eye(4), floats(2, 5, 3), floats(2, 3, 5), floats(2, 4, 3)
C = M + 1j * floats(2, 4, 4)
NOT_SQUARE = tf.ones((2, 3))

for _name, _reference, _array in (
    ("inv", np.linalg.inv, M), ("det", np.linalg.det, M), ("slogdet", lambda x: list(np.linalg.slogdet(x)), M),
    ("logdet", lambda x: np.linalg.slogdet(x)[1], S), ("cholesky", np.linalg.cholesky, S),
):  # fmt: skip
    # The gradient of cholesky is symmetric, so it is checked on symmetric matrices below.
    case(f"linalg.{_name}", _array, _reference, smooth=_array is M)
    case(f"linalg.{_name}", _array[0], _reference, smooth=_array is M)
    fault(f"linalg.{_name}", ValueError, NOT_SQUARE)
    fault(f"linalg.{_name}", ValueError, floats(3))
    fault(f"linalg.{_name}", TypeError, ints(2, 2))
for _name, _reference in (("cholesky", np.linalg.cholesky), ("logdet", lambda x: np.linalg.slogdet(x)[1])):
    custom(f"linalg.{_name}", lambda x, n=_name: lookup(f"linalg.{n}")(x @ tf.linalg.adjoint(x)), M,
           lambda x, r=_reference: r(x @ dagger(x)), exact=False)  # fmt: skip
case("linalg.det", np.zeros((2, 2)), np.linalg.det, smooth=False)
case("linalg.det", np.ones((3, 0, 0)), np.linalg.det, smooth=False)
case("linalg.slogdet", -M, lambda x: list(np.linalg.slogdet(x)))
case("linalg.inv", M, lambda x: np.linalg.inv(dagger(x)), adjoint=True)
case("linalg.inv", np.zeros((0, 3, 3)), lambda x: x, smooth=False)
fault("linalg.inv", tf.errors.InvalidArgumentError, tf.zeros((2, 2)))

# Decompositions. NumPy's LAPACK chooses the signs on both sides.


def _svd(x, full=False):
    u, s, vh = np.linalg.svd(x, full_matrices=full)
    return [s, u, dagger(vh)]


for _array in (TALL, WIDE, M):
    case("linalg.qr", _array, lambda x: list(np.linalg.qr(x)))
    case("linalg.svd", _array, lambda x: np.linalg.svd(x, compute_uv=False), compute_uv=False)
    custom("linalg.svd", lambda x: list(tf.linalg.svd(x)), _array, _svd, exact=False)
case("linalg.qr", TALL, lambda x: list(np.linalg.qr(x, "complete")), full_matrices=True, smooth=False)
case("linalg.qr", WIDE, lambda x: list(np.linalg.qr(x, "complete")), full_matrices=True)
custom("linalg.svd", lambda x: [tf.linalg.svd(x, full_matrices=True)[i] for i in (0, 1, 2)], WIDE,
       lambda x: _svd(x, True), smooth=False, exact=False)  # fmt: skip
custom("linalg.svd", lambda x: tf.linalg.svd(x, full_matrices=True)[0], WIDE, lambda x: np.linalg.svd(x)[1],
       exact=False)  # fmt: skip
custom("linalg.eigh", lambda x: list(tf.linalg.eigh(x @ tf.linalg.adjoint(x))), M,
       lambda x: list(np.linalg.eigh(x @ dagger(x))), exact=False)  # fmt: skip
case("linalg.eigh", M, lambda x: list(np.linalg.eigh(x)))
case("linalg.eigvalsh", M, np.linalg.eigvalsh)
_TURN = np.array([[0.0, -2], [2, 0]])
custom("linalg.eigvals", lambda x: tf.sort(tf.math.imag(tf.linalg.eigvals(x))), _TURN, lambda x: np.array([-2.0, 2]),
       smooth=False)  # fmt: skip
custom("linalg.eig", lambda x: parts(tf.linalg.eig(x)[1] * tf.linalg.eig(x)[0][:, None, :]), M,
       lambda x: both((lambda w, v: x @ v)(*np.linalg.eig(x)) + 0j), smooth=False, exact=False)  # fmt: skip
for _name in ("qr", "svd", "eigh", "eigvalsh", "eig", "eigvals"):
    fault(f"linalg.{_name}", ValueError, floats(3))
    fault(f"linalg.{_name}", TypeError, ints(2, 2))
for _name in ("eigh", "eigvalsh", "eig", "eigvals"):
    fault(f"linalg.{_name}", ValueError, NOT_SQUARE)
fault("linalg.svd", ValueError, floats(3))
case("linalg.matrix_rank", np.outer([1.0, 2, 3], [4.0, 5]) + np.zeros((2, 1, 1)), lambda x: np.array([1, 1], np.int32),
     smooth=False)  # fmt: skip
case("linalg.matrix_rank", np.diag([1.0, 1e-3, 0]), lambda x: np.array(1, np.int32), 0.1, smooth=False)
fault("linalg.matrix_rank", ValueError, floats(3))

# Complex matrices.

of_complex("linalg.inv", tf.linalg.inv, np.linalg.inv, M, C.imag)
of_complex("linalg.det", tf.linalg.det, np.linalg.det, M, C.imag)
of_complex("linalg.solve", lambda a, b: tf.linalg.solve(a, b, adjoint=True), lambda a, b: np.linalg.solve(dagger(a), b),
           M, C.imag, B, floats(2, 4, 3))  # fmt: skip
of_complex("linalg.triangular_solve", lambda a, b: tf.linalg.triangular_solve(a, b, adjoint=True),
           lambda a, b: np.linalg.solve(dagger(np.tril(a)), b), M, C.imag, B, floats(2, 4, 3))  # fmt: skip
of_complex("linalg.cholesky", lambda z: tf.linalg.cholesky(z @ tf.linalg.adjoint(z)),
           lambda z: np.linalg.cholesky(z @ dagger(z)), M, C.imag)  # fmt: skip
of_complex("linalg.qr", lambda z: tf.linalg.qr(z)[0] @ tf.math.sin(tf.linalg.qr(z)[1]),
           lambda z: np.linalg.qr(z)[0] @ np.sin(np.linalg.qr(z)[1]), *(floats(2, 4, 3) for _ in "ab"))  # fmt: skip
of_complex("linalg.svd", lambda z: tf.cast(tf.linalg.svd(z, compute_uv=False), z.dtype),
           lambda z: np.linalg.svd(z, compute_uv=False) + 0j, M, C.imag)  # fmt: skip
of_complex("linalg.eigvalsh", lambda z: tf.cast(tf.linalg.eigvalsh(z), z.dtype), lambda z: np.linalg.eigvalsh(z) + 0j,
           M, C.imag)  # fmt: skip
of_complex("linalg.expm", tf.linalg.expm, lambda z: scipy("expm", z), floats(2, 3, 3), floats(2, 3, 3))
of_complex("linalg.logm", tf.linalg.logm, lambda z: scipy("logm", z), M, C.imag)
of_complex("linalg.sqrtm", tf.linalg.sqrtm, lambda z: scipy("sqrtm", z), M, C.imag)

# Equations.

case("linalg.solve", (M, B), np.linalg.solve)
case("linalg.solve", (M, B), lambda a, b: np.linalg.solve(dagger(a), b), adjoint=True)
fault("linalg.solve", ValueError, M, B[0])
fault("linalg.solve", ValueError, M, floats(2, 3, 4))
fault("linalg.solve", ValueError, tf.zeros((2, 2)), tf.ones((2, 1)))
fault("linalg.solve", TypeError, tf.eye(2), tf.ones((2, 1), tf.float64))
for _lower in (True, False):
    for _adjoint in (True, False):
        _half = np.tril if _lower else np.triu
        case("linalg.triangular_solve", (M, B), lambda a, b, h=_half, d=_adjoint: np.linalg.solve(
            dagger(h(a)) if d else h(a), b), lower=_lower, adjoint=_adjoint)  # fmt: skip
case("linalg.triangular_solve", (M[0], B), lambda a, b: np.linalg.solve(np.tril(a) + 0 * M, b))
_LARGE = floats(150, 150) / 50 + 2 * np.eye(150)
for _lower in (True, False):
    case("linalg.triangular_solve", (_LARGE, floats(150, 2)), lambda a, b, h=np.tril if _lower else np.triu:
         np.linalg.solve(h(a), b), lower=_lower, smooth=False)  # fmt: skip
fault("linalg.triangular_solve", ValueError, M, floats(2, 3, 4))
fault("linalg.triangular_solve", ValueError, M, floats(4))
case("linalg.cholesky_solve", (np.linalg.cholesky(S), B),
     lambda c, b: np.linalg.solve(np.tril(c) @ dagger(np.tril(c)), b))  # fmt: skip
fault("linalg.cholesky_solve", ValueError, M, floats(2, 3, 4))
for _array in (TALL, WIDE, M):
    case("linalg.pinv", _array, np.linalg.pinv)
case("linalg.pinv", np.outer([1.0, 2, 3], [4.0, 5]), np.linalg.pinv, smooth=False)
case("linalg.pinv", np.diag([1.0, 0.01]), lambda x: np.diag([1.0, 0]), 0.1, smooth=False)
fault("linalg.pinv", ValueError, floats(3))
case("linalg.lstsq", (TALL, floats(2, 5, 2)), lambda a, b: np.linalg.pinv(a) @ b)
case("linalg.lstsq", (WIDE, floats(2, 3, 2)), lambda a, b: np.linalg.pinv(a) @ b)
case("linalg.lstsq", (TALL, floats(2, 5, 2)),
     lambda a, b: np.linalg.solve(dagger(a) @ a + 0.3 * np.eye(3), dagger(a) @ b), l2_regularizer=0.3)  # fmt: skip
case("linalg.lstsq", (WIDE, floats(2, 3, 2)), lambda a, b: np.linalg.pinv(a) @ b, fast=False)
case("linalg.lstsq", (np.ones((3, 2)), floats(3, 1)), lambda a, b: np.linalg.pinv(a) @ b, fast=False, smooth=False)
fault("linalg.lstsq", ValueError, floats(3), floats(3, 1))

_DIAGONALS = floats(2, 3, 4) + np.array([[0.0], [5], [0]])
_FULL = np.stack([np.diag(d[0, :-1], 1) + np.diag(d[1]) + np.diag(d[2, 1:], -1) for d in _DIAGONALS])
_SEQUENCE = (_DIAGONALS[:, 0, :-1], _DIAGONALS[:, 1], _DIAGONALS[:, 2, 1:])


def _full(d):
    return np.stack([np.diag(x[0, :-1], 1) + np.diag(x[1]) + np.diag(x[2, 1:], -1) for x in d])


case("linalg.tridiagonal_matmul", (_DIAGONALS, B), lambda d, b: _full(d) @ b)
case("linalg.tridiagonal_matmul", (M, B), lambda d, b: np.triu(np.tril(d, 1), -1) @ b, "matrix")
custom("linalg.tridiagonal_matmul", lambda u, d, w, b: tf.linalg.tridiagonal_matmul((u, d, w), b, "sequence"),
       (*_SEQUENCE, B), lambda u, d, w, b: _FULL @ b, exact=False)  # fmt: skip
case("linalg.tridiagonal_solve", (_DIAGONALS, B), lambda d, b: np.linalg.solve(_full(d), b))
case("linalg.tridiagonal_solve", (_DIAGONALS, B[..., 0]), lambda d, b: np.linalg.solve(_full(d), b[..., None])[..., 0])
case("linalg.tridiagonal_solve", (_FULL, dagger(B)), lambda d, b: np.linalg.solve(_FULL, dagger(b)), "matrix", True)
custom("linalg.tridiagonal_solve", lambda u, d, w, b: tf.linalg.tridiagonal_solve((u, d, w), b, "sequence"),
       (*_SEQUENCE, B), lambda u, d, w, b: np.linalg.solve(_FULL, b), exact=False)  # fmt: skip
for _name in ("tridiagonal_matmul", "tridiagonal_solve"):
    fault(f"linalg.{_name}", ValueError, floats(2, 4), B)
    fault(f"linalg.{_name}", ValueError, _DIAGONALS, B, "dense")
    fault(f"linalg.{_name}", ValueError, _DIAGONALS, floats(2, 3, 4))
fault("linalg.tridiagonal_solve", ValueError, _DIAGONALS, B, perturb_singular=True)

# Functions.

case("linalg.expm", floats(2, 3, 3), lambda x: scipy("expm", x))
case("linalg.expm", 20 * floats(3, 3) * np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 0.01]]), lambda x: scipy("expm", x),
     smooth=False)  # fmt: skip
case("linalg.expm", np.zeros((0, 2, 2)), lambda x: x, smooth=False)
case("linalg.sqrtm", S, lambda x: scipy("sqrtm", x))
case("linalg.sqrtm", np.array([[1.0, 1], [0, 1]]), lambda x: np.array([[1, 0.5], [0, 1]]))
custom("linalg.logm", lambda x: tf.math.imag(tf.linalg.logm(tf.cast(x, tf.complex128))), -np.eye(2),
       lambda x: np.pi * np.eye(2), smooth=False, exact=False)  # fmt: skip
for _name in ("expm", "sqrtm"):
    fault(f"linalg.{_name}", ValueError, NOT_SQUARE)
    fault(f"linalg.{_name}", TypeError, ints(2, 2))
fault("linalg.sqrtm", ValueError, -np.eye(2))
fault("linalg.sqrtm", ValueError, np.zeros((2, 2)))
fault("linalg.logm", TypeError, M)
fault("linalg.logm", ValueError, C[:, :3])
case("linalg.normalize", M, lambda x: (lambda n: [x / n, n])(np.linalg.norm(x, axis=1, keepdims=True)), axis=1)
case("linalg.normalize", M, lambda x: [x / np.abs(x).sum(), np.abs(x).sum().reshape(1, 1, 1)], ord=1)
fault("linalg.normalize", TypeError, ints(2, 2))
