"""tf.keras: layers, models, training. Each part is loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eager.keras import (
        activations,
        backend,
        callbacks,
        constraints,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        optimizers,
        regularizers,
        utils,
    )
    from eager.keras.engine.input_layer import Input
    from eager.keras.engine.model import Model
    from eager.keras.engine.sequential import Sequential

_PARTS = (
    "activations", "backend", "callbacks", "constraints", "datasets", "initializers", "layers", "losses", "metrics",
    "mixed_precision", "models", "optimizers", "regularizers", "utils",
)  # fmt: skip
_NAMES = {
    "Input": "eager.keras.engine.input_layer",
    "Model": "eager.keras.engine.model",
    "Sequential": "eager.keras.engine.sequential",
}

__all__ = [
    "Input", "Model", "Sequential", "activations", "backend", "callbacks", "constraints", "datasets", "initializers",
    "layers", "losses", "metrics", "mixed_precision", "models", "optimizers", "regularizers", "utils",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loads a part of tf.keras. Raises AttributeError with near names for an unknown one."""
    if name in _PARTS:
        value = importlib.import_module(f"eager.keras.{name}")
    elif name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name.startswith("__"):
        raise AttributeError(name)
    else:
        import difflib

        near = difflib.get_close_matches(name, __all__, 3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise AttributeError(f"tf.keras has no {name!r}{hint}")
    globals()[name] = value
    return value
