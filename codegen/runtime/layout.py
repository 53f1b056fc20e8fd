"""Where CPython and NumPy keep the fields that the native call entry reads, checked on living objects.

The entry reads array headers, the first slot of Tensors and reference counts straight from memory. Nothing of
that is promised by Python's or NumPy's headers to a program that was not compiled against them, so every
offset is checked here on objects whose contents are known. If one does not hold, `native_entry_supported` is
False and calls take the Python path.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from graphcore.errors import UnsupportedError

# Fields of an array object relative to the end of the plain object header (object.__basicsize__), as NumPy's
# PyArrayObject_fields has had them since 1.7.
_ARRAY_FIELDS = {"data": 0, "nd": 8, "dims": 16, "strides": 24, "base": 32, "descr": 40, "flags": 48}
_FLAG_C_CONTIGUOUS, _FLAG_OWNDATA, _FLAG_ALIGNED, _FLAG_WRITEABLE = 0x1, 0x4, 0x100, 0x400
# Index of PyArray_GetNDArrayCVersion, PyArray_Type and PyArray_Empty in NumPy's C table; part of its stable
# ABI.
_API_VERSION, _API_ARRAY_TYPE, API_EMPTY = 0, 2, 184
_KNOWN_ABI = (0x01000009, 0x02000000)


class Layout:
    """Byte offsets inside Python objects, and addresses of the functions that the entry calls.

    Attributes:
        refcount: the reference count (its low 32 bits are read).
        type: the type pointer.
        data: an array's data pointer.
        nd: an array's rank (int32).
        dims: an array's pointer to its sizes (int64 each).
        base: an array's base object, null when it owns its data.
        descr: an array's dtype object.
        flags: an array's flags (int32).
        tuple_size: a tuple's length.
        tuple_items: a tuple's first item.
        readable: flag bits that an input must have (C-contiguous, aligned).
        writable: flag bits that an array needs to be overwritten in place (owns its data, writeable).
        functions: addresses of C functions by the names of `codegen.runtime.context`.
    """

    __slots__ = (
        "base", "data", "descr", "dims", "flags", "functions", "nd", "readable", "refcount", "tuple_items",
        "tuple_size", "type", "writable",
    )  # fmt: skip

    def __init__(self) -> None:
        """The layout that is expected; `layout` checks it."""
        header = object.__basicsize__
        self.refcount = header - 16
        self.type = header - 8
        self.data, self.nd, self.dims = (header + _ARRAY_FIELDS[name] for name in ("data", "nd", "dims"))
        self.base, self.descr, self.flags = (
            header + _ARRAY_FIELDS[name] for name in ("base", "descr", "flags")
        )
        self.tuple_size = header
        self.tuple_items = tuple.__basicsize__
        self.readable = _FLAG_C_CONTIGUOUS | _FLAG_ALIGNED
        self.writable = _FLAG_OWNDATA | _FLAG_WRITEABLE
        self.functions: dict[str, int] = {}

    def key(self) -> tuple[int, ...]:
        """The offsets that generated entries depend on (for keys of caches of objects)."""
        return (
            self.refcount, self.type, self.data, self.nd, self.dims, self.base, self.descr, self.flags,
            self.tuple_size, self.tuple_items,
        )  # fmt: skip


def native_entry_supported() -> bool:
    """Whether the native call entry can be used in this process; False means that calls go through Python."""
    return _checked()[0] is not None


def layout() -> Layout:
    """The checked layout.

    Raises:
        UnsupportedError: naming what does not hold in this Python or NumPy.
    """
    found, reason = _checked()
    if found is None:
        raise UnsupportedError(
            f"the native call entry is not available here ({reason}); calls go through Python instead"
        )
    return found


@functools.cache
def _checked() -> tuple[Layout | None, str]:
    """The layout, or None and the reason why it cannot be used."""
    if sys.implementation.name != "cpython" or sys.byteorder != "little" or sys.maxsize != 2**63 - 1:
        return None, "it needs CPython on a 64-bit little-endian machine"
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None, "it relies on the global interpreter lock, which is disabled"
    found = Layout()
    try:
        found.functions = _functions()
    except (ImportError, AttributeError, OSError, ValueError) as error:
        return None, f"a function of the C interface is missing: {error}"
    for check in (_check_headers, _check_arrays, _check_tuples, _check_empty):
        if not check(found):
            return None, f"{check.__name__.removeprefix('_check_')} are laid out in another way"
    return found, ""


def _read(address: int, size: int) -> int:
    """The unsigned little-endian integer at an address."""
    import ctypes

    return int.from_bytes(ctypes.string_at(address, size), "little")


def _check_headers(at: Layout) -> bool:
    if at.refcount < 0:
        return False
    value = np.empty(3)
    at_first = _read(id(value) + at.refcount, 4)
    names = [value]
    for more in range(1, 4):
        if _read(id(value) + at.refcount, 4) != at_first + more:
            return False
        names.append(value)
    if not 1 <= at_first <= sys.getrefcount(value) - 4:
        return False
    return _read(id(value) + at.type, 8) == id(np.ndarray) and _read(id(at) + at.type, 8) == id(Layout)


def _check_arrays(at: Layout) -> bool:
    whole = np.arange(24, dtype=np.float32).reshape(2, 3, 4).copy()
    frozen = np.zeros((5, 1), dtype=np.int64)
    frozen.flags.writeable = False
    views = (whole, whole[1], whole.transpose(2, 0, 1), frozen, np.array(7, dtype=np.bool_), np.empty((0, 3)))
    return all(_check_array(at, array) for array in views)


def _check_array(at: Layout, array: np.ndarray[Any, Any]) -> bool:
    address = id(array)
    base = 0 if array.base is None else id(array.base)
    flags = _read(address + at.flags, 4)
    dims = _read(address + at.dims, 8)
    wanted = (
        (_FLAG_C_CONTIGUOUS, array.flags.c_contiguous),
        (_FLAG_ALIGNED, array.flags.aligned),
        (_FLAG_OWNDATA, array.flags.owndata),
        (_FLAG_WRITEABLE, array.flags.writeable),
    )
    return (
        _read(address + at.data, 8) == array.ctypes.data
        and _read(address + at.nd, 4) == array.ndim
        and all(_read(dims + 8 * axis, 8) == size for axis, size in enumerate(array.shape))
        and _read(address + at.base, 8) == base
        and _read(address + at.descr, 8) == id(array.dtype)
        and array.dtype is np.dtype(array.dtype.type)
        and all(bool(flags & bit) == bool(holds) for bit, holds in wanted)
    )


def _check_tuples(at: Layout) -> bool:
    items = tuple(["layerjit", "native", "call", "entry"])
    address = id(items)
    return _read(address + at.tuple_size, 8) == len(items) and all(
        _read(address + at.tuple_items + 8 * i, 8) == id(item) for i, item in enumerate(items)
    )


def _check_empty(at: Layout) -> bool:
    """Tries PyArray_Empty, and that it takes over one reference of the dtype."""
    import ctypes

    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(
        at.functions["empty"]
    )
    dtype = np.dtype(np.float32)
    sizes = (ctypes.c_int64 * 2)(3, 5)
    made: list[Any] = []
    for _ in range(2):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(dtype))
        made.append(make(2, ctypes.addressof(sizes), id(dtype), 0))
    array = made[0]
    return (
        type(array) is np.ndarray
        and array.shape == (3, 5)
        and array.dtype is dtype
        and bool(array.flags.c_contiguous and array.flags.owndata and array.flags.writeable)
        and array.base is None
    )


def _functions() -> dict[str, int]:
    """Addresses of the C functions that entries call."""
    import ctypes

    library = ctypes.CDLL(None)
    api = ctypes.pythonapi
    pointers = {
        "alloc": library.aligned_alloc,
        "free": library.free,
        "incref": api.Py_IncRef,
        "decref": api.Py_DecRef,
        "vectorcall": api.PyObject_Vectorcall,
        "generic_alloc": api.PyType_GenericAlloc,
        "tuple_new": api.PyTuple_New,
        "tuple_set": api.PyTuple_SetItem,
        "list_new": api.PyList_New,
        "list_set": api.PyList_SetItem,
        "save_thread": api.PyEval_SaveThread,
        "restore_thread": api.PyEval_RestoreThread,
        "from_long": api.PyLong_FromLong,
        "no_memory": api.PyErr_NoMemory,
    }
    found = {name: ctypes.cast(pointer, ctypes.c_void_p).value or 0 for name, pointer in pointers.items()}
    found["empty"] = numpy_function(API_EMPTY)
    return found


def numpy_function(index: int) -> int:
    """The address of a function in NumPy's C table. Raises ValueError if that is not one of the known versions."""
    import ctypes

    from numpy._core import multiarray  # the capsule has no public name

    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = pointer_of(multiarray._ARRAY_API, None)  # pyright: ignore[reportAttributeAccessIssue]
    slots = (ctypes.c_void_p * (max(index, API_EMPTY) + 1)).from_address(table)
    version = ctypes.PYFUNCTYPE(ctypes.c_uint)(slots[_API_VERSION] or 0)()
    if version not in _KNOWN_ABI or slots[_API_ARRAY_TYPE] != id(np.ndarray):
        raise ValueError(f"NumPy's C interface has the unknown version {version:#x}")
    return slots[index] or 0


