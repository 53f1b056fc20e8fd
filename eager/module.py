"""tf.Module and tf.name_scope: objects that own variables, and prefixes of variable names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, ClassVar

from eager import deferred, nest
from eager.context import thread
from eager.variable import Variable


class name_scope:
    """A context in which variables made carry a prefix (tf.name_scope)."""

    def __init__(self, name: str) -> None:
        """A scope of that name. Raises ValueError if the name is not a string."""
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = name
        self._outer: list[tuple[str, ...]] = []

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    def __enter__(self) -> str:
        """Enters the scope and returns its full path, which ends in a slash."""
        self._outer.append(thread.scopes)
        thread.scopes = (*thread.scopes, *[part for part in self._name.split("/") if part])
        return "/".join(thread.scopes) + "/"

    def __exit__(self, *exc: object) -> None:
        """Leaves the scope."""
        thread.scopes = self._outer.pop()


class Module:
    """An object whose variables and inner modules are found through its attributes (tf.Module).

    Lists, tuples and dicts are looked into. Order: own variables by attribute name, then inner modules, depth first.
    """

    _untracked_attributes: ClassVar[frozenset[str]] = frozenset()
    """Attributes that are bookkeeping and are not looked into."""

    def __init__(self, name: str | None = None) -> None:
        """Makes a module; the name is by default the class's in snake case.

        Raises:
            ValueError: if the name is no identifier.
        """
        from eager.keras.engine.naming import snake_case

        chosen = snake_case(type(self).__name__) if name is None else name
        if not chosen.isidentifier():
            raise ValueError(f"{chosen!r} is not a valid module name. Module names must be valid Python identifiers")
        self._name = chosen

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute; a restored checkpoint that waits for what is in it hears of it."""
        object.__setattr__(self, name, value)
        if deferred.waiting:
            deferred.attached(self)

    @property
    def name(self) -> str:
        """The module's name."""
        return self._name

    @property
    def name_scope(self) -> name_scope:
        """The scope of the module's name."""
        return name_scope(self._name)

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorates a method so that variables made in it carry the module's name (tf.Module.with_name_scope)."""

        @wraps(method)
        def scoped(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return scoped

    @property
    def variables(self) -> Sequence[Variable]:
        """All variables of this module and those inside."""
        return tuple(walk(self, lambda x: isinstance(x, Variable)))

    @property
    def trainable_variables(self) -> Sequence[Variable]:
        """The variables that are trainable."""
        return tuple(walk(self, lambda x: isinstance(x, Variable) and x.trainable))

    @property
    def non_trainable_variables(self) -> Sequence[Variable]:
        """The variables that are not trainable."""
        return tuple(walk(self, lambda x: isinstance(x, Variable) and not x.trainable))

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules inside this one."""
        return tuple(walk(self, lambda x: isinstance(x, Module)))

    def _attributes(self) -> Iterator[Any]:
        """The attribute values that may hold variables and modules, by attribute name."""
        ignored = self._untracked_attributes
        return (value for key, value in sorted(vars(self).items()) if key not in ignored)


def walk(module: Module, wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """What fits `wanted` among a module's own values and, after those, inside its modules; each object once."""
    seen = {id(module)}
    yield from _walk(module, wanted, seen)


def _walk(module: Module, wanted: Callable[[Any], bool], seen: set[int]) -> Iterator[Any]:
    inner: list[Module] = []
    for attribute in module._attributes():
        for leaf in leaves(attribute):
            if id(leaf) in seen:
                continue
            if isinstance(leaf, Variable | Module):
                seen.add(id(leaf))
                if wanted(leaf):
                    yield leaf
            if isinstance(leaf, Module):
                inner.append(leaf)
    for child in inner:
        yield from _walk(child, wanted, seen)


def leaves(value: Any) -> list[Any]:
    """The leaves of a structure; dicts with keys that do not sort are taken in their own order."""
    if isinstance(value, dict):
        try:
            return nest.flatten(value)
        except TypeError:
            return [leaf for x in value.values() for leaf in leaves(x)]
    if isinstance(value, list | tuple):
        return [leaf for x in value for leaf in leaves(x)]
    return [value]
