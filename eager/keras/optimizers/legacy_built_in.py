"""What the optimizers of tf.keras.optimizers.legacy share beyond their public base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.indexed_slices import IndexedSlices
from eager.keras.optimizers.legacy_base import Optimizer
from eager.ops.array import cast, ones_like, reshape, where
from eager.ops.math import greater
from eager.tensor import Tensor
from eager.variable import Variable

State = dict[str, Tensor]


class BuiltIn(Optimizer):
    """An optimizer whose rule is one function of gradient, weight and slots.

    `_rule(g, w, old)` returns the new weight and slots. `_by_rows` names what a gradient of rows leaves alone
    elsewhere: slots, and "w" for the weight.
    """

    _own: tuple[str, ...] = ()
    """Names of hyperparameters and attributes for the config, in its order."""

    def _start(self, learning_rate: Any, kwargs: dict[str, Any]) -> None:
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)

    def _slot_names(self) -> tuple[str, ...]:
        return ()

    def _by_rows(self) -> frozenset[str]:
        return frozenset((*self._slot_names(), "w"))

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for name in self._slot_names():
            for v in var_list:
                self.add_slot(v, name)

    def _rule(self, g: Tensor, w: Tensor, old: State) -> tuple[Tensor, State]:
        raise NotImplementedError(f"{type(self).__name__} must override `_rule`")

    def _resource_apply_dense(self, grad: Tensor, handle: Variable, apply_state: Any = None) -> None:
        slots = self._slots[id(handle)]
        old = {name: slot.value() for name, slot in slots.items()}
        weight, new = self._rule(grad, handle.value(), old)
        for name, value in new.items():
            slots[name].assign(value)
        handle.assign(weight)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor, apply_state: Any = None) -> None:
        sizes, slots = handle.shape.as_list(), self._slots[id(handle)]
        thin = [1] * (len(sizes) - 1)
        marks = reshape(cast(ones_like(indices), handle.dtype), [-1, *thin])
        touched = greater(IndexedSlices(marks, indices, [sizes[0], *thin]).as_tensor(), 0.0)
        old, before = {name: slot.value() for name, slot in slots.items()}, handle.value()
        weight, new = self._rule(IndexedSlices(grad, indices, sizes).as_tensor(), before, old)
        rows = self._by_rows()
        for name, value in new.items():
            slots[name].assign(where(touched, value, old[name]) if name in rows else value)
        handle.assign(where(touched, weight, before) if "w" in rows else weight)

    def _number(self, name: str, like: Tensor) -> Tensor:
        return self._get_hyper(name, like.dtype)

    def _step(self, like: Tensor) -> Tensor:
        return cast(self._iterations + 1, like.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = ("learning_rate", "decay", *self._own)
        return super().get_config() | {
            name: self._serialize_hyperparameter(name) if name in self._hyper else getattr(self, name) for name in names
        }
