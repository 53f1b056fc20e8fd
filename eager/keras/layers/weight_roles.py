"""What a constructor says about a weight: how it starts, is penalised and constrained."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras import constraints, initializers, regularizers
from eager.keras.engine.base_layer import Layer
from eager.variable import Variable

PARTS: dict[str, Any] = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


class WeightRoles(Layer):
    """A layer with options `<role>_initializer`, `<role>_regularizer` and `<role>_constraint` for its weights.

    They are attributes and part of the config, such as `kernel_initializer` for the role `kernel`.
    """

    _roles: ClassVar[tuple[str, ...]] = ("kernel", "bias")

    def _set_role(self, role: str, *given: Any) -> None:
        """Keeps a role's initializer, regularizer and constraint."""
        for (part, module), value in zip(PARTS.items(), given, strict=True):
            setattr(self, f"{role}_{part}", module.get(value))

    def _make_weight(self, name: str, shape: Any, role: str | None = None, **options: Any) -> Variable:
        """A new weight of a role, by default that of its name; options are those of `add_weight`."""
        own = {part: getattr(self, f"{role or name}_{part}") for part in PARTS}
        return self.add_weight(name, shape, **(own | options))

    def _role_options(self) -> dict[str, Any]:
        """What the roles' options are, by the names of the constructor's arguments."""
        names = [f"{role}_{part}" for part in PARTS for role in self._roles]
        # A layer may keep them under private names: its roles then start with an underscore.
        return {name.lstrip("_"): getattr(self, name) for name in names}

    def _role_config(self) -> dict[str, Any]:
        """The roles' options as plain data."""
        return {name: PARTS[name.rpartition("_")[2]].serialize(value) for name, value in self._role_options().items()}
