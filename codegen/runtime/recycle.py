"""Large output arrays get memory that other large outputs have left: fresh pages cost more than most kernels.

Arrays are plain ones that own their data; NumPy gives the memory back through the allocator that it came from, when
the array and every view, export and DLPack capsule of it are gone. So no living array shares memory with a new one.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import numpy as np

from codegen.runtime import recycle_text as words
from graphcore.errors import LayerJitError

LARGE = 1 << 20
"""Arrays from so many bytes on are recycled."""
MOST = 256 << 20
"""More bytes than this never wait for new arrays; nor more than an eighth of the machine's memory."""

_NAME = b"layerjit"
_API_SET_HANDLER = 304  # index of PyDataMem_SetHandler in NumPy's C table, part of its stable ABI since 1.22
_VERSION_AT, _ALLOCATOR_AT = 127, 128  # in struct PyDataMem_Handler


class Recycler:
    """The allocator of this process and what it keeps.

    Attributes:
        address: of its state, which is never freed, as arrays may go after everything else.
    """

    def __init__(self) -> None:
        """Makes a recycler that has no code yet: large arrays are ordinary ones until it has."""
        import ctypes

        from codegen.runtime.layout import API_EMPTY, numpy_function

        library = ctypes.CDLL(None)
        self._memory = (ctypes.c_int64 * (words.SIZE // 8))()
        self._handler = ctypes.create_string_buffer(_ALLOCATOR_AT + 5 * 8)
        for thing in (self._memory, self._handler, _CAPSULE):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
        self.address = ctypes.addressof(self._memory)
        self._starter = ctypes.CFUNCTYPE(None)(self._asked)
        self._empty: Any = None
        functions: dict[int, Any] = {
            words.DECREF: ctypes.pythonapi.Py_DecRef, words.ALLOC: library.aligned_alloc, words.FREE: library.free,
            words.START: self._starter,
        }  # fmt: skip
        if sys.platform == "linux":
            functions[words.MADVISE] = library.madvise
        for word, function in functions.items():
            self._set(word, ctypes.cast(function, ctypes.c_void_p).value or 0)
        self._set(words.ARRAY_EMPTY, numpy_function(API_EMPTY))
        self._set(words.SET_HANDLER, numpy_function(_API_SET_HANDLER))
        self._set(words.LIMIT, min(MOST, _physical_memory() // 8))

    @property
    def waiting(self) -> int:
        """Bytes that wait for new arrays."""
        return self._memory[words.PARKED // 8]

    @property
    def ready(self) -> bool:
        """Whether large arrays are recycled now."""
        return self._memory[words.EMPTY // 8] != 0

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """As np.empty; recycled if it is large."""
        import ctypes

        size = dtype.itemsize
        for d in shape:
            size *= d
        if size < LARGE:
            return np.empty(shape, dtype)
        if self._empty is None:
            self._asked()
            return np.empty(shape, dtype)
        sizes = (ctypes.c_int64 * max(len(shape), 1))(*shape)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(dtype))
        return self._empty(self.address, len(shape), ctypes.addressof(sizes), id(dtype))

    def start(self) -> None:
        """Compiles the allocator, unless it is there. Raises CodegenError if that fails (a bug)."""
        import ctypes

        from codegen.engine import compile_object, load_object
        from codegen.target import host_target

        with _lock:
            if self.ready:
                return
            library = load_object(compile_object(words.recycle_text(), host_target()).data, words.ENTRIES).keep()
            empty, *functions = (library.address(name) for name in words.ENTRIES)
            at = ctypes.addressof(self._handler)
            ctypes.memmove(at, _NAME, len(_NAME))
            ctypes.c_uint8.from_address(at + _VERSION_AT).value = 1
            for i, value in enumerate((self.address, *functions)):
                ctypes.c_int64.from_address(at + _ALLOCATOR_AT + 8 * i).value = value
            kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
            capsule = kind(("PyCapsule_New", ctypes.pythonapi))(at, _CAPSULE, None)
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(capsule))
            self._set(words.HANDLER, id(capsule))
            arguments = (ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
            self._empty = ctypes.PYFUNCTYPE(ctypes.py_object, *arguments)(empty)
            self._set(words.EMPTY, empty)

    def _asked(self) -> None:
        """What the first large allocation calls; it goes on without, since compiling takes longer."""
        try:
            self._set(words.START, 0)
            threading.Thread(target=self._start_quietly, name="layerjit recycler", daemon=True).start()
        except RuntimeError:  # the interpreter ends, or there are no threads to be had
            return

    def _start_quietly(self) -> None:
        try:
            self.start()
        except LayerJitError as error:
            import warnings

            warnings.warn(f"layerjit does not recycle large arrays: {error}", stacklevel=2)

    def _set(self, word: int, value: int) -> None:
        self._memory[word // 8] = value


_CAPSULE = b"mem_handler"
_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_made: list[Recycler] = []


def recycler() -> Recycler:
    """The recycler of this process. Raises UnsupportedError where NumPy's functions are not known."""
    if not _made:
        _made.append(Recycler())
    return _made[0]


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 * MOST
