"""tf.train.CheckpointManager: several checkpoints in a folder, of which the last ones are kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from eager.train.files import CheckpointState, get_checkpoint_state, latest_checkpoint, path_of, write_state

_SECONDS_PER_HOUR = 3600.0


class CheckpointManager:
    """Saves checkpoints with numbers and deletes old ones (tf.train.CheckpointManager)."""

    def __init__(
        self,
        checkpoint: Any,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
    ) -> None:
        """Goes on where the folder's file `checkpoint` ends.

        Args:
            checkpoint: the tf.train.Checkpoint.
            directory: the folder; it is made.
            max_to_keep: how many checkpoints are kept, None for all.
            keep_checkpoint_every_n_hours: one in so many hours is kept for good.
            checkpoint_name: the names are this and a number.
            step_counter: a variable that counts steps.
            checkpoint_interval: at least so many steps lie between two checkpoints.
            init_fn: called by `restore_or_initialize` if there is no checkpoint.

        Raises:
            ValueError: for a max_to_keep below 1, or an interval without a counter.
        """
        if max_to_keep is not None and max_to_keep < 1:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._keep_every = keep_checkpoint_every_n_hours
        self._prefix = str(Path(self._directory, checkpoint_name))
        self._name = checkpoint_name
        self._step_counter, self._interval, self._init_fn = step_counter, checkpoint_interval, init_fn
        self._last_step: int | None = None
        self._kept: dict[str, float] = {}
        self._latest: str | None = None
        self._last_preserved = time.time()
        self._recover()

    def _recover(self) -> None:
        Path(self._directory).mkdir(parents=True, exist_ok=True)
        state = get_checkpoint_state(self._directory)
        if state is None:
            return
        now = time.time()
        times = [*state.all_model_checkpoint_timestamps, *[now] * len(state.all_model_checkpoint_paths)]
        pairs = zip(state.all_model_checkpoint_paths, times, strict=False)
        self._kept = {p: t for p, t in pairs if path_of(p).exists()}
        self._latest = state.model_checkpoint_path or None
        self._last_preserved = now if state.last_preserved_timestamp is None else state.last_preserved_timestamp

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def checkpoint(self) -> Any:
        """The tf.train.Checkpoint."""
        return self._checkpoint

    @property
    def checkpoint_interval(self) -> int | None:
        """The least number of steps between two checkpoints."""
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The name of the latest checkpoint, None if there is none; for `checkpoint.restore`."""
        return self._latest

    @property
    def checkpoints(self) -> list[str]:
        """The names of the checkpoints that are kept, oldest first, without those kept for good."""
        return list(self._kept)

    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None) -> str | None:
        """Saves and deletes what is too old; returns the checkpoint's name, or None if it is too early.

        Args:
            checkpoint_number: the number in the name; by default the checkpoint's own count.
            check_interval: whether `checkpoint_interval` is looked at.
            options: accepted for compatibility.
        """
        step = None if self._interval is None else int(self._step_counter.numpy())
        early = step is not None and self._last_step is not None and step - self._last_step < (self._interval or 0)
        if check_interval and early:
            return None
        self._last_step = step
        counter = self._checkpoint.save_counter
        number = int(counter.numpy()) + 1 if checkpoint_number is None else _integer(checkpoint_number)
        name = f"{self._prefix}-{number}"
        counter.assign_add(1)
        self._checkpoint.write(name, options)
        self._latest = name
        self._kept.pop(name, None)
        self._kept[name] = time.time()
        self._sweep()
        times = list(self._kept.values())
        write_state(self._directory, CheckpointState(name, self.checkpoints, times, self._last_preserved))
        return name

    def _sweep(self) -> None:
        """Deletes the oldest beyond `max_to_keep`, apart from those that are kept for good."""
        while self._max_to_keep is not None and len(self._kept) > self._max_to_keep:
            name, saved = next(iter(self._kept.items()))
            del self._kept[name]
            wait = None if self._keep_every is None else self._keep_every * _SECONDS_PER_HOUR
            if wait is not None and saved - self._last_preserved >= wait:
                self._last_preserved = saved
                continue
            with suppress(FileNotFoundError):
                path_of(name).unlink()

    def restore_or_initialize(self) -> str | None:
        """Restores the latest checkpoint and returns its name; if there is none, calls `init_fn` and returns None."""
        if self._latest is not None:
            self._checkpoint.restore(self._latest)
            if self._interval is not None:
                self._last_step = int(self._step_counter.numpy())
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
        return None


def _integer(number: Any) -> int:
    return int(number.numpy()) if hasattr(number, "numpy") else int(number)


def checkpoints_iterator(
    checkpoint_dir: Any, min_interval_secs: float = 0, timeout: float | None = None, timeout_fn: Any = None
) -> Iterator[str]:
    """Waits for new checkpoints in a folder and gives their names (tf.train.checkpoints_iterator).

    Args:
        checkpoint_dir: the folder.
        min_interval_secs: the least seconds between two names.
        timeout: the most seconds to wait for a new one; None waits without end.
        timeout_fn: called after a timeout; the iterator ends if it returns True, or if there is none.
    """
    last: str | None = None
    while True:
        found = _next_checkpoint(checkpoint_dir, last, timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        begun, last = time.monotonic(), found
        yield found
        time.sleep(max(0.0, begun + min_interval_secs - time.monotonic()))


def _next_checkpoint(folder: Any, last: str | None, timeout: float | None) -> str | None:
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        found = latest_checkpoint(folder) if Path(folder).is_dir() else None
        if found is not None and found != last:
            return found
        if end is not None and time.monotonic() + 0.1 > end:
            return None
        time.sleep(0.1)
