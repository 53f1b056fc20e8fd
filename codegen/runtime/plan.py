"""What a native call entry does, as data: its inputs, checks, results and updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from graphcore import dims
from graphcore.dims import Atom, Dim, SymDim
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError
from graphcore.types import TensorType

if TYPE_CHECKING:
    import ctypes

    from codegen.packing import PackedInput
    from codegen.runtime.host import HostCalls

Source: TypeAlias = (
    tuple[Literal["arg"], int]
    | tuple[Literal["captured"], np.ndarray[Any, Any]]
    | tuple[Literal["variable"], Any, np.ndarray[Any, Any] | None]
)
Guard: TypeAlias = tuple[str, Dim, Dim, bool]
Result: TypeAlias = Literal["single", "tuple", "list", "none"] | Callable[[list[Any]], Any]

RELEASE_WORK = 4_000_000
"""Work, in picoseconds, from which the interpreter lock is released: a few microseconds."""


class EntryPlan:
    """Everything that the native entry of one traced signature knows.

    Attributes:
        arguments: number of positional arguments.
        keywords: names of keyword arguments, in the order that callers write them; the argument of the k-th name
            has number `arguments + k`. Calls that pass others, or in another order, are slow calls.
        constants: pairs (argument number, object): arguments that must be that very object (None, True, a layer).
        inputs: per graph input ("arg", number), ("captured", array) or ("variable", object, version): the
            object's slot `_array` holds its array; version is an int64 0-d array that counts assignments, or None.
        input_types, output_types: the graph's types. Sizes bind symbols by first occurrence as a bare symbol.
        symbols: names in the order in which layerjit_main expects their sizes.
        guards: (kind, a, b, expected): the call is fast only if the comparison "eq" | "lt" | "le" comes out so.
        result: the structure that is returned; a callable gets the list of tensors.
        returned: per returned tensor, the output that it is. An output named twice gives one Tensor twice.
        updates: (output, input, donatable): the output is the new value of the variable at that input; donatable
            says that layerjit_main may write it over the old value, and cannot fail after doing so.
        packed: lasting inputs of which layerjit_main gets packed copies too, after the outputs.
        tensor_type: the Tensor class; its slot `_array` holds the array.
        slow: what is called, with the same arguments, when the fast call does not apply (may be another entry).
        busy: an int64 that sends every call to `slow` while it is not zero, or None.
        arena: bytes of scratch memory that layerjit_main needs.
        work: estimated picoseconds, which decide on releasing the interpreter lock.
        host: the Python functions that layerjit_main calls back, or None.
        on_error: called with a non-zero status; raises. None raises what a host call raised, or a general error.
        name: what the entry is called in tracebacks.
    """

    def __init__(
        self,
        *,
        arguments: int,
        inputs: Sequence[Source],
        input_types: Sequence[TensorType],
        output_types: Sequence[TensorType],
        tensor_type: type,
        slow: Callable[..., Any],
        result: Result = "single",
        returned: Sequence[int] | None = None,
        symbols: Sequence[str] | None = None,
        keywords: Sequence[str] = (),
        constants: Sequence[tuple[int, Any]] = (),
        guards: Sequence[Guard] = (),
        updates: Sequence[tuple[int, int, bool]] = (),
        packed: Sequence[PackedInput] = (),
        busy: ctypes.c_int64 | None = None,
        arena: Dim = 0,
        work: Dim = 0,
        host: HostCalls | None = None,
        on_error: Callable[[int], Any] | None = None,
        name: str = "layerjit_function",
    ) -> None:
        """Makes a plan and checks that its parts fit together.

        Raises:
            InvalidArgumentError, ShapeError, DTypeError: naming the part that does not fit.
        """
        self.arguments, self.keywords, self.constants = arguments, tuple(keywords), tuple(constants)
        self.inputs, self.input_types = tuple(inputs), tuple(input_types)
        self.output_types = tuple(output_types)
        self.updates, self.packed = tuple(updates), tuple(packed)
        updated = {update[0] for update in self.updates}
        plain = tuple(i for i in range(len(self.output_types)) if i not in updated)
        self.returned: tuple[int, ...] = (
            (() if result == "none" else plain) if returned is None else tuple(returned)
        )
        self.symbols = symbol_order(self.input_types) if symbols is None else tuple(symbols)
        self.guards = tuple(guards)
        self.result: Result = result
        self.tensor_type, self.slow, self.busy = tensor_type, slow, busy
        self.arena, self.work, self.host, self.on_error, self.name = arena, work, host, on_error, name
        _check_arguments(self)
        _check_symbols(self)
        _check_fixed(self)
        _check_results(self)

    @property
    def parameter_count(self) -> int:
        """Arguments and keywords together."""
        return self.arguments + len(self.keywords)

    @property
    def variables(self) -> tuple[int, ...]:
        """Positions of the inputs that are variables."""
        return tuple(i for i, source in enumerate(self.inputs) if source[0] == "variable")


def symbol_order(types: Sequence[TensorType]) -> tuple[str, ...]:
    """The symbols that occur bare in shapes, in order of first occurrence."""
    names = (dims.is_symbol(d) for t in types for d in t.shape)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def symbol_atom(dim: Dim) -> Atom | None:
    """The atom of a Dim that is a bare symbol, else None."""
    return dim.terms[0][0][0] if isinstance(dim, SymDim) and dims.is_symbol(dim) else None


def bind_symbols(types: Sequence[TensorType], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The size of every symbol, from the shapes of actual arrays.

    Raises:
        ShapeError: if a rank or size is not what the type says, or a symbol's bounds are left.
    """
    sizes: dict[str, int] = {}
    for number, (kind, shape) in enumerate(zip(types, shapes, strict=True)):
        if len(shape) != kind.rank:
            raise ShapeError(f"input {number} has shape {shape}, but the compiled function takes {kind}")
        for dim, size in zip(kind.shape, shape, strict=True):
            atom = symbol_atom(dim)
            if atom is not None and sizes.setdefault(atom.name, size) == size and not _within(atom, size):
                raise ShapeError(f"size {size} of {atom.name} in input {number} is outside of its bounds")
    for number, (kind, shape) in enumerate(zip(types, shapes, strict=True)):
        wanted = tuple(dims.evaluate(dim, sizes) for dim in kind.shape)
        if wanted != shape:
            raise ShapeError(
                f"input {number} has shape {shape}, but the compiled function takes {kind}: {wanted}"
            )
    return sizes


