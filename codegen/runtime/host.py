"""Calls from generated code back into Python: a C callback per graph, and exceptions that wait outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.runtime.interrupt import INTERRUPTED, raise_interrupt
from graphcore import dims
from graphcore.errors import DTypeError, LayerJitError, ShapeError
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.graph import Node

HOST_ERROR = -1
"""The status of layerjit_main when a host call raised; failures of kernels are other numbers."""

NO_MEMORY = -2
"""The status of layerjit_main when memory for values whose size it found out could not be had."""


class _Stash(threading.local):
    """The exception of the last failed host call of this thread, until the caller of layerjit_main takes it.

    One place per thread is enough: a nested call takes its exception before the outer host call returns.
    """

    error: BaseException | None = None


_stash = _Stash()


class HostCall:
    """A Python function that generated code calls.

    Attributes:
        name: the function's name in error messages.
        function: gets one array per input; returns an array, a sequence of arrays, or None if it has no
        outputs. inputs, outputs: their types. copy: whether the function gets copies, which it may keep.
        Without, the arrays are read-only views of
            buffers that are only valid during the call: for functions that do not keep their arguments.
        sized: whether the function gets (list of arrays, sizes of symbols by name) instead of the arrays.
        node: the node of the graph that the function computes, if it is one.
    """

    __slots__ = ("copy", "function", "inputs", "name", "node", "outputs", "sized")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        inputs: Sequence[TensorType],
        outputs: Sequence[TensorType],
        *,
        copy: bool = True,
        sized: bool = False,
        node: Node | None = None,
    ) -> None:
        """Describes a function."""
        self.node = node
        self.name, self.function, self.copy, self.sized = name, function, copy, sized
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)

    def run(self, buffers: Sequence[int | None], sizes: dict[str, int]) -> None:
        """Calls the function on the buffers' contents, and copies what it returns into the output buffers.

        Args:
            buffers: addresses, inputs before outputs.
            sizes: the size of every symbol.

        Raises:
            ShapeError, DTypeError: if a result is not what `outputs` says. Whatever the function raises.
        """
        arrays = [view(p, t, sizes) for p, t in zip(buffers, self.inputs + self.outputs, strict=True)]
        arguments, targets = arrays[: len(self.inputs)], arrays[len(self.inputs) :]
        for i, argument in enumerate(arguments):
            argument.flags.writeable = False
            if self.copy:
                arguments[i] = argument.copy()
        returned = self.function(arguments, sizes) if self.sized else self.function(*arguments)
        for target, result in zip(targets, self._results(returned), strict=True):
            self._check(target, result)
            np.copyto(target, result)

    def _results(self, returned: Any) -> list[np.ndarray[Any, Any]]:
        if returned is None:
            returned = ()
        parts: Sequence[Any] = returned if isinstance(returned, tuple | list) else (returned,)
        if len(parts) != len(self.outputs):
            raise LayerJitError(
                f"{self.name} returned {len(parts)} arrays, but {len(self.outputs)} were declared"
            )
        return [np.asarray(part) for part in parts]

    def _check(self, target: np.ndarray[Any, Any], result: np.ndarray[Any, Any]) -> None:
        if result.shape != target.shape:
            raise ShapeError(f"{self.name} returned shape {result.shape}, but declared {target.shape}")
        if result.dtype != target.dtype:
            raise DTypeError(
                f"{self.name} returned {result.dtype}, but declared {target.dtype}; cast its result"
            )


class HostCalls:
    """The host calls of one graph, numbered as layerjit_main numbers them, behind one C callback.

    Attributes:
        calls: the functions.
        symbols: names of the symbols in the order of the sizes that layerjit_main passes.
    """

    __slots__ = ("_callback", "calls", "symbols")

    def __init__(self, calls: Sequence[HostCall], symbols: Sequence[str] = ()) -> None:
        """Makes the table; the C callback is made on first use of `address`."""
        self.calls = tuple(calls)
        self.symbols = tuple(symbols)
        self._callback: Any = None

    @property
    def address(self) -> int:
        """The address of `int32 host(int64 call, ptr buffers, ptr sizes)`; valid while this object lives."""
        import ctypes

        if self._callback is None:
            # A CFUNCTYPE callback acquires the interpreter lock, whether or not the caller released it.
            kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
            self._callback = kind(self._called)
        return ctypes.cast(self._callback, ctypes.c_void_p).value or 0

    def _called(self, number: int, buffers: int, sizes: int) -> int:
        """Runs one call. Nothing may be raised into native code, so whatever happens becomes a status."""
        import ctypes

        try:
            call = self.calls[number]
            count = len(call.inputs) + len(call.outputs)
            pointers = (ctypes.c_void_p * count).from_address(buffers) if count else ()
            named = (ctypes.c_int64 * len(self.symbols)).from_address(sizes) if self.symbols else ()
            call.run(list(pointers), dict(zip(self.symbols, named, strict=True)))
        except BaseException as error:
            _stash.error = error
            return HOST_ERROR
        return 0


def take_error() -> BaseException | None:
    """The exception of the host call that failed last in this thread; it is given out once."""
    error, _stash.error = _stash.error, None
    return error


def raise_status(status: int) -> None:
    """Raises what a non-zero status of layerjit_main stands for.

    Raises:
        BaseException: what the host call or a signal handler raised, if one did; LayerJitError otherwise.
    """
    error = take_error() if status == HOST_ERROR else None
    if error is not None:
        raise error
    if status == INTERRUPTED:
        raise_interrupt()
    if status == NO_MEMORY:
        raise MemoryError("no memory is left for the values that a loop of a compiled function saves")
    raise LayerJitError(f"a compiled function failed with status {status}")


def view(address: int | None, kind: TensorType, sizes: dict[str, int]) -> np.ndarray[Any, Any]:
    """An array over memory that it does not own.

    Args:
        address: where the elements are; may be None or 0 for an empty array.
        kind: the type of the array.
        sizes: the size of every symbol.
    """
    import ctypes

    shape = tuple(dims.evaluate(d, sizes) for d in kind.shape)
    size = kind.dtype.size
    for d in shape:
        size *= d
    if not size or not address:
        return np.empty(shape, kind.dtype.numpy)
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype=kind.dtype.numpy).reshape(shape)
