"""tf.nest: flatten and rebuild nested lists, tuples, namedtuples and dicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def is_nested(x: Any) -> bool:
    """Whether `x` is a structure and not a leaf (tf.nest.is_nested)."""
    return isinstance(x, list | tuple | dict)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order; dicts by sorted key (tf.nest.flatten). None is a leaf, and nothing is composite."""
    out: list[Any] = []
    _flatten(structure, out)
    return out


def _flatten(structure: Any, out: list[Any]) -> None:
    if isinstance(structure, list | tuple):
        for x in structure:
            _flatten(x, out)
    elif isinstance(structure, dict):
        for key in _keys(structure):
            _flatten(structure[key], out)
    else:
        out.append(structure)


def _keys(d: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(d)
    except TypeError:
        raise TypeError(f"Dict keys of a structure must be sortable, got {list(d)}") from None


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False) -> Any:
    """A structure like the given one with other leaves (tf.nest.pack_sequence_as).

    Raises:
        ValueError: if the number of leaves differs.
    """
    leaves = iter(flat_sequence)
    count = len(flatten(structure))
    if count != len(flat_sequence):
        raise ValueError(f"Structure has {count} atoms, but flat_sequence has {len(flat_sequence)}.")
    return _pack(structure, leaves)


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        packed = {key: _pack(structure[key], leaves) for key in _keys(structure)}
        ordered = {key: packed[key] for key in structure}
        if isinstance(structure, defaultdict):
            return type(structure)(structure.default_factory, ordered)
        return ordered if type(structure) is dict else type(structure)(ordered)
    if isinstance(structure, tuple):
        items = [_pack(x, leaves) for x in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    if isinstance(structure, list):
        return [_pack(x, leaves) for x in structure]
    return next(leaves)


def map_structure(
    func: Callable[..., Any], *structure: Any, check_types: bool = True, expand_composites: bool = False
) -> Any:
    """Applies `func` to corresponding leaves (tf.nest.map_structure).

    Composite tensors do not exist here, so `expand_composites` changes nothing.

    Raises:
        ValueError, TypeError: if the structures differ.
    """
    del expand_composites
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types)
    flat = [flatten(s) for s in structure]
    return pack_sequence_as(structure[0], [func(*leaves) for leaves in zip(*flat, strict=True)])


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """A structure with `function` applied to its leaves; a bare leaf, the usual case of a call, is not taken apart."""
    return map_structure(function, structure) if is_nested(structure) else function(structure)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises ValueError or TypeError if two structures differ (tf.nest.assert_same_structure)."""
    if is_nested(nest1) != is_nested(nest2):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}")
    if not is_nested(nest1):
        return
    if check_types and _kind(nest1) != _kind(nest2):
        raise TypeError(f"Structures of different types: {type(nest1).__name__} and {type(nest2).__name__}")
    if len(nest1) != len(nest2) or (isinstance(nest1, dict) and _keys(nest1) != _keys(nest2)):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}")
    first = [nest1[k] for k in _keys(nest1)] if isinstance(nest1, dict) else nest1
    second = [nest2[k] for k in _keys(nest2)] if isinstance(nest2, dict) else nest2
    for a, b in zip(first, second, strict=True):
        assert_same_structure(a, b, check_types)


def _kind(structure: Any) -> Any:
    """What two structures must have in common; subclasses of lists and dicts count as lists and dicts."""
    fields = getattr(structure, "_fields", None)
    if isinstance(structure, tuple) and fields is not None:
        return type(structure).__name__, fields
    return next(kind for kind in (list, tuple, dict) if isinstance(structure, kind))


def structure_key(structure: Any, leaf: Callable[[Any], Any]) -> Any:
    """A hashable description of a structure, with `leaf` describing each leaf."""
    if isinstance(structure, list | tuple):
        return (type(structure).__name__, *(structure_key(x, leaf) for x in structure))
    if isinstance(structure, dict):
        return ("dict", *((k, structure_key(structure[k], leaf)) for k in _keys(structure)))
    return leaf(structure)
