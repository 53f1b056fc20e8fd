"""tf.keras: layers, models, training. Each part is loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eager.lazy import lazy_names

if TYPE_CHECKING:
    from eager.keras import (
        activations,
        applications,
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
        preprocessing,
        regularizers,
        saving,
        utils,
    )
    from eager.keras.engine.input_layer import Input
    from eager.keras.engine.model import Model
    from eager.keras.engine.sequential import Sequential

_PARTS = (
    "activations", "applications", "backend", "callbacks", "constraints", "datasets", "initializers", "layers",
    "losses", "metrics", "mixed_precision", "models", "optimizers", "preprocessing", "regularizers", "saving", "utils",
)  # fmt: skip
_NAMES = {
    "Input": "eager.keras.engine.input_layer",
    "Model": "eager.keras.engine.model",
    "Sequential": "eager.keras.engine.sequential",
}

__all__ = [
    "Input", "Model", "Sequential", "activations", "applications", "backend", "callbacks", "constraints", "datasets",
    "initializers", "layers", "losses", "metrics", "mixed_precision", "models", "optimizers", "preprocessing",
    "regularizers", "saving", "utils",
]  # fmt: skip


__getattr__, __dir__ = lazy_names(
    globals(),
    "tf.keras",
    {f"eager.keras.{part}": f"{part}=" for part in _PARTS} | {path: name for name, path in _NAMES.items()},
)
