"""Hashable references to tensors and variables, whose own `==` is elementwise."""

from __future__ import annotations

from typing import Any


class Reference:
    """A hashable reference to one object (tf.Tensor.ref, tf.Variable.ref)."""

    __slots__ = ("_object",)

    def __init__(self, obj: Any) -> None:
        """Refers to `obj`."""
        self._object = obj

    def deref(self) -> Any:
        """The object referred to."""
        return self._object

    def __eq__(self, other: object) -> bool:
        """Whether both refer to the same object."""
        return isinstance(other, Reference) and self._object is other._object

    def __hash__(self) -> int:
        """Hash of the identity."""
        return id(self._object)

    def __repr__(self) -> str:
        """<Reference wrapping ...>."""
        return f"<Reference wrapping {self._object!r}>"
