"""Where the weights of an object and of all those inside lie in a file: by attribute and class, as Keras does.

`layers/<class in snake case>[_n]/...` for the layers of a Sequential or functional model, attribute names for the rest,
and `vars/<n>` for an object's own variables. A file is read by the places that Keras 3, Keras 2 or layerjit use.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from eager.keras.engine.naming import snake_case

_PRIVATE_IN_KERAS2 = {
    "MultiHeadAttention": {f"_{n}_dense": f"{n}_dense" for n in ("query", "key", "value", "output")},
}
"""Attributes that Keras 3 has under another name, which is the one written."""


class Entry(Protocol):
    """The arrays of one object."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Stores an array."""
        ...

    def keys(self) -> list[str]:
        """The keys."""
        ...


class Store(Protocol):
    """A file of arrays by path."""

    def make(self, path: str, name: str | None) -> Entry:
        """A new entry."""
        ...

    def get(self, path: str) -> Entry:
        """The entry of a path; empty if there is none."""
        ...


def is_saveable(obj: Any) -> bool:
    """Whether an object has variables to save: a layer, a metric, an optimizer."""
    return hasattr(obj, "save_own_variables") and not isinstance(obj, type)


def children(obj: Any) -> Iterator[tuple[list[str], Any]]:
    """What an object holds that has state, each with its names: the one that is written, then older ones."""
    listed = getattr(obj, "_network", None) is not None or hasattr(obj, "_stack")
    if listed:
        yield ["layers", "_layer_checkpoint_dependencies"], obj.layers
    skipped = getattr(type(obj), "_untracked_attributes", frozenset())
    renamed = _PRIVATE_IN_KERAS2.get(type(obj).__name__, {})
    # Private attributes come last.
    for key in sorted(vars(obj), key=lambda k: f"~{k}" if k.startswith("_") else k):
        if key in skipped or key.startswith("__"):
            continue
        value = vars(obj)[key]
        if is_saveable(value) or isinstance(value, list | tuple | dict):
            yield ([renamed[key], key] if key in renamed else [key]), value
    optimizer = vars(obj).get("optimizer") if "optimizer" in skipped else None
    if optimizer is not None and is_saveable(optimizer):
        yield ["optimizer"], optimizer


def members(container: Any) -> Iterator[tuple[str, Any]]:
    """The things with state in a list, tuple or dict, by class and number."""
    counts: dict[str, int] = {}
    for value in container.values() if isinstance(container, dict) else container:
        if is_saveable(value):
            name = snake_case(type(value).__name__)
        elif isinstance(value, list | tuple | dict):
            name = "container"
        else:
            continue
        count = counts[name] = counts.get(name, -1) + 1
        yield (f"{name}_{count}" if count else name), value


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def save_state(obj: Any, store: Store | None, assets: Path | None, skip: frozenset[int] = frozenset()) -> None:
    """Saves the variables and files of an object and of all inside it.

    Args:
        obj: a layer, model or optimizer.
        store: takes the arrays.
        assets: the folder for files; those of an object go into the folder of its path, made if it writes any.
        skip: identities of objects that are left out.
    """
    _save(obj, store, assets, "", set(skip))


def _save(obj: Any, store: Store | None, assets: Path | None, path: str, seen: set[int]) -> None:
    if id(obj) in seen:
        return
    seen.add(id(obj))
    if isinstance(obj, list | tuple | dict):
        for name, child in members(obj):
            _save(child, store, assets, _joined(path, name), seen)
        return
    if store is not None:
        name = getattr(obj, "name", None)
        obj.save_own_variables(store.make(path, name if isinstance(name, str) else None))
    if assets is not None and hasattr(obj, "save_assets"):
        _save_files(obj, assets / path)
    for names, child in children(obj):
        _save(child, store, assets, _joined(path, names[0]), seen)


def _save_files(obj: Any, folder: Path) -> None:
    from eager.keras.engine.layer_config import Configurable

    if type(obj).save_assets is not Configurable.save_assets:
        folder.mkdir(parents=True, exist_ok=True)
        obj.save_assets(str(folder))


class Loader:
    """The reading of a file's variables and files into an object.

    Attributes:
        errors: what could not be loaded, with why.
    """

    def __init__(self, store: Store, assets: Path | None = None) -> None:
        """Takes the arrays and the folder of files, None if there are none."""
        self._store, self._assets = store, assets
        self._done: set[int] = set()
        self.errors: dict[int, tuple[Any, Exception]] = {}

    def load(self, obj: Any, skip: frozenset[int] = frozenset()) -> None:
        """Loads an object and all inside it; what failed is in `errors`."""
        self._done |= skip
        self._load(obj, [""], set())

    def _load(self, obj: Any, paths: list[str], above: set[int]) -> None:
        if id(obj) in self._done or id(obj) in above:
            return
        above = above | {id(obj)}
        if isinstance(obj, list | tuple | dict):
            for name, child in members(obj):
                self._load(child, [_joined(p, name) for p in paths], above)
            return
        self._load_own(obj, paths)
        for names, child in children(obj):
            self._load(child, [_joined(p, n) for p in paths for n in names], above)

    def _load_own(self, obj: Any, paths: list[str]) -> None:
        """An object that is reachable in several ways is taken from the first place that fits."""
        found = [p for p in paths if self._store.get(p).keys()]
        path = found[0] if found else paths[0]
        try:
            obj.load_own_variables(self._store.get(path))
            if self._assets is not None and hasattr(obj, "load_assets") and (self._assets / path).is_dir():
                obj.load_assets(str(self._assets / path))
        except (ValueError, TypeError, KeyError, OSError) as error:
            self.errors[id(obj)] = (obj, error)
            return
        self.errors.pop(id(obj), None)
        self._done.add(id(obj))


def finish(loader: Loader, only_warn: bool, stacklevel: int = 4) -> None:
    """Raises ValueError, or warns, if anything could not be loaded."""
    if not loader.errors:
        return
    obj, error = next(iter(loader.errors.values()))
    names = [getattr(o, "name", type(o).__name__) for o, _ in loader.errors.values()]
    message = (
        f"A total of {len(names)} objects could not be loaded: {names}. The first, {obj!r}: {error}"
    )
    if only_warn:
        warnings.warn(message, stacklevel=stacklevel)
        return
    raise ValueError(message) from error
