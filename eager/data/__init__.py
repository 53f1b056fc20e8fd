"""tf.data: data as a stream of elements, made and changed step by step."""

from __future__ import annotations

from eager.lazy import lazy_names

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY"]

__getattr__, __dir__ = lazy_names(globals(), "tf.data", {
    "eager.data.dataset": "Dataset DatasetSpec",
    "eager.data.iterator": "Iterator NumpyIterator",
    "eager.data.options": "Options ThreadingOptions",
    "eager.data.files": "FixedLengthRecordDataset TextLineDataset",
    "eager.data.experimental": "experimental=",
})  # fmt: skip
