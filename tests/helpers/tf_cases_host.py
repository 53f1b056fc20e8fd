"""Rows for complex numbers, special functions and ctc_loss."""

import itertools
from importlib import import_module

import numpy as np
from tf_cases import bools, case, custom, fault, floats, ints, lookup

import eager as tf

A, B = floats(3, 4), floats(3, 4)
Z = A + 1j * B


def parts(z):
    """Real and imaginary part, so that the rows have gradients."""
    return [tf.math.real(z), tf.math.imag(z)]


def both(z):
    return [np.array(z.real), np.array(z.imag)]


# Complex numbers.

custom("complex", lambda a, b: parts(tf.complex(a, b)), (A, B), lambda a, b: [a, b])
custom("complex", lambda a, b: parts(tf.complex(a, b)), (floats(3, 1), floats(4)), lambda a, b: both(a + 1j * b))
fault("complex", TypeError, tf.ones(2), tf.ones(2, tf.float64))
fault("complex", TypeError, ints(2), ints(2))
fault("complex", ValueError, tf.ones(2), tf.ones(3))
for _name, _ref in (("real", np.real), ("imag", np.imag), ("conj", np.conj)):
    case(f"math.{_name}", Z, lambda z, r=_ref: np.array(r(z)), smooth=False, exact=True)
    case(f"math.{_name}", A, lambda x, r=_ref: np.array(r(x)), exact=True, smooth=_name != "imag")
    fault(f"math.{_name}", TypeError, bools(2))
custom("math.conj", lambda a, b: parts(tf.math.conj(tf.complex(a, b))), (A, B), lambda a, b: [a, -b])
custom("math.angle", lambda a, b: tf.math.angle(tf.complex(a, b)), (A, B), lambda a, b: np.angle(a + 1j * b),
       exact=False)  # fmt: skip
case("math.angle", A, np.angle, smooth=False)
fault("math.angle", TypeError, ints(2))


def of_complex(name, call, reference, *arrays):
    """A row of functions of z = a + i b and w = c + i d, from real arrays to real and imaginary part."""

    def run(*t):
        return parts(call(*[tf.complex(*t[i : i + 2]) for i in range(0, len(t), 2)]))

    def want(*x):
        return both(reference(*[x[i] + 1j * x[i + 1] for i in range(0, len(x), 2)]))

    custom(name, run, arrays, want, exact=False)


_C, _D = floats(3, 4, low=0.5), floats(3, 4, low=0.5)
for _name, _call, _ref in (
    ("add", tf.add, np.add), ("subtract", tf.subtract, np.subtract), ("multiply", tf.multiply, np.multiply),
    ("divide", tf.divide, np.divide), ("pow", tf.pow, np.power),
):  # fmt: skip
    of_complex(_name, _call, _ref, A, B, _C, _D)
for _name, _ref in (
    ("exp", np.exp), ("math.log", np.log), ("sqrt", np.sqrt), ("sin", np.sin), ("cos", np.cos), ("tanh", np.tanh),
    ("math.expm1", np.expm1), ("math.log1p", np.log1p), ("math.rsqrt", lambda z: 1 / np.sqrt(z)),
    ("sigmoid", lambda z: 1 / (1 + np.exp(-z))), ("negative", np.negative), ("square", np.square),
    ("math.reciprocal", lambda z: 1 / z), ("tan", np.tan), ("sinh", np.sinh), ("cosh", np.cosh),
    ("math.asin", np.arcsin), ("math.acos", np.arccos), ("math.atan", np.arctan), ("math.asinh", np.arcsinh),
    ("math.acosh", np.arccosh), ("math.atanh", np.arctanh),
):  # fmt: skip
    of_complex(_name, lookup(_name), _ref, _C, _D)
