"""tf.strings: functions of string tensors. They run in Python; in a traced function each is a host call.

There are no ragged tensors: functions whose rows differ in length give dense tensors, padded at the end.
"""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.strings", {
    "eager.ops.strings": "length lower regex_full_match regex_replace strip substr upper",
    "eager.ops.strings_join": "join ngrams reduce_join unsorted_segment_join",
    "eager.ops.strings_split": "bytes_split split unicode_decode unicode_decode_with_offsets unicode_split "
    "unicode_split_with_offsets",
    "eager.ops.strings_code": "unicode_encode unicode_transcode",
    "eager.ops.strings_number": "as_string to_number",
    "eager.ops.strings_format": "format=format_",
    "eager.ops.strings_hash": "to_hash_bucket_fast to_hash_bucket_strong",
})  # fmt: skip
