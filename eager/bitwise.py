"""tf.bitwise: operations on the bits of integers."""

from __future__ import annotations

from eager.lazy import lazy_names
from eager.ops.math import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    invert,
    left_shift,
    right_shift,
)

__all__ = [
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.bitwise", {})
