"""Going on after an interruption where training was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from eager.keras.callbacks.base import Callback

_FILE = "backup.npz"


class BackupAndRestore(Callback):
    """Keeps a backup of the training state, and goes on from it when fit is called again.

    tf.keras.callbacks.BackupAndRestore. The state is the model's weights, the optimizer's variables, and the next
    epoch and step; one file that is replaced as a whole. It is removed when training has ended, and kept when it was
    interrupted.
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
    ) -> None:
        """Takes where and when to save.

        Args:
            backup_dir: a folder for this training alone.
            save_freq: "epoch", or a number of steps.
            delete_checkpoint: whether the backup is removed when training has ended.
            save_before_preemption: must be False: there is no notice of preemption on one machine.

        Raises:
            ValueError: for another save_freq, no folder, or save_before_preemption.
        """
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ValueError(
                f'`save_freq` must be "epoch" or a positive number of steps. Received: save_freq={save_freq!r}'
            )
        if save_before_preemption:
            raise ValueError("save_before_preemption is not supported; use save_freq, a number of steps, instead.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq: Any = save_freq
        self.delete_checkpoint = delete_checkpoint
        self.resume_at: tuple[int, int] | None = None
        self._epoch = 0
        self._steps = 0
        self._last_batch = -1

    @property
    def path(self) -> Path:
        """The backup's file."""
        return Path(self.backup_dir) / _FILE

    def on_train_begin(self, logs: Any = None) -> None:
        """Restores the state if there is a backup.

        Raises:
            ValueError: if the backup does not fit the model, or the model is not built.
        """
        self.resume_at = None
        self._steps, self._last_batch = 0, -1
        if not self.path.exists():
            return
        with np.load(self.path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        if not self.model.built:
            raise ValueError(
                f"BackupAndRestore found a backup in {self.backup_dir!r}, but the model has no weights yet: call it on "
                "data, or `build()` it, before fit."
            )
        self.model.set_weights(_listed(arrays, "weight"))
        self._restore_optimizer(_listed(arrays, "optimizer"))
        self.resume_at = int(arrays["epoch"]), int(arrays["batch"])

    def _restore_optimizer(self, values: list[Any]) -> None:
        optimizer = self.model.optimizer
        optimizer.build(self.model.trainable_variables)
        variables = _variables(optimizer)
        if len(variables) != len(values):
            raise ValueError(
                f"The backup in {self.backup_dir!r} holds {len(values)} variables of the optimizer, but "
                f"{optimizer.name!r} has {len(variables)}: it belongs to another training. Remove it to start anew."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Takes note of the epoch."""
        self._epoch = epoch
        self._last_batch = -1 if self.resume_at is None or epoch != self.resume_at[0] else self.resume_at[1] - 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves after the given number of steps."""
        if self.save_freq == "epoch":
            return
        self._steps += batch - self._last_batch
        self._last_batch = batch
        if self._steps >= self.save_freq:
            self._steps = 0
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves after an epoch."""
        self._save(epoch + 1, 0)

    def on_train_end(self, logs: Any = None) -> None:
        """Removes the backup, unless training was interrupted."""
        self.resume_at = None
        if self.delete_checkpoint and not getattr(self.model, "_fit_interrupted", False):
            self.path.unlink(missing_ok=True)

    def _save(self, epoch: int, batch: int) -> None:
        arrays: dict[str, Any] = {f"weight{i}": w for i, w in enumerate(self.model.get_weights())}
        values = [v.numpy() for v in _variables(self.model.optimizer)]
        arrays |= {f"optimizer{i}": v for i, v in enumerate(values)}
        arrays |= {"epoch": np.asarray(epoch), "batch": np.asarray(batch)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(f"{_FILE}.{os.getpid()}.part")
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path)


def _listed(arrays: dict[str, Any], prefix: str) -> list[Any]:
    count = sum(1 for name in arrays if name.startswith(prefix))
    return [arrays[f"{prefix}{i}"] for i in range(count)]


def _variables(optimizer: Any) -> list[Any]:
    found: Any = optimizer.variables
    if callable(found):
        found = found()
    return [*found]
