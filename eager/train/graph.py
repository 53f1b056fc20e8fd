"""The objects that a checkpoint holds: variables, and what leads to them, by name.

A variable is known by the attributes, list positions and dict keys that lead to it from the root, not by its own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from eager.keras.engine.tracking import Tracking
from eager.module import Module, leaves
from eager.variable import Variable

_CONTAINERS = (list, tuple, dict)


class Node(NamedTuple):
    """One object of a saved graph.

    Attributes:
        children: the nodes of the objects inside, by name.
        array: the key of the variable's value, None for an object that is no variable.
    """

    children: dict[str, int]
    array: str | None


def is_trackable(obj: Any) -> bool:
    """Whether a checkpoint can hold an object: a variable, module, layer, optimizer, or a container of such."""
    if isinstance(obj, type):
        return False
    if isinstance(obj, _CONTAINERS):
        return any(is_trackable(leaf) for leaf in leaves(obj))
    return isinstance(obj, Variable | Module) or _is_other(obj)


def _is_other(obj: Any) -> bool:
    """An optimizer, a random generator, or a Checkpoint."""
    return hasattr(obj, "save_own_variables") or hasattr(obj, "_checkpoint_children") or _is_generator(obj)


def _is_generator(obj: Any) -> bool:
    return type(obj).__name__ == "Generator" and isinstance(getattr(obj, "state", None), Variable)


def children(obj: Any) -> Iterator[tuple[str, Any]]:
    """The objects directly inside, each with its name."""
    if isinstance(obj, Variable):
        return
    if isinstance(obj, dict):
        pairs: Any = ((str(k), v) for k, v in obj.items())
    elif isinstance(obj, list | tuple):
        pairs = ((str(i), v) for i, v in enumerate(obj))
    elif hasattr(obj, "_checkpoint_children"):
        pairs = obj._checkpoint_children().items()
    elif isinstance(obj, Tracking):
        pairs = _of_layer(obj)
    elif isinstance(obj, Module):
        pairs = ((k, v) for k, v in sorted(vars(obj).items()) if k not in obj._untracked_attributes)
    elif "_inner" in vars(obj):  # a LossScaleOptimizer
        pairs = (("inner_optimizer", obj._inner), ("loss_scale", obj._scale), ("good_steps", obj._counter))
    elif _is_generator(obj):
        pairs = (("state", obj.state),)
    else:
        pairs = (("variables", list(obj.variables)),)
    for name, value in pairs:
        if is_trackable(value):
            yield name, value


def _of_layer(layer: Any) -> Iterator[tuple[str, Any]]:
    """Attributes; then weights that no attribute holds, by their names; then what a model has beside."""
    held = [(k, v) for k, v in vars(layer).items() if k not in layer._untracked_attributes]
    found = {id(leaf) for _, value in held for leaf in leaves(value) if isinstance(leaf, Variable)}
    yield from sorted(held, key=lambda pair: pair[0])
    counts: dict[str, int] = {}
    for variable in layer._own:
        if id(variable) not in found:
            name = variable.name.partition(":")[0].rpartition("/")[2]
            count = counts[name] = counts.get(name, -1) + 1
            yield (f"{name}_{count}" if count else name), variable
    if getattr(layer, "_network", None) is not None or hasattr(layer, "_stack"):
        yield "layers", layer.layers
    if "optimizer" in layer._untracked_attributes and vars(layer).get("optimizer") is not None:
        yield "optimizer", layer.optimizer


def graph_of(root: Any) -> tuple[list[Node], dict[str, Variable]]:
    """All objects below a root, which is the first node, and the variables by the key of their value."""
    nodes: list[Node] = []
    numbers: dict[int, int] = {}
    variables: dict[str, Variable] = {}
    # Lists made while walking stay alive, so that no two objects share an identity.
    alive: list[Any] = []

    def visit(obj: Any, path: str) -> int:
        number = numbers.get(id(obj))
        if number is not None:
            return number
        alive.append(obj)
        number = numbers[id(obj)] = len(nodes)
        is_variable = isinstance(obj, Variable)
        nodes.append(Node({}, path if is_variable else None))
        if is_variable:
            variables[path] = obj
        for name, child in children(obj):
            nodes[number].children[name] = visit(child, f"{path}/{_quoted(name)}" if path else _quoted(name))
        return number

    visit(root, "")
    return nodes, variables


def _quoted(name: str) -> str:
    """A name that can be part of a path."""
    text = quote(name, safe="")
    return text.replace(".", "%2E") if not text.strip(".") else text
