"""A checkpoint on its way into objects: at once where variables exist, later where they are made later."""

from __future__ import annotations

import weakref
from typing import Any, Self

from eager import deferred
from eager.context import init_scope
from eager.keras.engine.layer_config import cast_array
from eager.train.files import Array
from eager.train.graph import Node, children, graph_of
from eager.variable import Variable


class Restoring:
    """The values of a checkpoint and where they go. It holds no object alive."""

    def __init__(self, nodes: list[Node], arrays: dict[str, Array]) -> None:
        """Takes the saved graph and its values."""
        self.nodes, self._arrays = nodes, arrays
        self._places: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.matched: set[int] = set()

    def left(self) -> list[str]:
        """The keys of values that no object has taken."""
        return [n.array for i, n in enumerate(self.nodes) if n.array is not None and i not in self.matched]

    def attached(self, owner: Any) -> bool:
        """Takes note that an object got something new; returns whether there is more to wait for."""
        try:
            place = self._places.get(owner)
        except TypeError:
            place = None
        if place is not None:
            self.take(owner, place)
        return bool(self._places) and bool(self.left())

    def take(self, obj: Any, place: int) -> None:
        """Gives the values at and below a node to the variables of an object, all or none.

        Raises:
            ValueError: if a shape or dtype does not fit.
        """
        found: dict[int, Variable] = {}
        reached: dict[int, int] = {}
        self.match(obj, place, found, reached)
        values = [(v, self._value(self.nodes[i], v)) for i, v in found.items() if i not in self.matched]
        with init_scope():
            for variable, value in values:
                variable.assign(value)
        self.matched |= set(reached.values())

    def match(self, obj: Any, place: int, found: dict[int, Variable], reached: dict[int, int]) -> None:
        """Finds the variables at and below a node, by the node's number, and all objects, by identity."""
        if id(obj) in reached:
            return
        reached[id(obj)] = place
        node = self.nodes[place]
        if isinstance(obj, Variable):
            if node.array is not None:
                found[place] = obj
            return
        if not isinstance(obj, list | tuple | dict):
            self._places[obj] = place
            # The root that a Checkpoint was made of stands at the same place.
            root = vars(obj).get("_root") if hasattr(obj, "_checkpoint_children") else None
            if root is not None:
                self._places[root] = place
        for name, child in children(obj):
            if name in node.children:
                self.match(child, node.children[name], found, reached)

    def _value(self, node: Node, variable: Variable) -> Array:
        value = self._arrays[str(node.array)]
        if tuple(variable.shape) != value.shape:
            raise ValueError(
                f"Received incompatible tensor with shape {value.shape} when attempting to restore variable "
                f"{variable.name} with shape {tuple(variable.shape)} from {node.array!r} of the checkpoint."
            )
        return cast_array(value, variable.dtype)


class LoadStatus:
    """What became of a restored checkpoint; its methods return the status itself.

    Values whose variables do not exist yet wait until the objects that lead to them have them.
    """

    def __init__(self, root: Any, nodes: list[Node], arrays: dict[str, Array]) -> None:
        """Restores what exists.

        Args:
            root: the object that is the graph's first node.
            nodes: the saved graph.
            arrays: the values.

        Raises:
            ValueError: if a shape or dtype does not fit; nothing is changed then.
        """
        self._root = root
        self._restoring = Restoring(nodes, arrays)
        self._restoring.take(root, 0)
        if self._restoring.left():
            deferred.waiting.append(self._restoring.attached)

    def _forget(self) -> None:
        """Waits no longer."""
        deferred.waiting[:] = [w for w in deferred.waiting if w != self._restoring.attached]

    # Asking ---------------------------------------------------------------------------------------------------------

    def _missing(self) -> list[str]:
        """The variables of the objects that the checkpoint has no value for."""
        _, variables = graph_of(self._root)
        found: dict[int, Variable] = {}
        self._restoring.match(self._root, 0, found, {})
        taken = {id(v) for v in found.values()}
        return [key for key, v in variables.items() if id(v) not in taken]

    def assert_consumed(self) -> Self:
        """Raises AssertionError unless every value was taken and every variable got one."""
        left = self._restoring.left()
        if left:
            raise AssertionError(f"Some values of the checkpoint were not restored, because no object has them: {left}")
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> Self:
        """Raises AssertionError unless every variable that exists got a value."""
        missing = self._missing()
        if missing:
            raise AssertionError(f"Some objects had variables which were not restored: {missing}")
        return self

    def assert_nontrivial_match(self) -> Self:
        """Raises AssertionError if nothing below the root was found in the checkpoint."""
        if len(self._restoring.matched) < 2:
            raise AssertionError("Nothing except the root object matched a checkpointed value.")
        return self

    def expect_partial(self) -> Self:
        """Says that not all values are wanted; layerjit does not warn about those in any case."""
        return self

    def initialize_or_restore(self, session: Any = None) -> Self:
        """Accepted for compatibility: values are there at once, and initial values always."""
        del session
        return self

    run_restore_ops = initialize_or_restore


class InitialStatus(LoadStatus):
    """The status of `restore(None)`: nothing was restored, and all objects keep their initial values."""

    def __init__(self, root: Any) -> None:
        """Takes the root."""
        super().__init__(root, [Node({}, None)], {})

    def assert_consumed(self) -> Self:
        """Raises AssertionError: there was no checkpoint."""
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    assert_existing_objects_matched = assert_nontrivial_match = assert_consumed
