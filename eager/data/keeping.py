"""Datasets that keep elements: in memory, in a file, or ready in a thread."""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eager.data.dataset import Dataset
from eager.data.elements import array_of, leaves, map_element, pack
from eager.data.node import Node
from eager.errors import InvalidArgumentError, NotFoundError
from eager.tensor import Tensor, wrap
from eager.tensor_shape import TensorSpec

_STRUCTURE = "structure.json"
_MAX_BYTES = 1 << 34
_MAX_ELEMENTS = 1 << 26


def cached(source: Dataset, filename: str) -> Dataset:
    """The elements, computed in the first complete iteration only."""
    kept: list[list[Any]] = []

    def elements() -> Iterator[Any]:
        if kept:
            return iter(kept[0])
        if filename and Path(filename).exists():
            return read_elements(filename)
        return _keeping(source, lambda found: write_elements(found, filename) if filename else kept.append(found))

    return Node("CacheDataset", elements, source._count, lambda: source.element_spec, source=source)


def _keeping(source: Dataset, keep: Callable[[list[Any]], Any]) -> Iterator[Any]:
    found: list[Any] = []
    for element in source._elements():
        found.append(element)
        yield element
    keep(found)


def prefetched(source: Dataset, size: int) -> Dataset:
    """The elements, up to `size` of them computed in a thread before they are asked for."""
    room = 2 if size < 0 else size

    def elements() -> Iterator[Any]:
        return _from_thread(source, room) if room else source._elements()

    return Node("PrefetchDataset", elements, source._count, lambda: source.element_spec, source=source)


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


def _from_thread(source: Dataset, room: int) -> Iterator[Any]:
    ready: queue.Queue[Any] = queue.Queue(room)
    stop = threading.Event()

    def put(item: Any) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def work() -> None:
        stream = source._elements()
        try:
            for element in stream:
                put(element)
                if stop.is_set():
                    return
            put(_END)
        except BaseException as error:  # it is raised where the element is asked for
            put(_Failed(error))

    thread = threading.Thread(target=work, name="tf.data prefetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stop.set()
        with contextlib.suppress(queue.Empty):
            while True:
                ready.get_nowait()
        thread.join()


# Files ---------------------------------------------------------------------------------------------------------------


def write_elements(elements: list[Any], path: str) -> None:
    """Writes elements to a ZIP file of arrays; an older file stays whole until the new one is.

    Raises:
        InvalidArgumentError: if there is none.
    """
    if not elements:
        raise InvalidArgumentError("there is no element to save")
    target = Path(path)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            archive.writestr(_STRUCTURE, json.dumps({"like": _describe(elements[0]), "count": len(elements)}))
            for i, element in enumerate(elements):
                for j, tensor in enumerate(leaves(element)):
                    archive.writestr(f"{i}/{j}.npy", _npy(array_of(tensor)))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    if array.dtype == object:
        # Strings: fixed width with a sentinel, because NumPy drops trailing zero bytes.
        array = np.array([bytes(s) + b"\x01" for s in array.ravel()], "S").reshape(array.shape)
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _describe(element: Any) -> Any:
    if isinstance(element, tuple):
        return {"tuple": [_describe(x) for x in element]}
    if isinstance(element, dict):
        return {"dict": [[str(k), _describe(v)] for k, v in element.items()]}
    return element.dtype.name


def _restore(form: Any, depth: int = 0) -> Any:
    if depth > 64:
        raise InvalidArgumentError("the structure of the saved elements is nested too deeply")
    if isinstance(form, dict) and "tuple" in form:
        return tuple(_restore(x, depth + 1) for x in form["tuple"])
    if isinstance(form, dict):
        return {k: _restore(v, depth + 1) for k, v in form["dict"]}
    return form


def read_elements(path: str) -> Iterator[Any]:
    """The elements of a file of `write_elements`.

    Raises:
        NotFoundError: if there is no such file.
        InvalidArgumentError: if it is not such a file, or too large.
    """
    if not Path(path).is_file():
        raise NotFoundError(f"There is no saved dataset at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(i.file_size for i in archive.infolist()) > _MAX_BYTES:
                raise InvalidArgumentError(f"{path}: more than {_MAX_BYTES} bytes of arrays")
            known = json.loads(archive.read(_STRUCTURE))
            like, count = _restore(known["like"]), int(known["count"])
            if not 0 < count <= _MAX_ELEMENTS:
                raise InvalidArgumentError(f"{path}: {count} elements")
            names = leaves(like)
            for i in range(count):
                yield pack(like, [_tensor(archive.read(f"{i}/{j}.npy"), kind) for j, kind in enumerate(names)])
    except (zipfile.BadZipFile, KeyError, TypeError, json.JSONDecodeError) as error:
        raise InvalidArgumentError(f"{path} is not a dataset saved by Dataset.save: {error}") from error


def _tensor(data: bytes, kind: str) -> Tensor:
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if kind == "string":
        strings = np.empty(array.size, object)
        strings[:] = [s[:-1] for s in array.ravel().tolist()]
        return wrap(strings.reshape(array.shape))
    if kind == "bfloat16":
        from eager.dtypes import as_dtype

        array = array.view(as_dtype("bfloat16").numpy)
    return wrap(array)


def loaded(path: str) -> Dataset:
    """The elements of a file of `write_elements`."""
    if not Path(path).is_file():
        raise NotFoundError(f"There is no saved dataset at {path}")

    def count() -> int:
        with zipfile.ZipFile(path) as archive:
            return int(json.loads(archive.read(_STRUCTURE))["count"])

    def spec() -> Any:
        first = next(read_elements(path))
        return map_element(lambda t: TensorSpec(t.shape, t.dtype), first)

    return Node("LoadDataset", lambda: read_elements(path), count, spec)


__all__ = ["cached", "loaded", "prefetched", "read_elements", "write_elements"]
