"""Inputs worth trying of the ops that run on the host; see `samples`."""

from __future__ import annotations

import numpy as np

from graphcore.dtypes import DType, complex64, complex128, float32, float64
from graphcore.ops.samples import Array, Sample, Shape, draw

_SHAPES: tuple[Shape, ...] = ((), (0,), (1,), (7,), (2, 3, 4))


def draw_complex(shape: Shape, dtype: DType, seed: int = 0) -> Array:
    """Moderate complex numbers."""
    return np.asarray(draw(shape, float64, seed) + 1j * draw(shape, float64, seed + 100)).astype(dtype.numpy)


def draw_any(shape: Shape, dtype: DType, seed: int = 0) -> Array:
    """Moderate real or complex numbers."""
    return draw_complex(shape, dtype, seed) if dtype.is_complex else draw(shape, dtype, seed)


def complex_pairs() -> list[Sample]:
    """Real and imaginary parts, broadcasting, and special values."""
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5])
    found: list[Sample] = [((special[:, None], special), {})]
    for d in (float32, float64):
        found += [((draw(s, d, 1), draw(s, d, 2)), {}) for s in _SHAPES]
    return [*found, ((draw((3, 1), float32), draw((4,), float32)), {})]


def complex_values() -> list[Sample]:
    """Both complex dtypes."""
    return [((draw_complex(s, d),), {}) for d in (complex64, complex128) for s in _SHAPES]


_LINES: tuple[Shape, ...] = ((1,), (2,), (7,), (3, 16), (2, 0, 5))


def complex_transforms() -> list[Sample]:
    """Both directions; lengths that are one, prime, and a power of two."""
    return [
        ((draw_complex(s, d),), {"inverse": inverse})
        for d in (complex64, complex128) for s in _LINES for inverse in (False, True)
    ]  # fmt: skip


def real_transforms() -> list[Sample]:
    """Odd and even lengths."""
    return [((draw(s, d),), {}) for d in (float32, float64) for s in _LINES]


def half_spectra() -> list[Sample]:
    """Odd and even lengths."""
    cases: tuple[tuple[Shape, int], ...] = (((1,), 1), ((2,), 2), ((2,), 3), ((3, 9), 16), ((4,), 7), ((0, 3), 5))
    return [((draw_complex(s, d),), {"length": n}) for d in (complex64, complex128) for s, n in cases]


_DTYPES = (float32, float64, complex64, complex128)


def square_matrices() -> list[Sample]:
    """Well-conditioned ones, batches, and none."""
    shapes: tuple[Shape, ...] = ((1, 1), (3, 3), (2, 4, 4), (0, 3, 3))
    return [((draw_any(s, d) + 5 * np.eye(s[-1], dtype=d.numpy),), {}) for d in _DTYPES for s in shapes]


def positive_matrices() -> list[Sample]:
    """Positive definite ones."""
    found: list[Sample] = []
    for ((x,), _) in square_matrices():
        found.append(((np.matmul(x, np.conj(np.swapaxes(x, -1, -2))).astype(x.dtype),), {}))
    return found


def decompositions() -> list[Sample]:
    """Tall, wide and square matrices, thin and full."""
    shapes: tuple[Shape, ...] = ((1, 1), (5, 3), (3, 5), (2, 4, 4), (0, 2, 3))
    return [
        ((draw_any(s, d),), {"full_matrices": full}) for d in _DTYPES for s in shapes for full in (False, True)
    ]  # fmt: skip


def linear_systems() -> list[Sample]:
    """Square matrices and right-hand sides."""
    return [
        ((x, draw_any((*x.shape[:-1], k), float64, 3).astype(x.dtype)), {})
        for ((x,), _) in square_matrices() for k in (1, 3)
    ]  # fmt: skip


def triangular_systems() -> list[Sample]:
    """Either triangle, as it is and adjoint; also more rows than one block of substitution."""
    found: list[Sample] = []
    for i, (operands, _) in enumerate(linear_systems()):
        found.append((operands, {"lower": i % 2 == 0, "adjoint": i % 4 > 1}))
    large = draw((130, 130), float64) / 40 + 3 * np.eye(130)
    return [
        *found, ((large, draw((130, 2), float64)), {"lower": True, "adjoint": False}),
        ((large, draw((130, 2), float64)), {"lower": False, "adjoint": False}),
    ]  # fmt: skip


def functions_of_matrices() -> list[Sample]:
    """Matrices without negative eigenvalues."""
    return [
        ((x,), {"function": name}) for ((x,), _) in square_matrices() for name in ("exp", "log", "sqrt")
    ]  # fmt: skip


def label_sequences() -> list[Sample]:
    """Repeated labels, a blank in front and behind, a frame alone, and sequences without label or batch."""
    found: list[Sample] = []
    cases = ((5, 2, 4, 2, 0), (6, 3, 5, 3, 4), (1, 1, 3, 1, 2), (4, 0, 3, 2, 0), (3, 2, 4, 0, 1))
    rng = np.random.default_rng(3)
    for i, (frames, batch, classes, length, blank) in enumerate(cases):
        logits = draw((frames, batch, classes), (float32, float64)[i % 2])
        labels = (rng.integers(1, classes, (batch, length)) + blank) % classes
        integer = (np.int32, np.int64)[i % 2]
        lengths = (np.full(batch, length, integer), np.full(batch, frames, integer))
        found.append(((logits, labels.astype(integer), *lengths), {"blank": blank}))
    repeated = (np.array([[1, 1, 2]], np.int32), np.array([2], np.int32), np.array([4], np.int32))
    return [*found, ((draw((5, 1, 3), float32), *repeated), {"blank": 0})]


def special_values(name: str, count: int) -> list[Sample]:
    """Positive operands that broadcast, and values at the edges."""
    edges = np.array([0.0, -0.0, 0.5, 1.0, 2.5, np.inf, np.nan, 30.0])
    grids = np.meshgrid(*[edges] * count, indexing="ij")
    found: list[Sample] = [(tuple(g.reshape(-1).astype(d.numpy) for g in grids), {}) for d in (float32, float64)]
    for shape in _SHAPES:
        operands = tuple(np.asarray(np.abs(draw(shape, float64, i)) + 0.1) for i in range(count))
        if name == "betainc":
            operands = (*operands[:2], operands[2] / (operands[2] + 1))
        found.append((operands, {}))
    return found


def special_functions() -> list[Sample]:
    """Every function of the op `special`."""
    from graphcore.ops.special import FUNCTIONS

    found: list[Sample] = []
    for name, entry in FUNCTIONS.items():
        for operands, _ in special_values(name, len(entry.gradients))[::2]:
            found.append((operands, {"function": name}))
    return found


