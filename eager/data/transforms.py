"""Datasets made by functions of elements."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from eager.data import UNKNOWN_CARDINALITY
from eager.data.dataset import Dataset
from eager.data.elements import as_element, call, leaves, result_spec, spec_of
from eager.data.node import Node, unknown
from eager.data.seeds import generator_of
from eager.errors import InvalidArgumentError, LayerJitError
from eager.tensor import Tensor

Function = Callable[..., Any]


def workers(parallel: Any) -> int:
    """How many threads a `num_parallel_calls` means: as many as there are processors for AUTOTUNE, else that many."""
    if parallel is None:
        return 1
    count = int(parallel)
    return max(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 1) \
        if count < 0 else count  # fmt: skip


def _first_result(source: Dataset, function: Function) -> Callable[[], Any]:
    def first() -> Any:
        for element in source._elements():
            return as_element(call(function, element))
        raise InvalidArgumentError("element_spec: the function cannot be traced, and there is no element to see")

    return first


def mapped(source: Dataset, function: Function, parallel: Any) -> Dataset:
    """The function of each element, in the order of the elements."""
    count = workers(parallel)

    def one(element: Any) -> Any:
        return as_element(call(function, element))

    def elements() -> Iterator[Any]:
        return map(one, source._elements()) if count == 1 else _ahead(one, source._elements(), count)

    return Node("MapDataset" if parallel is None else "ParallelMapDataset", elements, source._count,
                lambda: result_spec(function, source.element_spec, _first_result(source, function)),
                source=source)  # fmt: skip


def _ahead(function: Callable[[Any], Any], items: Iterator[Any], count: int) -> Iterator[Any]:
    """The results in order, with `count` of them under way in threads."""
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(count, "tf.data map") as pool:
        under_way: deque[Future[Any]] = deque()
        try:
            for item in items:
                under_way.append(pool.submit(function, item))
                if len(under_way) > count:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def filtered(source: Dataset, predicate: Function) -> Dataset:
    """The elements for which the function gives True."""

    def elements() -> Iterator[Any]:
        return (e for e in source._elements() if truth(call(predicate, e), "filter"))

    return Node("FilterDataset", elements, lambda: 0 if source._count() == 0 else UNKNOWN_CARDINALITY,
                lambda: source.element_spec, source=source)  # fmt: skip


def take_while(source: Dataset, predicate: Function) -> Dataset:
    """The elements before the first for which the function gives False."""

    def elements() -> Iterator[Any]:
        for element in source._elements():
            if not truth(call(predicate, element), "take_while"):
                return
            yield element

    return Node("TakeWhileDataset", elements, unknown, lambda: source.element_spec, source=source)


def truth(value: Any, what: str) -> bool:
    """A predicate's result. Raises ValueError unless it is a boolean scalar."""
    array = np.asarray(value.numpy() if isinstance(value, Tensor) else value)
    if array.dtype != np.bool_ or array.ndim:
        raise ValueError(
            f"Dataset.{what}: the predicate must give a boolean scalar, got shape {array.shape}, dtype {array.dtype}"
        )
    return bool(array)


def interleaved(source: Dataset, function: Function, cycle: int, block: int, kind: str) -> Dataset:
    """Elements of the datasets that the function gives, `block` at a time from each of `cycle` open ones."""
    if cycle < 1 or block < 1:
        raise ValueError(f"Dataset.interleave: cycle_length and block_length must be positive, got {cycle}, {block}")

    def opened(element: Any) -> Iterator[Any]:
        inner = call(function, element)
        if not isinstance(inner, Dataset):
            raise TypeError(f"`map_func` must return a `Dataset` object. Got {type(inner).__name__}")
        return inner._elements()

    def elements() -> Iterator[Any]:
        inputs = source._elements()
        slots: list[Iterator[Any] | None] = []
        for element in inputs:
            slots.append(opened(element))
            if len(slots) == cycle:
                break
        while any(s is not None for s in slots):
            for place, slot in enumerate(slots):
                if slot is None:
                    continue
                finished = yield from _block(slot, block)
                if finished:
                    following = next(inputs, _END)
                    slots[place] = None if following is _END else opened(following)

    def spec() -> Any:
        for element in source._elements():
            return call(function, element).element_spec
        raise InvalidArgumentError(f"Dataset.{kind}: there is no element from which to see the specs of the result")

    return Node(kind, elements, unknown, spec, source=source)


