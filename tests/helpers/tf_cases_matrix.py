"""Rows for diagonals and bands of matrices, and for products beside those of `tf_cases`."""

from typing import Any

import numpy as np
from tf_cases import case, custom, fault, floats, ints

import eager as tf

X = floats(2, 3, 4)

# The documented examples of tf.linalg.diag, diag_part and set_diag (the padding in its four alignments).

_INPUT = np.array([[[1, 2, 3, 4], [5, 6, 7, 8], [9, 8, 7, 6]], [[5, 4, 3, 2], [1, 2, 3, 4], [5, 6, 7, 8]]], np.int32)
for _k, _want in ((0, [[1, 6, 7], [5, 2, 7]]), (1, [[2, 7, 6], [4, 3, 8]]), (3, [[4], [2]]), (-2, [[9], [5]])):
    case("linalg.diag_part", _INPUT, lambda x, w=_want: np.array(w, np.int32), k=_k, smooth=False)
for _align, _want in (
    ("RIGHT_LEFT", [[[0, 3, 8], [2, 7, 6], [1, 6, 7], [5, 8, 0]], [[0, 3, 4], [4, 3, 8], [5, 2, 7], [1, 6, 0]]]),
    ("LEFT_RIGHT", [[[3, 8, 0], [2, 7, 6], [1, 6, 7], [0, 5, 8]], [[3, 4, 0], [4, 3, 8], [5, 2, 7], [0, 1, 6]]]),
    ("RIGHT_RIGHT", [[[0, 3, 8], [2, 7, 6], [1, 6, 7], [0, 5, 8]], [[0, 3, 4], [4, 3, 8], [5, 2, 7], [0, 1, 6]]]),
    ("LEFT_LEFT", [[[3, 8, 0], [2, 7, 6], [1, 6, 7], [5, 8, 0]], [[3, 4, 0], [4, 3, 8], [5, 2, 7], [1, 6, 0]]]),
):
    _band = np.array(_want, np.int32)
    case("linalg.diag_part", _INPUT, lambda x, w=_band: w, k=(-1, 2), align=_align, smooth=False)
    _mask = (np.subtract.outer(np.arange(3), np.arange(4)) <= 1) & (np.subtract.outer(np.arange(3), np.arange(4)) >= -2)
    case("linalg.diag", _band, lambda d, m=_mask: np.where(m, _INPUT, 9), k=(-1, 2), num_rows=3, num_cols=4,
         padding_value=9, align=_align, smooth=False)  # fmt: skip
    case("linalg.set_diag", (_INPUT * 0 - 1, _band), lambda x, d, m=_mask: np.where(m, _INPUT, -1), k=(-1, 2),
         align=_align, smooth=False)  # fmt: skip
case("linalg.diag_part", X, lambda x: np.stack([np.diagonal(a, 1) for a in x]), k=1, exact=True)
case("linalg.diag_part", X, lambda x: np.stack([np.stack([np.append(0.5, np.diagonal(a, d)) if d == 2
     else np.append(np.diagonal(a, d), [0.5] * (3 - np.diagonal(a, d).size)) for d in (2, 1)]) for a in x]), k=(1, 2),
     padding_value=0.5, exact=True)  # fmt: skip
case("linalg.diag_part", floats(0, 3), lambda x: np.zeros(0), smooth=False)
fault("linalg.diag_part", ValueError, X, k=4)
fault("linalg.diag_part", ValueError, X, k=(1, 0))
fault("linalg.diag_part", ValueError, floats(3))
fault("linalg.diag_part", ValueError, X, align="UP")
for _k in (0, 2, -1):
    case("linalg.diag", floats(3), lambda d, k=_k: np.diag(d, k), k=_k, exact=True)
case("linalg.diag", floats(2, 3), lambda d: np.stack([np.diag(a)[:, :3] for a in d]), num_rows=3, exact=True)
case("linalg.diag", np.array([True, False]), lambda d: np.diag(d), smooth=False)
fault("linalg.diag", ValueError, 3.0)
fault("linalg.diag", ValueError, [1.0, 2.0], num_rows=1)
fault("linalg.diag", ValueError, [1.0, 2.0], k=(0, 1))


