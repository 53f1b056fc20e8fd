"""HDF5 files: stores of arrays by path, read with every link and dataset checked first. Needs the extra `h5`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eager.keras.saving.limits import UnsafeFileError, check, check_expansion

Array = np.ndarray[Any, Any]
_DEFLATE, _SHUFFLE, _FLETCHER, _SCALE_OFFSET, _LZF = 1, 2, 3, 6, 32000
_FILTERS = frozenset((_DEFLATE, _SHUFFLE, _FLETCHER, _SCALE_OFFSET, _LZF))
_KINDS = "fiubc"


def h5py() -> Any:
    """The package h5py. Raises ImportError naming the extra."""
    try:
        import h5py as package
    except ImportError as error:
        raise ImportError(".keras and .h5 files need the package h5py: pip install 'layerjit[h5]'") from error
    return package


def open_h5(file: Any, what: str) -> Any:
    """An h5py.File opened for reading, of a path or a binary stream, after all its links were checked.

    Raises:
        UnsafeFileError: if it is no HDF5 file, has soft or external links, a cycle of groups, a virtual dataset, data
            in other files, an unusual filter, a named type, or is beyond a limit.
    """
    package = h5py()
    try:
        opened = package.File(file, "r")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnsafeFileError(f"Refused: {what} is no valid HDF5 file: {error}") from error
    try:
        _check_tree(package, opened, what)
    except (RuntimeError, KeyError, OSError, TypeError) as error:
        opened.close()
        raise UnsafeFileError(f"Refused: {what} is damaged: {error}") from error
    except BaseException:
        opened.close()
        raise
    return opened


def _check_tree(package: Any, root: Any, what: str) -> None:
    """Walks all groups once. Hard links to one object from two places would let a small file look endless."""
    seen = {_address(package, root)}
    waiting: list[tuple[Any, int]] = [(root, 1)]
    count = total = 0
    while waiting:
        group, depth = waiting.pop()
        check(depth, "group_depth", f"the depth of groups in {what}")
        for name in group:
            count += 1
            check(count, "members", f"the number of objects in {what}")
            child = _child(package, group, name)
            address = _address(package, child)
            if address in seen:
                raise UnsafeFileError(f"Refused: {child.name} in {what} is linked twice")
            seen.add(address)
            if isinstance(child, package.Group):
                waiting.append((child, depth + 1))
            else:
                total += _check_dataset(package, child)
                check(total, "total_bytes", f"the size of all arrays in {what}")


def _child(package: Any, group: Any, name: str) -> Any:
    link = group.get(name, getlink=True)
    if type(link) is not package.HardLink:
        raise UnsafeFileError(f"Refused: {group.name}/{name} is a {type(link).__name__}; loading follows no links")
    return group[name]


def _address(package: Any, thing: Any) -> Any:
    return package.h5o.get_info(thing.id).addr


def _check_dataset(package: Any, dataset: Any) -> int:
    """Raises UnsafeFileError for a dataset that is more than plain numbers; returns its size in bytes."""
    name = dataset.name
    if not isinstance(dataset, package.Dataset):
        raise UnsafeFileError(f"Refused: {name} is neither a group nor an array")
    if dataset.is_virtual or dataset.external:
        raise UnsafeFileError(f"Refused: the array {name} lies in other files (virtual or external storage)")
    if dataset.shape is None:
        raise UnsafeFileError(f"Refused: the array {name} has no shape")
    properties = dataset.id.get_create_plist()
    used = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if not used <= _FILTERS:
        raise UnsafeFileError(f"Refused: the array {name} uses unusual filters {sorted(used - _FILTERS)}")
    size = int(dataset.size) * int(dataset.dtype.itemsize)
    check(size, "array_bytes", f"the size of the array {name}")
    check_expansion(size, int(dataset.id.get_storage_size()), f"the array {name}")
    return size


def read_array(dataset: Any) -> Array:
    """The numbers of a dataset; bfloat16 is kept as 16 bits with an attribute `dtype`.

    Raises:
        UnsafeFileError: if it holds anything but numbers and bools.
    """
    marked = _text(dataset.attrs.get("dtype"))
    if marked == "bfloat16" and dataset.dtype.itemsize == 2:
        from graphcore.dtypes import bfloat16

        return dataset[()].view(np.uint16).view(bfloat16().numpy)
    if dataset.dtype.kind not in _KINDS:
        raise UnsafeFileError(f"Refused: the array {dataset.name} holds {dataset.dtype}, but only numbers are loaded")
    return np.asarray(dataset[()])


def write_array(group: Any, name: str, value: Any) -> None:
    """Stores numbers under a name; bfloat16 as 16 bits with an attribute that says so."""
    array = np.asarray(value)
    if array.dtype.name == "bfloat16":
        group[name] = array.view(np.int16)
        group[name].attrs["dtype"] = "bfloat16"
    else:
        group[name] = array


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


class H5Entry:
    """The arrays of one object in a file, like a dict from "0", "1", ... or names."""

    def __init__(self, group: Any) -> None:
        """Takes the group, or None where the file has none."""
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        """Stores an array."""
        write_array(self._group, str(key), value)

    def __getitem__(self, key: str) -> Array:
        """An array. Raises KeyError if there is none."""
        if self._group is None or str(key) not in self._group:
            raise KeyError(key)
        return read_array(self._group[str(key)])

    def __contains__(self, key: str) -> bool:
        """Whether there is such an array."""
        return self._group is not None and str(key) in self._group

    def __len__(self) -> int:
        """The number of arrays."""
        return 0 if self._group is None else len(self._group)

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self.keys())

    def keys(self) -> list[str]:
        """The keys, numbers in their order."""
        found = [] if self._group is None else list(self._group)
        return sorted(found, key=lambda k: (not k.isdecimal(), int(k) if k.isdecimal() else 0, k))


class H5Store:
    """The objects of a file by path: the arrays of an object lie in the group `<path>/vars`."""

    def __init__(self, file: Any) -> None:
        """Takes an open h5py.File; one that is read has been opened by `open_h5`."""
        self._file = file

    def make(self, path: str, name: str | None) -> H5Entry:
        """A new entry; the object's name is kept as an attribute, for people who look into the file."""
        group = self._file.create_group(f"{path}/vars" if path else "vars")
        if name is not None:
            group.attrs["name"] = name
        return H5Entry(group)

    def get(self, path: str) -> H5Entry:
        """The entry of a path; empty if the file has none."""
        where = f"{path}/vars" if path else "vars"
        return H5Entry(self._file.get(where))

    def has(self, path: str) -> bool:
        """Whether the file has arrays at or below a path."""
        return path in self._file
