"""Hashes of integers as the text of their decimal digits, in 64-bit arithmetic: native where traced.

They are `to_hash_bucket_fast(as_string(x))` and `to_hash_bucket_strong(as_string(x))` without strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from eager.convert import convert
from eager.ops.common import InvalidTypeError, op
from eager.ops.farmhash import K0, K1, K2, fingerprint64
from eager.ops.math import left_shift, right_shift
from eager.ops.shaping import cast
from eager.ops.strings_host import elementwise
from eager.tensor import Tensor, type_of
from graphcore.dtypes import int64, string, uint64

_CAT = 0xC6A4A7935BD1E995
_CROSS_KEY = 0xDECAFCAFFE
_SIP_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_MOST_DIGITS = 20


def _word(n: int) -> Tensor:
    return convert(n & (1 << 64) - 1, dtype=uint64)


def _left(x: Tensor, by: Any) -> Tensor:
    return left_shift(x, by if isinstance(by, Tensor) else _word(by))


def _right(x: Tensor, by: Any) -> Tensor:
    return right_shift(x, by if isinstance(by, Tensor) else _word(by))


def _rotated(x: Tensor, right: int) -> Tensor:
    return _right(x, right) | _left(x, 64 - right)


def _where(condition: Any, x: Any, y: Any) -> Tensor:
    """x or y, the shorter broadcast."""
    a, b = (t if isinstance(t, Tensor) else _word(t) for t in (x, y))
    shape = type_of(condition).shape
    a, b = (op("broadcast_to", t, shape=shape) if type_of(t).shape != shape else t for t in (a, b))
    return op("select", condition, a, b)


def _bits(x: Tensor) -> Tensor:
    """Integers as unsigned words in two's complement."""
    return x if x.dtype is uint64 else op("bitcast", cast(x, int64), dtype=uint64)


class _Text:
    """The decimal digits of integers as words of bytes, the first byte lowest.

    Attributes:
        length: how many bytes.
        first: the first 24 bytes, padded with zeros, as three words.
        last: the last 16 bytes as two words, the very last one first.
    """

    def __init__(self, x: Tensor) -> None:
        if not x.dtype.is_integer:
            raise InvalidTypeError(f"hash of integers: expected integers, got {type_of(x)}")
        bits = _bits(x)
        negative = op("less", cast(x, int64), convert(0, dtype=int64)) if x.dtype.kind == "i" else bits < bits
        size = _where(negative, _word(0) - bits, bits)
        ends, self.length = _from_the_right(size, negative)
        self.last = ends[:2]
        self.first = self._moved(ends)

    def _moved(self, ends: list[Tensor]) -> list[Tensor]:
        """The bytes counted from the first one instead of from the last."""
        gap = 24 - self.length
        words, bits = _right(gap, 3), _left(gap & _word(7), 3)
        front = [*ends[::-1], *[ends[0] - ends[0]] * 3]
        chosen = [
            _where(words == 0, front[i], _where(words == 1, front[i + 1], front[i + 2]))
            for i in range(4)
        ]  # fmt: skip
        # A shift by 64 bits is none, so the carry is shifted in two steps.
        return [_right(a, bits) | _left(_left(b, 63 - bits), 1) for a, b in pairwise(chosen)]


