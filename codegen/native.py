"""Native code of one graph as something to call: compiled just now, or read from the disk cache."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.engine import load_object
from codegen.runtime.plan import symbol_order
from graphcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from codegen.engine import Library
    from codegen.packing import PackedInput
    from codegen.runtime.call import GraphCall
    from codegen.runtime.host import HostCalls
    from codegen.runtime.packed import PackedSource
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target
    from graphcore.dims import Dim
    from graphcore.types import TensorType

MAIN_NAME = "layerjit_main"
"""The symbol of a graph's code in its object."""


class NativeGraph(ABC):
    """Native code of one graph, loaded when it is first run.

    Attributes:
        input_types, output_types: the graph's types.
        symbols: names of the sizes that layerjit_main takes, in order.
        host: the functions that it calls back, or None.
        packed: the lasting inputs of which layerjit_main takes packed copies, after the outputs.
        arena: bytes of scratch memory that a run needs.
        donations: pairs (output, input): the new value of a variable may be written over the old one.
        work: about how many picoseconds a run takes, by the sizes of the inputs.
        timings: seconds of what was done so far: lower, emit, llvm, load; or read and load.
        messages: what failure code i + 1 means.
        origin: where the code is from, for people.
    """

    def __init__(
        self, inputs: Sequence[TensorType], outputs: Sequence[TensorType], *, host: HostCalls | None,
        packed: tuple[PackedInput, ...], arena: Dim, donations: Sequence[tuple[int, int]], work: Dim,
        messages: tuple[str, ...], timings: dict[str, float],
    ) -> None:  # fmt: skip
        """Takes what is known before the code is loaded."""
        self.input_types, self.output_types = tuple(inputs), tuple(outputs)
        self.symbols = symbol_order(self.input_types)
        self.host, self.packed, self.arena = host, packed, arena
        self.donations, self.work = tuple(donations), work
        self.messages, self.timings = messages, timings
        self.origin = "compiled, not from the disk cache"
        self._entry_form = b""  # of the entry inside the object
        self._library: Library | None = None
        self._call: GraphCall | None = None
        self._sources: tuple[PackedSource, ...] = ()
        self._lock = threading.RLock()

    @property
    @abstractmethod
    def target(self) -> Target:
        """The CPU that the code is for."""

    @property
    @abstractmethod
    def object_bytes(self) -> bytes:
        """The relocatable object."""

    @property
    def library(self) -> Library:
        """The loaded object; loaded on first use."""
        with self._lock:
            if self._library is None:
                data = self.object_bytes
                started = time.perf_counter()
                self._library = load_object(data, (MAIN_NAME, *self._entry_names()))
                self.timings["load"] = time.perf_counter() - started
            return self._library

    def _entry_names(self) -> tuple[str, ...]:
        from codegen.runtime.entry import ENTRY_NAME

        return (ENTRY_NAME,) if self._entry_form else ()

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Computes all outputs from all inputs, in order.

        Raises:
            InvalidArgumentError: for a wrong number of arrays, a failed assertion, or an index out of range.
            ShapeError, DTypeError: if an array has not the type of its input.
        """
        if self._call is None:
            from codegen.runtime.call import GraphCall

            self._call = GraphCall(
                self.library.address(MAIN_NAME), self.input_types, self.output_types, symbols=self.symbols,
                arena=self.arena, host=self.host, on_error=self.fail, keep=self.library,
                packed=self._packed_arrays if self.packed else None,
            )  # fmt: skip
        return self._call.run(arrays)

    def _packed_arrays(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        from codegen.runtime.packed import arrays_for

        return arrays_for(self.packed, self._sources, arrays)

    def fail(self, status: int) -> None:
        """Raises what a non-zero status of layerjit_main means.

        Raises:
            InvalidArgumentError: for a failed assertion or an index out of range; whatever a host call raised.
        """
        if 0 < status <= len(self.messages):
            raise InvalidArgumentError(self.message(status - 1))
        from codegen.runtime.host import raise_status

        raise_status(status)

    def message(self, number: int) -> str:
        """What failure code number + 1 means."""
        return self.messages[number]

    def entry(self, plan: EntryPlan) -> Any:
        """The native entry (a METH_FASTCALL builtin) for one traced signature that runs this graph.

        The first one becomes part of the graph's object; others of another form are small objects of their own.

        Raises:
            UnsupportedError: where `native_entry_supported()` is False.
            InvalidArgumentError: if a packed input is an argument, or a variable without version counter.
        """
        from codegen.runtime.entry import bind_entry, entry_library, plan_form
        from codegen.runtime.packed import PackedSource

        self._sources = tuple(PackedSource(p, plan.inputs[p.number]) for p in self.packed)
        form = plan_form(plan)
        with self._lock:
            self._take_entry(plan, form)
            library = self.library if form == self._entry_form else entry_library(plan, form)
        return bind_entry(plan, library, main=self.library.address(MAIN_NAME))

    @abstractmethod
    def _take_entry(self, plan: EntryPlan, form: bytes) -> None:
        """Makes the entry part of the object, if that is not made yet."""
