"""tf.keras.layers.InputSpec: what a layer expects of its inputs, and the check."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from graphcore.dtypes import as_dtype


class InputSpec:
    """Rank, shape, dtype and sizes of certain axes of one input (tf.keras.layers.InputSpec).

    Attributes:
        dtype: expected dtype name, or None.
        shape: expected shape with None for any size, or None.
        ndim: expected rank, or None.
        max_ndim: largest rank, or None.
        min_ndim: smallest rank, or None.
        axes: dict from axis to its size.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or added.
        name: the key of this input in a dict of inputs.
        optional: whether the input may be None.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        """Makes a spec.

        Raises:
            ValueError: for an axis beyond the rank.
            TypeError: for axes that are not integers.
        """
        self.dtype = as_dtype(dtype).name if dtype is not None else None
        known = shape is not None and TensorShape(shape).rank is not None
        self.shape = tuple(TensorShape(shape).as_list()) if known else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(k): axes[k] for k in axes} if axes else {}
        except (ValueError, TypeError):
            raise TypeError(f"Argument `axes` must be a dict with integer keys. Received: axes={axes}") from None
        rank = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and rank is not None and max(self.axes) > rank - 1:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {rank - 1} (rank {rank})"
            )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments (without name and optional)."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """A spec from `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        """InputSpec(shape=(None, 2), ndim=2)."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        parts = [(name, getattr(self, name)) for name in names]
        return f"InputSpec({', '.join(f'{n}={v}' for n, v in parts if v or (v is not None and n != 'axes'))})"


def check(spec: Any, inputs: Any, layer_name: str) -> None:
    """Raises ValueError, naming expected and found, unless `inputs` fit the spec or structure of specs."""
    if type(inputs) is Tensor and isinstance(spec, InputSpec):
        _check_one(spec, inputs, 0, layer_name)
        return
    specs = nest.flatten(spec)
    given = _named(inputs, specs, layer_name) if isinstance(inputs, dict) else nest.flatten(inputs)
    for x in given:
        if x is not None and not hasattr(x, "shape"):
            raise TypeError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) as input for layer '{layer_name}'."
            )
    if len(given) != len(specs):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(given)} input tensors. '
            f"Inputs received: {inputs}"
        )
    for i, (x, s) in enumerate(zip(given, specs, strict=True)):
        if s is not None and not (x is None and s.optional):
            _check_one(s, x, i, layer_name)


def _named(inputs: dict[Any, Any], specs: list[Any], layer_name: str) -> list[Any]:
    """The values of a dict in the order of the specs' names, if all have one."""
    names = [getattr(s, "name", None) for s in specs]
    if not names or not all(names):
        return nest.flatten(inputs)
    missing = [n for n in names if n not in inputs]
    if missing:
        raise ValueError(
            f'Missing data for input "{missing[0]}". You passed a data dictionary with keys {list(inputs)} to layer '
            f'"{layer_name}". Expected the following keys: {names}'
        )
    return [inputs[n] for n in names]


def _check_one(spec: InputSpec, x: Any, number: int, layer_name: str) -> None:
    array = x._array if type(x) is Tensor else None
    if array is not None:
        sizes = array.shape
    elif x.shape.rank is None:
        return
    else:
        sizes = tuple(x.shape.as_list())
    found = _misfit(spec, x, sizes)
    if found is not None:
        raise ValueError(f'Input {number} of layer "{layer_name}" is incompatible with the layer: {found}')


def _misfit(spec: InputSpec, x: Any, sizes: tuple[int | None, ...]) -> str | None:
    """What was expected and found, in words; None if the input fits."""
    rank = len(sizes)
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and rank != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={rank}. Full shape received: {sizes}"
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={rank}. Full shape received: {sizes}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={rank}. Full shape received: {sizes}"
    if spec.dtype is not None and x.dtype.name != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={x.dtype.name}"
    for axis, size in spec.axes.items():
        if not -rank <= axis < rank or (size is not None and sizes[axis] != size and sizes[axis] is not None):
            return (
                f"expected axis {axis} of input shape to have value {size}, but received input with shape {sizes}"
            )
    if spec.shape is not None and not _shape_fits(spec, list(sizes)):
        return f"expected shape={spec.shape}, found shape={sizes}"
    return None


def _shape_fits(spec: InputSpec, shape: list[int | None]) -> bool:
    wanted = list(spec.shape or ())
    if _sizes_fit(wanted, shape):
        return True
    # A batch of one vector of numbers, (1,), has no last axis to leave out, but fits as it is.
    return spec.allow_last_axis_squeeze and _sizes_fit(_squeezed(wanted), _squeezed(shape))


def _squeezed(sizes: list[int | None]) -> list[int | None]:
    return sizes[:-1] if sizes and sizes[-1] == 1 else sizes


def _sizes_fit(wanted: list[int | None], sizes: list[int | None]) -> bool:
    return len(sizes) == len(wanted) and all(
        w is None or d is None or w == d for w, d in zip(wanted, sizes, strict=True)
    )
