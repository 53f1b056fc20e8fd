"""Ending training when it no longer helps."""

from __future__ import annotations

from typing import Any

from eager.keras.callbacks.base import Callback
from eager.keras.callbacks.monitor import Direction, watched
from eager.keras.progbar import say


class EarlyStopping(Callback):
    """Ends training when a result no longer improves (tf.keras.callbacks.EarlyStopping)."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        """Takes what to watch and how long to wait.

        Args:
            monitor: the name of the result.
            min_delta: the least change that counts.
            patience: how many epochs without improvement are borne.
            verbose: 1 says when training ends.
            mode: "min", "max", or "auto": "max" for names that end in acc, accuracy or auc.
            baseline: a value to be better than.
            restore_best_weights: whether the best epoch's weights are put back.
            start_from_epoch: how many epochs are not watched.
        """
        super().__init__()
        self.monitor, self.patience, self.baseline, self.verbose = monitor, patience, baseline, verbose
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._direction = Direction(mode, monitor, "EarlyStopping", ("acc", "accuracy", "auc"))
        self.min_delta = abs(min_delta)
        self.on_train_begin()

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts watching anew."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best: Any = self._direction.worst
        self.best_weights: Any = None
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the epoch's result, and ends training where it is time."""
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            # There is something to restore even if nothing ever improves.
            self.best_weights = self.model.get_weights()
        self.wait += 1
        if self._direction.better(value, self.best, self.min_delta):
            self._improved(epoch, value)
        elif self.wait >= self.patience and epoch > 0:
            self._stop(epoch)

    def _improved(self, epoch: int, value: Any) -> None:
        self.best, self.best_epoch = value, epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()
        if self.baseline is None or self._direction.better(value, self.baseline, self.min_delta):
            self.wait = 0

    def _stop(self, epoch: int) -> None:
        self.stopped_epoch = epoch
        self.model.stop_training = True
        if self.best_weights is not None:
            if self.verbose:
                say(
                    f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.\n"
                )
            self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        """Says where training ended."""
        if self.stopped_epoch > 0 and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping\n")

    def get_monitor_value(self, logs: Any) -> Any:
        """The watched result, or None with a warning."""
        return watched(logs, self.monitor, "Early stopping")
