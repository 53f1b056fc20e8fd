"""Runs emitted contractions on NumPy arrays, with guard bytes around every output."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from codegen.emit.gemm import GemmKernel
from codegen.emit.text import FunctionText, ModuleText
from codegen.engine import compile_object, load_object
from codegen.runtime import dimcode
from codegen.target import ISA_NAMES, Target, host_isa, host_target
from graphcore.dims import Dim, evaluate, free_symbols

SYMBOLS = ("M", "N", "K", "S", "T")
ISAS = [name for name in ISA_NAMES if ISA_NAMES.index(name) >= ISA_NAMES.index(host_isa())]
_KERNEL = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)


def emit_dim(fn: FunctionText, dim: Dim) -> str:
    """A Dim over SYMBOLS, which are loaded from %dims."""
    texts: dict[str, str] = {}
    for name in sorted(free_symbols(dim)):
        at = fn.emit(f"getelementptr i64, ptr %dims, i64 {SYMBOLS.index(name)}")
        texts[name] = fn.emit(f"load i64, ptr {at}, align 8")
    return dimcode.emit_dim(fn, dim, texts)


def aligned(x: Any, extra: int = 0) -> Any:
    """A copy of x at a 64-byte boundary plus `extra` bytes."""
    x = np.ascontiguousarray(x)
    room = np.zeros(x.nbytes + 128, np.uint8)
    start = -room.ctypes.data % 64 + extra
    out = room[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    out[...] = x
    return out


class Compiled:
    """Kernels compiled into the process."""

    def __init__(
        self, build: Callable[[ModuleText, Target], Sequence[GemmKernel]], isa: str | None = None
    ) -> None:
        self.target = host_target(isa)
        width = 512 if self.target.isa == "avx512" else 0
        module = ModuleText(prefer_vector_width=width)
        self.kernels = list(build(module, self.target))
        self.text = module.render()
        self.object = compile_object(self.text, self.target)
        self.library = load_object(self.object.data, [k.name for k in self.kernels])
        # NaN bits; later runs find what earlier ones left, which must not matter either.
        self.scratch = [aligned(np.full(k.scratch_bytes + 64, 0xFF, np.uint8)) for k in self.kernels]

    def run(
        self,
        arrays: Sequence[Any],
        env: Mapping[str, int] | None = None,
        *,
        kernel: int = 0,
        chunks: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        """Calls a kernel on all chunks, or on the given ranges in that order."""
        made, env = self.kernels[kernel], env or {}
        table = (ctypes.c_void_p * len(arrays))(*(x.ctypes.data for x in arrays))
        sizes = (ctypes.c_int64 * len(SYMBOLS))(*(env.get(name, 0) for name in SYMBOLS))
        scratch = self.scratch[kernel]
        function = _KERNEL(self.library.address(made.name))
        for begin, end in chunks or [(0, evaluate(made.chunk_count, env))]:
            status = function(
                ctypes.addressof(table), ctypes.addressof(sizes), scratch.ctypes.data, begin, end
            )
            assert status == 0
        assert (scratch[made.scratch_bytes :] == 0xFF).all(), "wrote past its scratch"