def _within(atom: Atom, size: int) -> bool:
    low, high = atom.low, atom.high
    return (low is None or size >= low) and (not isinstance(high, int) or size <= high)


def _check_arguments(plan: EntryPlan) -> None:
    """Every argument must be checked by something, or calls that differ in it would be confused."""
    read = [source[1] for source in plan.inputs if source[0] == "arg"]
    used = {number for number in read if isinstance(number, int)} | {number for number, _ in plan.constants}
    if used != set(range(plan.parameter_count)):
        raise InvalidArgumentError(
            f"the plan of {plan.name} has {plan.parameter_count} arguments, but its inputs and constants "
            f"cover {sorted(used)}; each argument must be an input or a constant"
        )
    if len(plan.inputs) != len(plan.input_types):
        raise InvalidArgumentError(f"{len(plan.inputs)} inputs but {len(plan.input_types)} input types")


def _check_symbols(plan: EntryPlan) -> None:
    bound = set(
        symbol_order([t for t, s in zip(plan.input_types, plan.inputs, strict=True) if s[0] == "arg"])
    )
    shapes = [t.shape for t in plan.input_types + plan.output_types]
    guarded = [(a, b) for _, a, b, _ in plan.guards]
    unbound = dims.free_symbols([*shapes, *guarded, plan.arena, plan.work]) | set(plan.symbols)
    if unbound - bound:
        raise InvalidArgumentError(
            f"no argument of {plan.name} has a dimension that is just {', '.join(sorted(unbound - bound))}, "
            "so its size cannot be known; make the dimension static or pass it as a dimension of an argument"
        )


def _check_fixed(plan: EntryPlan) -> None:
    """Captured arrays and variables must have the static type that the graph assumes."""
    for number, (source, kind) in enumerate(zip(plan.inputs, plan.input_types, strict=True)):
        if source[0] == "arg":
            continue
        array: Any = source[1] if source[0] == "captured" else source[1]._array
        if not kind.is_static:
            raise ShapeError(f"input {number} is {source[0]} and must have a static shape, not {kind}")
        if type(array) is not np.ndarray or array.shape != kind.shape:
            raise ShapeError(f"input {number} ({source[0]}) holds {_describe(array)}, not an array of {kind}")
        if array.dtype != kind.dtype.numpy:
            raise DTypeError(f"input {number} ({source[0]}) holds {_describe(array)}, not {kind}; cast it")
        if not (array.flags.c_contiguous and array.flags.aligned):
            raise InvalidArgumentError(
                f"input {number} ({source[0]}) is not contiguous; use np.ascontiguousarray"
            )


def _describe(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__


def _check_results(plan: EntryPlan) -> None:
    count = len(plan.output_types)
    if any(not 0 <= i < count for i in plan.returned) or (
        plan.result == "single" and len(plan.returned) != 1
    ):
        raise InvalidArgumentError(
            f"{plan.name} cannot return outputs {plan.returned} of {count} as {plan.result}"
        )
    for output, source, _ in plan.updates:
        if plan.inputs[source][0] != "variable" or plan.output_types[output] != plan.input_types[source]:
            raise InvalidArgumentError(
                f"output {output} ({plan.output_types[output]}) cannot update input {source} "
                f"({plan.inputs[source][0]}, {plan.input_types[source]})"
            )
    if len({u[0] for u in plan.updates}) < len(plan.updates) or len({u[1] for u in plan.updates}) < len(
        plan.updates
    ):
        raise InvalidArgumentError(
            f"{plan.name} updates an input twice, or with one output twice: {plan.updates}"
        )
