"""tf.strings: strings to numbers of buckets. The hashes have fixed values, TensorFlow's."""

from __future__ import annotations

from typing import Any

from eager.errors import InvalidArgumentError
from eager.ops.farmhash import fingerprint64
from eager.ops.public import public
from eager.ops.siphash import siphash24
from eager.ops.strings_host import elementwise, string_tensor
from eager.tensor import Tensor
from graphcore.dtypes import int64


def _buckets(count: int, name: str) -> int:
    if count < 1:
        raise InvalidArgumentError(f"strings.{name}: num_buckets is {count}, expected at least 1")
    return int(count)


@public("strings.to_hash_bucket_fast")
def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """FarmHash64 of each string modulo the number of buckets, int64 (tf.strings.to_hash_bucket_fast).

    Raises:
        InvalidArgumentError: for less than one bucket.
        InvalidTypeError: unless the dtype is string.
    """
    del name
    count = _buckets(num_buckets, "to_hash_bucket_fast")
    return elementwise("to_hash_bucket_fast", lambda s: fingerprint64(s) % count,
                       [string_tensor(input, "to_hash_bucket_fast")], int64)  # fmt: skip


@public("strings.to_hash_bucket_strong")
def to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Tensor:
    """SipHash-2-4 under a key of two integers, modulo the number of buckets, int64 (tf.strings.to_hash_bucket_strong).

    Raises:
        InvalidArgumentError: for less than one bucket, or a key of another length.
        InvalidTypeError: unless the dtype is string.
    """
    del name
    count = _buckets(num_buckets, "to_hash_bucket_strong")
    words = [int(k) for k in key]
    if len(words) != 2:
        raise InvalidArgumentError(f"strings.to_hash_bucket_strong: key must have 2 elements, got {words}")
    return elementwise("to_hash_bucket_strong", lambda s: siphash24(s, (words[0], words[1])) % count,
                       [string_tensor(input, "to_hash_bucket_strong")], int64)  # fmt: skip
