"""Data sets that ship inside the package, so that the examples run without a network."""

from eager.keras.datasets import digits
from eager.lazy import lazy_names

__all__ = ["digits"]

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.datasets", {})
