"""Calls of tf.data: every method of Dataset on a few numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from public_calls_table import equal, raises, rows

import eager as tf

D = tf.data.Dataset
DATASET = "tf.data.Dataset"


def values(dataset: Any) -> list[Any]:
    """The elements as plain Python."""
    return [x.tolist() if hasattr(x, "tolist") else x for x in dataset.as_numpy_iterator()]


def upto(n: int) -> Any:
    return D.range(n)


def saved() -> bool:
    upto(3).save("saved")
    return values(D.load("saved")) == [0, 1, 2]


def failing() -> Any:
    return upto(4).map(lambda x: tf.debugging.check_numerics(1.0 / tf.cast(x - 2, "float32"), "bad"))


def lengths(dataset: Any) -> list[Any]:
    return [x.shape for x in dataset.as_numpy_iterator()]


def various() -> Any:
    return D.from_generator(lambda: ([1] * n for n in (1, 3, 2, 4)), output_signature=tf.TensorSpec((None,), "int64"))


def resampled() -> bool:
    """Of numbers of which a tenth is odd, half are odd."""
    numbers = D.from_tensor_slices(np.arange(2000) % 10 == 0).map(lambda x: tf.cast(x, "int32"))
    made = numbers.rejection_resample(lambda x: x, [0.5, 0.5], [0.9, 0.1], seed=1)
    classes = [int(c) for c, _ in made.as_numpy_iterator()]
    return 0.3 < sum(classes) / len(classes) < 0.7 and 100 < len(classes) < 700


def listed() -> bool:
    for name in "ba":
        Path(f"{name}.txt").write_text(name)
    found = D.list_files("*.txt", shuffle=False).as_numpy_iterator()
    return [Path(p.decode()).name for p in found] == ["a.txt", "b.txt"]


def snapshot() -> bool:
    return [values(upto(3).snapshot("snap")) for _ in range(2)] == [[0, 1, 2]] * 2


def cached() -> bool:
    seen: list[int] = []
    data = upto(3).map(lambda x: seen.append(1) or x).cache()
    seen.clear()
    return values(data) == values(data) == [0, 1, 2] and len(seen) == 3


def shuffled() -> bool:
    order = values(upto(50).shuffle(50, seed=3))
    return sorted(order) == list(range(50)) != order


def mixed() -> bool:
    chosen = values(D.sample_from_datasets([upto(9), D.range(100, 109)], [0.5, 0.5], seed=1))
    return sorted(chosen) == [*range(9), *range(100, 109)] and chosen != sorted(chosen)


def optioned() -> Any:
    options = tf.data.Options()
    options.deterministic = False
    return upto(2).with_options(options).options()


rows(DATASET, {
    "apply": lambda: values(upto(3).apply(lambda d: d.map(lambda x: x + 1))) == [1, 2, 3],
    "as_numpy_iterator": lambda: [type(x) for x in upto(1).as_numpy_iterator()] == [np.int64],
    "batch": lambda: values(upto(5).batch(2)) == [[0, 1], [2, 3], [4]]
    and values(upto(5).batch(2, drop_remainder=True)) == [[0, 1], [2, 3]],
    "bucket_by_sequence_length": lambda: sorted(lengths(
        various().bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3], [2, 2])
    )) == [(2, 2), (2, 4)],
    "cache": cached,
    "cardinality": lambda: int(upto(5).batch(2).cardinality()) == 3
    and int(upto(5).filter(lambda x: x > 1).cardinality()) == tf.data.UNKNOWN_CARDINALITY,
    "choose_from_datasets": lambda: values(
        D.choose_from_datasets([upto(2), D.range(10, 12)], D.from_tensor_slices(np.array([1, 0, 1, 0])))
    ) == [10, 0, 11, 1],
    "concatenate": lambda: values(upto(2).concatenate(D.range(5, 7))) == [0, 1, 5, 6],
    "counter": lambda: values(D.counter(3, 2).take(3)) == [3, 5, 7],
    "element_spec": lambda: upto(2).batch(2).element_spec == tf.TensorSpec((None,), tf.int64),
    "enumerate": lambda: [(int(i), int(x)) for i, x in D.range(7, 9).enumerate(4)] == [(4, 7), (5, 8)],
    "filter": lambda: values(upto(6).filter(lambda x: x % 2 == 0)) == [0, 2, 4],
    "flat_map": lambda: values(upto(3).flat_map(lambda x: D.range(x))) == [0, 0, 1],
    "from_generator": lambda: values(various()) == [[1], [1, 1, 1], [1, 1], [1, 1, 1, 1]],
    "from_tensor_slices": lambda: values(D.from_tensor_slices([[1, 2], [3, 4]])) == [[1, 2], [3, 4]],
    "from_tensors": lambda: values(D.from_tensors([[1, 2], [3, 4]])) == [[[1, 2], [3, 4]]],
    "get_single_element": lambda: int(upto(1).get_single_element()) == 0
    and raises(tf.errors.InvalidArgumentError, lambda: upto(2).get_single_element()),
    "group_by_window": lambda: values(
        upto(6).group_by_window(lambda x: x % 2, lambda _, d: d.batch(3), window_size=3)
    ) == [[0, 2, 4], [1, 3, 5]],
    "ignore_errors": lambda: values(failing().ignore_errors()) == [-0.5, -1.0, 1.0]
    and raises(tf.errors.InvalidArgumentError, lambda: values(failing())),
    "interleave": lambda: values(upto(2).interleave(lambda x: D.from_tensors(x).repeat(3), 2, 2))
    == [0, 0, 1, 1, 0, 1],
    "list_files": listed, "load save": saved,
    "map": lambda: values(upto(3).map(lambda x: x * x, num_parallel_calls=2)) == [0, 1, 4],
    "options": lambda: optioned().deterministic is False,
    "with_options": lambda: optioned().deterministic is False,
    "padded_batch": lambda: values(various().padded_batch(2)) == [[[1, 0, 0], [1, 1, 1]], [[1, 1, 0, 0], [1, 1, 1, 1]]],
    "prefetch": lambda: values(upto(4).prefetch(2)) == [0, 1, 2, 3],
    "random": lambda: values(D.random(seed=4).take(3)) == values(D.random(seed=4).take(3)),
    "range": lambda: values(D.range(1, 8, 3)) == [1, 4, 7],
    "rebatch": lambda: values(upto(6).batch(4).rebatch(3)) == [[0, 1, 2], [3, 4, 5]],
    "reduce": lambda: int(upto(5).reduce(np.int64(0), lambda s, x: s + x)) == 10,
    "rejection_resample": resampled,
    "repeat": lambda: values(upto(2).repeat(2)) == [0, 1, 0, 1] and values(upto(2).repeat().take(3)) == [0, 1, 0],
    "sample_from_datasets": mixed,
    "scan": lambda: values(upto(4).scan(np.int64(0), lambda s, x: (s + x, s + x))) == [0, 1, 3, 6],
    "shard": lambda: values(upto(5).shard(2, 1)) == [1, 3],
    "shuffle": shuffled,
    "skip": lambda: values(upto(4).skip(2)) == [2, 3],
    "snapshot": snapshot,
    "take": lambda: values(upto(4).take(2)) == [0, 1],
    "take_while": lambda: values(upto(9).take_while(lambda x: x < 3)) == [0, 1, 2],
    "unbatch": lambda: values(upto(4).batch(3).unbatch()) == [0, 1, 2, 3],
    "unique": lambda: values(D.from_tensor_slices([1, 2, 1, 3, 2]).unique()) == [1, 2, 3],
    "window": lambda: [values(w) for w in upto(5).window(3, 2)] == [[0, 1, 2], [2, 3, 4], [4]],
    "zip": lambda: [(int(a), int(b)) for a, b in D.zip((upto(2), D.range(5, 9)))] == [(0, 5), (1, 6)],
})  # fmt: skip


def written() -> str:
    Path("lines.txt").write_text("a\nb\n")
    return "lines.txt"


rows("tf.data", {
    "AUTOTUNE": lambda: values(upto(3).map(lambda x: x + 1, num_parallel_calls=tf.data.AUTOTUNE)) == [1, 2, 3],
    "INFINITE_CARDINALITY": lambda: int(upto(2).repeat().cardinality()) == tf.data.INFINITE_CARDINALITY == -1,
    "UNKNOWN_CARDINALITY": lambda: int(various().cardinality()) == tf.data.UNKNOWN_CARDINALITY == -2,
    "Dataset": lambda: isinstance(upto(2).batch(2), tf.data.Dataset),
    "DatasetSpec": lambda: isinstance(upto(3).window(2).element_spec, tf.data.DatasetSpec),
    "FixedLengthRecordDataset": lambda: values(tf.data.FixedLengthRecordDataset(written(), 2)) == [b"a\n", b"b\n"],
    "TextLineDataset": lambda: values(tf.data.TextLineDataset(written())) == [b"a", b"b"],
    "Iterator": lambda: isinstance(iter(upto(2)), tf.data.Iterator) and int(iter(upto(2)).get_next()) == 0,
    "NumpyIterator": lambda: isinstance(upto(2).as_numpy_iterator(), tf.data.NumpyIterator),
    "Options": lambda: equal(optioned().deterministic, False) and isinstance(optioned(), tf.data.Options),
    "ThreadingOptions": lambda: isinstance(tf.data.Options().threading, tf.data.ThreadingOptions),
})  # fmt: skip
