"""Data sets that ship inside the package, so that the examples run without a network."""

from eager.keras.datasets import digits

__all__ = ["digits"]
