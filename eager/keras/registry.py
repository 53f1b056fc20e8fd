"""Closed tables of named classes and functions, one per kind: initializers, losses, layers, and so on."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Registry:
    """The objects of one kind by name.

    Attributes:
        kind: what they are, in words, for messages.
        module: the module that serialized forms name, such as "keras.losses".
        entries: every object by each of its names.
    """

    def __init__(self, kind: str, module: str) -> None:
        """An empty table."""
        self.kind = kind
        self.module = module
        self.entries: dict[str, Any] = {}

    def add(self, *aliases: str) -> Callable[[T], T]:
        """Decorates a class or function: lists it under its own name, a class also in snake case, and aliases."""

        def register(obj: T) -> T:
            from eager.keras.engine.naming import snake_case

            name = str(getattr(obj, "__name__", ""))
            names = (name, snake_case(name), *aliases) if isinstance(obj, type) else (name, *aliases)
            self.entries.update(dict.fromkeys(names, obj))
            return obj

        return register

    def holds(self, obj: Any) -> bool:
        """Whether a class or function is one of the table's."""
        return self.entries.get(getattr(obj, "__name__", "")) is obj

    def find(self, name: str, custom: dict[str, Any] | None = None) -> Any:
        """The object of a name, among custom ones first.

        Raises:
            ValueError: for an unknown name; near ones are suggested.
        """
        from eager.keras.serialization import custom_object

        found = (custom or {}).get(name) or custom_object(name) or self.entries.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.entries, 3)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise ValueError(
                f"Unknown {self.kind}: {name!r}.{hint} Known are the built-in ones and what is registered with "
                "tf.keras.utils.register_keras_serializable or passed as custom_objects."
            )
        return found

    def get(self, identifier: Any, custom: dict[str, Any] | None = None) -> Any:
        """What an identifier means: None, a name, a serialized form, a class, or the object itself.

        Raises:
            ValueError: for an unknown name.
            TypeError: for something that cannot be used.
        """
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            from eager.keras.serialization import deserialize_keras_object

            return deserialize_keras_object(identifier, custom_objects=custom, registry=self)
        if isinstance(identifier, str):
            identifier = self.find(identifier, custom)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier):
            return identifier
        raise TypeError(f"Could not interpret {self.kind} identifier: {identifier!r}")
