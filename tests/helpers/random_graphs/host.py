"""Ops that run on the host: complex numbers, Fourier transforms, linear algebra, special functions, CTC.

Linear algebra takes small exact matrices far from singular, so that no decomposition turns over with a rounding.
"""

from graphcore.dtypes import float32, float64, int32
from graphcore.errors import InvalidArgumentError
from graphcore.graph import Value
from graphcore.ops.special import FUNCTIONS
from random_graphs.sketch import Sketch, has_axes, static

WIDE = (float32, float64)


def _wide(s: Sketch, exact: bool = False) -> Value:
    return s.value(lambda v: v.type.dtype in WIDE, s.pick(WIDE), exact)


def _complex(s: Sketch) -> Value:
    made = [v for v in s.values if v.type.dtype.is_complex]
    if made and s.flip():
        return s.pick(made)
    re = _wide(s)
    im = s.beside(re)
    return s.keep(s.f.complex(re, im), (re, im))


def complex_arithmetic(s: Sketch) -> None:
    z = _complex(s)
    same = [v for v in s.values if v.type == z.type]
    w = s.pick(same)
    name = s.pick(("add", "sub", "mul", "neg", "exp", "reshape"))
    if name == "neg":
        z = s.keep(s.f.neg(z), (z,))
    elif name == "exp":
        z = s.keep(s.f.exp(z), (z,), exact=False)
    elif name == "reshape":
        z = s.keep(s.f.reshape(z, shape=(1, *z.type.shape)), (z,))
    else:
        z = s.keep(getattr(s.f, name)(z, w), (z, w), exact=name != "mul")
    s.keep(getattr(s.f, s.pick(("real", "imag")))(z), (z,))


def fourier(s: Sketch) -> None:
    name = s.pick(("fft", "rfft", "irfft"))
    if name == "rfft":
        x = s.value(lambda v: v.type.dtype in WIDE and v.type.rank > 0 and v.type.shape[-1] != 0, s.pick(WIDE))
        made = s.keep(s.f.rfft(x), (x,))
    else:
        x = _complex(s)
        last = x.type.shape[-1] if x.type.rank else 0
        if not isinstance(last, int) or last < (name == "irfft"):
            raise InvalidArgumentError("no axis to transform")
        if name == "irfft":
            made = s.keep(s.f.irfft(x, length=max(2 * last - 2 + s.number(0, 1), 1)), (x,))
        else:
            made = s.keep(s.f.fft(x, inverse=s.flip()), (x,))
    if made.type.dtype.is_complex:
        s.keep(s.f.real(made), (made,))


def _matrix(s: Sketch, rows: int, columns: int) -> Value:
    """Exact numbers within -2 and 2, with a batch axis now and then."""
    x = s.value(lambda v: v.type.dtype in WIDE and static(v.type.shape), s.pick(WIDE), exact=True)
    lead = (2,) if s.chance(4) else ()
    return s.fit(s.finite(x), (*lead, rows, columns))


def _diagonal(s: Sketch, a: Value, weight: int) -> Value:
    """a plus a weight on its diagonal."""
    n = a.type.shape[-1]
    made = s.f.one_hot(s.f.iota(shape=(n,), axis=0, dtype=int32), depth=n, axis=1, dtype=a.type.dtype)
    return s.keep(s.f.add(a, s.f.mul(made, s.constant(weight, made))), (a,))


def _symmetric(s: Sketch, a: Value) -> Value:
    rank = a.type.rank
    turned = s.f.transpose(a, perm=(*range(rank - 2), rank - 1, rank - 2))
    return s.keep(s.f.add(a, turned), (a,))


def decompose(s: Sketch) -> None:
    """Parts that are unique are kept: singular and eigenvalues, products of the others."""
    name = s.pick(("cholesky", "qr", "svd", "eigh", "eig", "slogdet"))
    n = s.number(1, 4)
    a = _matrix(s, n, s.number(1, 4) if name in ("qr", "svd") else n)
    if name == "cholesky":
        a = _diagonal(s, _symmetric(s, a), 4 * n + 1)
        s.keep(s.f.cholesky(a), (a,))
    elif name in ("qr", "svd"):
        for made in getattr(s.f, name)(a, full_matrices=s.flip()):
            s.keep(made, (a,), exact=False)
    elif name == "slogdet":
        a = _diagonal(s, a, 2 * n + 1)
        for made in s.f.slogdet(a):
            s.keep(made, (a,), exact=False)
    else:
        a = _symmetric(s, a) if name == "eigh" else a
        for made in getattr(s.f, name)(a):
            s.keep(made, (a,), exact=False)


def systems(s: Sketch) -> None:
    n = s.number(1, 4)
    a = _diagonal(s, _matrix(s, n, n), 2 * n + 1)
    if s.chance(3):
        s.keep(s.f.matrix_function(a, function=s.pick(("exp", "log", "sqrt"))), (a,), exact=False)
        return
    source = s.value(lambda v: v.type.dtype is a.type.dtype and static(v.type.shape), a.type.dtype)
    b = s.fit(source, (*a.type.shape[:-1], s.number(1, 3)))
    if s.flip():
        s.keep(s.f.solve(a, b), (a, source))
    else:
        s.keep(s.f.triangular_solve(a, b, lower=s.flip(), adjoint=s.flip()), (a, source))


def _positive(s: Sketch, x: Value) -> Value:
    """|x| + 1/2, at most 8.5, of an exact x."""
    small = s.finite(x, 8)
    return s.keep(s.f.add(s.f.abs(small), s.constant(0.5, x)), (small,))


def special(s: Sketch) -> None:
    x = s.floating(exact=True)
    name = s.pick(("igamma", "igammac", "betainc", "zeta", "bessel_i0e", "bessel_i1e", *("special",) * 3))
    y = s.beside(x, exact=True)
    a, b = _positive(s, x), _positive(s, y)
    if name == "special":
        function = s.pick([k for k, entry in FUNCTIONS.items() if len(entry.gradients) == 1])
        s.keep(s.f.special(a, function=function), (a,), exact=False)
    elif name in ("igamma", "igammac"):
        s.keep(getattr(s.f, name)(a, b), (a, b))
    elif name == "zeta":
        s.keep(s.f.zeta(s.f.add(a, s.constant(1, a)), b), (a, b))
    elif name == "betainc":
        s.keep(s.f.betainc(a, b, s.f.div(a, s.constant(9, a))), (a, b))
    else:
        s.keep(getattr(s.f, name)(x), (x,))


def ctc(s: Sketch) -> None:
    frames, batch, classes, most = s.number(2, 5), s.number(1, 3), s.number(2, 4), s.number(0, 2)
    x = s.value(lambda v: v.type.dtype in WIDE and has_axes(v) and static(v.type.shape), s.pick(WIDE), exact=True)
    logits = s.fit(s.finite(x), (frames, batch, classes))
    source = s.value(lambda v: v.type.dtype.is_integer and static(v.type.shape), int32)
    labels = s.f.mod(s.fit(s.f.cast(source, dtype=int32), (batch, most)), s.f.constant(classes - 1, dtype=int32))
    lengths = s.f.constant([min(most, frames // 2)] * batch, dtype=int32)
    total = s.f.constant([frames] * batch, dtype=int32)
    for made in s.f.ctc_loss(logits, labels, lengths, total, blank=classes - 1):
        s.keep(made, (x, source))


MOVES = (complex_arithmetic, *(fourier,) * 3, decompose, decompose, systems, systems, special, special, special, ctc)
