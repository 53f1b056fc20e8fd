"""tf.experimental: the exchange of memory with other libraries."""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.experimental", {"eager.dlpack": "dlpack="})