of_complex("reduce_sum", lambda z: tf.reduce_sum(z, 1), lambda z: z.sum(1), A, B)
of_complex("reduce_prod", lambda z: tf.reduce_prod(z, 0), lambda z: z.prod(0), A, B)
of_complex("reduce_mean", lambda z: tf.reduce_mean(z, 1), lambda z: z.mean(1), A, B)
of_complex("matmul", lambda z, w: tf.matmul(z, w, adjoint_b=True), lambda z, w: z @ w.conj().T, A, B, _C, _D)
of_complex("matmul", lambda z, w: tf.matmul(z, w, adjoint_a=True), lambda z, w: z.conj().T @ w, A, B, _C, _D)
of_complex("transpose", lambda z: tf.transpose(z, conjugate=True), lambda z: z.conj().T, A, B)
of_complex("linalg.adjoint", tf.linalg.adjoint, lambda z: z.conj().T, A, B)
of_complex("concat", lambda z, w: tf.concat([z, w], 0), lambda z, w: np.concatenate([z, w]), A, B, _C, _D)
of_complex("where", lambda z, w: tf.where(A > 0, z, w), lambda z, w: np.where(A > 0, z, w), A, B, _C, _D)
of_complex("sign", tf.sign, np.sign, *(np.zeros((0, 2)),) * 2)
case("sign", Z, np.sign, smooth=False)
custom("abs", lambda a, b: tf.abs(tf.complex(a, b)), (A, B), np.hypot, exact=False)
custom("cast", lambda a: parts(tf.cast(a, tf.complex128) * (1 + 2j)), A, lambda a: [a, 2 * a], exact=False)
case("cast", Z, lambda z: np.array(z.real), tf.float64, smooth=False)
case("equal", (Z, Z.conj()), np.equal, smooth=False)
fault("reduce_max", TypeError, Z)
fault("less", TypeError, Z, Z)
fault("floor", TypeError, Z)


# Special functions, against SciPy.


def scipy(name):
    """A function of scipy.special; SciPy is loaded where a test needs it."""
    return lambda *arrays: getattr(import_module("scipy.special"), name)(*arrays)


_POSITIVE = floats(3, 5, low=0.2, high=6)
for _name, _scipy, _low, _high in (
    ("bessel_i0", "i0", -5, 5), ("bessel_i1", "i1", -5, 5), ("bessel_i0e", "i0e", -9, 9), ("bessel_i1e", "i1e", -9, 9),
    ("bessel_j0", "j0", -9, 9), ("bessel_j1", "j1", -9, 9), ("bessel_k0", "k0", 0.2, 6), ("bessel_k0e", "k0e", 0.2, 6),
    ("bessel_k1", "k1", 0.2, 6), ("bessel_k1e", "k1e", 0.2, 6), ("bessel_y0", "y0", 0.5, 9),
    ("bessel_y1", "y1", 0.5, 9), ("dawsn", "dawsn", -3, 3), ("expint", "expi", 0.2, 4), ("spence", "spence", 0.2, 4),
):  # fmt: skip
    case(f"math.special.{_name}", floats(3, 5, low=_low, high=_high), scipy(_scipy))
    fault(f"math.special.{_name}", TypeError, ints(2))
for _index, _name in enumerate(("fresnel_sin", "fresnel_cos")):
    case(f"math.special.{_name}", floats(7), lambda x, i=_index: scipy("fresnel")(x)[i])
    fault(f"math.special.{_name}", TypeError, ints(2))
case("math.special.bessel_i1e", np.array([0.0]), np.zeros_like)
case("math.special.bessel_j1", np.array([0.0]), np.zeros_like)
case("math.special.spence", np.array([1.0]), np.zeros_like)
for _name, _scipy in (("igamma", "gammainc"), ("igammac", "gammaincc")):
    case(f"math.{_name}", (_POSITIVE, floats(3, 5, low=0.2, high=8)), scipy(_scipy))
    case(f"math.{_name}", (floats(3, 1, low=0.2, high=60), floats(4, low=0.2, high=60)), scipy(_scipy))
    case(f"math.{_name}", (np.array([-1.0, 0, 2]), np.array([1.0, 1, -1])), lambda a, x: a * np.nan, smooth=False)
    fault(f"math.{_name}", TypeError, tf.ones(2), tf.ones(2, tf.float64))
    fault(f"math.{_name}", TypeError, ints(2), ints(2))
    fault(f"math.{_name}", ValueError, tf.ones(2), tf.ones(3))
custom("math.betainc", lambda x: tf.math.betainc(tf.cast(_POSITIVE, x.dtype), tf.cast(_POSITIVE[::-1], x.dtype), x),
       floats(3, 5, low=0.1, high=0.9), lambda x: scipy("betainc")(_POSITIVE, _POSITIVE[::-1], x),
       exact=False)  # fmt: skip
