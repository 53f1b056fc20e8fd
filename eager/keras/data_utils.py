"""Data by number of batch (tf.keras.utils.Sequence), and reading ahead of the training loop in threads."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from eager.keras.training.data import shuffled


class Sequence:
    """A data set whose batches have numbers (tf.keras.utils.Sequence).

    Subclasses override `__getitem__(index)`, which gives one batch, `__len__`, the number of batches, and where they
    want to change the data between epochs `on_epoch_end`.
    """

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`: x, (x, y) or (x, y, sample_weight).

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `__getitem__(self, index)`")

    def __len__(self) -> int:
        """The number of batches.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `__len__(self)`")

    def on_epoch_end(self) -> None:
        """Called after every epoch of training."""

    def __iter__(self) -> Iterator[Any]:
        """The batches in order."""
        for index in range(len(self)):
            yield self[index]


def ordered(sequence: Any, shuffle: bool, workers: int, max_queue_size: int) -> Iterator[Any]:
    """The batches of a Sequence in order; several workers compute up to `max_queue_size` of them ahead in threads.

    Args:
        sequence: an object with `__len__` and `__getitem__`.
        shuffle: whether the order of the batches is drawn anew.
        workers: the number of threads; 0 or 1 computes each batch when it is wanted.
        max_queue_size: how many batches may be waiting.
    """
    numbers = shuffled(len(sequence)).tolist() if shuffle else list(range(len(sequence)))
    if workers <= 1:
        for number in numbers:
            yield sequence[number]
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    waiting: deque[Future[Any]] = deque()
    try:
        for number in numbers:
            waiting.append(pool.submit(sequence.__getitem__, number))
            if len(waiting) >= max(max_queue_size, 1):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Failure:
    """An exception of the reading thread, or the end of the data."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(source: Iterator[Any], max_queue_size: int) -> Iterator[Any]:
    """The items of a generator, which a thread takes up to `max_queue_size` ahead."""
    items: queue.Queue[Any] = queue.Queue(max(max_queue_size, 1))
    stopped = threading.Event()

    def put(item: Any) -> bool:
        while not stopped.is_set():
            try:
                items.put(item, timeout=0.05)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for item in source:
                if not put(item):
                    return
        except BaseException as error:
            put(_Failure(error))
        else:
            put(_Failure(None))

    threading.Thread(target=read, daemon=True, name="batches").start()
    try:
        while not isinstance(item := items.get(), _Failure):
            yield item
    finally:
        stopped.set()
    if item.error is not None:
        raise item.error
