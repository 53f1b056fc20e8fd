"""tf.keras.utils: categories, seeds, registration of custom classes, the progress bar."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np

from eager.keras.serialization import (
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

CustomObjectScope = custom_object_scope
_WIDTH = 30
_REDRAW_SECONDS = 0.05


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray[Any, Any]:
    """Class numbers as one-hot rows (tf.keras.utils.to_categorical).

    Args:
        y: integers of any shape; a last axis of size 1 is dropped.
        num_classes: the number of classes, by default the largest number and one.
        dtype: the dtype of the result.
    """
    numbers = np.asarray(y, dtype=np.int64)
    shape = numbers.shape[:-1] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers.shape
    flat = numbers.reshape(-1)
    count = int(flat.max()) + 1 if num_classes is None else num_classes
    result = np.zeros((flat.size, count), dtype=dtype)
    result[np.arange(flat.size), flat] = 1
    return result.reshape((*shape, count))


def set_random_seed(seed: int) -> None:
    """Seeds Python's, NumPy's and tf's random numbers (tf.keras.utils.set_random_seed).

    Raises:
        ValueError: if the seed is no integer.
    """
    import random

    from eager.ops.random import set_seed

    if not isinstance(seed, int):
        raise ValueError(f"Expected `seed` argument to be an integer. Received: seed={seed} (of type {type(seed)})")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the seed that fit's shuffling and user code share)
    set_seed(seed)


class Progbar:
    """A line of progress: redrawn on a terminal, one line at the end elsewhere (tf.keras.utils.Progbar).

    NO_COLOR and a dumb terminal switch redrawing and colour off.
    """

    def __init__(
        self,
        target: int | None,
        width: int = _WIDTH,
        verbose: int = 1,
        interval: float = _REDRAW_SECONDS,
        stateful_metrics: Any = None,
        unit_name: str = "step",
        title: str = "",
    ) -> None:
        """Takes the number of steps, or None.

        Args:
            target: the number of steps, None if it is not known.
            width: characters of the bar.
            verbose: 0 prints nothing, 1 the bar, 2 one line at the end.
            interval: the least seconds between two drawings.
            stateful_metrics: accepted for compatibility; values are shown as they come.
            unit_name: what a step is called.
            title: a line above the bar.
        """
        del stateful_metrics
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self._stream = sys.stdout
        tty = bool(getattr(self._stream, "isatty", lambda: False)())
        self._redraws = verbose == 1 and tty and os.environ.get("TERM") != "dumb"
        self._color = self._redraws and not os.environ.get("NO_COLOR")
        self._start = time.perf_counter()
        self._drawn = 0.0
        self._current = 0
        self._last_length = 0
        self._finished = False
        self._title = title
        if title and self._redraws:
            self._stream.write(f"{title}\n")

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Shows that `current` steps are done.

        Args:
            current: the number of steps done.
            values: results to show, a dict or a list of pairs.
            finalize: whether this is the last update, which ends the line.
        """
        self._current = current
        now = time.perf_counter()
        if finalize:
            self.finish(values)
            return
        if self._redraws and (now - self._drawn >= self.interval or current == self.target):
            self._drawn = now
            self._draw(self._line(values, now))

    def add(self, n: int, values: Any = None) -> None:
        """Shows that `n` more steps are done; ends the line when the target is reached."""
        self.update(self._current + n, values)
        if self._current == self.target:
            self.finish(values)

    def finish(self, values: Any = None) -> None:
        """Draws the last state and ends the line."""
        if self._finished or not self.verbose:
            return
        self._finished = True
        line = self._line(values, time.perf_counter())
        if self._redraws:
            self._draw(line)
            self._stream.write("\n")
        else:
            self._stream.write(f"{self._title} - {line}\n" if self._title else f"{line}\n")
        self._stream.flush()

    def _draw(self, line: str) -> None:
        padding = " " * max(self._last_length - len(line), 0)
        self._last_length = len(line)
        bar = "█" * line.count("█")
        shown = line.replace(bar, f"\x1b[32m{bar}\x1b[0m", 1) if self._color and bar else line
        self._stream.write(f"\r{shown}{padding}")
        self._stream.flush()

    def _line(self, values: Any, now: float) -> str:
        seconds = now - self._start
        done, total = self._current, self.target
        head = f"{done}/{total if total is not None else '?'}"
        if total and self._redraws:
            filled = int(self.width * min(done / total, 1.0))
            head += f" [{'█' * filled}{'·' * (self.width - filled)}]"
        rest = f" - {seconds:.0f}s {_per_step(seconds / done if done else 0.0)}/{self.unit_name}"
        if total and done < total and done:
            rest = f" - ETA: {seconds / done * (total - done):.0f}s"
        pairs = values.items() if isinstance(values, dict) else (values or ())
        return head + rest + "".join(f" - {name}: {_value(value)}" for name, value in pairs)


def _per_step(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _value(value: Any) -> str:
    number = float(np.mean(np.asarray(value)))
    return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"


__all__ = [
    "CustomObjectScope", "Progbar", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "register_keras_serializable", "serialize_keras_object",
    "set_random_seed", "to_categorical",
]  # fmt: skip