fault("math.betainc", TypeError, tf.ones(2), tf.ones(2), tf.ones(2, tf.float64))
fault("math.betainc", ValueError, tf.ones(2), tf.ones(2), tf.ones(3))
custom("math.zeta", lambda q: tf.math.zeta(tf.constant([1.5, 2, 3, 7, 20], q.dtype), q), _POSITIVE,
       lambda q: scipy("zeta")(np.array([1.5, 2, 3, 7, 20]), q), exact=False)  # fmt: skip
case("math.zeta", (np.array([0.5, 1, 2]), np.ones(3)), lambda x, q: np.array([np.nan, np.inf, np.pi**2 / 6]),
     smooth=False)  # fmt: skip
fault("math.zeta", TypeError, tf.ones(2), tf.ones(2, tf.float64))
custom("math.polygamma", lambda x: tf.math.polygamma(tf.constant([0.0, 1, 2, 3, 6], x.dtype), x), _POSITIVE,
       lambda x: scipy("polygamma")(np.array([0, 1, 2, 3, 6]), x), exact=False)  # fmt: skip
case("math.polygamma", (np.array([0.5, -1]), np.ones(2)), lambda a, x: a * np.nan, smooth=False)
fault("math.polygamma", TypeError, tf.ones(2), tf.ones(2, tf.float64))

# ctc_loss, against the sum over every path (Graves et al. 2006, equations 3 and 6).


def ctc_by_paths(labels, logits, label_length, logit_length, blank):
    losses = []
    for b in range(logits.shape[1]):
        wanted = labels[b, : label_length[b]].tolist()
        probs = np.exp(logits[: logit_length[b], b])
        probs /= probs.sum(-1, keepdims=True)
        total = 0.0
        for path in itertools.product(range(logits.shape[2]), repeat=int(logit_length[b])):
            merged = [k for k, _ in itertools.groupby(path)]
            if [k for k in merged if k != blank] == wanted:
                total += np.prod([p[k] for p, k in zip(probs, path, strict=True)])
        losses.append(-np.log(total))
    return np.array(losses)


_LABELS = np.array([[1, 1, 2], [2, 1, 0], [3, 0, 0], [0, 0, 0]])
_LABEL_LENGTH, _LOGIT_LENGTH = [3, 2, 1, 0], [5, 3, 5, 2]


def _ctc(logits, **options):
    return tf.nn.ctc_loss(_LABELS, logits, _LABEL_LENGTH, _LOGIT_LENGTH, **options)


custom("nn.ctc_loss", _ctc, floats(5, 4, 4), lambda x: ctc_by_paths(_LABELS, x, _LABEL_LENGTH, _LOGIT_LENGTH, 0),
       exact=False)  # fmt: skip
custom("nn.ctc_loss", lambda x: _ctc(x, logits_time_major=False, blank_index=-1), floats(4, 5, 5),
       lambda x: ctc_by_paths(_LABELS, x.swapaxes(0, 1), _LABEL_LENGTH, _LOGIT_LENGTH, 4), exact=False)  # fmt: skip
custom("nn.ctc_loss", lambda x: tf.nn.ctc_loss([[1, 1]], x, [2], [2]), floats(2, 1, 3), lambda x: np.array([np.inf]),
       smooth=False)  # fmt: skip
fault("nn.ctc_loss", ValueError, _LABELS, floats(5, 4), _LABEL_LENGTH, _LOGIT_LENGTH)
fault("nn.ctc_loss", ValueError, _LABELS, floats(5, 3, 4), _LABEL_LENGTH, _LOGIT_LENGTH)
fault("nn.ctc_loss", ValueError, _LABELS, floats(4, 4, 4), _LABEL_LENGTH, _LOGIT_LENGTH)
fault("nn.ctc_loss", ValueError, _LABELS, floats(5, 4, 3), _LABEL_LENGTH, _LOGIT_LENGTH)
fault("nn.ctc_loss", ValueError, _LABELS, floats(5, 4, 4), _LABEL_LENGTH, _LOGIT_LENGTH, blank_index=4)
fault("nn.ctc_loss", TypeError, _LABELS, ints(5, 4, 4), _LABEL_LENGTH, _LOGIT_LENGTH)
