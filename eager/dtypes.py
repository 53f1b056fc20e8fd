"""tf.dtypes: the element types and what converts between them."""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.dtypes", {
    "eager": "DType as_dtype bfloat16 bool cast complex complex64 complex128 double float16 float32 float64 half int8 "
    "int16 int32 int64 saturate_cast string uint8 uint16 uint32 uint64",
})  # fmt: skip
