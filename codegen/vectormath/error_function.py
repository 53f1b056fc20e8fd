"""erf.

Below 1 it is x + x * P(x**2), above 1 - exp(-Q(|x|)) with Q close to -log(erfc); both are minimax polynomials
of our own (Remez exchange, weighted by the error of the result). Beyond the last break the result rounds to
1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.vectormath.common import polynomial
from codegen.vectormath.exponential import exp_small
from graphcore.dtypes import float32

if TYPE_CHECKING:
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler

_SMALL32 = (
    0.12837916612625122, -0.3761262595653534, 0.11283578723669052, -0.026853347197175026,
    0.005187162198126316, -0.0007997853681445122, 7.80690970714204e-05,
)  # fmt: skip
_SMALL64 = (
    0.12837916709551256, -0.37612638903183526, 0.11283791670944386, -0.026866170643135318,
    0.005223977606275773, -0.000854832593566009, 0.00012055293741471274, -1.4924715102163457e-05,
    1.6447162657366573e-06, -1.620653058317006e-07, 1.3711842900928812e-08, -7.780960886742014e-10,
)  # fmt: skip
# -log(erfc(t)) / t
_LARGE32 = (
    1.1284798383712769, 0.6358321905136108, 0.10511514544487, -0.022797783836722374, 0.0031867194920778275,
    -0.00021061337611172348,
)  # fmt: skip
# -log(erfc(start + v)) in v, where the two ranges start at 1 and 2.5
_MIDDLE64 = (
    1.8496055099332482, 2.6389675142347815, 0.8431072563591687, 0.04156109802848896, -0.010033825189983567,
    0.0019779010611982732, -0.00023731458395645242, -2.630586968496842e-05, 2.7228522104364988e-05,
    -9.731770605559812e-06, 2.216650737695e-06, -2.874699524324086e-07, -2.1600019430601894e-09,
    7.853302311097025e-09, -9.822065353889648e-10,
)  # fmt: skip
_LARGE64 = (
    7.806815272727231, 5.352680750991331, 0.9438937334025723, 0.010858073920225642, -0.00216548292864382,
    0.0004209511722200138, -7.706857217794882e-05, 1.2808990136557984e-05, -1.822754016202656e-06,
    1.9606566750886464e-07, -9.830199873589164e-09, -1.3760453316212485e-09, 3.7654052867263884e-10,
    -3.828010734134422e-11, 1.5829891478681397e-12,
)  # fmt: skip
_SPLIT64 = 2.5


def erf(k: LlvmHandler, x: Val) -> Val:
    """The error function; keeps signed zeros, +-1 at infinities."""
    k.require_float("erf", x)
    one = k.like(1.0, x)
    size = k.abs(x)
    single = x.dtype is float32
    small = k.fma(x, polynomial(k, k.mul(x, x), _SMALL32 if single else _SMALL64), x)
    limit = k.like(3.95 if single else 5.95, x)
    t = k.select(k.gt(size, limit), limit, size)
    q = k.mul(t, polynomial(k, t, _LARGE32)) if single else _log_erfc64(k, t)
    large = k.copysign(k.sub(one, exp_small(k, k.neg(q))), x)
    return k.select(k.ge(size, one), large, small)  # NaN takes the small branch, which keeps it


def _log_erfc64(k: LlvmHandler, t: Val) -> Val:
    """-log(erfc(t)) for 1 <= t < 6: one polynomial whose coefficients each lane picks by its range."""
    far = k.ge(t, k.like(_SPLIT64, t))
    v = k.sub(t, k.select(far, k.like(_SPLIT64, t), k.like(1.0, t)))
    picked = [k.select(far, k.like(b, t), k.like(a, t)) for a, b in zip(_MIDDLE64, _LARGE64, strict=True)]
    result = picked[-1]
    for c in reversed(picked[:-1]):
        result = k.fma(result, v, c)
    return result
