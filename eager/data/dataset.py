"""tf.data.Dataset: a stream of elements, each a structure of tensors, that can be started over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from eager.absent import AbsentMethod
from eager.convert import convert
from eager.data import UNKNOWN_CARDINALITY
from eager.data.more import MoreSteps
from eager.data.options import Options
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor

if TYPE_CHECKING:
    from eager.data.iterator import Iterator as DatasetIterator
    from eager.data.iterator import NumpyIterator
    from eager.data.rows import Rows


class DatasetSpec:
    """The spec of a dataset inside of an element (tf.data.DatasetSpec).

    Attributes:
        element_spec: the specs of its elements.
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        """Takes the specs of the elements."""
        del dataset_shape
        self.element_spec = element_spec

    def __repr__(self) -> str:
        """DatasetSpec(TensorSpec(shape=(), dtype=tf.int64))."""
        return f"DatasetSpec({self.element_spec!r})"


class Dataset(MoreSteps):
    """A stream of elements (tf.data.Dataset); made by the `from_...` methods, changed step by step.

    An element is a tensor, or a tuple, named tuple or dict of elements; a list is one tensor. Functions of elements
    run as Python, eagerly: wrap one in tf.function to have it compiled. Every iteration starts anew.
    """

    _rows: Rows | None
    _options: Options | None
    ragged_batch = AbsentMethod("data.Dataset.ragged_batch")
    sparse_batch = AbsentMethod("data.Dataset.sparse_batch")

    def _elements(self) -> Iterator[Any]:
        """A fresh stream of elements. Raises NotImplementedError in Dataset itself."""
        raise NotImplementedError("make datasets with tf.data.Dataset.from_tensor_slices, from_generator or range")

    def _count(self) -> int:
        """The number of elements, or one of the two constants."""
        return UNKNOWN_CARDINALITY

    # Sources -------------------------------------------------------------------------------------------------------

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """A dataset of one element (tf.data.Dataset.from_tensors)."""
        from eager.data.sources import from_tensors

        del name
        return from_tensors(tensors)

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The slices of tensors along their first axis (tf.data.Dataset.from_tensor_slices).

        Raises:
            ValueError: for a scalar, or tensors whose first sizes differ.
        """
        from eager.data.sources import from_tensor_slices

        del name
        return from_tensor_slices(tensors)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None, args: Any = None,
        output_signature: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """What a Python generator yields (tf.data.Dataset.from_generator).

        Args:
            generator: a callable that gives an iterable.
            output_types, output_shapes: older form of the signature: dtypes, and shapes or None.
            args: tensors that the generator gets as arrays.
            output_signature: a structure of TensorSpecs.
            name: accepted for compatibility.

        Raises:
            TypeError: without a signature; while iterating, for an element that does not fit it.
        """
        from eager.data.sources import from_generator

        del name
        return from_generator(generator, args, output_types, output_shapes, output_signature)

    @staticmethod
    def range(*args: Any, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """Numbers as in Python's range (tf.data.Dataset.range)."""
        from eager.data.sources import arange

        del name
        return arange(args, output_type)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several datasets side by side, until the first ends (tf.data.Dataset.zip).

        Raises:
            TypeError: for something that is no structure of datasets.
        """
        from eager.data.ordering import zipped

        del name
        if datasets is not None:
            return zipped(datasets)
        if not args:
            raise TypeError("Must pass at least one dataset to `zip`.")
        return zipped(args[0] if len(args) == 1 else args)

    # Iterating -----------------------------------------------------------------------------------------------------

    def __iter__(self) -> DatasetIterator:
        """An iterator over the elements, from the first on."""
        from eager.data.iterator import Iterator as Over

        return Over(self)

    def as_numpy_iterator(self) -> NumpyIterator:
        """An iterator over the elements as structures of arrays."""
        from eager.data.iterator import NumpyIterator

        return NumpyIterator(self)

    def __len__(self) -> int:
        """The number of elements. Raises TypeError if it is infinite or not known."""
        n = self._count()
        if n < 0:
            raise TypeError(f"The dataset is {'infinite' if n == -1 else 'of unknown length'}.")
        return n

    def __bool__(self) -> bool:
        """True, also for an empty dataset."""
        return True

    def cardinality(self) -> Tensor:
        """The number of elements as int64: -1 if infinite, -2 if not known (tf.data.Dataset.cardinality)."""
        return convert(self._count(), dtype="int64")

    @property
    def element_spec(self) -> Any:
        """The TensorSpecs of an element (tf.data.Dataset.element_spec)."""
        raise NotImplementedError("make datasets with tf.data.Dataset.from_tensor_slices, from_generator or range")

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element. Raises InvalidArgumentError unless there is exactly one."""
        del name
        found = list(self.take(2))
        if len(found) != 1:
            have = "more than one element" if found else "no element"
            raise InvalidArgumentError(f"Dataset.get_single_element: the dataset has {have}")
        return found[0]

    def __repr__(self) -> str:
        """<_MapDataset element_spec=...>."""
        return f"<_{getattr(self, '_kind', type(self).__name__)} element_spec={self.element_spec!r}>"

    # Functions of elements -----------------------------------------------------------------------------------------

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The function of each element (tf.data.Dataset.map).

        Args:
            map_func: takes an element, the parts of a tuple as arguments of their own.
            num_parallel_calls: threads that compute ahead; AUTOTUNE takes one per processor.
            deterministic: accepted; the order is always that of the elements.
            name: accepted for compatibility.
        """
        from eager.data.transforms import mapped

        del deterministic, name
        return mapped(self, map_func, num_parallel_calls)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which the function gives True (tf.data.Dataset.filter).

        Raises:
            ValueError: while iterating, if the function does not give a boolean scalar.
        """
        from eager.data.transforms import filtered

        del name
        return filtered(self, predicate)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the datasets that the function gives, one dataset after the other."""
        from eager.data.transforms import interleaved

        del name
        return interleaved(self, map_func, 1, 1, "FlatMapDataset")

    def interleave(
        self, map_func: Callable[..., Any], cycle_length: int | None = None, block_length: int | None = None,
        num_parallel_calls: Any = None, deterministic: bool | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The elements of the datasets that the function gives, taken in turns (tf.data.Dataset.interleave).

        Args:
            map_func: gives a dataset for an element.
            cycle_length: how many of them are open at a time.
            block_length: how many elements each gives before the next one's turn.
            num_parallel_calls, deterministic, name: accepted; the order is always the deterministic one.
        """
        from eager.data.transforms import interleaved, workers

        del deterministic, name
        open_at_once = workers(-1 if cycle_length is None else cycle_length)
        return interleaved(self, map_func, open_at_once, block_length or 1, "InterleaveDataset")

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """The elements combined one after the other: reduce_func(state, element) (tf.data.Dataset.reduce).

        Raises:
            TypeError: if a state has other dtypes than the first.
        """
        from eager.data.transforms import reduced

        del name
        return reduced(self, initial_state, reduce_func)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """The dataset that a function of datasets gives. Raises TypeError if it gives something else."""
        found = transformation_func(self)
        if not isinstance(found, Dataset):
            raise TypeError(f"`transformation_func` must return a `Dataset` object. Got {type(found).__name__}")
        return found

    # Order and number ----------------------------------------------------------------------------------------------

    def shuffle(
        self, buffer_size: Any, seed: int | None = None, reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Each element drawn at random from the next `buffer_size` not drawn yet (tf.data.Dataset.shuffle).

        Args:
            buffer_size: the size of that buffer; from the number of elements on, every order is equally likely.
            seed: makes the order repeatable, as tf.random.set_seed does.
            reshuffle_each_iteration: True by default; False gives the same order each time.
            name: accepted for compatibility.

        Raises:
            ValueError: for a buffer of no element.
        """
        from eager.data.ordering import number, shuffle

        del name
        return shuffle(self, number(buffer_size), seed, reshuffle_each_iteration is not False)

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """The elements `count` times over; without end for None or -1 (tf.data.Dataset.repeat)."""
        from eager.data.ordering import number, repeat

        del name
        return repeat(self, None if count is None else number(count))

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first `count` elements; all for -1 (tf.data.Dataset.take)."""
        from eager.data.ordering import number, take

        del name
        return take(self, number(count))

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """All but the first `count` elements; none for -1 (tf.data.Dataset.skip)."""
        from eager.data.ordering import number, skip

        del name
        return skip(self, number(count))

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """These elements, then another dataset's (tf.data.Dataset.concatenate). Raises TypeError for other dtypes."""
        from eager.data.ordering import concatenate

        del name
        return concatenate(self, dataset)

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """(int64 number, element) pairs (tf.data.Dataset.enumerate)."""
        from eager.data.ordering import enumerated, number

        del name
        return enumerated(self, number(start))

    # Batches -------------------------------------------------------------------------------------------------------

    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None,
        deterministic: bool | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """`batch_size` elements each, stacked along a new first axis (tf.data.Dataset.batch).

        Args:
            batch_size: how many.
            drop_remainder: leaves a shorter last batch out.
            num_parallel_calls, deterministic, name: accepted; arrays are gathered in one step.

        Raises:
            InvalidArgumentError: for a size below 1; while iterating, for elements of different shapes.
        """
        from eager.data.batching import batched
        from eager.data.ordering import number

        del num_parallel_calls, deterministic, name
        return batched(self, number(batch_size), bool(drop_remainder))

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """`batch_size` elements each, filled up to a common shape and stacked (tf.data.Dataset.padded_batch).

        Args:
            batch_size: how many.
            padded_shapes: a shape per leaf; None or -1 for the longest of the batch; by default all open sizes.
            padding_values: what fills up, one per leaf or one for all; by default 0 or "".
            drop_remainder: leaves a shorter last batch out.
            name: accepted for compatibility.

        Raises:
            InvalidArgumentError: while iterating, for an element larger than its padded shape.
        """
        from eager.data.batching import padded
        from eager.data.ordering import number

        del name
        return padded(self, number(batch_size), padded_shapes, padding_values, bool(drop_remainder))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The slices of every element along its first axis (tf.data.Dataset.unbatch)."""
        from eager.data.batching import unbatched

        del name
        return unbatched(self)

    # Keeping -------------------------------------------------------------------------------------------------------

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """The elements, computed in the first complete iteration only (tf.data.Dataset.cache).

        Args:
            filename: a file that keeps them, also for later processes; by default memory does.
            name: accepted for compatibility.
        """
        from eager.data.keeping import cached

        del name
        return cached(self, str(filename))

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """The elements, up to `buffer_size` of them computed in a thread beforehand (tf.data.Dataset.prefetch)."""
        from eager.data.keeping import prefetched
        from eager.data.ordering import number

        del name
        return prefetched(self, number(buffer_size))

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """The same elements with options (tf.data.Dataset.with_options)."""
        from eager.data.node import Node

        del name
        found = Node("OptionsDataset", self._elements, self._count, lambda: self.element_spec, self._rows)
        found._options = options if self._options is None else self._options.merge(options)
        return found

    def options(self) -> Options:
        """The options given so far (tf.data.Dataset.options)."""
        return self._options or Options()


__all__ = ["Dataset", "DatasetSpec"]
