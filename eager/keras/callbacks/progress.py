"""The progress bar of fit, evaluate and predict as a callback."""

from __future__ import annotations

import sys
from typing import Any

from eager.keras.callbacks.base import Callback, numbers
from eager.keras.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows progress and results (tf.keras.callbacks.ProgbarLogger); fit adds one where `verbose` is not 0."""

    _takes_tensors = True

    def __init__(self, count_mode: str = "steps", stateful_metrics: Any = None) -> None:
        """Takes what is counted.

        Args:
            count_mode: "steps" or "samples"; both count steps, whose sizes are not known beforehand.
            stateful_metrics: names of results that are shown as they are; others are averaged over the steps.

        Raises:
            ValueError: for another mode.
        """
        super().__init__()
        if count_mode not in ("steps", "samples"):
            raise ValueError(f"Unknown `count_mode`: {count_mode}. Expected values are 'samples' or 'steps'")
        self.stateful_metrics = set(stateful_metrics or ())
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._bar: Progbar | None = None
        self._seen = 0
        self._fitting = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes verbosity, number of epochs and steps."""
        self.params = params
        self.verbose = params.get("verbose", 1)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: Any = None) -> None:
        """Evaluation inside of fit shows no bar of its own."""
        self._fitting = True

    def on_train_end(self, logs: Any = None) -> None:
        """Ends a line that was interrupted."""
        self._fitting = False
        if self._bar is not None:
            self._finish(None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the line of an epoch."""
        self._start(f"Epoch {epoch + 1}/{self.epochs}" if self.verbose and self.epochs >= 1 else "")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        self._move(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Shows the epoch's results."""
        self._finish(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Starts the line of an evaluation."""
        if not self._fitting:
            self._start("")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        if not self._fitting:
            self._move(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Shows the results."""
        if not self._fitting:
            self._finish(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Starts the line of a prediction."""
        self._start("")

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        self._move(batch, None)

    def on_predict_end(self, logs: Any = None) -> None:
        """Ends the line."""
        self._finish(None)

    def _start(self, title: str) -> None:
        names = {m.name for m in getattr(self.model, "metrics", ())}
        self.stateful_metrics |= names
        self._seen = 0
        self._bar = Progbar(
            self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics, unit_name="step", title=title
        )

    def _move(self, batch: int, logs: Any) -> None:
        self._seen = batch + 1
        if self._bar is not None and self.verbose == 1 and self._bar.wants(self._seen):
            # Only a drawing bar asks for numbers, which makes the step's results leave their tensors.
            names = {m.name for m in getattr(self.model, "metrics", ())}
            self._bar.stateful_metrics |= names
            self._bar.update(self._seen, list(numbers(logs).items()), finalize=False)

    def _finish(self, logs: Any) -> None:
        bar, self._bar = self._bar, None
        if bar is None:
            return
        if bar.target is None:
            self.target = bar.target = self._seen
        values = numbers(logs)
        bar.stateful_metrics |= set(values)
        bar.update(self._seen, list(values.items()), finalize=True)
        sys.stdout.flush()