def _replaced(x: Any, d: Any, k: int) -> Any:
    result = np.array(x)
    n = np.arange(d.shape[-1])
    result[..., n - min(k, 0), n + max(k, 0)] = d
    return result


case("linalg.set_diag", (X, floats(2, 3)), lambda x, d: _replaced(x, d, 0), exact=True)
case("linalg.set_diag", (X, floats(2, 2)), lambda x, d: _replaced(x, d, -1), k=-1, exact=True)
fault("linalg.set_diag", ValueError, X, floats(2, 4))
fault("linalg.set_diag", ValueError, X, floats(2, 3), k=5)
fault("linalg.set_diag", TypeError, tf.ones((2, 2)), tf.ones(2, tf.int32))
case("linalg.tensor_diag", floats(2, 3), lambda d: np.diag(d.ravel()).reshape(2, 3, 2, 3), exact=True)
fault("linalg.tensor_diag", ValueError, 3.0)
case("linalg.tensor_diag_part", floats(2, 3, 2, 3), lambda x: np.diag(x.reshape(6, 6)).reshape(2, 3), exact=True)
fault("linalg.tensor_diag_part", ValueError, floats(2, 3))
fault("linalg.tensor_diag_part", ValueError, floats(2, 3, 2))
for _low, _high in ((1, 1), (0, -1), (-1, 0), (2, 0), (-1, -1)):
    case("linalg.band_part", X, lambda x, low=_low, high=_high: np.triu(
        np.tril(x, high if high >= 0 else 9), -low if low >= 0 else -9), _low, _high, exact=True)  # fmt: skip
custom("linalg.band_part", tf.linalg.band_part, (floats(3, 3), np.array(1, np.int64), np.array(-1, np.int64)),
       lambda x, a, b: np.triu(x, -1))  # fmt: skip
fault("linalg.band_part", ValueError, X, 4, 0)
fault("linalg.band_part", ValueError, floats(3), 0, 0)
case("linalg.trace", X, lambda x: np.trace(x, axis1=1, axis2=2))
fault("linalg.trace", ValueError, floats(3))
case("linalg.cross", (floats(4, 3), floats(4, 3)), np.cross)
case("linalg.cross", (ints(3), ints(3)), np.cross, smooth=False)
fault("linalg.cross", ValueError, floats(4), floats(4))
fault("linalg.cross", ValueError, floats(2, 3), floats(3))
fault("linalg.cross", TypeError, tf.ones(3), tf.ones(3, tf.int32))
case("linalg.adjoint", X, lambda x: x.swapaxes(-1, -2), exact=True)
fault("linalg.adjoint", ValueError, floats(3))

# Products.

_A, _B = floats(3, 4), floats(4, 5)
custom("matmul", lambda a, b: tf.matmul(a, b, output_type=tf.int32), (ints(3, 4).astype(np.int8),
       ints(4, 5).astype(np.int8)), lambda a, b: a.astype(np.int32) @ b.astype(np.int32), smooth=False)  # fmt: skip
custom("matmul", lambda a: tf.matmul(a, [[1.0], [2], [3], [4]]), _A, lambda a: a @ [[1.0], [2], [3], [4]], exact=False)
fault("matmul", ValueError, _A, _A, transpose_a=True, adjoint_a=True)
custom("tensordot", lambda a, b: tf.tensordot(a, b, tf.constant([[1], [0]])), (_A, _B), np.dot, exact=False)
custom("tensordot", lambda a, b: tf.tensordot(a, b, [0, 1]), (_A, floats(5, 3)),
       lambda a, b: np.tensordot(a, b, [0, 1]), exact=False)  # fmt: skip
case("linalg.matvec", (floats(2, 4, 3), floats(2, 4)), lambda a, v: (a.swapaxes(1, 2) @ v[..., None])[..., 0],
     adjoint_a=True)  # fmt: skip
