"""tf.keras.layers.experimental: the older home of layers that have moved."""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.layers.experimental", {
    "eager.keras.layers.preprocessing": "preprocessing=",
    "eager.keras.layers": "EinsumDense SyncBatchNormalization",
})  # fmt: skip