def _from_the_right(size: Tensor, negative: Tensor) -> tuple[list[Tensor], Tensor]:
    """Three words of the last 24 bytes, the very last one first, and the length."""
    words = [size - size for _ in range(3)]
    length = cast(negative, uint64)
    rest, before = size, None
    for j in range(_MOST_DIGITS):
        tenth = rest // 10
        there = op("greater_equal", size, _word(10**j)) if j else None
        digit = rest - tenth * 10 + 48
        if there is not None and before is not None:
            sign = op("logical_and", negative, op("logical_and", before, op("logical_not", there)))
            digit = _where(there, digit, _where(sign, ord("-"), 0))
            length = length + cast(there, uint64)
        elif there is not None:
            digit = _where(there, digit, _where(negative, ord("-"), 0))
            length = length + cast(there, uint64)
        else:
            length = length + 1
        words[j // 8] = words[j // 8] | _left(digit, 8 * (7 - j % 8))
        rest, before = tenth, there
    return words, length


# FarmHash ----------------------------------------------------------------------------------------------------


def _shift_mix(x: Tensor) -> Tensor:
    return x ^ _right(x, 47)


def _mixed(u: Tensor, v: Tensor, factor: Tensor) -> Tensor:
    a = _shift_mix((u ^ v) * factor)
    return _shift_mix((v ^ a) * factor) * factor


def _few(text: _Text) -> Tensor:
    """Of one to three bytes."""
    n, word = text.length, text.first[0]
    middle = _right(word, _left(_right(n, 1), 3) & _word(63)) & _word(255)
    y = (word & _word(255)) + _left(middle, 8)
    z = n + _left(_right(text.last[0], 56), 2)
    return _shift_mix(y * K2 ^ z * K0) * K2


def _fingerprint(text: _Text) -> Tensor:
    n, factor = text.length, text.length * 2 + K2
    half = _mixed(n + _left(text.first[0] & _word(0xFFFFFFFF), 3), _right(text.last[0], 32), factor)
    a, b = text.first[0] + K2, text.last[0]
    whole = _mixed(_rotated(b, 37) * factor + a, (_rotated(a, 25) + b) * factor, factor)
    a, b, c, d = text.first[0] * K1, text.first[1], text.last[0] * factor, text.last[1] * K2
    more = _mixed(_rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + K2, 18) + c, factor)
    return _where(n > 16, more, _where(n >= 8, whole, _where(n >= 4, half, _few(text))))


# SipHash ----------------------------------------------------------------------------------------------------

State = list[Tensor]


def _round(s: State) -> State:
    a, c = s[0] + s[1], s[2] + s[3]
    b, d = _rotated(s[1], 51) ^ a, _rotated(s[3], 48) ^ c
    a, c = _rotated(a, 32) + d, c + b
    d, b = _rotated(d, 43) ^ a, _rotated(b, 47) ^ c
    return [a, b, _rotated(c, 32), d]


def _siphash(text: _Text, key: Sequence[int]) -> Tensor:
    nothing, whole = text.length - text.length, _right(text.length, 3)
    keys = [_word(int(key[i % 2])) for i in range(4)]
    state = [nothing + (_word(v) ^ k) for v, k in zip(_SIP_START, keys, strict=True)]
    for i, word in enumerate(text.first):
        ends = whole == i
        block = word | _where(ends, _left(text.length, 56), 0)
        found = _round(_round([*state[:3], state[3] ^ block]))
        found[0] = found[0] ^ block
        state = [_where(whole >= i, new, old) for new, old in zip(found, state, strict=True)]
    state[2] = state[2] ^ _word(0xFF)
    for _ in range(4):
        state = _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _bucket(words: Tensor, count: int) -> Tensor:
    return cast(words % _word(count), int64)


def integer_bucket_fast(x: Any, num_buckets: int) -> Tensor:
    """FarmHash64 of the decimal text of each integer modulo the number of buckets, int64.

    Raises:
        InvalidTypeError: unless the dtype is an integer.
    """
    return _bucket(_fingerprint(_Text(convert(x))), num_buckets)


def integer_bucket_strong(x: Any, num_buckets: int, key: Sequence[int]) -> Tensor:
    """SipHash-2-4 of the decimal text of each integer modulo the number of buckets, int64.

    Raises:
        InvalidTypeError: unless the dtype is an integer.
    """
    return _bucket(_siphash(_Text(convert(x)), key), num_buckets)


def crossed_bucket(inputs: Sequence[Any], num_buckets: int) -> Tensor:
    """The bucket of each combination of strings and integers, int64 (tf.sparse.cross_hashed of single values)."""
    total: Tensor | None = None
    for x in inputs:
        tensor = convert(x)
        texts = tensor.dtype is string
        hashed = elementwise("fingerprint", fingerprint64, [tensor], uint64) if texts else _bits(tensor)
        mixed = _shift_mix(hashed * _CAT) * _CAT
        start = (hashed - hashed) + _CROSS_KEY if total is None else total
        total = _shift_mix(_shift_mix((start ^ _word(_CAT) ^ mixed) * _CAT) * _CAT)
    assert total is not None
    return _bucket(total, num_buckets)
