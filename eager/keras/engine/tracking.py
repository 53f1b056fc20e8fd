"""How a layer finds its weights, inner layers and metrics: through its attributes, lists, tuples and dicts included.

Containers are kept as they are and looked into whenever somebody asks, so that what is appended later counts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from eager import deferred
from eager.module import Module, leaves
from eager.variable import Variable

if TYPE_CHECKING:
    from eager.keras.engine.base_layer import Layer

_set = object.__setattr__
_CONTAINERS = (list, tuple, dict)


class Tracking(Module):
    """The part of Layer that tracks variables, layers, modules and metrics."""

    _is_metric: ClassVar[bool] = False

    _own: list[Variable]
    _children: dict[str, Any]
    _metrics: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Prepares the bookkeeping, so that attributes may be set before `super().__init__()`."""
        self = super().__new__(cls)
        state = self.__dict__
        state["_own"], state["_children"], state["_metrics"] = [], {}, []
        state["_arguments"] = (args, kwargs)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute and tracks what it holds.

        Raises:
            AttributeError: for a read-only property.
        """
        try:
            if name in self._untracked_attributes:
                _set(self, name, value)
                return
            old = self.__dict__.get(name)
            _set(self, name, value)
        except AttributeError as error:
            raise AttributeError(
                f"Can't set the attribute {name!r} of {type(self).__name__}: it is a read-only property of layers. "
                "Please choose a different name."
            ) from error
        if old is not value and isinstance(old, (Variable, Module, *_CONTAINERS)):
            self._drop(name, old, value)
        if isinstance(value, (Variable, Module, *_CONTAINERS)) and name in self.__dict__:
            self._track(name, value)
            if deferred.waiting:
                deferred.attached(self)

    def __delattr__(self, name: str) -> None:
        """Deletes an attribute and forgets what only it held."""
        old = self.__dict__.get(name)
        super().__delattr__(name)
        self._drop(name, old, None)

    def _track(self, name: str, value: Any) -> None:
        if isinstance(value, Variable):
            self._own_variable(value)
            return
        if not getattr(value, "_is_metric", False):
            self._children[name] = value
        for leaf in leaves(value):
            if isinstance(leaf, Variable):
                self._own_variable(leaf)
            elif getattr(leaf, "_is_metric", False) and not isinstance(leaf, type):
                self._metrics[:] = [*(m for m in self._metrics if m is not leaf), leaf]

    def _own_variable(self, variable: Variable) -> None:
        if not any(v is variable for v in self._own):
            self._own.append(variable)

    def _drop(self, name: str, old: Any, new: Any) -> None:
        """Forgets what an attribute held, unless another one holds it; a trainable variable leaves its place."""
        self._children.pop(name, None)
        held = {id(leaf) for leaf in self._held()}
        for leaf in leaves(old):
            if id(leaf) in held:
                continue
            self._metrics[:] = [m for m in self._metrics if m is not leaf]
            at = next((i for i, v in enumerate(self._own) if v is leaf), None)
            if at is None:
                continue
            known = any(v is new for v in self._own)
            if isinstance(new, Variable) and leaf.trainable and new.trainable and leaf is old and not known:
                self._own[at] = new
            else:
                del self._own[at]

    def _held(self) -> Iterator[Any]:
        for key, value in self.__dict__.items():
            if key not in self._untracked_attributes:
                yield from leaves(value)

    def _attributes(self) -> Iterator[Any]:
        """The tracked values in order of assignment; tf.Module's own walk uses it."""
        return iter([*self._own, *self._metrics, *self._children.values()])

    def _child_nodes(self) -> Iterator[Any]:
        """Inner layers, modules and variables in order of assignment, without metrics; may repeat."""
        for value in self._children.values():
            for leaf in leaves(value):
                if isinstance(leaf, Variable | Module) and not getattr(leaf, "_is_metric", False):
                    yield leaf

    def _own_metrics(self) -> list[Any]:
        """This layer's metrics: assigned, added in `call`, or inside its containers."""
        inside = [m for value in self._children.values() for m in leaves(value) if getattr(m, "_is_metric", False)]
        return unique([*self._metrics, *(m for m in inside if not isinstance(m, type))])

    def _flatten_layers(self, recursive: bool = True, include_self: bool = True) -> Iterator[Layer]:
        """This layer and those inside, depth first, each once."""
        return iter(unique(self._layers_of(recursive, include_self)))

    def _layers_of(self, recursive: bool, include_self: bool) -> Iterator[Any]:
        if include_self:
            yield self
        for child in self._child_nodes():
            if isinstance(child, Tracking):
                yield child
                if recursive:
                    yield from child._layers_of(True, False)
            elif isinstance(child, Module):
                inner = [m for m in child.submodules if isinstance(m, Tracking) and not m._is_metric]
                yield from inner

    def _gather(self, attribute: str, of_variable: Callable[[Variable], bool]) -> list[Variable]:
        """The variables that `attribute` of the inner layers and modules lists, and bare ones that fit."""
        found: list[Variable] = []
        for child in self._child_nodes():
            if isinstance(child, Variable):
                if of_variable(child):
                    found.append(child)
            else:
                found.extend(getattr(child, attribute))
        return found


def unique(values: Iterable[Any]) -> list[Any]:
    """The values without repeated objects, by identity."""
    seen: dict[int, Any] = {}
    for value in values:
        seen.setdefault(id(value), value)
    return list(seen.values())