@functools.cache
def slot_offset(cls: type, name: str = "_array") -> int:
    """The byte offset of a slot in the instances of a class, found by reading one.

    Args:
        cls: a class with `name` among its `__slots__` (its own or inherited), and `object.__new__`.
        name: the slot.

    Raises:
        UnsupportedError: if the class has no such slot, or its value is not found in memory.
    """
    descriptor: Any = getattr(cls, name, None)
    if type(descriptor).__name__ != "member_descriptor":
        raise UnsupportedError(f"{cls.__name__}.{name} is not a slot; declare it in __slots__")
    instance: Any = object.__new__(cls)
    marker = np.empty(1)
    descriptor.__set__(instance, marker)
    try:
        for offset in range(object.__basicsize__, cls.__basicsize__, 8):
            if _read(id(instance) + offset, 8) == id(marker):
                return offset
    finally:
        descriptor.__delete__(instance)
    raise UnsupportedError(f"the slot {cls.__name__}.{name} was not found in the memory of an instance")


def check_slot(instance: object, name: str = "_array") -> int:
    """The address of a slot of one object, checked to hold the object that Python reads there.

    Raises:
        UnsupportedError: if the slot holds something else.
    """
    address = id(instance) + slot_offset(type(instance), name)
    if _read(address, 8) != id(getattr(instance, name)):
        raise UnsupportedError(f"the slot {type(instance).__name__}.{name} is not where it was measured")
    return address
