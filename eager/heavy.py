"""Eager convolutions, window ops and large random draws on native kernels of the single op, where that pays.

A kernel serves every batch size of one (op, dtypes, sizes, attributes), and every size of a draw, piece by piece. It
is compiled when NumPy has done, or is about to do, about as much work for that key as compiling takes; until then, and
for small arrays, NumPy computes. Values are those of the op's `evaluate` to rounding: NumPy's products come from BLAS.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.dtypes import as_dtype
from graphcore.ops.random import per_block
from graphcore.optable import OpDef
from graphcore.types import TensorType

Arrays = Sequence[Any]
Kernel = Callable[[Arrays], list[Any]]

KINDS = frozenset(("convolve", "correlate", "window", "random"))
"""Kinds of ops that may run so."""

SMALL = 1 << 15
"""A call of fewer multiplications stays with NumPy."""

PAYS = 1 << 27
"""Multiplications for one key after which a kernel is compiled: some 50 ms of NumPy."""

ENTRIES = 256
"""Keys that are remembered; of more, those not used for longest are dropped."""

_WINDOW_WEIGHT = 8
"""One comparison of NumPy's window loop costs about as much as so many multiplications of a matrix product."""

_GROUPS_WEIGHT = 16
"""The same for small products of groups."""

_RANDOM_WEIGHT = 256
"""The same for one random number."""

_PIECE = 1 << 16
"""Random numbers that one call of a kernel draws."""


class _Entry:
    """What is known of one key: the work that NumPy did, and the kernel once there is one."""

    __slots__ = ("done", "kernel")

    def __init__(self) -> None:
        self.done = 0
        self.kernel: Kernel | None = None


class Kernels:
    """The cache."""

    def __init__(self) -> None:
        """Starts empty."""
        self.entries: OrderedDict[Any, _Entry] = OrderedDict()
        self.available = True
        self._lock = threading.Lock()

    def compute(self, op: OpDef, arrays: Arrays, attrs: dict[str, Any]) -> Any:
        """The op's result from a kernel, or None where NumPy should compute it."""
        work = _work(op, arrays, attrs)
        if work < SMALL or not self.available:
            return None
        draws = op.kind == "random"
        whole, attrs = attrs, {**attrs, "shape": (_PIECE,)} if draws else attrs
        entry = self._entry((op.name, *_signature(op, arrays, attrs), tuple(attrs.items())))
        if entry.kernel is None:
            entry.done += work
            if entry.done < PAYS:
                return None
            entry.kernel = self._compiled(op, arrays, attrs)
            if entry.kernel is None:
                return None
        return _drawn(entry.kernel, arrays[0], whole["shape"]) if draws else entry.kernel(arrays)[0]

    def _entry(self, key: Any) -> _Entry:
        with self._lock:
            entry = self.entries.get(key)
            if entry is None:
                entry = self.entries[key] = _Entry()
                if len(self.entries) > ENTRIES:
                    self.entries.popitem(last=False)
            else:
                self.entries.move_to_end(key)
            return entry

    def _compiled(self, op: OpDef, arrays: Arrays, attrs: dict[str, Any]) -> Kernel | None:
        try:
            from eager.native import compile_op
        except (ImportError, OSError):  # no LLVM on this machine
            self.available = False
            return None
        types = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]
        if not all(t.dtype.is_native for t in types):
            return None
        if arrays[0].shape[0]:
            for i in range(_batched(op, attrs)):
                types[i] = types[i].with_shape((dims.symbol("n"), *arrays[i].shape[1:]))
        return compile_op(op, types, attrs)


def _work(op: OpDef, arrays: Arrays, attrs: dict[str, Any]) -> int:
    """About how many multiplications, or comparisons that take as long, the op makes."""
    if op.kind == "random":
        count = math.prod(attrs["shape"])
        return count * _RANDOM_WEIGHT if count >= _PIECE // 2 and len(arrays) == 1 else 0
    total = arrays[0].size
    if op.kind in ("convolve", "correlate"):
        shape = arrays[1].shape
        groups = attrs["groups"]
        total = total * shape[-1] // groups * (_GROUPS_WEIGHT if groups > 1 else 1)
        extents = attrs.get("kernel", shape[:-2])
    else:
        total *= _WINDOW_WEIGHT
        extents = attrs["window"]
    for k in extents:
        total *= k
    for s in attrs["strides"]:
        total //= s
    return total


def _drawn(kernel: Kernel, state: Any, shape: tuple[int, ...]) -> Any:
    """A draw of any size in pieces, each from the place of the stream where the one before ended."""
    first = kernel((state,))[0]
    out = np.empty(math.prod(shape), first.dtype)
    blocks = _PIECE // per_block(as_dtype(first.dtype))
    counter = (int(state[1]) % (1 << 64) << 64) + int(state[0]) % (1 << 64)
    for start in range(0, out.size, _PIECE):
        at = (counter + start // _PIECE * blocks) % (1 << 128)
        words = np.array([at % (1 << 64), at >> 64, int(state[2]) % (1 << 64)], np.uint64).view(np.int64)
        piece = kernel((words,))[0] if start else first
        out[start : start + _PIECE] = piece[: out.size - start]
    return out.reshape(shape)


def _batched(op: OpDef, attrs: dict[str, Any]) -> int:
    """The number of operands whose first axis is a batch, on which the kernel does not depend."""
    if op.kind != "window":
        return {"convolve": 1, "correlate": 2}.get(op.kind, 0)
    keys = ("window", "strides", "base_dilation", "window_dilation")
    return int(attrs["low"][0] == attrs["high"][0] == 0 and all(attrs[k][0] == 1 for k in keys))


def _signature(op: OpDef, arrays: Arrays, attrs: dict[str, Any]) -> tuple[Any, ...]:
    count, lead = _batched(op, attrs), arrays[0].shape[0]
    shapes = (a.shape[1:] if i < count else a.shape for i, a in enumerate(arrays))
    return (lead > 0 if count else lead, *shapes, *(a.dtype.str for a in arrays))


kernels = Kernels()
"""The one cache of the process."""
