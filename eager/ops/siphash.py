"""SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit hash of bytes."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def _rotated(x: int, by: int) -> int:
    return (x << by | x >> (64 - by)) & _MASK


def _round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a, c = a + b & _MASK, c + d & _MASK
    b, d = _rotated(b, 13) ^ a, _rotated(d, 16) ^ c
    a, c = _rotated(a, 32) + d & _MASK, c + b & _MASK
    d, b = _rotated(d, 21) ^ a, _rotated(b, 17) ^ c
    return a, b, _rotated(c, 32), d


def siphash24(s: bytes, key: tuple[int, int]) -> int:
    """The hash of bytes under a key of two 64-bit integers, 0 <= result < 2**64."""
    k0, k1 = (k & _MASK for k in key)
    a, b, c, d = (v ^ k for v, k in zip(_START, (k0, k1, k0, k1), strict=True))
    whole = len(s) // 8 * 8
    words = [int.from_bytes(s[i : i + 8], "little") for i in range(0, whole, 8)]
    words.append(int.from_bytes(s[whole:], "little") | (len(s) & 0xFF) << 56)
    for word in words:
        a, b, c, d = _round(*_round(a, b, c, d ^ word))
        a ^= word
    c ^= 0xFF
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    return a ^ b ^ c ^ d
