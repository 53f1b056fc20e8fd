"""Saving the model during training."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from eager.keras.callbacks.base import Callback
from eager.keras.callbacks.monitor import Direction
from eager.keras.progbar import say


class ModelCheckpoint(Callback):
    """Saves the model or its weights after epochs or numbers of steps (tf.keras.callbacks.ModelCheckpoint)."""

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        options: Any = None,
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Takes where and when to save.

        Args:
            filepath: the file; `{epoch}`, `{batch}` and the names of results are filled in, as
                "{epoch:02d}-{val_loss:.2f}.keras".
            monitor: the result that says which model is best.
            verbose: 1 says when the model is saved.
            save_best_only: saves only when the result has improved.
            save_weights_only: saves weights instead of the whole model.
            mode: "min", "max", or "auto": "max" for names with acc.
            save_freq: "epoch", or a number of steps.
            options: must be None: there is nothing to choose.
            initial_value_threshold: what the first result must improve on.
            **kwargs: `period`, the older form, a number of epochs.

        Raises:
            ValueError: for another save_freq.
            TypeError: for an unknown keyword, or options.
        """
        super().__init__()
        self.period = kwargs.pop("period", 1)
        if kwargs or options is not None:
            unknown = sorted(kwargs) or ["options"]
            raise TypeError(f"Invalid arguments of ModelCheckpoint: {unknown}")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f'Unrecognized save_freq: {save_freq}. Expected save_freq are "epoch" or integer values'
            )
        self.filepath = os.fspath(filepath)
        self.monitor, self.verbose = monitor, verbose
        self.save_freq: Any = save_freq
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self._direction = Direction(mode, monitor, "ModelCheckpoint")
        self.best: Any = self._direction.worst if initial_value_threshold is None else initial_value_threshold
        self.epochs_since_last_save = 0
        self._epoch = 0
        self._steps_since_save = 0
        self._last_batch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Counts steps anew."""
        self._steps_since_save = self._last_batch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Takes note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves after the given number of steps."""
        if self.save_freq != "epoch" and self._is_due(batch):
            self._save(self._epoch, batch, logs)

    def _is_due(self, batch: int) -> bool:
        new_epoch = batch <= self._last_batch
        self._steps_since_save += batch + 1 if new_epoch else batch - self._last_batch
        self._last_batch = batch
        if self._steps_since_save < self.save_freq:
            return False
        self._steps_since_save = 0
        return True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves after an epoch."""
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch" and self.epochs_since_last_save >= self.period:
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        logs = logs or {}
        self.epochs_since_last_save = 0
        path = self._path(epoch, batch, logs)
        if self.save_best_only and not self._improved(epoch, logs, path):
            return
        if self.verbose and not self.save_best_only:
            say(f"\nEpoch {epoch + 1}: saving model to {path}\n")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _improved(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(f"Can save best model only with {self.monitor} available, skipping.", stacklevel=2)
            return False
        if not self._direction.better(value, self.best):
            if self.verbose:
                say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}\n")
            return False
        if self.verbose:
            say(
                f"\nEpoch {epoch + 1}: {self.monitor} improved from {self.best:.5f} to {value:.5f}, saving model to "
                f"{path}\n"
            )
        self.best = value
        return True

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        """The file's name with numbers filled in. Raises KeyError for a name that is no result."""
        numbers = {"epoch": epoch + 1} | ({} if batch is None else {"batch": batch + 1})
        try:
            return self.filepath.format(**numbers, **logs)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error} is none of '
                f"{[*numbers, *logs]}"
            ) from error
