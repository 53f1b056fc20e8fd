"""Signatures of calls: which arguments are tensors, which are part of the key, and which sizes are open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eager import nest
from eager.tensor import Tensor, concrete, wrap
from eager.tensor_shape import TensorSpec
from eager.variable import Variable
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype
from graphcore.types import TensorType


class UnhashableArgument(TypeError):
    """An argument can be no part of a signature; the call runs eagerly."""


class _Slot:
    """Stands for the tensor leaf of a number inside an argument structure."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Call:
    """One call of a traced function, taken apart.

    Attributes:
        leaves: tensor leaves (Tensor or TensorSpec) in order.
        key: a hashable description of everything else.
        values: the arguments, keyword arguments last.
    """

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Takes the arguments apart. Raises UnhashableArgument."""
        self.leaves: list[Any] = []
        self.kwargs_names = tuple(kwargs)
        self.values = [*args, *kwargs.values()]
        self._args = len(args)
        self._structure = [self._take(v) for v in self.values]
        self.key = (
            self._args, self.kwargs_names, tuple(nest.structure_key(s, _leaf_key) for s in self._structure),
        )  # fmt: skip

    def _take(self, value: Any) -> Any:
        if isinstance(value, list | tuple | dict):
            return nest.map_structure(self._leaf, value)
        return self._leaf(value)

    def _leaf(self, x: Any) -> Any:
        if isinstance(x, Tensor):
            array = concrete(x, "an argument of a tf.function")
            if not array.flags.c_contiguous:
                # A view (transposed, broadcast, sliced). Native code reads contiguous buffers, so the tensor keeps the
                # copy: the next call finds it.
                x._array = np.ascontiguousarray(array)
        elif isinstance(x, np.ndarray | np.generic):
            x = wrap(np.ascontiguousarray(x).reshape(np.shape(x)))
        elif not isinstance(x, TensorSpec):
            return x
        self.leaves.append(x)
        return _Slot(len(self.leaves) - 1)

    def rebuild(self, leaves: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments and keyword arguments with other tensors in place of the leaves."""

        def fill(x: Any) -> Any:
            return leaves[x.number] if isinstance(x, _Slot) else x

        values = [nest.map_structure(fill, s) if nest.is_nested(s) else fill(s) for s in self._structure]
        return values[: self._args], dict(zip(self.kwargs_names, values[self._args :], strict=True))

    def entry_layout(self, given: Sequence[Any]) -> tuple[list[int], list[tuple[int, Any]]] | None:
        """How a native entry finds the tensors of such calls.

        Args:
            given: the arguments as the caller wrote them, without defaults; keyword arguments last.

        Returns:
            The position of each tensor leaf in `given`, and (position, object) of the others; None if a tensor is not
            among them: it is a default, or was converted.
        """
        rest = dict(enumerate(given))
        positions: list[int] = []
        for value, slot in zip(self.values, self._structure, strict=True):
            if isinstance(slot, _Slot):
                position = next((i for i, v in rest.items() if v is value), None)
                if position is None:
                    return None
                positions.append(position)
                del rest[position]
        return positions, list(rest.items())

    def shapes(self) -> list[tuple[int, ...]]:
        """The actual shapes of the leaves; they must be tensors."""
        return [leaf._array.shape for leaf in self.leaves]

    def full_key(self) -> Any:
        """The key with exact dtypes and shapes."""
        return (self.key, tuple((leaf._array.dtype.char, leaf._array.shape) for leaf in self.leaves))


def _leaf_key(x: Any) -> Any:
    if isinstance(x, _Slot):
        return "tensor"
    if isinstance(x, float):
        return (float, x.hex())  # 0.0 and -0.0 differ, NaN equals itself
    if isinstance(x, Variable):
        return (Variable, x.ref())
    try:
        hash(x)
    except TypeError:
        raise UnhashableArgument(f"argument of type {type(x).__name__} cannot be hashed") from None
    return (type(x), x)


def exact_types(call: Call) -> list[TensorType]:
    """The types of the leaves with the sizes that they have; open sizes of TensorSpecs become symbols."""
    return [leaf_type(leaf, i) for i, leaf in enumerate(call.leaves)]


def leaf_type(leaf: Any, number: int) -> TensorType:
    """The type of a Tensor, or of a TensorSpec with one symbol per open dimension that has none yet."""
    if isinstance(leaf, TensorSpec):
        shape = [dims.symbol(f"d{number}_{axis}") if d is None else d for axis, d in enumerate(leaf.shape.raw)]
        return TensorType(leaf.dtype, shape)
    return TensorType(as_dtype(leaf._array.dtype), leaf._array.shape)


def generalised_types(call: Call, observed: Sequence[Sequence[tuple[int, ...]]]) -> list[TensorType] | None:
    """Types in which the sizes that differ between this call and earlier ones are symbols.

    Sizes that were equal to each other in all calls share a symbol. None if a size of 0 is involved (a trace of its
    own), or if nothing differs.
    """
    symbols: dict[tuple[int, ...], Dim] = {}
    histories = [[*(shapes[i] for shapes in observed), leaf._array.shape] for i, leaf in enumerate(call.leaves)]

    def dim(history: tuple[int, ...]) -> Dim:
        if len(set(history)) == 1:
            return history[0]
        return symbols.setdefault(history, dims.symbol(f"n{len(symbols)}"))

    types = [
        TensorType(as_dtype(leaf._array.dtype), [dim(h) for h in zip(*history, strict=True)])
        for leaf, history in zip(call.leaves, histories, strict=True)
    ]
    if not symbols or any(0 in history for history in symbols):
        return None
    return types


def binder(python_function: Callable[..., Any]) -> Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]:
    """A function that brings arguments into one order: by position where possible, defaults filled in.

    Raises:
        TypeError: from it, if the arguments do not fit the Python function.
    """
    import inspect

    try:
        signature = inspect.signature(python_function)
    except (TypeError, ValueError):
        return lambda *args, **kwargs: (args, kwargs)

    def bind(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    return bind


def check_signature(specs: Sequence[Any]) -> tuple[Any, ...]:
    """The input_signature of a tf.function as a tuple. Raises TypeError if it holds anything but TensorSpecs."""
    if not isinstance(specs, list | tuple) or not all(isinstance(s, TensorSpec) for s in nest.flatten(specs)):
        raise TypeError("input_signature must be a list or tuple of tf.TensorSpec (or structures of them)")
    return tuple(specs)


def fit_signature(specs: Sequence[Any], args: Sequence[Any], name: str) -> list[Any]:
    """Arguments converted to tensors of the specs' dtypes. Raises TypeError if one does not fit its spec."""
    from eager.convert import convert

    if len(args) != len(specs):
        raise TypeError(f"{name}: input_signature has {len(specs)} arguments, the call has {len(args)}")

    def fit(spec: TensorSpec, x: Any) -> Tensor:
        tensor = convert(x, like=spec.dtype)
        if not spec.is_compatible_with(tensor):
            raise TypeError(
                f"{name}: the call's argument {TensorSpec.from_tensor(tensor)} does not match the "
                f"input_signature's {spec}"
            )
        return tensor

    try:
        return [
            nest.map_structure(fit, spec, x) if nest.is_nested(spec) else fit(spec, x)
            for spec, x in zip(specs, args, strict=True)
        ]
    except ValueError as error:
        raise TypeError(f"{name}: an argument does not match the input_signature: {error}") from error