_END = object()


def _block(stream: Iterator[Any], size: int) -> Any:
    """Yields up to `size` elements; returns whether the stream has ended."""
    for _ in range(size):
        try:
            element = next(stream)
        except StopIteration:
            return True
        yield element
    return False


def scanned(source: Dataset, initial_state: Any, function: Function) -> Dataset:
    """The second result of function(state, element), whose first result is the next state."""

    def run(element: Any, state: Any) -> tuple[Any, Any]:
        found = function(state, element)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError("`scan_func` must return a pair of new state and output value")
        return as_element(found[0]), as_element(found[1])

    def elements() -> Iterator[Any]:
        state = as_element(initial_state)
        for element in source._elements():
            state, value = run(element, state)
            yield value

    def spec() -> Any:
        for element in source._elements():
            return spec_of(run(element, as_element(initial_state))[1])
        raise InvalidArgumentError("Dataset.scan: there is no element from which to see the specs of the result")

    return Node("ScanDataset", elements, source._count, spec, source=source)


def reduced(source: Dataset, initial_state: Any, function: Function) -> Any:
    """function(... function(function(initial_state, first), second) ..., last)."""
    state = as_element(initial_state)
    known = spec_of(state)
    for element in source._elements():
        state = as_element(function(state, element))
        if [s.dtype for s in leaves(spec_of(state))] != [s.dtype for s in leaves(known)]:
            raise TypeError(
                f"The element types for the new state must match the initial state. Expected {known}; got "
                f"{spec_of(state)}."
            )
    return state


def without_errors(source: Dataset, log_warning: bool) -> Dataset:
    """The elements that can be had; an element whose function fails is left out."""

    def elements() -> Iterator[Any]:
        stream = source._elements()
        while True:
            try:
                yield next(stream)
            except StopIteration:
                return
            except (LayerJitError, ArithmeticError, LookupError, TypeError, ValueError) as error:
                if isinstance(stream, Generator):
                    raise InvalidArgumentError(
                        "Dataset.ignore_errors goes right behind the `map` whose errors it should leave out; the "
                        "dataset before it cannot go on after an error"
                    ) from error
                if log_warning:
                    import warnings

                    warnings.warn(f"Dataset.ignore_errors left out an element: {error}", stacklevel=2)

    return Node("IgnoreErrorsDataset", elements, unknown, lambda: source.element_spec, source=source)


def resampled(source: Dataset, class_func: Function, target: Any, initial: Any, seed: int | None) -> Dataset:
    """(class, element) pairs, left out at random so that classes come in the target shares."""
    wanted = np.asarray(target, np.float64)

    def elements() -> Iterator[Any]:
        draws = generator_of(seed)
        seen = np.ones(len(wanted)) if initial is None else np.asarray(initial, np.float64)
        for element in source._elements():
            number = as_element(call(class_func, element))
            at = int(number.numpy())
            if initial is None:
                seen[at] += 1
            ratio = np.divide(wanted, seen / seen.sum(), out=np.zeros_like(wanted), where=seen > 0)
            if draws.random() * ratio.max() < ratio[at]:
                yield number, element

    def spec() -> Any:
        return (result_spec(class_func, source.element_spec, _first_result(source, class_func)), source.element_spec)

    return Node("RejectionResampleDataset", elements, unknown, spec, source=source)


__all__ = [
    "filtered", "interleaved", "mapped", "reduced", "resampled", "scanned", "take_while", "truth", "without_errors",
    "workers",
]  # fmt: skip
