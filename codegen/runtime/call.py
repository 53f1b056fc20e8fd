"""The Python way into compiled code, through ctypes: slower than the native entry, and less particular."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from codegen.runtime.context import Context
from codegen.runtime.host import HostCalls, raise_status
from codegen.runtime.layout import native_entry_supported
from codegen.runtime.plan import bind_symbols, symbol_order
from codegen.runtime.recycle import recycler
from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import DTypeError, InvalidArgumentError, LayerJitError
from graphcore.types import TensorType

_ALIGNMENT = 64
_KNOWN_SHAPES = 256  # combinations of input shapes whose sizes are remembered per graph
_Shapes: TypeAlias = tuple[tuple[int, ...], ...]


class GraphCall:
    """Runs layerjit_main on lists of arrays.

    Attributes:
        inputs, outputs: types of the graph's inputs and outputs.
        symbols: names in the order in which layerjit_main expects their sizes.
        context: the table of addresses that layerjit_main gets.
    """

    def __init__(
        self,
        main: int,
        inputs: Sequence[TensorType],
        outputs: Sequence[TensorType],
        *,
        symbols: Sequence[str] | None = None,
        arena: Dim = 0,
        host: HostCalls | None = None,
        on_error: Callable[[int], Any] | None = None,
        keep: Any = None,
        packed: Callable[[Sequence[np.ndarray[Any, Any]]], Sequence[np.ndarray[Any, Any]]] | None = None,
    ) -> None:
        """Prepares calls.

        Args:
            main: the address of layerjit_main.
            inputs: types of the graph's inputs.
            outputs: types of its outputs.
            symbols: the order of sizes; None is the order of first occurrence in `inputs`.
            arena: bytes of scratch memory.
            host: the functions that the graph calls back.
            on_error: called with a non-zero status; raises.
            keep: what must live as long as this object (the loaded library).
            packed: gives the packed copies that layerjit_main takes after the outputs.
        """
        import ctypes

        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.symbols = symbol_order(self.inputs) if symbols is None else tuple(symbols)
        self.context = Context()
        self.context.kept += [host, keep]
        if host is not None:
            self.context.set("host", host.address)
        self._table = self.context.address
        self._arena, self._packed = arena, packed
        self._known: dict[_Shapes, tuple[Any, list[tuple[int, ...]], int]] = {}
        self._on_error = on_error or raise_status
        self._spare: list[np.ndarray[Any, Any]] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)  # releases the interpreter lock
        self._main = kind(main)
        self._empty: Callable[..., np.ndarray[Any, Any]] = recycler().empty if native_entry_supported() else np.empty

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Computes all outputs of the graph from all of its inputs.

        Args:
            arrays: one per input, in order; copied if not contiguous. They are not changed.

        Returns:
            New arrays, one per output.

        Raises:
            InvalidArgumentError: for a wrong number of arrays.
            ShapeError, DTypeError: if one has not the type of its input.
            LayerJitError: if the graph fails (or what a host call raised).
        """
        import ctypes

        held = self._convert(arrays)
        sizes, shapes, arena_size = self._sizes_for(tuple([array.shape for array in held]))
        results = [self._empty(shape, t.dtype.numpy) for shape, t in zip(shapes, self.outputs, strict=True)]
        packed = () if self._packed is None else self._packed(held)
        buffers = [array.ctypes.data for array in (*held, *results, *packed)]
        arena = self._take_arena(arena_size)
        status = self._main(
            self._table,
            (ctypes.c_void_p * max(len(buffers), 1))(*buffers),
            sizes,
            -(-arena.ctypes.data // _ALIGNMENT) * _ALIGNMENT if arena is not None else None,
        )
        if arena is not None:
            self._spare[:] = [arena]
        if status:
            self._on_error(status)
            raise LayerJitError(f"a compiled function failed with status {status}")
        return results

    def _sizes_for(self, given: _Shapes) -> tuple[Any, list[tuple[int, ...]], int]:
        """What depends on the inputs' shapes: the symbols' sizes, the outputs' shapes, the arena's bytes.

        Remembered, because evaluating polynomials in Python takes longer than a small kernel.
        """
        known = self._known.get(given)
        if known is None:
            import ctypes

            env = bind_symbols(self.inputs, given)
            sizes = (ctypes.c_int64 * max(len(self.symbols), 1))(*(env[name] for name in self.symbols))
            shapes = [tuple(dims.evaluate(d, env) for d in t.shape) for t in self.outputs]
            known = sizes, shapes, dims.evaluate(self._arena, env)
            if len(self._known) >= _KNOWN_SHAPES:
                self._known.clear()
            self._known[given] = known
        return known

    def _convert(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        if len(arrays) != len(self.inputs):
            raise InvalidArgumentError(f"{len(arrays)} arrays given to a graph of {len(self.inputs)} inputs")
        held: list[np.ndarray[Any, Any]] = []
        for number, (array, kind) in enumerate(zip(arrays, self.inputs, strict=True)):
            if array.dtype != kind.dtype.numpy:
                raise DTypeError(f"input {number} is {array.dtype}, but the graph takes {kind}; cast it")
            flags = array.flags
            if type(array) is not np.ndarray or not (flags.c_contiguous and flags.aligned):
                array = np.require(array, dtype=kind.dtype.numpy, requirements=("C", "A"))
            held.append(array)
        return held

    def _take_arena(self, size: int) -> np.ndarray[Any, Any] | None:
        """Scratch memory for one call: the spare block if it is large enough, else a new one."""
        if size <= 0:
            return None
        try:
            spare = self._spare.pop()  # concurrent calls cannot get the same block
        except IndexError:
            spare = None
        if spare is not None and spare.nbytes >= size + _ALIGNMENT:
            return spare
        return np.empty(size + _ALIGNMENT, dtype=np.uint8)
