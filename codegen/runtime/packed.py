"""Packed copies of lasting inputs at run time: made once per value and layout, shared by all functions.

A copy belongs to a captured array, which never changes, or to a variable, through the int64 0-d array that counts its
assignments. Native entries compare that counter with the one that they recorded, and call `PackedRecords` when it
has moved on.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from codegen.packing import PackedInput, PackedLayout, versioned_memory
from codegen.runtime.context import Context
from codegen.runtime.plan import Source
from graphcore.errors import InvalidArgumentError

# Words of the record of one packed input: address of the version counter, address of the slot that holds the copy.
# The version of a copy lies before its data, so that one slot changes both at once, whatever other threads do.
PACKED_WORDS = 2
PACKED_VERSION, PACKED_SLOT = range(PACKED_WORDS)

_Array = np.ndarray[Any, Any]
_constant = np.zeros((), np.int64)  # the version of what never changes


class _Copy:
    """A packed copy, the version of what it was made from, and a guard that forgets it with its owner."""

    __slots__ = ("array", "guard", "version")

    def __init__(self, array: _Array, version: int, guard: Any) -> None:
        self.array, self.version, self.guard = array, version, guard


_copies: dict[tuple[int, PackedLayout], _Copy] = {}


class PackedSource:
    """Where a packed input's value comes from.

    Attributes:
        input: the packed input.
        version: the counter of its assignments.
    """

    __slots__ = ("_captured", "_variable", "input", "version")

    def __init__(self, packed: PackedInput, source: Source) -> None:
        """Takes the source of the input in an entry plan.

        Raises:
            InvalidArgumentError: for an argument, or a variable whose assignments are not counted.
        """
        self.input = packed
        self._variable: Any = None
        self._captured: _Array | None = None
        if source[0] == "captured":
            self._captured, self.version = source[1], _constant
        elif source[0] == "variable" and source[2] is not None:
            self._variable, self.version = source[1], source[2]
        else:
            raise InvalidArgumentError(
                f"input {packed.number} was compiled as a lasting one, and its source is {source[0]!r} without a "
                "version counter; pass a captured array, or a variable with its counter"
            )

    @property
    def array(self) -> _Array:
        """The present value."""
        return self._variable._array if self._captured is None else self._captured

    def copy(self) -> _Array:
        """The packed copy of the present value."""
        while True:
            version, array = int(self.version), self.array
            owner = self.version if self._captured is None else self._captured
            packed = _shared(owner, version, array, self.input.layout)
            if int(self.version) == version:  # NumPy lets other threads run while it copies
                return packed


def _shared(owner: _Array, version: int, array: _Array, layout: PackedLayout) -> _Array:
    key = (id(owner), layout)
    found = _copies.get(key)
    if found is None or found.version != version:
        guard = weakref.ref(owner, lambda _: _copies.pop(key, None)) if found is None else found.guard
        found = _copies[key] = _Copy(layout.pack(array, version), version, guard)
    return found.array


def packed_bytes() -> int:
    """Bytes of all packed copies in this process."""
    return sum(copy.array.nbytes for copy in _copies.values())


def arrays_for(
    packed: Sequence[PackedInput], sources: Sequence[PackedSource], arrays: Sequence[_Array]
) -> list[_Array]:
    """The packed copies for a run on given arrays: the shared ones where an array is its source's present value."""
    out: list[_Array] = []
    for item in packed:
        array = arrays[item.number]
        # Both arrays live, so equal addresses mean the same memory, whatever views lie between.
        at = array.ctypes.data
        shared = next((s for s in sources if s.input == item and s.array.ctypes.data == at), None)
        out.append(item.layout.pack(array) if shared is None else shared.copy())
    return out


class PackedRecords:
    """The records of one entry's packed inputs, and what brings them up to date (the entry's slot "repack")."""

    __slots__ = ("_slots", "_sources")

    def __init__(self, context: Context, first: int, sources: Sequence[PackedSource]) -> None:
        """Fills the records with copies of no version.

        Args:
            context: the entry's table.
            first: the first slot of the records.
            sources: one per packed input.
        """
        self._sources = tuple(sources)
        self._slots = np.empty(len(sources), object)
        for i, source in enumerate(sources):
            self._slots[i] = versioned_memory(0, -1)
            at = first + PACKED_WORDS * i
            context.set(at + PACKED_VERSION, source.version.ctypes.data)
            context.set(at + PACKED_SLOT, self._slots.ctypes.data + i * self._slots.itemsize)

    def __call__(self, _: Any = None) -> None:
        """Packs what has changed. A run without the interpreter lock holds the copies that it reads."""
        for i, source in enumerate(self._sources):
            self._slots[i] = source.copy()
