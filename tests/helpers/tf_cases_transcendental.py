"""Rows for the functions of eager/ops/transcendental.py, against NumPy and SciPy."""

import numpy as np
from scipy import special
from tf_cases import INT, UNARY, X, case, fault, floats

import eager as tf

_ROWS = {
    "asin": (np.arcsin, -0.95, 0.95, True), "acos": (np.arccos, -0.95, 0.95, True), "atan": (np.arctan, -9, 9, True),
    "asinh": (np.arcsinh, -9, 9, True), "acosh": (np.arccosh, 1.1, 9, True),
    "atanh": (np.arctanh, -0.9, 0.9, True), "math.erfc": (special.erfc, -3, 5, True),
    "math.erfinv": (special.erfinv, -0.95, 0.95, True), "math.ndtri": (special.ndtri, 0.02, 0.98, True),
    "math.lgamma": (lambda x: np.where(np.isinf(x), np.inf, special.gammaln(x)), 0.1, 20, True),
    "math.digamma": (special.psi, 0.1, 20, True),
    "math.erfcinv": (special.erfcinv, 0.05, 1.95, True),
}  # fmt: skip
UNARY.update({n: row for n, row in _ROWS.items() if n != "math.erfcinv"})
for _name, (_ref, _low, _high, _smooth) in _ROWS.items():
    case(_name, floats(3, 5, low=_low, high=_high), _ref, smooth=_smooth)
    case(_name, floats(low=_low, high=_high), _ref, smooth=_smooth)
    case(_name, floats(0, 3), _ref, smooth=False)
    fault(_name, TypeError, INT)
    fault(_name, TypeError, tf.constant([True]))
for _name in ("math.lgamma", "math.digamma"):
    case(_name, floats(3, 5, low=-2.9, high=-2.1), _ROWS[_name][0], smooth=_name == "math.lgamma")
for _name, _ref, _exact in (("atan2", np.arctan2, False), ("math.nextafter", np.nextafter, True)):
    for _a, _b in (((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((0, 3), (1, 3))):
        case(_name, (floats(*_a), floats(*_b)), _ref, smooth=0 not in _a, exact=_exact)
    fault(_name, ValueError, X, X[:, :2])
    fault(_name, TypeError, tf.ones(3), tf.ones(3, tf.float64))
    fault(_name, TypeError, INT, INT)
case("math.lbeta", floats(3, 4, low=0.2, high=5), lambda x: special.gammaln(x).sum(-1) - special.gammaln(x.sum(-1)))
case("math.lbeta", floats(2, low=0.2, high=5), lambda x: special.betaln(*x))
case("math.lbeta", np.zeros((2, 0)), lambda x: np.full(2, -np.inf), smooth=False)
fault("math.lbeta", TypeError, INT)
fault("math.lbeta", ValueError, tf.constant(2.0))
