"""Closed tables of named classes and functions, one per kind: initializers, losses, layers, and so on."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
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
        self._homes: dict[str, str] = {}

    def add_homes(self, modules: Mapping[str, str]) -> None:
        """Says which modules add which names, in the form of `lazy_names`; they are loaded when a name is asked for."""
        for path, names in modules.items():
            for entry in names.split():
                name, _, attribute = entry.partition("=")
                self._homes.update(dict.fromkeys((name, attribute or name), path))

    def add(self, *aliases: str) -> Callable[[T], T]:
        """Decorates a class or function: lists it under its own name, a class also in snake case, and aliases."""

        def register(obj: T) -> T:
            from eager.keras.engine.naming import snake_case

            name = str(getattr(obj, "__name__", ""))
            self.entries.update(dict.fromkeys((name, *aliases), obj))
            if isinstance(obj, type):
                # A function of that name stays what the name means ("hinge" beside the class Hinge).
                self.entries.setdefault(snake_case(name), obj)
            return obj

        return register

    def lookup(self, name: str) -> Any:
        """The object of a name, or None; loads the module of this table that adds it."""
        if name not in self.entries and name in self._homes:
            importlib.import_module(self._homes[name])
        return self.entries.get(name)

    def holds(self, obj: Any) -> bool:
        """Whether a class or function is one of the table's."""
        return self.entries.get(getattr(obj, "__name__", "")) is obj

    def find(self, name: str, custom: dict[str, Any] | None = None) -> Any:
        """The object of a name, among custom ones first.

        Raises:
            ValueError: for an unknown name; near ones are suggested.
        """
        from eager.keras.serialization import custom_object

        found = (custom or {}).get(name) or custom_object(name) or self.lookup(name)
        if found is None:
            near = difflib.get_close_matches(name, {**self.entries, **self._homes}, 3)
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
        raise ValueError(f"Could not interpret {self.kind} identifier: {identifier!r}")


def legacy_form(data: Any) -> Any:
    """A serialized object in the form of older files: only its class name and config."""
    if not isinstance(data, dict) or data.get("class_name") == "function":
        return data["config"] if isinstance(data, dict) else data
    return {"class_name": data.get("registered_name") or data["class_name"], "config": data["config"]}
