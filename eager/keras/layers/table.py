"""The table of built-in layers."""

from __future__ import annotations

from eager.keras.registry import Registry

registry = Registry("layer", "keras.layers")
