"""tf.keras.layers.experimental: older places of layers."""

from __future__ import annotations

import sys
from typing import Any

from eager.keras import layers as _layers

_NAMES = ("EinsumDense", "SyncBatchNormalization")


def __getattr__(name: str) -> Any:
    """A layer under its older name; `preprocessing` is tf.keras.layers itself. Raises AttributeError otherwise."""
    if name == "preprocessing":
        return sys.modules[_layers.__name__]
    if name in _NAMES:
        return getattr(_layers, name)
    raise AttributeError(f"tf.keras.layers.experimental has {', '.join(_NAMES)} and preprocessing, but no {name!r}")


def __dir__() -> list[str]:
    """The names."""
    return [*_NAMES, "preprocessing"]
