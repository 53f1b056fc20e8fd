"""Changing the learning rate during training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.keras.callbacks.base import Callback
from eager.keras.callbacks.monitor import Direction, watched
from eager.keras.progbar import say


def _rate(model: Any) -> float:
    return float(np.asarray(model.optimizer.learning_rate))


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch (tf.keras.callbacks.LearningRateScheduler)."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        """Takes a function (epoch, present rate), or (epoch), that gives the new rate; verbose 1 tells it."""
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the rate.

        Raises:
            ValueError: if the optimizer has no learning rate, or the schedule gives no number.
        """
        if not hasattr(self.model.optimizer, "learning_rate"):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
        try:
            rate: Any = self.schedule(epoch, _rate(self.model))
        except TypeError:
            # A schedule of the epoch alone.
            rate = self.schedule(epoch)
        rate = rate.numpy() if hasattr(rate, "numpy") else rate
        if not isinstance(rate, float | np.floating) and not (isinstance(rate, np.ndarray) and rate.dtype.kind == "f"):
            raise ValueError(f'The output of the "schedule" function should be float. Got: {rate}')
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.\n")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Puts the rate among the epoch's results."""
        if logs is not None:
            logs["lr"] = _rate(self.model)


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a result no longer improves (tf.keras.callbacks.ReduceLROnPlateau)."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Any,
    ) -> None:
        """Takes what to watch and how to react.

        Args:
            monitor: the name of the result.
            factor: what the rate is multiplied with.
            patience: how many epochs without improvement are borne.
            verbose: 1 says when the rate changes.
            mode: "min", "max", or "auto": "max" for names with acc.
            min_delta: the least change that counts.
            cooldown: how many epochs after a change are not watched.
            min_lr: the lowest rate.
            **kwargs: `epsilon`, the older name of min_delta.

        Raises:
            ValueError: for a factor of 1 or more.
            TypeError: for an unknown keyword.
        """
        super().__init__()
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Got {factor}")
        self.min_delta = kwargs.pop("epsilon", min_delta)
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau does not know the keywords {sorted(kwargs)}")
        self.monitor, self.factor, self.min_lr = monitor, factor, min_lr
        self.patience, self.verbose, self.cooldown, self.mode = patience, verbose, cooldown, mode
        self._direction = Direction(mode, monitor, "Learning rate reduction")
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.cooldown_counter = 0
        self.best: Any = self._direction.worst

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts watching anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the epoch's result, puts the rate among the results, and lowers it where it is time."""
        rate = _rate(self.model)
        if logs is not None:
            logs["lr"] = rate
        value = watched(logs, self.monitor, "Learning rate reduction is")
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._direction.better(value, self.best, self.min_delta):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                self._lower(epoch, rate)

    def _lower(self, epoch: int, rate: float) -> None:
        rate = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.\n")
        self.cooldown_counter, self.wait = self.cooldown, 0

    def in_cooldown(self) -> bool:
        """Whether the last change is so recent that results are not watched."""
        return self.cooldown_counter > 0
