"""The rarer methods of tf.data.Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eager.data.dataset import Dataset


class MoreSteps:
    """The part of Dataset with windows, groups, samples and files."""

    # Sources -------------------------------------------------------------------------------------------------------

    @staticmethod
    def counter(start: int = 0, step: int = 1, dtype: Any = "int64", name: str | None = None) -> Dataset:
        """start, start + step, ... without end (tf.data.Dataset.counter)."""
        from eager.data.sources import counter

        del name
        return counter(start, step, dtype)

    @staticmethod
    def random(
        seed: int | None = None, rerandomize_each_iteration: bool | None = None, name: str | None = None
    ) -> Dataset:
        """Random int64 numbers below 2**32 without end (tf.data.Dataset.random).

        Args:
            seed: makes them repeatable.
            rerandomize_each_iteration: whether an iteration draws other numbers than the one before.
            name: accepted for compatibility.
        """
        from eager.data.sources import random_numbers

        del name
        return random_numbers(seed, bool(rerandomize_each_iteration))

    @staticmethod
    def list_files(
        file_pattern: Any, shuffle: bool | None = None, seed: int | None = None, name: str | None = None
    ) -> Dataset:
        """The paths that fit a pattern or several, as strings (tf.data.Dataset.list_files).

        Args:
            file_pattern: with *, ? and [...] in the manner of a shell.
            shuffle: True by default.
            seed: makes the order repeatable.
            name: accepted for compatibility.

        Raises:
            InvalidArgumentError: if nothing fits.
        """
        from eager.data.files import listed

        del name
        return listed(file_pattern, shuffle is not False, seed)

    @staticmethod
    def choose_from_datasets(
        datasets: Sequence[Dataset], choice_dataset: Dataset, stop_on_empty_dataset: bool = True
    ) -> Dataset:
        """The next element of whichever dataset `choice_dataset` names (tf.data.Dataset.choose_from_datasets)."""
        from eager.data.ordering import chosen

        return chosen(list(datasets), lambda: map(int, choice_dataset.as_numpy_iterator()), stop_on_empty_dataset)

    @staticmethod
    def sample_from_datasets(
        datasets: Sequence[Dataset], weights: Any = None, seed: int | None = None,
        stop_on_empty_dataset: bool = False, rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:  # fmt: skip
        """The next element of a dataset drawn at random (tf.data.Dataset.sample_from_datasets).

        Args:
            datasets: of equal specs.
            weights: one per dataset; equal by default.
            seed: makes the draws repeatable.
            stop_on_empty_dataset: ends with the first dataset instead of with the last.
            rerandomize_each_iteration: accepted; without a seed every iteration draws anew.

        Raises:
            ValueError: for weights of another number, or negative ones.
        """
        from eager.data.ordering import sampled

        del rerandomize_each_iteration
        return sampled(list(datasets), weights, seed, stop_on_empty_dataset)

    @staticmethod
    def load(path: str, element_spec: Any = None, compression: str | None = None, reader_func: Any = None) -> Dataset:
        """The elements that `save` wrote (tf.data.Dataset.load); the format is layerjit's own.

        Args:
            path: the file.
            element_spec, compression, reader_func: accepted; the file says what it holds.

        Raises:
            NotFoundError: if there is no such file.
            InvalidArgumentError: while iterating, if it is damaged.
        """
        from eager.data.keeping import loaded

        del element_spec, compression, reader_func
        return loaded(str(path))

    def save(
        self: Any, path: str, compression: str | None = None, shard_func: Any = None, checkpoint_args: Any = None
    ) -> None:
        """Writes all elements to a file of arrays (tf.data.Dataset.save); the format is layerjit's own.

        Args:
            path: the file; it is replaced when all elements are written.
            compression, shard_func, checkpoint_args: accepted for compatibility.
        """
        from eager.data.keeping import write_elements

        del compression, shard_func, checkpoint_args
        write_elements(list(self), str(path))

    def snapshot(
        self: Any, path: str, compression: Any = "AUTO", reader_func: Any = None, shard_func: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The elements, kept in a file from the first complete iteration on (tf.data.Dataset.snapshot)."""
        del compression, reader_func, shard_func, name
        return self.cache(path)

    # Steps ---------------------------------------------------------------------------------------------------------

    def shard(self: Any, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every `num_shards`-th element from the `index`-th on (tf.data.Dataset.shard).

        Raises:
            ValueError: unless 0 <= index < num_shards.
        """
        from eager.data.ordering import number, shard

        del name
        return shard(self, number(num_shards), number(index))

    def take_while(self: Any, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first for which the function gives False (tf.data.Dataset.take_while)."""
        from eager.data.transforms import take_while

        del name
        return take_while(self, predicate)

    def scan(self: Any, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """Outputs of scan_func(state, element) -> (state, output), one after the other (tf.data.Dataset.scan)."""
        from eager.data.transforms import scanned

        del name
        return scanned(self, initial_state, scan_func)

    def unique(self: Any, name: str | None = None) -> Dataset:
        """Each element's first occurrence (tf.data.Dataset.unique)."""
        from eager.data.node import Node, unknown

        del name

        def elements() -> Any:
            seen: set[Any] = set()
            for element in self._elements():
                array = element.numpy()
                key = array.tolist() if array.dtype == object else array.tobytes()
                if key not in seen:
                    seen.add(key)
                    yield element

        return Node("UniqueDataset", elements, unknown, lambda: self.element_spec, source=self)

    def ignore_errors(self: Any, log_warning: bool = False, name: str | None = None) -> Dataset:
        """The elements without those whose `map` function fails (tf.data.Dataset.ignore_errors)."""
        from eager.data.transforms import without_errors

        del name
        return without_errors(self, log_warning)

    def window(
        self: Any, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """Datasets of up to `size` elements each (tf.data.Dataset.window).

        Args:
            size: how many elements.
            shift: how much further the next window starts; by default `size`.
            stride: the step within a window.
            drop_remainder: leaves shorter windows at the end out.
            name: accepted for compatibility.
        """
        from eager.data.batching import windows
        from eager.data.ordering import number

        del name
        step = None if shift is None else number(shift)
        return windows(self, number(size), step, number(stride), drop_remainder)

    def rebatch(self: Any, batch_size: Any, drop_remainder: bool = False, name: str | None = None) -> Dataset:
        """Batches of another size, or of sizes that take turns (tf.data.Dataset.rebatch)."""
        from eager.data.batching import rebatched

        del name
        return rebatched(self, batch_size, drop_remainder)

    def group_by_window(
        self: Any, key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any = None,
        window_size_func: Callable[..., Any] | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """What reduce_func(key, dataset) gives for every so many elements with one key.

        Args:
            key_func: gives an integer key for an element.
            reduce_func: gives a dataset for a key and a dataset of elements.
            window_size: how many elements.
            window_size_func: the same as a function of the key.
            name: accepted for compatibility.

        Raises:
            ValueError: unless exactly one of the two sizes is given.
        """
        from eager.convert import convert
        from eager.data.batching import grouped
        from eager.data.ordering import number

        del name
        if (window_size is None) == (window_size_func is None):
            raise ValueError("Must pass either `window_size` or `window_size_func`, and not both")
        size_of = window_size_func or (lambda _key: window_size)
        return grouped(self, key_func, reduce_func, lambda key: number(size_of(convert(key, dtype="int64"))))

    def bucket_by_sequence_length(
        self: Any, element_length_func: Callable[..., Any], bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int], padded_shapes: Any = None, padding_values: Any = None,
        pad_to_bucket_boundary: bool = False, no_padding: bool = False, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Padded batches of elements of similar length (tf.data.Dataset.bucket_by_sequence_length).

        Args:
            element_length_func: the length of an element.
            bucket_boundaries: lengths from which the next bucket takes over.
            bucket_batch_sizes: one batch size per bucket, one more than boundaries.
            padded_shapes, padding_values, drop_remainder: as for padded_batch.
            pad_to_bucket_boundary: pads to the bucket's boundary less one instead of to the longest element.
            no_padding: batches elements as they are.
            name: accepted for compatibility.

        Raises:
            ValueError: for another number of batch sizes.
        """
        from eager.data.batching import by_length

        del name
        return by_length(
            self, element_length_func, list(bucket_boundaries), list(bucket_batch_sizes), padded_shapes,
            padding_values, pad_to_bucket_boundary, no_padding, drop_remainder,
        )  # fmt: skip

    def rejection_resample(
        self: Any, class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None,
        seed: int | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """(class, element) pairs in which classes come in the target shares (tf.data.Dataset.rejection_resample).

        Args:
            class_func: the class of an element.
            target_dist: the share of each class wanted.
            initial_dist: the share of each class now; counted on the way if it is None.
            seed: makes the draws repeatable.
            name: accepted for compatibility.
        """
        from eager.data.transforms import resampled

        del name
        return resampled(self, class_func, target_dist, initial_dist, seed)


__all__ = ["MoreSteps"]
