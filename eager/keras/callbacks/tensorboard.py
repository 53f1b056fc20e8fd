"""Results as event files that TensorBoard shows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from eager.errors import UnsupportedError
from eager.keras.callbacks.base import Callback
from eager.keras.callbacks.event_file import EventFile


class TensorBoard(Callback):
    """Writes results for TensorBoard (tf.keras.callbacks.TensorBoard).

    `log_dir/train` gets `epoch_<name>` and, with update_freq, `batch_<name>`; `log_dir/validation` gets `epoch_<name>`
    and `evaluation_<name>_vs_iterations`.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        **kwargs: Any,
    ) -> None:
        """Takes where and what to write.

        Args:
            log_dir: the folder.
            histogram_freq: every how many epochs the distributions of the weights are written; 0 never.
            write_graph: accepted; the graph of a compiled step is shown by `layerjit` commands and `fn.explain()`.
            write_images: must be False.
            write_steps_per_second: also writes how fast epochs (and steps, with update_freq) are.
            update_freq: "epoch", "batch", or every how many steps `batch_<name>` is written.
            profile_batch, embeddings_freq: must be 0.
            embeddings_metadata: must be None.
            **kwargs: none are known.

        Raises:
            TypeError: for an unknown keyword.
            UnsupportedError: for write_images, profile_batch, embeddings.
        """
        super().__init__()
        del write_graph
        if kwargs:
            raise TypeError(f"Unrecognized arguments in `TensorBoard` Callback: {sorted(kwargs)}")
        if write_images or profile_batch or embeddings_freq or embeddings_metadata:
            raise UnsupportedError(
                "TensorBoard: write_images, profile_batch and embeddings are not supported; histogram_freq shows the "
                "weights, `fn.explain()` and the layerjit command show what a compiled step does"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: Any = 1 if update_freq == "batch" else update_freq
        self._files: dict[str, EventFile] = {}
        self._step = 0
        self._epoch_start = (0.0, 0)
        self._batch_start = 0.0
        self._begun = 0

    def _file(self, kind: str) -> EventFile:
        if kind not in self._files:
            self._files[kind] = EventFile(Path(self.log_dir) / kind)
        return self._files[kind]

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts new files; steps count on from the optimizer's."""
        self._files = {}
        self._step = int(np.asarray(getattr(self.model.optimizer, "iterations", 0)))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Takes note of the time."""
        self._epoch_start = time.perf_counter(), self._step

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Takes note of the time."""
        self._batch_start = time.perf_counter()
        self._begun = batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes the results of steps, where update_freq asks for them."""
        done = batch - self._begun + 1
        before, self._step = self._step, self._step + done
        if self.update_freq == "epoch":
            return
        file = self._file("train")
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._batch_start, 1e-9)
            file.scalar("batch_steps_per_second", done / seconds, before)
        if before == 0 or self._step // self.update_freq != before // self.update_freq:
            for name, value in (logs or {}).items():
                file.scalar(f"batch_{name}", float(np.mean(value)), before)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the epoch's results."""
        logs = dict(logs or {})
        train = {k: v for k, v in logs.items() if not k.startswith("val_")} | self._rate()
        held_out = {k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")}
        for kind, values in (("train", train), ("validation", held_out)):
            for name, value in values.items():
                self._file(kind).scalar(f"epoch_{name}", float(np.mean(value)), epoch)
        if self.write_steps_per_second:
            start, step = self._epoch_start
            speed = (self._step - step) / max(time.perf_counter() - start, 1e-9)
            self._file("train").scalar("epoch_steps_per_second", speed, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._histograms(epoch)
        for file in self._files.values():
            file.flush()

    def _rate(self) -> dict[str, float]:
        """The learning rate where it follows a schedule."""
        from eager.keras.optimizers.schedules import LearningRateSchedule

        optimizer = self.model.optimizer
        if not isinstance(getattr(optimizer, "_learning_rate", None), LearningRateSchedule):
            return {}
        return {"learning_rate": float(np.asarray(optimizer.learning_rate))}

    def _histograms(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                name = weight.name.replace(":", "_")
                self._file("train").histogram(f"{name}/histogram", weight.numpy(), epoch)

    def on_test_end(self, logs: Any = None) -> None:
        """Writes the results of an evaluation over the number of training steps."""
        if getattr(self.model, "optimizer", None) is None:
            return
        step = int(np.asarray(self.model.optimizer.iterations))
        for name, value in (logs or {}).items():
            self._file("validation").scalar(f"evaluation_{name}_vs_iterations", float(np.mean(value)), step)
        self._file("validation").flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()
        self._files = {}
