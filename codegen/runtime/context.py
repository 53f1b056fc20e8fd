"""The context table: the process addresses that generated code uses, kept out of the object.

A context is an array of int64 slots. The first slots serve the kernels (`layerjit_main(ctx, ...)`), the next
the call entry; what one plan needs beyond that (dtypes, captured buffers, variables) follows. One object can
be loaded once and bound to several contexts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from codegen.pool.pool import pool
from codegen.runtime import interrupt

# Slots that layerjit_main may read. `host`: int32 (int64 call, ptr bufs, ptr dims). `parallel`: the pool's state
# (codegen.pool.words). `alloc`: ptr (int64 alignment, int64 size). `free`: void (ptr). `poll`: the state for looking
# for signals (codegen.runtime.interrupt), 0 where a run must not be interrupted; `patience`: the work until then. The
# others are filled by `register`, 0 where absent.
MAIN_SLOTS = ("host", "parallel", "alloc", "free", "poll", "patience", "main.6", "main.7")
# Slots that only the call entry reads.
ENTRY_SLOTS = (
    "arena", "main", "busy", "slow", "ndarray", "tensor", "empty", "generic_alloc", "incref", "decref",
    "vectorcall", "container_new", "container_set", "save_thread", "restore_thread", "from_long", "no_memory",
    "failed", "pack", "none", "repack", "quiet", "recycler",
)  # fmt: skip
_SLOTS = {name: i for i, name in enumerate(MAIN_SLOTS + ENTRY_SLOTS)}
FIRST_FREE = len(_SLOTS)
"""The first slot that has no fixed meaning."""

_process: dict[str, int] = {}


def slot(name: str) -> int:
    """The index of a named slot. Raises KeyError for an unknown name."""
    return _SLOTS[name]


def register(name: str, address: int) -> None:
    """Sets a slot of every context made from now on, by name."""
    if name not in MAIN_SLOTS:
        raise KeyError(f"{name} is not a slot for kernels: {', '.join(MAIN_SLOTS)}")
    _process[name] = address


class Context:
    """One table, and the objects whose addresses are in it.

    Attributes:
        table: the slots, int64.
        kept: objects that live as long as the context.
    """

    __slots__ = ("_free", "kept", "table")
    _arena = _SLOTS["arena"]  # here, since the module may be gone when the last contexts go

    def __init__(self, size: int = FIRST_FREE) -> None:
        """Makes a table of `size` slots with the process-wide addresses filled in."""
        import ctypes

        self.table: npt.NDArray[np.int64] = np.zeros(max(size, FIRST_FREE), dtype=np.int64)
        self.kept: list[Any] = []
        library = ctypes.CDLL(None)
        for name in ("alloc", "free"):
            function = getattr(library, {"alloc": "aligned_alloc"}.get(name, name))
            self.set(name, ctypes.cast(function, ctypes.c_void_p).value or 0)
        self.set("parallel", pool().address)
        self.set("poll", interrupt.address())
        self.set("patience", interrupt.PATIENCE)
        for name, address in _process.items():
            self.set(name, address)
        self._free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(int(self.table[slot("free")]))

    @property
    def address(self) -> int:
        """The address of the table."""
        return self.table.ctypes.data

    def set(self, name: str | int, address: int) -> None:
        """Fills a slot, by name or index."""
        self.table[slot(name) if isinstance(name, str) else name] = address

    def quiet(self) -> int:
        """The address of a table for runs that must not be interrupted: the slots of kernels, without "poll"."""
        table = self.table[: len(MAIN_SLOTS)].copy()
        table[slot("poll")] = 0
        self.kept.append(table)
        return table.ctypes.data

    def keep(self, thing: Any) -> int:
        """Keeps an object alive with the context; returns its address."""
        self.kept.append(thing)
        return id(thing)

    def __del__(self) -> None:
        """Frees the cached arena."""
        table = getattr(self, "table", None)
        if table is not None and table[self._arena]:
            block, table[self._arena] = int(table[self._arena]), 0
            self._free(block)
