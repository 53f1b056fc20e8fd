"""The base of callbacks, and the list that calls them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def numbers(logs: Any) -> dict[str, Any]:
    """The results of a step as Python floats; what is no scalar as an array."""
    return {name: float(v) if np.ndim(v) == 0 else np.asarray(v) for name, v in (logs or {}).items()}


class Callback:
    """Base of callbacks; override the moments of interest (tf.keras.callbacks.Callback).

    Attributes:
        model: the model that is trained.
        params: verbosity, number of epochs, steps per epoch.
    """

    _takes_tensors = False

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
        """Before a training step; with steps_per_execution before the first of each execution."""
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
        """After training, also if it was interrupted by Ctrl-C; logs hold the last epoch's results."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluation or validation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluation or validation; logs hold the results."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After prediction."""


class CallbackList:
    """Callbacks that are called together (tf.keras.callbacks.CallbackList).

    Each moment of Callback is a method of the list as well. Callbacks that do not override a moment cost nothing.

    Attributes:
        callbacks: the callbacks.
        model: the model.
        params: the parameters of fit.
    """

    def __init__(
        self, callbacks: Any = None, add_history: bool = False, add_progbar: bool = False, model: Any = None,
        **params: Any,
    ) -> None:  # fmt: skip
        """Takes callbacks and the model.

        Args:
            callbacks: one or a list.
            add_history: puts a History at the end if there is none.
            add_progbar: puts a ProgbarLogger at the end if there is none.
            model: the model.
            **params: `verbose`, `epochs`, `steps`, for the callbacks to read.
        """
        listed = [] if callbacks is None else (list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks])
        self.callbacks: list[Any] = listed
        self.model: Any = None
        self.params = dict(params)
        self._methods: dict[str, list[tuple[bool, Callable[..., None]]]] = {}
        self._add_default(add_history, add_progbar)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _add_default(self, add_history: bool, add_progbar: bool) -> None:
        from eager.keras.callbacks.history import History
        from eager.keras.callbacks.progress import ProgbarLogger

        for wanted, kind in ((add_progbar, ProgbarLogger), (add_history, History)):
            if wanted and not any(isinstance(c, kind) for c in self.callbacks):
                self.callbacks.append(kind())

    def append(self, callback: Any) -> None:
        """Puts a callback at the end."""
        self.callbacks.append(callback)
        self._methods.clear()

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands the parameters of fit to all."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hands the model to all; its `history` becomes the list's History."""
        from eager.keras.callbacks.history import History

        self.model = model
        for callback in self.callbacks:
            if isinstance(callback, History):
                model.history = callback
            callback.set_model(model)

    def resume(self, initial_epoch: int) -> tuple[int, int]:
        """The epoch and the step with which training starts: as asked, or where a backup was restored."""
        for callback in self.callbacks:
            found = getattr(callback, "resume_at", None)
            if found is not None:
                return found
        return initial_epoch, 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        """The method that calls a moment on all. Raises AttributeError for another name."""
        if not name.startswith("on_"):
            raise AttributeError(name)

        def call(*args: Any) -> None:
            methods = self._methods.get(name)
            if methods is None:
                methods = self._methods[name] = self._overridden(name)
            if methods:
                _call(methods, args)

        return call

    def _overridden(self, name: str) -> list[tuple[bool, Callable[..., None]]]:
        """The callbacks' methods of a moment, without those that do nothing; and whether they take tensors."""
        older = name.replace("on_train_batch", "on_batch")
        wanted = [c for c in self.callbacks if any(_has_own(c, n) for n in (name, older))]
        return [(bool(getattr(c, "_takes_tensors", False)), getattr(c, name)) for c in wanted]


def _has_own(callback: Any, name: str) -> bool:
    own = getattr(type(callback), name, None)
    return name in vars(callback) or (own is not None and own is not getattr(Callback, name, None))


def _call(methods: list[tuple[bool, Callable[..., None]]], args: tuple[Any, ...]) -> None:
    """Calls methods with (number, logs) or (logs,); logs are made numbers for those that want them, once for all."""
    logs = args[-1] if args and isinstance(args[-1], dict) else None
    plain: Any = None
    for tensors, method in methods:
        if logs is None or tensors or "outputs" in logs:
            method(*args)
            continue
        if plain is None:
            # A dict of numbers is handed on as it is: callbacks may add to the results of an epoch.
            plain = logs if all(isinstance(v, float | np.ndarray) for v in logs.values()) else numbers(logs)
        method(*args[:-1], plain)
