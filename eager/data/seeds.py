"""Random generators for the order of data, which follow tf.random.set_seed."""

from __future__ import annotations

import numpy as np

from eager.ops.random_streams import global_seed

_drawn: tuple[tuple[int | None, int], int] = ((None, 0), 0)
"""The global seed last seen, with how often it was set, and how many generators took their seed from it since."""


def generator_of(seed: int | None) -> np.random.Generator:
    """A generator that the two seeds determine; without any of them another one each time.

    The order of data is layerjit's own: TensorFlow's is not documented.
    """
    global _drawn
    overall, times = global_seed()
    if overall is None and seed is None:
        return np.random.default_rng()
    if seed is None:
        _drawn = ((overall, times), _drawn[1] + 1 if _drawn[0] == (overall, times) else 1)
        words = [overall, _drawn[1], 0]
    else:
        words = [overall or 0, int(seed), 1]
    entropy = [int(w) & _MASK for w in words if w is not None]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


_MASK = (1 << 64) - 1

__all__ = ["generator_of"]
