"""tf.keras.backend: what is left of graph mode, and the switches that go with it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import eager as tf
from eager.keras.engine.call_context import phase
from eager.keras.engine.naming import reset_names


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None) -> Callable[..., Any]:
    """A function of arrays from symbolic inputs to outputs (tf.keras.backend.function).

    Args:
        inputs: symbolic Keras tensors.
        outputs: one, or a list of them.
        updates: must be empty; variables are updated where they are assigned.
        name: the name of the model behind it.

    Returns:
        A function of a list of arrays that gives an array, or a list of them.

    Raises:
        ValueError: for updates.
    """
    if updates:
        raise ValueError("`updates` is not supported; assign variables inside of layers")
    model = tf.keras.Model(inputs, outputs, name=name)

    def run(values: Any) -> Any:
        return tf.nest.map_structure(lambda t: t.numpy(), model(values))

    return run


def backend() -> str:
    """The name of the backend, "tensorflow", whose functions these are (tf.keras.backend.backend)."""
    return "tensorflow"


def reset_uids() -> None:
    """Starts the numbers of `get_uid` and of layer names anew (tf.keras.backend.reset_uids)."""
    reset_names()


def manual_variable_initialization(value: bool) -> None:
    """Accepts False; variables have their initial value as soon as they are made.

    Raises:
        UnsupportedError: for True.
    """
    from eager.errors import UnsupportedError

    if value:
        raise UnsupportedError("variables start with a value; pass an initializer, or assign them")


@contextmanager
def learning_phase_scope(value: Any) -> Generator[None]:
    """A context in which layers that are not told otherwise train (1) or do not (0).

    Raises:
        ValueError: unless the value is 0 or 1.
    """
    before = phase.value
    tf.keras.backend.set_learning_phase(value)
    try:
        yield
    finally:
        phase.value = before
