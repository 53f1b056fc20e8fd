"""tf.data.experimental: older places of what tf.data has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.data import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from eager.data.dataset import Dataset
from eager.errors import FailedPreconditionError
from eager.lazy import lazy_names
from eager.tensor import Tensor


def cardinality(dataset: Dataset) -> Tensor:
    """The number of elements (tf.data.experimental.cardinality)."""
    return dataset.cardinality()


def assert_cardinality(expected_cardinality: int) -> Callable[[Dataset], Dataset]:
    """For `apply`: says how many elements there are (tf.data.experimental.assert_cardinality).

    Raises:
        FailedPreconditionError: at the end of an iteration, if there were more or fewer.
    """
    from eager.data.node import Node

    def checked(source: Dataset) -> Any:
        number = 0
        for element in source._elements():
            number += 1
            yield element
        if number != expected_cardinality:
            raise FailedPreconditionError(f"the dataset has {number} elements instead of {expected_cardinality}")

    return lambda source: Node("AssertCardinalityDataset", lambda: checked(source), lambda: expected_cardinality,
                               lambda: source.element_spec, source=source)  # fmt: skip


def Counter(start: int = 0, step: int = 1, dtype: Any = "int64") -> Dataset:
    """As tf.data.Dataset.counter."""
    return Dataset.counter(start, step, dtype)


def get_single_element(dataset: Dataset) -> Any:
    """As tf.data.Dataset.get_single_element."""
    return dataset.get_single_element()


def enumerate_dataset(start: int = 0) -> Callable[[Dataset], Dataset]:
    """For `apply`: as tf.data.Dataset.enumerate."""
    return lambda dataset: dataset.enumerate(start)


def unbatch() -> Callable[[Dataset], Dataset]:
    """For `apply`: as tf.data.Dataset.unbatch."""
    return lambda dataset: dataset.unbatch()


def take_while(predicate: Callable[..., Any]) -> Callable[[Dataset], Dataset]:
    """For `apply`: as tf.data.Dataset.take_while."""
    return lambda dataset: dataset.take_while(predicate)


sample_from_datasets = Dataset.sample_from_datasets
choose_from_datasets = Dataset.choose_from_datasets

__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Counter", "assert_cardinality", "cardinality",
    "choose_from_datasets", "enumerate_dataset", "get_single_element", "sample_from_datasets", "take_while", "unbatch",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.data.experimental", {})
