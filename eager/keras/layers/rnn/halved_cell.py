"""Cells whose steps fall into a half that needs the inputs alone and one that needs the states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from eager.keras import activations
from eager.keras.layers.rnn.dropout_masks import DropoutCell
from eager.keras.layers.weight_roles import PARTS, WeightRoles
from eager.tensor import Tensor
from eager.variable import Variable


def options_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The named arguments of a constructor, of its `locals()` on its first line."""
    return {name: value for name, value in arguments.items() if name not in ("self", "kwargs", "__class__")}


class HalvedCell(WeightRoles, DropoutCell):
    """A cell of which a step is `recur(project(inputs), states)`.

    What `project` gives depends on no state, so a layer computes it for all steps at once, before its loop.
    """

    _roles = ("kernel", "recurrent", "bias")
    _plain_options: ClassVar[tuple[str, ...]]
    _activations: ClassVar[tuple[str, ...]] = ("activation", "recurrent_activation")

    activation: Any
    recurrent_activation: Any
    use_bias: bool
    bias_initializer: Any
    kernel: Variable
    recurrent_kernel: Variable
    bias: Variable | None

    def __init__(self, options: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Takes the cell's own arguments, which become attributes, and the keywords of Layer."""
        super().__init__(options.pop("dropout"), options.pop("recurrent_dropout"), **kwargs)
        for role in self._roles:
            self._set_role(role, *(options.pop(f"{role}_{part}") for part in PARTS))
        for name, value in options.items():
            setattr(self, name, activations.get(value) if name in self._activations else value)
        self.bias = None

    def call(self, inputs: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """One step: the output and the new states."""
        return self.recur(self.project(inputs, training), states, training)

    def project(self, inputs: Any, training: Any = None) -> Tensor:
        """What the inputs of one step (batch, ...) or of several (time, batch, ...) contribute."""
        raise NotImplementedError(f"{type(self).__name__} must override `project(self, inputs, training)`")

    def recur(self, projected: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """The rest of a step: output and new states from the projected inputs and the states."""
        raise NotImplementedError(f"{type(self).__name__} must override `recur(self, projected, states, training)`")

    @classmethod
    def has_option(cls, name: str) -> bool:
        """Whether the constructor's own arguments have one of that name."""
        role, _, part = name.rpartition("_")
        return name in (*cls._plain_options, *cls._activations) or (role in cls._roles and part in PARTS)

    def options(self) -> dict[str, Any]:
        """The constructor's own arguments as plain data."""
        found = {name: getattr(self, name) for name in self._plain_options} | self._role_config()
        return found | {name: activations.serialize(getattr(self, name)) for name in self._activations}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | self.options()
