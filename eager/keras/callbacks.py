"""tf.keras.callbacks: code that fit, evaluate and predict call at fixed moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Callback:
    """Base of callbacks; override the moments of interest (tf.keras.callbacks.Callback).

    Attributes:
        model: the model that is trained.
        params: verbosity, number of epochs, steps per epoch.
    """

    def __init__(self) -> None:
        """Belongs to no model yet."""
        self.model: Any = None
        self.params: dict[str, Any] = {}
        self.validation_data: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes the parameters of fit."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Takes the model."""
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch of training."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch of training and its validation; logs hold the results by name."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a training step (older name of on_train_batch_begin)."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a training step (older name of on_train_batch_end)."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a training step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a training step; logs hold the running results by name."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before an evaluation step."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After an evaluation step."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a prediction step."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a prediction step; logs hold its outputs."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After training, also if it was interrupted."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluation or validation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluation or validation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After prediction."""


_BATCH_MOMENTS = (
    "on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin",
    "on_test_batch_end",
)  # fmt: skip


class CallbackList:
    """Callbacks that are called together (tf.keras.callbacks.CallbackList); each moment is a method.

    Attributes:
        callbacks: the callbacks.
        wants_batches: whether any of them looks at single steps.
    """

    def __init__(self, callbacks: Any = None, model: Any = None) -> None:
        """Takes callbacks and the model."""
        self.callbacks: list[Callback] = list(callbacks or [])
        for callback in self.callbacks:
            callback.set_model(model)
        self.wants_batches = any(
            getattr(type(c), m, None) is not getattr(Callback, m) or m in vars(c)
            for c in self.callbacks
            for m in _BATCH_MOMENTS
        )

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands the parameters of fit to all."""
        for callback in self.callbacks:
            callback.set_params(params)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """The method that calls a moment on all. Raises AttributeError for another name."""
        if not name.startswith("on_"):
            raise AttributeError(name)
        methods = [getattr(c, name) for c in self.callbacks]

        def call(*args: Any) -> None:
            for method in methods:
                method(*args)

        return call


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

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Takes note of the epoch's results."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class LambdaCallback(Callback):
    """A callback of functions (tf.keras.callbacks.LambdaCallback)."""

    def __init__(self, **functions: Any) -> None:
        """Takes functions by the name of their moment, such as `on_epoch_end=lambda epoch, logs: ...`.

        Raises:
            TypeError: for a name that is no moment.
        """
        super().__init__()
        for name, function in functions.items():
            if not hasattr(Callback, name) or not name.startswith("on_"):
                raise TypeError(f"LambdaCallback has no moment {name!r}")
            if function is not None:
                takes_logs_only = name.endswith(("train_begin", "train_end", "test_begin", "test_end"))
                setattr(self, name, function if not takes_logs_only else _with_default(function))


def _with_default(function: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda logs=None: function(logs)


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
            verbose: accepted for compatibility.
            mode: "min", "max", or "auto": "max" for names with accuracy or auc.
            baseline: a value to be better than.
            restore_best_weights: whether the best epoch's weights are put back.
            start_from_epoch: how many epochs are not watched.

        Raises:
            ValueError: for another mode.
        """
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"EarlyStopping mode must be auto, min or max, got {mode!r}")
        higher = monitor.endswith("acc") or "accuracy" in monitor or "auc" in monitor
        rising = mode == "max" or (mode == "auto" and higher)
        self.monitor, self.patience, self.baseline, self.verbose = monitor, patience, baseline, verbose
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._sign = 1.0 if rising else -1.0
        self.min_delta = abs(min_delta)
        self.on_train_begin()

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts watching anew."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = -np.inf * self._sign
        self.best_weights: Any = None
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the epoch's result, and ends training where it is time."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            import warnings

            names = ", ".join(logs or {})
            warnings.warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. Available metrics are: "
                f"{names}",
                stacklevel=2,
            )
            return
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._better(value, self.baseline):
                self.wait = 0
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.best_weights is not None:
                self.model.set_weights(self.best_weights)

    def _better(self, value: float, reference: float) -> bool:
        return (value - reference) * self._sign > self.min_delta


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite (tf.keras.callbacks.TerminateOnNaN)."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at the step's loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            self.model.stop_training = True


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch (tf.keras.callbacks.LearningRateScheduler)."""

    def __init__(self, schedule: Callable[[int, float], float], verbose: int = 0) -> None:
        """Takes a function (epoch, present rate) that gives the new rate."""
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the rate. Raises ValueError if the schedule gives no number."""
        rate = self.schedule(epoch, float(self.model.optimizer.learning_rate.numpy()))
        if not isinstance(rate, float | np.floating):
            raise ValueError(f'The output of the "schedule" function should be float. Got: {rate}')
        self.model.optimizer.learning_rate = float(rate)


__all__ = [
    "Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler", "TerminateOnNaN",
]  # fmt: skip
