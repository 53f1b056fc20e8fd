"""The line of progress that fit, evaluate and predict draw."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

_WIDTH = 30
_REDRAW_SECONDS = 0.05
_DONE, _OPEN = "█", "·"


_interactive = [True]


def enable_interactive_logging() -> None:
    """Progress and messages go to the standard output (tf.keras.utils.enable_interactive_logging); the default."""
    _interactive[0] = True


def disable_interactive_logging() -> None:
    """Progress and messages go to the logger "layerjit" (tf.keras.utils.disable_interactive_logging)."""
    _interactive[0] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to the standard output (tf.keras.utils.is_interactive_logging_enabled)."""
    return _interactive[0]


def say(text: str) -> None:
    """Writes a message to the standard output, or to the logger if interactive logging is off."""
    if _interactive[0]:
        sys.stdout.write(text)
        return
    import logging

    logging.getLogger("layerjit").info(text.strip())


class Progbar:
    """A line of progress: redrawn on a terminal, one line at the end elsewhere (tf.keras.utils.Progbar).

    NO_COLOR switches colour off, a dumb terminal redrawing.

    Attributes:
        target: the number of steps, None if it is not known.
        stateful_metrics: names of values that are shown as they come; others are averaged over the steps.
    """

    def __init__(
        self,
        target: int | None,
        width: int = _WIDTH,
        verbose: int = 1,
        interval: float = _REDRAW_SECONDS,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
        title: str = "",
    ) -> None:
        """Takes the number of steps, or None.

        Args:
            target: the number of steps, None if it is not known.
            width: characters of the bar.
            verbose: 0 prints nothing, 1 the bar, 2 one line at the end.
            interval: the least seconds between two drawings.
            stateful_metrics: names of values that are not averaged.
            unit_name: what a step is called.
            title: a line above the bar.
        """
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self._stream = sys.stdout
        tty = bool(getattr(self._stream, "isatty", lambda: False)())
        self._redraws = verbose == 1 and tty and os.environ.get("TERM") != "dumb" and _interactive[0]
        self._color = self._redraws and not os.environ.get("NO_COLOR")
        self._start = time.perf_counter()
        self._drawn = 0.0
        self._seen = 0
        self._last_length = 0
        self._finished = False
        self._values: dict[str, tuple[float, float]] = {}
        self._title = title
        if title and self._redraws:
            self._stream.write(f"{title}\n")

    def wants(self, current: int) -> bool:
        """Whether an update to `current` would be drawn, so that values are worth computing."""
        if not self._redraws or self._finished:
            return False
        return time.perf_counter() - self._drawn >= self.interval or current == self.target

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Shows that `current` steps are done.

        Args:
            current: the number of steps done.
            values: results to show, a dict or a list of pairs.
            finalize: whether this is the last update, which ends the line; by default when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._take(current, values)
        now = time.perf_counter()
        if finalize:
            if self.target is None:
                self.target = current
            self._finish(now)
        elif self._redraws and (now - self._drawn >= self.interval or current == self.target):
            self._drawn = now
            self._draw(self._line(now))

    def add(self, n: int, values: Any = None) -> None:
        """Shows that `n` more steps are done; ends the line when the target is reached."""
        self.update(self._seen + n, values)

    def _take(self, current: int, values: Any) -> None:
        steps = max(current - self._seen, 1)
        for name, value in values.items() if isinstance(values, dict) else (values or ()):
            number = float(np.mean(np.asarray(value)))
            total, count = self._values.get(name, (0.0, 0.0))
            if name in self.stateful_metrics:
                total, count = 0.0, 0.0
            self._values[name] = (total + number * steps, count + steps)
        self._seen = current

    def _finish(self, now: float) -> None:
        if self._finished or not self.verbose:
            return
        self._finished = True
        line = self._line(now)
        if self._redraws:
            self._draw(line)
            self._stream.write("\n")
        else:
            say(f"{self._title} - {line}\n" if self._title else f"{line}\n")
        self._stream.flush()

    def _draw(self, line: str) -> None:
        padding = " " * max(self._last_length - len(line), 0)
        self._last_length = len(line)
        bar = _DONE * line.count(_DONE)
        shown = line.replace(bar, f"\x1b[32m{bar}\x1b[0m", 1) if self._color and bar else line
        self._stream.write(f"\r{shown}{padding}")
        self._stream.flush()

    def _line(self, now: float) -> str:
        seconds = now - self._start
        done, total = self._seen, self.target
        head = f"{done}/{total if total is not None else '?'}"
        if total and self._redraws:
            filled = int(self.width * min(done / total, 1.0))
            head += f" [{_DONE * filled}{_OPEN * (self.width - filled)}]"
        rest = f" - {seconds:.0f}s {_per_step(seconds / done if done else 0.0)}/{self.unit_name}"
        if total and done < total and done and not self._finished:
            rest = f" - ETA: {seconds / done * (total - done):.0f}s"
        return head + rest + "".join(f" - {name}: {_value(*pair)}" for name, pair in self._values.items())


def _per_step(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _value(total: float, count: float) -> str:
    number = total / max(count, 1.0)
    return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"
