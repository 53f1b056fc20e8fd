"""FarmHash's 64-bit fingerprint (farmhashna of google/farmhash): fixed values on every machine and release."""

from __future__ import annotations

_MASK = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CAT = 0xC6A4A7935BD1E995


def _word(s: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(s[at : at + size], "little")


def _rotated(x: int, by: int) -> int:
    x &= _MASK
    return (x >> by | x << (64 - by)) & _MASK


def shift_mix(x: int) -> int:
    """x ^ (x >> 47)."""
    x &= _MASK
    return x ^ x >> 47


def _mixed(u: int, v: int, factor: int) -> int:
    a = shift_mix((u ^ v) * factor)
    return shift_mix((v ^ a) * factor) * factor & _MASK


def _short(s: bytes) -> int:
    n = len(s)
    factor = K2 + n * 2
    if n >= 8:
        a, b = _word(s, 0) + K2 & _MASK, _word(s, n - 8)
        return _mixed(_rotated(b, 37) * factor + a & _MASK, (_rotated(a, 25) + b) * factor & _MASK, factor)
    if n >= 4:
        return _mixed(n + (_word(s, 0, 4) << 3), _word(s, n - 4, 4), factor)
    if n:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[n - 1] << 2)
        return shift_mix(y * K2 ^ z * K0) * K2 & _MASK
    return K2


def _middle(s: bytes) -> int:
    n = len(s)
    factor = K2 + n * 2
    a, b, c, d = _word(s, 0) * K1, _word(s, 8), _word(s, n - 8) * factor, _word(s, n - 16) * K2
    first = _rotated(a + b, 43) + _rotated(c, 30) + d
    return _mixed(first & _MASK, a + _rotated(b + K2, 18) + c & _MASK, factor)


def _long(s: bytes) -> int:
    n = len(s)
    factor = K2 + n * 2
    a, b, c, d = _word(s, 0) * K2, _word(s, 8), _word(s, n - 8) * factor, _word(s, n - 16) * K2
    y = _rotated(a + b, 43) + _rotated(c, 30) + d
    z = _mixed(y & _MASK, a + _rotated(b + K2, 18) + c & _MASK, factor)
    e, f = _word(s, 16) * factor, _word(s, 24)
    g, h = (y + _word(s, n - 32)) * factor, (z + _word(s, n - 24)) * factor
    first = _rotated(e + f, 43) + _rotated(g, 30) + h
    return _mixed(first & _MASK, e + _rotated(f + a, 18) + g & _MASK, factor)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(s, at + i) for i in (0, 8, 16, 24))
    a += w
    b = _rotated(b + a + z, 21)
    c = a
    a += x + y
    b += _rotated(a, 44)
    return a + z & _MASK, b + c & _MASK


class _State:
    """What the loop over blocks of 64 bytes carries."""

    def __init__(self, first: int) -> None:
        seed = 81
        self.x = seed * K2 + first & _MASK
        self.y = seed * K1 + 113 & _MASK
        self.z = shift_mix(self.y * K2 + 113) * K2 & _MASK
        self.v, self.w = (0, 0), (0, 0)

    def step(self, s: bytes, at: int, factor: int, last: int) -> None:
        """One block; the last one, `last` being 9 there and 1 before, weighs its carry more."""
        x = _rotated(self.x + self.y + self.v[0] + _word(s, at + 8), 37) * factor ^ self.w[1] * last
        y = _rotated(self.y + self.v[1] + _word(s, at + 48), 42) * factor + self.v[0] * last + _word(s, at + 40)
        z = _rotated(self.z + self.w[0], 33) * factor
        x, y = x & _MASK, y & _MASK
        self.v = _weak(s, at, self.v[1] * factor, x + self.w[0])
        self.w = _weak(s, at + 32, z + self.w[1], y + _word(s, at + 16))
        self.x, self.y, self.z = z & _MASK, y, x


def fingerprint64(s: bytes) -> int:
    """The fingerprint of bytes, 0 <= result < 2**64 (farmhash::Fingerprint64)."""
    n = len(s)
    if n <= 64:
        return _short(s) if n <= 16 else _middle(s) if n <= 32 else _long(s)
    state = _State(_word(s, 0))
    for at in range(0, (n - 1) // 64 * 64, 64):
        state.step(s, at, K1, 1)
    factor = K1 + ((state.z & 0xFF) << 1)
    state.w = (state.w[0] + ((n - 1) & 63), state.w[1])
    state.v = (state.v[0] + state.w[0], state.v[1])
    state.w = (state.w[0] + state.v[0], state.w[1])
    state.step(s, n - 64, factor, 9)
    left = _mixed(state.v[0], state.w[0], factor) + shift_mix(state.y) * K0 + state.z
    right = _mixed(state.v[1], state.w[1], factor) + state.x
    return _mixed(left & _MASK, right & _MASK, factor)


def fingerprint_cat(a: int, b: int) -> int:
    """Two fingerprints as one; the order counts (TensorFlow's FingerprintCat64)."""
    result = a ^ _CAT ^ shift_mix(b * _CAT) * _CAT & _MASK
    return shift_mix(shift_mix(result * _CAT) * _CAT)
