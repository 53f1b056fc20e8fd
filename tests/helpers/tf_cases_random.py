"""The row of tf.random_index_shuffle, which stands outside of tf.random: its numbers against integers of Python."""

import numpy as np
from tf_cases import custom, fault

import eager as tf


def simon(value: int, key: list[int], bits: int, rounds: int) -> int:
    """Simon with three key words, as its authors describe it (https://eprint.iacr.org/2013/404)."""
    mask = (1 << bits) - 1

    def left(x: int, by: int) -> int:
        return (x << by | x >> bits - by) & mask

    keys = [k & mask for k in key]
    for i in range(rounds - 3):
        z = (0x7369F885192C0EF5 & mask) >> i & 1
        keys.append((0xFFFFFFFC ^ z ^ keys[i] ^ left(keys[-1], bits - 3) ^ left(keys[-1], bits - 4)) & mask)
    high, low = value >> bits, value & mask
    for i in range(0, rounds, 2):
        high ^= (left(low, 1) & left(low, 8)) ^ left(low, 2) ^ keys[i]
        low ^= (left(high, 1) & left(high, 8)) ^ left(high, 2) ^ keys[i + 1]
    return high << bits | low


def walked(index: np.ndarray, key: list[int], top: int, bits: int, rounds: int) -> np.ndarray:
    found = []
    for i in index.tolist():
        value = simon(i, key, bits, rounds)
        while value > top:
            value = simon(value, key, bits, rounds)
        found.append(value)
    return np.array(found, index.dtype)


for _top, _bits, _rounds in ((9, 8, 4), (1000, 8, 6), (2**18 - 5, 9, 4), (2**33, 17, 12)):
    custom(
        "random_index_shuffle",
        lambda x, t=_top, r=_rounds: tf.random_index_shuffle(x, [-7, 8, 9], tf.constant(t, tf.int64), r),
        np.arange(10, dtype=np.int64),
        lambda x, t=_top, b=_bits, r=_rounds: walked(x, [2**32 - 7, 8, 9], t, b, r),
        smooth=False,
    )
fault("random_index_shuffle", ValueError, 1, [1, 2], 9)
fault("random_index_shuffle", ValueError, 1, [1, 2, 3], 9, 5)
fault("random_index_shuffle", TypeError, 1.5, [1, 2, 3], 9)
