"""Dropout in recurrent cells: masks that are drawn once and serve all steps of a sequence (Gal & Ghahramani, 2016)."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from eager.context import init_scope, thread
from eager.keras import backend
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.smart import choose
from eager.ops import nn, random
from eager.ops.array import ones, shape, where, zeros_like
from eager.tensor import Tensor


class DropoutCell(Layer):
    """A cell that drops parts of its inputs and of its state (keras DropoutRNNCellMixin).

    Masks are kept until they are reset, which recurrent layers do before and after each call.

    Attributes:
        dropout: the rate for inputs.
        recurrent_dropout: the rate for the state.
        seed: of a stream of its own; None draws from the global one.
    """

    _untracked_attributes = Layer._untracked_attributes | {"_masks", "_generator"}

    dropout: float
    recurrent_dropout: float

    def __init__(self, dropout: float = 0.0, recurrent_dropout: float = 0.0, **kwargs: Any) -> None:
        """Takes the rates, which are limited to [0, 1], and `seed`."""
        self.seed: int | None = kwargs.pop("seed", None)
        super().__init__(**kwargs)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self._masks: dict[str, tuple[Any, list[Tensor] | None]] = {}
        self._generator: random.Generator | None = None

    def build(self, input_shape: Any) -> None:
        """Makes the stream of a seeded cell that drops something."""
        if self.seed is not None and (self.dropout or self.recurrent_dropout):
            with init_scope():
                self._generator = random.Generator.from_seed(self.seed)
        super().build(input_shape)

    def reset_dropout_mask(self) -> None:
        """Forgets the mask of the inputs, so that the next step draws one."""
        self._masks.pop("inputs", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forgets the mask of the state, so that the next step draws one."""
        self._masks.pop("state", None)

    def get_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """The mask of the inputs, a list of them if `count` is above 1; None where nothing is dropped."""
        return _bare(self._mask("inputs", self.dropout, shape(inputs), inputs.dtype, training, count))

    def get_recurrent_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """The mask of the state, a list of them if `count` is above 1; None where nothing is dropped."""
        return _bare(self._mask("state", self.recurrent_dropout, shape(inputs), inputs.dtype, training, count))

    def _mask(
        self, which: str, rate: float, sizes: Any, dtype: Any, training: Any, count: int
    ) -> list[Tensor] | None:
        """The kept masks if they can be used here, else new ones."""
        if not 0 < rate < 1:
            return None
        frame, masks = self._masks.get(which, (_nowhere, None))
        if frame is _nowhere or not _visible(frame):
            masks = self._drawn(rate, sizes, dtype, training, count)
            here = thread.frame
            self._masks[which] = (None if here is None else weakref.ref(here), masks)
        return masks

    def _drawn(self, rate: float, sizes: Any, dtype: Any, training: Any, count: int) -> list[Tensor] | None:
        if training is None:
            training = backend.learning_phase()
        if not isinstance(training, Tensor) and not hasattr(training, "value") and not training:
            return None
        kept = ones(sizes, dtype)
        return [choose(training, lambda: self._dropped(kept, rate), lambda: kept) for _ in range(count)]

    def _dropped(self, kept: Tensor, rate: float) -> Tensor:
        if self._generator is None:
            return nn.dropout(kept, rate)
        wide = kept.dtype if kept.dtype.size >= 4 else "float32"
        drawn = self._generator.uniform(shape(kept), dtype=wide) >= rate
        return where(drawn, kept * (1 / (1 - rate)), zeros_like(kept))

    def __getstate__(self) -> dict[str, Any]:
        """The state without kept masks."""
        return super().__getstate__() | {"_masks": {}}


_nowhere = object()


def _bare(masks: Sequence[Tensor] | None) -> Any:
    return masks[0] if masks is not None and len(masks) == 1 else masks


def _visible(frame: Any) -> bool:
    """Whether what was computed in a frame, None outside of all, can be used where the thread is now."""
    here: Any = thread.frame
    if frame is None:
        return here is None
    wanted = frame()
    while here is not None and here is not wanted:
        here = getattr(here, "outer", None)
    return here is not None
