"""How losses, metrics, targets and weights are matched to a model's outputs, as tf.keras does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager import nest
from eager.convert import convert
from eager.ops.array import cast, expand_dims


def output_names(y_pred: Any, known: Sequence[str]) -> list[str]:
    """The outputs' names: the known ones, the keys of a dict, or output_1, output_2, ..."""
    count = len(nest.flatten(y_pred))
    if len(known) == count:
        return list(known)
    keys = _keys_of(y_pred)
    return [f"output_{i + 1}" for i in range(count)] if keys is None else [str(k) for k in keys]


def _keys_of(y_pred: Any) -> list[Any] | None:
    """The keys of a dict of outputs in order, None for other structures."""
    flat = isinstance(y_pred, dict) and not any(nest.is_nested(v) for v in y_pred.values())
    return sorted(y_pred) if flat else None


def by_output(given: Any, y_pred: Any, names: Sequence[str]) -> list[Any]:
    """One entry per output: from one for all, a list in their order, or a dict by output name.

    Entries that are lists themselves, such as the metrics of an output, stay whole.

    Raises:
        ValueError: for a list of another length, or an unknown name.
    """
    if isinstance(given, dict):
        keys = _keys_of(y_pred)
        if keys is not None and not set(given) - set(keys):
            names = keys
        unknown = [k for k in given if k not in names]
        if unknown:
            raise ValueError(
                f"Found unexpected losses or metrics that do not correspond to any Model output: {unknown}. Valid "
                f"output names: {list(names)}. Received: {given}"
            )
        return [given.get(n) for n in names]
    if isinstance(given, list | tuple):
        if len(given) == 1 and len(names) > 1:
            return list(given) * len(names)
        if len(given) != len(names):
            raise ValueError(f"{len(given)} entries {given!r} were given for {len(names)} outputs {list(names)}")
        return list(given)
    return [given] * len(names)


def flat_like(structure: Any, y_pred: Any, names: Sequence[str], what: str) -> list[Any]:
    """Targets or weights in the order of the outputs; None means one None per output, one entry alone serves all.

    Raises:
        ValueError: if their number is not that of the outputs; it names those.
    """
    count = len(names)
    if structure is None:
        return [None] * count
    if isinstance(structure, dict):
        for known in (_keys_of(y_pred) or (), names):
            if not set(structure) - set(known):
                return [structure.get(n) for n in known]
    flat = nest.flatten(structure)
    if not nest.is_nested(structure) and count > 1:
        return flat * count
    if len(flat) != count:
        raise ValueError(
            f"The {what} do not match the model's outputs: {len(flat)} were given"
            f"{_keys(structure)} for {count} output{'s' if count > 1 else ''} {list(names)}"
        )
    return flat


def _keys(structure: Any) -> str:
    return f" ({sorted(structure)})" if isinstance(structure, dict) else ""


def match(target: Any, output: Any, weight: Any) -> tuple[Any, Any]:
    """Targets and weights with the rank and the dtype that the output asks for."""
    target = convert(target)
    weight = None if weight is None else convert(weight)
    if target.ndim == 1 and output.ndim == 2:
        target = expand_dims(target, -1)
    if weight is not None and weight.ndim == 1 and output.ndim == 2:
        weight = expand_dims(weight, -1)
    both = (target.dtype, output.dtype)
    if all(d.is_floating for d in both) or all(d.is_integer for d in both):
        target = cast(target, output.dtype)
    if weight is not None:
        weight = cast(weight, output.dtype)
    return target, weight
