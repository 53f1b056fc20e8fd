"""Matrix algorithms that numpy.linalg lacks, in NumPy, over leading batch axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphcore.errors import InvalidArgumentError

_BLOCK = 64
"""Rows that are substituted one by one before the rest is updated by one matrix product."""


def _dagger(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def triangular_solve_arrays(a: Any, b: Any, lower: bool = True, adjoint: bool = False) -> Any:
    """x with a x = b by substitution; only the given triangle of a is read. A zero on the diagonal gives inf or NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _substituted(a, b, lower, adjoint)


def _substituted(a: Any, b: Any, lower: bool, adjoint: bool) -> Any:
    if not b.size:
        return np.zeros_like(b)
    if adjoint:
        a, lower = _dagger(a), not lower
    x, n = np.array(b), a.shape[-1]
    starts = range(0, n, _BLOCK)
    for start in starts if lower else reversed(starts):
        end = min(start + _BLOCK, n)
        rows = range(start, end) if lower else range(end - 1, start - 1, -1)
        for i in rows:
            known = slice(start, i) if lower else slice(i + 1, end)
            done = np.matmul(a[..., i : i + 1, known], x[..., known, :])
            x[..., i : i + 1, :] = (x[..., i : i + 1, :] - done) / a[..., i : i + 1, i : i + 1]
        rest = slice(end, n) if lower else slice(0, start)
        x[..., rest, :] -= np.matmul(a[..., rest, start:end], x[..., start:end, :])
    return x


# Degree 13, and the largest 1-norm for which it is exact to float64: N. Higham, The scaling and squaring method for
# the matrix exponential revisited, SIAM J. Matrix Anal. Appl. 26 (2005).
_PADE_13 = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_THETA_13 = 5.371920351148152

_LOG_NODES = 16
_MAX_ROOTS = 100


def matrix_function_array(x: Any, function: str) -> Any:
    """exp, log or the principal sqrt of square matrices, computed in double precision.

    Raises:
        InvalidArgumentError: if a matrix has no principal square root or logarithm.
    """
    if not x.size:
        return np.array(x)
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    flat = wide.reshape(-1, *x.shape[-2:])
    one = {"exp": _exponential, "log": _logarithm, "sqrt": _square_root}[function]
    return np.stack([one(m) for m in flat]).reshape(x.shape).astype(x.dtype)


def _exponential(x: Any) -> Any:
    if not np.isfinite(x).all():
        return np.full_like(x, np.nan)
    size = float(np.abs(x).sum(axis=0).max())
    squarings = max(0, int(np.ceil(np.log2(size / _THETA_13)))) if size else 0
    x = x / 2.0**squarings
    eye, c = np.eye(len(x), dtype=x.dtype), _PADE_13
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    odd = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * eye)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * eye
    result = np.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        result = result @ result
    return result


def _centre(x: Any) -> float:
    """The middle of the angles of the eigenvalues; the cut along the negative axis belongs to the angle pi."""
    angles = np.angle(np.linalg.eigvals(x))
    angles = np.where(angles < 1e-10 - np.pi, np.pi, angles)
    return float(angles.min() + angles.max()) / 2


def _square_root(x: Any) -> Any:
    """The principal square root; a complex matrix is turned so that its eigenvalues keep away from the cut."""
    if x.dtype.kind != "c" or not np.isfinite(x).all():
        return _iterate(x)
    angle = _centre(x)
    return _iterate(x * np.exp(-1j * angle)) * np.exp(0.5j * angle)


def _iterate(x: Any) -> Any:
    """The product form of the Denman-Beavers iteration with determinantal scaling (Higham 2008, (6.29))."""
    n, eye = len(x), np.eye(len(x), dtype=x.dtype)
    product, root, distance = x, x, np.inf
    try:
        for _ in range(_MAX_ROOTS):
            before, distance = distance, np.linalg.norm(product - eye)
            # It converges quadratically, so what no longer shrinks is rounding.
            if distance < 1e-8 and (distance >= before / 2 or distance < n * 1e-16):
                break
            scale = float(np.exp(-np.linalg.slogdet(product)[1] / (2 * n))) if distance > 1e-2 else 1.0
            inverse = np.linalg.inv(product) / scale**2
            root = (scale / 2) * root @ (eye + inverse)
            product = 0.5 * (eye + (scale**2 * product + inverse) / 2)
    except np.linalg.LinAlgError:
        root = np.full_like(x, np.nan)
    error = np.linalg.norm(root @ root - x)
    if not error <= 1e-6 * max(np.linalg.norm(x), np.linalg.norm(root) ** 2):
        raise InvalidArgumentError(
            "matrix_function: sqrt: the matrix has no principal square root in its dtype: an eigenvalue is zero or a "
            "negative real number; cast the matrix to complex, or shift its eigenvalues"
        )
    return root


def _logarithm(x: Any) -> Any:
    """Inverse scaling and squaring: square roots until x is near 1, then a partial fraction form of Pade's."""
    eye = np.eye(len(x), dtype=x.dtype)
    roots = 0
    while np.linalg.norm(x - eye, 1) > 0.25 and roots < _MAX_ROOTS:
        x, roots = _square_root(x), roots + 1
    nodes, weights = np.polynomial.legendre.leggauss(_LOG_NODES)
    near = x - eye
    total = np.zeros_like(x)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        total += weight * np.linalg.solve(eye + node * near, near)
    return total * 2.0**roots
