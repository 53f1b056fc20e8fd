"""tf.data: each step against what Python's own lists give."""

import collections
import gzip
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import eager as tf

Dataset = tf.data.Dataset
A = np.arange(12.0, dtype=np.float32).reshape(6, 2)
class Point(NamedTuple):
    x: Any
    y: Any


def values(dataset):
    """All elements as lists and numbers."""
    return [tf.nest.map_structure(lambda a: np.asarray(a).tolist(), e) for e in dataset.as_numpy_iterator()]


def lengths():
    for n in (3, 1, 4, 1, 5, 2):
        yield list(range(n))


def ragged():
    return Dataset.from_generator(lengths, output_signature=tf.TensorSpec([None], tf.int32))


def test_sources():
    assert values(Dataset.from_tensor_slices([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    pairs = Dataset.from_tensor_slices({"a": A, "b": (np.arange(6), np.ones(6, bool))})
    assert values(pairs)[1] == {"a": [2, 3], "b": (1, True)} and len(pairs) == 6
    assert pairs.element_spec["a"] == tf.TensorSpec((2,), tf.float32)
    point = Dataset.from_tensor_slices(Point(np.arange(2), np.arange(2))).map(lambda p: p.x + p.y if p else p)
    assert isinstance(next(iter(Dataset.from_tensor_slices(Point([1], [2])))), Point) and point.cardinality() == 2
    assert values(Dataset.from_tensors((1, [2.0]))) == [(1, [2.0])]
    assert values(Dataset.range(2, 9, 3)) == [2, 5, 8] and values(Dataset.range(3, 0, -2)) == [3, 1]
    assert Dataset.range(3, output_type=tf.float32).element_spec.dtype == tf.float32
    assert values(Dataset.counter(3, 2).take(2)) == [3, 5]
    assert values(Dataset.random(seed=4).take(5)) == values(Dataset.random(seed=4).take(5))


def test_the_data_of_a_dataset_does_not_change_with_the_array():
    x = np.arange(4)
    dataset = Dataset.from_tensor_slices(x).batch(2)
    x[:] = 9
    assert values(dataset) == [[0, 1], [2, 3]]


def test_generators_keep_to_their_signature():
    pairs = Dataset.from_generator(lambda n: ((i, [i] * i) for i in range(n)), (tf.int64, tf.float32), args=[3])
    assert values(pairs) == [(0, []), (1, [1.0]), (2, [2.0, 2.0])] and pairs.cardinality() == -2
    with pytest.raises(TypeError, match="expected structure"):
        values(Dataset.from_generator(lambda: iter([1]), output_signature=(tf.TensorSpec(()), tf.TensorSpec(()))))
    with pytest.raises(TypeError, match=r"element 1.*expected type was int32"):
        values(Dataset.from_generator(lambda: iter([1, 2.5]), output_types=tf.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"element 0 of shape \(2,\)"):
        values(Dataset.from_generator(lambda: iter([[1, 2]]), output_signature=tf.TensorSpec((), tf.int32)))
    for wrong in (lambda: Dataset.from_generator(3), lambda: Dataset.from_generator(lengths)):
        with pytest.raises(TypeError, match=r"callable|must be specified"):
            wrong()


def test_functions_of_elements():
    assert values(Dataset.range(4).map(lambda x: x * 2)) == [0, 2, 4, 6]
    pair = Dataset.from_tensor_slices((A, np.arange(6))).map(lambda a, b: {"sum": tf.reduce_sum(a), "b": [b, b]})
    assert values(pair)[2] == {"sum": 9.0, "b": [2, 2]}
    assert pair.element_spec == {"sum": tf.TensorSpec((), tf.float32), "b": tf.TensorSpec((2,), tf.int64)}
    assert values(Dataset.range(2).map(lambda x: [x, -x])) == [(0, 0), (1, -1)]
    assert values(Dataset.range(9).filter(lambda x: x % 3 == 0)) == [0, 3, 6]
    assert values(Dataset.range(9).take_while(lambda x: x < 2)) == [0, 1]
    assert values(Dataset.range(1, 4).flat_map(Dataset.range)) == [0, 0, 1, 0, 1, 2]
    assert values(Dataset.range(4).scan(0, lambda s, x: (s + tf.cast(x, tf.int32), s))) == [0, 0, 1, 3]
    assert int(Dataset.range(5).reduce(np.int64(0), lambda s, x: s + x)) == 10
    compiled = Dataset.range(3).map(tf.function(lambda x: x + 1))
    assert values(compiled) == [1, 2, 3] and compiled.element_spec == tf.TensorSpec((), tf.int64)


def test_interleave_is_the_documented_example():
    dataset = Dataset.range(1, 6).interleave(
        lambda x: Dataset.from_tensors(x).repeat(6), cycle_length=2, block_length=4
    )
    assert values(dataset) == [1] * 4 + [2] * 4 + [1] * 2 + [2] * 2 + [3] * 4 + [4] * 4 + [3] * 2 + [4] * 2 + [5] * 6


def test_faults_in_functions_name_the_step():
    with pytest.raises(ValueError, match="filter: the predicate must give a boolean"):
        values(Dataset.range(3).filter(lambda x: x))
    with pytest.raises(TypeError, match="must return a `Dataset`"):
        values(Dataset.range(3).flat_map(lambda x: x))
    with pytest.raises(TypeError, match="new state must match"):
        Dataset.range(3).reduce(0, lambda s, x: tf.cast(x, tf.float32))
    with pytest.raises(TypeError, match="pair"):
        values(Dataset.range(3).scan(0, lambda s, x: s))


def failing(x):
    if int(x) == 2:
        raise ValueError("two")
    return x


@pytest.mark.parametrize("calls", [None, 3, tf.data.AUTOTUNE])
def test_parallel_steps_keep_order_and_raise_in_place(calls):
    assert values(Dataset.range(50).map(lambda x: x + 1, calls)) == list(range(1, 51))
    stream = iter(Dataset.range(9).map(failing, calls))
    assert [int(next(stream)) for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(stream)


def test_errors_can_be_left_out():
    assert values(Dataset.range(4).map(failing).ignore_errors()) == [0, 1, 3]
    with pytest.warns(UserWarning, match="two"):
        values(Dataset.range(4).map(failing).ignore_errors(log_warning=True))


def test_order_and_number():
    five = Dataset.range(5)
    assert values(five.take(3)) == [0, 1, 2] == values(five.take(tf.constant(3))) and len(five.take(9)) == 5
    assert values(five.skip(3)) == [3, 4] and values(five.take(-1).skip(-1)) == []
    assert values(five.repeat(2)) == [0, 1, 2, 3, 4] * 2 and values(five.repeat().take(7))[-2:] == [0, 1]
    assert values(Dataset.range(11).shard(3, 1)) == [1, 4, 7, 10] and len(Dataset.range(11).shard(3, 1)) == 4
    assert values(Dataset.range(11).map(lambda x: x).shard(3, 1)) == [1, 4, 7, 10]
    assert values(Dataset.range(4).repeat(2).shard(3, 1)) == [1, 0, 3]
    assert values(five.concatenate(Dataset.range(2))) == [0, 1, 2, 3, 4, 0, 1]
    assert values(Dataset.zip((five, Dataset.range(3).batch(1)))) == [(0, [0]), (1, [1]), (2, [2])]
    assert values(Dataset.zip({"a": five, "b": five.repeat()}))[4] == {"a": 4, "b": 4}
    assert values(Dataset.range(5, 7).enumerate(start=3)) == [(3, 5), (4, 6)]
    assert values(Dataset.from_tensor_slices([1, 2, 1, 3, 2]).unique()) == [1, 2, 3]


def test_lengths():
    assert [int(d.cardinality()) for d in (Dataset.range(3), Dataset.range(3).repeat(), ragged())] == [3, -1, -2]
    assert len(Dataset.range(7).batch(2)) == 4 and len(Dataset.range(7).batch(2, True)) == 3
    assert len(Dataset.range(10).window(3, shift=2)) == len(values(Dataset.range(10).window(3, shift=2)))
    for endless, word in ((Dataset.range(1).repeat(), "infinite"), (ragged(), "unknown")):
        with pytest.raises(TypeError, match=word):
            len(endless)
    assert Dataset.range(0) and values(Dataset.range(0).repeat()) == []


def test_batches():
    assert values(Dataset.range(7).batch(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert values(Dataset.range(7).batch(3, drop_remainder=True)) == [[0, 1, 2], [3, 4, 5]]
    assert values(Dataset.range(3).repeat().batch(2).take(3)) == [[0, 1], [2, 0], [1, 2]]
    assert Dataset.range(7).batch(3).element_spec == tf.TensorSpec((None,), tf.int64)
    both = Dataset.from_tensor_slices((A, np.arange(6))).batch(4)
    assert values(both)[1] == (A[4:].tolist(), [4, 5])
    assert values(both.unbatch()) == [(row.tolist(), i) for i, row in enumerate(A)]
    assert values(Dataset.range(10).batch(3).rebatch(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert values(Dataset.range(10).batch(3).rebatch([1, 4])) == [[0], [1, 2, 3, 4], [5], [6, 7, 8, 9]]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \[3\] and element 1 had shape \[1\]"):
        values(ragged().batch(2))
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        Dataset.range(3).batch(0)


def test_padded_batches():
    assert values(ragged().padded_batch(2))[1] == [[0, 1, 2, 3], [0, 0, 0, 0]]
    assert values(ragged().padded_batch(4, [5], -1, drop_remainder=True)) == [
        [[0, 1, 2, -1, -1], [0, -1, -1, -1, -1], [0, 1, 2, 3, -1], [0, -1, -1, -1, -1]]
    ]
    named = ragged().map(lambda r: {"r": r, "n": tf.shape(r)[0]})
    assert values(named.padded_batch(2, {"r": [None], "n": []}, {"r": -1, "n": 0}))[0]["r"] == [[0, 1, 2], [0, -1, -1]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="smaller size"):
        values(ragged().padded_batch(2, [2]))


def test_windows_groups_and_buckets():
    assert [values(w) for w in Dataset.range(7).window(3)] == [[0, 1, 2], [3, 4, 5], [6]]
    sliding = Dataset.range(10).window(3, shift=2, stride=2, drop_remainder=True).flat_map(lambda w: w.batch(3))
    assert values(sliding) == [[0, 2, 4], [2, 4, 6], [4, 6, 8]]
    assert [values(w) for w in Dataset.range(10).window(2, shift=4)] == [[0, 1], [4, 5], [8, 9]]
    both = next(iter(Dataset.from_tensor_slices((A, np.arange(6))).window(2)))
    assert values(both[1]) == [0, 1]
    parity = Dataset.range(9).group_by_window(lambda x: x % 2, lambda key, d: d.batch(3), window_size=3)
    assert values(parity) == [[0, 2, 4], [1, 3, 5], [6, 8], [7]]
    near = ragged().bucket_by_sequence_length(lambda r: tf.shape(r)[0], [3, 5], [2, 2, 2])
    assert [np.shape(b) for b in values(near)] == [(2, 4), (2, 1), (1, 2), (1, 5)]
    edges = ragged().bucket_by_sequence_length(lambda r: len(r), [3, 6], [2, 2, 2], pad_to_bucket_boundary=True)
    assert [np.shape(b) for b in values(edges)] == [(2, 5), (2, 2), (1, 2), (1, 5)]
    with pytest.raises(ValueError, match="bucket_batch_sizes"):
        ragged().bucket_by_sequence_length(len, [3], [2])
    with pytest.raises(ValueError, match="not both"):
        Dataset.range(2).group_by_window(lambda x: x, lambda k, d: d)


@pytest.mark.parametrize("plain", [True, False])
def test_shuffling(plain):
    source = Dataset.range(100) if plain else Dataset.range(100).map(lambda x: x)
    whole = source.shuffle(200, seed=3)
    first, second = values(whole), values(whole)
    assert sorted(first) == list(range(100)) == sorted(second) and first != second != list(range(100))
    assert values(source.shuffle(200, seed=3)) == first
    near = values(source.shuffle(10, seed=5))
    assert sorted(near) == list(range(100)) and all(number <= place + 9 for place, number in enumerate(near))
    fixed = source.shuffle(10, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)
    with pytest.raises(ValueError, match="buffer_size"):
        source.shuffle(0)


def test_the_global_seed_decides_orders_without_a_seed():
    def orders():
        tf.random.set_seed(11)
        a, b = Dataset.range(50).shuffle(50), Dataset.range(50).shuffle(50)
        return values(a), values(b)

    first, second = orders(), orders()
    assert first == second and first[0] != first[1]


def test_every_order_is_equally_likely():
    print("seed 17")
    counts = collections.Counter(tuple(v) for v in (values(Dataset.range(3).shuffle(3, seed=s)) for s in range(1200)))
    assert len(counts) == 6 and all(140 < n < 260 for n in counts.values())  # 200 +- 4.6 standard deviations


def test_samples_and_choices():
    a, b = Dataset.range(3), Dataset.range(10, 13)
    choice = Dataset.from_tensor_slices(np.array([0, 1, 1, 0, 0, 0, 1]))
    assert values(Dataset.choose_from_datasets([a, b], choice)) == [0, 10, 11, 1, 2]
    assert values(Dataset.choose_from_datasets([a, b], choice, False)) == [0, 10, 11, 1, 2, 12]
    zeros, ones = (Dataset.from_tensors(i).repeat() for i in (0, 1))
    mean = np.mean(values(Dataset.sample_from_datasets([zeros, ones], [0.25, 0.75], seed=2).take(2000)))
    assert abs(mean - 0.75) < 0.05
    skewed = Dataset.from_tensor_slices(np.repeat([0, 1], [900, 100])).shuffle(1000, seed=1)
    classes = [c for c, _ in values(skewed.rejection_resample(lambda x: x, [0.5, 0.5], [0.9, 0.1], seed=1))]
    assert 150 < len(classes) < 260 and abs(np.mean(classes) - 0.5) < 0.1
    with pytest.raises(ValueError, match="weights"):
        Dataset.sample_from_datasets([a, b], [1.0])


def test_a_cache_computes_once():
    seen = []
    dataset = Dataset.range(3).map(lambda x: seen.append(int(x)) or x).cache()
    next(iter(dataset))
    assert values(dataset) == [0, 1, 2] == values(dataset) and seen == [0, 0, 1, 2]


def test_files_keep_elements(tmp_path):
    halves = {"h": np.ones((2, 3), np.float16)}
    strings = Dataset.from_tensor_slices((["a", "\0b\0"], np.array([1, 2], np.int8), halves))
    path = tmp_path / "elements"
    strings.save(path)
    again = Dataset.load(path)
    assert values(again) == values(strings) and len(again) == 2
    assert again.element_spec == strings.element_spec and not list(tmp_path.glob("*.partial"))
    kept = Dataset.range(3).cache(tmp_path / "kept")
    assert values(kept) == [0, 1, 2] and values(Dataset.range(9).cache(tmp_path / "kept")) == [0, 1, 2]
    with pytest.raises(tf.errors.NotFoundError, match="nowhere"):
        Dataset.load(tmp_path / "nowhere")
    (tmp_path / "bad").write_bytes(b"no archive")
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a dataset"):
        values(Dataset.load(tmp_path / "bad"))


def test_lines_records_and_paths(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\n")
    (tmp_path / "b.txt").write_bytes(b"three")
    (tmp_path / "c.gz").write_bytes(gzip.compress(b"four\n"))
    listed = Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False)
    assert values(tf.data.TextLineDataset(listed)) == [b"one", b"two", b"three"]
    assert values(tf.data.TextLineDataset(str(tmp_path / "c.gz"), "GZIP")) == [b"four"]
    (tmp_path / "r").write_bytes(b"Habcdef")
    assert values(tf.data.FixedLengthRecordDataset(str(tmp_path / "r"), 3, header_bytes=1)) == [b"abc", b"def"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="No files matched"):
        Dataset.list_files(str(tmp_path / "*.csv"))
    with pytest.raises(tf.errors.NotFoundError, match="nowhere"):
        values(tf.data.TextLineDataset(str(tmp_path / "nowhere")))


def workers():
    return [t for t in threading.enumerate() if t.name.startswith("tf.data")]


def test_prefetching_computes_in_a_thread_that_ends():
    names = []
    dataset = Dataset.range(5).map(lambda x: names.append(threading.current_thread().name) or x).prefetch(2)
    assert values(dataset) == [0, 1, 2, 3, 4] and set(names) == {"tf.data prefetch"} and not workers()
    stream = iter(Dataset.range(10**6).prefetch(3))
    assert int(next(stream)) == 0
    stream.close()
    assert not workers()
    with pytest.raises(ValueError, match="two"):
        values(Dataset.range(9).map(failing).prefetch(tf.data.AUTOTUNE))
    assert not workers()


def test_iterators():
    stream = iter(Dataset.range(2))
    assert int(stream.get_next()) == 0 and int(next(stream)) == 1 and stream.element_spec.dtype == tf.int64
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        stream.get_next()
    assert int(Dataset.range(7, 8).get_single_element()) == 7
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one"):
        Dataset.range(2).get_single_element()


def test_a_traced_function_never_keeps_an_element():
    stream = iter(Dataset.range(4))

    @tf.function
    def step(x):
        return x + next(stream)

    with pytest.warns(tf.FallbackWarning, match=r"element of a tf\.data\.Dataset"):
        found = [int(step(tf.constant(10, tf.int64))) for _ in range(4)]
    assert found == [10, 11, 12, 13]


def test_options_and_other_words():
    options = tf.data.Options()
    options.deterministic = False
    options.experimental_optimization.map_parallelization = True
    dataset = Dataset.range(3).with_options(options).map(lambda x: x)
    assert dataset.options().deterministic is False and values(dataset) == [0, 1, 2]
    assert repr(Dataset.range(1).batch(1)).startswith("<_BatchDataset element_spec=TensorSpec(")
    assert values(Dataset.range(3).batch(2).apply(tf.data.experimental.unbatch())) == [0, 1, 2]
    with pytest.raises(tf.errors.FailedPreconditionError, match="3 elements instead of 4"):
        values(Dataset.range(3).apply(tf.data.experimental.assert_cardinality(4)))
    with pytest.raises(TypeError, match="must return a `Dataset`"):
        Dataset.range(3).apply(lambda d: 3)