for _args, _kw in (
    ((2, (0, 1)), {}), ((2, (1, 0)), {"keepdims": True}), (("fro", (0, 1)), {}), ((1, (-2, -1)), {}),
    ((np.inf, (0, 1)), {"keepdims": True}), ((2.5,), {"axis": 1}), ((np.inf,), {"axis": 0}), ((1.5,), {"axis": 1}),
):  # fmt: skip
    case("norm", _A, lambda x, a=_args, k=_kw: np.linalg.norm(x, *a, **k), *_args, **_kw)
case("norm", X, lambda x: np.linalg.norm(x, 2, (0, 2)), 2, [0, 2])
case("norm", X, lambda x: np.linalg.norm(x.ravel(), 3), 3)
case("norm", _A + 1j * _A[::-1], lambda x: np.linalg.norm(x, axis=1).astype(complex), axis=1, smooth=False)
case("norm", _A + 1j * _A[::-1], lambda x: np.abs(x).sum(1), 1, 1, smooth=False)
fault("norm", ValueError, _A, 3, (0, 1))
fault("norm", ValueError, _A, "nuc", (0, 1))
fault("norm", ValueError, _A, "fro")
fault("norm", ValueError, X, 2, (0, 1, 2))
for _equation, _shapes in (
    ("ii->i", ((3, 3),)), ("ii", ((3, 3),)), ("iji->j", ((3, 2, 3),)), ("iii->i", ((2, 2, 2),)),
    ("...ii->...i", ((2, 3, 3),)), ("ii,ij->j", ((3, 3), (3, 4))), ("...ij,...jk->...ik", ((2, 1, 3, 4), (5, 4, 2))),
    ("...,...->...", ((3, 1), (4,))), ("ab,bc,cd,da->", ((2, 3), (3, 4), (4, 2), (2, 2))),
    ("i,j,k->kji", ((2,), (3,), (4,))),
    ("ba", ((2, 3),)), ("i...->...", ((2, 3, 4),)), ("i->", ((3,),)),
):  # fmt: skip
    custom("einsum", lambda *t, e=_equation: tf.einsum(e, *t), tuple(floats(*s) for s in _shapes),
           lambda *a, e=_equation: np.einsum(e, *a), exact=False)  # fmt: skip
custom("einsum", lambda x: tf.einsum("i->ii", x), floats(3), np.diag)
custom("einsum", lambda x, y: tf.einsum("ij,j->jij", x, y), (_A, floats(4)),
       lambda x, y: np.einsum("ij,jk->jik", x, np.diag(y)), exact=False)  # fmt: skip
fault("einsum", ValueError, "ii->i", floats(3, 4))
fault("einsum", ValueError, "ij,jk->ik", floats(3, 1), floats(4, 2))
fault("einsum", ValueError, "...i,...i->...", floats(2, 3), floats(4, 3))
fault("einsum", ValueError, "i->....", floats(2))

# Complex tensors, which run on the host.

_Z = floats(3, 3) + 1j * floats(3, 3)
for _name, _args, _reference in (
    ("linalg.adjoint", (), lambda z: z.conj().T), ("cumsum", (1,), lambda z: z.cumsum(1)),
    ("math.cumprod", (1,), lambda z: z.cumprod(1)), ("linalg.trace", (), np.trace), ("linalg.diag_part", (), np.diag),
    ("linalg.band_part", (0, -1), np.triu),
    ("reverse_sequence", ([3, 1, 1], 1), lambda z: np.stack([z[0, ::-1], *z[1:]])),
    ("math.unsorted_segment_mean", ([0, 1, 0], 2), lambda z: np.stack([(z[0] + z[2]) / 2, z[1]])),
    ("math.l2_normalize", (1,), lambda z: z / np.linalg.norm(z, axis=1, keepdims=True)),
    ("math.reduce_variance", (0,), lambda z: np.var(z, 0)), ("gather", ([2, 0],), lambda z: z[[2, 0]]),
):  # fmt: skip
    case(_name, _Z, _reference, *_args, smooth=False)
custom("matmul", lambda z: tf.matmul(z, z, adjoint_a=True), _Z, lambda z: z.conj().T @ z, smooth=False, exact=False)
custom("einsum", lambda z: tf.einsum("ij,kj->ik", z, z), _Z, lambda z: z @ z.T, smooth=False, exact=False)
