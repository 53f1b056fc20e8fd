"""Small callbacks: the history, callbacks of functions, the stop at NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.keras.callbacks.base import Callback
from eager.keras.progbar import say


class History(Callback):
    """Keeps the results of every epoch; fit returns it (tf.keras.callbacks.History).

    Attributes:
        history: a list of values by name.
        epoch: the numbers of the epochs.
    """

    def __init__(self) -> None:
        """Nothing so far."""
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets the epochs of an earlier run."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Takes the epoch's results."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class LambdaCallback(Callback):
    """A callback of functions (tf.keras.callbacks.LambdaCallback)."""

    def __init__(
        self,
        on_epoch_begin: Any = None,
        on_epoch_end: Any = None,
        on_batch_begin: Any = None,
        on_batch_end: Any = None,
        on_train_begin: Any = None,
        on_train_end: Any = None,
        **kwargs: Any,
    ) -> None:
        """Takes functions of (number, logs), those of on_train_begin and on_train_end of (logs).

        Args:
            on_epoch_begin: before an epoch.
            on_epoch_end: after an epoch.
            on_batch_begin: before a training step.
            on_batch_end: after a training step.
            on_train_begin: before training.
            on_train_end: after training.
            **kwargs: functions for other moments by name, such as `on_test_end`; other values become attributes.

        Raises:
            TypeError: for a function under a name that is no moment.
        """
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end, "on_train_begin": on_train_begin, "on_train_end": on_train_end, **kwargs,
        }  # fmt: skip
        for name, function in given.items():
            if name.startswith("on_") and not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback has no moment {name!r}")
            if function is not None:
                setattr(self, name, _with_default(function) if _takes_logs_only(name) else function)


def _takes_logs_only(name: str) -> bool:
    return name.startswith("on_") and name.endswith(("train_begin", "train_end", "test_begin", "test_end",
                                                     "predict_begin", "predict_end"))  # fmt: skip


def _with_default(function: Any) -> Any:
    return lambda logs=None: function(logs)


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite (tf.keras.callbacks.TerminateOnNaN)."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at the step's loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            say(f"Batch {batch}: Invalid loss, terminating training\n")
            self.model.stop_training = True
